/* Is the history of one register linearizable? Decided by trying: slow, bounded and simple, to
 * check sim/zones.h against.
 *
 * Model     Wing and Gong 1993, "Testing and Verifying Concurrent Objects": take any operation that
 *           no other must come before, apply it, go on with the rest, and go back when stuck. Lowe
 *           2017, "Testing for Linearizability": never enter the same state twice, a state being
 *           which operations were taken and what the register holds. Ours: a read that may come
 *           next is taken without trying anything else, since it changes nothing.
 * Bounds    GKV_SEARCH_OPERATION_COUNT_MAX operations; as many states as the caller has room for,
 *           less a quarter. When either is not enough, it gives up.
 */
#ifndef GKV_SIM_SEARCH_H
#define GKV_SIM_SEARCH_H

#include <stdint.h>

#include "sim/register.h"

#define GKV_SEARCH_OPERATION_COUNT_MAX 128
#define GKV_SEARCH_WORD_COUNT (GKV_SEARCH_OPERATION_COUNT_MAX / 64)

enum gkv_search_answer {
    GKV_SEARCH_NO = 0,
    GKV_SEARCH_YES = 1,
    GKV_SEARCH_GAVE_UP = 2,
};

/* Which operations were taken, a bit each, and the write whose value the register holds. */
struct gkv_search_state {
    uint64_t taken[GKV_SEARCH_WORD_COUNT];
    uint32_t write;
    uint32_t round; /* the search that entered it; of others: free */
};

struct gkv_search_step {
    struct gkv_search_state state;
    uint64_t deadline; /* the earliest end of those left: what begins later has to wait */
    uint32_t next;     /* the first operation not tried yet */
};

struct gkv_search {
    struct gkv_search_state *states; /* a hash table with linear probing */
    uint32_t state_count;
    uint32_t entered_count; /* by the last search */
    uint32_t round;
    uint32_t operation_count;
    struct gkv_register_operation operations[GKV_SEARCH_OPERATION_COUNT_MAX]; /* by begin */
    struct gkv_search_step steps[GKV_SEARCH_OPERATION_COUNT_MAX + 1];
};

/* Make ready; `states` is the caller's, of state_count states, a power of two, and is kept. */
void gkv_search_init(struct gkv_search *search, struct gkv_search_state *states,
                     uint32_t state_count);

/* Search. Writes of one history have different ids. */
enum gkv_search_answer gkv_search_check(struct gkv_search *search,
                                        struct gkv_register_history history);

#endif
