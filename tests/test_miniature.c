#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/history.h"
#include "sim/miniature.h"
#include "sim/trial.h"

#define MINIATURE_COUNT 1000

static struct gkv_script *scripts[3];

static int set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        scripts[i] = gkv_script_create();
        if (scripts[i] == NULL) {
            return 1;
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        gkv_script_destroy(scripts[i]);
    }
    return 0;
}

/* Sets and gets at six nodes, with pauses among them, and what is read in the end. */
static void make_script(void)
{
    static const enum gkv_script_kind kinds[] = {GKV_SCRIPT_SET, GKV_SCRIPT_GET, GKV_SCRIPT_PAUSE};
    struct gkv_script *script = scripts[0];
    gkv_script_clear(script);
    script->scenario.node_count = 6;
    script->scenario.key_count = 8;
    script->scenario.client_count = 2;
    for (uint32_t i = 0; i < 300; i++) {
        const uint8_t node = (uint8_t)(i % 6);
        gkv_script_add(script,
                       &(struct gkv_script_line){.time_ns = GKV_SCRIPT_TIME_NS_MIN + i * 10000000,
                                                 .kind = kinds[i % 3],
                                                 .key = i % 8,
                                                 .client = i % 2,
                                                 .count = i % 3 == 0 ? 12 + i : 0,
                                                 .value = i % 3 == 2 ? 5000000 : 0,
                                                 .node = node,
                                                 .to = node});
    }
    for (uint32_t i = 0; i < 16; i++) {
        gkv_script_add(script, &(struct gkv_script_line){.time_ns = 5 * GKV_SCRIPT_TIME_NS_MIN,
                                                         .kind = i < 8 ? GKV_SCRIPT_READ_GET
                                                                       : GKV_SCRIPT_READ_SET,
                                                         .key = i % 8});
    }
}

/* Goal: a miniature is small, can be carried out, and nothing happens in it that does not happen in
 * its script; of its kinds all are met, and values are larger at times. Method: a thousand. */
static void test_is_small_and_of_the_same_kinds(void **state)
{
    uint32_t settled_count = 0;
    uint32_t larger_count = 0;
    uint64_t kinds = 0;
    (void)state;
    make_script();
    for (uint64_t number = 0; number < MINIATURE_COUNT; number++) {
        uint32_t counts[2] = {0};
        gkv_miniature_draw(scripts[1], scripts[0], number);
        settled_count += gkv_script_settle(scripts[1]) == NULL;
        for (uint32_t i = 0; i < scripts[1]->line_count; i++) {
            const struct gkv_script_line *line = &scripts[1]->lines[i];
            counts[0] += gkv_script_is_operation(line->kind) || gkv_script_is_reading(line->kind);
            counts[1] += gkv_script_is_fault(line->kind);
            larger_count += line->count == GKV_HISTORY_VALUE_BYTES_MAX;
            kinds |= UINT64_C(1) << line->kind;
        }
        assert_in_range(counts[0], 1, GKV_MINIATURE_OPERATION_COUNT_MAX);
        assert_in_range(counts[1], 0, GKV_MINIATURE_FAULT_COUNT_MAX);
    }
    const uint64_t expected = UINT64_C(1) << GKV_SCRIPT_SET | UINT64_C(1) << GKV_SCRIPT_GET |
                              UINT64_C(1) << GKV_SCRIPT_PAUSE | UINT64_C(1) << GKV_SCRIPT_HEAL |
                              UINT64_C(1) << GKV_SCRIPT_READ_GET |
                              UINT64_C(1) << GKV_SCRIPT_READ_SET;
    assert_int_equal(kinds, expected);
    assert_true(larger_count > 0);
    assert_true(settled_count > MINIATURE_COUNT * 9 / 10);
}

/* Goal: a number names one miniature, and others are other ones. Method: each twice, and next to
 * the one before. */
static void test_number_names_it(void **state)
{
    uint32_t same_count = 0;
    (void)state;
    make_script();
    for (uint64_t number = 1; number < 50; number++) {
        gkv_miniature_draw(scripts[1], scripts[0], number);
        gkv_miniature_draw(scripts[2], scripts[0], number);
        assert_int_equal(scripts[1]->line_count, scripts[2]->line_count);
        assert_memory_equal(scripts[1]->lines, scripts[2]->lines,
                            scripts[1]->line_count * sizeof(struct gkv_script_line));
        gkv_miniature_draw(scripts[2], scripts[0], number - 1);
        same_count += scripts[1]->line_count == scripts[2]->line_count &&
                      memcmp(scripts[1]->lines, scripts[2]->lines,
                             scripts[1]->line_count * sizeof(struct gkv_script_line)) == 0;
    }
    assert_int_equal(same_count, 0);
}

/* Goal: where nodes leave, stay away or come late, either no node is taken away, and not all owners
 * are asked: more would be promised than in the script; or nobody does so any more. Method: each of
 * the three. */
static void test_does_not_ask_for_more(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < 3; kind++) {
        make_script();
        scripts[0]->scenario.has_leave = kind == 0;
        scripts[0]->scenario.late_count = kind == 1;
        scripts[0]->scenario.outsider_count = kind == 2;
        const struct gkv_scenario *scenario = &scripts[1]->scenario;
        uint32_t steady_count = 0;
        for (uint64_t number = 0; number < 200; number++) {
            gkv_miniature_draw(scripts[1], scripts[0], number);
            if (!scenario->has_leave && scenario->late_count == 0 &&
                scenario->outsider_count == 0) {
                steady_count++;
                continue;
            }
            assert_int_equal(scenario->node_count, 6);
            assert_int_equal(scenario->world.node.write_quorum, 2);
            assert_false(scenario->has_tiny_tables);
        }
        assert_in_range(steady_count, 20, 100);
    }
}

/* Goal: streams that luck breaks may be broken at any time, in a world that has time for it, and by
 * nothing else. Method: a script without faults, with one broken stream or a lost message. */
static void test_luck_becomes_a_fault(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 2; variant++) {
        uint32_t broken_count_max = 0;
        gkv_script_clear(scripts[0]);
        scripts[0]->scenario.node_count = 3;
        scripts[0]->scenario.key_count = 1;
        struct gkv_script_line line = {.time_ns = GKV_SCRIPT_TIME_NS_MIN, .kind = GKV_SCRIPT_GET};
        gkv_script_add(scripts[0], &line);
        line.kind = GKV_SCRIPT_LUCK;
        line.label = gkv_script_label(scripts[0], variant == 0 ? "net.break" : "net.loss");
        line.value = 1;
        gkv_script_add(scripts[0], &line);
        for (uint64_t number = 0; number < 100; number++) {
            uint32_t broken_count = 0;
            gkv_miniature_draw(scripts[1], scripts[0], number);
            for (uint32_t i = 0; i < scripts[1]->line_count; i++) {
                broken_count += scripts[1]->lines[i].kind == GKV_SCRIPT_SEVER;
            }
            broken_count_max = broken_count > broken_count_max ? broken_count : broken_count_max;
        }
        assert_int_equal(broken_count_max, variant == 0 ? GKV_MINIATURE_FAULT_COUNT_MAX : 0);
    }
}

/* Goal: a miniature of what has no bug has none: an operation has the time that its value needs,
 * however little fits in a window. Method: the first ten of three seeds. */
static void test_has_time_for_its_values(void **state)
{
    static const uint64_t seeds[] = {78, 91, 131};
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        gkv_trial_run_with(&(struct gkv_trial_options){.seed = seeds[i], .written = scripts[0]},
                           &summary);
        assert_int_equal(summary.status, GKV_TRIAL_PASS);
        for (uint64_t number = 0; number < 10; number++) {
            gkv_miniature_draw(scripts[1], scripts[0], number);
            assert_null(gkv_script_settle(scripts[1]));
            gkv_trial_run_with(&(struct gkv_trial_options){.script = scripts[1]}, &summary);
            assert_int_equal(summary.status, GKV_TRIAL_PASS);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_is_small_and_of_the_same_kinds),
        cmocka_unit_test(test_number_names_it),
        cmocka_unit_test(test_does_not_ask_for_more),
        cmocka_unit_test(test_luck_becomes_a_fault),
        cmocka_unit_test(test_has_time_for_its_values),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
