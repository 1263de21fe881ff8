/* A store within the process, as the benchmark sees it: each of rival_<noun>.c is one, and is
 * linked with worker.c into a program of its own, rival_<noun>, because some of them can be there
 * only once.
 *
 * Not here  What is done to it, and how long that took: bench/performance/worker.c.
 */
#ifndef BENCH_PERFORMANCE_RIVAL_H
#define BENCH_PERFORMANCE_RIVAL_H

#include <stdbool.h>
#include <stdint.h>

#define RIVAL_KEY_BYTES 16
#define RIVAL_MANY 32

struct rival_shape {
    uint32_t key_count;   /* keys it must have room for */
    uint32_t value_bytes; /* of every value */
};

struct rival_key {
    uint64_t words[RIVAL_KEY_BYTES / 8];
};

/* How full its memory is, by its own account. Zeros: it keeps none. */
struct rival_account {
    uint64_t limit_bytes;    /* everything it may ever take */
    uint64_t resident_bytes; /* what of it it says it has touched */
    uint64_t record_count;
};

enum rival_kind {
    RIVAL_STORE = 1,
    RIVAL_LIMIT = 2, /* what it finds under a key is any value; it is there for its speed */
    RIVAL_NODE = 3,  /* calls may wait: then its time is the clock's, not the processor's */
};
extern const enum rival_kind rival_kind;

/* Once, before anything else; takes the memory that shape asks for. */
void rival_open(const struct rival_shape *shape);

/* By each thread, before and after it calls the rest. */
void rival_enter(void);
void rival_leave(void);

/* Hold a value of value_bytes under the key. False: there is no room. */
bool rival_set(const struct rival_key *key, const uint8_t *value, uint32_t value_bytes);

/* Copy the value to out, which has room for it. Its length; UINT32_MAX: there is none. */
uint32_t rival_get(const struct rival_key *key, uint8_t *out, uint32_t capacity);

/* Get RIVAL_MANY keys at once, each value to `out` + its number * capacity. False: it cannot. */
bool rival_get_many(const struct rival_key *keys, uint8_t *out, uint32_t capacity);

struct rival_account rival_account(void);

/* Memory for what lives as long as the process, in huge pages where there are such. */
void *rival_memory(uint64_t bytes);

_Noreturn void rival_fail(const char *what);

#endif
