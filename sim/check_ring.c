#include <stdio.h>

#include "core/member.h"
#include "core/node.h"
#include "sim/check.h"

/* A settled cluster has one ring: every node names the same owners of a key in the same order, as
 * the check computes them by its own code, and no owner twice. From one settled ring to the next as
 * little moves as can: a node that is in both owns nothing new unless somebody left, and loses
 * nothing unless somebody joined. */

#define KEY_COUNT_MAX 64 /* looked at, of all keys */

/* The nodes of a key as node `holder` names them; false when it names nobody known, or one twice.
 * */
static uint32_t owners_by(struct gkv_trial *trial, uint32_t holder, uint32_t key,
                          uint8_t owners_out[GKV_REPLICA_COUNT_MAX])
{
    char text[GKV_KEY_BYTES_MAX];
    uint16_t indices[GKV_REPLICA_COUNT_MAX];
    struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[holder].endpoint);
    const uint32_t count = gkv_node_owners(node, gkv_history_key(key, text), indices);
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_member *member = gkv_member_at(gkv_node_members(node), indices[i]);
        owners_out[i] = (uint8_t)gkv_check_node_of_id(trial, member->said.who.id);
    }
    return count;
}

static bool is_same(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static bool settle_holder(struct gkv_trial *trial, uint32_t holder, uint32_t key, char *why,
                          size_t why_bytes)
{
    uint8_t named[GKV_REPLICA_COUNT_MAX];
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_check_owners(trial, key, owners);
    const uint32_t named_count = owners_by(trial, holder, key, named);
    trial->tally.counts[GKV_HOLDS_RING]++;
    if (named_count == owner_count && is_same(named, owners, owner_count)) {
        return true;
    }
    trial->verdict.key = key;
    (void)snprintf(why, why_bytes, "k%u: %c names %u owners, %c first, and the ring %u, %c first",
                   (unsigned)key, gkv_host_letter(holder), (unsigned)named_count,
                   named_count > 0 ? gkv_host_letter(named[0]) : '-', (unsigned)owner_count,
                   owner_count > 0 ? gkv_host_letter(owners[0]) : '-');
    return false;
}

/* ---- Movement -------------------------------------------------------------------------------- */

/* A node that is in both rings gains only what leavers had, and loses only what joiners have. */
static void check_moved(struct gkv_trial *trial, uint32_t key, uint32_t owner_mask)
{
    const struct gkv_ring_watch *watch = &trial->ring_watch;
    const uint32_t joined = trial->ring_mask & ~watch->ring_mask;
    const uint32_t left = watch->ring_mask & ~trial->ring_mask;
    const uint32_t gained = owner_mask & ~watch->owner_mask[key] & ~joined;
    const uint32_t lost = watch->owner_mask[key] & ~owner_mask & ~left;
    trial->tally.counts[GKV_HOLDS_MOVED]++;
    if ((gained != 0 && left == 0) || (lost != 0 && joined == 0)) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "ring",
                       "k%u moved between nodes that were all there before and after: owners %#x, "
                       "then %#x; joined %#x, left %#x",
                       (unsigned)key, (unsigned)watch->owner_mask[key], (unsigned)owner_mask,
                       (unsigned)joined, (unsigned)left);
    }
}

/* All agree: look at what moved since they did the last time, and remember. */
static void note(struct gkv_trial *trial, uint32_t stride)
{
    struct gkv_ring_watch *watch = &trial->ring_watch;
    if (watch->ring_mask == trial->ring_mask) {
        return;
    }
    for (uint32_t key = 0; key < trial->scenario.key_count; key += stride) {
        uint8_t owners[GKV_REPLICA_COUNT_MAX];
        uint32_t mask = 0;
        const uint32_t owner_count = gkv_check_owners(trial, key, owners);
        for (uint32_t i = 0; i < owner_count; i++) {
            mask |= 1u << owners[i];
        }
        if (watch->ring_mask != 0) {
            check_moved(trial, key, mask);
        }
        watch->owner_mask[key] = mask;
    }
    watch->ring_mask = trial->ring_mask;
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    const uint32_t stride = (trial->scenario.key_count + KEY_COUNT_MAX - 1) / KEY_COUNT_MAX;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!gkv_check_is_core(trial, i)) {
            continue;
        }
        for (uint32_t key = 0; key < trial->scenario.key_count; key += stride) {
            if (!settle_holder(trial, i, key, why, why_bytes)) {
                return false;
            }
        }
    }
    note(trial, stride);
    return true;
}

const struct gkv_check gkv_check_ring = {
    .name = "ring",
    .demands = "All nodes name the same owners of a key, those of the ring computed by other code, "
               "and a key moves only to who joined or from who left.",
    .settle = settle,
};
