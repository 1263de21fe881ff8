#include "tests/nodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WALL_MS UINT64_C(1700000000000)

struct gkv_bytes nodes_text(const char *text)
{
    return (struct gkv_bytes){.data = (const uint8_t *)text, .count = strlen(text)};
}

struct gkv_address nodes_address(uint32_t index)
{
    struct gkv_address address = {.count = 6};
    address.bytes[0] = 10;
    address.bytes[3] = (uint8_t)(index + 1);
    return address;
}

static uint32_t index_of(const struct gkv_address *address)
{
    return (uint32_t)(address->bytes[3] - 1);
}

struct gkv_options nodes_options(void)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.memory_limit_bytes = 4 * 1024 * 1024;
    options.value_bytes_max = 64 * 1024;
    options.member_count_max = 8;
    options.operation_count_max = 64;
    options.operation_memory_bytes = 1024 * 1024;
    return options;
}

struct gkv_now nodes_now(const struct nodes *nodes, uint32_t index)
{
    const int64_t wall_ms = (int64_t)(WALL_MS + nodes->now_ns / GKV_NS_PER_MS);
    return (struct gkv_now){.mono_ns = nodes->now_ns,
                            .wall_ms = (uint64_t)(wall_ms + nodes->wall_offset_ms[index])};
}

static void *copy_part(struct nodes_packet *packet, const void *from, size_t bytes)
{
    if (bytes == 0) {
        return NULL;
    }
    void *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, from, bytes);
    packet->parts[packet->part_count++] = copy;
    return copy;
}

static void copy_bytes(struct nodes_packet *packet, struct gkv_bytes *bytes)
{
    bytes->data = copy_part(packet, bytes->data, bytes->count);
}

static void copy_records(struct nodes_packet *packet)
{
    struct gkv_message *message = &packet->message;
    const uint32_t count = message->as.sync_records.record_count;
    assert_in_range(count, 1, GKV_SYNC_RECORD_COUNT_MAX);
    struct gkv_keyed_record *records =
        copy_part(packet, message->as.sync_records.records, count * sizeof(records[0]));
    for (uint32_t i = 0; i < count; i++) {
        copy_bytes(packet, &records[i].key);
        copy_bytes(packet, &records[i].record.value);
    }
    message->as.sync_records.records = records;
}

/* Copy what the message points to. */
static void copy_views(struct nodes_packet *packet)
{
    struct gkv_message *message = &packet->message;
    switch (message->kind) {
    case GKV_MESSAGE_PING:
    case GKV_MESSAGE_ACK:
    case GKV_MESSAGE_PING_REQ:
    case GKV_MESSAGE_GOSSIP:
    case GKV_MESSAGE_NACK:
        message->as.gossip.updates =
            copy_part(packet, message->as.gossip.updates,
                      message->as.gossip.update_count * sizeof(struct gkv_update));
        break;
    case GKV_MESSAGE_PUSH_PULL:
        message->as.push_pull.updates =
            copy_part(packet, message->as.push_pull.updates,
                      message->as.push_pull.update_count * sizeof(struct gkv_update));
        break;
    case GKV_MESSAGE_WRITE:
        copy_bytes(packet, &message->as.write.key);
        copy_bytes(packet, &message->as.write.record.value);
        break;
    case GKV_MESSAGE_READ:
        copy_bytes(packet, &message->as.read.key);
        break;
    case GKV_MESSAGE_READ_REPLY:
        copy_bytes(packet, &message->as.read_reply.record.value);
        break;
    case GKV_MESSAGE_SYNC_GROUPS:
        message->as.sync_groups.digests =
            copy_part(packet, message->as.sync_groups.digests,
                      message->as.sync_groups.digest_count * sizeof(struct gkv_digest));
        break;
    case GKV_MESSAGE_SYNC_SLOTS:
        message->as.sync_slots.digests =
            copy_part(packet, message->as.sync_slots.digests,
                      message->as.sync_slots.digest_count * sizeof(struct gkv_digest));
        break;
    case GKV_MESSAGE_SYNC_KEYS:
        message->as.sync_keys.keys =
            copy_part(packet, message->as.sync_keys.keys,
                      message->as.sync_keys.key_count * sizeof(struct gkv_key_version));
        break;
    case GKV_MESSAGE_SYNC_PULL:
        message->as.sync_pull.key_hashes =
            copy_part(packet, message->as.sync_pull.key_hashes,
                      message->as.sync_pull.key_count * sizeof(uint64_t));
        break;
    case GKV_MESSAGE_SYNC_RECORDS:
        copy_records(packet);
        break;
    case GKV_MESSAGE_WRITE_REPLY:
    case GKV_MESSAGE_NONE:
        break;
    }
}

static void free_packet(struct nodes_packet *packet)
{
    for (uint32_t i = 0; i < packet->part_count; i++) {
        free(packet->parts[i]);
    }
    free(packet);
}

static void put_under_way(struct nodes *nodes, uint32_t from, const struct gkv_action *action)
{
    struct nodes_packet *packet = calloc(1, sizeof(*packet));
    assert_non_null(packet);
    packet->arrive_ns = nodes->now_ns + NODES_DELAY_NS;
    packet->from = from;
    packet->to = index_of(&action->as.send.address);
    packet->channel = action->as.send.channel;
    packet->message = action->as.send.message;
    nodes->sent_count[packet->message.kind]++;
    copy_views(packet);
    if (packet->to >= nodes->count || nodes->is_cut[from][packet->to] ||
        (nodes->filter != NULL && !nodes->filter(nodes, packet))) {
        free_packet(packet);
        return;
    }
    struct nodes_packet **place = &nodes->packets;
    while (*place != NULL && (*place)->arrive_ns <= packet->arrive_ns) {
        place = &(*place)->next;
    }
    packet->next = *place;
    *place = packet;
}

static void note_completion(struct nodes *nodes, const struct gkv_result *result)
{
    assert_in_range(result->cookie, 1, NODES_COOKIE_COUNT - 1);
    struct nodes_completion *completion = &nodes->completions[result->cookie];
    completion->count++;
    completion->at_ns = nodes->now_ns;
    completion->result = *result;
    if (result->value.count > 0) {
        uint8_t *copy = malloc(result->value.count);
        assert_non_null(copy);
        memcpy(copy, result->value.data, result->value.count);
        completion->result.value.data = copy;
    }
}

static void step(struct nodes *nodes, uint32_t index, const struct gkv_event *event)
{
    struct gkv_action action;
    assert_int_equal(gkv_node_step(nodes->node[index], event), GKV_OK);
    while (gkv_node_next_action(nodes->node[index], &action)) {
        if (action.kind == GKV_ACTION_SEND) {
            put_under_way(nodes, index, &action);
        } else if (action.kind == GKV_ACTION_COMPLETE) {
            note_completion(nodes, &action.as.result);
        }
    }
}

static void arrive(struct nodes *nodes, const struct nodes_packet *packet)
{
    struct gkv_event event = {.kind = GKV_EVENT_MESSAGE, .now = nodes_now(nodes, packet->to)};
    event.as.arrival.message = &packet->message;
    event.as.arrival.source = nodes_address(packet->from);
    event.as.arrival.channel = packet->channel;
    step(nodes, packet->to, &event);
}

void nodes_deliver(struct nodes *nodes, uint32_t from, uint32_t to,
                   const struct gkv_message *message)
{
    struct nodes_packet packet = {
        .from = from, .to = to, .channel = GKV_CHANNEL_STREAM, .message = *message};
    packet.message.from = (struct gkv_identity){
        .id = gkv_member_at(gkv_node_members(nodes->node[from]), GKV_MEMBER_SELF)->said.who.id,
        .boot_id = gkv_node_options(nodes->node[from])->boot_id};
    arrive(nodes, &packet);
}

void nodes_run_until_ns(struct nodes *nodes, uint64_t until_ns)
{
    for (;;) {
        uint64_t next_ns = nodes->packets == NULL ? GKV_NEVER : nodes->packets->arrive_ns;
        uint32_t timer_of = nodes->count;
        for (uint32_t i = 0; i < nodes->count; i++) {
            const uint64_t deadline_ns = gkv_node_deadline_ns(nodes->node[i]);
            if (deadline_ns < next_ns) {
                next_ns = deadline_ns;
                timer_of = i;
            }
        }
        if (next_ns > until_ns) {
            break;
        }
        nodes->now_ns = next_ns > nodes->now_ns ? next_ns : nodes->now_ns;
        if (timer_of < nodes->count) {
            step(nodes, timer_of,
                 &(struct gkv_event){.kind = GKV_EVENT_TIMER, .now = nodes_now(nodes, timer_of)});
            continue;
        }
        struct nodes_packet *packet = nodes->packets;
        nodes->packets = packet->next;
        if (!nodes->is_cut[packet->from][packet->to]) {
            arrive(nodes, packet);
        }
        free_packet(packet);
    }
    nodes->now_ns = until_ns;
}

void nodes_run_ms(struct nodes *nodes, uint64_t ms)
{
    nodes_run_until_ns(nodes, nodes->now_ns + ms * GKV_NS_PER_MS);
}

struct nodes *nodes_start(uint32_t count, const struct gkv_options *base)
{
    struct nodes *nodes = calloc(1, sizeof(*nodes));
    assert_non_null(nodes);
    assert_in_range(count, 1, NODES_COUNT_MAX);
    nodes->count = count;
    nodes->now_ns = 1000 * GKV_NS_PER_MS;
    nodes->completions = calloc(NODES_COOKIE_COUNT, sizeof(*nodes->completions));
    assert_non_null(nodes->completions);
    for (uint32_t i = 0; i < count; i++) {
        struct gkv_options options = *base;
        const char name[2] = {(char)('a' + (int)i), 0};
        assert_int_equal(gkv_name_from_text(name, 1, &options.name), GKV_OK);
        options.address = nodes_address(i);
        options.boot_id = (WALL_MS << 16) + i;
        options.seed[0] = base->seed[0] + i;
        options.seed[1] = 77;
        options.seeds[0] = nodes_address(0);
        options.seed_count = 1;
        const size_t bytes = gkv_node_memory_bytes(&options);
        assert_int_not_equal(bytes, 0);
        void *memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
        assert_non_null(memory);
        assert_int_equal(gkv_node_init(memory, bytes, &options, &nodes->node[i]), GKV_OK);
    }
    nodes_run_ms(nodes, 3000);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(gkv_node_stats(nodes->node[i]).reachable_count, count);
    }
    return nodes;
}

void nodes_stop(struct nodes *nodes)
{
    while (nodes->packets != NULL) {
        struct nodes_packet *packet = nodes->packets;
        nodes->packets = packet->next;
        free_packet(packet);
    }
    for (uint32_t i = 0; i < nodes->count; i++) {
        free(nodes->node[i]); /* a node is the first thing in its block */
    }
    for (uint32_t i = 0; i < NODES_COOKIE_COUNT; i++) {
        free((void *)(uintptr_t)nodes->completions[i].result.value.data);
    }
    free(nodes->completions);
    free(nodes);
}

uint16_t nodes_member(const struct nodes *nodes, uint32_t at, uint32_t of)
{
    const struct gkv_members *of_members = gkv_node_members(nodes->node[of]);
    return gkv_member_find(gkv_node_members(nodes->node[at]),
                           gkv_member_at(of_members, GKV_MEMBER_SELF)->said.who.id);
}

void nodes_isolate(struct nodes *nodes, uint32_t index, bool is_cut)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        if (i != index) {
            nodes->is_cut[index][i] = is_cut;
            nodes->is_cut[i][index] = is_cut;
        }
    }
}

uint64_t nodes_submit(struct nodes *nodes, uint32_t index, const struct gkv_operation *operation)
{
    struct gkv_event event = {.kind = GKV_EVENT_OPERATION, .now = nodes_now(nodes, index)};
    event.as.operation = *operation;
    nodes->cookie++;
    event.as.operation.cookie = nodes->cookie;
    const uint64_t cookie = nodes->cookie;
    step(nodes, index, &event);
    return cookie;
}

uint64_t nodes_set(struct nodes *nodes, uint32_t index, const char *key, const char *value)
{
    return nodes_submit(nodes, index,
                        &(struct gkv_operation){.kind = GKV_OPERATION_SET,
                                                .key = nodes_text(key),
                                                .value = nodes_text(value)});
}

uint64_t nodes_get(struct nodes *nodes, uint32_t index, const char *key)
{
    return nodes_submit(nodes, index,
                        &(struct gkv_operation){.kind = GKV_OPERATION_GET, .key = nodes_text(key)});
}

uint64_t nodes_delete(struct nodes *nodes, uint32_t index, const char *key)
{
    return nodes_submit(
        nodes, index,
        &(struct gkv_operation){.kind = GKV_OPERATION_DELETE, .key = nodes_text(key)});
}

const struct gkv_result *nodes_result(const struct nodes *nodes, uint64_t cookie)
{
    assert_in_range(cookie, 1, NODES_COOKIE_COUNT - 1);
    assert_int_equal(nodes->completions[cookie].count, 1);
    return &nodes->completions[cookie].result;
}

void nodes_plant(struct nodes *nodes, uint32_t index, const char *key,
                 const struct gkv_record *record)
{
    struct gkv_message message = {.kind = GKV_MESSAGE_WRITE};
    message.as.write.key = nodes_text(key);
    message.as.write.record = *record;
    nodes_deliver(nodes, index == 0 ? 1 : 0, index, &message);
}
