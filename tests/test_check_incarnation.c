#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/told.h"

static struct told told;

/* A node says of another (or itself) a boot and an incarnation, as boot `from`. */
static void gossip(uint32_t node, uint64_t from, uint32_t about, uint64_t boot,
                   uint32_t incarnation)
{
    const struct gkv_update update = {
        .who = {.id = told.trial.ids[about], .boot_id = boot},
        .incarnation = incarnation,
        .state = about == node ? GKV_MEMBER_ALIVE : GKV_MEMBER_SUSPECT,
    };
    struct gkv_message message = {.kind = GKV_MESSAGE_GOSSIP, .from = {.boot_id = from}};
    message.as.gossip.updates = &update;
    message.as.gossip.update_count = 1;
    told_say(&told, node, 0, message);
}

static void push_pull(uint32_t node, uint32_t about, uint32_t incarnation)
{
    const struct gkv_update update = {
        .who = {.id = told.trial.ids[about], .boot_id = 100},
        .incarnation = incarnation,
        .state = GKV_MEMBER_ALIVE,
    };
    struct gkv_message message = {.kind = GKV_MESSAGE_PUSH_PULL};
    message.as.push_pull.updates = &update;
    message.as.push_pull.update_count = 1;
    told_say(&told, node, 5, message);
}

static void begin(void)
{
    told_begin(&told, &gkv_check_incarnation);
    for (uint32_t i = 0; i < 3; i++) {
        gossip(i, 100, i, 100, 0);
    }
}

/* Goal: rumours that repeat what a node said are accepted, older ones too. Method: a raise, heard
 * of by others in both ways, and an old rumour after it. */
static void test_accepts_what_was_said(void **state)
{
    (void)state;
    begin();
    gossip(1, 100, 0, 100, 0);
    gossip(0, 100, 0, 100, 3);
    gossip(1, 100, 0, 100, 3);
    push_pull(2, 0, 3);
    gossip(2, 100, 0, 100, 1);
    assert_false(told_is_rejected(&told));
}

/* Goal: a new life begins at any incarnation, and is told of. Method: boot 200 after 100. */
static void test_accepts_a_new_boot(void **state)
{
    (void)state;
    begin();
    gossip(0, 100, 0, 100, 7);
    gossip(0, 200, 0, 200, 0);
    gossip(1, 100, 0, 200, 0);
    gossip(1, 100, 0, 100, 7);
    assert_false(told_is_rejected(&told));
}

/* Goal: a table that waited in its stream may be older than a rumour; a HELLO names a boot.
 * Method: say both. */
static void test_accepts_frames_that_waited(void **state)
{
    (void)state;
    begin();
    gossip(0, 100, 0, 100, 4);
    push_pull(0, 0, 2);
    told_say(&told, 0, 6, (struct gkv_message){.kind = GKV_MESSAGE_NONE, .from = {.boot_id = 300}});
    gossip(1, 100, 0, 300, 0);
    assert_false(told_is_rejected(&told));
}

/* Goal: whatever goes down, or is above what its subject said, is rejected.
 * Method: a history of each. */
static void test_rejects_what_nobody_may_say(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 7; variant++) {
        begin();
        gossip(0, 100, 0, 100, 2);
        assert_false(told_is_rejected(&told));
        if (variant == 0) { /* its own incarnation goes down */
            gossip(0, 100, 0, 100, 1);
        } else if (variant == 1) { /* somebody raises another's */
            gossip(1, 100, 0, 100, 3);
        } else if (variant == 2) { /* in a table */
            push_pull(1, 0, 3);
        } else if (variant == 3) { /* its boot goes down */
            gossip(0, 99, 0, 99, 0);
        } else if (variant == 4) { /* a boot that it never named */
            gossip(1, 100, 0, 101, 0);
        } else if (variant == 5) { /* of an older boot than it goes by */
            gossip(0, 100, 0, 99, 5);
        } else { /* a new boot, and the incarnation of the old one */
            gossip(0, 200, 0, 200, 0);
            gossip(1, 100, 0, 200, 2);
        }
        assert_true(told_is_rejected(&told));
    }
}

/* Goal: a node with more boots than can be remembered is not passed over in silence. Method: as
 * many as there is room for, and one more. */
static void test_says_when_it_forgets(void **state)
{
    (void)state;
    begin();
    for (uint32_t i = 1; i < GKV_WATCH_BOOT_COUNT; i++) {
        gossip(0, 100 + i, 0, 100 + i, 0);
        gossip(1, 100, 0, 100 + i, 0);
    }
    assert_false(told_is_rejected(&told));
    gossip(0, 500, 0, 500, 0);
    assert_int_equal(told.trial.verdict.status, GKV_TRIAL_INTERNAL);
    assert_string_equal(told.trial.verdict.check, "room");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_what_was_said),
        cmocka_unit_test(test_accepts_a_new_boot),
        cmocka_unit_test(test_accepts_frames_that_waited),
        cmocka_unit_test(test_rejects_what_nobody_may_say),
        cmocka_unit_test(test_says_when_it_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
