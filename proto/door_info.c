#include "proto/door_info.h"

#include "core/panic.h"

static bool is_section_asked(const struct gkv_door_words *words, const char *section)
{
    for (uint32_t i = 1; i < words->count; i++) {
        const struct gkv_bytes word = gkv_door_word(words, i);
        if (gkv_door_word_is(word, section) || gkv_door_word_is(word, "all") ||
            gkv_door_word_is(word, "default") || gkv_door_word_is(word, "everything")) {
            return true;
        }
    }
    return words->count == 1;
}

static void write_field(struct gkv_resp_writer *writer, const char *name, uint64_t number)
{
    gkv_resp_write_text(writer, name);
    gkv_resp_write_text(writer, ":");
    gkv_resp_write_decimal(writer, number > INT64_MAX ? INT64_MAX : (int64_t)number);
    gkv_resp_write_text(writer, "\r\n");
}

static uint64_t key_count(const struct gkv_store_stats *store)
{
    return store->record_count > store->tombstone_count
               ? store->record_count - store->tombstone_count
               : 0;
}

uint64_t gkv_door_key_count(const struct gkv_node *node)
{
    const struct gkv_node_stats stats = gkv_node_stats(node);
    return key_count(&stats.store);
}

const char *gkv_door_policy_text(const struct gkv_node *node)
{
    return gkv_node_options(node)->memory_policy == GKV_MEMORY_EVICT ? "allkeys-lru" : "noeviction";
}

static void write_digest(struct gkv_resp_writer *writer, const struct gkv_digest *digest)
{
    uint8_t bytes[16];
    for (uint32_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(digest->high >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(digest->low >> (56 - 8 * i));
    }
    gkv_resp_write_text(writer, "store_digest:");
    gkv_resp_write_hex(writer, bytes, sizeof(bytes));
    gkv_resp_write_text(writer, "\r\n");
}

enum section {
    SECTION_SERVER,
    SECTION_CLIENTS,
    SECTION_MEMORY,
    SECTION_PERSISTENCE,
    SECTION_STATS,
    SECTION_REPLICATION,
    SECTION_CLUSTER,
    SECTION_KEYSPACE,
    SECTION_GRIDKV,
    SECTION_PEERS,
    SECTION_COUNT,
};

static void write_own_section(struct gkv_resp_writer *writer, const struct gkv_node *node,
                              const struct gkv_node_stats *stats)
{
    write_field(writer, "ready", gkv_node_is_ready(node));
    write_field(writer, "members", stats->member_count);
    write_field(writer, "reachable", stats->reachable_count);
    write_field(writer, "degraded", stats->degraded_count);
    write_digest(writer, &stats->store_digest);
    write_field(writer, "records", stats->store.record_count);
    write_field(writer, "tombstones", stats->store.tombstone_count);
    write_field(writer, "sync_rounds", stats->sync_round_count);
    write_field(writer, "read_repairs", stats->quorum.read_repair_count);
    write_field(writer, "open_operations", stats->quorum.open_count);
}

/* What came from peers and strangers, what went to them, and above all what was not put up with. */
static void write_peers(struct gkv_resp_writer *writer, const struct gkv_door_view *view,
                        const struct gkv_node_stats *stats)
{
    const struct gkv_endpoint_stats *peers = view->peers;
    const struct gkv_swim_drops *drops = &stats->swim_drops;
    const struct {
        const char *name;
        uint64_t number;
    } fields[] = {
        {"datagrams_in", peers->datagram_in_count},
        {"datagrams_out", peers->datagram_out_count},
        {"datagram_bytes_in", peers->datagram_in_bytes},
        {"datagram_bytes_out", peers->datagram_out_bytes},
        {"frames_in", peers->frame_in_count},
        {"frames_out", peers->frame_out_count},
        {"stream_bytes_in", peers->stream_in_bytes},
        {"stream_bytes_out", peers->stream_out_bytes},
        {"dials", peers->dial_count},
        {"dials_failed", peers->dial_failed_count},
        {"accepted", peers->accepted_count},
        {"refused_checksum", peers->refused_checksum},
        {"refused_too_long", peers->refused_too_long},
        {"refused_malformed", peers->refused_malformed},
        {"refused_foreign", peers->refused_foreign},
        {"refused_cluster", peers->refused_cluster},
        {"refused_hello", peers->refused_hello},
        {"refused_full", peers->refused_full},
        {"dropped_backoff", peers->dropped_backoff},
        {"dropped_full", peers->dropped_full},
        {"dropped_stranger", peers->dropped_stranger},
        {"dropped_too_long", peers->dropped_too_long},
        {"dropped_by_system", view->datagram_dropped_count},
        {"gossip_malformed", drops->malformed},
        {"gossip_unknown_member", drops->unknown_member},
        {"gossip_stale", drops->stale},
        {"gossip_boot_conflict", drops->boot_conflict},
        {"members_refused", gkv_node_members(view->node)->refused_count},
        {"data_malformed", stats->replica.malformed_count},
        {"sync_malformed", stats->sync_malformed_count},
        {"clock_rejected", stats->clock_rejected_count},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        write_field(writer, fields[i].name, fields[i].number);
    }
}

static void write_section(struct gkv_resp_writer *writer, enum section section,
                          const struct gkv_door_view *view, const struct gkv_node_stats *stats)
{
    switch (section) {
    case SECTION_SERVER:
        gkv_resp_write_text(writer, "redis_version:" GKV_RESP_REDIS_VERSION "\r\n"
                                    "gridkv_version:" GKV_VERSION_TEXT "\r\n"
                                    "server_name:gridkv\r\nredis_mode:standalone\r\n");
        break;
    case SECTION_CLIENTS:
        write_field(writer, "connected_clients", view->clients.connected_count);
        write_field(writer, "maxclients", view->clients.connected_count_max);
        gkv_resp_write_text(writer, "blocked_clients:0\r\n");
        break;
    case SECTION_MEMORY:
        write_field(writer, "used_memory", stats->store.used_bytes);
        write_field(writer, "maxmemory", stats->store.limit_bytes);
        gkv_resp_write_text(writer, "maxmemory_policy:");
        gkv_resp_write_text(writer, gkv_door_policy_text(view->node));
        gkv_resp_write_text(writer, "\r\n");
        break;
    case SECTION_PERSISTENCE:
        gkv_resp_write_text(writer, "loading:0\r\n");
        break;
    case SECTION_STATS:
        write_field(writer, "total_commands_processed",
                    stats->quorum.submitted_count + view->clients.inplace_count);
        write_field(writer, "total_connections_received", view->clients.accepted_count);
        write_field(writer, "rejected_connections", view->clients.refused_count);
        write_field(writer, "protocol_errors", view->clients.protocol_error_count);
        write_field(writer, "expired_keys", stats->store.expired_count);
        write_field(writer, "evicted_keys", stats->store.evicted_count);
        break;
    case SECTION_REPLICATION:
        gkv_resp_write_text(writer, "role:master\r\nconnected_slaves:0\r\n");
        break;
    case SECTION_CLUSTER:
        gkv_resp_write_text(writer, "cluster_enabled:0\r\n");
        break;
    case SECTION_KEYSPACE:
        gkv_resp_write_text(writer, "db0:keys=");
        gkv_resp_write_decimal(writer, (int64_t)key_count(&stats->store));
        gkv_resp_write_text(writer, ",expires=0,avg_ttl=0\r\n");
        break;
    case SECTION_GRIDKV:
        write_own_section(writer, view->node, stats);
        break;
    case SECTION_PEERS:
        write_peers(writer, view, stats);
        break;
    case SECTION_COUNT:
        GKV_ASSERT(section != SECTION_COUNT);
        break;
    }
}

void gkv_door_info(const struct gkv_door_view *view, const struct gkv_door_words *words,
                   struct gkv_resp_writer *writer)
{
    static const char *const sections[SECTION_COUNT][2] = {
        {"server", "# Server\r\n"},   {"clients", "# Clients\r\n"},
        {"memory", "# Memory\r\n"},   {"persistence", "# Persistence\r\n"},
        {"stats", "# Stats\r\n"},     {"replication", "# Replication\r\n"},
        {"cluster", "# Cluster\r\n"}, {"keyspace", "# Keyspace\r\n"},
        {"gridkv", "# GridKV\r\n"},   {"peers", "# Peers\r\n"},
    };
    const struct gkv_node_stats stats = gkv_node_stats(view->node);
    const size_t begun = gkv_resp_begin_report(writer);
    const size_t first = writer->count;
    for (uint32_t i = 0; i < SECTION_COUNT; i++) {
        if (!is_section_asked(words, sections[i][0])) {
            continue;
        }
        if (writer->count > first) {
            gkv_resp_write_text(writer, "\r\n");
        }
        gkv_resp_write_text(writer, sections[i][1]);
        write_section(writer, (enum section)i, view, &stats);
    }
    gkv_resp_end_report(writer, begun);
}
