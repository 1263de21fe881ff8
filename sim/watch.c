#include "sim/watch.h"

#include <stddef.h>
#include <string.h>

#include "sim/trial.h"

void gkv_watch_init(struct gkv_trial *trial)
{
    const uint32_t node_count = trial->scenario.node_count;
    const uint32_t stream_count = gkv_net_connection_count_max(node_count);
    struct gkv_ttl_watch *ttl = &trial->ttl_watch;
    struct gkv_precedence_watch *precedence = &trial->precedence_watch;
    struct gkv_refute_watch *refute = &trial->refute_watch;
    struct gkv_accuser_watch *accuser = &trial->accuser_watch;
    struct gkv_probe_rows *probe = &trial->probe_rows;
    struct gkv_reach_rows *reach = &trial->reach_rows;
    struct gkv_grey_watch *grey = &trial->grey_watch;
    struct gkv_witness_rows *witness = &trial->witness_rows;
    struct gkv_intersect_rows *intersect = &trial->intersect_rows;
    struct gkv_sometimes_rows *sometimes = &trial->sometimes_rows;
    gkv_numbers_init(&trial->tables.versions);
    gkv_numbers_init(&trial->tables.suspicions);
    memset(trial->tables.streams, 0, stream_count * sizeof(trial->tables.streams[0]));
    memset(sometimes->streams, 0, stream_count * sizeof(sometimes->streams[0]));
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        memset(ttl->gone[key], 0, node_count * sizeof(ttl->gone[key][0]));
    }
    for (uint32_t node = 0; node < node_count; node++) {
        memset(precedence->held[node], 0, node_count * sizeof(precedence->held[node][0]));
        memset(refute->accused[node], 0, node_count * sizeof(refute->accused[node][0]));
        memset(accuser->asked_boot_id[node], 0,
               node_count * sizeof(accuser->asked_boot_id[node][0]));
        probe->nodes[node] = (struct gkv_probe_node){.has_asked = false};
        memset(probe->accused[node], 0, node_count * sizeof(probe->accused[node][0]));
        reach->nodes[node].count = 0;
        trial->nack_watch.count[node] = 0;
        memset(&trial->pace_watch.nodes[node], 0, offsetof(struct gkv_pace_node, probes));
        witness->nodes[node] = (struct gkv_witness_node){.is_timer = false};
        memset(witness->rows[node], 0, node_count * sizeof(witness->rows[node][0]));
        if (node < GKV_GREY_NODE_COUNT_MAX) {
            memset(grey->rows[node], 0, sizeof(grey->rows[node]));
            grey->owed[node] = 0;
        }
        memset(intersect->handles[node], 0, sizeof(intersect->handles[node]));
        memset(sometimes->attempts[node], 0, sizeof(sometimes->attempts[node]));
        memset(sometimes->held[node], 0, node_count * sizeof(sometimes->held[node][0]));
    }
}

void gkv_watch_no_room(struct gkv_trial *trial, const char *what)
{
    gkv_trial_fail(trial, GKV_TRIAL_INTERNAL, "room", "no room to remember more %s", what);
}

struct gkv_version_row *gkv_watch_version(struct gkv_trial *trial, struct gkv_version version)
{
    struct gkv_watch_tables *tables = &trial->tables;
    const uint32_t count = tables->versions.count;
    const uint32_t number =
        gkv_numbers_give(&tables->versions, (struct gkv_numbers_name){.high = version.hlc.packed,
                                                                      .low = version.writer});
    if (number == GKV_NUMBERS_NONE) {
        gkv_watch_no_room(trial, "versions than clients can have made");
        return NULL;
    }
    if (number == count) {
        tables->rows[number] = (struct gkv_version_row){.stored = 0};
    }
    return &tables->rows[number];
}
