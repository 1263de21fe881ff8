#include "sim/check.h"

#include <stdio.h>

#include "core/member.h"
#include "core/node.h"

/* Every live node holds every live node to be ALIVE in its present life, every dead one to be
 * UNREACHABLE, and nobody else to be there. */

struct claim {
    const struct gkv_member *member; /* NULL: never heard of */
    uint32_t holder;
    uint32_t about;
};

static bool is_right(const struct gkv_trial *trial, const struct claim *claim)
{
    const struct gkv_host *about = &trial->world.hosts[claim->about];
    if ((trial->joined_mask >> claim->about & 1u) == 0) {
        return claim->member == NULL;
    }
    if (claim->member == NULL) {
        return false;
    }
    if (!about->is_up) {
        return claim->member->said.state == GKV_MEMBER_UNREACHABLE;
    }
    return claim->member->said.state == GKV_MEMBER_ALIVE &&
           claim->member->said.who.boot_id == about->options.boot_id;
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!trial->world.hosts[i].is_up) {
            continue;
        }
        struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[i].endpoint);
        const struct gkv_members *members = gkv_node_members(node);
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            const uint16_t index = gkv_member_find(members, trial->ids[j]);
            const struct claim claim = {
                .member = index == GKV_MEMBER_INDEX_NONE ? NULL : gkv_member_at(members, index),
                .holder = i,
                .about = j,
            };
            if (!is_right(trial, &claim)) {
                (void)snprintf(why, why_bytes, "%c holds %c to be in state %d, and %c is %s",
                               (char)('a' + i), (char)('a' + j),
                               claim.member == NULL ? 0 : (int)claim.member->said.state,
                               (char)('a' + j), trial->world.hosts[j].is_up ? "up" : "down");
                return false;
            }
        }
    }
    return true;
}

const struct gkv_check gkv_check_member = {.name = "member", .settle = settle};
