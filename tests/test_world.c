#include "io_sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/node.h"
#include "core/prng.h"

#define NODE_COUNT 32
#define MS GKV_NS_PER_MS

struct scene {
    struct gkv_world world;
    struct gkv_prng luck;
    uint64_t sent_ns;     /* bytes of a stream, first and from node 0, since this was cleared */
    uint64_t received_ns; /* and by node 1 */
    uint32_t timer_count; /* of node 1 */
    uint32_t datagram_counts[2];
    uint32_t resend_count; /* packets of streams that may be lost */
};

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    struct scene *scene = context;
    scene->resend_count += strcmp(label, "net.resend") == 0;
    return gkv_prng_below(&scene->luck, bound);
}

static void note_first(uint64_t *first_ns, uint64_t time_ns)
{
    *first_ns = *first_ns == 0 ? time_ns : *first_ns;
}

static void observe(void *context, const struct gkv_observation *observation)
{
    struct scene *scene = context;
    if (observation->kind == GKV_OBSERVE_SENT && observation->node == 0) {
        note_first(&scene->sent_ns, observation->time_ns);
    } else if (observation->kind == GKV_OBSERVE_RECEIVED && observation->node == 1) {
        note_first(&scene->received_ns, observation->time_ns);
    } else if (observation->kind == GKV_OBSERVE_TIMER && observation->node == 1) {
        scene->timer_count++;
    } else if (observation->kind == GKV_OBSERVE_DATAGRAM && observation->node < 2) {
        scene->datagram_counts[observation->node]++;
    }
}

/* The node of a world of one may start again. */
static void create(struct scene *scene, uint32_t node_count)
{
    struct gkv_world_options options = {
        .node_count = node_count,
        .life_count_max = node_count == 1 ? GKV_HOST_LIFE_COUNT_MAX : 1,
    };
    gkv_options_init(&options.node);
    options.node.memory_limit_bytes = 1024 * 1024;
    options.node.value_bytes_max = 4096;
    options.node.member_count_max = node_count < 64 ? 64 : node_count;
    options.node.sync_interval_ms = node_count < 64 ? 1000 : 3600000;
    options.node.operation_count_max = 16;
    options.node.operation_memory_bytes = 64 * 1024;
    options.node.seeds[0] = gkv_host_address(0);
    options.node.seed_count = 1;
    memset(scene, 0, sizeof(*scene));
    gkv_prng_init(&scene->luck, 1, 0);
    const struct gkv_chance chance = {.draw = draw, .context = scene};
    const struct gkv_observer observer = {.observe = observe, .context = scene};
    assert_int_equal(gkv_world_create(&scene->world, &options, &chance, &observer), GKV_OK);
    for (uint32_t i = 0; i < node_count; i++) {
        for (uint32_t j = 0; j < node_count; j++) {
            gkv_world_link(&scene->world, i, j)->latency_ns = MS;
        }
    }
}

/* Goal: a world may have 32 nodes, which find each other; and two runs have one chain, though the
 * second is given the memory that the first one left.
 * Method: boot all of them, let 10 s pass, and count whom each holds alive; twice. */
static void test_thirty_two_nodes(void **state)
{
    static struct scene scene;
    uint64_t chains[2][2];
    (void)state;
    for (uint32_t run = 0; run < 2; run++) {
        create(&scene, NODE_COUNT);
        for (uint32_t i = 0; i < NODE_COUNT; i++) {
            gkv_world_boot(&scene.world, i);
        }
        while (gkv_world_step(&scene.world, 11000 * MS)) {
        }
        for (uint32_t i = 0; i < NODE_COUNT; i++) {
            const struct gkv_node *node = gkv_endpoint_node(scene.world.hosts[i].endpoint);
            assert_int_equal(gkv_node_stats(node).reachable_count, NODE_COUNT);
        }
        gkv_world_chain(&scene.world, chains[run]);
        gkv_world_destroy(&scene.world);
    }
    assert_memory_equal(chains[0], chains[1], sizeof(chains[0]));
}

/* Goal: a world may have 256 nodes, with addresses and names of their own, which find each other.
 * Method: the same, once; nobody repairs, so that nobody builds a ring of them. */
static void test_the_most_nodes(void **state)
{
    static struct scene scene;
    const uint32_t node_count = GKV_NET_NODE_COUNT_MAX - 1;
    (void)state;
    create(&scene, node_count);
    for (uint32_t i = 0; i < node_count; i++) {
        const struct gkv_address address = gkv_host_address(i);
        assert_int_equal(gkv_host_of_address(&address), i);
        gkv_world_boot(&scene.world, i);
    }
    while (gkv_world_step(&scene.world, 11000 * MS)) {
    }
    for (uint32_t i = 0; i < node_count; i++) {
        const struct gkv_node *node = gkv_endpoint_node(scene.world.hosts[i].endpoint);
        assert_int_equal(gkv_node_stats(node).reachable_count, node_count);
    }
    gkv_world_destroy(&scene.world);
}

/* Goal: every node has a name of its own, which names it again; nothing else names a node.
 * Method: all that a world may have, those where the way of naming changes, and wrong ones. */
static void test_names(void **state)
{
    static const char *const wrong[] = {"",    "?",    "aa",     "52",   "N52",
                                        "n51", "n052", "n64000", "n52s", "n4294967348"};
    (void)state;
    for (uint32_t i = 0; i < GKV_NET_NODE_COUNT_MAX; i++) {
        const struct gkv_host_text text = gkv_host_text(i);
        const struct gkv_name name = gkv_host_name(i);
        assert_int_equal(gkv_host_of_text(text.text), i);
        assert_int_equal(gkv_host_of_id(gkv_node_id_of_name(&name)), i);
        assert_int_equal(name.count, strlen(text.text));
        assert_memory_equal(name.bytes, text.text, name.count);
    }
    assert_string_equal(gkv_host_text(0).text, "a");
    assert_string_equal(gkv_host_text(25).text, "z");
    assert_string_equal(gkv_host_text(26).text, "A");
    assert_string_equal(gkv_host_text(51).text, "Z");
    assert_string_equal(gkv_host_text(52).text, "n52");
    assert_string_equal(gkv_host_text(255).text, "n255");
    assert_string_equal(gkv_host_text(UINT32_MAX).text, "?");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(gkv_host_of_text(wrong[i]), UINT32_MAX);
    }
    assert_int_equal(gkv_host_of_id((struct gkv_node_id){{0}}), UINT32_MAX);
}

/* Goal: in the largest world every node may dial every other, and each end is found.
 * Method: all dial all, before anything arrives. */
static void test_the_most_connections(void **state)
{
    static struct scene scene;
    const uint32_t node_count = GKV_NET_NODE_COUNT_MAX - 1;
    (void)state;
    create(&scene, node_count);
    for (uint32_t from = 0; from < node_count; from++) {
        for (uint32_t to = 0; to < node_count; to++) {
            const struct gkv_stream stream = {.index = to, .generation = 1};
            uint32_t end = 1;
            if (from == to) {
                continue;
            }
            gkv_net_dial(&scene.world.net, 0, from, stream, to);
            const uint32_t index = gkv_net_find(&scene.world.net, from, stream, &end);
            assert_int_not_equal(index, GKV_NET_NONE);
            assert_int_equal(end, 0);
            assert_int_equal(scene.world.net.connections[index].to, to);
        }
    }
    assert_int_equal(scene.world.net.connection_count, node_count * (node_count - 1));
    gkv_world_destroy(&scene.world);
}

/* Goal: bytes of a stream whose packets are lost are sent again after 200 ms, then after twice as
 * long each time; datagrams know nothing of it.
 * Method: two nodes that repair each second; from some time on all packets of one way are lost, six
 * times each, which takes 1 + 2 + 4 + ... + 32 timeouts. */
static void test_streams_send_again(void **state)
{
    static struct scene scene;
    (void)state;
    create(&scene, 2);
    gkv_world_boot(&scene.world, 0);
    gkv_world_boot(&scene.world, 1);
    while (gkv_world_step(&scene.world, 5000 * MS)) {
    }
    assert_true(scene.received_ns > 0);
    gkv_world_link(&scene.world, 0, 1)->resend_ppm = GKV_PPM;
    scene.sent_ns = 0;
    scene.received_ns = 0;
    while (gkv_world_step(&scene.world, 25000 * MS)) {
    }
    assert_true(scene.sent_ns > 0);
    assert_int_equal(scene.received_ns - scene.sent_ns, (1 + 63 * 200) * MS);
    assert_int_equal(scene.world.net.stats.datagram_lost_count, 0);
    gkv_world_destroy(&scene.world);
}

/* Goal: each packet of a stream may be lost, and there are no more of them than bytes need.
 * Method: write around one and two packets of 1,448 bytes, and count the draws. */
static void test_stream_packets(void **state)
{
    static struct scene scene;
    static const uint8_t bytes[2 * 1448 + 1] = {0};
    static const struct {
        uint32_t bytes, packets;
    } cases[] = {{1, 1}, {1447, 1}, {1448, 1}, {1449, 2}, {2896, 2}, {2897, 3}};
    const struct gkv_stream stream = {.index = 0, .generation = 1};
    uint32_t end = 0;
    (void)state;
    create(&scene, 2);
    gkv_net_dial(&scene.world.net, 0, 0, stream, 1);
    const uint32_t index = gkv_net_find(&scene.world.net, 0, stream, &end);
    gkv_net_answer(&scene.world.net, 0, index, &stream);
    gkv_world_link(&scene.world, 1, 0)->resend_ppm = 1;
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct gkv_bytes piece = {.data = bytes, .count = cases[i].bytes};
        scene.resend_count = 0;
        gkv_net_write(&scene.world.net, 0, index, 1 - end, piece);
        assert_int_equal(scene.resend_count, cases[i].packets);
    }
    gkv_world_destroy(&scene.world);
}

/* Goal: a node whose input and output are blocked goes on with its timers; what it said and what
 * was said to it comes when the block is over, as much as sockets hold.
 * Method: two nodes that ping each other five times a second, one of them blocked for 2 s, with
 * sockets of three datagrams. */
static void test_block(void **state)
{
    static struct scene scene;
    (void)state;
    create(&scene, 2);
    scene.world.options.socket_count_max = 3;
    gkv_world_boot(&scene.world, 0);
    gkv_world_boot(&scene.world, 1);
    while (gkv_world_step(&scene.world, 3000 * MS)) {
    }
    const uint64_t begin_ns = scene.world.now_ns;
    gkv_world_block(&scene.world, 1, begin_ns + 2000 * MS);
    while (gkv_world_step(&scene.world, begin_ns + MS)) { /* what was on its way */
    }
    scene.timer_count = 0;
    memset(scene.datagram_counts, 0, sizeof(scene.datagram_counts));
    while (gkv_world_step(&scene.world, begin_ns + 1999 * MS)) {
    }
    assert_true(scene.timer_count >= 10);
    assert_int_equal(scene.datagram_counts[0], 0);
    assert_int_equal(scene.datagram_counts[1], 0);
    while (gkv_world_step(&scene.world, begin_ns + 2000 * MS)) {
    }
    assert_int_equal(scene.datagram_counts[1], 3);
    while (gkv_world_step(&scene.world, begin_ns + 2001 * MS)) {
    }
    assert_in_range(scene.datagram_counts[0], 3, 6); /* and answers to the three that came */
    assert_true(scene.world.net.stats.datagram_lost_count > 10);
    gkv_world_destroy(&scene.world);
}

/* Goal: a later life has a greater boot, also where lives end at once. Method: as many lives in one
 * millisecond as a node may have. */
static void test_later_lives_are_later(void **state)
{
    static struct scene scene;
    (void)state;
    create(&scene, 1);
    uint64_t boot_id = 0;
    for (uint32_t life = 0; life < GKV_HOST_LIFE_COUNT_MAX; life++) {
        gkv_world_boot(&scene.world, 0);
        assert_true(scene.world.hosts[0].options.boot_id > boot_id);
        boot_id = scene.world.hosts[0].options.boot_id;
        gkv_world_crash(&scene.world, 0, 0);
    }
    gkv_world_destroy(&scene.world);
}

/* Note `count` words, three at a time, with one of them changed. */
static void chain_of(struct scene *scene, uint32_t count, uint32_t changed, uint64_t chain_out[2])
{
    create(scene, 1);
    for (uint32_t i = 0; i < count; i += 3) {
        const uint64_t words[3] = {i + (uint64_t)(i == changed),
                                   i + 1 + (uint64_t)(i + 1 == changed),
                                   i + 2 + (uint64_t)(i + 2 == changed)};
        uint64_t ignored[2];
        gkv_world_note(&scene->world, words, 3);
        gkv_world_chain(&scene->world, ignored); /* looking changes nothing */
    }
    gkv_world_chain(&scene->world, chain_out);
    gkv_world_destroy(&scene->world);
}

/* Goal: the chain covers every word that was noted, also those of links closed long ago.
 * Method: 2,100 words, more than four links, as they are and with each 20th changed in turn. */
static void test_chain_covers_every_word(void **state)
{
    static struct scene scene;
    const uint32_t count = 2100;
    uint64_t unchanged[2];
    uint64_t again[2];
    uint64_t shorter[2];
    (void)state;
    chain_of(&scene, count, UINT32_MAX, unchanged);
    chain_of(&scene, count, UINT32_MAX, again);
    chain_of(&scene, count - 3, UINT32_MAX, shorter);
    assert_memory_equal(unchanged, again, sizeof(unchanged));
    assert_memory_not_equal(unchanged, shorter, sizeof(unchanged));
    for (uint32_t changed = 0; changed < count; changed += 20) {
        uint64_t chain[2];
        chain_of(&scene, count, changed, chain);
        assert_memory_not_equal(unchanged, chain, sizeof(unchanged));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thirty_two_nodes),
        cmocka_unit_test(test_the_most_nodes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_most_connections),
        cmocka_unit_test(test_streams_send_again),
        cmocka_unit_test(test_stream_packets),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_later_lives_are_later),
        cmocka_unit_test(test_chain_covers_every_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
