/* What clients asked and what they were told: the ground that the checks stand on.
 *
 * Model     Every set writes a value that no other set writes: its number, then bytes made from it,
 *           so that a value read names the set that wrote it and shows any damage.
 * Bounds    GKV_HISTORY_COUNT_MAX operations, taken up front.
 */
#ifndef GKV_SIM_HISTORY_H
#define GKV_SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/hlc.h"
#include "sim/scenario.h"

#define GKV_HISTORY_COUNT_MAX 8192
#define GKV_HISTORY_VALUE_BYTES_MIN 12
#define GKV_HISTORY_VALUE_BYTES_MAX 61440 /* seeds draw up to 4,096, and 2 % these */
#define GKV_HISTORY_NONE UINT32_MAX

struct gkv_deed {
    uint64_t begin_ns;
    uint64_t end_ns; /* 0: open */
    uint64_t ttl_ms;
    struct gkv_version version; /* as completed */
    struct gkv_version
        floor; /* what was acknowledged of its key when it began: sim/check_quorum.c */
    enum gkv_operation_kind kind;
    enum gkv_error error;
    uint32_t node;
    uint32_t life; /* of the node */
    uint32_t key;
    uint32_t client;
    uint32_t value_bytes;
    uint32_t read;            /* GET: the deed whose value it returned, or GKV_HISTORY_NONE */
    uint32_t before;          /* the last deed of the same key before it, or GKV_HISTORY_NONE */
    uint32_t seen_by;         /* SET: a get that returned its value, or GKV_HISTORY_NONE */
    uint64_t pause_before_ns; /* how long the node had been paused in this life when it began */
    uint32_t complete_count;
    bool is_abandoned; /* the node crashed with it: it will not complete, and may have happened */
};

struct gkv_history {
    struct gkv_deed *deeds;
    uint32_t count;
    uint32_t open_count;
    uint32_t last_count[GKV_SCENARIO_KEY_COUNT_MAX]; /* of each key: count after its last deed */
};

/* Add a deed that begins now, with nothing in it but what `asked` says. Returns its number. */
uint32_t gkv_history_add(struct gkv_history *history, const struct gkv_deed *asked);

/* The key of a number: k0, k1 and so on. Every 97th is filled up with dashes, to be as long as a
 * key may be. buffer holds GKV_KEY_BYTES_MAX bytes. */
struct gkv_bytes gkv_history_key(uint32_t key, char *buffer);

/* The number of a key, or GKV_HISTORY_NONE. */
uint32_t gkv_history_key_number(struct gkv_bytes key);

/* Eight bytes of the value of deed `number`, which has value_bytes, from place 8 * index on: the
 * first four of all say the number. */
uint64_t gkv_history_value_word(uint32_t number, size_t value_bytes, size_t index);

/* Write the value of deed `number` into buffer. */
void gkv_history_value(uint32_t number, uint8_t *buffer, uint32_t value_bytes);

/* The set of `key` that wrote a value, byte for byte; GKV_HISTORY_NONE when there is none. */
uint32_t gkv_history_writer(const struct gkv_history *history, uint32_t key,
                            struct gkv_bytes value);

/* Was a write told that it failed, and not that it is in doubt? Then nobody may ever see it:
 * core/quorum.h promises it of every error but IN_DOUBT. */
bool gkv_history_has_failed(const struct gkv_deed *deed);

/* The deed of a cookie, or NULL. */
struct gkv_deed *gkv_history_find(const struct gkv_history *history, uint64_t cookie);

/* A version as people read it: milliseconds since the world began to count, counter, and the
 * writer's last four digits, such as "3615.0/3f97"; "none". */
struct gkv_history_text {
    char text[36];
};
struct gkv_history_text gkv_history_version(struct gkv_version version);

#endif
