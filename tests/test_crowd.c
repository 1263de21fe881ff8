#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/node.h"
#include "proto/bounds.h"
#include "proto/codec.h"
#include "proto/frame.h"

/* The most members that there can be: what a node with so many takes, says and is told. */

#define COUNT GKV_MEMBER_COUNT_MAX
#define WALL_MS UINT64_C(1700000000000)
#define CLUSTER 1
#define BOOT_ID 100

struct scene {
    struct gkv_node *nodes[2];
    void *memory[2];
    uint64_t now_ns;
    struct gkv_codec *codecs[2]; /* to encode, and to decode */
    void *codec_memory[2];
    uint8_t *bytes;
    size_t capacity;
    size_t datagram_bytes_max; /* said so far, with their headers */
    size_t frame_bytes_max;
    uint32_t full_count;      /* datagrams with as many updates as may be */
    uint32_t event_count[2];  /* member events of each node */
    struct gkv_message table; /* the PUSH_PULL said last, decoded */
};

static struct gkv_options options_of(uint32_t number, uint32_t member_count_max)
{
    struct gkv_options options;
    gkv_options_init(&options);
    options.member_count_max = member_count_max;
    options.memory_limit_bytes = GKV_STORE_BYTES_MIN;
    options.value_bytes_max = 4096;
    options.operation_count_max = 16;
    options.operation_memory_bytes = 64 * 1024;
    options.boot_id = BOOT_ID;
    options.seed[0] = number;
    options.cluster_hash = CLUSTER;
    options.name.count = GKV_NAME_BYTES_MAX;
    memset(options.name.bytes, 'n', sizeof(options.name.bytes));
    memcpy(options.name.bytes, &number, sizeof(number));
    options.address.count = GKV_ADDRESS_BYTES_MAX;
    memset(options.address.bytes, 1, sizeof(options.address.bytes));
    memcpy(options.address.bytes, &number, sizeof(number));
    return options;
}

static struct gkv_update update_of(uint32_t number)
{
    const struct gkv_options options = options_of(number, COUNT);
    return (struct gkv_update){
        .who = {.id = gkv_node_id_of_name(&options.name), .boot_id = BOOT_ID},
        .incarnation = UINT32_MAX - 1,
        .state = GKV_MEMBER_ALIVE,
        .address = options.address,
        .name = options.name,
    };
}

static struct gkv_codec *make_codec(void **memory_out)
{
    struct gkv_codec counted;
    struct gkv_arena counting = gkv_arena_counting();
    (void)gkv_arena_carve(&counting, 1, sizeof(counted));
    gkv_codec_init(&counted, &counting, 4096);
    *memory_out = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    assert_non_null(*memory_out);
    struct gkv_arena arena = gkv_arena_over(*memory_out, counting.used);
    struct gkv_codec *codec = gkv_arena_carve(&arena, 1, sizeof(*codec));
    gkv_codec_init(codec, &arena, 4096);
    return codec;
}

static void make_node(struct scene *scene, uint32_t number, const struct gkv_options *options)
{
    const size_t bytes = gkv_node_memory_bytes(options);
    scene->memory[number] = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    assert_non_null(scene->memory[number]);
    assert_int_equal(gkv_node_init(scene->memory[number], bytes, options, &scene->nodes[number]),
                     GKV_OK);
}

/* Two nodes with room for all; the second has the first as its seed. */
static void begin(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    scene->now_ns = 1000 * GKV_NS_PER_MS;
    for (uint32_t i = 0; i < 2; i++) {
        struct gkv_options options = options_of(i, COUNT);
        options.seeds[0] = options_of(0, COUNT).address;
        options.seed_count = 1;
        make_node(scene, i, &options);
        scene->codecs[i] = make_codec(&scene->codec_memory[i]);
    }
    scene->capacity = gkv_codec_payload_bytes_max(4096);
    scene->bytes = malloc(scene->capacity);
    assert_non_null(scene->bytes);
}

static void end(struct scene *scene)
{
    for (uint32_t i = 0; i < 2; i++) {
        free(scene->memory[i]);
        free(scene->codec_memory[i]);
    }
    free(scene->bytes);
}

/* Encode what a node says, as it would travel; a table is kept as its receiver would decode it. */
static void travel(struct scene *scene, const struct gkv_action *action)
{
    const struct gkv_message *message = &action->as.send.message;
    const bool is_datagram = action->as.send.channel == GKV_CHANNEL_DATAGRAM;
    const size_t payload_bytes = gkv_codec_encode(
        scene->codecs[0], message, is_datagram ? CLUSTER : 0, scene->bytes, scene->capacity);
    const size_t bytes = GKV_FRAME_HEADER_BYTES + payload_bytes;
    assert_true(payload_bytes > 0);
    if (is_datagram) {
        scene->full_count += message->as.gossip.update_count == GKV_UPDATE_COUNT_MAX;
        scene->datagram_bytes_max =
            bytes > scene->datagram_bytes_max ? bytes : scene->datagram_bytes_max;
        return;
    }
    scene->frame_bytes_max = bytes > scene->frame_bytes_max ? bytes : scene->frame_bytes_max;
    if (message->kind == GKV_MESSAGE_PUSH_PULL) {
        uint64_t cluster_hash = 0;
        const struct gkv_bytes payload = {.data = scene->bytes, .count = payload_bytes};
        assert_int_equal(gkv_codec_decode(scene->codecs[1], payload, &scene->table, &cluster_hash),
                         GKV_OK);
        scene->table.from = message->from;
    }
}

static void drain(struct scene *scene, uint32_t number)
{
    struct gkv_action action;
    while (gkv_node_next_action(scene->nodes[number], &action)) {
        if (action.kind == GKV_ACTION_SEND) {
            travel(scene, &action);
        }
        scene->event_count[number] += action.kind == GKV_ACTION_MEMBER;
    }
}

static void step(struct scene *scene, uint32_t number, struct gkv_event *event)
{
    event->now = (struct gkv_now){scene->now_ns, WALL_MS + scene->now_ns / GKV_NS_PER_MS};
    assert_int_equal(gkv_node_step(scene->nodes[number], event), GKV_OK);
    drain(scene, number);
}

/* All that is due now. */
static void ring(struct scene *scene, uint32_t number)
{
    do {
        struct gkv_event event = {.kind = GKV_EVENT_TIMER};
        step(scene, number, &event);
    } while (gkv_node_deadline_ns(scene->nodes[number]) <= scene->now_ns);
}

static void run_ms(struct scene *scene, uint32_t number, uint64_t ms)
{
    const uint64_t until_ns = scene->now_ns + ms * GKV_NS_PER_MS;
    uint64_t next_ns = gkv_node_deadline_ns(scene->nodes[number]);
    while (next_ns <= until_ns) {
        scene->now_ns = next_ns > scene->now_ns ? next_ns : scene->now_ns;
        ring(scene, number);
        next_ns = gkv_node_deadline_ns(scene->nodes[number]);
    }
    scene->now_ns = until_ns;
}

static void give(struct scene *scene, uint32_t number, const struct gkv_message *message)
{
    struct gkv_event event = {.kind = GKV_EVENT_MESSAGE};
    event.as.arrival.message = message;
    event.as.arrival.channel = GKV_CHANNEL_STREAM;
    event.as.arrival.source = options_of(1, COUNT).address;
    step(scene, number, &event);
    ring(scene, number);
}

/* Node 0 hears of all, or all but one: as worst is, with suspects that others suspect as well. */
static void fill(struct scene *scene, uint32_t count, bool is_worst)
{
    static struct gkv_update all[COUNT];
    struct gkv_message message = {.kind = GKV_MESSAGE_PUSH_PULL};
    for (uint32_t i = 0; i < count; i++) {
        all[i] = update_of(2 + i);
        if (is_worst) {
            all[i].state = GKV_MEMBER_SUSPECT;
            all[i].accuser = update_of(2 + (i + 1) % count).who.id;
            all[i].confirmer_count = GKV_CONFIRMER_COUNT_MAX;
            for (uint32_t k = 0; k < GKV_CONFIRMER_COUNT_MAX; k++) {
                all[i].confirmers[k] = update_of(2 + (i + 2 + k) % count).who.id;
            }
        }
    }
    message.from = all[0].who;
    message.as.push_pull.updates = all;
    message.as.push_pull.update_count = count;
    give(scene, 0, &message);
    assert_int_equal(gkv_node_members(scene->nodes[0])->count, 1 + count);
    assert_int_equal(scene->event_count[0], count);
}

/* Goal: a node takes as much memory for each member that it has room for as core/options.h says, up
 * to the most. Method: the layouts for 64 and for 1,024, that differ in nothing else. */
static void test_memory(void **state)
{
    (void)state;
    const struct gkv_options few = options_of(0, 64);
    const struct gkv_options most = options_of(0, COUNT);
    const size_t more = gkv_node_memory_bytes(&most) - gkv_node_memory_bytes(&few);
    const size_t each = more / (COUNT - 64);
    print_message("a node takes %zu bytes for each member\n", each);
    assert_in_range(each, 1, 5 * 1024);
}

/* Goal: with 1,024 members to tell of, all with the longest names and addresses, suspect and three
 * times confirmed, no datagram is above its budget; and some are full.
 * Method: two seconds of a node that has just heard of them all. */
static void test_datagrams(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    ring(&scene, 0);
    fill(&scene, COUNT - 1, true);
    run_ms(&scene, 0, 2000);
    print_message("the longest datagram has %zu bytes\n", scene.datagram_bytes_max);
    assert_true(scene.full_count > 100);
    assert_in_range(scene.datagram_bytes_max, 1200, GKV_DATAGRAM_BYTES_MAX);
    end(&scene);
}

/* Goal: the 1,024th member joins by one table each way, of a size that is bounded, and the
 * application is told of all members at once; the 1,025th finds no place, and nothing else happens.
 * Method: a node that knows 1,023, another that has it as its seed, and one more who asks. */
static void test_join(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene);
    ring(&scene, 0);
    fill(&scene, COUNT - 2, false);

    ring(&scene, 1); /* asks its seed */
    assert_int_equal(scene.table.kind, GKV_MESSAGE_PUSH_PULL);
    assert_true(scene.table.as.push_pull.is_request);
    assert_int_equal(scene.table.as.push_pull.update_count, 1);
    struct gkv_update newcomer = scene.table.as.push_pull.updates[0];
    struct gkv_message request = scene.table;
    request.as.push_pull.updates = &newcomer;
    give(&scene, 0, &request);
    assert_false(scene.table.as.push_pull.is_request);
    assert_int_equal(scene.table.as.push_pull.update_count, COUNT);
    print_message("the table of %u members has %zu bytes\n", (unsigned)COUNT,
                  scene.frame_bytes_max);
    assert_in_range(scene.frame_bytes_max, COUNT * 100, COUNT * GKV_TABLE_UPDATE_BYTES_MAX + 1024);

    give(&scene, 1, &scene.table);
    assert_int_equal(gkv_node_members(scene.nodes[1])->count, COUNT);
    assert_int_equal(scene.event_count[1], COUNT - 1);
    assert_true(gkv_node_has_joined(scene.nodes[1]));

    struct gkv_update late = update_of(2 + COUNT);
    struct gkv_message ask = {.kind = GKV_MESSAGE_PUSH_PULL, .from = late.who};
    ask.as.push_pull.is_request = true;
    ask.as.push_pull.updates = &late;
    ask.as.push_pull.update_count = 1;
    give(&scene, 0, &ask);
    assert_int_equal(gkv_node_members(scene.nodes[0])->count, COUNT);
    assert_int_equal(gkv_node_members(scene.nodes[0])->refused_count, 1);
    assert_int_equal(scene.event_count[0], COUNT - 1);
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_datagrams),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
