#include "sim/workload.h"

#include "core/panic.h"
#include "sim/check.h"
#include "sim/clerk.h"

#define MS GKV_NS_PER_MS

static uint64_t choose(struct gkv_trial *trial, const char *label, uint64_t bound)
{
    return gkv_choose(&trial->choice, label, bound > 0 ? bound : 1);
}

/* ---- What to ask ----------------------------------------------------------------------------- */

static uint32_t choose_key(struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    const bool hot = gkv_choose_percent(&trial->choice, "work.is_hot", scenario->hot_percent);
    return (uint32_t)choose(trial, "work.key", hot ? scenario->hot_key_count : scenario->key_count);
}

static void make_set(struct gkv_trial *trial, struct gkv_deed *deed)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    deed->kind = GKV_OPERATION_SET;
    deed->value_bytes = (uint32_t)gkv_choose_log(
        &trial->choice, "work.value", scenario->value_bytes_min, scenario->value_bytes_max);
    if (scenario->has_tight_values && gkv_choose_percent(&trial->choice, "work.is_largest", 20)) {
        deed->value_bytes = scenario->value_bytes_max;
    }
    if (gkv_choose_percent(&trial->choice, "work.has_ttl", scenario->ttl_percent)) {
        deed->ttl_ms = gkv_choose_log(&trial->choice, "work.ttl", 1, scenario->ttl_ms_max);
    }
}

static void choose_any(struct gkv_trial *trial, struct gkv_deed *deed)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    deed->key = choose_key(trial);
    if (gkv_choose_percent(&trial->choice, "work.is_set", scenario->set_percent)) {
        make_set(trial, deed);
    } else if (gkv_choose_percent(&trial->choice, "work.is_delete", scenario->delete_percent)) {
        deed->kind = GKV_OPERATION_DELETE;
    }
}

/* What the mixes do of one key, again and again. */
static const struct {
    uint32_t count;
    enum gkv_operation_kind kinds[4];
} turns[GKV_MIX_COUNT] = {
    [GKV_MIX_CHURN] = {4,
                       {GKV_OPERATION_SET, GKV_OPERATION_DELETE, GKV_OPERATION_SET,
                        GKV_OPERATION_GET}},
    [GKV_MIX_VERIFY] = {2, {GKV_OPERATION_SET, GKV_OPERATION_GET}},
    [GKV_MIX_COUNTERS] = {2, {GKV_OPERATION_GET, GKV_OPERATION_SET}},
    [GKV_MIX_PING_PONG] = {2, {GKV_OPERATION_GET, GKV_OPERATION_SET}},
};

static void choose_deed(struct gkv_trial *trial, uint32_t number, struct gkv_deed *deed)
{
    struct gkv_client *client = &trial->clients[number];
    const enum gkv_mix mix = trial->scenario.mix;
    deed->kind = GKV_OPERATION_GET;
    if (mix == GKV_MIX_ANY) {
        choose_any(trial, deed);
        return;
    }
    if (client->turn % turns[mix].count == 0) {
        client->key = mix == GKV_MIX_PING_PONG ? 0 : choose_key(trial);
    }
    deed->key = client->key;
    deed->kind = turns[mix].kinds[client->turn % turns[mix].count];
    client->turn++;
    if (deed->kind == GKV_OPERATION_SET) {
        make_set(trial, deed);
    }
}

/* The node that a client asks first. */
static uint32_t first_node(struct gkv_trial *trial, uint32_t number)
{
    const uint32_t count = trial->scenario.node_count;
    struct gkv_client *client = &trial->clients[number];
    switch (trial->scenario.route) {
    case GKV_ROUTE_STICKY:
        return number % count;
    case GKV_ROUTE_ROAMING:
        client->node = (client->node + 1) % count;
        return client->node;
    case GKV_ROUTE_ANY:
        break;
    }
    return (uint32_t)choose(trial, "work.node", count);
}

/* The node that a client asks: one that is up, and not paused, since clients live in its process;
 * GKV_HISTORY_NONE when there is none. */
static uint32_t choose_node(struct gkv_trial *trial, uint32_t client)
{
    const uint32_t count = trial->scenario.node_count;
    const uint32_t first = first_node(trial, client);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t node = (first + i) % count;
        if (trial->world.hosts[node].is_up && trial->world.hosts[node].paused_until_ns == 0) {
            return node;
        }
    }
    return GKV_HISTORY_NONE;
}

void gkv_workload_ask(struct gkv_trial *trial, uint32_t client, const struct gkv_deed *asked)
{
    struct gkv_history *history = &trial->history;
    char key_text[GKV_KEY_BYTES_MAX];
    GKV_ASSERT(trial->clients[client].waiting == GKV_HISTORY_NONE);

    const uint32_t number = gkv_history_add(history, asked);
    struct gkv_deed *deed = &history->deeds[number];
    deed->begin_ns = trial->world.now_ns;
    deed->client = client;
    deed->life = trial->world.hosts[deed->node].life_count;
    deed->pause_before_ns = trial->world.hosts[deed->node].pause_total_ns;
    history->open_count++;
    trial->clients[client].waiting = number;
    gkv_clerk_write_operation(trial, deed);

    struct gkv_operation operation = {
        .cookie = number + 1u,
        .kind = deed->kind,
        .key = gkv_history_key(deed->key, key_text),
        .ttl_ms = deed->ttl_ms,
    };
    if (deed->kind == GKV_OPERATION_SET) {
        gkv_history_value(number, trial->value, deed->value_bytes);
        operation.value = (struct gkv_bytes){.data = trial->value, .count = deed->value_bytes};
    }
    gkv_world_submit(&trial->world, deed->node, &operation);
}

/* ---- Reading everything again ---------------------------------------------------------------- */

/* Of so many (node, key), one is written after it was read; none where clocks are broken, since
 * such a set may rightly be refused. */
#define WRITTEN_AGAIN_EVERY 4

/* Through how many nodes everything is read: two, or all where reads alone repair, or only one that
 * has to repair all owners. */
static uint32_t reading_node_count(const struct gkv_trial *trial)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    if (scenario->repairs_by_read) {
        return scenario->only_reader > 0 ? 1 : scenario->node_count;
    }
    return scenario->node_count < 2 ? scenario->node_count : 2;
}

/* The node that reads next; the one that reads alone must be in the core. */
static uint32_t reading_node(const struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    if (!trial->scenario.repairs_by_read || trial->scenario.only_reader == 0) {
        return trial->reading_node;
    }
    uint32_t node = (trial->scenario.only_reader - 1) % count;
    for (uint32_t i = 0; i < count && !gkv_check_is_core(trial, node); i++) {
        node = (node + 1) % count;
    }
    return node;
}

/* Turn to the next: from some keys that were read to writing them, else to the next key. */
static void advance_reading(struct gkv_trial *trial)
{
    const uint32_t number = trial->reading_key + trial->reading_node;
    trial->is_writing = !trial->is_writing && number % WRITTEN_AGAIN_EVERY == 0 &&
                        trial->scenario.skew_ms_max <= GKV_SCENARIO_SKEW_MS_MAX;
    if (trial->is_writing) {
        return;
    }
    trial->reading_key++;
    if (trial->reading_key >= trial->scenario.key_count) {
        trial->reading_key = 0;
        trial->reading_node++;
    }
}

static bool is_all_read(const struct gkv_trial *trial)
{
    return trial->scenario.reads_by_lines ? !gkv_clerk_has_reading(trial)
                                          : trial->reading_node >= reading_node_count(trial);
}

/* The next (node, key) to be read, and some to be written; false when all are. */
static bool next_reading(struct gkv_trial *trial, struct gkv_deed *deed)
{
    if (trial->scenario.reads_by_lines) {
        return gkv_clerk_next_reading(trial, deed);
    }
    while (trial->reading_node < reading_node_count(trial)) {
        *deed = (struct gkv_deed){
            .kind = trial->is_writing ? GKV_OPERATION_SET : GKV_OPERATION_GET,
            .key = trial->reading_key,
            .node = reading_node(trial),
            .value_bytes = trial->is_writing ? trial->scenario.value_bytes_min : 0,
        };
        advance_reading(trial);
        if (gkv_check_is_core(trial, deed->node)) {
            return true;
        }
    }
    return false;
}

void gkv_workload_begin_reading(struct gkv_trial *trial)
{
    trial->reading_node = 0;
    trial->reading_key = 0;
    trial->is_writing = false;
    /* Where nodes have little room for operations, nobody reads next to another: all must be
     * answered. */
    const uint32_t count = trial->scenario.operation_slots > 0 ? 1 : trial->scenario.client_count;
    for (uint32_t i = 0; i < count; i++) {
        gkv_trial_call_in(trial, i * MS / 10, GKV_CALL_CLIENT, i);
    }
}

/* ---- The loop -------------------------------------------------------------------------------- */

void gkv_workload_begin(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.client_count; i++) {
        trial->clients[i] = (struct gkv_client){.node = i, .waiting = GKV_HISTORY_NONE};
        const bool waits_for_turn = trial->scenario.mix == GKV_MIX_PING_PONG && i > 0;
        if (!gkv_clerk_reads(trial) && !waits_for_turn) {
            gkv_trial_call_in(trial, choose(trial, "work.first", trial->scenario.think_ns_max),
                              GKV_CALL_CLIENT, i);
        }
    }
}

static bool is_work_over(const struct gkv_trial *trial)
{
    return trial->issued_count >= trial->scenario.operation_count ||
           trial->world.now_ns >= trial->work_end_ns;
}

bool gkv_workload_is_over(const struct gkv_trial *trial)
{
    if (trial->phase == GKV_PHASE_READ && !is_all_read(trial)) {
        return false;
    }
    return trial->history.open_count == 0 && is_work_over(trial);
}

void gkv_workload_on_call(struct gkv_trial *trial, uint32_t client)
{
    struct gkv_deed deed = {.kind = GKV_OPERATION_GET};
    if (trial->clients[client].waiting != GKV_HISTORY_NONE) {
        return; /* a call from an earlier phase */
    }
    if (trial->phase == GKV_PHASE_READ) {
        if (next_reading(trial, &deed)) {
            gkv_workload_ask(trial, client, &deed);
        }
        return;
    }
    if (trial->phase != GKV_PHASE_WORK || is_work_over(trial) || gkv_clerk_reads(trial)) {
        return;
    }
    deed.node = choose_node(trial, client);
    if (deed.node == GKV_HISTORY_NONE) {
        gkv_trial_call_in(trial, 20 * MS, GKV_CALL_CLIENT, client);
        return;
    }
    choose_deed(trial, client, &deed);
    trial->issued_count++;
    gkv_workload_ask(trial, client, &deed);
}

static void count_outcome(struct gkv_trial *trial, enum gkv_error error)
{
    uint64_t *counts = trial->tally.counts;
    counts[GKV_MET_IN_DOUBT] += error == GKV_ERROR_IN_DOUBT;
    counts[GKV_MET_TIMEOUT] += error == GKV_ERROR_TIMEOUT;
    counts[GKV_MET_NO_QUORUM] += error == GKV_ERROR_NO_QUORUM;
    counts[GKV_MET_FULL] += error == GKV_ERROR_MEMORY;
    counts[GKV_MET_BUSY] += error == GKV_ERROR_BUSY;
    counts[GKV_MET_CLOCK] += error == GKV_ERROR_CLOCK_DRIFT;
}

void gkv_workload_observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    struct gkv_deed *deed = gkv_history_find(&trial->history, result->cookie);
    if (deed == NULL) {
        return; /* sim/check_open.c says so */
    }
    deed->complete_count++;
    if (deed->complete_count > 1 || deed->is_abandoned) {
        return;
    }
    count_outcome(trial, result->error);
    deed->end_ns = observation->time_ns;
    deed->error = result->error;
    deed->version = result->version;
    trial->history.open_count--;
    trial->clients[deed->client].waiting = GKV_HISTORY_NONE;
    const uint64_t think_ns = trial->phase == GKV_PHASE_READ
                                  ? 1000
                                  : 1 + choose(trial, "work.think", trial->scenario.think_ns_max);
    uint32_t next = deed->client;
    if (trial->scenario.mix == GKV_MIX_PING_PONG && trial->phase == GKV_PHASE_WORK) {
        next = (next + 1) % trial->scenario.client_count;
    }
    gkv_trial_call_in(trial, think_ns, GKV_CALL_CLIENT, next);
}
