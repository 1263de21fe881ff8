#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/choice.h"
#include "sim/seedfile.h"

#define SEED 11
#define DRAW_COUNT 3000

static const char *const labels[] = {"net.jitter", "net.loss", "work.key"};

static struct gkv_choice choice; /* too large for a stack frame */

/* What is asked is a function of the number of the draw alone. */
static uint64_t ask(uint32_t number)
{
    return gkv_choose(&choice, labels[number % 7 % 3], 1 + number % 5 * 1000);
}

static struct gkv_recording *record(uint64_t *answers)
{
    struct gkv_recording *recording = gkv_recording_create();
    assert_non_null(recording);
    gkv_choice_init(&choice, SEED);
    gkv_choice_record(&choice, recording);
    for (uint32_t i = 0; i < DRAW_COUNT; i++) {
        answers[i] = ask(i);
    }
    assert_int_equal(recording->draw_count, DRAW_COUNT);
    assert_int_equal(recording->label_count, 3);
    return recording;
}

/* Goal: a recording answers as the seed did, also out of a file; a file that is damaged is refused.
 * Method: record, write, read, replay; then cut the file short. */
static void test_recordings_answer_alike(void **state)
{
    static uint64_t answers[DRAW_COUNT];
    const struct gkv_trial_summary summary = {.seed = SEED,
                                              .event_count_max = 77,
                                              .chain = {1, 2},
                                              .check = "quorum",
                                              .status = GKV_TRIAL_SAFETY};
    struct gkv_seedfile head;
    struct gkv_seedfile read;
    struct gkv_seedfile_error error;
    (void)state;
    struct gkv_recording *recording = record(answers);
    struct gkv_recording *copy = gkv_recording_create();
    FILE *file = tmpfile();
    assert_non_null(copy);
    assert_non_null(file);
    gkv_seedfile_init(&head, &summary);
    assert_true(gkv_seedfile_write(file, &head, recording));
    const long end = ftell(file);
    rewind(file);
    assert_true(gkv_seedfile_read(file, &read, copy, &error));
    assert_true(gkv_seedfile_is_of(&read, &summary));
    assert_int_equal(read.seed, SEED);
    assert_int_equal(read.event_count_max, 77);
    for (uint32_t is_copy = 0; is_copy < 2; is_copy++) {
        gkv_choice_init(&choice, SEED + 1);
        gkv_choice_replay(&choice, is_copy == 1 ? copy : recording);
        for (uint32_t i = 0; i < DRAW_COUNT; i++) {
            assert_int_equal(ask(i), answers[i]);
        }
        assert_false(choice.is_diverged);
    }
    rewind(file);
    char text[200];
    assert_int_equal(fread(text, 1, sizeof(text), file), sizeof(text));
    assert_true(end > (long)sizeof(text));
    FILE *half = tmpfile();
    assert_non_null(half);
    assert_int_equal(fwrite(text, 1, sizeof(text), half), sizeof(text));
    rewind(half);
    assert_false(gkv_seedfile_read(half, &read, copy, &error));
    (void)fclose(half);
    (void)fclose(file);
    gkv_recording_destroy(recording);
    gkv_recording_destroy(copy);
}

#define HEAD                                                                                      \
    "gseed 3\ncommit -\nseed 1\nprofile swarm\noff 0\nchecks_off 0\nlimit 0\ncheck -\nstatus 0\n" \
    "hash 00000000000000000000000000000000\n"

static const struct {
    const char *text;
    uint32_t line;
    const char *field;
} bad_files[] = {
    {"gseed 2\n", 1, "gseed"},
    {"gseed 3\ncommit -\nseed 18446744073709551616\n", 3, "seed"},
    {"gseed 3\ncommit -\nseed 1\nprofile swarm\noff 99999999999999999999\n", 5, "off"},
    {"gseed 3\ncommit -\nseed 1\nprofile none\n", 4, "profile"},
    {HEAD "draws 4294967296\nend\n", 11, "draws"},
    {HEAD "draws 1\nwork.key 18446744073709551616\nend\n", 12, "work.key"},
    {HEAD "draws 2\nwork.key 1*99999999999999999999\nend\n", 12, "work.key"},
    {HEAD "draws 2\nwork.key 1\nend\n", 13, "draws"},
    {HEAD "draws 1\nwork.key 1\n", 13, "work.key"},
};

/* Goal: what is wrong with a file is told by line and field, numbers of over 64 bits among it.
 * Method: files with one fault each, and one with none. */
static void test_bad_files_are_told(void **state)
{
    struct gkv_recording *recording = gkv_recording_create();
    struct gkv_seedfile head;
    struct gkv_seedfile_error error;
    (void)state;
    assert_non_null(recording);
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++) {
        FILE *file = tmpfile();
        assert_non_null(file);
        (void)fputs(bad_files[i].text, file);
        rewind(file);
        assert_false(gkv_seedfile_read(file, &head, recording, &error));
        assert_string_equal(error.field, bad_files[i].field);
        assert_int_equal(error.line, bad_files[i].line);
        (void)fclose(file);
    }
    FILE *file = tmpfile();
    assert_non_null(file);
    (void)fputs(HEAD "draws 1\nwork.key 18446744073709551615\nend\n", file);
    rewind(file);
    assert_true(gkv_seedfile_read(file, &head, recording, &error));
    assert_int_equal(recording->draws[0].value, UINT64_MAX);
    (void)fclose(file);
    gkv_recording_destroy(recording);
}

/* Goal: other questions than recorded are told, and answered with 0 from there on. Method: ask one
 * more in the middle; and one before all others. */
static void test_divergence_is_told(void **state)
{
    static uint64_t answers[DRAW_COUNT];
    (void)state;
    struct gkv_recording *recording = record(answers);
    gkv_choice_init(&choice, SEED);
    gkv_choice_replay(&choice, recording);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(ask(i), answers[i]);
    }
    assert_false(choice.is_diverged);
    assert_int_equal(gkv_choose(&choice, "clock.new", 50), 0);
    for (uint32_t i = 100; i < DRAW_COUNT; i++) {
        assert_int_equal(ask(i), 0);
    }
    assert_true(choice.is_diverged);
    assert_int_equal(choice.diverged_at, 100);
    gkv_choice_init(&choice, SEED);
    gkv_choice_replay(&choice, recording);
    (void)gkv_choose(&choice, "clock.new", 50);
    assert_int_equal(choice.diverged_at, 0);
    assert_string_equal(choice.diverged_label, "clock.new");
    gkv_recording_destroy(recording);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

/* Goal: a draw takes as many bytes as its bound needs, none when there is no choice; when they are
 * used up, answers are 0. Method: a few draws of known bytes. */
static void test_bytes_are_spent_with_care(void **state)
{
    static const uint8_t bytes[] = {3, 99, 0x34, 0x12, 250, 1};
    (void)state;
    gkv_choice_init(&choice, SEED);
    gkv_choice_read(&choice, (struct gkv_bytes){.data = bytes, .count = sizeof(bytes)});
    assert_int_equal(gkv_choose(&choice, labels[0], 1), 0);
    assert_int_equal(gkv_choose(&choice, labels[0], 2), 1);
    assert_true(gkv_choose_percent(&choice, labels[1], 1));
    assert_int_equal(gkv_choose(&choice, labels[2], 65536), 0x1234);
    assert_int_equal(gkv_choose(&choice, labels[2], 256), 250);
    assert_int_equal(gkv_choose(&choice, labels[2], UINT64_C(1) << 40), 1);
    for (uint64_t bound = 1; bound < 1000; bound++) {
        assert_int_equal(gkv_choose(&choice, labels[2], bound), 0);
    }
}

/* Goal: what was recorded is written as bytes and answers alike; with less room, its beginning
 * does. Method: record, convert, ask again. */
static void test_recordings_become_bytes(void **state)
{
    static uint64_t answers[DRAW_COUNT];
    static uint8_t bytes[4 * DRAW_COUNT];
    (void)state;
    struct gkv_recording *recording = record(answers);
    const size_t all = gkv_recording_to_bytes(
        recording, (struct gkv_buffer){.data = bytes, .capacity = sizeof(bytes)});
    assert_true(all > DRAW_COUNT && all < sizeof(bytes));
    gkv_choice_init(&choice, SEED + 1);
    gkv_choice_read(&choice, (struct gkv_bytes){.data = bytes, .count = all});
    for (uint32_t i = 0; i < DRAW_COUNT; i++) {
        assert_int_equal(ask(i), answers[i]);
    }
    assert_int_equal(choice.bytes.count, 0);
    const size_t few =
        gkv_recording_to_bytes(recording, (struct gkv_buffer){.data = bytes, .capacity = 100});
    assert_true(few <= 100 && few > 90);
    gkv_recording_destroy(recording);
}

/* ---- Odometers ------------------------------------------------------------------------------- */

#define COMBINATION_COUNT (2 * 3 + 1)

/* Goal: an odometer gives each combination once, also where the answers decide what is asked next;
 * a recording made meanwhile answers alike.
 * Method: a yes asks for one more, a no for two out of six; count what comes. */
static void test_odometer_gives_each_combination_once(void **state)
{
    static struct gkv_odometer odometer;
    uint32_t seen[COMBINATION_COUNT] = {0};
    uint32_t run_count = 0;
    (void)state;
    memset(&odometer, 0, sizeof(odometer));
    do {
        gkv_choice_init(&choice, SEED);
        gkv_choice_enumerate(&choice, &odometer);
        uint64_t combination = COMBINATION_COUNT - 1;
        if (gkv_choose(&choice, labels[0], 2) == 0) {
            combination = 3 * gkv_choose(&choice, labels[1], 2);
            combination += gkv_choose(&choice, labels[2], 3);
        }
        seen[combination]++;
        run_count++;
    } while (gkv_odometer_turn(&odometer));
    assert_int_equal(run_count, COMBINATION_COUNT);
    for (uint32_t i = 0; i < COMBINATION_COUNT; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_int_equal(odometer.count, 0);
}

/* ---- Beginnings ------------------------------------------------------------------------------ */

/* Goal: the first draws are those of the recording, and all others those of the generator.
 * Method: replay half with two seeds: the first half is equal, the second is not. */
static void test_beginnings_are_kept(void **state)
{
    static uint64_t answers[DRAW_COUNT];
    (void)state;
    struct gkv_recording *recording = record(answers);
    for (uint64_t seed = 1; seed <= 2; seed++) {
        uint32_t other_count = 0;
        gkv_choice_init(&choice, SEED + seed);
        gkv_choice_replay_first(&choice, recording, DRAW_COUNT / 2);
        for (uint32_t i = 0; i < DRAW_COUNT; i++) {
            const uint64_t answer = ask(i);
            assert_true(i >= DRAW_COUNT / 2 || answer == answers[i]);
            other_count += answer != answers[i];
        }
        assert_true(other_count > DRAW_COUNT / 4);
        assert_false(choice.is_diverged);
    }
    gkv_recording_destroy(recording);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings_answer_alike),
        cmocka_unit_test(test_bad_files_are_told),
        cmocka_unit_test(test_divergence_is_told),
        cmocka_unit_test(test_bytes_are_spent_with_care),
        cmocka_unit_test(test_recordings_become_bytes),
        cmocka_unit_test(test_odometer_gives_each_combination_once),
        cmocka_unit_test(test_beginnings_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
