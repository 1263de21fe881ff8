/* What one get and one put of the store cost, in one thread, beside the cost of hashing the key.
 *
 * Prints the median of ROUNDS rounds, in ns per operation. Figures are for comparing two builds on
 * one machine in one run; machines differ, and shared ones are noisy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"

#define ROUNDS 7
#define OPERATIONS_PER_ROUND 400000
#define VALUE_BYTES 100
#define KEY_BYTES 16

struct bench {
    struct gkv_store store;
    uint32_t key_count;
    uint64_t stamp;
    uint8_t value[VALUE_BYTES];
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct gkv_bytes key_of(uint64_t number, char text[KEY_BYTES + 1])
{
    snprintf(text, KEY_BYTES + 1, "%016" PRIx64, number);
    return (struct gkv_bytes){(const uint8_t *)text, KEY_BYTES};
}

static void put(struct bench *bench, struct gkv_bytes key)
{
    const struct gkv_record record = {
        .version = {.hlc = {++bench->stamp}, .writer = 1},
        .value = {bench->value, VALUE_BYTES},
    };
    if (gkv_store_put(&bench->store, (struct gkv_key){key, gkv_hash(key.data, key.count, 0)},
                      &record, NULL) != GKV_STORE_STORED) {
        fprintf(stderr, "bench_store: a put was not stored\n");
        exit(1);
    }
}

static void get(struct bench *bench, struct gkv_bytes key)
{
    uint8_t out[VALUE_BYTES];
    struct gkv_record record;
    if (!gkv_store_get(&bench->store, (struct gkv_key){key, gkv_hash(key.data, key.count, 0)}, 0,
                       (struct gkv_buffer){out, sizeof(out)}, &record)) {
        fprintf(stderr, "bench_store: a get found nothing\n");
        exit(1);
    }
}

static void hash_only(struct bench *bench, struct gkv_bytes key)
{
    bench->stamp += gkv_hash(key.data, key.count, 0) & 1;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The keys are made before the clock starts: printing them costs more than the store does. */
static double median_ns(struct bench *bench, void (*operation)(struct bench *, struct gkv_bytes))
{
    static char keys[OPERATIONS_PER_ROUND][KEY_BYTES + 1];
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    double rounds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < OPERATIONS_PER_ROUND; i++) {
            key_of(gkv_prng_below(&prng, bench->key_count), keys[i]);
        }
        const uint64_t start = clock_ns();
        for (int i = 0; i < OPERATIONS_PER_ROUND; i++) {
            operation(bench, (struct gkv_bytes){(const uint8_t *)keys[i], KEY_BYTES});
        }
        rounds[round] = (double)(clock_ns() - start) / OPERATIONS_PER_ROUND;
    }
    qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
    return rounds[ROUNDS / 2];
}

static void run(uint32_t key_count)
{
    const uint64_t limit = UINT64_C(64) * 1024 * 1024 + (uint64_t)key_count * 512;
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, limit);
    if (memory == NULL) {
        fprintf(stderr, "bench_store: no memory\n");
        exit(1);
    }
    struct bench bench = {.key_count = key_count};
    struct gkv_arena arena = gkv_arena_over(memory, limit);
    const struct gkv_store_options options = {.limit_bytes = limit, .policy = GKV_STORE_REJECT};
    gkv_store_init(&bench.store, &arena, &options);
    memset(bench.value, 'v', sizeof(bench.value));
    char text[KEY_BYTES + 1];
    for (uint32_t i = 0; i < key_count; i++) {
        put(&bench, key_of(i, text));
    }
    const double hash = median_ns(&bench, hash_only);
    const double get_ns = median_ns(&bench, get);
    const double put_ns = median_ns(&bench, put);
    const struct gkv_store_stats stats = gkv_store_stats(&bench.store);
    printf("%9" PRIu32
           " keys   hash %5.1f ns   get %6.1f ns   put %6.1f ns   %5.1f bytes per key over "
           "key and value\n",
           key_count, hash, get_ns, put_ns,
           (double)stats.used_bytes / key_count - KEY_BYTES - VALUE_BYTES);
    free(memory);
}

int main(void)
{
    printf("store: uniform keys of %d bytes, values of %d bytes, one thread\n", KEY_BYTES,
           VALUE_BYTES);
    run(10000);
    run(1000000);
    return 0;
}
