#include "sim/owners.h"

#include "core/hash.h"
#include "core/panic.h"
#include "sim/trial.h"

/* A point of the ring. */
struct point {
    uint64_t hash;
    uint32_t node;
    uint32_t number;
};

#define POINT_COUNT_MAX (GKV_SCENARIO_NODE_COUNT_MAX * GKV_VNODE_COUNT)

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
        if (!gkv_nodes_has(&trial->ring, node)) {
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
    struct gkv_nodes met = {{0}};
    uint32_t taken = 0;
    for (uint32_t i = 0; i < point_count && taken < trial->scenario.world.node.replica_count; i++) {
        const uint32_t node = points[(first + i) % point_count].node;
        if (!gkv_nodes_has(&met, node)) {
            gkv_nodes_add(&met, node);
            trial->owners.nodes[key][taken++] = (uint8_t)node;
        }
    }
    trial->owners.count = (uint8_t)taken;
}

uint32_t gkv_owners_of(struct gkv_trial *trial, uint32_t key,
                       uint8_t nodes_out[GKV_REPLICA_COUNT_MAX])
{
    GKV_ASSERT(key < trial->scenario.key_count);
    if (!gkv_nodes_equal(&trial->owners.ring, &trial->ring)) {
        static struct point points[POINT_COUNT_MAX]; /* too large for a stack frame */
        const uint32_t count = make_points(trial, points);
        sort_points(trial, points, count);
        for (uint32_t i = 0; i < trial->scenario.key_count; i++) {
            walk(trial, points, count, i);
        }
        trial->owners.ring = trial->ring;
    }
    for (uint32_t i = 0; i < trial->owners.count; i++) {
        nodes_out[i] = trial->owners.nodes[key][i];
    }
    return trial->owners.count;
}

bool gkv_owners_include(struct gkv_trial *trial, uint32_t key, uint32_t node)
{
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    uint32_t i = 0;
    while (i < owner_count && owners[i] != node) {
        i++;
    }
    return i < owner_count;
}
