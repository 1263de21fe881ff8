/* A trial without a world: what nodes say and clients are told, told by hand to one check.
 *
 * Model     Three nodes a, b, c in their first life, one key, and no wall clock that is wrong.
 *           Every call lets 1 ms pass.
 * Not here  Bytes: messages are given to the check's `hear` as sim/overhear.h would.
 */
#ifndef GKV_TESTS_TOLD_H
#define GKV_TESTS_TOLD_H

#include "sim/check.h"
#include "sim/trial.h"

#define TOLD_DEED_COUNT 16

struct told {
    struct gkv_trial trial;
    struct gkv_deed deeds[TOLD_DEED_COUNT];
    const struct gkv_check *check;
};

/* Begin a new history for a check. */
void told_begin(struct told *told, const struct gkv_check *check);

/* Something happens at a node. */
void told_input(struct told *told, uint32_t node, enum gkv_observation_kind kind);

/* A client asks a node; returns the number of the deed. */
uint32_t told_submit(struct told *told, enum gkv_operation_kind kind, uint32_t node,
                     uint32_t client);

/* And is told; a get that is told GKV_OK reads the value of deed `read`. */
void told_complete(struct told *told, uint32_t number, const struct gkv_result *result,
                   uint32_t read);

/* A node says something, in a datagram (connection 0) or a stream; `from` is filled in. */
void told_say(struct told *told, uint32_t node, uint64_t connection, struct gkv_message message);

/* The same in a datagram to a node. */
void told_say_to(struct told *told, uint32_t node, uint32_t to, struct gkv_message message);

/* What another said arrives at a node, in a datagram, as an input of its own. */
void told_deliver(struct told *told, uint32_t node, const struct gkv_gist *gist);

/* A node holds another to be in a state, in boot 100, and says so to its application. */
void told_hold(struct told *told, uint32_t node, uint32_t about, enum gkv_member_state state,
               uint32_t incarnation);

/* Time passes. */
void told_wait(struct told *told, uint64_t ms);

/* A message with a stamp arrives at a node, as an input of its own. */
void told_arrive(struct told *told, uint32_t node, uint64_t connection, uint64_t stamp);

/* A stamp, milliseconds and counter after the present true time. */
uint64_t told_stamp(const struct told *told, int64_t ms, uint64_t counter);

/* Did the check find something wrong? */
bool told_is_rejected(const struct told *told);

#endif
