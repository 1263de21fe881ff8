/* What clients asked, what they were told, and whether that can be.
 *
 * Model     Every key has one writer, who waits for the end of a set before the next one. Values
 *           are unique: the number of their set and a filler, so that each byte of them can be
 *           checked.
 * Bounds    GKV_DEED_COUNT_MAX operations.
 * Invariant A deed ends once. A get returns a value that was set, byte for byte, by a set that was
 *           not refused, neither before nor afterwards; where nothing is forgotten, none older than
 *           the last set that was acknowledged before the get began, unless its fate was in doubt.
 */
#ifndef GKV_SIM_POSIX_DEEDS_H
#define GKV_SIM_POSIX_DEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/action.h"
#include "sim_posix/kernel.h"

#define GKV_DEED_COUNT_MAX 4096
#define GKV_DEED_KEY_COUNT 12
#define GKV_DEED_VALUE_BYTES_MAX 20000
#define GKV_DEED_NONE UINT32_MAX

enum gkv_deed_state {
    GKV_DEED_OPEN = 1,
    GKV_DEED_DONE = 2,   /* acknowledged, or a value was read */
    GKV_DEED_ABSENT = 3, /* a get: there is no value */
    GKV_DEED_FAILED = 4, /* it had no effect */
    GKV_DEED_DOUBT = 5,  /* a set: nobody knows; a get: no answer */
};

struct gkv_deed_made {
    uint32_t key;
    bool is_set;
    uint32_t node; /* whom it was asked */
    enum gkv_deed_state state;
    bool is_read;          /* a set: a get returned its value */
    enum gkv_error error;  /* what it ended with */
    uint32_t acknowledged; /* the key's last acknowledged set when this began */
    uint64_t begin_ns;
};

struct gkv_deeds {
    struct gkv_kernel *kernel;
    bool forgets; /* nodes lose their memory: only what was never written is wrong */
    uint32_t count;
    uint32_t open_count;
    uint32_t done_count;
    uint32_t acknowledged[GKV_DEED_KEY_COUNT];  /* the last acknowledged set; GKV_DEED_NONE */
    bool is_written[GKV_DEED_KEY_COUNT];        /* a set of it is open */
    uint8_t expected[GKV_DEED_VALUE_BYTES_MAX]; /* for judging */
    struct gkv_deed_made made[GKV_DEED_COUNT_MAX];
};

void gkv_deeds_init(struct gkv_deeds *deeds, struct gkv_kernel *kernel);

/* Note that it is asked; its number, or GKV_DEED_NONE: a set of that key is open, or too many. */
uint32_t gkv_deeds_begin(struct gkv_deeds *deeds, uint32_t key, bool is_set, uint32_t node);

/* The value that this set writes; returns its bytes. */
uint32_t gkv_deeds_value(uint32_t number, uint8_t value[GKV_DEED_VALUE_BYTES_MAX]);

/* It is over. value: a get's that was answered. */
void gkv_deeds_end(struct gkv_deeds *deeds, uint32_t number, enum gkv_error error,
                   struct gkv_bytes value);

/* Nobody will ever say: the connection, or the node, is gone. */
void gkv_deeds_lose(struct gkv_deeds *deeds, uint32_t number);

#endif
