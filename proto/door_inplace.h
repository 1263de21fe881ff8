/* What a door does by itself: operations on keys that the node may read and write in place.
 *
 * Model     core/inplace.h says which: at level EVENTUAL a get of a key that this node owns, and
 *           with W = 1 a write. When everything before it is answered, such an operation is done
 *           at once and its reply written where it will be sent from: it takes no slot, no event
 *           and no copy. A value is read to where it will stand behind its header, whose length is
 *           taken from the value before; a header of another length moves it.
 * Bounds    One key; as much room for replies as a slot's.
 * Invariant The reply is that which the operation's result would have had.
 * Not here  Who owns what, and versions: core/inplace.h. Keys of others: proto/door.c.
 */
#ifndef GKV_PROTO_DOOR_INPLACE_H
#define GKV_PROTO_DOOR_INPLACE_H

#include "proto/door_state.h"

#define GKV_DOOR_AHEAD_COUNT_MAX 16

enum gkv_door_inplace {
    GKV_DOOR_INPLACE_DONE = 1, /* and answered, as far as it has an answer of its own */
    GKV_DOOR_INPLACE_WAIT = 2, /* for replies to be sent */
    GKV_DOOR_INPLACE_ASK = 3,  /* not for here: nothing was done */
};

/* Before a command is taken up: have the memory fetch what it and those behind it will need. A
 * hint, of up to GKV_DOOR_AHEAD_COUNT_MAX commands at a time. */
void gkv_door_look_ahead(struct gkv_door *door, const struct gkv_commons *commons);

/* Do the operation of the command under way at index door->started_count. */
enum gkv_door_inplace gkv_door_inplace(struct gkv_door *door, const struct gkv_commons *commons,
                                       struct gkv_now now);

#endif
