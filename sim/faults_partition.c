#include "core/panic.h"
#include "sim/strikes.h"

#define MS GKV_NS_PER_MS

static uint32_t choose_node(struct gkv_trial *trial, const char *label)
{
    return (uint32_t)gkv_strike_below(trial, label, trial->scenario.node_count);
}

/* ---- Shapes: who does not reach whom --------------------------------------------------------- */

static void block(struct gkv_trial *trial, uint32_t from, uint32_t to)
{
    if (from != to) {
        gkv_nodes_add(&trial->cut.blocked[from], to);
    }
}

static void block_link(struct gkv_trial *trial)
{
    const uint32_t from = choose_node(trial, "cut.from");
    const uint32_t to = choose_node(trial, "cut.to");
    block(trial, from, to);
    if (gkv_strike_below(trial, "cut.both", 2) == 1) {
        block(trial, to, from);
    }
}

/* Between those of a side and all others but the bridge, which both sides reach. */
static void block_sides(struct gkv_trial *trial, const struct gkv_nodes *side, uint32_t bridge)
{
    const bool one_way =
        trial->scenario.shapes.one_way && gkv_strike_below(trial, "cut.one_way", 2) == 1;
    const bool outward = gkv_strike_below(trial, "cut.outward", 2) == 1;
    trial->tally.counts[GKV_MET_CUT_ONE_WAY] += one_way;
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            const bool from_side = gkv_nodes_has(side, i);
            const bool to_side = gkv_nodes_has(side, j);
            if (from_side != to_side && i != bridge && j != bridge &&
                (!one_way || from_side == outward)) {
                block(trial, i, j);
            }
        }
    }
}

static void block_isolated(struct gkv_trial *trial)
{
    struct gkv_nodes side = {{0}};
    gkv_nodes_add(&side, choose_node(trial, "cut.node"));
    block_sides(trial, &side, GKV_HISTORY_NONE);
}

static struct gkv_nodes choose_side(struct gkv_trial *trial)
{
    struct gkv_nodes side = {{0}};
    const uint32_t node_count = trial->scenario.node_count;
    for (uint32_t first = 0; first < node_count; first += 32) {
        const uint32_t count = node_count - first < 32 ? node_count - first : 32;
        const uint64_t bits = gkv_strike_below(trial, "cut.sides", UINT64_C(1) << count);
        side.words[first / 64] |= bits << (first % 64);
    }
    return side;
}

static void block_any(struct gkv_trial *trial)
{
    const struct gkv_nodes side = choose_side(trial);
    block_sides(trial, &side, GKV_HISTORY_NONE);
}

static void block_bridge(struct gkv_trial *trial)
{
    const uint32_t bridge = choose_node(trial, "cut.bridge");
    const struct gkv_nodes side = choose_side(trial);
    block_sides(trial, &side, bridge);
}

/* Everybody reaches the next and the last before it, and nobody else. */
static void block_ring(struct gkv_trial *trial)
{
    const uint32_t count = trial->scenario.node_count;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            if (j != (i + 1) % count && i != (j + 1) % count) {
                block(trial, i, j);
            }
        }
    }
}

static void block_seeds(struct gkv_trial *trial)
{
    const struct gkv_nodes seeds = gkv_nodes_first(trial->scenario.world.node.seed_count);
    block_sides(trial, &seeds, GKV_HISTORY_NONE);
}

/* ---- Cutting and mending --------------------------------------------------------------------- */

static void apply(struct gkv_trial *trial, bool is_cut)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            const bool is_blocked = gkv_nodes_has(&trial->cut.blocked[i], j);
            gkv_world_link(&trial->world, i, j)->is_cut = is_cut && is_blocked;
        }
    }
}

void gkv_strike_mend(struct gkv_trial *trial)
{
    trial->cut = (struct gkv_trial_cut){0};
    apply(trial, false);
}

void gkv_strike_flap(struct gkv_trial *trial)
{
    if (trial->cut.flap_ns == 0) {
        return; /* it was mended meanwhile */
    }
    trial->cut.is_open = !trial->cut.is_open;
    trial->tally.counts[GKV_MET_CUT_FLAP]++;
    apply(trial, !trial->cut.is_open);
    gkv_trial_call_in(trial, trial->cut.flap_ns, GKV_CALL_FLAP, 0);
}

void gkv_strike_isolate(struct gkv_trial *trial, uint32_t node, bool is_isolated)
{
    struct gkv_trial_cut *cut = &trial->cut;
    const struct gkv_nodes all = gkv_nodes_first(trial->scenario.node_count);
    if (is_isolated) {
        gkv_nodes_add(&cut->isolated, node);
    } else {
        gkv_nodes_remove(&cut->isolated, node);
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        cut->blocked[i] = gkv_nodes_has(&cut->isolated, i) ? all : cut->isolated;
        gkv_nodes_remove(&cut->blocked[i], i);
    }
    apply(trial, true);
}

/* Nodes drop out one by one, and come back in another order. */
static void swizzle(struct gkv_trial *trial, uint64_t for_ns)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_strike_below(trial, "swizzle.is_met", 3) == 0) {
            continue;
        }
        const uint64_t out_ns = gkv_strike_below(trial, "swizzle.out", for_ns / 2);
        const uint64_t in_ns = for_ns / 2 + gkv_strike_below(trial, "swizzle.in", for_ns / 2);
        gkv_trial_call_in(trial, out_ns, GKV_CALL_ISOLATE, i);
        gkv_trial_call_in(trial, in_ns, GKV_CALL_REJOIN, i);
    }
}

static void draw_shape(struct gkv_trial *trial)
{
    const struct gkv_cut_shapes *shapes = &trial->scenario.shapes;
    const struct {
        bool is_on;
        enum gkv_predicate met;
        void (*block)(struct gkv_trial *trial);
    } kinds[] = {
        {true, GKV_MET_CUT_LINK, block_link},
        {shapes->isolations, GKV_MET_CUT_NODE, block_isolated},
        {shapes->sides, GKV_MET_CUT_SIDES, block_any},
        {shapes->bridges, GKV_MET_CUT_BRIDGE, block_bridge},
        {shapes->rings, GKV_MET_CUT_RING, block_ring},
        {shapes->seed_cuts, GKV_MET_CUT_SEEDS, block_seeds},
    };
    const uint32_t kind_count = sizeof(kinds) / sizeof(kinds[0]);
    uint32_t kind = (uint32_t)gkv_strike_below(trial, "cut.kind", kind_count);
    while (!kinds[kind].is_on) {
        kind--; /* the first is always on */
    }
    kinds[kind].block(trial);
    trial->tally.counts[kinds[kind].met]++;
}

uint64_t gkv_strike_cut(struct gkv_trial *trial, uint64_t for_ns_max)
{
    const struct gkv_cut_shapes *shapes = &trial->scenario.shapes;
    const uint64_t for_ns = MS + gkv_strike_below(trial, "cut.for", for_ns_max);
    if (!trial->scenario.cuts_overlap) {
        trial->cut = (struct gkv_trial_cut){0};
    }
    trial->tally.counts[GKV_MET_CUT]++;
    if (shapes->swizzles && gkv_strike_below(trial, "cut.swizzles", 2) == 1) {
        trial->tally.counts[GKV_MET_CUT_SWIZZLE]++;
        swizzle(trial, for_ns);
    } else {
        draw_shape(trial);
        apply(trial, true);
    }
    if (shapes->lasting && !trial->scenario.cuts_overlap &&
        gkv_strike_below(trial, "cut.lasts", 4) == 3) {
        trial->tally.counts[GKV_MET_CUT_LASTING]++;
        return GKV_NEVER;
    }
    if (shapes->flaps && gkv_strike_below(trial, "cut.flaps", 2) == 1) {
        trial->cut.flap_ns = gkv_choose_log(&trial->choice, "cut.flap", 10 * MS, 5000 * MS);
        gkv_trial_call_in(trial, trial->cut.flap_ns, GKV_CALL_FLAP, 0);
    }
    gkv_trial_call_in(trial, for_ns, GKV_CALL_MEND, 0);
    return trial->scenario.cuts_overlap ? 0 : for_ns;
}
