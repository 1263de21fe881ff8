/* Tells the application of its node's members: each change once, and none left out.
 *
 * Model     The core makes an event of a change while there is room, and says that its table tells
 *           the rest (core/swim.h). So the last thing told of each place is kept here, and after an
 *           input that made events the table is walked for what they left out.
 * Bounds    16 bytes per member place; a walk is O(places), and only when some member changed.
 * Invariant Between inputs, what was told last of each member is what the table holds.
 */
#ifndef GKV_IO_POSIX_HERALD_H
#define GKV_IO_POSIX_HERALD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/member.h"
#include "core/message.h"

/* What is said of a member, and the table as it is now. Both are lent. */
typedef void (*gkv_herald_fn)(void *context, const struct gkv_members *members,
                              const struct gkv_update *said);

struct gkv_herald_place; /* private to herald.c */

struct gkv_herald {
    gkv_herald_fn on_member; /* NULL: nobody wants to know */
    void *context;
    struct gkv_herald_place *places; /* by member index */
    uint16_t capacity;
    bool has_told; /* since the last walk */
};

/* on_member and context are set by the caller; nothing is made when nobody wants to know.
 * GKV_ERROR_MEMORY. */
GKV_MUST_USE enum gkv_error gkv_herald_init(struct gkv_herald *herald, uint32_t member_count_max);
void gkv_herald_destroy(struct gkv_herald *herald);

/* The core made an event of a change. */
void gkv_herald_tell(struct gkv_herald *herald, const struct gkv_members *members,
                     const struct gkv_update *said);

/* The same, of our verdict that a member is DEGRADED, or no more. */
void gkv_herald_tell_degraded(struct gkv_herald *herald, const struct gkv_members *members,
                              struct gkv_node_id who);

/* The events of an input are over: tell what they left out. */
void gkv_herald_finish(struct gkv_herald *herald, const struct gkv_members *members);

#endif
