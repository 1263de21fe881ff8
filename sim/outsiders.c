#include "sim/outsiders.h"

#include "core/panic.h"
#include "sim/clerk.h"
#include "sim/strikes.h"

enum way_out {
    BOTH_WAYS = 0,
    HEARS_ONLY = 1, /* what it says reaches nobody */
    SAYS_ONLY = 2,  /* nothing reaches it */
    DOWN = 3,
    WAY_OUT_COUNT = 4,
};

static void cut_off(struct gkv_trial *trial, uint32_t node, bool is_deaf, bool is_mute)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (i != node) {
            gkv_world_link(&trial->world, node, i)->is_cut |= is_mute;
            gkv_world_link(&trial->world, i, node)->is_cut |= is_deaf;
        }
    }
}

static void exclude(struct gkv_trial *trial, uint32_t node, enum way_out way)
{
    gkv_nodes_add(&trial->outsiders, node);
    trial->tally.counts[GKV_MET_OUTSIDER]++;
    gkv_clerk_write_line(trial, &(struct gkv_script_line){.kind = GKV_SCRIPT_OUTSIDER,
                                                          .node = (uint8_t)node,
                                                          .to = (uint8_t)node,
                                                          .value = (uint64_t)way});
    if (way != DOWN) {
        cut_off(trial, node, way != HEARS_ONLY, way != SAYS_ONLY);
    } else if (trial->world.hosts[node].is_up) {
        gkv_strike_end(trial, node, 0, GKV_MET_CRASH);
    }
}

static void exclude_drawn(struct gkv_trial *trial)
{
    /* Without the seeds, those who begin again do not find each other. */
    const uint32_t first = trial->scenario.loses_memory ? trial->scenario.world.node.seed_count : 0;
    const uint32_t count = trial->scenario.node_count - first;
    for (uint32_t i = 0; i < trial->scenario.outsider_count; i++) {
        uint32_t node = first + (uint32_t)gkv_choose(&trial->choice, "outside.node", count);
        while (gkv_nodes_has(&trial->outsiders, node)) {
            node = first + (node - first + 1) % count;
        }
        exclude(trial, node,
                (enum way_out)gkv_choose(&trial->choice, "outside.way", WAY_OUT_COUNT));
    }
}

/* No more than the scenario allows, whatever lines there are. */
static void exclude_written(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->kind == GKV_SCRIPT_OUTSIDER && count < trial->scenario.outsider_count &&
            !gkv_nodes_has(&trial->outsiders, line->node)) {
            exclude(trial, line->node, (enum way_out)line->value);
            count++;
        }
    }
}

void gkv_outsiders_choose(struct gkv_trial *trial)
{
    GKV_ASSERT(gkv_nodes_is_empty(&trial->outsiders));
    if (gkv_clerk_reads(trial)) {
        exclude_written(trial);
    } else {
        exclude_drawn(trial);
    }
    const struct gkv_nodes all = gkv_nodes_first(trial->scenario.node_count);
    GKV_ASSERT(!gkv_nodes_equal(&trial->outsiders, &all));
}
