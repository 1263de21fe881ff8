#include <stdio.h>

#include "core/member.h"
#include "core/node.h"
#include "sim/check.h"

/* A settled cluster has one ring: every node names the same owners of a key in the same order, as
 * the check computes them by its own code, and no owner twice. That as little as can moves from one
 * such ring to the next is a property of the definition: tests/test_ring.c. */

#define KEY_COUNT_MAX 64 /* looked at, of all keys */

/* How many nodes own a key for node `holder`, and which; what is no node of the cluster is none of
 * those that the check computes. */
static uint32_t owners_by(struct gkv_trial *trial, uint32_t holder, uint32_t key,
                          uint32_t owners_out[GKV_REPLICA_COUNT_MAX])
{
    char text[GKV_KEY_BYTES_MAX];
    uint16_t indices[GKV_REPLICA_COUNT_MAX];
    struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[holder].endpoint);
    const uint32_t count = gkv_node_owners(node, gkv_history_key(key, text), indices);
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_member *member = gkv_member_at(gkv_node_members(node), indices[i]);
        owners_out[i] = gkv_check_node_of_id(trial, member->said.who.id);
    }
    return count;
}

static bool is_same(const uint32_t *a, const uint8_t *b, uint32_t count)
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
    uint32_t named[GKV_REPLICA_COUNT_MAX];
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    const uint32_t named_count = owners_by(trial, holder, key, named);
    trial->tally.counts[GKV_HOLDS_RING]++;
    if (named_count == owner_count && is_same(named, owners, owner_count)) {
        return true;
    }
    trial->verdict.key = key;
    (void)snprintf(why, why_bytes, "k%u: %s names %u owners, %s first, and the ring %u, %s first",
                   (unsigned)key, gkv_host_text(holder).text, (unsigned)named_count,
                   named_count > 0 ? gkv_host_text(named[0]).text : "-", (unsigned)owner_count,
                   owner_count > 0 ? gkv_host_text(owners[0]).text : "-");
    return false;
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
    return true;
}

const struct gkv_check gkv_check_ring = {
    .name = "ring",
    .demands = "All nodes name the same owners of a key, those of the ring computed by other code.",
    .settle = settle,
};
