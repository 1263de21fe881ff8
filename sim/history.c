#include "sim/history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/panic.h"
#include "io_sim/clock.h"

#define DIGIT_COUNT_MAX 10
#define LONG_KEY_EVERY 97

struct gkv_bytes gkv_history_key(uint32_t key, char *buffer)
{
    char digits[DIGIT_COUNT_MAX];
    uint32_t digit_count = 0;
    uint32_t rest = key;
    do {
        digits[digit_count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    buffer[0] = 'k';
    for (uint32_t i = 0; i < digit_count; i++) {
        buffer[1 + i] = digits[digit_count - 1 - i];
    }
    size_t count = 1 + (size_t)digit_count;
    if (key % LONG_KEY_EVERY == LONG_KEY_EVERY - 1) {
        memset(buffer + count, '-', GKV_KEY_BYTES_MAX - count);
        count = GKV_KEY_BYTES_MAX;
    }
    return (struct gkv_bytes){.data = (const uint8_t *)buffer, .count = count};
}

uint32_t gkv_history_key_number(struct gkv_bytes key)
{
    uint32_t number = 0;
    size_t count = key.count;
    while (count > 0 && key.data[count - 1] == '-') {
        count--;
    }
    if (count < 2 || count > 10 || key.data[0] != 'k') {
        return GKV_HISTORY_NONE;
    }
    for (size_t i = 1; i < count; i++) {
        if (key.data[i] < '0' || key.data[i] > '9') {
            return GKV_HISTORY_NONE;
        }
        number = number * 10 + (key.data[i] - (uint32_t)'0');
    }
    return number;
}

/* What is not the number follows from it (the finaliser of Vigna's splitmix64). */
uint64_t gkv_history_value_word(uint32_t number, size_t value_bytes, size_t index)
{
    uint64_t mixed = ((uint64_t)number << 32) + value_bytes;
    mixed += (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
    mixed ^= mixed >> 31;
    return index == 0 ? (mixed & ~(uint64_t)UINT32_MAX) | number : mixed;
}

/* Spelled out, so that the compiler makes one store of it. */
static void put_word(uint8_t out[8], uint64_t word)
{
    out[0] = (uint8_t)word;
    out[1] = (uint8_t)(word >> 8);
    out[2] = (uint8_t)(word >> 16);
    out[3] = (uint8_t)(word >> 24);
    out[4] = (uint8_t)(word >> 32);
    out[5] = (uint8_t)(word >> 40);
    out[6] = (uint8_t)(word >> 48);
    out[7] = (uint8_t)(word >> 56);
}

void gkv_history_value(uint32_t number, uint8_t *buffer, uint32_t value_bytes)
{
    GKV_ASSERT(value_bytes >= GKV_HISTORY_VALUE_BYTES_MIN);
    const size_t word_count = value_bytes / 8;
    uint8_t last[8];
    for (size_t i = 0; i < word_count; i++) {
        put_word(buffer + 8 * i, gkv_history_value_word(number, value_bytes, i));
    }
    put_word(last, gkv_history_value_word(number, value_bytes, word_count));
    memcpy(buffer + 8 * word_count, last, value_bytes % 8);
}

/* Compared as it is made: a value is too large for a stack frame. */
static bool is_value_of(uint32_t number, struct gkv_bytes value)
{
    uint8_t bytes[8];
    for (size_t done = 0; done < value.count; done += 8) {
        const size_t rest = value.count - done;
        put_word(bytes, gkv_history_value_word(number, value.count, done / 8));
        if (memcmp(value.data + done, bytes, rest < 8 ? rest : 8) != 0) {
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

struct gkv_history_text gkv_history_version(struct gkv_version version)
{
    struct gkv_history_text text = {.text = "none"};
    if (!gkv_version_is_none(version)) {
        const uint64_t ms = gkv_hlc_ms(version.hlc);
        (void)snprintf(text.text, sizeof(text.text), "%" PRIu64 ".%u/%04x",
                       ms >= GKV_SIM_EPOCH_MS ? ms - GKV_SIM_EPOCH_MS : ms,
                       (unsigned)(version.hlc.packed & 0xFFFF),
                       (unsigned)(version.writer & 0xFFFF));
    }
    return text;
}
