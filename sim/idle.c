#include "sim/idle.h"

#include "core/member.h"
#include "core/panic.h"
#include "sim/check.h"
#include "sim/clerk.h"
#include "sim/trial.h"

#define MS GKV_NS_PER_MS
#define CUT_PERCENT 30
#define LOSS_PERCENT 30
#define SPELL_ROUND_COUNT 16 /* of gossip: the most that round_count is with up to nine nodes */

static uint32_t up_count(const struct gkv_trial *trial)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        count += gkv_check_is_core(trial, i);
    }
    return count;
}

uint64_t gkv_idle_suspicion_ns(const struct gkv_options *options, uint32_t member_count)
{
    uint64_t doublings = 0;
    while ((UINT64_C(1) << doublings) < member_count) {
        doublings++;
    }
    const uint64_t least_ms =
        options->suspicion_timeout_ms + 2 * doublings * options->gossip_interval_ms;
    return options->suspicion_max_factor * least_ms * MS;
}

uint64_t gkv_idle_accused_ns(const struct gkv_trial *trial)
{
    if (gkv_nodes_is_empty(&trial->outsiders)) {
        return 0;
    }
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t last_ms = options->witness_patience_ms + options->probe_timeout_ms;
    return gkv_idle_suspicion_ns(options, trial->scenario.node_count) + (last_ms + 1000) * MS;
}

/* ---- IDLE ------------------------------------------------------------------------------------ */

/* Is there time, once helpers are asked and before the target is suspect, for three messages by way
 * of a helper and one to it, each as late as a calm network makes them, and a late timer? */
static bool has_time_to_help(const struct gkv_trial *trial)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t left_ns = options->probe_indirect_timeout_ms * MS;
    const struct gkv_link *link = &trial->world.net.links[0][1];
    const uint64_t late_ns =
        trial->scenario.world.timer_late_ns_max + 2 * trial->scenario.clock_grain_ms * MS;
    return left_ns > 4 * (link->latency_ns + link->jitter_ns) + late_ns + MS;
}

/* The link that is to be cut, as drawn or as a script says. False: none. */
static bool choose_link(struct gkv_trial *trial, uint32_t *from_out, uint32_t *to_out)
{
    struct gkv_choice *choice = &trial->choice;
    const uint32_t count = trial->scenario.node_count;
    if (gkv_clerk_reads(trial)) {
        const struct gkv_script_line *line = gkv_clerk_find(trial, GKV_SCRIPT_IDLE_CUT);
        *from_out = line == NULL ? 0 : line->node;
        *to_out = line == NULL ? 0 : line->to;
        return line != NULL;
    }
    if (!gkv_choose_percent(choice, "idle.has_cut", CUT_PERCENT)) {
        return false;
    }
    *from_out = (uint32_t)gkv_choose(choice, "idle.cut_from", count);
    *to_out = (uint32_t)gkv_choose(choice, "idle.cut_to", count);
    return true;
}

static void cut_one_link(struct gkv_trial *trial)
{
    uint32_t from = 0;
    uint32_t to = 0;
    if (!choose_link(trial, &from, &to)) {
        return;
    }
    if (from != to && up_count(trial) >= 3 && gkv_nodes_is_empty(&trial->outsiders) &&
        has_time_to_help(trial)) {
        gkv_world_link(&trial->world, from, to)->is_cut = true;
        trial->idle.is_cut = true;
        gkv_clerk_write_line(trial, &(struct gkv_script_line){.kind = GKV_SCRIPT_IDLE_CUT,
                                                              .node = (uint8_t)from,
                                                              .to = (uint8_t)to});
    }
}

/* Do all hold the same of a node? They may agree on its state and not on its incarnation: then the
 * next PUSH_PULL tells, and who hears it spreads it. */
static bool is_news(struct gkv_trial *trial, uint32_t about)
{
    const struct gkv_update nothing = {.state = GKV_MEMBER_NONE};
    const struct gkv_update *first = NULL;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!gkv_check_is_core(trial, i)) {
            continue;
        }
        const struct gkv_update *known = gkv_check_held(trial, i, about);
        const struct gkv_update *held = known == NULL ? &nothing : known;
        if (first != NULL &&
            (held->who.boot_id != first->who.boot_id || held->state != first->state ||
             held->incarnation != first->incarnation)) {
            return true;
        }
        first = held;
    }
    return false;
}

/* Does anybody hold somebody UNREACHABLE? That he is evicted will be news, whenever it comes. */
static bool is_to_be_evicted(struct gkv_trial *trial, uint32_t about)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_check_is_core(trial, i) &&
            gkv_check_state(trial, i, about) == GKV_MEMBER_UNREACHABLE) {
            return true;
        }
    }
    return false;
}

static void note_news(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        trial->idle.has_news =
            trial->idle.has_news || is_news(trial, i) || is_to_be_evicted(trial, i);
    }
}

/* In how many rounds of gossip the last rumour is told: there may be one of each member, with 8
 * ceil(log10(n + 1)) tellings (core/rumor.h), and a round tells GKV_UPDATE_COUNT_MAX to each of its
 * listeners. Some rounds more, for what set out before the first. */
static uint64_t round_count(const struct gkv_trial *trial)
{
    const uint64_t node_count = trial->scenario.node_count;
    uint64_t digits = 1;
    for (uint64_t power = 10; power < node_count + 1; power *= 10) {
        digits++;
    }
    const uint64_t message_count = (node_count - 1) / GKV_UPDATE_COUNT_MAX + 1;
    const uint64_t listener_count = node_count > GKV_GOSSIP_FANOUT ? GKV_GOSSIP_FANOUT : 1;
    return 8 + 8 * digits * message_count / listener_count;
}

/* In what time that many rounds are over, and what else is under way. */
static uint64_t quieten_ns(const struct gkv_trial *trial, uint64_t rounds)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    /* Rounds of anti-entropy that found differences come sooner; small windows let their records
     * trickle. */
    const uint64_t slow_ms = scenario->world.window_bytes != 0 ? 2000 : 0;
    const uint64_t round_ms =
        scenario->world.node.gossip_interval_ms + 2 * scenario->clock_grain_ms;
    return (500 + rounds * round_ms + slow_ms) * MS;
}

/* As long as the last rumour may take, where few are; where many are, until nobody has told a
 * rumour for as long as that is with few. */
static uint64_t spell_ns(const struct gkv_trial *trial)
{
    const uint64_t rounds = round_count(trial);
    return quieten_ns(trial, rounds < SPELL_ROUND_COUNT ? rounds : SPELL_ROUND_COUNT);
}

void gkv_idle_begin(struct gkv_trial *trial)
{
    GKV_ASSERT(trial->phase == GKV_PHASE_IDLE);
    trial->idle.latest_ns = trial->world.now_ns + quieten_ns(trial, round_count(trial));
    trial->idle.begin_ns = GKV_NEVER;
    trial->idle.until_ns = trial->world.now_ns + spell_ns(trial);
    note_news(trial); /* a table may bring it just before begin_ns */
    cut_one_link(trial);
}

void gkv_idle_hear(struct gkv_trial *trial, const struct gkv_heard *heard)
{
    if (heard->message != NULL && heard->message->kind == GKV_MESSAGE_GOSSIP) {
        trial->idle.rumour_ns = heard->time_ns;
    }
}

bool gkv_idle_wait(struct gkv_trial *trial, uint64_t *until_ns_out)
{
    struct gkv_idle *idle = &trial->idle;
    if (trial->world.now_ns >= idle->until_ns) {
        const uint64_t quiet_ns = idle->rumour_ns + spell_ns(trial);
        idle->until_ns = quiet_ns < idle->latest_ns ? quiet_ns : idle->latest_ns;
    }
    *until_ns_out = idle->until_ns;
    return trial->world.now_ns < idle->until_ns;
}

/* Does a node hold a key that it does not own? Then it offers it to those who do, for ever. */
static bool holds_of_others(struct gkv_trial *trial, uint32_t node)
{
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        if (!gkv_owners_include(trial, key, node) && gkv_check_holds(trial, node, key, NULL)) {
            return true;
        }
    }
    return false;
}

void gkv_idle_note(struct gkv_trial *trial)
{
    struct gkv_idle *idle = &trial->idle;
    idle->begin_ns = trial->world.now_ns;
    /* No operation is kept longer than its timeout. */
    idle->end_ns =
        idle->begin_ns + (1000 + (uint64_t)trial->scenario.world.node.operation_timeout_ms) * MS;
    note_news(trial);
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_host *host = &trial->world.hosts[i];
        if (!host->is_up) {
            continue;
        }
        const struct gkv_endpoint_stats stats = gkv_endpoint_stats(host->endpoint);
        idle->datagram_bytes[i] = stats.datagram_out_bytes;
        idle->stream_bytes[i] = stats.stream_out_bytes;
        gkv_nodes_add(&idle->watched, i);
        if (holds_of_others(trial, i)) {
            gkv_nodes_add(&idle->spared, i);
        }
    }
}

/* ---- LOSS ------------------------------------------------------------------------------------ */

/* How slow the slowest node is: its own health multiplies all its times of probing (core/health.h).
 * It gets well with each answer, and nobody else is away. */
static uint64_t slowness(const struct gkv_trial *trial)
{
    uint64_t worst = 0;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!gkv_check_is_core(trial, i)) {
            continue;
        }
        const struct gkv_node_stats stats =
            gkv_node_stats(gkv_endpoint_node(trial->world.hosts[i].endpoint));
        worst = stats.health_score > worst ? stats.health_score : worst;
    }
    return worst + 1;
}

/* Every node probes every other within 2n - 1 turns (SWIM 4.3), options.probe_targets of them in
 * each period, knows when the timeouts are over that there was no answer, and lets the suspect
 * refute; each timer may be late. */
static uint64_t detection_ns(const struct gkv_trial *trial, uint32_t member_count)
{
    const struct gkv_options *options = &trial->scenario.world.node;
    const uint64_t late_ns = trial->scenario.world.timer_late_ns_max;
    const uint64_t period_ns = slowness(trial) * options->probe_interval_ms * MS + late_ns;
    const uint64_t turns = 2 * (uint64_t)member_count - 1;
    const uint64_t period_count = (turns + options->probe_targets - 1) / options->probe_targets + 1;
    const uint64_t probe_ms =
        slowness(trial) * (options->probe_timeout_ms + options->probe_indirect_timeout_ms);
    const uint64_t last_ms = options->last_chance > 0 ? options->probe_timeout_ms : 0;
    return period_count * period_ns + (probe_ms + last_ms) * MS +
           gkv_idle_suspicion_ns(options, member_count) + 5 * late_ns;
}

/* Who is to die, as drawn or as a script says. False: nobody. */
static bool choose_node(struct gkv_trial *trial, uint32_t *node_out)
{
    struct gkv_choice *choice = &trial->choice;
    if (gkv_clerk_reads(trial)) {
        const struct gkv_script_line *line = gkv_clerk_find(trial, GKV_SCRIPT_LOSS);
        *node_out = line == NULL ? 0 : line->node;
        return line != NULL;
    }
    const bool has_loss = gkv_choose_percent(choice, "loss.has_loss", LOSS_PERCENT);
    *node_out = (uint32_t)gkv_choose(choice, "loss.node", trial->scenario.node_count);
    return has_loss;
}

bool gkv_idle_lose(struct gkv_trial *trial)
{
    GKV_ASSERT(trial->phase == GKV_PHASE_LOSS);
    uint32_t node = 0;
    const bool has_loss = choose_node(trial, &node);
    const uint32_t member_count = up_count(trial);
    if (!has_loss || member_count < 2 || trial->idle.is_cut || !gkv_check_is_core(trial, node)) {
        return false;
    }
    trial->idle.lost_node = node;
    trial->idle.deadline_ns = trial->world.now_ns + detection_ns(trial, member_count);
    trial->down_since_ns[node] = trial->world.now_ns;
    gkv_clerk_write_line(trial, &(struct gkv_script_line){.kind = GKV_SCRIPT_LOSS,
                                                          .node = (uint8_t)node,
                                                          .to = (uint8_t)node});
    /* As a machine without power: no stream breaks, so that only probes can tell. */
    gkv_world_crash(&trial->world, node, detection_ns(trial, member_count));
    return true;
}
