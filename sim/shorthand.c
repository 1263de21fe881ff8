#include "sim/shorthand.h"

#include <string.h>

#include "sim/history.h"

#define NOTE_BYTES 8

static void put_half(uint8_t out[4], uint32_t half)
{
    for (uint32_t i = 0; i < 4; i++) {
        out[i] = (uint8_t)(half >> (8 * i));
    }
}

static uint32_t half_at(const uint8_t in[4])
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

/* Eight bytes of a value, as they lie there. */
static void spell(uint32_t number, size_t value_bytes, size_t index, uint8_t out[8])
{
    const uint64_t word = gkv_history_value_word(number, value_bytes, index);
    put_half(out, (uint32_t)word);
    put_half(out + 4, (uint32_t)(word >> 32));
}

/* Are these the first bytes of that deed's value? */
static bool begins(uint32_t number, size_t value_bytes, const uint8_t *bytes, size_t count)
{
    uint8_t word[8];
    bool is_so = value_bytes >= count;
    for (size_t done = 0; is_so && done < count; done += 8) {
        spell(number, value_bytes, done / 8, word);
        is_so = memcmp(bytes + done, word, count - done < 8 ? count - done : 8) == 0;
    }
    return is_so;
}

/* What is packed is most of a value: how large that is, its first word alone can tell. */
static size_t pack(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity)
{
    if (plain_bytes < 8 || capacity < NOTE_BYTES) {
        return 0;
    }
    const uint32_t number = half_at(plain);
    const size_t most = plain_bytes + plain_bytes / 128 + 64;
    size_t value_bytes = plain_bytes;
    while (value_bytes <= most && !begins(number, value_bytes, plain, 8)) {
        value_bytes++;
    }
    if (value_bytes > most || !begins(number, value_bytes, plain, plain_bytes)) {
        return 0;
    }
    put_half(out, number);
    put_half(out + 4, (uint32_t)value_bytes);
    return NOTE_BYTES;
}

static bool unpack(const uint8_t *packed, size_t packed_bytes, uint8_t *out, size_t plain_bytes)
{
    if (packed_bytes != NOTE_BYTES) {
        return false;
    }
    const uint32_t number = half_at(packed); /* before out is written to, where they may lie */
    const uint32_t value_bytes = half_at(packed + 4);
    uint8_t word[8];
    for (size_t done = 0; done < plain_bytes; done += 8) {
        spell(number, value_bytes, done / 8, word);
        memcpy(out + done, word, plain_bytes - done < 8 ? plain_bytes - done : 8);
    }
    return value_bytes >= plain_bytes;
}

struct gkv_packer gkv_shorthand_packer(void)
{
    return (struct gkv_packer){pack, unpack};
}
