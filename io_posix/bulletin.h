/* Events of members, kept until the application takes them, from any thread.
 *
 *   of one member:
 *   TAKEN  -> POSTED  [gkv_bulletin_post]  behind all that are posted
 *   POSTED -> POSTED  [gkv_bulletin_post]  the newest replaces what nobody took, and has its turn
 *   POSTED -> TAKEN   [gkv_bulletin_take]  in turn, but first of all who left of those the
 *                                          application knows
 *
 * Model     An application that believes each event, and never waits long, follows the node. One
 *           that comes late is told of each member what holds now, and nothing of those who came
 *           and left meanwhile.
 * Bounds    Two places per member of the table, one of 32 bytes to look at and one of under 300 for
 *           the event; each call is O(places). They suffice: a place is needed by who did not
 *           leave, one per place of the table; and by who left of whom the application took
 *           something but not this. Those are as many at the most: the application gets to know
 *           somebody only when nobody whom it knows has left, and then all whom it knows are in
 *           the table. (Strictly by turns they had no bound: who left, came back, was taken and
 *           left again kept an early turn, time after time.)
 * Invariant What is taken last of each member is what was posted last. The mutex is held for a look
 *           at the places, never over a call that may wait: the node's thread is not kept waiting.
 */
#ifndef GKV_IO_POSIX_BULLETIN_H
#define GKV_IO_POSIX_BULLETIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/member.h"
#include "core/types.h"
#include "io_posix/gridkv.h"

struct gkv_bulletin_place; /* private to bulletin.c */

struct gkv_bulletin {
    pthread_mutex_t mutex;
    pthread_cond_t posted;
    struct gkv_bulletin_place *places;
    struct gridkv_member_event *events; /* of the place at the same index */
    uint32_t place_count;
    uint64_t last_turn;
    bool is_closed;
};

/* For a table of so many members, we among them.
 * GKV_ERROR_MEMORY, SYSTEM  nothing was made. */
GKV_MUST_USE enum gkv_error gkv_bulletin_init(struct gkv_bulletin *bulletin,
                                              uint32_t member_count_max);

/* With nobody inside. No effect on one that is all zero. */
void gkv_bulletin_destroy(struct gkv_bulletin *bulletin);

/* Fill event_out with what is said of a member, and with what the table holds now of that member
 * and of whoever accuses it. */
void gkv_bulletin_write(struct gridkv_member_event *event_out, const struct gkv_members *members,
                        const struct gkv_update *said);

/* Copies an event; who left may be forgotten from then on. False, and nothing done, when state,
 * process and verdict are those that were posted last of the member. */
bool gkv_bulletin_post(struct gkv_bulletin *bulletin, struct gkv_node_id who,
                       const struct gridkv_member_event *event);

/* Fill event_out with the event whose turn it is; when there is none, wait until mono_ns.
 * GKV_ERROR_NOT_READY  none came. GKV_ERROR_CLOSED  after gkv_bulletin_close. */
GKV_MUST_USE enum gkv_error gkv_bulletin_take(struct gkv_bulletin *bulletin, uint64_t mono_ns,
                                              struct gridkv_member_event *event_out);

/* Whoever waits is told so; nothing is taken any more. */
void gkv_bulletin_close(struct gkv_bulletin *bulletin);

#endif
