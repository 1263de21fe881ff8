#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/shrink.h"

/* A made-up run: up to 60 operations of a kind and a key, drawn. It fails at the second write of
 * key 3. */
static bool runs_and_fails(void *context, const struct gkv_recording *candidate,
                           struct gkv_recording *drawn, struct gkv_shrink_size *size_out)
{
    static struct gkv_choice choice;
    uint32_t write_count = 0;
    (void)context;
    gkv_choice_init(&choice, 5);
    if (candidate != NULL) {
        gkv_choice_replay(&choice, candidate, true);
    }
    gkv_choice_record(&choice, drawn);
    const uint64_t count = 20 + gkv_choose(&choice, "shape.operations", 41);
    for (uint64_t i = 0; i < count; i++) {
        const bool is_write = gkv_choose(&choice, "work.kind", 2) == 1;
        const uint64_t key = gkv_choose(&choice, "work.key", 6);
        (void)gkv_choose(&choice, "net.delay", 1000);
        size_out->operation_count++;
        write_count += is_write && key == 3;
        if (write_count == 2) {
            break;
        }
    }
    size_out->deed_count = size_out->operation_count;
    size_out->event_count = size_out->operation_count;
    return write_count == 2;
}

/* Goal: a planted failure is brought to the two operations that it needs, and still fails. Method:
 * record one run, shrink it, look at what is left, and run it again. */
static void test_shrinks_to_what_is_needed(void **state)
{
    struct gkv_shrink shrink;
    struct gkv_shrink_size size = {0};
    (void)state;
    struct gkv_recording *recording = gkv_recording_create();
    struct gkv_recording *again = gkv_recording_create();
    assert_non_null(recording);
    assert_non_null(again);
    assert_true(runs_and_fails(NULL, NULL, recording, &size));
    assert_true(size.operation_count > 2);

    assert_true(gkv_shrink_create(&shrink, runs_and_fails, NULL));
    assert_true(gkv_shrink_run(&shrink, recording, 2000));
    assert_int_equal(shrink.size.operation_count, 2);
    assert_int_equal(shrink.size.draw_count, 4); /* two kinds and two keys */
    assert_int_equal(shrink.best->draw_count, 7);

    gkv_recording_link(shrink.best);
    size = (struct gkv_shrink_size){0};
    assert_true(runs_and_fails(NULL, shrink.best, again, &size));
    assert_int_equal(again->draw_count, shrink.best->draw_count);
    gkv_shrink_destroy(&shrink);
    gkv_recording_destroy(recording);
    gkv_recording_destroy(again);
}

static bool never_fails(void *context, const struct gkv_recording *candidate,
                        struct gkv_recording *drawn, struct gkv_shrink_size *size_out)
{
    uint32_t *count = context;
    (void)candidate;
    (void)drawn;
    (void)size_out;
    (*count)++;
    return false;
}

/* Goal: what does not fail is not shrunk, and tries are bounded. Method: a test that counts. */
static void test_says_when_nothing_fails(void **state)
{
    uint32_t count = 0;
    struct gkv_shrink shrink;
    (void)state;
    struct gkv_recording *recording = gkv_recording_create();
    assert_non_null(recording);
    assert_true(gkv_shrink_create(&shrink, never_fails, &count));
    assert_false(gkv_shrink_run(&shrink, recording, 10));
    assert_int_equal(count, 1);
    gkv_shrink_destroy(&shrink);
    gkv_recording_destroy(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrinks_to_what_is_needed),
        cmocka_unit_test(test_says_when_nothing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
