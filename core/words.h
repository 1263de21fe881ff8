/* Strings of bytes kept in atomic words, so that they may be read while they change.
 *
 * Model     A string takes (bytes + 7) / 8 words; unused bytes of the last are zero. Byte i of a
 *           word is (word >> 8 i) & 255 on machines that store the low byte first, so that whole
 *           words are copied as they lie; elsewhere the order within a word differs, alike for
 *           writing and for reading.
 *           On x86-64 they are copied by sixteen bytes, of which each half is loaded and stored
 *           at once, as the architecture has it for aligned words; the compiler may not know of it.
 * Bounds    O(bytes); reads no byte of the caller's beyond those it was given.
 */
#ifndef GKV_CORE_WORDS_H
#define GKV_CORE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/atomic.h"

static inline size_t gkv_words_of(size_t bytes)
{
    return (bytes + 7) / 8;
}

static inline uint64_t gkv_word_from(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return word;
}

/* The word of the last `count` bytes, 1 to 7, in pieces: a memcpy of unknown size would cost a
 * call, and a byte at a time stalls on its own stores (20 ns of a 25 ns get, where it was
 * tried). */
static inline uint64_t gkv_word_from_tail(const uint8_t *data, size_t count)
{
    uint64_t word = 0;
    unsigned shift = 0;
    if ((count & 4) != 0) {
        uint32_t piece;
        memcpy(&piece, data, sizeof(piece));
        word = piece;
        data += 4;
        shift = 32;
    }
    if ((count & 2) != 0) {
        uint16_t piece;
        memcpy(&piece, data, sizeof(piece));
        word |= (uint64_t)piece << shift;
        data += 2;
        shift += 16;
    }
    if ((count & 1) != 0) {
        word |= (uint64_t)*data << shift;
    }
    return word;
}

static inline void gkv_word_to_tail(uint64_t word, uint8_t *out, size_t count)
{
    if ((count & 4) != 0) {
        const uint32_t piece = (uint32_t)word;
        memcpy(out, &piece, sizeof(piece));
        out += 4;
        word >>= 32;
    }
    if ((count & 2) != 0) {
        const uint16_t piece = (uint16_t)word;
        memcpy(out, &piece, sizeof(piece));
        out += 2;
        word >>= 16;
    }
    if ((count & 1) != 0) {
        *out = (uint8_t)word;
    }
}

/* True when the words hold these bytes. */
GKV_INLINE bool gkv_words_equal(const gkv_word *words, const uint8_t *data, size_t bytes)
{
    for (; bytes >= 16; bytes -= 16, words += 2, data += 16) {
        const uint64_t first = gkv_word_load(words) ^ gkv_word_from(data);
        const uint64_t second = gkv_word_load(words + 1) ^ gkv_word_from(data + 8);
        if ((first | second) != 0) {
            return false;
        }
    }
    if (bytes >= 8) {
        if (gkv_word_load(words) != gkv_word_from(data)) {
            return false;
        }
        words++;
        data += 8;
    }
    return bytes % 8 == 0 || gkv_word_load(words) == gkv_word_from_tail(data, bytes % 8);
}

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(GKV_WORDS_ONE_BY_ONE)
#define GKV_SIXTEEN_BYTES 16

typedef long long gkv_sixteen __attribute__((vector_size(16)));

GKV_INLINE gkv_sixteen gkv_sixteen_load(const void *from)
{
    gkv_sixteen bytes;
    __asm__ volatile("movdqu %1, %0" : "=x"(bytes) : "m"(*(const uint8_t(*)[16])from));
    return bytes;
}

GKV_INLINE void gkv_sixteen_store(void *to, gkv_sixteen bytes)
{
    __asm__ volatile("movdqu %1, %0" : "=m"(*(uint8_t(*)[16])to) : "x"(bytes));
}

#else
#define GKV_SIXTEEN_BYTES SIZE_MAX /* no string is as long: what follows is never called */

typedef uint64_t gkv_sixteen;

GKV_INLINE gkv_sixteen gkv_sixteen_load(const void *from)
{
    (void)from;
    return 0;
}

GKV_INLINE void gkv_sixteen_store(void *to, gkv_sixteen bytes)
{
    (void)to;
    (void)bytes;
}

#endif

GKV_INLINE void gkv_copy_32(const uint8_t *from, uint8_t *to)
{
    const gkv_sixteen a = gkv_sixteen_load(from);
    const gkv_sixteen b = gkv_sixteen_load(from + 16);
    gkv_sixteen_store(to, a);
    gkv_sixteen_store(to + 16, b);
}

/* Copy over 128 bytes, where there are sixteens. */
void gkv_copy_long(const uint8_t *from, uint8_t *to, size_t bytes);

/* Copy GKV_SIXTEEN_BYTES or more. Some are copied twice, rather than to ask how many are left. */
GKV_INLINE void gkv_copy(const uint8_t *from, uint8_t *to, size_t bytes)
{
    if (bytes > 128) {
        gkv_copy_long(from, to, bytes);
        return;
    }
    if (bytes <= 32) {
        const gkv_sixteen first = gkv_sixteen_load(from);
        const gkv_sixteen last = gkv_sixteen_load(from + bytes - 16);
        gkv_sixteen_store(to, first);
        gkv_sixteen_store(to + bytes - 16, last);
        return;
    }
    gkv_copy_32(from, to);
    if (bytes > 64) {
        gkv_copy_32(from + 32, to + 32);
        gkv_copy_32(from + bytes - 64, to + bytes - 64);
    }
    gkv_copy_32(from + bytes - 32, to + bytes - 32);
}

/* Copy `bytes` bytes out of the words. */
GKV_INLINE void gkv_words_read(const gkv_word *words, uint8_t *out, size_t bytes)
{
    if (bytes >= GKV_SIXTEEN_BYTES) {
        gkv_copy((const uint8_t *)words, out, bytes);
        return;
    }
    size_t i = 0;
    for (; (i + 1) * 8 <= bytes; i++) {
        const uint64_t word = gkv_word_load(words + i);
        memcpy(out + i * 8, &word, sizeof(word));
    }
    if (bytes % 8 != 0) {
        gkv_word_to_tail(gkv_word_load(words + i), out + i * 8, bytes % 8);
    }
}

/* Copy `bytes` bytes into the words. */
GKV_INLINE void gkv_words_write(gkv_word *words, const uint8_t *data, size_t bytes)
{
    if (bytes >= GKV_SIXTEEN_BYTES) {
        gkv_copy(data, (uint8_t *)words, bytes);
        if (bytes % 8 != 0) {
            const uint64_t end = gkv_word_from(data + bytes - 8);
            gkv_word_store(words + bytes / 8, end >> (64 - bytes % 8 * 8));
        }
        return;
    }
    size_t i = 0;
    for (; (i + 1) * 8 <= bytes; i++) {
        gkv_word_store(words + i, gkv_word_from(data + i * 8));
    }
    if (bytes % 8 != 0) {
        gkv_word_store(words + i, gkv_word_from_tail(data + i * 8, bytes % 8));
    }
}

#endif
