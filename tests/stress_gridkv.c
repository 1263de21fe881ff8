/* Usage: stress_gridkv [SECONDS]
 *
 * Goal: threads that share nodes are told no lies, on this machine, its real memory and its real
 * sockets. Method: three nodes in this process, two threads at each of two of them and one at the
 * third; each does so many random operations: sets, gets, deletes, alone, many at once and
 * asynchronous, and looks at figures and members. First at level EVENTUAL, where they work in place
 * beside the nodes' threads, then at QUORUM, where each call crosses to them. A value is whole and
 * its key's; what a thread reads of a key that it alone writes is never older than what it read or
 * wrote there before; in the end all nodes hold the same. One round of both, or rounds with new
 * seeds until SECONDS are over. Built with -fsanitize=thread (preset tsan) it also shows that no
 * two threads touch the same plain data.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/prng.h"
#include "io_posix/gridkv.h"

#define NODE_COUNT 3
#define THREAD_COUNT 5
#define OPERATION_COUNT 2000
#define MANY 8
#define SHARED_COUNT 64 /* keys that all write */
#define OWN_COUNT 16    /* for each thread, keys that it alone writes */
#define KEY_COUNT (SHARED_COUNT + THREAD_COUNT * OWN_COUNT)
#define VALUE_BYTES_MAX 40000
#define HEAD_BYTES 24
#define PATIENCE_MS 30000 /* a limit for failure, never waited out */

/* What a value begins with; the rest follows from it. */
struct head {
    uint64_t key;
    uint64_t writer;
    uint64_t number; /* of the writer's sets */
};

struct worker {
    struct gridkv *node;
    uint32_t index;
    struct gkv_prng prng;
    uint64_t set_count;
    uint64_t seen[KEY_COUNT]; /* of own keys: the number last read or written */
    uint64_t unanswered_count;
    uint8_t value[MANY][VALUE_BYTES_MAX];
    uint8_t read[MANY][VALUE_BYTES_MAX];
};

struct plan {
    const char *name;
    enum gridkv_level level;
    uint8_t quorum;
};

static struct gridkv *nodes[NODE_COUNT];
static struct worker workers[THREAD_COUNT];
static _Atomic uint64_t asked_count; /* asynchronous */
static _Atomic uint64_t done_count;
static uint64_t seed = 1;

static _Noreturn void fail(uint64_t key, const char *what)
{
    printf("FAIL seed %" PRIu64 ", key %" PRIu64 ": %s\n", seed, key, what);
    (void)fflush(stdout);
    _Exit(1);
}

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&span, NULL);
}

/* ---- Values. --------------------------------------------------------------------------------- */

static size_t bytes_of(const struct head *head)
{
    const uint64_t draw = head->number % 199;
    return HEAD_BYTES + (draw == 0 ? VALUE_BYTES_MAX - HEAD_BYTES : draw * 5);
}

static uint8_t byte_of(const struct head *head, size_t index)
{
    return (uint8_t)(head->key * 7 + head->writer * 31 + head->number * 13 + index * 3);
}

static size_t write_value(const struct head *head, uint8_t *out)
{
    const size_t bytes = bytes_of(head);
    memcpy(out, head, HEAD_BYTES);
    for (size_t i = HEAD_BYTES; i < bytes; i++) {
        out[i] = byte_of(head, i);
    }
    return bytes;
}

static struct head check_value(uint64_t key, const uint8_t *value, size_t bytes)
{
    struct head head;
    if (bytes < HEAD_BYTES) {
        fail(key, "its value is too short");
    }
    memcpy(&head, value, HEAD_BYTES);
    if (head.key != key || head.writer >= THREAD_COUNT || bytes != bytes_of(&head)) {
        fail(key, "its value is another's");
    }
    for (size_t i = HEAD_BYTES; i < bytes; i++) {
        if (value[i] != byte_of(&head, i)) {
            fail(key, "its value is torn");
        }
    }
    return head;
}

/* ---- What a thread does. --------------------------------------------------------------------- */

static bool is_own(const struct worker *worker, uint64_t key)
{
    return key >= SHARED_COUNT && (key - SHARED_COUNT) / OWN_COUNT == worker->index;
}

static uint64_t draw_key(struct worker *worker)
{
    const uint64_t draw = gkv_prng_below(&worker->prng, SHARED_COUNT + OWN_COUNT);
    return draw < SHARED_COUNT ? draw : draw + worker->index * OWN_COUNT;
}

static void check_read(struct worker *worker, uint64_t key, const uint8_t *value, size_t bytes)
{
    const struct head head = check_value(key, value, bytes);
    if (is_own(worker, key)) {
        if (head.number < worker->seen[key]) {
            fail(key, "what its only writer reads went back");
        }
        worker->seen[key] = head.number;
    }
}

/* A write that failed, or is in doubt, may be held or not. */
static void note_write(struct worker *worker, uint64_t key, uint64_t number, enum gkv_error error)
{
    if (error != GKV_OK) {
        worker->unanswered_count++;
    } else if (is_own(worker, key)) {
        worker->seen[key] = number;
    }
}

static void note_read(struct worker *worker, uint64_t key, enum gkv_error error,
                      const uint8_t *value, size_t bytes)
{
    if (error == GKV_OK) {
        check_read(worker, key, value, bytes);
    } else if (error == GKV_ERROR_BUFFER) {
        fail(key, "its value is too long");
    } else if (error != GKV_ERROR_NOT_FOUND) {
        worker->unanswered_count++;
    }
}

static void set(struct worker *worker, uint64_t key)
{
    const struct head head = {key, worker->index, ++worker->set_count};
    const size_t bytes = write_value(&head, worker->value[0]);
    note_write(worker, key, head.number,
               gridkv_set(worker->node, &key, sizeof(key), worker->value[0], bytes, 0));
}

static void get(struct worker *worker, uint64_t key)
{
    size_t bytes = 0;
    const enum gkv_error error = gridkv_get(worker->node, &key, sizeof(key), worker->read[0],
                                            sizeof(worker->read[0]), &bytes);
    note_read(worker, key, error, worker->read[0], bytes);
}

static void get_copy(struct worker *worker, uint64_t key)
{
    void *value = NULL;
    size_t bytes = 0;
    const enum gkv_error error = gridkv_get_copy(worker->node, &key, sizeof(key), &value, &bytes);
    note_read(worker, key, error, value, bytes);
    if (error == GKV_OK) {
        gridkv_free(value);
    }
}

static void get_many(struct worker *worker)
{
    uint64_t keys[MANY];
    struct gridkv_read reads[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        keys[i] = draw_key(worker);
        reads[i] = (struct gridkv_read){.key = &keys[i],
                                        .key_bytes = sizeof(keys[i]),
                                        .buffer = worker->read[i],
                                        .buffer_bytes = sizeof(worker->read[i])};
    }
    if (gridkv_get_many(worker->node, reads, MANY) != GKV_OK) {
        fail(keys[0], "many gets were refused");
    }
    for (uint32_t i = 0; i < MANY; i++) {
        note_read(worker, keys[i], reads[i].error, worker->read[i], reads[i].value_bytes);
    }
}

/* Two sets of one key in one call have no order: each key is set once. */
static void set_many(struct worker *worker)
{
    const uint64_t first = draw_key(worker);
    uint64_t keys[MANY];
    struct head heads[MANY];
    struct gridkv_write writes[MANY];
    uint32_t count = 0;
    for (uint64_t key = first; key < first + MANY; key++) {
        if (key < SHARED_COUNT || is_own(worker, key)) {
            keys[count] = key;
            heads[count] = (struct head){key, worker->index, ++worker->set_count};
            writes[count] = (struct gridkv_write){
                .key = &keys[count],
                .key_bytes = sizeof(key),
                .value = worker->value[count],
                .value_bytes = write_value(&heads[count], worker->value[count])};
            count++;
        }
    }
    if (gridkv_set_many(worker->node, writes, count) != GKV_OK) {
        fail(first, "many sets were refused");
    }
    for (uint32_t i = 0; i < count; i++) {
        note_write(worker, keys[i], heads[i].number, writes[i].error);
    }
}

/* On the node's thread. Of a shared key nobody knows how old it may be. */
static void on_got(void *context, const struct gridkv_completion *completion)
{
    if (completion->error == GKV_OK) {
        (void)check_value((uint64_t)(uintptr_t)context, completion->value, completion->value_bytes);
    }
    (void)atomic_fetch_add(&done_count, 1);
}

static void get_async(struct worker *worker)
{
    const uint64_t key = gkv_prng_below(&worker->prng, SHARED_COUNT);
    const enum gkv_error error =
        gridkv_get_async(worker->node, &key, sizeof(key), on_got, (void *)(uintptr_t)key);
    if (error == GKV_OK) {
        (void)atomic_fetch_add(&asked_count, 1);
    } else if (error != GKV_ERROR_BUSY) {
        fail(key, "an asynchronous get was refused");
    }
}

static void look_around(struct worker *worker)
{
    struct gridkv_stats stats;
    struct gridkv_member_event event;
    if (gridkv_stats(worker->node, &stats, sizeof(stats)) != GKV_OK) {
        fail(0, "there are no figures");
    }
    (void)gridkv_health(worker->node);
    (void)gridkv_member_next(worker->node, 0, &event, sizeof(event));
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (uint32_t i = 0; i < OPERATION_COUNT; i++) {
        const uint64_t key = draw_key(worker);
        const uint64_t draw = gkv_prng_below(&worker->prng, 100);
        if (draw < 40) {
            get(worker, key);
        } else if (draw < 75) {
            set(worker, key);
        } else if (draw < 80) {
            const enum gkv_error error = gridkv_delete(worker->node, &key, sizeof(key));
            worker->unanswered_count += error != GKV_OK;
        } else if (draw < 85) {
            get_copy(worker, key);
        } else if (draw < 90) {
            get_many(worker);
        } else if (draw < 94) {
            set_many(worker);
        } else if (draw < 98) {
            get_async(worker);
        } else {
            look_around(worker);
        }
    }
    return NULL;
}

/* ---- Rounds. --------------------------------------------------------------------------------- */

static void open_nodes(const struct plan *plan)
{
    static const char *const names[NODE_COUNT] = {"a", "b", "c"};
    char reason[256];
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        struct gridkv_options options;
        gridkv_options_init(&options);
        options.node_name = names[i];
        options.level = plan->level;
        options.replica_count = NODE_COUNT;
        options.write_quorum = plan->quorum;
        options.read_quorum = plan->quorum;
        options.bootstrap_expect = NODE_COUNT;
        options.seed_addresses[0] = i == 0 ? NULL : gridkv_address(nodes[0]);
        options.seed_count = i == 0 ? 0 : 1;
        if (gridkv_open(&options, &nodes[i], reason, sizeof(reason)) != GKV_OK) {
            fail(0, reason);
        }
    }
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        if (gridkv_wait_ready(nodes[i], PATIENCE_MS) != GKV_OK) {
            fail(0, "the nodes do not meet");
        }
    }
}

/* Do all nodes hold the same of this key? */
static bool is_agreed(uint64_t key)
{
    static uint8_t values[NODE_COUNT][VALUE_BYTES_MAX];
    enum gkv_error errors[NODE_COUNT];
    size_t bytes[NODE_COUNT] = {0};
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        errors[i] =
            gridkv_get(nodes[i], &key, sizeof(key), values[i], sizeof(values[i]), &bytes[i]);
        if (errors[i] == GKV_OK) {
            (void)check_value(key, values[i], bytes[i]);
        } else if (errors[i] != GKV_ERROR_NOT_FOUND) {
            return false;
        }
    }
    bool is_same = true;
    for (uint32_t i = 1; i < NODE_COUNT; i++) {
        is_same = is_same && errors[i] == errors[0] && bytes[i] == bytes[0] &&
                  memcmp(values[i], values[0], bytes[0]) == 0;
    }
    return is_same;
}

static void wait_for_agreement(void)
{
    uint32_t waited_ms = 0;
    for (uint64_t key = 0; key < KEY_COUNT; key++) {
        while (!is_agreed(key)) {
            if (waited_ms++ == PATIENCE_MS) {
                fail(key, "the nodes do not agree in the end");
            }
            pause_ms(1);
        }
    }
    while (atomic_load(&done_count) < atomic_load(&asked_count)) {
        if (waited_ms++ == PATIENCE_MS) {
            fail(0, "an asynchronous get was never answered");
        }
        pause_ms(1);
    }
}

/* How many operations the nodes' threads have carried out. */
static uint64_t crossed_count(void)
{
    struct gridkv_stats stats;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        (void)gridkv_stats(nodes[i], &stats, sizeof(stats));
        sum += stats.operation_count;
    }
    return sum;
}

static void run_round(const struct plan *plan)
{
    pthread_t threads[THREAD_COUNT];
    uint64_t unanswered_count = 0;
    open_nodes(plan);
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        struct worker *worker = &workers[i];
        memset(worker->seen, 0, sizeof(worker->seen));
        worker->node = nodes[i % NODE_COUNT];
        worker->index = i;
        worker->set_count = 0;
        worker->unanswered_count = 0;
        gkv_prng_init(&worker->prng, seed, i);
        if (pthread_create(&threads[i], NULL, work, worker) != 0) {
            fail(0, "no thread");
        }
    }
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        (void)pthread_join(threads[i], NULL);
        unanswered_count += workers[i].unanswered_count;
    }
    wait_for_agreement();
    if (unanswered_count > THREAD_COUNT * OPERATION_COUNT / 2) {
        fail(0, "most operations were not answered");
    }
    const uint64_t crossed = crossed_count();
    if ((crossed < THREAD_COUNT * OPERATION_COUNT / 2) != (plan->level == GRIDKV_LEVEL_EVENTUAL)) {
        fail(0, "operations were carried out elsewhere than was to be shown");
    }
    printf("%s: seed=%" PRIu64 " calls=%d crossed=%" PRIu64 " unanswered=%" PRIu64 " result=pass\n",
           plan->name, seed, THREAD_COUNT * OPERATION_COUNT, crossed, unanswered_count);
    (void)fflush(stdout);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        gridkv_close(nodes[i]);
    }
}

int main(int count, char **words)
{
    static const struct plan plans[] = {
        {"in place", GRIDKV_LEVEL_EVENTUAL, 1},
        {"by quorum", GRIDKV_LEVEL_QUORUM, 2},
    };
    const time_t seconds = count == 2 ? (time_t)strtoul(words[1], NULL, 10) : 0;
    if (count > 2) {
        fprintf(stderr, "usage: stress_gridkv [SECONDS]\n");
        return 2;
    }
    const time_t until = time(NULL) + seconds;
    do {
        for (uint32_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
            run_round(&plans[i]);
        }
        seed++;
    } while (time(NULL) < until);
    return 0;
}
