/* Three nodes, really running and met, whose tables and stores are then written over by hand: for
 * checks that look into nodes.
 *
 * Model     N = 3, W = R = 2, one key; a, b, c in their first of two lives; four seconds have
 *           passed.
 * Not here  Checks that only listen: tests/told.h.
 */
#ifndef GKV_TESTS_TRIO_H
#define GKV_TESTS_TRIO_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/check.h"
#include "sim/trial.h"

#define TRIO_NODE_COUNT 3
#define TRIO_DEED_COUNT 16

struct trio {
    struct gkv_trial trial;
    struct gkv_deed deeds[TRIO_DEED_COUNT];
    char why[200];
};

/* replica_count: N. */
void trio_begin(struct trio *trio, uint32_t replica_count);
void trio_end(struct trio *trio);

struct gkv_node *trio_node(struct trio *trio, uint32_t node);

/* What `holder` holds of `about`, to be written over. */
struct gkv_update *trio_said(struct trio *trio, uint32_t holder, uint32_t about);

/* A node comes to hold a version of key 0. */
void trio_hold(struct trio *trio, uint32_t node, uint64_t stamp);

/* Let time pass. */
void trio_run_ms(struct trio *trio, uint64_t ms);

bool trio_is_settled(struct trio *trio, const struct gkv_check *check);

#endif
