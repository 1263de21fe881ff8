#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "io_posix/tuning.h"

/* All options that tune, by runs that follow each other in the struct; NULL: no more. */
static uint32_t *knob_at(struct gridkv_options *options, size_t index)
{
    uint32_t *const first[] = {&options->operation_timeout_ms, &options->gossip_interval_ms,
                               &options->leave_ms};
    const size_t count[] = {1, 6, 26};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        if (index < count[i]) {
            return first[i] + index;
        }
        index -= count[i];
    }
    return NULL;
}

static struct gkv_options core_of(const struct gridkv_options *options)
{
    struct gkv_options core;
    gkv_options_init(&core);
    gkv_tuning_take(&core, options);
    return core;
}

/* How many of the numbers of two differ, by words of four bytes. */
static size_t difference_count(const struct gkv_options *a, const struct gkv_options *b)
{
    size_t count = 0;
    for (size_t at = 0; at < sizeof(*a); at += sizeof(uint32_t)) {
        count += memcmp((const uint8_t *)a + at, (const uint8_t *)b + at, sizeof(uint32_t)) != 0;
    }
    return count;
}

/* Goal: each option changes one thing of the core's, another than all others change, and 0 none.
 * Method: one at a time, and each of them together with all before it. */
static void test_each_option_tunes_one_thing(void **state)
{
    (void)state;
    struct gridkv_options options;
    gridkv_options_init(&options);
    const struct gkv_options profile = core_of(&options);
    struct gkv_options plain;
    gkv_options_init(&plain);
    assert_int_equal(difference_count(&profile, &plain), 0);
    size_t index = 0;
    for (uint32_t *knob = knob_at(&options, 0); knob != NULL; knob = knob_at(&options, ++index)) {
        struct gridkv_options alone;
        gridkv_options_init(&alone);
        assert_int_equal(*knob, 0);
        *knob = *knob_at(&alone, index) = 7654321;
        const struct gkv_options core = core_of(&alone);
        assert_int_equal(difference_count(&core, &profile), 1);
        const struct gkv_options all = core_of(&options);
        assert_int_equal(difference_count(&all, &profile), index + 1);
    }
    assert_ptr_equal(knob_at(&options, index - 1), &options.read_repair_per_second_max);
}

/* Goal: names that differ arrive where they belong, and GRIDKV_NONE is the core's 0. Method: the
 * three of them, and options of which 0 says something. */
static void test_names_and_none(void **state)
{
    (void)state;
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.failure_timeout_ms = 300;
    options.suspect_timeout_ms = GRIDKV_NONE;
    options.startup_grace_period_ms = 500;
    options.leave_ms = GRIDKV_NONE;
    options.buddy = GRIDKV_NONE;
    options.probe_repeat_ms = 10;
    const struct gkv_options core = core_of(&options);
    assert_int_equal(core.suspicion_timeout_ms, 300);
    assert_int_equal(core.evict_delay_ms, 0);
    assert_int_equal(core.startup_grace_ms, 500);
    assert_int_equal(core.leave_ms, 0);
    assert_int_equal(core.buddy, 0);
    assert_int_equal(core.last_chance, 1);
    assert_int_equal(core.probe_repeat_ms, 10);
}

/* Goal: a refusal names the option that the caller knows. Method: a name that differs, one that is
 * the same, one that only begins alike, and none. */
static void test_refusal_names_the_option(void **state)
{
    (void)state;
    const char *rest = NULL;
    assert_string_equal(gkv_tuning_name("evict_delay_ms must lie", &rest), "suspect_timeout_ms");
    assert_string_equal(rest, " must lie");
    assert_string_equal(gkv_tuning_name("leave_ms must lie", &rest), "leave_ms");
    assert_string_equal(rest, " must lie");
    assert_string_equal(gkv_tuning_name("leave_ms_max must lie", &rest), "");
    assert_string_equal(rest, "leave_ms_max must lie");
    assert_string_equal(gkv_tuning_name("level must be", &rest), "");
    assert_string_equal(rest, "level must be");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_option_tunes_one_thing),
        cmocka_unit_test(test_names_and_none),
        cmocka_unit_test(test_refusal_names_the_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
