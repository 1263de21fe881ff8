/* Whole clusters, whose luck is the input: every byte answers draws of the simulator
 * (sim/choice.h), so that a mutated byte is another fault, another message overtaken, another
 * client's wish. The profile is lite: three nodes, 150 operations, one second of work.
 *
 * Besides new edges, libFuzzer is rewarded for new states: a counter for each entry of the tally
 * (sim/tally.h), and one for each kind of cluster that was seen, by hash of what follows.
 *
 * An input is replayed by fuzz/replay.c; `gridkv-sim convert` makes a recording of it, to look at
 * and to shrink. */
#include <stdint.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/node.h"
#include "fuzz/harness.h"
#include "sim/trial.h"

#define LOOK_EVERY 8 /* events */
#define STATE_COUNTER_COUNT 8192

/* libFuzzer clears them before each input, and takes a new value for something new. */
#if defined(__linux__)
#define EXTRA_COUNTERS __attribute__((section("__libfuzzer_extra_counters"), used))
#else
#define EXTRA_COUNTERS
#endif
EXTRA_COUNTERS static uint8_t reached_counters[GKV_PREDICATE_COUNT];
EXTRA_COUNTERS static uint8_t state_counters[STATE_COUNTER_COUNT];

/* ---- Abstract states ------------------------------------------------------------------------- */

static uint64_t at_most(uint64_t count, uint64_t most)
{
    return count < most ? count : most;
}

/* One node: is it up and awake, whom does it hold to be what, what is in its store. */
static uint64_t state_of_node(const struct gkv_host *host)
{
    if (host->endpoint == NULL) {
        return 0;
    }
    struct gkv_node *node = gkv_endpoint_node(host->endpoint);
    const struct gkv_node_stats stats = gkv_node_stats(node);
    const struct gkv_members *members = gkv_node_members(node);
    uint64_t state_counts[GKV_MEMBER_STATE_COUNT] = {0};
    for (uint16_t i = 0; i < members->capacity; i++) {
        state_counts[gkv_member_at(members, i)->said.state]++;
    }
    uint64_t word = host->paused_until_ns > 0 ? 3 : 1;
    for (uint32_t i = GKV_MEMBER_ALIVE; i < GKV_MEMBER_STATE_COUNT; i++) {
        word = word << 2 | at_most(state_counts[i], 3);
    }
    word = word << 2 | at_most(stats.quorum.open_count, 3);
    word = word << 2 | at_most(stats.store.record_count, 3);
    return word << 1 | (stats.store.tombstone_count > 0);
}

/* The operations of all clients: how many of each kind are open, and how many in doubt. */
static uint64_t state_of_clients(const struct gkv_trial *trial)
{
    uint64_t open_counts[GKV_OPERATION_DELETE + 1] = {0};
    for (uint32_t i = 0; i < trial->scenario.client_count; i++) {
        const uint32_t waiting = trial->clients[i].waiting;
        if (waiting != GKV_HISTORY_NONE) {
            open_counts[trial->history.deeds[waiting].kind]++;
        }
    }
    uint64_t word = (uint64_t)trial->phase;
    for (uint32_t i = GKV_OPERATION_GET; i <= GKV_OPERATION_DELETE; i++) {
        word = word << 2 | at_most(open_counts[i], 3);
    }
    return word << 1 | (trial->tally.counts[GKV_MET_IN_DOUBT] > 0);
}

/* Which node is which does not count: their words are added. */
static void look(void *context, const struct gkv_trial *trial)
{
    (void)context;
    if (trial->world.event_count % LOOK_EVERY != 0) {
        return;
    }
    uint64_t words[2] = {state_of_clients(trial), 0};
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const uint64_t word = state_of_node(&trial->world.hosts[i]);
        words[1] += gkv_hash(&word, sizeof(word), 0);
    }
    uint8_t *counter = &state_counters[gkv_hash(words, sizeof(words), 0) % STATE_COUNTER_COUNT];
    *counter = 1;
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing;
    static struct gkv_trial_summary summary;
    const struct gkv_trial_options options = {
        .profile = GKV_PROFILE_LITE,
        .bytes = {.data = size > 0 ? data : &nothing, .count = size},
        .event_count_max = GKV_TRIAL_FUZZED_EVENT_COUNT_MAX,
        .report = true,
        .replay_line = "replay_sim INPUT, or gridkv-sim convert INPUT FILE.gseed",
        .look = look,
    };
    gkv_trial_run_with(&options, &summary);
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const uint64_t count = summary.tally.counts[i];
        reached_counters[i] = (uint8_t)at_most(count, UINT8_MAX);
    }
    const bool is_cut_short = summary.event_count > GKV_TRIAL_FUZZED_EVENT_COUNT_MAX;
    if (summary.status != GKV_TRIAL_PASS && !is_cut_short) {
        abort();
    }
    return 0;
}
