#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/script_text.h"
#include "sim/trial.h"

#define SEED_COUNT 20

static struct gkv_script *scripts[2];

static int set_up(void **state)
{
    (void)state;
    scripts[0] = gkv_script_create();
    scripts[1] = gkv_script_create();
    return scripts[0] == NULL || scripts[1] == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    gkv_script_destroy(scripts[0]);
    gkv_script_destroy(scripts[1]);
    return 0;
}

static void write_to(FILE *file, const struct gkv_script *script)
{
    rewind(file);
    assert_true(gkv_script_write(file, script));
    (void)fflush(file);
}

static void read_from(FILE *file, struct gkv_script *script)
{
    struct gkv_script_error error;
    rewind(file);
    if (!gkv_script_read(file, script, &error)) {
        fail_msg("line %u: %s", (unsigned)error.line, error.text);
    }
}

static bool is_same_text(FILE *a, FILE *b)
{
    int letter = 0;
    rewind(a);
    rewind(b);
    while (letter != EOF) {
        letter = fgetc(a);
        if (letter != fgetc(b)) {
            return false;
        }
    }
    return true;
}

/* Goal: the script of a seed is the run of that seed: one hash; and its text, read and written
 * again, is the same text. Method: the first seeds; each is written down, put into words, read,
 * carried out and written again. */
static void test_script_is_the_run_it_was_written_from(void **state)
{
    static struct gkv_trial_summary drawn;
    static struct gkv_trial_summary read;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        FILE *file = tmpfile();
        FILE *again = tmpfile();
        assert_non_null(file);
        assert_non_null(again);
        gkv_trial_run_with(&(struct gkv_trial_options){.seed = seed, .written = scripts[0]},
                           &drawn);
        assert_int_equal(drawn.status, GKV_TRIAL_PASS);
        write_to(file, scripts[0]);
        read_from(file, scripts[1]);
        gkv_trial_run_with(&(struct gkv_trial_options){.seed = seed, .script = scripts[1]}, &read);
        if (read.chain[0] != drawn.chain[0] || read.chain[1] != drawn.chain[1]) {
            fail_msg("seed %u: %u events, %u read from its script", (unsigned)seed,
                     (unsigned)drawn.event_count, (unsigned)read.event_count);
        }
        assert_int_equal(read.operation_count, drawn.operation_count);
        write_to(again, scripts[1]);
        assert_true(is_same_text(file, again));
        (void)fclose(file);
        (void)fclose(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_script_is_the_run_it_was_written_from),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
