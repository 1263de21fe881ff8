#include "sim/faults.h"

#include "core/panic.h"
#include "sim/outsiders.h"
#include "sim/strikes.h"

#define MS GKV_NS_PER_MS

/* Families that strike again and again. */
struct striker {
    const char *label; /* of when it strikes */
    size_t offset;     /* of its struct gkv_recurrence in the scenario */
    uint64_t (*strike)(struct gkv_trial *trial, uint64_t for_ns_max);
};

#define STRIKER_COUNT 11

static const struct striker strikers[STRIKER_COUNT] = {
    {"cut.when", offsetof(struct gkv_scenario, cuts), gkv_strike_cut},
    {"crash.when", offsetof(struct gkv_scenario, crashes), gkv_strike_crash},
    {"clock.when", offsetof(struct gkv_scenario, steps), gkv_strike_clock},
    {"pause.when", offsetof(struct gkv_scenario, pauses), gkv_strike_pause},
    {"stall.when", offsetof(struct gkv_scenario, stalls), gkv_strike_stall},
    {"reset.when", offsetof(struct gkv_scenario, resets), gkv_strike_reset},
    {"half_open.when", offsetof(struct gkv_scenario, half_opens), gkv_strike_half_open},
    {"roll.when", offsetof(struct gkv_scenario, rolls), gkv_strike_roll},
    {"blackout.when", offsetof(struct gkv_scenario, blackouts), gkv_strike_blackout},
    {"key_crash.when", offsetof(struct gkv_scenario, key_crashes), gkv_strike_key},
    {"slow.when", offsetof(struct gkv_scenario, slowness), gkv_strike_slow},
};

static const struct gkv_recurrence *recurrence_of(const struct gkv_trial *trial, uint32_t striker)
{
    const uint8_t *scenario = (const uint8_t *)&trial->scenario;
    return (const struct gkv_recurrence *)(const void *)(scenario + strikers[striker].offset);
}

/* How long until a family strikes again: every_ns on average, and never so soon that draws of zero,
 * as the shrinker makes them, would stop the time of the world. */
static uint64_t until_next(struct gkv_trial *trial, uint32_t striker)
{
    const uint64_t every_ns = recurrence_of(trial, striker)->every_ns;
    const uint64_t wait_ns = 1 + gkv_strike_below(trial, strikers[striker].label, 2 * every_ns);
    return wait_ns < MS ? MS : wait_ns;
}

static void on_strike(struct gkv_trial *trial, uint32_t striker)
{
    const uint64_t busy_ns =
        strikers[striker].strike(trial, recurrence_of(trial, striker)->for_ns_max);
    if (busy_ns != GKV_NEVER) {
        gkv_trial_call_in(trial, busy_ns + until_next(trial, striker), GKV_CALL_STRIKE, striker);
    }
}

void gkv_faults_begin(struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    gkv_strike_links(trial);
    for (uint32_t i = 0; i < STRIKER_COUNT; i++) {
        const uint64_t every_ns = recurrence_of(trial, i)->every_ns;
        if (every_ns > 0) {
            gkv_trial_call_in(trial, gkv_strike_below(trial, strikers[i].label, every_ns),
                              GKV_CALL_STRIKE, i);
        }
    }
    if (scenario->has_leave) {
        /* Early more often than late: many trials have done their operations long before. */
        gkv_trial_call_in(trial,
                          gkv_choose_log(&trial->choice, "leave.after", MS, scenario->work_ns),
                          GKV_CALL_LEAVE, 0);
    }
    uint64_t after_ns = gkv_strike_below(trial, "join.after", scenario->work_ns);
    for (uint32_t i = scenario->node_count - scenario->late_count; i < scenario->node_count; i++) {
        gkv_trial_call_in(trial, after_ns, GKV_CALL_BOOT, i);
        if (!scenario->joins_at_once) {
            after_ns = gkv_strike_below(trial, "join.after", scenario->work_ns);
        }
    }
}

/* What strikes only while clients are at work. */
static void on_work_call(struct gkv_trial *trial, enum gkv_call call, uint32_t value)
{
    switch (call) {
    case GKV_CALL_STRIKE:
        on_strike(trial, value);
        break;
    case GKV_CALL_MEND:
        gkv_strike_mend(trial);
        break;
    case GKV_CALL_FLAP:
        gkv_strike_flap(trial);
        break;
    case GKV_CALL_ISOLATE:
    case GKV_CALL_REJOIN:
        gkv_strike_isolate(trial, value, call == GKV_CALL_ISOLATE);
        break;
    case GKV_CALL_RESTART:
        gkv_strike_restart(trial, value);
        break;
    case GKV_CALL_HURRY:
        trial->world.hosts[value].service_ns = 0;
        break;
    case GKV_CALL_LEAVE:
        gkv_strike_leave(trial);
        break;
    case GKV_CALL_CLIENT:
    case GKV_CALL_BOOT:
    case GKV_CALL_STOP:
    case GKV_CALL_SCRIPT:
        break;
    }
}

void gkv_faults_on_call(struct gkv_trial *trial, enum gkv_call call, uint32_t value)
{
    if (call == GKV_CALL_STOP) {
        gkv_strike_stop(trial, value);
    } else if (call == GKV_CALL_BOOT && trial->phase <= GKV_PHASE_WORK) {
        gkv_strike_boot(trial, value); /* later, gkv_faults_end does */
    } else if (trial->phase == GKV_PHASE_WORK) {
        on_work_call(trial, call, value);
    }
}

void gkv_faults_end(struct gkv_trial *trial)
{
    GKV_ASSERT(trial->phase == GKV_PHASE_HEAL);
    gkv_faults_calm(trial);
    gkv_net_recover(&trial->world.net, trial->world.now_ns);
    gkv_strike_revive(trial);
    gkv_strike_clocks_mend(trial);
    gkv_outsiders_choose(trial);
}
