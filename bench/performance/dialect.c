#include "bench/performance/dialect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KVSRV_HEAD_BYTES 16
#define KVSRV_GET 1
#define KVSRV_SET 2

static struct dialect_part part_of(const char *text)
{
    struct dialect_part part = {.count = strlen(text)};
    memcpy(part.bytes, text, part.count);
    return part;
}

static void init_resp(struct dialect *dialect, bool is_set, size_t value_bytes)
{
    char text[DIALECT_PART_BYTES];
    dialect->before = part_of(is_set ? "*3\r\n$3\r\nSET\r\n$16\r\n" : "*2\r\n$3\r\nGET\r\n$16\r\n");
    dialect->after = part_of("\r\n");
    if (is_set) {
        (void)snprintf(text, sizeof(text), "\r\n$%zu\r\n", value_bytes);
        dialect->after = part_of(text);
        dialect->end = part_of("\r\n");
        dialect->begin = part_of("+OK\r\n");
        dialect->answer_bytes = dialect->begin.count;
        return;
    }
    (void)snprintf(text, sizeof(text), "$%zu\r\n", value_bytes);
    dialect->begin = part_of(text);
    dialect->answer_bytes = dialect->begin.count + value_bytes + 2;
}

static void init_memcached(struct dialect *dialect, bool is_set, size_t value_bytes)
{
    char text[DIALECT_PART_BYTES];
    if (is_set) {
        (void)snprintf(text, sizeof(text), " 0 0 %zu\r\n", value_bytes);
        dialect->before = part_of("set ");
        dialect->after = part_of(text);
        dialect->end = part_of("\r\n");
        dialect->begin = part_of("STORED\r\n");
        dialect->answer_bytes = dialect->begin.count;
        return;
    }
    (void)snprintf(text, sizeof(text), " 0 %zu\r\n", value_bytes);
    dialect->head = part_of("get");
    dialect->before = part_of(" ");
    dialect->tail = part_of("\r\n");
    dialect->begin = part_of("VALUE ");
    dialect->answer_bytes = dialect->begin.count + KEY_TEXT_BYTES + strlen(text) + value_bytes + 2;
    dialect->answer_tail_bytes = strlen("END\r\n");
}

/* Operation, key length, two zeros, value length in 32 bits, a number in 64; of an answer the first
 * byte is zero, and there is no key. */
static void init_kvsrv(struct dialect *dialect, bool is_set, size_t value_bytes)
{
    const uint32_t sent_bytes = is_set ? (uint32_t)value_bytes : 0;
    const uint32_t answered_bytes = is_set ? 0 : (uint32_t)value_bytes;
    dialect->before.count = KVSRV_HEAD_BYTES;
    dialect->before.bytes[0] = is_set ? KVSRV_SET : KVSRV_GET;
    dialect->before.bytes[1] = KEY_TEXT_BYTES;
    memcpy(dialect->before.bytes + 4, &sent_bytes, sizeof(sent_bytes));
    dialect->begin.count = 8;
    memcpy(dialect->begin.bytes + 4, &answered_bytes, sizeof(answered_bytes));
    dialect->answer_bytes = KVSRV_HEAD_BYTES + answered_bytes;
}

bool dialect_init(struct dialect *dialect, const char *name, bool is_set, size_t value_bytes)
{
    *dialect = (struct dialect){.value_bytes = is_set ? value_bytes : 0};
    if (strcmp(name, "resp") == 0) {
        init_resp(dialect, is_set, value_bytes);
    } else if (strcmp(name, "memcached") == 0) {
        init_memcached(dialect, is_set, value_bytes);
    } else if (strcmp(name, "kvsrv") == 0) {
        init_kvsrv(dialect, is_set, value_bytes);
    } else {
        return false;
    }
    return true;
}

static uint8_t *append(uint8_t *out, const struct dialect_part *part)
{
    memcpy(out, part->bytes, part->count);
    return out + part->count;
}

/* snprintf costs more than some of the servers do. */
static uint8_t *append_key(uint8_t *out, uint32_t key)
{
    for (uint32_t i = 0; i < KEY_TEXT_BYTES; i++) {
        const uint32_t shift = 4 * (KEY_TEXT_BYTES - 1 - i);
        out[i] = (uint8_t) "0123456789abcdef"[(uint64_t)key >> shift & 15];
    }
    return out + KEY_TEXT_BYTES;
}

void dialect_write(const struct dialect *dialect, const uint32_t *keys, uint32_t key_count,
                   const uint8_t *value, uint8_t *out)
{
    out = append(out, &dialect->head);
    for (uint32_t i = 0; i < key_count; i++) {
        out = append(out, &dialect->before);
        out = append_key(out, keys[i]);
        out = append(out, &dialect->after);
        memcpy(out, value, dialect->value_bytes);
        out = append(out + dialect->value_bytes, &dialect->end);
    }
    (void)append(out, &dialect->tail);
}

size_t dialect_batch_bytes(const struct dialect *dialect, uint32_t key_count)
{
    const size_t one = dialect->before.count + KEY_TEXT_BYTES + dialect->after.count +
                       dialect->value_bytes + dialect->end.count;
    return dialect->head.count + key_count * one + dialect->tail.count;
}

size_t dialect_answer_bytes(const struct dialect *dialect, uint32_t key_count)
{
    return key_count * dialect->answer_bytes + dialect->answer_tail_bytes;
}
