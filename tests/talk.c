#include "tests/talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* The first talk of a table that is not judged as it must be, or NULL. */
static const void *find_misjudged(const void *table, size_t table_bytes, size_t talk_bytes,
                                  bool (*is_rejected)(const void *talk), bool must_be_rejected)
{
    /* Sizes that are taken for each other do not divide. */
    assert_true(talk_bytes > 0 && table_bytes > 0 && table_bytes % talk_bytes == 0);
    const char *end = (const char *)table + table_bytes;
    for (const char *talk = table; talk < end; talk += talk_bytes) {
        if (is_rejected(talk) != must_be_rejected) {
            return talk;
        }
    }
    return NULL;
}

void talk_expect_accepted(const void *table, size_t table_bytes, size_t talk_bytes,
                          bool (*is_rejected)(const void *talk))
{
    const void *talk = find_misjudged(table, table_bytes, talk_bytes, is_rejected, false);
    if (talk != NULL) {
        fail_msg("rejected: %s", *(const char *const *)talk);
    }
}

void talk_expect_rejected(const void *table, size_t table_bytes, size_t talk_bytes,
                          bool (*is_rejected)(const void *talk))
{
    const void *talk = find_misjudged(table, table_bytes, talk_bytes, is_rejected, true);
    if (talk != NULL) {
        fail_msg("accepted: %s", *(const char *const *)talk);
    }
}
