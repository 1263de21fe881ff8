#include "sim/check_linear.h"

#include <stdio.h>
#include <string.h>

#include "core/panic.h"
#include "sim/register.h"
#include "sim/zones.h"

#define VERSION_PLACE_COUNT (2 * (size_t)GKV_HISTORY_COUNT_MAX)

/* Too large for a stack frame; only gkv_linear_judge uses it, and makes all of it anew. */
struct scratch {
    uint32_t deeds[GKV_HISTORY_COUNT_MAX];           /* by key, then in the order of the history */
    uint32_t firsts[GKV_SCENARIO_KEY_COUNT_MAX + 1]; /* of each key, in deeds */
    uint32_t versions[VERSION_PLACE_COUNT]; /* hash table: the deed + 1 that wrote a version */
    struct gkv_register_operation operations[GKV_HISTORY_COUNT_MAX];
    struct gkv_zone zones[GKV_HISTORY_COUNT_MAX + 1];
};

static struct scratch scratch;

/* ---- Deeds by key ---------------------------------------------------------------------------- */

static void sort_by_key(const struct gkv_trial *trial)
{
    const struct gkv_history *history = &trial->history;
    const uint32_t key_count = trial->scenario.key_count;
    uint32_t *firsts = scratch.firsts;
    GKV_ASSERT(key_count <= GKV_SCENARIO_KEY_COUNT_MAX);
    memset(firsts, 0, sizeof(scratch.firsts));
    for (uint32_t i = 0; i < history->count; i++) {
        GKV_ASSERT(history->deeds[i].key < key_count);
        firsts[history->deeds[i].key]++;
    }
    uint32_t end = 0;
    for (uint32_t key = 0; key <= key_count; key++) {
        end += firsts[key];
        firsts[key] = end;
    }
    for (uint32_t i = history->count; i > 0; i--) {
        scratch.deeds[--firsts[history->deeds[i - 1].key]] = i - 1;
    }
    GKV_ASSERT(firsts[0] == 0 && firsts[key_count] == history->count);
}

/* ---- Writes by version ----------------------------------------------------------------------- */

/* Where the write of a version is, or would be. */
static uint32_t *find_version(const struct gkv_history *history, uint32_t key,
                              struct gkv_version version)
{
    const uint64_t mixed = (version.hlc.packed ^ version.writer) * UINT64_C(0x9E3779B97F4A7C15);
    size_t place = (size_t)(mixed >> 32) % VERSION_PLACE_COUNT;
    for (;;) { /* at least half of the places are free */
        uint32_t *number = &scratch.versions[place];
        const struct gkv_deed *deed = *number == 0 ? NULL : &history->deeds[*number - 1];
        if (deed == NULL ||
            (deed->key == key && gkv_version_compare(deed->version, version) == 0)) {
            return number;
        }
        place = (place + 1) % VERSION_PLACE_COUNT;
    }
}

static void gather_versions(const struct gkv_history *history)
{
    memset(scratch.versions, 0, sizeof(scratch.versions));
    for (uint32_t i = 0; i < history->count; i++) {
        const struct gkv_deed *deed = &history->deeds[i];
        if (deed->kind == GKV_OPERATION_GET || deed->end_ns == 0 ||
            gkv_version_is_none(deed->version)) {
            continue;
        }
        uint32_t *number = find_version(history, deed->key, deed->version);
        if (*number == 0) {
            *number = i + 1;
        }
    }
}

/* ---- From deeds to operations on a register -------------------------------------------------- */

static enum gkv_register_outcome outcome_of(const struct gkv_deed *deed)
{
    if (deed->end_ns == 0) {
        return GKV_REGISTER_UNKNOWN;
    }
    if (deed->error == GKV_OK) {
        return GKV_REGISTER_OK;
    }
    return gkv_history_has_failed(deed) ? GKV_REGISTER_FAILED : GKV_REGISTER_UNKNOWN;
}

/* Can a tombstone be forgotten by now, or a value evicted? Then a get that knows nothing of a key
 * says little. */
static bool may_forget(const struct gkv_trial *trial)
{
    const uint64_t slack_ms = 2 * (uint64_t)trial->scenario.skew_ms_max; /* of two clocks */
    const uint64_t now_ms = trial->world.now_ns / GKV_NS_PER_MS;
    return trial->scenario.evicts ||
           now_ms + slack_ms >= trial->scenario.world.node.tombstone_keep_ms;
}

/* Which write a get saw; false when it cannot be told. */
static bool find_seen(const struct gkv_trial *trial, const struct gkv_deed *deed,
                      uint32_t *write_out)
{
    if (deed->error == GKV_OK) {
        *write_out = deed->read + 1;
        return deed->read != GKV_HISTORY_NONE; /* else sim/check_value.c has failed the trial */
    }
    if (gkv_version_is_none(deed->version)) {
        *write_out = GKV_REGISTER_INITIAL;
        return !may_forget(trial);
    }
    *write_out = *find_version(&trial->history, deed->key, deed->version);
    return *write_out != 0;
}

/* Make the history of a key's register, in scratch. */
static struct gkv_register_history make_history(const struct gkv_trial *trial, uint32_t key,
                                                struct gkv_linear *linear)
{
    uint32_t count = 0;
    for (uint32_t i = scratch.firsts[key]; i < scratch.firsts[key + 1]; i++) {
        const uint32_t number = scratch.deeds[i];
        const struct gkv_deed *deed = &trial->history.deeds[number];
        struct gkv_register_operation operation = {
            .begin = deed->begin_ns,
            .end = deed->end_ns,
            .write = number + 1,
            .number = number,
            .kind = GKV_REGISTER_WRITE,
            .outcome = outcome_of(deed),
        };
        if (deed->kind == GKV_OPERATION_GET) {
            const bool is_answered =
                deed->end_ns != 0 && (deed->error == GKV_OK || deed->error == GKV_ERROR_NOT_FOUND);
            if (!is_answered) {
                continue;
            }
            if (!find_seen(trial, deed, &operation.write)) {
                linear->left_out_count++;
                continue;
            }
            linear->read_count++;
            operation.kind = GKV_REGISTER_READ;
            operation.outcome = GKV_REGISTER_OK;
        }
        scratch.operations[count++] = operation;
    }
    return (struct gkv_register_history){scratch.operations, count};
}

void gkv_linear_judge(const struct gkv_trial *trial, struct gkv_linear *linear_out)
{
    *linear_out = (struct gkv_linear){.first_wrong_key = GKV_HISTORY_NONE};
    sort_by_key(trial);
    gather_versions(&trial->history);
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        struct gkv_zones_report report;
        const struct gkv_register_history history = make_history(trial, key, linear_out);
        linear_out->key_count += history.operation_count > 0;
        if (gkv_zones_check(history, scratch.zones, &report)) {
            continue;
        }
        if (linear_out->wrong_key_count++ == 0) {
            linear_out->first_wrong_key = key;
            gkv_zones_explain(history, &report, linear_out->text, sizeof(linear_out->text));
        }
    }
    GKV_ASSERT(linear_out->wrong_key_count <= linear_out->key_count);
}

/* ---- The check ------------------------------------------------------------------------------- */

bool gkv_linear_is_promised(const struct gkv_scenario *scenario)
{
    const bool one_decides =
        (scenario->node_count == 1 || scenario->world.node.replica_count == 1) &&
        scenario->world.node.hot_cache_size == 0;
    return one_decides && !scenario->loses_memory && !scenario->ring_moves;
}

static void finish(struct gkv_trial *trial)
{
    struct gkv_linear linear;
    if (!gkv_linear_is_promised(&trial->scenario)) {
        return;
    }
    gkv_linear_judge(trial, &linear);
    trial->tally.counts[GKV_HOLDS_LINEAR] += linear.read_count;
    if (linear.wrong_key_count > 0) {
        trial->verdict.key = linear.first_wrong_key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "linear", "k%u is not linearizable: %s",
                       (unsigned)linear.first_wrong_key, linear.text);
    }
}

const struct gkv_check gkv_check_linear = {
    .name = "linear",
    .demands = "The operations of each key can be put in one order that respects real time, "
               "where one node alone holds it.",
    .finish = finish,
};
