/* The stores that run within a process (rival_<noun>), side by side.
 *
 * Model     One process each, all of them filled, and then one at a time for a turn: round after
 *           round, so that a slow minute of the machine is a slow minute for all. The first round
 *           is not counted.
 */
#ifndef BENCH_PERFORMANCE_CONTENDERS_H
#define BENCH_PERFORMANCE_CONTENDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/performance/child.h"
#include "bench/performance/figures.h"

enum contender {
    CONTENDER_GRIDKV, /* first: a plot's ticks stand at its points */
    CONTENDER_V4A,
    CONTENDER_URCU,
    CONTENDER_CK,
    CONTENDER_CHAIN,
    CONTENDER_API,
    CONTENDER_LIMIT,
    CONTENDER_COUNT
};

struct contenders {
    struct child children[CONTENDER_COUNT];
};

/* A work of worker.c by so many threads. */
struct task {
    const char *work;
    uint32_t thread_count;
};

const char *contender_name(enum contender contender);

/* Is there memory for all of them at once? */
bool contenders_fit(uint32_t key_count, uint32_t value_bytes);

/* Start and fill all of them. Who is not built, or cannot take this, is left out. False: ours is
 * not there. */
bool contenders_start(struct contenders *contenders, const struct bench *bench, uint32_t key_count,
                      uint32_t value_bytes);
void contenders_stop(struct contenders *contenders);

/* Every task by every contender, bench->round_count times: figures_out[contender * task_count +
 * task]. */
void contenders_measure(struct contenders *contenders, const struct bench *bench,
                        const struct task *tasks, uint32_t task_count, struct figure *figures_out);

/* A matrix of them all, but for its columns. */
void contenders_matrix(struct matrix *matrix, const char *corner);

#endif
