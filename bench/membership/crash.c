#include "bench/membership/crash.h"

#include <stdio.h>

#include "bench/membership/crowd.h"
#include "core/panic.h"

#define LIFE_COUNT 4
#define LIMIT_NS (600 * SECOND)
#define NODE_TRIALS_PER_PIECE 32000 /* trials times nodes */

/* ---- Trials ---------------------------------------------------------------------------------- */

static bool all_suspect(const struct crowd *crowd)
{
    return crowd->ledger.watch.suspected_count == crowd->node_count - 1;
}

static bool all_unreachable(const struct crowd *crowd)
{
    return crowd->ledger.watch.unreachable_count == crowd->node_count - 1;
}

/* The times in by[] that are set, as numbers after begin_ns. */
static struct numbers after(const uint64_t by[LEDGER_NODE_COUNT_MAX], uint64_t begin_ns)
{
    struct numbers numbers = {.values = NULL};
    for (uint32_t i = 0; i < LEDGER_NODE_COUNT_MAX; i++) {
        if (by[i] > 0) {
            numbers_add(&numbers, by[i] - begin_ns);
        }
    }
    return numbers;
}

static void add_trial(const struct ledger_watch *watch, uint64_t begin_ns,
                      struct numbers *numbers_out)
{
    struct numbers suspected = after(watch->suspected_ns, begin_ns);
    struct numbers unreachable = after(watch->unreachable_ns, begin_ns);
    /* A ping that was under way when it crashed fails without another. */
    numbers_add(numbers_out, watch->pinged_ns == 0 ? 0 : watch->pinged_ns - begin_ns);
    numbers_add(numbers_out, numbers_quantile(&suspected, 0));
    numbers_add(numbers_out, numbers_quantile(&suspected, 500));
    numbers_add(numbers_out, numbers_quantile(&unreachable, 0));
    numbers_add(numbers_out, numbers_quantile(&unreachable, 1000));
    numbers_free(&suspected);
    numbers_free(&unreachable);
}

static void try_crash(struct crowd *crowd, const struct gkv_options *options,
                      enum gkv_member_state until, struct numbers *numbers_out)
{
    crowd_run(crowd, crowd_draw(crowd, options->probe_interval_ms * MS));
    const uint32_t victim = crowd_pick_victim(crowd);
    const uint64_t begin_ns = crowd_now_ns(crowd);
    ledger_watch(&crowd->ledger, victim);
    crowd_crash(crowd, victim);
    const bool is_over = crowd_run_until(
        crowd, LIMIT_NS, until == GKV_MEMBER_SUSPECT ? all_suspect : all_unreachable);
    GKV_ASSERT(is_over);
    add_trial(&crowd->ledger.watch, begin_ns, numbers_out);
    crowd_boot(crowd, victim);
    const bool is_whole = crowd_await_whole(crowd, LIMIT_NS);
    GKV_ASSERT(is_whole);
    crowd_run(crowd, flavor_settle_ns(options));
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    const uint32_t node_count = (uint32_t)piece->arguments[1];
    const uint64_t trial_count = piece->arguments[2];
    const enum gkv_member_state until = (enum gkv_member_state)piece->arguments[3];
    struct gkv_options options;
    flavor_options((enum flavor)piece->arguments[0], node_count, &options);
    for (uint64_t done = 0, seed = piece->arguments[4]; done < trial_count; seed++) {
        struct crowd *crowd = crowd_create(&options, node_count, LIFE_COUNT, seed);
        GKV_ASSERT(crowd != NULL);
        const bool is_formed = crowd_form(crowd, flavor_settle_ns(&options));
        GKV_ASSERT(is_formed);
        for (; done < trial_count && crowd_pick_victim(crowd) != LEDGER_NOBODY; done++) {
            try_crash(crowd, &options, until, numbers_out);
        }
        crowd_destroy(crowd);
    }
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

static uint32_t piece_count_of(const struct crash *crash, uint32_t trial_count)
{
    return 1 + trial_count * crash->node_count / NODE_TRIALS_PER_PIECE;
}

static struct piece piece_of(const struct crash *crash, uint32_t index, uint32_t trial_count)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)crash->flavor, crash->node_count, trial_count,
                      (uint64_t)crash->until, UINT64_C(1000000) * index + 1},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "crash-%s-%u-%s-%u", flavor_name(crash->flavor),
                   crash->node_count, gkv_member_state_name(crash->until), index);
    return piece;
}

void crash_plan(struct plan *plan, const struct crash *crash)
{
    const uint32_t trial_count = plan_repetitions(plan, crash->trial_count);
    const uint32_t piece_count = piece_count_of(crash, trial_count);
    for (uint32_t i = 0; i < piece_count; i++) {
        const struct piece piece = piece_of(crash, i, (trial_count + i) / piece_count);
        (void)plan_add(plan, &piece);
    }
}

struct numbers crash_numbers(const struct plan *plan, const struct crash *crash,
                             enum crash_field field)
{
    struct numbers numbers = {.values = NULL};
    const uint32_t trial_count = plan_repetitions(plan, crash->trial_count);
    const uint32_t piece_count = piece_count_of(crash, trial_count);
    for (uint32_t i = 0; i < piece_count; i++) {
        const struct piece piece = piece_of(crash, i, 0);
        numbers_column(plan_numbers(plan, piece.name), CRASH_FIELD_COUNT, (uint32_t)field,
                       &numbers);
    }
    return numbers;
}
