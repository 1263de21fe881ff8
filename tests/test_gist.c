#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proto/frame.h"
#include "sim/gist.h"

static struct gkv_gists gists;
static uint8_t datagram[GKV_FRAME_HEADER_BYTES + 8];

/* A datagram of which only the checksum matters here. */
static struct gkv_bytes datagram_of(uint64_t payload)
{
    memcpy(datagram + GKV_FRAME_HEADER_BYTES, &payload, sizeof(payload));
    gkv_datagram_seal(datagram, sizeof(payload));
    return (struct gkv_bytes){.data = datagram, .count = sizeof(datagram)};
}

static void note(uint32_t from, uint64_t stamp, uint64_t payload)
{
    gkv_gists_note(&gists, datagram_of(payload), stamp,
                   &(struct gkv_gist){.from = from, .sequence = (uint32_t)payload});
}

static const struct gkv_gist *find(uint32_t from, uint64_t stamp, uint64_t payload)
{
    return gkv_gists_find(&gists, from, datagram_of(payload), stamp);
}

/* Goal: a datagram is known by sender, stamp and bytes together. Method: the same, and each of the
 * three another. */
static void test_known_by_all_three(void **state)
{
    (void)state;
    memset(&gists, 0, sizeof(gists));
    assert_null(find(1, 10, 5));
    note(1, 10, 5);
    note(2, 10, 5);
    note(1, 11, 5);
    note(1, 10, 6);
    assert_int_equal(find(1, 10, 5)->sequence, 5);
    assert_int_equal(find(2, 10, 5)->from, 2);
    assert_int_equal(find(1, 10, 6)->sequence, 6);
    assert_null(find(3, 10, 5));
    assert_null(find(1, 12, 5));
    assert_null(find(1, 10, 7));
}

/* Goal: the newest are known, and nothing that was written over is taken for another.
 * Method: three times as many as there is room for. */
static void test_the_newest_stay(void **state)
{
    (void)state;
    memset(&gists, 0, sizeof(gists));
    const uint64_t count = 3 * GKV_GIST_COUNT;
    for (uint64_t i = 1; i <= count; i++) {
        note(1, i, i);
    }
    for (uint64_t i = 1; i <= count; i++) {
        const struct gkv_gist *gist = find(1, i, i);
        if (i + GKV_GIST_COUNT <= count) {
            assert_null(gist);
        } else if (i + GKV_GIST_COUNT > count + 1) {
            assert_int_equal(gist->sequence, i);
        }
    }
}

/* Goal: of messages without a sequence nothing else is kept. Method: one of each sort. */
static void test_what_is_kept(void **state)
{
    (void)state;
    struct gkv_message message = {.kind = GKV_MESSAGE_PING};
    message.from.boot_id = 3;
    message.as.gossip.sequence = 7;
    message.as.gossip.about.boot_id = 4;
    struct gkv_gist gist = gkv_gist_of(2, &message);
    assert_int_equal(gist.from, 2);
    assert_int_equal(gist.boot_id, 3);
    assert_int_equal(gist.sequence, 7);
    assert_int_equal(gist.about.boot_id, 4);
    message.kind = GKV_MESSAGE_WRITE;
    gist = gkv_gist_of(2, &message);
    assert_int_equal(gist.sequence, 0);
    assert_int_equal(gist.about.boot_id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_by_all_three),
        cmocka_unit_test(test_the_newest_stay),
        cmocka_unit_test(test_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
