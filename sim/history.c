#include "sim/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void gkv_history_value(uint32_t number, uint8_t *buffer, uint32_t value_bytes)
{
    GKV_ASSERT(value_bytes >= GKV_HISTORY_VALUE_BYTES_MIN);
    uint32_t mixed = number * 2654435761u + value_bytes;
    for (uint32_t i = 0; i < value_bytes; i++) {
        mixed = mixed * 1664525u + 1013904223u;
        buffer[i] = (uint8_t)(i < 4 ? number >> (8 * i) : mixed >> 24);
    }
}

uint32_t gkv_history_writer(const struct gkv_history *history, uint32_t key, struct gkv_bytes value)
{
    uint8_t expected[GKV_HISTORY_VALUE_BYTES_MAX];
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
        value.count > sizeof(expected)) {
        return GKV_HISTORY_NONE;
    }
    gkv_history_value(number, expected, deed->value_bytes);
    return memcmp(expected, value.data, value.count) == 0 ? number : GKV_HISTORY_NONE;
}

struct gkv_deed *gkv_history_find(const struct gkv_history *history, uint64_t cookie)
{
    return cookie == 0 || cookie > history->count ? NULL : &history->deeds[cookie - 1];
}
