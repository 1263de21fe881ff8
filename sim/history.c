#include "sim/history.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/panic.h"

#define KEY_TEXT_BYTES 16

struct gkv_bytes gkv_history_key(uint32_t key, char *buffer)
{
    const int count = snprintf(buffer, KEY_TEXT_BYTES, "k%u", (unsigned)key);
    GKV_ASSERT(count > 0 && count < KEY_TEXT_BYTES);
    return (struct gkv_bytes){.data = (const uint8_t *)buffer, .count = (size_t)count};
}

uint32_t gkv_history_key_number(struct gkv_bytes key)
{
    uint32_t number = 0;
    if (key.count < 2 || key.count > 10 || key.data[0] != 'k') {
        return GKV_HISTORY_NONE;
    }
    for (size_t i = 1; i < key.count; i++) {
        if (key.data[i] < '0' || key.data[i] > '9') {
            return GKV_HISTORY_NONE;
        }
        number = number * 10 + (key.data[i] - (uint32_t)'0');
    }
    return number;
}

static uint32_t first_mixed(uint32_t number, size_t value_bytes)
{
    return number * 2654435761u + (uint32_t)value_bytes;
}

/* The byte at `place` of a value; asked for in order. */
static uint8_t value_byte(uint32_t number, size_t place, uint32_t *mixed)
{
    *mixed = *mixed * 1664525u + 1013904223u;
    return (uint8_t)(place < 4 ? number >> (8 * place) : *mixed >> 24);
}

void gkv_history_value(uint32_t number, uint8_t *buffer, uint32_t value_bytes)
{
    GKV_ASSERT(value_bytes >= GKV_HISTORY_VALUE_BYTES_MIN);
    uint32_t mixed = first_mixed(number, value_bytes);
    for (uint32_t i = 0; i < value_bytes; i++) {
        buffer[i] = value_byte(number, i, &mixed);
    }
}

/* Compared as it is made: a value is too large for a stack frame. */
static bool is_value_of(uint32_t number, struct gkv_bytes value)
{
    uint32_t mixed = first_mixed(number, value.count);
    for (size_t i = 0; i < value.count; i++) {
        if (value.data[i] != value_byte(number, i, &mixed)) {
            return false;
        }
    }
    return true;
}

uint32_t gkv_history_writer(const struct gkv_history *history, uint32_t key, struct gkv_bytes value)
{
    if (value.count < GKV_HISTORY_VALUE_BYTES_MIN) {
        return GKV_HISTORY_NONE;
    }
    uint32_t number = 0;
    for (uint32_t i = 0; i < 4; i++) {
        number |= (uint32_t)value.data[i] << (8 * i);
    }
    if (number >= history->count) {
        return GKV_HISTORY_NONE;
    }
    const struct gkv_deed *deed = &history->deeds[number];
    if (deed->kind != GKV_OPERATION_SET || deed->key != key || deed->value_bytes != value.count ||
        value.count > GKV_HISTORY_VALUE_BYTES_MAX) {
        return GKV_HISTORY_NONE;
    }
    return is_value_of(number, value) ? number : GKV_HISTORY_NONE;
}

uint32_t gkv_history_add(struct gkv_history *history, const struct gkv_deed *asked)
{
    GKV_ASSERT(history->count < GKV_HISTORY_COUNT_MAX);
    GKV_ASSERT(asked->key < GKV_SCENARIO_KEY_COUNT_MAX);
    const uint32_t number = history->count++;
    struct gkv_deed *deed = &history->deeds[number];
    uint32_t *last_count = &history->last_count[asked->key];
    *deed = *asked;
    deed->read = GKV_HISTORY_NONE;
    deed->seen_by = GKV_HISTORY_NONE;
    deed->before = *last_count == 0 ? GKV_HISTORY_NONE : *last_count - 1;
    *last_count = number + 1;
    return number;
}

bool gkv_history_has_failed(const struct gkv_deed *deed)
{
    return deed->kind != GKV_OPERATION_GET && deed->end_ns != 0 && deed->error != GKV_OK &&
           deed->error != GKV_ERROR_IN_DOUBT;
}

struct gkv_deed *gkv_history_find(const struct gkv_history *history, uint64_t cookie)
{
    return cookie == 0 || cookie > history->count ? NULL : &history->deeds[cookie - 1];
}
