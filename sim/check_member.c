#include "sim/check.h"

#include <stdio.h>

#include "core/member.h"

/* In the end every live node holds every live node to be ALIVE in its present life, every dead
 * one to be UNREACHABLE, who left to have left, and nobody else to be there. A goodbye that
 * nobody heard, or only who then lost its memory, is not known: then all hold the one who left
 * to be UNREACHABLE.
 *
 * At any time, who is declared UNREACHABLE was suspected in this very boot and incarnation, by
 * somebody, for as long as a suspect may refute (SWIM 4.2). */

struct claim {
    enum gkv_member_state state; /* NONE: never heard of, or forgotten */
    uint64_t boot_id;
    uint32_t holder;
    uint32_t about;
};

/* ---- Agreement ------------------------------------------------------------------------------- */

static struct claim claim_of(const struct gkv_trial *trial, uint32_t holder, uint32_t about)
{
    const struct gkv_update *held = gkv_check_held(trial, holder, about);
    return (struct claim){
        .holder = holder,
        .about = about,
        .state = held == NULL ? GKV_MEMBER_NONE : held->state,
        .boot_id = held == NULL ? 0 : held->who.boot_id,
    };
}

/* Nobody waits for it. Whoever is UNREACHABLE is EVICTED some time later, which some know first. */
static bool is_away(enum gkv_member_state state)
{
    return state == GKV_MEMBER_UNREACHABLE || state == GKV_MEMBER_EVICTED;
}

static bool is_right(struct gkv_trial *trial, const struct claim *claim)
{
    const struct gkv_host *about = &trial->world.hosts[claim->about];
    uint64_t *counts = trial->tally.counts;
    if (!gkv_nodes_has(&trial->joined, claim->about)) {
        return claim->state == GKV_MEMBER_NONE;
    }
    if (gkv_nodes_has(&trial->left, claim->about)) {
        counts[GKV_HOLDS_MEMBER_LEFT] += claim->state == GKV_MEMBER_LEFT;
        return gkv_nodes_has(&trial->ring, claim->about)
                   ? is_away(claim->state)
                   : claim->state == GKV_MEMBER_LEFT || claim->state == GKV_MEMBER_NONE;
    }
    if (!about->is_up || gkv_nodes_has(&trial->outsiders, claim->about)) {
        counts[GKV_HOLDS_MEMBER_DOWN]++;
        return gkv_nodes_has(&trial->ring, claim->about) ? is_away(claim->state)
                                                         : claim->state == GKV_MEMBER_NONE;
    }
    counts[GKV_HOLDS_MEMBER_ALIVE] += claim->holder != claim->about;
    return claim->state == GKV_MEMBER_ALIVE && claim->boot_id == about->options.boot_id;
}

/* Has nobody who lives ever heard of one who is down or cut off for ever, in this life? Then nobody
 * need know of it: that may have befallen it before they began, or while all that it said to them
 * was under way. */
static bool is_forgotten(const struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_check_is_core(trial, i) &&
            trial->precedence_watch.held[i][node].state != GKV_MEMBER_NONE) {
            return false;
        }
    }
    return !trial->world.hosts[node].is_up || gkv_nodes_has(&trial->outsiders, node);
}

/* Who heard a goodbye and lives tells everybody else of it. */
static bool must_be_gone(const struct gkv_trial *trial, uint32_t node)
{
    return gkv_nodes_has(&trial->heard, node) && !trial->scenario.loses_memory;
}

/* Is a node no part of the ring, to the holder's knowledge and rightly so? */
static bool is_out(struct gkv_trial *trial, uint32_t holder, uint32_t node)
{
    const enum gkv_member_state state = gkv_check_state(trial, holder, node);
    return gkv_nodes_has(&trial->left, node)
               ? must_be_gone(trial, node) || !is_away(state)
               : state == GKV_MEMBER_NONE && is_forgotten(trial, node);
}

/* All who joined, but those of whom the first live node knows that they left, or cannot know. */
static struct gkv_nodes ring_of(struct gkv_trial *trial)
{
    struct gkv_nodes ring = trial->joined;
    uint32_t holder = 0;
    while (holder < trial->scenario.node_count && !gkv_check_is_core(trial, holder)) {
        holder++;
    }
    for (uint32_t i = 0; i < trial->scenario.node_count && holder < trial->scenario.node_count;
         i++) {
        if (gkv_nodes_has(&ring, i) && is_out(trial, holder, i)) {
            gkv_nodes_remove(&ring, i);
        }
    }
    return ring;
}

static bool settle_holder(struct gkv_trial *trial, uint32_t holder, char *why, size_t why_bytes)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct claim claim = claim_of(trial, holder, i);
        if (!is_right(trial, &claim)) {
            (void)snprintf(why, why_bytes, "%s holds %s to be %s, and %s %s",
                           gkv_host_text(holder).text, gkv_host_text(i).text,
                           gkv_member_state_name(claim.state), gkv_host_text(i).text,
                           gkv_nodes_has(&trial->left, i)        ? "left"
                           : !gkv_nodes_has(&trial->joined, i)   ? "never joined"
                           : !trial->world.hosts[i].is_up        ? "is down"
                           : gkv_nodes_has(&trial->outsiders, i) ? "is cut off for ever"
                           : claim.state == GKV_MEMBER_ALIVE     ? "began another life"
                                                                 : "is up");
            return false;
        }
    }
    return true;
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    trial->ring = ring_of(trial);
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_check_is_core(trial, i) && !settle_holder(trial, i, why, why_bytes)) {
            return false;
        }
    }
    return true;
}

/* ---- Suspicion ------------------------------------------------------------------------------- */

/* A boot and incarnation of a node. */
static struct gkv_numbers_name name_of(uint32_t about, const struct gkv_update *said)
{
    return (struct gkv_numbers_name){.high = said->who.boot_id,
                                     .low = (uint64_t)about << 32 | said->incarnation};
}

static void note_suspicion(struct gkv_trial *trial, uint64_t time_ns, uint32_t about,
                           const struct gkv_update *said)
{
    struct gkv_watch_tables *tables = &trial->tables;
    const uint32_t count = tables->suspicions.count;
    const uint32_t number = gkv_numbers_give(&tables->suspicions, name_of(about, said));
    if (number == GKV_NUMBERS_NONE) {
        gkv_watch_no_room(trial, "suspicions");
    } else if (number == count) {
        tables->suspected_ns[number] = time_ns;
    }
}

static void check_unreachable(struct gkv_trial *trial, const struct gkv_observation *observation,
                              uint32_t about)
{
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t number = gkv_numbers_find(&trial->tables.suspicions, name_of(about, said));
    const uint64_t least_ns = trial->scenario.world.node.suspicion_timeout_ms * GKV_NS_PER_MS;
    trial->tally.counts[GKV_HOLDS_SUSPECTED]++;
    if (number == GKV_NUMBERS_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "member",
                       "%s declares %s unreachable, incarnation %u, which nobody ever suspected",
                       gkv_host_text(observation->node).text, gkv_host_text(about).text,
                       (unsigned)said->incarnation);
        return;
    }
    const uint64_t suspected_ns = observation->time_ns - trial->tables.suspected_ns[number];
    const uint64_t grain_ns = trial->scenario.clock_grain_ms * GKV_NS_PER_MS; /* of its clock */
    if (suspected_ns + grain_ns < least_ns) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "member",
                       "%s declares %s unreachable, incarnation %u, %llu ms after the first "
                       "suspicion of it; it had %u ms to refute",
                       gkv_host_text(observation->node).text, gkv_host_text(about).text,
                       (unsigned)said->incarnation,
                       (unsigned long long)(suspected_ns / GKV_NS_PER_MS),
                       (unsigned)trial->scenario.world.node.suspicion_timeout_ms);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT || observation->output->kind != GKV_OUTPUT_MEMBER) {
        return;
    }
    const struct gkv_update *said = &observation->output->as.member;
    const uint32_t about = gkv_check_node_of_id(trial, said->who.id);
    if (about == GKV_HISTORY_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "member", "%s tells of a member that never was",
                       gkv_host_text(observation->node).text);
        return;
    }
    if (said->state == GKV_MEMBER_LEFT && about != observation->node) {
        gkv_nodes_add(&trial->heard, about);
    }
    if (said->state == GKV_MEMBER_SUSPECT) {
        note_suspicion(trial, observation->time_ns, about, said);
    } else if (said->state == GKV_MEMBER_UNREACHABLE) {
        check_unreachable(trial, observation, about);
    }
}

const struct gkv_check gkv_check_member = {
    .name = "member",
    .demands = "Once all is quiet, live nodes hold each other alive, dead ones unreachable "
               "and those who said goodbye left; nobody is declared unreachable without "
               "having been suspected for as long as it may refute.",
    .told_mask = GKV_TOLD_OUTPUT(GKV_OUTPUT_MEMBER),
    .observe = observe,
    .settle = settle,
};
