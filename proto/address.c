#include "proto/address.h"

#include <string.h>

#include "core/panic.h"

#define FAMILY_4 4
#define FAMILY_6 6
#define GROUP_COUNT 8 /* of an IPv6 address, 16 bits each */

_Static_assert(1 + 16 + 2 <= GKV_ADDRESS_BYTES_MAX, "an IPv6 address and its port fit");
_Static_assert(2 + 2 * GKV_ADDRESS_BYTES_MAX < GKV_ADDRESS_TEXT_BYTES, "opaque bytes fit as text");

/* ---- Writing --------------------------------------------------------------------------------- */

struct text {
    char *bytes;
    size_t count;
};

static void put_character(struct text *text, char character)
{
    GKV_ASSERT(text->count + 1 < GKV_ADDRESS_TEXT_BYTES);
    text->bytes[text->count++] = character;
}

static void put_number(struct text *text, uint32_t number, uint32_t base)
{
    GKV_ASSERT(base == 10 || base == 16);
    char digits[10];
    size_t digit_count = 0;
    do {
        digits[digit_count++] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    while (digit_count > 0) {
        put_character(text, digits[--digit_count]);
    }
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals, becomes "::". */
static void put_groups(struct text *text, const uint16_t groups[GROUP_COUNT])
{
    uint32_t run_first = GROUP_COUNT;
    uint32_t run_count = 1;
    for (uint32_t first = 0; first < GROUP_COUNT; first++) {
        uint32_t count = 0;
        while (first + count < GROUP_COUNT && groups[first + count] == 0) {
            count++;
        }
        if (count > run_count) {
            run_first = first;
            run_count = count;
        }
    }
    for (uint32_t i = 0; i < GROUP_COUNT; i++) {
        if (i == run_first) {
            put_character(text, ':');
            put_character(text, ':');
            i += run_count - 1;
            continue;
        }
        if (i > 0 && i != run_first + run_count) {
            put_character(text, ':');
        }
        put_number(text, groups[i], 16);
    }
}

static void put_opaque(struct text *text, const struct gkv_address *address)
{
    put_character(text, '0');
    put_character(text, 'x');
    for (uint32_t i = 0; i < address->count && i < GKV_ADDRESS_BYTES_MAX; i++) {
        put_character(text, "0123456789abcdef"[address->bytes[i] >> 4]);
        put_character(text, "0123456789abcdef"[address->bytes[i] & 15]);
    }
}

size_t gkv_address_text(const struct gkv_address *address, char text_out[GKV_ADDRESS_TEXT_BYTES])
{
    struct text text = {.bytes = text_out};
    const uint8_t *bytes = address->bytes;
    if (address->count == 7 && bytes[0] == FAMILY_4) {
        for (uint32_t i = 1; i <= 4; i++) {
            put_number(&text, bytes[i], 10);
            put_character(&text, i < 4 ? '.' : ':');
        }
        put_number(&text, (uint32_t)bytes[5] << 8 | bytes[6], 10);
    } else if (address->count == 19 && bytes[0] == FAMILY_6) {
        uint16_t groups[GROUP_COUNT];
        for (uint32_t i = 0; i < GROUP_COUNT; i++) {
            groups[i] = (uint16_t)(bytes[1 + 2 * i] << 8 | bytes[2 + 2 * i]);
        }
        put_character(&text, '[');
        put_groups(&text, groups);
        put_character(&text, ']');
        put_character(&text, ':');
        put_number(&text, (uint32_t)bytes[17] << 8 | bytes[18], 10);
    } else {
        put_opaque(&text, address);
    }
    text_out[text.count] = '\0';
    return text.count;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct cursor {
    const char *text;
    size_t bytes;
    size_t position;
};

static bool take_character(struct cursor *cursor, char character)
{
    if (cursor->position == cursor->bytes || cursor->text[cursor->position] != character) {
        return false;
    }
    cursor->position++;
    return true;
}

static uint32_t digit_value(char character)
{
    if (character >= '0' && character <= '9') {
        return (uint32_t)(character - '0');
    }
    if (character >= 'a' && character <= 'f') {
        return (uint32_t)(character - 'a') + 10;
    }
    if (character >= 'A' && character <= 'F') {
        return (uint32_t)(character - 'A') + 10;
    }
    return 16;
}

/* 1 .. digits_max digits, no more than max. */
static bool take_number(struct cursor *cursor, uint32_t base, uint32_t max, uint32_t *number_out)
{
    const uint32_t digits_max = base == 16 ? 4 : 5;
    uint32_t number = 0;
    uint32_t digit_count = 0;
    while (cursor->position < cursor->bytes && digit_count <= digits_max) {
        const uint32_t digit = digit_value(cursor->text[cursor->position]);
        if (digit >= base) {
            break;
        }
        number = number * base + digit;
        digit_count++;
        cursor->position++;
    }
    if (digit_count == 0 || digit_count > digits_max || number > max) {
        return false;
    }
    *number_out = number;
    return true;
}

static bool take_family_4(struct cursor *cursor, uint8_t bytes_out[4])
{
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t part;
        if ((i > 0 && !take_character(cursor, '.')) || !take_number(cursor, 10, 255, &part)) {
            return false;
        }
        bytes_out[i] = (uint8_t)part;
    }
    return true;
}

/* An IPv4 tail ("::ffff:1.2.3.4") in the place of the last two groups. */
static bool take_tail(struct cursor *cursor, uint16_t *groups, uint32_t *group_count)
{
    struct cursor tail = *cursor;
    uint8_t bytes[4];
    if (*group_count + 2 > GROUP_COUNT || !take_family_4(&tail, bytes)) {
        return false;
    }
    groups[(*group_count)++] = (uint16_t)(bytes[0] << 8 | bytes[1]);
    groups[(*group_count)++] = (uint16_t)(bytes[2] << 8 | bytes[3]);
    *cursor = tail;
    return true;
}

static bool take_groups(struct cursor *cursor, uint16_t groups[GROUP_COUNT])
{
    uint32_t group_count = 0;
    uint32_t gap = GROUP_COUNT + 1; /* where "::" stands: before which group; none yet */
    if (take_character(cursor, ':')) {
        if (!take_character(cursor, ':')) {
            return false;
        }
        gap = 0;
    }
    bool after_gap = gap == 0;
    while (group_count < GROUP_COUNT) {
        uint32_t group;
        if (take_tail(cursor, groups, &group_count)) {
            break;
        }
        if (!take_number(cursor, 16, UINT16_MAX, &group)) {
            if (!after_gap) {
                return false;
            }
            break;
        }
        groups[group_count++] = (uint16_t)group;
        after_gap = false;
        if (!take_character(cursor, ':')) {
            break;
        }
        if (take_character(cursor, ':')) {
            if (gap <= GROUP_COUNT) {
                return false;
            }
            gap = group_count;
            after_gap = true;
        }
    }
    if (gap > GROUP_COUNT) {
        return group_count == GROUP_COUNT;
    }
    if (group_count == GROUP_COUNT) {
        return false;
    }
    const uint32_t moved = group_count - gap;
    memmove(&groups[GROUP_COUNT - moved], &groups[gap], moved * sizeof(groups[0]));
    memset(&groups[gap], 0, (GROUP_COUNT - group_count) * sizeof(groups[0]));
    return true;
}

bool gkv_address_parse_numeric(const char *text, size_t text_bytes, struct gkv_address *address_out)
{
    struct cursor cursor = {.text = text, .bytes = text_bytes};
    struct gkv_address address = {.count = 7};
    address.bytes[0] = FAMILY_4;
    if (take_character(&cursor, '[')) {
        uint16_t groups[GROUP_COUNT] = {0};
        if (!take_groups(&cursor, groups) || !take_character(&cursor, ']')) {
            return false;
        }
        address.count = 19;
        address.bytes[0] = FAMILY_6;
        for (uint32_t i = 0; i < GROUP_COUNT; i++) {
            address.bytes[1 + 2 * i] = (uint8_t)(groups[i] >> 8);
            address.bytes[2 + 2 * i] = (uint8_t)(groups[i] & 255);
        }
    } else if (!take_family_4(&cursor, &address.bytes[1])) {
        return false;
    }
    uint32_t port;
    if (!take_character(&cursor, ':') || !take_number(&cursor, 10, UINT16_MAX, &port) ||
        cursor.position != cursor.bytes) {
        return false;
    }
    address.bytes[address.count - 2] = (uint8_t)(port >> 8);
    address.bytes[address.count - 1] = (uint8_t)(port & 255);
    *address_out = address;
    return true;
}
