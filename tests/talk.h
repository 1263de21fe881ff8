/* Tables of talks, told by hand to a check: it must accept all of one, and reject each of another.
 *
 * Model     A talk is a struct of the test's own that begins with `const char *name`; what else is
 *           in it, and how it is told, the test's `is_rejected` knows. Each is told by itself.
 * Not here  Who listens: tests/told.h, tests/trio.h.
 */
#ifndef GKV_TESTS_TALK_H
#define GKV_TESTS_TALK_H

#include <stdbool.h>
#include <stddef.h>

/* Fail, with its name, at the first talk of a table that is rejected. The table has `table_bytes`,
 * and each talk in it `talk_bytes`. */
void talk_expect_accepted(const void *table, size_t table_bytes, size_t talk_bytes,
                          bool (*is_rejected)(const void *talk));

/* Likewise at the first one that is accepted. */
void talk_expect_rejected(const void *table, size_t table_bytes, size_t talk_bytes,
                          bool (*is_rejected)(const void *talk));

#endif
