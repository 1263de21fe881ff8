#include <stdio.h>

#include "sim/check.h"
#include "sim/forgetting.h"

/* Whatever anybody holds of a key, its owners hold at least: who no longer owns a key, or never
 * did, hands on what it has of it, and may then keep it. Only what the owners rightly forgot, a
 * deletion or an expired value older than tombstone_keep_ms, need not be taken again.
 *
 * Not asked where stores are full, and where nobody compares what they hold. */

/* The newest version that a live owner holds, and all live owners. */
static struct gkv_version newest_of(struct gkv_trial *trial, uint32_t key,
                                    struct gkv_nodes *owners_out)
{
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    struct gkv_version newest = {.writer = 0};
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    *owners_out = (struct gkv_nodes){{0}};
    for (uint32_t i = 0; i < owner_count; i++) {
        struct gkv_record record;
        if (!gkv_check_is_core(trial, owners[i])) {
            continue;
        }
        gkv_nodes_add(owners_out, owners[i]);
        if (gkv_check_holds(trial, owners[i], key, &record) &&
            gkv_version_compare(record.version, newest) > 0) {
            newest = record.version;
        }
    }
    return newest;
}

static bool settle_key(struct gkv_trial *trial, uint32_t key, char *why, size_t why_bytes)
{
    struct gkv_nodes owners;
    const struct gkv_version newest = newest_of(trial, key, &owners);
    for (uint32_t i = 0; i < trial->scenario.node_count && !gkv_nodes_is_empty(&owners); i++) {
        struct gkv_record record;
        const bool is_other = !gkv_nodes_has(&owners, i) && gkv_check_is_core(trial, i);
        if (!is_other || !gkv_check_holds(trial, i, key, &record)) {
            continue;
        }
        trial->tally.counts[GKV_HOLDS_HANDED_ON]++;
        if (gkv_version_compare(record.version, newest) > 0 &&
            !gkv_forgetting_has_begun(trial, &record)) {
            trial->verdict.key = key;
            (void)snprintf(
                why, why_bytes, "k%u: %s, which does not own it, holds %s, and no owner does",
                (unsigned)key, gkv_host_text(i).text, gkv_history_version(record.version).text);
            return false;
        }
    }
    return true;
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    const struct gkv_scenario *scenario = &trial->scenario;
    if (trial->history.count == 0 || scenario->may_be_full || scenario->repairs_by_read ||
        scenario->node_count <= scenario->world.node.replica_count) {
        return true; /* nothing is written yet; or all own all */
    }
    for (uint32_t key = 0; key < scenario->key_count; key++) {
        if (!settle_key(trial, key, why, why_bytes)) {
            return false;
        }
    }
    return true;
}

const struct gkv_check gkv_check_leftover = {
    .name = "leftover",
    .demands = "What a node holds of a key that others own, its owners hold as well, or newer.",
    .settle = settle,
};
