/* Usage: stress_store [SECONDS]
 *
 * Goal: threads that share a store are never told a lie, on this machine and its real memory.
 * Method: each of three does so many random operations on a few keys: puts of all sizes, gets,
 * alone and eight at a time, lists, sweeps, gathering; first in a store with room, then in one that
 * has to evict. Values are whole and those of their versions; where nothing is evicted, the
 * versions of a key never go back for one thread. One round of both, or rounds with new seeds until
 * SECONDS are over. Built with -fsanitize=thread (preset tsan) it also shows that no two threads
 * touch the same plain data. What needs rarer orders: tests/interleave/. Through nodes:
 * stress_gridkv.c.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/gather.h"
#include "core/hash.h"
#include "core/panic.h"
#include "core/prng.h"
#include "core/store.h"

#define THREAD_COUNT 3
#define OPERATION_COUNT 200000
#define KEY_COUNT_MAX 4096
#define MANY 8
#define LIMIT_BYTES_MAX (4 * 1024 * 1024)
#define VALUE_BYTES_MAX 40000
#define FIRST_MS UINT64_C(100000)

struct worker {
    uint32_t number;
    struct gkv_prng prng;
    struct gkv_version seen[KEY_COUNT_MAX];
    uint8_t buffer[MANY][GKV_KEY_BYTES_MAX + VALUE_BYTES_MAX];
};

struct plan {
    const char *name;
    uint64_t limit_bytes;
    uint32_t key_count;
    enum gkv_store_policy policy;
};

static const struct plan *plan;

static struct gkv_store store;
static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[LIMIT_BYTES_MAX];
static struct worker workers[THREAD_COUNT];
static _Atomic uint64_t stamp = FIRST_MS << GKV_HLC_COUNTER_BITS;

static _Noreturn void fail(const struct worker *worker, uint32_t key, const char *what)
{
    printf("FAIL thread %" PRIu32 ", key %" PRIu32 ": %s\n", worker->number, key, what);
    fflush(stdout);
    _Exit(1);
}

_Noreturn void gkv_panic(const char *expression, const char *file, int line)
{
    printf("FAIL %s:%d: %s\n", file, line, expression);
    fflush(stdout);
    _Exit(1);
}

static struct gkv_key key_of(uint32_t number, char text[8])
{
    const struct gkv_bytes bytes = {(const uint8_t *)text,
                                    (size_t)snprintf(text, 8, "%" PRIu32, number)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

static uint8_t value_byte(struct gkv_version version, size_t index)
{
    return (uint8_t)(version.hlc.packed * 31 + version.writer * 7 + index * 13);
}

static size_t value_bytes(struct gkv_version version)
{
    const uint64_t draw = version.hlc.packed % 97;
    return draw == 0 ? VALUE_BYTES_MAX - version.hlc.packed % 4096 : draw * 7;
}

static void put(struct worker *worker, uint32_t number)
{
    const struct gkv_version version = {{atomic_fetch_add(&stamp, 1)}, worker->number};
    struct gkv_record record = {.version = version};
    record.is_tombstone = gkv_prng_below(&worker->prng, 8) == 0;
    record.expire_ms =
        gkv_prng_below(&worker->prng, 4) == 0 ? FIRST_MS + gkv_prng_below(&worker->prng, 9) : 0;
    record.value = (struct gkv_bytes){worker->buffer[0], value_bytes(version)};
    for (size_t i = 0; i < record.value.count; i++) {
        worker->buffer[0][i] = value_byte(version, i);
    }
    char text[8];
    struct gkv_version held;
    const enum gkv_store_outcome outcome =
        gkv_store_put(&store, key_of(number, text), &record, &held);
    if (outcome != GKV_STORE_FULL && gkv_version_compare(held, version) < 0) {
        fail(worker, number, "after a put something older is held");
    }
}

static void check(struct worker *worker, uint32_t number, const struct gkv_record *record)
{
    if (plan->policy == GKV_STORE_REJECT &&
        gkv_version_compare(record->version, worker->seen[number]) < 0) {
        fail(worker, number, "its version went back");
    }
    worker->seen[number] = record->version;
    if (!record->is_tombstone && record->value.count != value_bytes(record->version)) {
        fail(worker, number, "its value has the length of another");
    }
    for (size_t i = 0; i < record->value.count; i++) {
        if (record->value.data[i] != value_byte(record->version, i)) {
            fail(worker, number, "its value is torn");
        }
    }
}

static void get(struct worker *worker, uint32_t number)
{
    char text[8];
    struct gkv_record record;
    if (gkv_store_get(&store, key_of(number, text), FIRST_MS + 4,
                      (struct gkv_buffer){worker->buffer[0], sizeof(worker->buffer[0])}, &record)) {
        check(worker, number, &record);
    }
}

static void get_many(struct worker *worker)
{
    char texts[MANY][8];
    uint32_t numbers[MANY];
    struct gkv_store_read reads[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        numbers[i] = (uint32_t)gkv_prng_below(&worker->prng, plan->key_count);
        reads[i].key = key_of(numbers[i], texts[i]);
        reads[i].buffer = (struct gkv_buffer){worker->buffer[i], sizeof(worker->buffer[i])};
    }
    gkv_store_get_many(&store, FIRST_MS + 4, reads, MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        if (reads[i].is_found) {
            check(worker, numbers[i], &reads[i].record);
        }
    }
}

static void list(uint32_t number)
{
    char text[8];
    struct gkv_key_version listed[16];
    const uint32_t slot = gkv_slot_of(key_of(number, text).hash);
    (void)gkv_store_list(&store, (struct gkv_slot_part){slot, 0, 1}, listed, 16);
    (void)gkv_store_digest(&store);
    (void)gkv_store_stats(&store);
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (uint64_t i = 0; i < OPERATION_COUNT; i++) {
        const uint32_t key = (uint32_t)gkv_prng_below(&worker->prng, plan->key_count);
        const uint64_t draw = gkv_prng_below(&worker->prng, 256);
        if (draw < 100) {
            put(worker, key);
        } else if (draw < 240) {
            get(worker, key);
        } else if (draw < 253) {
            get_many(worker);
        } else if (draw == 253) {
            list(key);
        } else if (draw == 254) {
            gkv_store_sweep(&store, FIRST_MS + 4, UINT64_C(1) << 40, GKV_SLOT_COUNT / 16);
        } else {
            (void)gkv_gather(&store.index, gkv_prng_below(&worker->prng, 2) == 0);
        }
    }
    return NULL;
}

/* False when what the plan is about never happened. */
static bool run(uint64_t seed)
{
    const struct gkv_store_options options = {.limit_bytes = plan->limit_bytes,
                                              .policy = plan->policy};
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_store_init(&store, &arena, &options);
    pthread_t threads[THREAD_COUNT];
    memset(workers, 0, sizeof(workers));
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        workers[i].number = i;
        gkv_prng_init(&workers[i].prng, seed, i);
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            fprintf(stderr, "stress_store: no thread\n");
            exit(2);
        }
    }
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const struct gkv_store_stats stats = gkv_store_stats(&store);
    printf("%s: seed=%" PRIu64 " operations=%d records=%" PRIu64 " expired=%" PRIu64
           " evicted=%" PRIu64 " result=pass\n",
           plan->name, seed, OPERATION_COUNT * THREAD_COUNT, stats.record_count,
           stats.expired_count, stats.evicted_count);
    (void)fflush(stdout);
    return stats.expired_count > 0 &&
           (stats.evicted_count > 0) == (plan->policy == GKV_STORE_EVICT);
}

int main(int count, char **words)
{
    const time_t seconds = count == 2 ? (time_t)strtoul(words[1], NULL, 10) : 0;
    if (count > 2) {
        fprintf(stderr, "usage: stress_store [SECONDS]\n");
        return 2;
    }
    const struct plan plans[] = {
        {"room for all", LIMIT_BYTES_MAX, 256, GKV_STORE_REJECT},
        {"room for some", GKV_STORE_BYTES_MIN, KEY_COUNT_MAX, GKV_STORE_EVICT},
    };
    const time_t until = time(NULL) + seconds;
    uint64_t seed = 0;
    bool has_happened = true;
    do {
        seed++;
        for (uint32_t i = 0; i < 2; i++) {
            plan = &plans[i];
            has_happened = run(seed) && has_happened;
        }
    } while (time(NULL) < until);
    return has_happened ? 0 : 1;
}
