/* One rival, in a process of its own: filled once, then measured as often as standard input asks.
 *
 * Usage: rival_NOUN KEYS VALUE_BYTES
 *
 * Says "ready" when it holds all keys and has read each of them back. Then each line of input is
 * answered by one line of numbers:
 *
 *   WORK THREADS MS     ns per operation and thread. Works: get-uniform, get-zipf, get-hot (one
 *                       key), get-serial (which key is next depends on the value before), get-many,
 *                       set-uniform, set-hot
 *   latency 1 MS        p50 p99 p99.9 of one get of get-uniform, in ns, less what timing it takes
 *   bytes               resident since before it was opened; limit and resident by its own account;
 *                       records
 *   churn OPERATIONS    the same, after so many overwrites with values of 1 .. 2 VALUE_BYTES bytes
 *   full                the same, after as many more keys as it takes before one is refused
 *
 * "-" is the answer of who cannot. Thread n runs on the n-th of the processors that the process may
 * use; threads of a node run on any of them. One thread is timed by its processor time, so that
 * others on the machine disturb less, unless one of its calls has waited; several by the clock,
 * because waiting for each other counts.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/performance/keys.h"
#include "bench/performance/rival.h"
#include "core/histogram.h"
#include "core/prng.h"

#define CHUNK 512 /* operations between two looks at the clock; divides KEYS_STREAM_COUNT */
#define THREAD_COUNT_MAX 2
#define LINE_BYTES 128
#define CHURN_FACTOR 2 /* so that as much is held on average as after filling */
#define NS_PER_MS UINT64_C(1000000)

enum work {
    WORK_GET_UNIFORM,
    WORK_GET_ZIPF,
    WORK_GET_HOT,
    WORK_GET_SERIAL,
    WORK_GET_MANY,
    WORK_SET_UNIFORM,
    WORK_SET_HOT,
    WORK_LATENCY,
    WORK_COUNT
};

static const char *const work_names[WORK_COUNT] = {"get-uniform", "get-zipf", "get-hot",
                                                   "get-serial",  "get-many", "set-uniform",
                                                   "set-hot",     "latency"};

/* What a thread does in one turn, and what came of it. */
struct turn {
    enum work work;
    uint32_t thread;
    clockid_t clock;
    uint64_t budget_ns;
    uint64_t elapsed_ns;
    uint64_t operation_count;
    struct gkv_histogram *latencies;
};

/* A thread's own memory, from the start. */
struct lane {
    uint32_t *uniform;
    uint32_t *zipf; /* NULL until it is asked for */
    uint32_t *hot;
    uint32_t at; /* in the stream */
    uint8_t *out;
    uint8_t *value;
};

static struct rival_shape shape;
static struct lane lanes[THREAD_COUNT_MAX];
static pthread_barrier_t barrier;
static volatile uint32_t zero; /* which the compiler does not know */

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void pin(uint32_t thread)
{
    static cpu_set_t allowed; /* before the first was pinned */
    if (CPU_COUNT(&allowed) == 0) {
        (void)sched_getaffinity(0, sizeof(allowed), &allowed);
    }
    uint32_t left = thread % (uint32_t)CPU_COUNT(&allowed);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && left-- == 0) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
            (void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
            return;
        }
    }
}

/* ---- One chunk of each work. ----------------------------------------------------------------- */

static void get(struct lane *lane, uint32_t number)
{
    const struct rival_key key = keys_make(number);
    if (rival_get(&key, lane->out, shape.value_bytes) != shape.value_bytes) {
        rival_fail("a get found nothing, or too much");
    }
}

static void get_chunk(struct lane *lane, const uint32_t *stream)
{
    for (uint32_t i = 0; i < CHUNK; i++) {
        get(lane, stream[i]);
    }
}

static void get_chunk_serial(struct lane *lane, const uint32_t *stream)
{
    const uint32_t nothing = zero;
    uint32_t last = 0;
    for (uint32_t i = 0; i < CHUNK; i++) {
        get(lane, stream[i] ^ last);
        last = lane->out[shape.value_bytes - 1] & nothing;
    }
}

static void get_chunk_many(struct lane *lane, const uint32_t *stream)
{
    for (uint32_t i = 0; i < CHUNK; i += RIVAL_MANY) {
        struct rival_key keys[RIVAL_MANY];
        for (uint32_t n = 0; n < RIVAL_MANY; n++) {
            keys[n] = keys_make(stream[i + n]);
        }
        (void)rival_get_many(keys, lane->out, shape.value_bytes);
    }
}

static void set(struct lane *lane, uint32_t number, uint32_t value_bytes)
{
    const struct rival_key key = keys_make(number);
    memcpy(lane->value, key.words, sizeof(key.words[0]));
    if (!rival_set(&key, lane->value, value_bytes)) {
        rival_fail("a set was refused");
    }
}

static void set_chunk(struct lane *lane, const uint32_t *stream)
{
    for (uint32_t i = 0; i < CHUNK; i++) {
        set(lane, stream[i], shape.value_bytes);
    }
}

/* What reading the clock twice takes: the least of many times. */
static uint64_t clock_cost_ns(void)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < 1000; i++) {
        const uint64_t start = read_clock(CLOCK_MONOTONIC);
        const uint64_t cost = read_clock(CLOCK_MONOTONIC) - start;
        least = cost < least ? cost : least;
    }
    return least;
}

static void latency_chunk(struct turn *turn, struct lane *lane, const uint32_t *stream)
{
    const uint64_t cost = clock_cost_ns();
    for (uint32_t i = 0; i < CHUNK; i++) {
        const uint64_t start = read_clock(CLOCK_MONOTONIC);
        get(lane, stream[i]);
        const uint64_t took = read_clock(CLOCK_MONOTONIC) - start;
        gkv_histogram_add(turn->latencies, took > cost ? took - cost : 0);
    }
}

/* Before the clock starts: drawing from Zipf takes long, and not everybody is asked for it. */
static const uint32_t *stream_of(const struct turn *turn)
{
    struct lane *lane = &lanes[turn->thread];
    if (turn->work == WORK_GET_HOT || turn->work == WORK_SET_HOT) {
        return lane->hot;
    }
    if (turn->work != WORK_GET_ZIPF) {
        return lane->uniform;
    }
    if (lane->zipf == NULL) {
        lane->zipf = keys_zipf(shape.key_count, turn->thread + 1);
    }
    if (lane->zipf == NULL) {
        rival_fail("no memory");
    }
    return lane->zipf;
}

static void do_chunk(struct turn *turn, struct lane *lane, const uint32_t *stream)
{
    switch (turn->work) {
    case WORK_GET_UNIFORM:
    case WORK_GET_ZIPF:
    case WORK_GET_HOT:
        get_chunk(lane, stream);
        break;
    case WORK_GET_SERIAL:
        get_chunk_serial(lane, stream);
        break;
    case WORK_GET_MANY:
        get_chunk_many(lane, stream);
        break;
    case WORK_SET_UNIFORM:
    case WORK_SET_HOT:
        set_chunk(lane, stream);
        break;
    case WORK_LATENCY:
        latency_chunk(turn, lane, stream);
        break;
    case WORK_COUNT:
        break;
    }
}

/* ---- Turns. ---------------------------------------------------------------------------------- */

static void take_turn(struct turn *turn)
{
    struct lane *lane = &lanes[turn->thread];
    const uint32_t *stream = stream_of(turn);
    const uint64_t start = read_clock(turn->clock);
    do {
        do_chunk(turn, lane, stream + lane->at);
        lane->at = (lane->at + CHUNK) % KEYS_STREAM_COUNT;
        turn->operation_count += CHUNK;
        turn->elapsed_ns = read_clock(turn->clock) - start;
    } while (turn->elapsed_ns < turn->budget_ns);
}

static void *run_second(void *context)
{
    struct turn *turn = context;
    pin(turn->thread);
    rival_enter();
    (void)pthread_barrier_wait(&barrier);
    take_turn(turn);
    rival_leave();
    return NULL;
}

/* How often this thread has given its processor away to wait. */
static long wait_count(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nvcsw : 0;
}

static double take_turn_alone(struct turn *turn)
{
    const long waits_before = wait_count();
    const uint64_t start = read_clock(CLOCK_MONOTONIC);
    turn->clock = CLOCK_THREAD_CPUTIME_ID;
    take_turn(turn);
    const uint64_t passed_ns = read_clock(CLOCK_MONOTONIC) - start;
    const bool has_waited = rival_kind == RIVAL_NODE && wait_count() != waits_before;
    return (double)(has_waited ? passed_ns : turn->elapsed_ns) / (double)turn->operation_count;
}

static double take_turns(enum work work, uint32_t thread_count, uint64_t budget_ns)
{
    struct turn turns[THREAD_COUNT_MAX];
    for (uint32_t i = 0; i < THREAD_COUNT_MAX; i++) {
        turns[i] = (struct turn){
            .work = work, .thread = i, .clock = CLOCK_MONOTONIC, .budget_ns = budget_ns};
    }
    if (thread_count == 1) {
        return take_turn_alone(&turns[0]);
    }
    pthread_t second;
    if (pthread_create(&second, NULL, run_second, &turns[1]) != 0) {
        rival_fail("no thread");
    }
    (void)pthread_barrier_wait(&barrier);
    take_turn(&turns[0]);
    (void)pthread_join(second, NULL);
    return (double)(turns[0].elapsed_ns + turns[1].elapsed_ns) /
           (double)(turns[0].operation_count + turns[1].operation_count);
}

static void answer_latency(uint64_t budget_ns)
{
    static struct gkv_histogram latencies;
    gkv_histogram_clear(&latencies);
    struct turn turn = {.work = WORK_LATENCY,
                        .clock = CLOCK_MONOTONIC,
                        .budget_ns = budget_ns,
                        .latencies = &latencies};
    take_turn(&turn);
    printf("%llu %llu %llu\n", (unsigned long long)gkv_histogram_quantile(&latencies, 500000),
           (unsigned long long)gkv_histogram_quantile(&latencies, 990000),
           (unsigned long long)gkv_histogram_quantile(&latencies, 999000));
}

static bool can(enum work work)
{
    struct rival_key keys[RIVAL_MANY];
    for (uint32_t i = 0; i < RIVAL_MANY; i++) {
        keys[i] = keys_make(i % shape.key_count);
    }
    return work != WORK_GET_MANY || rival_get_many(keys, lanes[0].out, shape.value_bytes);
}

static void answer_work(const char *name, uint32_t thread_count, uint64_t ms)
{
    uint32_t work = 0;
    while (work < WORK_COUNT && strcmp(name, work_names[work]) != 0) {
        work++;
    }
    if (work == WORK_COUNT || thread_count == 0 || thread_count > THREAD_COUNT_MAX) {
        rival_fail("no such work");
    }
    if (!can((enum work)work)) {
        printf("-\n");
        return;
    }
    if (work == WORK_LATENCY) {
        answer_latency(ms * NS_PER_MS);
        return;
    }
    printf("%.3f\n", take_turns((enum work)work, thread_count, ms * NS_PER_MS));
}

/* ---- Memory. --------------------------------------------------------------------------------- */

static uint64_t resident_bytes(void)
{
    unsigned long long total = 0;
    unsigned long long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &total, &resident) != 2) {
        rival_fail("/proc/self/statm cannot be read");
    }
    (void)fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t resident_before;

static void answer_bytes(void)
{
    const struct rival_account account = rival_account();
    printf("%llu %llu %llu %llu\n", (unsigned long long)(resident_bytes() - resident_before),
           (unsigned long long)account.limit_bytes, (unsigned long long)account.resident_bytes,
           (unsigned long long)account.record_count);
}

static void churn(uint64_t operation_count)
{
    struct gkv_prng prng;
    gkv_prng_init(&prng, 3, 0);
    for (uint64_t i = 0; i < operation_count; i++) {
        const uint32_t number = (uint32_t)gkv_prng_below(&prng, shape.key_count);
        const uint32_t value_bytes =
            1 + (uint32_t)gkv_prng_below(&prng, CHURN_FACTOR * shape.value_bytes);
        const struct rival_key key = keys_make(number);
        (void)rival_set(&key, lanes[0].value, value_bytes); /* full: it keeps what it has */
    }
}

static void fill_up(void)
{
    if (rival_account().limit_bytes == 0) {
        return;
    }
    for (uint32_t number = shape.key_count;; number++) {
        const struct rival_key key = keys_make(number);
        if (!rival_set(&key, lanes[0].value, shape.value_bytes)) {
            return;
        }
    }
}

/* ---- From the start. ------------------------------------------------------------------------- */

static void *memory_for(uint64_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL) {
        rival_fail("no memory");
    }
    return memory;
}

static void open_lanes(void)
{
    for (uint32_t i = 0; i < THREAD_COUNT_MAX; i++) {
        lanes[i] = (struct lane){.uniform = keys_uniform(shape.key_count, i + 1),
                                 .hot = memory_for(KEYS_STREAM_COUNT * sizeof(uint32_t)),
                                 .out = memory_for((uint64_t)RIVAL_MANY * shape.value_bytes + 64),
                                 .value = memory_for((uint64_t)CHURN_FACTOR * shape.value_bytes)};
        if (lanes[i].uniform == NULL) {
            rival_fail("no memory");
        }
        memset(lanes[i].value, 'v', (uint64_t)CHURN_FACTOR * shape.value_bytes);
        memset(lanes[i].out, 1, (uint64_t)RIVAL_MANY * shape.value_bytes); /* resident by now */
    }
}

static void fill(void)
{
    for (uint32_t number = 0; number < shape.key_count; number++) {
        set(&lanes[0], number, shape.value_bytes);
    }
    for (uint32_t number = 0; number < shape.key_count; number++) {
        const struct rival_key key = keys_make(number);
        get(&lanes[0], number);
        if (rival_kind != RIVAL_LIMIT &&
            memcmp(lanes[0].out, key.words, sizeof(key.words[0])) != 0) {
            rival_fail("a get found another's value");
        }
    }
}

static void *do_nothing(void *context)
{
    return context;
}

/* A process that never had a second thread has cheaper locks in glibc: not what a user's has. */
static void have_threads(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, do_nothing, NULL) != 0) {
        rival_fail("no thread");
    }
    (void)pthread_join(thread, NULL);
}

static void answer(const char *line)
{
    char name[LINE_BYTES];
    unsigned long first = 0;
    unsigned long second = 0;
    const int count = sscanf(line, "%31s %lu %lu", name, &first, &second);
    if (count == 1 && strcmp(name, "bytes") == 0) {
        answer_bytes();
    } else if (count == 2 && strcmp(name, "churn") == 0) {
        churn(first);
        answer_bytes();
    } else if (count == 1 && strcmp(name, "full") == 0) {
        fill_up();
        answer_bytes();
    } else if (count == 3) {
        answer_work(name, (uint32_t)first, second);
    } else {
        rival_fail("no such command");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        rival_fail("usage: rival_NOUN KEYS VALUE_BYTES");
    }
    shape.key_count = (uint32_t)strtoul(argv[1], NULL, 10);
    shape.value_bytes = (uint32_t)strtoul(argv[2], NULL, 10);
    if (shape.key_count == 0 || shape.value_bytes < sizeof(uint64_t)) {
        rival_fail("at least a key, and values of eight bytes");
    }
    have_threads();
    open_lanes();
    (void)pthread_barrier_init(&barrier, NULL, THREAD_COUNT_MAX);
    resident_before = resident_bytes();
    rival_open(&shape);
    pin(0); /* not before: a node's own threads run where there is room */
    rival_enter();
    fill();
    printf("ready\n");
    (void)fflush(stdout);
    char line[LINE_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        answer(line);
        (void)fflush(stdout);
    }
    return 0;
}
