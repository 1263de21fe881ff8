#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "io_sim/host.h"
#include "sim/check.h"
#include "sim/trial.h"

/* The guards around the memory of each life of each node: every byte of them counts, they are
 * looked at every 1,024 events and at the end, and nothing else is. What nodes would do wrong is
 * done by hand, so that it stays within what was allocated. */

#define LOOK_EVENTS 1024 /* for each 32 nodes, and what is left of them */
#define SEED_COUNT 60

/* ---- One host -------------------------------------------------------------------------------- */

#define LIFE_COUNT 3

static struct gkv_host host;

/* One life is over, one has begun, one is to come. */
static void host_begin(void)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.memory_limit_bytes = 2 * 1024 * 1024;
    options.value_bytes_max = 4096;
    options.member_count_max = 16;
    options.operation_count_max = 64;
    options.operation_memory_bytes = 64 * 1024;
    assert_int_equal(gkv_host_init(&host, 0, &options, LIFE_COUNT), GKV_OK);
    gkv_host_boot(&host, GKV_NS_PER_MS, 1);
    gkv_host_crash(&host);
    gkv_host_boot(&host, 2 * GKV_NS_PER_MS, 2);
}

/* Goal: no bit of any guard, before and after each life's memory, changes unseen.
 * Method: flip every one of them, and back. */
static void test_every_bit_of_a_guard_counts(void **state)
{
    (void)state;
    host_begin();
    assert_true(gkv_host_is_intact(&host));
    for (uint32_t bit = 0; bit < LIFE_COUNT * 2 * GKV_HOST_GUARD_BYTES * 8; bit++) {
        const uint32_t byte = bit / 8;
        const uint32_t guard = byte / GKV_HOST_GUARD_BYTES;
        uint8_t *at = host.blocks[guard / 2] + byte % GKV_HOST_GUARD_BYTES;
        at += guard % 2 == 0 ? 0 : GKV_HOST_GUARD_BYTES + host.endpoint_bytes;
        *at = (uint8_t)(*at ^ 1u << bit % 8);
        assert_false(gkv_host_is_intact(&host));
        *at = (uint8_t)(*at ^ 1u << bit % 8);
        assert_true(gkv_host_is_intact(&host));
    }
    gkv_host_free(&host);
}

/* Goal: what lies between the guards is the node's, to its first and last byte.
 * Method: write all of it, in the life that is over and in the one to come. */
static void test_what_lies_between_is_free(void **state)
{
    (void)state;
    host_begin();
    for (uint32_t life = 0; life < LIFE_COUNT; life += 2) {
        memset(host.blocks[life] + GKV_HOST_GUARD_BYTES, 0, host.endpoint_bytes);
        assert_true(gkv_host_is_intact(&host));
    }
    gkv_host_free(&host);
}

/* ---- Whole runs ------------------------------------------------------------------------------ */

enum place {
    PLACE_NOWHERE,
    PLACE_FIRST_BEFORE, /* of the guard before the memory, the first byte */
    PLACE_LAST_BEFORE,  /* the last one: the node wrote one byte too low */
    PLACE_FIRST_AFTER,  /* one byte too high */
    PLACE_LAST_AFTER,
    PLACE_ALL_AFTER,
    PLACE_BETWEEN, /* all that is the node's own: no harm */
};

enum life {
    LIFE_NOW,
    LIFE_EARLIER, /* the last one that is over */
    LIFE_COMING,  /* the next one */
};

enum moment {
    MOMENT_SOON,   /* as soon as can be */
    MOMENT_FINISH, /* after the last event before the checks' finish, which is not the last one */
    MOMENT_LAST,   /* after the last event of all */
};

struct plant {
    enum place place;
    enum life life;
    enum moment moment;
    bool is_last_node;     /* or the first one to which it can happen */
    uint64_t finish_event; /* of the run without it: the last one before finish, and of all */
    uint64_t last_event;
    uint64_t done_event;  /* 0: it was not done */
    uint64_t look_events; /* so often is looked in that run */
    uint32_t node;
};

static void write_at(uint8_t *block, size_t endpoint_bytes, enum place place)
{
    uint8_t *after = block + GKV_HOST_GUARD_BYTES + endpoint_bytes;
    switch (place) {
    case PLACE_FIRST_BEFORE:
        block[0] ^= 1;
        break;
    case PLACE_LAST_BEFORE:
        block[GKV_HOST_GUARD_BYTES - 1] ^= 0x80;
        break;
    case PLACE_FIRST_AFTER:
        after[0] ^= 0x80;
        break;
    case PLACE_LAST_AFTER:
        after[GKV_HOST_GUARD_BYTES - 1] ^= 1;
        break;
    case PLACE_ALL_AFTER:
        memset(after, 0, GKV_HOST_GUARD_BYTES);
        break;
    case PLACE_BETWEEN:
        memset(block + GKV_HOST_GUARD_BYTES, 0x5A, endpoint_bytes);
        break;
    case PLACE_NOWHERE:
        break;
    }
}

/* The block of a node's life; NULL: there is none now. */
static uint8_t *block_of(const struct gkv_host *of, enum life life)
{
    const uint32_t begun = of->life_count;
    if (life == LIFE_NOW) {
        return of->is_up ? of->blocks[begun - 1] : NULL;
    }
    if (life == LIFE_EARLIER) {
        return begun >= 2 ? of->blocks[begun - 2] : NULL;
    }
    return begun < of->life_count_max ? of->blocks[begun] : NULL;
}

static bool is_the_moment(const struct plant *plant, uint64_t event)
{
    if (plant->moment == MOMENT_SOON) {
        return event <= plant->finish_event;
    }
    return plant->finish_event < plant->last_event &&
           event == (plant->moment == MOMENT_LAST ? plant->last_event : plant->finish_event);
}

static void look(void *context, const struct gkv_trial *trial)
{
    struct plant *plant = context;
    const uint64_t event = trial->world.event_count;
    if (plant->place == PLACE_NOWHERE) {
        plant->finish_event = trial->phase == GKV_PHASE_LOSS ? plant->finish_event : event;
        plant->last_event = event;
        return;
    }
    const uint32_t last = trial->scenario.node_count - 1;
    for (uint32_t i = plant->is_last_node ? last : 0;
         i <= last && plant->done_event == 0 && is_the_moment(plant, event); i++) {
        uint8_t *block = block_of(&trial->world.hosts[i], plant->life);
        if (block != NULL) {
            write_at(block, trial->world.hosts[i].endpoint_bytes, plant->place);
            plant->done_event = event;
            plant->look_events = LOOK_EVENTS * (1 + trial->scenario.node_count / 32);
            plant->node = i;
        }
    }
}

static void run(uint64_t seed, struct plant *plant, uint64_t check_off_mask,
                struct gkv_trial_summary *summary_out)
{
    gkv_trial_run_with(
        &(struct gkv_trial_options){
            .seed = seed, .check_off_mask = check_off_mask, .look = look, .context = plant},
        summary_out);
}

/* Run a seed in which it can be done; clean_out: the same seed without it. */
static struct plant plant_in_some_run(struct plant wanted, uint64_t check_off_mask,
                                      struct gkv_trial_summary *clean_out,
                                      struct gkv_trial_summary *summary_out)
{
    struct plant plant = wanted;
    for (uint64_t seed = 1; plant.done_event == 0; seed++) {
        struct plant nothing = {.place = PLACE_NOWHERE};
        assert_true(seed <= SEED_COUNT);
        run(seed, &nothing, 0, clean_out);
        assert_int_equal(clean_out->status, GKV_TRIAL_PASS);
        plant = wanted;
        plant.finish_event = nothing.finish_event;
        plant.last_event = nothing.last_event;
        run(seed, &plant, check_off_mask, summary_out);
    }
    return plant;
}

/* When it must be found: at the next look, or at finish or the end when that comes first. */
static uint64_t due_event(const struct plant *plant)
{
    const uint64_t look_event = (plant->done_event / plant->look_events + 1) * plant->look_events;
    const uint64_t end_event =
        plant->done_event <= plant->finish_event ? plant->finish_event : plant->last_event;
    return look_event < end_event ? look_event : end_event;
}

/* Goal: what any life of any node writes past its memory is found at the next look, or at the end
 * when that comes first, and the node is named.
 * Method: write it, at either end of either guard, in a life that goes on, is over, or is to come,
 * early in a run, before the checks' finish, and after the last event. */
static void test_what_is_written_past_is_found(void **state)
{
    static const struct plant bad[] = {
        {.place = PLACE_FIRST_BEFORE, .life = LIFE_NOW},
        {.place = PLACE_LAST_BEFORE, .life = LIFE_NOW, .is_last_node = true},
        {.place = PLACE_FIRST_AFTER, .life = LIFE_NOW, .is_last_node = true},
        {.place = PLACE_LAST_AFTER, .life = LIFE_NOW},
        {.place = PLACE_ALL_AFTER, .life = LIFE_NOW},
        {.place = PLACE_LAST_BEFORE, .life = LIFE_EARLIER},
        {.place = PLACE_FIRST_AFTER, .life = LIFE_EARLIER},
        {.place = PLACE_FIRST_AFTER, .life = LIFE_COMING, .is_last_node = true},
        {.place = PLACE_FIRST_AFTER, .life = LIFE_NOW, .moment = MOMENT_FINISH},
        {.place = PLACE_LAST_AFTER, .life = LIFE_EARLIER, .moment = MOMENT_FINISH},
        {.place = PLACE_FIRST_AFTER, .life = LIFE_NOW, .moment = MOMENT_LAST},
        {.place = PLACE_LAST_BEFORE, .life = LIFE_COMING, .moment = MOMENT_LAST},
    };
    static struct gkv_trial_summary clean;
    static struct gkv_trial_summary summary;
    char expected[64];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct plant plant = plant_in_some_run(bad[i], 0, &clean, &summary);
        assert_int_equal(summary.status, GKV_TRIAL_MEMORY);
        assert_string_equal(summary.check, "memory");
        (void)snprintf(expected, sizeof(expected), "%s wrote past its memory",
                       gkv_host_text(plant.node).text);
        assert_string_equal(summary.text, expected);
        assert_int_equal(summary.fail_event, due_event(&plant));
        assert_true(bad[i].moment == MOMENT_SOON || summary.fail_event == plant.done_event);
    }
}

/* Goal: what a node does within its memory, before its life and after it, is accepted, and is not
 * seen by anybody. Method: write all of it; the run is the same. */
static void test_what_is_written_within_is_accepted(void **state)
{
    static const enum life lives[] = {LIFE_EARLIER, LIFE_COMING};
    static struct gkv_trial_summary clean;
    static struct gkv_trial_summary summary;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)plant_in_some_run((struct plant){.place = PLACE_BETWEEN, .life = lives[i]}, 0, &clean,
                                &summary);
        assert_int_equal(summary.status, GKV_TRIAL_PASS);
        assert_memory_equal(summary.chain, clean.chain, sizeof(clean.chain));
    }
}

/* Goal: switched off, the check fails nothing. Method: the same harm. */
static void test_the_check_can_be_switched_off(void **state)
{
    static struct gkv_trial_summary clean;
    static struct gkv_trial_summary summary;
    (void)state;
    (void)plant_in_some_run((struct plant){.place = PLACE_ALL_AFTER, .life = LIFE_NOW},
                            UINT64_C(1) << gkv_check_find("memory"), &clean, &summary);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_memory_equal(summary.chain, clean.chain, sizeof(clean.chain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bit_of_a_guard_counts),
        cmocka_unit_test(test_what_lies_between_is_free),
        cmocka_unit_test(test_what_is_written_past_is_found),
        cmocka_unit_test(test_what_is_written_within_is_accepted),
        cmocka_unit_test(test_the_check_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
