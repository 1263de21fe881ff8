#include "sim/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/member.h"
#include "core/node.h"
#include "core/panic.h"
#include "sim/check_linear.h"

const struct gkv_check gkv_check_memory = {
    .name = "memory",
    .demands = "A node writes nowhere but in the memory that it was given.",
};

/* They are told and asked in this order, and one needs it: `member`, when asked whether all has
 * settled, says first who is in the ring, which `store`, `leftover` and `ring` go by; and what it
 * told of others last, `precedence` notes before those that ask for it. */
/* clang-format off */
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
    &gkv_check_table,
    &gkv_check_buddy,
    &gkv_check_accuser,
    &gkv_check_nack,
    &gkv_check_probe,
    &gkv_check_reach,
    &gkv_check_stall,
    &gkv_check_witness,
    &gkv_check_reply,
    &gkv_check_pace,
    &gkv_check_rebuttal,
    &gkv_check_goodbye,
    &gkv_check_grey,
    &gkv_check_service,
    &gkv_check_recall,
    &gkv_check_forget,
    &gkv_check_left,
    &gkv_check_evict,
    &gkv_check_suspicion,
    &gkv_check_hotcache,
    NULL,
};
/* clang-format on */
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
    {"room", "The simulator has room for all that its checks have to remember."},
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

/* Where the search for an id begins: it is a hash already. */
static uint32_t home_of(struct gkv_node_id id)
{
    return (id.bytes[0] | (uint32_t)id.bytes[1] << 8) % GKV_TRIAL_ID_PLACE_COUNT;
}

void gkv_check_name_nodes(struct gkv_trial *trial)
{
    memset(trial->id_places, 0, sizeof(trial->id_places));
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        const struct gkv_name name = gkv_host_name(i);
        trial->ids[i] = gkv_node_id_of_name(&name);
        uint32_t place = home_of(trial->ids[i]);
        while (trial->id_places[place] != 0) {
            place = (place + 1) % GKV_TRIAL_ID_PLACE_COUNT;
        }
        trial->id_places[place] = (uint16_t)(i + 1);
    }
}

uint32_t gkv_check_node_of_id(const struct gkv_trial *trial, struct gkv_node_id id)
{
    uint32_t place = home_of(id);
    while (trial->id_places[place] != 0) {
        const uint32_t node = trial->id_places[place] - 1u;
        if (gkv_node_id_equal(trial->ids[node], id)) {
            return node;
        }
        place = (place + 1) % GKV_TRIAL_ID_PLACE_COUNT;
    }
    return GKV_HISTORY_NONE;
}

uint32_t gkv_check_listener(const struct gkv_trial *trial, const struct gkv_heard *heard)
{
    const struct gkv_connection *connection =
        &trial->world.net.connections[(uint32_t)heard->connection];
    const uint32_t dialler = connection->ends[0].node;
    const uint32_t listener = dialler == heard->node ? connection->to : dialler;
    GKV_ASSERT(!heard->is_datagram && listener < trial->scenario.node_count);
    return listener;
}

static const struct gkv_members *members_of(const struct gkv_trial *trial, uint32_t node)
{
    return gkv_node_members(gkv_endpoint_node(trial->world.hosts[node].endpoint));
}

uint64_t gkv_check_stall_count(const struct gkv_trial *trial, uint32_t node)
{
    const struct gkv_host *host = &trial->world.hosts[node];
    return host->endpoint == NULL ? 0
                                  : gkv_node_stats(gkv_endpoint_node(host->endpoint)).stall_count;
}

const struct gkv_update *gkv_check_self(const struct gkv_trial *trial, uint32_t node)
{
    return &gkv_member_at(members_of(trial, node), GKV_MEMBER_SELF)->said;
}

const struct gkv_update *gkv_check_held(const struct gkv_trial *trial, uint32_t holder,
                                        uint32_t about)
{
    const struct gkv_members *members = members_of(trial, holder);
    const uint16_t index = gkv_member_find(members, trial->ids[about]);
    return index == GKV_MEMBER_INDEX_NONE ? NULL : &gkv_member_at(members, index)->said;
}

enum gkv_member_state gkv_check_state(const struct gkv_trial *trial, uint32_t holder,
                                      uint32_t about)
{
    const struct gkv_update *held = gkv_check_held(trial, holder, about);
    return held == NULL ? GKV_MEMBER_NONE : held->state;
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
    return gkv_store_peek(store, (struct gkv_key){bytes, hash}, 0, (struct gkv_buffer){NULL, 0},
                          record_out == NULL ? &record : record_out);
}
