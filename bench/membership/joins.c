#include "bench/membership/joins.h"

#include <stdio.h>

#include "bench/membership/crowd.h"
#include "core/panic.h"

#define PPM_PER_PERCENT 10000

static void set_loss(struct gkv_link *link, uint64_t value)
{
    link->loss_ppm = (uint32_t)value;
    link->resend_ppm = (uint32_t)value;
}

static bool is_held_by_all(const struct crowd *crowd, uint32_t node)
{
    for (uint32_t i = 0; i < JOINS_NODE_COUNT; i++) {
        const enum gkv_member_state state = crowd_state(crowd, i, node);
        if (state != GKV_MEMBER_ALIVE && state != GKV_MEMBER_SUSPECT) {
            return false;
        }
    }
    return true;
}

/* Nodes that have joined and that nobody has removed. */
static uint32_t survivors(const struct crowd *crowd)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < JOINS_NODE_COUNT; i++) {
        count += crowd->world.hosts[i].is_up && !crowd->ledger.was_removed[i];
    }
    return count;
}

static void run_once(const struct gkv_options *options, uint64_t loss_ppm, uint64_t seed,
                     struct numbers *numbers_out)
{
    static uint64_t counts[JOINS_SECONDS]; /* too large for a frame */
    struct crowd *crowd = crowd_create(options, JOINS_NODE_COUNT, 1, seed);
    GKV_ASSERT(crowd != NULL);
    crowd_each_link(crowd, set_loss, loss_ppm);
    for (uint32_t second = 0; second < JOINS_SECONDS; second++) {
        const uint32_t next = second / JOINS_EACH_SECONDS;
        if (second % JOINS_EACH_SECONDS == 0 && next < JOINS_NODE_COUNT) {
            crowd_boot(crowd, next);
        }
        crowd_run(crowd, SECOND);
        counts[second] = survivors(crowd);
    }
    uint32_t survived_count = 0;
    for (uint32_t i = 0; i < JOINS_NODE_COUNT; i++) {
        survived_count += !crowd->ledger.was_removed[i] && is_held_by_all(crowd, i);
    }
    numbers_add(numbers_out, survived_count);
    numbers_add(numbers_out, crowd->ledger.false_verdicts.count);
    numbers_add(numbers_out, crowd->ledger.false_verdicts.suspicion_count);
    for (uint32_t second = 0; second < JOINS_SECONDS; second++) {
        numbers_add(numbers_out, counts[second]);
    }
    crowd_destroy(crowd);
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    struct gkv_options options;
    flavor_options((enum flavor)piece->arguments[0], JOINS_NODE_COUNT, &options);
    for (uint64_t run = 0; run < piece->arguments[2]; run++) {
        run_once(&options, piece->arguments[1] * PPM_PER_PERCENT, run + 1, numbers_out);
    }
}

static struct piece piece_of(const struct plan *plan, const struct joins *joins)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)joins->flavor, joins->loss_percent,
                      plan_repetitions(plan, joins->run_count)},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "joins-%s-%u", flavor_name(joins->flavor),
                   joins->loss_percent);
    return piece;
}

void joins_plan(struct plan *plan, const struct joins *joins)
{
    const struct piece piece = piece_of(plan, joins);
    (void)plan_add(plan, &piece);
}

const struct numbers *joins_numbers(const struct plan *plan, const struct joins *joins)
{
    return plan_numbers(plan, piece_of(plan, joins).name);
}
