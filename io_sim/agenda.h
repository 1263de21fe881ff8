/* What will happen, and when: the heap of occasions that drives simulated time.
 *
 * Model     Binary heap ordered by (time, tie, sequence): the tie is drawn, so that two things due
 *           at one nanosecond happen in either order; the sequence makes the order total.
 * Bounds    A fixed number of occasions; whoever adds asks gkv_agenda_room where there can be too
 *           many.
 */
#ifndef GKV_IO_SIM_AGENDA_H
#define GKV_IO_SIM_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

enum gkv_occasion_kind {
    GKV_OCCASION_TIMER = 1,    /* a host's deadline; index: node */
    GKV_OCCASION_DATAGRAM = 2, /* index: parcel */
    GKV_OCCASION_DIAL = 3,     /* a connection request arrives; index: connection */
    GKV_OCCASION_DIALLED = 4,  /* its answer arrives; index: connection */
    GKV_OCCASION_SEGMENT = 5,  /* stream bytes arrive; index: connection, argument: sending end */
    GKV_OCCASION_RESET = 6,    /* an end learns that it is over; index: connection, argument: end */
    GKV_OCCASION_CALLER = 7,   /* whoever runs the world wanted to be called; argument: its own */
    GKV_OCCASION_RESUME = 8,   /* a paused host goes on; index: node, generation: its life */
};

struct gkv_occasion {
    uint64_t time_ns;
    uint64_t sequence;
    uint32_t tie;
    enum gkv_occasion_kind kind;
    uint32_t index;
    uint32_t generation; /* of what index names; an old one is ignored */
    uint64_t argument;
};

struct gkv_agenda {
    struct gkv_occasion *heap;
    uint32_t capacity;
    uint32_t count;
    uint64_t next_sequence;
};

/* heap: room for capacity occasions, that stays the agenda's. */
void gkv_agenda_init(struct gkv_agenda *agenda, struct gkv_occasion *heap, uint32_t capacity);

uint32_t gkv_agenda_room(const struct gkv_agenda *agenda);

/* Add an occasion; its sequence is filled in. Asserts that there is room. */
void gkv_agenda_add(struct gkv_agenda *agenda, const struct gkv_occasion *occasion);

/* When the next one is due, or GKV_NEVER. */
uint64_t gkv_agenda_next_ns(const struct gkv_agenda *agenda);

/* Take the next one: true, or false when there is none. */
bool gkv_agenda_take(struct gkv_agenda *agenda, struct gkv_occasion *occasion_out);

#endif
