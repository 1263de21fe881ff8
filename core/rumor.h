/* News about members that is still being told.
 *
 * Model     SWIM 4.1: each piece of news is piggybacked on at most lambda log n messages, those
 *           told least often first. The news itself is the member table: a rumour is only "tell of
 *           this member", so that what is told is always the latest.
 * Bounds    One rumour per member place, so it is never full; 8 x ceil(log10(n + 1)) tellings each,
 *           twice what memberlist has. A pick is O(capacity) while there is news, else O(1).
 * Invariant pending_count is the number of members with tellings left; each of them is in the
 * table.
 * Not here  Sending: core/swim.c.
 */
#ifndef GKV_CORE_RUMOR_H
#define GKV_CORE_RUMOR_H

#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/member.h"

#define GKV_RUMOR_FRONT_COUNT 2 /* members a message may put before the rumours */

struct gkv_rumors {
    ptrdiff_t told_offset; /* uint8_t by member index: tellings left; 0: no rumour */
    uint16_t capacity;
    uint16_t pending_count; /* members with tellings left */
    uint16_t start;         /* where the next pick starts to look, so that ties take turns */
};

void gkv_rumors_init(struct gkv_rumors *rumors, struct gkv_arena *arena, uint16_t capacity);

/* (Re)start telling of the member at index. */
void gkv_rumor_add(struct gkv_rumors *rumors, const struct gkv_members *members, uint16_t index);

/* Stop telling of the member at index (it was forgotten). */
void gkv_rumor_remove(struct gkv_rumors *rumors, uint16_t index);

/* Fill updates_out with up to capacity <= GKV_UPDATE_COUNT_MAX updates, least told first (most
 * tellings left), ties by index from a rotating start, and count each as told once. The members of
 * `front` (GKV_MEMBER_INDEX_NONE: none) come before them, whether or not there is a rumour of them:
 * what we tell a peer of itself, so that it can refute, and our own answer to an accusation. Nobody
 * is told of twice. Returns how many were written. */
uint32_t gkv_rumors_pick(struct gkv_rumors *rumors, const struct gkv_members *members,
                         const uint16_t front[GKV_RUMOR_FRONT_COUNT],
                         struct gkv_update *updates_out, uint32_t capacity);

#endif
