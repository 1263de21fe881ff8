/* What one get and one put of the store cost, alone and 32 at a time, in one thread, beside the
 * cost of hashing the key.
 *
 * Prints the median of ROUNDS rounds, in ns per operation. Figures are for comparing two builds on
 * one machine in one run; machines differ, and shared ones are noisy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"

#define ROUNDS 7
#define OPERATIONS_PER_ROUND 400000
#define BATCH 32
#define VALUE_BYTES 100
#define KEY_BYTES 16
#define HUGE_PAGE_BYTES (2 * 1024 * 1024)

struct bench {
    struct gkv_store store;
    uint32_t key_count;
    uint64_t stamp;
    uint8_t value[VALUE_BYTES];
};

/* Processor time, so that whatever else runs here disturbs less. */
static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_store: %s\n", what);
    exit(1);
}

typedef char key_text[KEY_BYTES + 1];

static void print_key(uint64_t number, key_text text)
{
    snprintf(text, KEY_BYTES + 1, "%016" PRIx64, number);
}

static struct gkv_key key_of(const key_text text)
{
    const struct gkv_bytes bytes = {(const uint8_t *)text, KEY_BYTES};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

static struct gkv_record next_record(struct bench *bench)
{
    return (struct gkv_record){.version = {.hlc = {++bench->stamp}, .writer = 1},
                               .value = {bench->value, VALUE_BYTES}};
}

/* ---- Operations on BATCH keys. --------------------------------------------------------------- */

static void hash_each(struct bench *bench, key_text *keys)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        bench->stamp += key_of(keys[i]).hash & 1;
    }
}

static void get_each(struct bench *bench, key_text *keys)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        uint8_t out[VALUE_BYTES];
        struct gkv_record record;
        if (!gkv_store_get(&bench->store, key_of(keys[i]), 0, (struct gkv_buffer){out, sizeof(out)},
                           &record)) {
            fail("a get found nothing");
        }
    }
}

static void get_many(struct bench *bench, key_text *keys)
{
    static uint8_t out[BATCH][VALUE_BYTES];
    struct gkv_store_read reads[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        reads[i].key = key_of(keys[i]);
        reads[i].buffer = (struct gkv_buffer){out[i], VALUE_BYTES};
    }
    gkv_store_get_many(&bench->store, 0, reads, BATCH);
    for (uint32_t i = 0; i < BATCH; i++) {
        if (!reads[i].is_found) {
            fail("one of many gets found nothing");
        }
    }
}

static void put_each(struct bench *bench, key_text *keys)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        const struct gkv_record record = next_record(bench);
        if (gkv_store_put(&bench->store, key_of(keys[i]), &record, NULL) != GKV_STORE_STORED) {
            fail("a put was not stored");
        }
    }
}

static void put_many(struct bench *bench, key_text *keys)
{
    struct gkv_store_write writes[BATCH];
    for (uint32_t i = 0; i < BATCH; i++) {
        writes[i].key = key_of(keys[i]);
        writes[i].record = next_record(bench);
    }
    gkv_store_put_many(&bench->store, writes, BATCH);
    for (uint32_t i = 0; i < BATCH; i++) {
        if (writes[i].outcome != GKV_STORE_STORED) {
            fail("one of many puts was not stored");
        }
    }
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The keys are made before the clock starts: printing them costs more than the store does. */
static double median_ns(struct bench *bench, void (*operate)(struct bench *, key_text *))
{
    static key_text keys[OPERATIONS_PER_ROUND];
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    double rounds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < OPERATIONS_PER_ROUND; i++) {
            print_key(gkv_prng_below(&prng, bench->key_count), keys[i]);
        }
        const uint64_t start = clock_ns();
        for (int i = 0; i < OPERATIONS_PER_ROUND; i += BATCH) {
            operate(bench, &keys[i]);
        }
        rounds[round] = (double)(clock_ns() - start) / OPERATIONS_PER_ROUND;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    return rounds[ROUNDS / 2];
}

static void run(uint32_t key_count)
{
    const uint64_t limit =
        (UINT64_C(4) * 1024 * 1024 + (uint64_t)key_count * 180) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    void *memory = aligned_alloc(HUGE_PAGE_BYTES, limit);
    if (memory == NULL) {
        fail("no memory");
    }
#ifdef MADV_HUGEPAGE
    (void)madvise(memory, limit, MADV_HUGEPAGE); /* without, each miss of the cache misses twice */
#endif
    struct bench bench = {.key_count = key_count};
    struct gkv_arena arena = gkv_arena_over(memory, limit);
    const struct gkv_store_options options = {.limit_bytes = limit, .policy = GKV_STORE_REJECT};
    gkv_store_init(&bench.store, &arena, &options);
    memset(bench.value, 'v', sizeof(bench.value));
    for (uint32_t i = 0; i < key_count; i++) {
        key_text text;
        print_key(i, text);
        const struct gkv_record record = next_record(&bench);
        if (gkv_store_put(&bench.store, key_of(text), &record, NULL) != GKV_STORE_STORED) {
            fail("the store is full");
        }
    }
    const struct gkv_store_stats stats = gkv_store_stats(&bench.store);
    printf("| %" PRIu32 " | %.1f |", key_count, median_ns(&bench, hash_each));
    printf(" %.1f | %.1f |", median_ns(&bench, get_each), median_ns(&bench, get_many));
    printf(" %.1f | %.1f |", median_ns(&bench, put_each), median_ns(&bench, put_many));
    printf(" %.1f |\n", (double)stats.used_bytes / key_count - KEY_BYTES - VALUE_BYTES);
    free(memory);
}

int main(void)
{
    printf("uniform keys of %d bytes, values of %d bytes, one thread; ns per key\n\n", KEY_BYTES,
           VALUE_BYTES);
    printf(
        "| keys | hash | get | get of %d | put | put of %d | bytes over key and value, but for the "
        "index |\n|---|---|---|---|---|---|---|\n",
        BATCH, BATCH);
    run(10000);
    run(1000000);
    return 0;
}
