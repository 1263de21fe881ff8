/* How a get or a set is asked for and answered, in the protocols of the servers that are compared.
 *
 * A batch is `head`, then for each key `before`, the key, `after`, the value of a set and `end`,
 * then `tail`. Its answer is `answer` bytes long for each key, each of which begins with `begin`,
 * and `answer_tail` more. All keys are KEY_TEXT_BYTES hexadecimal digits, all values of one length,
 * so that no answer has to be parsed: whoever answers "not found" or an error is noticed, because
 * it does not begin like that.
 */
#ifndef BENCH_PERFORMANCE_DIALECT_H
#define BENCH_PERFORMANCE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_TEXT_BYTES 16
#define DIALECT_PART_BYTES 64

struct dialect_part {
    uint8_t bytes[DIALECT_PART_BYTES];
    size_t count;
};

struct dialect {
    struct dialect_part head;
    struct dialect_part before;
    struct dialect_part after;
    size_t value_bytes; /* of the value behind `after`; 0: a get, which has none */
    struct dialect_part end;
    struct dialect_part tail;
    struct dialect_part begin;
    size_t answer_bytes;
    size_t answer_tail_bytes;
};

/* name: "resp", "memcached" (several gets in one command: what its clients do) or "kvsrv" (sixteen
 * bytes of operation, lengths and number, then key and value). False: there is no such one. */
bool dialect_init(struct dialect *dialect, const char *name, bool is_set, size_t value_bytes);

/* Write a batch for these keys to out, which has room for it. */
void dialect_write(const struct dialect *dialect, const uint32_t *keys, uint32_t key_count,
                   const uint8_t *value, uint8_t *out);

/* How long a batch is, and its answer. */
size_t dialect_batch_bytes(const struct dialect *dialect, uint32_t key_count);
size_t dialect_answer_bytes(const struct dialect *dialect, uint32_t key_count);

#endif
