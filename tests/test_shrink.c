#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/shrink.h"

#define LINE_COUNT 400

static struct gkv_script *script;

static int set_up(void **state)
{
    (void)state;
    script = gkv_script_create();
    return script == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    gkv_script_destroy(script);
    return 0;
}

/* Many operations of four clients on six keys of some nodes, with cuts and delays among them. */
static void make_script(uint32_t node_count)
{
    struct gkv_prng prng;
    gkv_prng_init(&prng, 5, 0);
    gkv_script_clear(script);
    script->scenario.node_count = node_count;
    script->scenario.key_count = 6;
    script->scenario.client_count = 4;
    const uint32_t label = gkv_script_label(script, "net.jitter");
    for (uint32_t i = 0; i < LINE_COUNT; i++) {
        const uint8_t node = (uint8_t)gkv_prng_below(&prng, node_count);
        struct gkv_script_line line = {
            .time_ns = GKV_SCRIPT_TIME_NS_MIN + i * UINT64_C(1234567),
            .kind = GKV_SCRIPT_GET,
            .key = (uint32_t)gkv_prng_below(&prng, 6),
            .client = (uint16_t)gkv_prng_below(&prng, 4),
            .node = node,
            .to = node,
        };
        if (i % 4 == 0) {
            line.kind = GKV_SCRIPT_SET;
            line.count = 12 + (uint32_t)gkv_prng_below(&prng, 900);
        } else if (i % 4 == 1) {
            line.kind = GKV_SCRIPT_CUT;
            line.to = (uint8_t)((node + 1u) % node_count);
        } else if (i % 4 == 2) {
            line.kind = GKV_SCRIPT_LUCK;
            line.label = label;
            line.value = 1 + gkv_prng_below(&prng, 5000000);
        }
        gkv_script_add(script, &line);
    }
}

/* A made-up run: it fails at the second set of one key, if something was delayed by 1 ms at least
 * before. */
static bool sets_twice_after_a_delay(void *context, const struct gkv_script *candidate,
                                     struct gkv_shrink_size *size_out)
{
    uint32_t set_counts[6] = {0};
    bool is_delayed = false;
    (void)context;
    size_out->operation_count = 0;
    for (uint32_t i = 0; i < candidate->line_count; i++) {
        const struct gkv_script_line *line = &candidate->lines[i];
        is_delayed = is_delayed || (line->kind == GKV_SCRIPT_LUCK && line->value >= 1000000);
        size_out->operation_count += gkv_script_is_operation(line->kind);
        size_out->event_count = i + 1;
        size_out->end_ns = line->time_ns;
        if (line->kind == GKV_SCRIPT_SET && is_delayed && ++set_counts[line->key] == 2) {
            return true;
        }
    }
    return false;
}

/* 400 lines, of which three are needed. */
static void check_shrinks(uint32_t node_count)
{
    struct gkv_shrink shrink;
    make_script(node_count);
    assert_true(gkv_shrink_create(&shrink, sets_twice_after_a_delay, NULL, NULL));
    assert_true(gkv_shrink_begin(&shrink, script));
    gkv_shrink_run(&shrink, 5000);
    const struct gkv_script_line *lines = shrink.best->lines;
    assert_int_equal(shrink.best->line_count, 3);
    assert_int_equal(shrink.size.operation_count, 2);
    assert_int_equal(shrink.size.fault_count, 0);
    assert_int_equal(lines[0].kind, GKV_SCRIPT_LUCK);
    assert_int_equal(lines[0].value, 1000000);
    for (uint32_t i = 1; i < 3; i++) {
        assert_int_equal(lines[i].kind, GKV_SCRIPT_SET);
        assert_int_equal(lines[i].key, 0);
        assert_int_equal(lines[i].client, 0);
        assert_int_equal(lines[i].node, 0);
        assert_int_equal(lines[i].count, 12);
    }
    /* As many as there are anyhow, or as that luck names. */
    assert_int_equal(shrink.best->scenario.node_count, lines[0].node < 3 ? 3 : lines[0].node + 1);
    assert_int_equal(shrink.best->scenario.key_count, 1);
    assert_int_equal(shrink.best->scenario.client_count, 1);
    struct gkv_shrink_size size = {0};
    assert_true(sets_twice_after_a_delay(NULL, shrink.best, &size));
    gkv_shrink_destroy(&shrink);
}

/* Goal: what is left is what the failure needs, with the smallest names and the roundest numbers.
 * Method: a few nodes, and as many as there can be. */
static void test_shrinks_to_what_is_needed(void **state)
{
    (void)state;
    check_shrinks(5);
    check_shrinks(GKV_SCENARIO_NODE_COUNT_MAX);
}

/* Who keeps the smallest so far, and has enough of it after so many. */
struct keeper {
    struct gkv_shrink shrink;
    struct gkv_script *kept;
    uint32_t count;
    uint32_t count_max;
    uint32_t line_count; /* of the last */
};

static bool fails_for_keeper(void *context, const struct gkv_script *candidate,
                             struct gkv_shrink_size *size_out)
{
    (void)context;
    return sets_twice_after_a_delay(NULL, candidate, size_out);
}

static void keep(void *context, const struct gkv_script *best)
{
    struct keeper *keeper = context;
    assert_true(keeper->count < keeper->count_max);
    assert_true(keeper->count == 0 || best->line_count <= keeper->line_count);
    keeper->line_count = best->line_count;
    gkv_script_copy(keeper->kept, best);
    if (++keeper->count == keeper->count_max) {
        gkv_shrink_stop(&keeper->shrink);
    }
}

/* Goal: whenever a shrinker is stopped, the smallest so far is kept, and it fails. Method: stop it
 * at the first, the second, and so on. */
static void test_keeps_the_smallest_so_far(void **state)
{
    struct keeper keeper = {.kept = gkv_script_create()};
    (void)state;
    assert_non_null(keeper.kept);
    make_script(5);
    for (keeper.count_max = 1; keeper.count_max < 12; keeper.count_max++) {
        struct gkv_shrink_size size = {0};
        keeper.count = 0;
        assert_true(gkv_shrink_create(&keeper.shrink, fails_for_keeper, keep, &keeper));
        assert_true(gkv_shrink_begin(&keeper.shrink, script));
        assert_int_equal(keeper.count, 1);
        if (keeper.count_max > 1) {
            gkv_shrink_run(&keeper.shrink, 5000);
        }
        assert_int_equal(keeper.count, keeper.count_max);
        assert_int_equal(keeper.kept->line_count, keeper.shrink.best->line_count);
        assert_true(sets_twice_after_a_delay(NULL, keeper.kept, &size));
        gkv_shrink_destroy(&keeper.shrink);
    }
    gkv_script_destroy(keeper.kept);
}

/* Goal: the same script is shrunk to the same one, and tries are bounded. Method: twice, with few.
 */
static void test_is_bounded_and_repeats_itself(void **state)
{
    struct gkv_shrink shrinks[2];
    (void)state;
    make_script(5);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(gkv_shrink_create(&shrinks[i], sets_twice_after_a_delay, NULL, NULL));
        assert_true(gkv_shrink_begin(&shrinks[i], script));
        gkv_shrink_run(&shrinks[i], 60);
        assert_int_equal(shrinks[i].try_count, 61);
    }
    assert_true(shrinks[0].best->line_count < LINE_COUNT);
    assert_int_equal(shrinks[0].best->line_count, shrinks[1].best->line_count);
    assert_memory_equal(shrinks[0].best->lines, shrinks[1].best->lines,
                        shrinks[0].best->line_count * sizeof(struct gkv_script_line));
    gkv_shrink_destroy(&shrinks[0]);
    gkv_shrink_destroy(&shrinks[1]);
}

static bool never_fails(void *context, const struct gkv_script *candidate,
                        struct gkv_shrink_size *size_out)
{
    uint32_t *count = context;
    (void)candidate;
    (void)size_out;
    (*count)++;
    return false;
}

/* Goal: what does not fail is not shrunk. Method: a test that counts. */
static void test_says_when_nothing_fails(void **state)
{
    uint32_t count = 0;
    struct gkv_shrink shrink;
    (void)state;
    make_script(5);
    assert_true(gkv_shrink_create(&shrink, never_fails, NULL, &count));
    assert_false(gkv_shrink_begin(&shrink, script));
    assert_int_equal(count, 1);
    gkv_shrink_destroy(&shrink);
}

/* Accepts all that may be asked of a cluster, and checks that nothing else is tried. */
static bool allows_its_lines(void *context, const struct gkv_script *candidate,
                             struct gkv_shrink_size *size_out)
{
    bool crashes = false;
    (void)context;
    for (uint32_t i = 0; i < candidate->line_count; i++) {
        crashes = crashes || candidate->lines[i].kind == GKV_SCRIPT_CRASH;
    }
    assert_true(candidate->scenario.crashes.every_ns > 0 || !crashes);
    assert_true(!crashes || !candidate->scenario.forgets_nothing);
    size_out->operation_count = 0;
    size_out->event_count = 1;
    size_out->end_ns = UINT64_MAX;
    return crashes;
}

/* Goal: no candidate asks for more than can be asked of a cluster in which such lines happen: else
 * another failure, which is none, would be found. Method: a crash, whose permission is tried away.
 */
static void test_promises_follow_from_the_lines(void **state)
{
    struct gkv_shrink shrink;
    (void)state;
    make_script(5);
    script->scenario.crashes.every_ns = 1;
    gkv_script_add(script, &(struct gkv_script_line){.time_ns = 3 * GKV_SCRIPT_TIME_NS_MIN,
                                                     .kind = GKV_SCRIPT_CRASH});
    assert_true(gkv_shrink_create(&shrink, allows_its_lines, NULL, NULL));
    assert_true(gkv_shrink_begin(&shrink, script));
    gkv_shrink_run(&shrink, 1000);
    assert_int_equal(shrink.best->line_count, 1);
    gkv_shrink_destroy(&shrink);
}

/* It fails when k53 is set in READ. READ asks everything where lines do not say what. */
static bool sets_one_key_in_the_end(void *context, const struct gkv_script *candidate,
                                    struct gkv_shrink_size *size_out)
{
    bool is_set = !candidate->scenario.reads_by_lines && candidate->scenario.key_count > 53;
    (void)context;
    size_out->operation_count =
        candidate->scenario.reads_by_lines ? 0 : 2 * candidate->scenario.key_count;
    for (uint32_t i = 0; i < candidate->line_count; i++) {
        const struct gkv_script_line *line = &candidate->lines[i];
        size_out->operation_count += gkv_script_is_reading(line->kind);
        is_set = is_set || (line->kind == GKV_SCRIPT_READ_SET && line->key == 53);
    }
    size_out->event_count = 1;
    size_out->end_ns = UINT64_MAX;
    return is_set;
}

/* Goal: what only one key of many shows, one operation in READ is left to show. Method: 200 of
 * them, of which the others are dropped, and no other key will do. */
static void test_reading_is_shrunk(void **state)
{
    struct gkv_shrink shrink;
    (void)state;
    gkv_script_clear(script);
    script->scenario.key_count = 100;
    for (uint32_t i = 0; i < 200; i++) {
        gkv_script_add(script, &(struct gkv_script_line){.time_ns = 4 * GKV_SCRIPT_TIME_NS_MIN + i,
                                                         .kind = i == 53 ? GKV_SCRIPT_READ_SET
                                                                         : GKV_SCRIPT_READ_GET,
                                                         .key = i % 100});
    }
    assert_true(gkv_shrink_create(&shrink, sets_one_key_in_the_end, NULL, NULL));
    assert_true(gkv_shrink_begin(&shrink, script));
    assert_true(shrink.best->scenario.reads_by_lines);
    gkv_shrink_run(&shrink, 500);
    assert_int_equal(shrink.best->line_count, 1);
    assert_int_equal(shrink.best->lines[0].key, 53);
    assert_int_equal(shrink.size.operation_count, 1);
    assert_true(shrink.best->scenario.reads_by_lines);
    gkv_shrink_destroy(&shrink);
}

/* It fails when 300,000 bytes were set. */
static bool fills_a_buffer(void *context, const struct gkv_script *candidate,
                           struct gkv_shrink_size *size_out)
{
    uint64_t bytes = 0;
    (void)context;
    size_out->operation_count = 0;
    for (uint32_t i = 0; i < candidate->line_count; i++) {
        const struct gkv_script_line *line = &candidate->lines[i];
        size_out->operation_count += gkv_script_is_operation(line->kind);
        bytes += line->kind == GKV_SCRIPT_SET ? line->count : 0;
    }
    size_out->event_count = 1;
    size_out->end_ns = UINT64_MAX;
    return bytes >= 300000;
}

/* Goal: where no line can be taken out alone, fewer and larger ones are found. Method: a buffer
 * that a hundred sets fill just so, which five large ones fill as well. */
static void test_few_large_do_for_many(void **state)
{
    struct gkv_shrink shrink;
    (void)state;
    gkv_script_clear(script);
    script->scenario.client_count = 4;
    for (uint32_t i = 0; i < 100; i++) {
        gkv_script_add(script, &(struct gkv_script_line){.time_ns = GKV_SCRIPT_TIME_NS_MIN + i,
                                                         .kind = GKV_SCRIPT_SET,
                                                         .client = i % 4,
                                                         .count = 3000});
    }
    assert_true(gkv_shrink_create(&shrink, fills_a_buffer, NULL, NULL));
    assert_true(gkv_shrink_begin(&shrink, script));
    gkv_shrink_run(&shrink, 1000);
    assert_int_equal(shrink.size.operation_count, 5); /* of 60 KiB at most */
    assert_int_equal(shrink.best->line_count, 5);
    gkv_shrink_destroy(&shrink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shrinks_to_what_is_needed),
        cmocka_unit_test(test_keeps_the_smallest_so_far),
        cmocka_unit_test(test_is_bounded_and_repeats_itself),
        cmocka_unit_test(test_says_when_nothing_fails),
        cmocka_unit_test(test_promises_follow_from_the_lines),
        cmocka_unit_test(test_reading_is_shrunk),
        cmocka_unit_test(test_few_large_do_for_many),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
