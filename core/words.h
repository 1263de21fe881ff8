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
static inline bool gkv_words_equal(const gkv_word *words, const uint8_t *data, size_t bytes)
{
    size_t i = 0;
    for (; (i + 1) * 8 <= bytes; i++) {
        if (gkv_word_load(words + i) != gkv_word_from(data + i * 8)) {
            return false;
        }
    }
    return bytes % 8 == 0 ||
           gkv_word_load(words + i) == gkv_word_from_tail(data + i * 8, bytes % 8);
}

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(GKV_WORDS_ONE_BY_ONE)
#define GKV_COPY_BYTES 16

static inline void gkv_copy_16(const void *from, void *to)
{
    __asm__ volatile("movdqu %1, %%xmm0\n\tmovdqu %%xmm0, %0"
                     : "=m"(*(uint8_t(*)[16])to)
                     : "m"(*(const uint8_t(*)[16])from)
                     : "xmm0");
}

#else
#define GKV_COPY_BYTES SIZE_MAX

static inline void gkv_copy_16(const void *from, void *to)
{
    (void)from;
    (void)to;
}

#endif

/* Copy `bytes` bytes out of the words; what is left of sixteen once more with what is before it. */
static inline void gkv_words_read(const gkv_word *words, uint8_t *out, size_t bytes)
{
    const uint8_t *from = (const uint8_t *)words;
    if (bytes >= GKV_COPY_BYTES) {
        size_t i = 0;
        for (; i + 64 <= bytes; i += 64) {
            gkv_copy_16(from + i, out + i);
            gkv_copy_16(from + i + 16, out + i + 16);
            gkv_copy_16(from + i + 32, out + i + 32);
            gkv_copy_16(from + i + 48, out + i + 48);
        }
        for (; i + 16 <= bytes; i += 16) {
            gkv_copy_16(from + i, out + i);
        }
        gkv_copy_16(from + bytes - GKV_COPY_BYTES, out + bytes - GKV_COPY_BYTES);
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
static inline void gkv_words_write(gkv_word *words, const uint8_t *data, size_t bytes)
{
    size_t i = 0;
    for (; bytes >= GKV_COPY_BYTES && i * 8 + 16 <= bytes; i += 2) {
        gkv_copy_16(data + i * 8, words + i);
    }
    for (; (i + 1) * 8 <= bytes; i++) {
        gkv_word_store(words + i, gkv_word_from(data + i * 8));
    }
    if (bytes % 8 != 0) {
        gkv_word_store(words + i, gkv_word_from_tail(data + i * 8, bytes % 8));
    }
}

#endif
