#include "sim/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/panic.h"
#include "sim/check_linear.h"

const struct gkv_check gkv_check_memory = {
    .name = "memory",
    .demands = "A node writes nowhere but in the memory that it was given.",
};

const struct gkv_check *const gkv_checks[] = {
    &gkv_check_open,
    &gkv_check_value,
    &gkv_check_quorum,
    &gkv_check_member,
    &gkv_check_store,
    &gkv_check_wire,
    &gkv_check_linear,
    &gkv_check_clock,
    &gkv_check_incarnation,
    &gkv_check_durable,
    &gkv_check_ttl,
    &gkv_check_session,
    &gkv_check_memory,
    &gkv_check_quiet,
    &gkv_check_accuracy,
    &gkv_check_precedence,
    &gkv_check_dead,
    &gkv_check_refute,
    &gkv_check_spread,
    &gkv_check_leak,
    &gkv_check_leftover,
    &gkv_check_ring,
    &gkv_check_copies,
    &gkv_check_refusal,
    &gkv_check_intersect,
    NULL,
};
_Static_assert(sizeof(gkv_checks) / sizeof(gkv_checks[0]) <= GKV_CHECK_COUNT_MAX, "a bit each");

/* What else may end a run. */
static const struct {
    const char *name;
    const char *demands;
} ends[] = {
    {"assertion", "What the code itself says must hold where it stands, holds: read that line."},
    {"determinism",
     "A run is a function of its seed: nothing in it depends on an address, on memory "
     "that was not written, or on the machine's clock."},
    {"limit", "A run ends: nodes do not keep each other busy for ever."},
    {"crash", "The process of a seed ends by itself: no signal, no sanitizer."},
};

uint32_t gkv_check_find(const char *name)
{
    for (uint32_t i = 0; gkv_checks[i] != NULL; i++) {
        if (strcmp(gkv_checks[i]->name, name) == 0) {
            return i;
        }
    }
    return GKV_CHECK_COUNT_MAX;
}

const char *gkv_check_demands(const char *name)
{
    const uint32_t index = gkv_check_find(name);
    if (index < GKV_CHECK_COUNT_MAX) {
        return gkv_checks[index]->demands;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcmp(ends[i].name, name) == 0) {
            return ends[i].demands;
        }
    }
    return "";
}

/* A point of the ring: core/ring.h's definition, written a second time on purpose. */
struct point {
    uint64_t hash;
    uint32_t node;
    uint32_t number;
};

#define POINT_COUNT_MAX (GKV_SCENARIO_NODE_COUNT_MAX * GKV_VNODE_COUNT)

uint32_t gkv_check_node_of_id(const struct gkv_trial *trial, struct gkv_node_id id)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (gkv_node_id_equal(trial->ids[i], id)) {
            return i;
        }
    }
    return GKV_HISTORY_NONE;
}

static bool is_before(const struct gkv_trial *trial, const struct point *a, const struct point *b)
{
    if (a->hash != b->hash) {
        return a->hash < b->hash;
    }
    const int order = gkv_node_id_compare(trial->ids[a->node], trial->ids[b->node]);
    return order != 0 ? order < 0 : a->number < b->number;
}

static uint32_t make_points(const struct gkv_trial *trial, struct point *points)
{
    uint32_t count = 0;
    for (uint32_t node = 0; node < trial->scenario.node_count; node++) {
        if ((trial->ring_mask >> node & 1u) == 0) {
            continue;
        }
        for (uint32_t number = 0; number < GKV_VNODE_COUNT; number++) {
            uint8_t bytes[20] = {0};
            for (uint32_t i = 0; i < 16; i++) {
                bytes[i] = trial->ids[node].bytes[i];
            }
            bytes[16] = (uint8_t)number;
            points[count++] = (struct point){
                .hash = gkv_hash(bytes, sizeof(bytes), trial->scenario.world.node.hash_seed),
                .node = node,
                .number = number,
            };
        }
    }
    return count;
}

/* Shell's sort, with Knuth's gaps: the simulator does not call what may allocate. */
static void sort_points(const struct gkv_trial *trial, struct point *points, uint32_t count)
{
    uint32_t gap = 1;
    while (gap < count / 3) {
        gap = 3 * gap + 1;
    }
    for (; gap > 0; gap /= 3) {
        for (uint32_t i = gap; i < count; i++) {
            const struct point moved = points[i];
            uint32_t place = i;
            while (place >= gap && is_before(trial, &moved, &points[place - gap])) {
                points[place] = points[place - gap];
                place -= gap;
            }
            points[place] = moved;
        }
    }
}

/* Walk clockwise from the start of the key's slot, taking each node once. */
static void walk(struct gkv_trial *trial, const struct point *points, uint32_t point_count,
                 uint32_t key)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed);
    const uint64_t start = hash >> (64 - GKV_SLOT_BITS) << (64 - GKV_SLOT_BITS);
    uint32_t first = 0;
    while (first < point_count && points[first].hash < start) {
        first++;
    }
    uint32_t taken_mask = 0;
    uint32_t taken = 0;
    for (uint32_t i = 0; i < point_count && taken < trial->scenario.world.node.replica_count; i++) {
        const uint32_t node = points[(first + i) % point_count].node;
        if ((taken_mask >> node & 1u) == 0) {
            taken_mask |= 1u << node;
            trial->owners.nodes[key][taken++] = (uint8_t)node;
        }
    }
    trial->owners.count = (uint8_t)taken;
}

uint32_t gkv_check_owners(struct gkv_trial *trial, uint32_t key,
                          uint8_t nodes_out[GKV_REPLICA_COUNT_MAX])
{
    GKV_ASSERT(key < trial->scenario.key_count);
    if (trial->owners.node_mask != trial->ring_mask) {
        static struct point points[POINT_COUNT_MAX]; /* too large for a stack frame */
        const uint32_t count = make_points(trial, points);
        sort_points(trial, points, count);
        for (uint32_t i = 0; i < trial->scenario.key_count; i++) {
            walk(trial, points, count, i);
        }
        trial->owners.node_mask = trial->ring_mask;
    }
    for (uint32_t i = 0; i < trial->owners.count; i++) {
        nodes_out[i] = trial->owners.nodes[key][i];
    }
    return trial->owners.count;
}

bool gkv_check_holds(const struct gkv_trial *trial, uint32_t node, uint32_t key,
                     struct gkv_record *record_out)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed);
    const struct gkv_store *store =
        gkv_node_store(gkv_endpoint_node(trial->world.hosts[node].endpoint));
    struct gkv_record record;
    return gkv_store_get(store, (struct gkv_key){bytes, hash}, 0, (struct gkv_buffer){NULL, 0},
                         record_out == NULL ? &record : record_out);
}
