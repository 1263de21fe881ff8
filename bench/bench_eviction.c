/* Usage: bench_eviction [REQUESTS]
 *
 * Goal: choose what a full store evicts by how often what is asked for is there. Method: traces of
 * REQUESTS requests (8,000,000 unless told) over a million keys, each asked of caches that hold 1,
 * 5 and 20 % of them: LRU, CLOCK, SIEVE and S3-FIFO as their papers have them, on objects of one
 * size, and the store itself with GKV_STORE_EVICT, whose memory is so chosen that it holds as many.
 * A request that is not there puts the key. Prints a table in Markdown; the same figures on every
 * machine, but where pow() differs in its last digit.  Traces: popularity by Zipf's law with s =
 * 0.99 and 0.8; with one request in five for a key that is asked for once; with 200,000 keys
 * scanned in each million requests; and with the popularity drifting by 50 keys every 1,000
 * requests: each key slowly rises to be the most popular, and is then the least.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/zipf.h"
#include "core/hash.h"
#include "core/prng.h"
#include "core/store.h"

#define KEY_COUNT 1000000
#define SCAN_COUNT 200000
#define VALUE_BYTES 100
#define NONE UINT32_MAX

enum trace_kind {
    TRACE_STABLE,
    TRACE_ONCE,
    TRACE_SCAN,
    TRACE_DRIFT
};

struct trace {
    const char *name;
    enum trace_kind kind;
    double exponent;
    uint32_t *keys;
    size_t request_count;
    uint32_t key_count; /* keys are below it */
};

/* ---- Traces. --------------------------------------------------------------------------------- */

static void trace_fill(struct trace *trace)
{
    const struct zipf zipf = zipf_of(KEY_COUNT, trace->exponent);
    struct gkv_prng prng;
    gkv_prng_init(&prng, 77, 0);
    trace->key_count = trace->kind == TRACE_SCAN ? KEY_COUNT + SCAN_COUNT : KEY_COUNT;
    uint32_t shift = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        const size_t in_million = i % 1000000;
        if (trace->kind == TRACE_ONCE && gkv_prng_below(&prng, 5) == 0) {
            trace->keys[i] = trace->key_count++;
            continue;
        }
        if (trace->kind == TRACE_SCAN && in_million >= 1000000 - SCAN_COUNT) {
            trace->keys[i] = (uint32_t)(KEY_COUNT + in_million - (1000000 - SCAN_COUNT));
            continue;
        }
        if (trace->kind == TRACE_DRIFT && i % 1000 == 0) {
            shift += 50;
        }
        trace->keys[i] = (zipf_draw(&zipf, &prng) + shift) % KEY_COUNT;
    }
}

/* ---- Policies on objects of one size. -------------------------------------------------------- */

/* Where an object is: in the first or the second queue, or only its name is remembered. */
enum whereabouts {
    ABSENT,
    HELD,
    IN_MAIN,
    IN_GHOST
};

struct object {
    uint32_t newer;
    uint32_t older;
    uint8_t where;
    uint8_t uses;
};

struct queue {
    uint32_t newest;
    uint32_t oldest;
    uint32_t count;
};

static struct object *objects;

static const struct queue empty = {NONE, NONE, 0};

static void push(struct queue *queue, uint32_t key, enum whereabouts where)
{
    objects[key].newer = NONE;
    objects[key].older = queue->newest;
    objects[key].where = (uint8_t)where;
    if (queue->newest != NONE) {
        objects[queue->newest].newer = key;
    } else {
        queue->oldest = key;
    }
    queue->newest = key;
    queue->count++;
}

static void take(struct queue *queue, uint32_t key)
{
    const struct object *object = &objects[key];
    if (object->newer != NONE) {
        objects[object->newer].older = object->older;
    } else {
        queue->newest = object->older;
    }
    if (object->older != NONE) {
        objects[object->older].newer = object->newer;
    } else {
        queue->oldest = object->newer;
    }
    objects[key].where = ABSENT;
    queue->count--;
}

static double lru(const struct trace *trace, uint32_t capacity)
{
    struct queue queue = empty;
    uint64_t hit_count = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        const uint32_t key = trace->keys[i];
        if (objects[key].where == HELD) {
            hit_count++;
            take(&queue, key);
        } else if (queue.count == capacity) {
            take(&queue, queue.oldest);
        }
        push(&queue, key, HELD);
    }
    return (double)hit_count / (double)trace->request_count;
}

/* Corbato 1968, one bit. */
static double clock_one(const struct trace *trace, uint32_t capacity)
{
    struct queue queue = empty;
    uint64_t hit_count = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        const uint32_t key = trace->keys[i];
        if (objects[key].where == HELD) {
            hit_count++;
            objects[key].uses = 1;
            continue;
        }
        while (queue.count == capacity) {
            const uint32_t oldest = queue.oldest;
            take(&queue, oldest);
            if (objects[oldest].uses > 0) {
                objects[oldest].uses = 0;
                push(&queue, oldest, HELD);
            }
        }
        push(&queue, key, HELD);
    }
    return (double)hit_count / (double)trace->request_count;
}

/* Zhang et al., NSDI 2024. */
static double sieve(const struct trace *trace, uint32_t capacity)
{
    struct queue queue = empty;
    uint32_t hand = NONE;
    uint64_t hit_count = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        const uint32_t key = trace->keys[i];
        if (objects[key].where == HELD) {
            hit_count++;
            objects[key].uses = 1;
            continue;
        }
        if (queue.count == capacity) {
            hand = hand == NONE ? queue.oldest : hand;
            while (objects[hand].uses > 0) {
                objects[hand].uses = 0;
                hand = objects[hand].newer == NONE ? queue.oldest : objects[hand].newer;
            }
            const uint32_t next = objects[hand].newer;
            take(&queue, hand);
            hand = next;
        }
        push(&queue, key, HELD);
    }
    return (double)hit_count / (double)trace->request_count;
}

struct s3fifo {
    struct queue small;
    struct queue main;
    struct queue ghost;
    uint32_t small_count; /* a tenth */
    uint32_t main_count;
};

static void s3fifo_evict_small(struct s3fifo *cache)
{
    const uint32_t key = cache->small.oldest;
    take(&cache->small, key);
    if (objects[key].uses > 0) {
        objects[key].uses = 0;
        push(&cache->main, key, IN_MAIN);
        return;
    }
    push(&cache->ghost, key, IN_GHOST);
    if (cache->ghost.count > cache->main_count) {
        take(&cache->ghost, cache->ghost.oldest);
    }
}

static void s3fifo_evict_main(struct s3fifo *cache)
{
    const uint32_t key = cache->main.oldest;
    take(&cache->main, key);
    if (objects[key].uses > 0) {
        objects[key].uses--;
        push(&cache->main, key, IN_MAIN);
    }
}

/* Yang et al., SOSP 2023, Algorithm 1, with a use counted up to 3. */
static double s3fifo(const struct trace *trace, uint32_t capacity)
{
    struct s3fifo cache = {empty, empty, empty, .small_count = capacity / 10,
                           .main_count = capacity - capacity / 10};
    uint64_t hit_count = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        const uint32_t key = trace->keys[i];
        struct object *object = &objects[key];
        if (object->where == HELD || object->where == IN_MAIN) {
            hit_count++;
            object->uses = object->uses < 3 ? object->uses + 1 : 3;
            continue;
        }
        const bool is_back = object->where == IN_GHOST;
        if (is_back) {
            take(&cache.ghost, key);
        }
        while (cache.small.count + cache.main.count >= capacity) {
            if (cache.small.count >= cache.small_count || cache.main.count == 0) {
                s3fifo_evict_small(&cache);
            } else {
                s3fifo_evict_main(&cache);
            }
        }
        object->uses = 0;
        push(is_back ? &cache.main : &cache.small, key, is_back ? IN_MAIN : HELD);
    }
    return (double)hit_count / (double)trace->request_count;
}

/* ---- The store. ------------------------------------------------------------------------------ */

struct cache {
    struct gkv_store store;
    void *memory;
    uint64_t stamp;
};

static struct gkv_key key_of(const uint32_t *number)
{
    const struct gkv_bytes bytes = {(const uint8_t *)number, sizeof(*number)};
    return (struct gkv_key){bytes, gkv_hash(bytes.data, bytes.count, 0)};
}

static void cache_start(struct cache *cache, uint64_t limit_bytes, enum gkv_store_policy policy)
{
    memset(cache, 0, sizeof(*cache));
    cache->memory = aligned_alloc(GKV_ARENA_ALIGN, limit_bytes / GKV_ARENA_ALIGN * GKV_ARENA_ALIGN);
    if (cache->memory == NULL) {
        fprintf(stderr, "bench_eviction: no memory\n");
        exit(1);
    }
    struct gkv_arena arena = gkv_arena_over(cache->memory, limit_bytes);
    const struct gkv_store_options options = {.limit_bytes = limit_bytes, .policy = policy};
    gkv_store_init(&cache->store, &arena, &options);
}

static bool cache_put(struct cache *cache, uint32_t number)
{
    static const uint8_t value[VALUE_BYTES];
    const struct gkv_record record = {.version = {.hlc = {++cache->stamp}, .writer = 1},
                                      .value = {value, VALUE_BYTES}};
    return gkv_store_put(&cache->store, key_of(&number), &record, NULL) == GKV_STORE_STORED;
}

static uint32_t cache_capacity(uint64_t limit_bytes)
{
    struct cache cache;
    cache_start(&cache, limit_bytes, GKV_STORE_REJECT);
    uint32_t count = 0;
    while (cache_put(&cache, count)) {
        count++;
    }
    free(cache.memory);
    return count;
}

/* How much memory holds so many records, or a few more. */
static uint64_t cache_limit(uint32_t record_count)
{
    uint64_t low = GKV_STORE_BYTES_MIN;
    uint64_t high = GKV_STORE_BYTES_MIN + (uint64_t)record_count * 256;
    while (high - low > 4096) {
        const uint64_t middle = low + (high - low) / 2;
        if (cache_capacity(middle) < record_count) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static double cache_run(const struct trace *trace, uint64_t limit_bytes)
{
    struct cache cache;
    cache_start(&cache, limit_bytes, GKV_STORE_EVICT);
    uint64_t hit_count = 0;
    for (size_t i = 0; i < trace->request_count; i++) {
        uint8_t value[VALUE_BYTES];
        struct gkv_record record;
        if (gkv_store_get(&cache.store, key_of(&trace->keys[i]), 0,
                          (struct gkv_buffer){value, sizeof(value)}, &record)) {
            hit_count++;
        } else if (!cache_put(&cache, trace->keys[i])) {
            fprintf(stderr, "bench_eviction: a put was not stored\n");
            exit(1);
        }
    }
    free(cache.memory);
    return (double)hit_count / (double)trace->request_count;
}

/* ---- The table. ------------------------------------------------------------------------------ */

typedef double (*policy)(const struct trace *trace, uint32_t capacity);

static void print_row(const struct trace *trace, uint32_t capacity, uint64_t limit_bytes)
{
    const policy policies[] = {lru, clock_one, sieve, s3fifo};
    printf("| %s | %u %% |", trace->name, (unsigned)(capacity * 100ull / KEY_COUNT));
    double least = 0;
    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
        memset(objects, 0, trace->key_count * sizeof(*objects));
        const double ratio = policies[i](trace, capacity);
        least = i == 0 ? ratio : least;
        printf(" %.4f |", ratio);
        fflush(stdout);
    }
    const double own = cache_run(trace, limit_bytes);
    printf(" %.4f | %+.4f |\n", own, own - least);
    fflush(stdout);
}

int main(int count, char **words)
{
    const size_t request_count = count == 2 ? strtoull(words[1], NULL, 10) : 8000000;
    if (count > 2 || request_count == 0) {
        fprintf(stderr, "usage: bench_eviction [REQUESTS]\n");
        return 2;
    }
    struct trace traces[] = {
        {.name = "zipf 0.99", .kind = TRACE_STABLE, .exponent = 0.99},
        {.name = "zipf 0.8", .kind = TRACE_STABLE, .exponent = 0.8},
        {.name = "zipf 0.99, 20 % asked for once", .kind = TRACE_ONCE, .exponent = 0.99},
        {.name = "zipf 0.99, scans", .kind = TRACE_SCAN, .exponent = 0.99},
        {.name = "zipf 0.99, drifting", .kind = TRACE_DRIFT, .exponent = 0.99},
    };
    const uint32_t capacities[] = {KEY_COUNT / 100, KEY_COUNT / 20, KEY_COUNT / 5};
    uint64_t limits[3];
    for (uint32_t i = 0; i < 3; i++) {
        limits[i] = cache_limit(capacities[i]);
    }
    objects = calloc(KEY_COUNT + SCAN_COUNT + request_count, sizeof(*objects));
    uint32_t *keys = calloc(request_count, sizeof(*keys));
    if (objects == NULL || keys == NULL) {
        fprintf(stderr, "bench_eviction: no memory\n");
        return 1;
    }
    printf("| trace | held | LRU | CLOCK | SIEVE | S3-FIFO | the store | over LRU |\n");
    printf("|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
        traces[i].keys = keys;
        traces[i].request_count = request_count;
        trace_fill(&traces[i]);
        for (uint32_t k = 0; k < 3; k++) {
            print_row(&traces[i], capacities[k], limits[k]);
        }
    }
    free(keys);
    free(objects);
    return 0;
}
