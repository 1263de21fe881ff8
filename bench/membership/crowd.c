#include "bench/membership/crowd.h"

#include <stdlib.h>

#include "core/node.h"
#include "core/panic.h"

#define LATENCY_NS (100 * GKV_NS_PER_MS / 1000)
#define JITTER_NS (500 * GKV_NS_PER_MS / 1000)
#define FORM_NS_MAX (300 * SECOND)
#define SILENT_NS (3600 * SECOND) /* until it is booted again */
#define PLAN_STREAM UINT64_C(0x504c414e)

/* ---- Making ---------------------------------------------------------------------------------- */

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    (void)label;
    return gkv_prng_below(context, bound);
}

static void set_latency(struct gkv_link *link, uint64_t value)
{
    link->latency_ns = value;
    link->jitter_ns = JITTER_NS;
}

struct crowd *crowd_create(const struct gkv_options *node, uint32_t node_count, uint32_t life_count,
                           uint64_t seed)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    if (crowd == NULL || !ledger_init(&crowd->ledger)) {
        free(crowd);
        return NULL;
    }
    crowd->node_count = node_count;
    gkv_prng_init(&crowd->luck, seed, 0);
    gkv_prng_init(&crowd->plan, seed, PLAN_STREAM);
    const struct gkv_world_options options = {.node_count = node_count,
                                              .life_count_max = life_count,
                                              .node = *node,
                                              .socket_count_max = CROWD_SOCKET_COUNT};
    const struct gkv_chance chance = {.draw = draw, .context = &crowd->luck};
    const struct gkv_observer observer = {.observe = ledger_observe, .context = &crowd->ledger};
    if (gkv_world_create(&crowd->world, &options, &chance, &observer) != GKV_OK) {
        ledger_free(&crowd->ledger);
        free(crowd);
        return NULL;
    }
    crowd_each_link(crowd, set_latency, LATENCY_NS);
    return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
    gkv_world_destroy(&crowd->world);
    ledger_free(&crowd->ledger);
    free(crowd);
}

void crowd_each_link(struct crowd *crowd, void (*set)(struct gkv_link *link, uint64_t value),
                     uint64_t value)
{
    for (uint32_t from = 0; from < crowd->node_count; from++) {
        for (uint32_t to = 0; to < crowd->node_count; to++) {
            if (from != to) {
                set(gkv_world_link(&crowd->world, from, to), value);
            }
        }
    }
}

uint64_t crowd_draw(struct crowd *crowd, uint64_t bound)
{
    return gkv_prng_below(&crowd->plan, bound);
}

/* ---- Time ------------------------------------------------------------------------------------ */

uint64_t crowd_now_ns(const struct crowd *crowd)
{
    return crowd->world.now_ns;
}

void crowd_run(struct crowd *crowd, uint64_t for_ns)
{
    const uint64_t until_ns = crowd->world.now_ns + for_ns;
    while (gkv_world_step(&crowd->world, until_ns)) {
    }
}

bool crowd_run_until(struct crowd *crowd, uint64_t limit_ns,
                     bool (*is_so)(const struct crowd *crowd))
{
    const uint64_t until_ns = crowd->world.now_ns + limit_ns;
    while (!is_so(crowd)) {
        if (!gkv_world_step(&crowd->world, until_ns)) {
            return false;
        }
    }
    return true;
}

enum gkv_member_state crowd_state(const struct crowd *crowd, uint32_t holder, uint32_t about)
{
    const struct gkv_options *options = &crowd->world.hosts[about].options;
    const struct gkv_members *members =
        gkv_node_members(gkv_endpoint_node(crowd->world.hosts[holder].endpoint));
    const uint16_t index = gkv_member_find(members, gkv_node_id_of_name(&options->name));
    if (index == GKV_MEMBER_INDEX_NONE) {
        return GKV_MEMBER_NONE;
    }
    const struct gkv_update *said = &gkv_member_at(members, index)->said;
    return said->who.boot_id == options->boot_id ? said->state : GKV_MEMBER_NONE;
}

bool crowd_is_degraded(const struct crowd *crowd, uint32_t holder, uint32_t about)
{
    const struct gkv_members *members =
        gkv_node_members(gkv_endpoint_node(crowd->world.hosts[holder].endpoint));
    const uint16_t index =
        gkv_member_find(members, gkv_node_id_of_name(&crowd->world.hosts[about].options.name));
    return index != GKV_MEMBER_INDEX_NONE && gkv_member_at(members, index)->is_degraded;
}

static bool view_is_whole(const struct crowd *crowd, uint32_t holder)
{
    uint32_t up_count = 0;
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        if (crowd->world.hosts[i].is_up) {
            up_count++;
            if (crowd_state(crowd, holder, i) != GKV_MEMBER_ALIVE) {
                return false;
            }
        }
    }
    const struct gkv_node *node = gkv_endpoint_node(crowd->world.hosts[holder].endpoint);
    return gkv_node_stats(node).reachable_count == up_count;
}

/* Whoever's view was not whole the last time is looked at first. */
bool crowd_is_whole(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        const uint32_t holder = (crowd->last_doubted + i) % crowd->node_count;
        if (crowd->world.hosts[holder].is_up && !view_is_whole(crowd, holder)) {
            crowd->last_doubted = holder;
            return false;
        }
    }
    return true;
}

bool crowd_await_whole(struct crowd *crowd, uint64_t limit_ns)
{
    const uint64_t look_ns = 10 * MS; /* now and then: it takes every node's word */
    for (uint64_t waited_ns = 0; waited_ns <= limit_ns; waited_ns += look_ns) {
        if (crowd_is_whole(crowd)) {
            return true;
        }
        crowd_run(crowd, look_ns);
    }
    return false;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

void crowd_boot(struct crowd *crowd, uint32_t node)
{
    for (uint32_t from = 0; from < crowd->node_count; from++) {
        gkv_world_link(&crowd->world, from, node)->hang_ppm = 0;
    }
    gkv_world_boot(&crowd->world, node);
    gkv_net_recover(&crowd->world.net, crowd->world.now_ns);
}

void crowd_crash(struct crowd *crowd, uint32_t node)
{
    for (uint32_t from = 0; from < crowd->node_count; from++) {
        gkv_world_link(&crowd->world, from, node)->hang_ppm = GKV_PPM;
    }
    gkv_world_crash(&crowd->world, node, SILENT_NS);
}

uint32_t crowd_pick_victim(struct crowd *crowd)
{
    const uint32_t first = (uint32_t)crowd_draw(crowd, crowd->node_count);
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        const uint32_t node = (first + i) % crowd->node_count;
        const struct gkv_host *host = &crowd->world.hosts[node];
        if (host->is_up && host->life_count < host->life_count_max) {
            return node;
        }
    }
    return LEDGER_NOBODY;
}

uint32_t crowd_pick_up(struct crowd *crowd)
{
    uint32_t node = (uint32_t)crowd_draw(crowd, crowd->node_count);
    while (!crowd->world.hosts[node].is_up) {
        node = (node + 1) % crowd->node_count;
    }
    return node;
}

bool crowd_form(struct crowd *crowd, uint64_t settle_ns)
{
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        crowd_boot(crowd, i);
        crowd_run(crowd, SECOND / crowd->node_count);
    }
    if (!crowd_await_whole(crowd, FORM_NS_MAX)) {
        return false;
    }
    crowd_run(crowd, settle_ns);
    return crowd_is_whole(crowd);
}
