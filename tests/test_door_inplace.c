/* The door and what it does by itself: the replies are those that operations would have had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/door.h"
#include "tests/nodes.h"

#define VALUE_BYTES_MAX 4096
#define HEARD_BYTES_MAX (1 << 20)

/* A client's door at node 0. */
struct side {
    struct nodes *nodes;
    struct gkv_door *door;
    void *memory;
    struct gkv_commons commons;
    struct gkv_endpoint_stats peers;
    struct gkv_door_view view;
    uint32_t operation_count; /* that were not done in place */
    uint8_t *heard;
    size_t heard_bytes;
};

static struct gkv_options eventual_options(void)
{
    struct gkv_options options = nodes_options();
    options.level = GKV_LEVEL_EVENTUAL;
    options.write_quorum = 1;
    options.read_quorum = 1;
    return options;
}

static struct side side_open(uint32_t node_count, const struct gkv_options *options,
                             uint32_t value_bytes_max)
{
    struct side side = {.nodes = nodes_start(node_count, options)};
    (void)nodes_get(side.nodes, 0, "nothing"); /* so that the ring is built */
    nodes_run_ms(side.nodes, 5);
    const size_t bytes = gkv_door_memory_bytes(value_bytes_max);
    side.memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    side.heard = malloc(HEARD_BYTES_MAX);
    assert_non_null(side.memory);
    assert_non_null(side.heard);
    side.door = gkv_door_init(side.memory, value_bytes_max, 1);
    side.commons = gkv_node_commons(side.nodes->node[0]);
    side.view = (struct gkv_door_view){.node = side.nodes->node[0]};
    return side;
}

static void side_close(struct side *side)
{
    nodes_stop(side->nodes);
    free(side->memory);
    free(side->heard);
}

static void submit(struct side *side, const struct gkv_operation *operation)
{
    const uint64_t cookie = nodes_submit(side->nodes, 0, operation);
    nodes_run_ms(side->nodes, 2);
    struct gkv_result result = *nodes_result(side->nodes, cookie);
    result.cookie = operation->cookie;
    gkv_door_on_result(side->door, nodes_now(side->nodes, 0), &result);
    side->operation_count++;
}

static void go_on(struct side *side)
{
    side->view.peers = &side->peers;
    struct gkv_operation operation;
    do {
        while (gkv_door_next_operation(side->door, &side->view, nodes_now(side->nodes, 0),
                                       &operation)) {
            submit(side, &operation);
        }
    } while (gkv_door_has_paused(side->door));
}

static void listen(struct side *side)
{
    const struct gkv_bytes pending = gkv_door_pending(side->door);
    assert_true(side->heard_bytes + pending.count < HEARD_BYTES_MAX);
    memcpy(side->heard + side->heard_bytes, pending.data, pending.count);
    side->heard_bytes += pending.count;
    gkv_door_sent(side->door, pending.count);
}

/* Say `count` bytes, and hear all that is answered. */
static void say_bytes(struct side *side, const char *text, size_t count)
{
    size_t room;
    uint8_t *buffer = gkv_door_receive_buffer(side->door, &room);
    assert_true(room >= count);
    memcpy(buffer, text, count);
    gkv_door_on_received(side->door, count);
    go_on(side);
    while (gkv_door_pending(side->door).count > 0) {
        listen(side);
        go_on(side);
    }
    assert_int_equal(gkv_door_open_count(side->door), 0);
}

static void say(struct side *side, const char *text)
{
    say_bytes(side, text, strlen(text));
}

/* All that was heard, and forget it. */
static void expect_heard(struct side *side, const char *text)
{
    side->heard[side->heard_bytes] = '\0';
    assert_string_equal((const char *)side->heard, text);
    side->heard_bytes = 0;
}

static void set_of(char *text, size_t room, const char *key, size_t value_bytes)
{
    const int head = snprintf(text, room, "*3\r\n$3\r\nSET\r\n$%zu\r\n%s\r\n$%zu\r\n", strlen(key),
                              key, value_bytes);
    assert_true(head > 0 && (size_t)head + value_bytes + 3 < room);
    memset(text + head, 'v', value_bytes);
    memcpy(text + (size_t)head + value_bytes, "\r\n", 3);
}

/* ---- Stories --------------------------------------------------------------------------------- */

/* In the order of the commands' table, each where it finds something and where it does not. */
static const char script[] =
    "GET a\r\nSET a 1\r\nGET a\r\nDEL a b a\r\nGET a\r\nEXISTS a b\r\n"
    "MSET a 10 b 200 c 3000\r\nMGET a b x c\r\nEXISTS a b a x\r\n"
    "SETEX d 100 dd\r\nTTL d\r\nPTTL a\r\nTTL x\r\nTYPE d\r\nTYPE x\r\n"
    "STRLEN c\r\nSTRLEN x\r\nSETNX e 1\r\nSETNX e 2\r\nGET e\r\n"
    "SET e 3 NX\r\nSET e 4 XX\r\nGET e\r\nSET f 5 XX\r\nGET f\r\n"
    "SET d long KEEPTTL\r\nTTL d\r\nSET d x PXAT 1\r\nGET d\r\nTOUCH a x\r\n"
    "UNLINK a b c\r\nPING\r\nSET g \"\"\r\nGET g\r\nGET \"\"\r\n"
    "HELLO 3 SETNAME me\r\nGET x\r\nMGET e x\r\nSET x y NX GET\r\nGET e\r\n";

/* Goal: what is done in place is answered as what is asked for.
 * Method: the script at two nodes, in place at one of them; in one piece, and byte by byte. */
static void test_same_replies(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct side here = side_open(1, &options, VALUE_BYTES_MAX);
    struct side there = side_open(1, &options, VALUE_BYTES_MAX);
    here.view.commons = &here.commons;
    say(&here, script);
    say(&there, script);
    assert_int_equal(here.operation_count, 0);
    assert_true(there.operation_count > 40);
    assert_true(there.heard_bytes > 400);
    assert_int_equal(here.heard_bytes, there.heard_bytes);
    assert_memory_equal(here.heard, there.heard, here.heard_bytes);
    assert_true(gkv_door_take_inplace_count(here.door) > 40);
    assert_int_equal(gkv_door_take_inplace_count(here.door), 0);
    assert_int_equal(gkv_door_take_inplace_count(there.door), 0);
    for (size_t i = 0; i < sizeof(script) - 1; i++) {
        say_bytes(&here, script + i, 1);
    }
    say(&there, script);
    assert_memory_equal(here.heard, there.heard, here.heard_bytes);
    side_close(&here);
    side_close(&there);
}

/* Goal: commands of several keys are answered once, and a value's header has the length that it
 * needs. Method: replies word by word, of values that become longer and shorter. */
static void test_replies(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct side side = side_open(1, &options, VALUE_BYTES_MAX);
    side.view.commons = &side.commons;
    say(&side, "MSET a 123456789 b 1234567890 c \"\"\r\nMGET a x b c a\r\nDEL a x b\r\n");
    expect_heard(&side, "+OK\r\n*5\r\n$9\r\n123456789\r\n$-1\r\n$10\r\n1234567890\r\n$0\r\n\r\n"
                        "$9\r\n123456789\r\n:2\r\n");
    static const size_t sizes[] = {9, 10, 99, 100, 999, 1000, VALUE_BYTES_MAX, 1, 0};
    char text[VALUE_BYTES_MAX + 128];
    char reply[VALUE_BYTES_MAX + 128];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        set_of(text, sizeof(text), "key", sizes[i]);
        say(&side, text);
        expect_heard(&side, "+OK\r\n");
        const size_t head = (size_t)snprintf(reply, sizeof(reply), "$%zu\r\n", sizes[i]);
        memset(reply + head, 'v', sizes[i]);
        memcpy(reply + head + sizes[i], "\r\n", 3);
        say(&side, "GET key\r\n");
        expect_heard(&side, reply);
    }
    assert_int_equal(side.operation_count, 0);
    side_close(&side);
}

/* Goal: keys of others are asked for, and replies keep the order of the commands.
 * Method: two nodes, one owner for each key, in one pipeline. */
static void test_keys_of_others(void **state)
{
    (void)state;
    struct gkv_options options = eventual_options();
    options.replica_count = 1;
    struct side side = side_open(2, &options, VALUE_BYTES_MAX);
    side.view.commons = &side.commons;
    char text[4096] = "";
    char wanted[4096] = "";
    for (uint32_t i = 0; i < 40; i++) {
        char line[64];
        (void)snprintf(line, sizeof(line), "SET k%u v%u\r\nGET k%u\r\n", i, i, i);
        strcat(text, line);
        (void)snprintf(line, sizeof(line), "+OK\r\n$%zu\r\nv%u\r\n", (size_t)(i < 10 ? 2 : 3), i);
        strcat(wanted, line);
    }
    say(&side, text);
    expect_heard(&side, wanted);
    assert_true(side.operation_count > 10 && side.operation_count < 70);
    assert_int_equal(side.operation_count + gkv_door_take_inplace_count(side.door), 80);
    say(&side, "MGET k0 k1 k2 k3 k4 k5 k6 k7\r\nEXISTS k0 k1 k2 k3 k4 k5 k6 k7 x\r\n"
               "DEL k0 k1 k2 k3 k4 k5 k6 k7 x\r\n");
    expect_heard(&side, "*8\r\n$2\r\nv0\r\n$2\r\nv1\r\n$2\r\nv2\r\n$2\r\nv3\r\n$2\r\nv4\r\n"
                        "$2\r\nv5\r\n$2\r\nv6\r\n$2\r\nv7\r\n:8\r\n:8\r\n");
    side_close(&side);
}

/* Goal: with W = 2 no set is done in place, and gets are.
 * Method: count operations. */
static void test_write_quorum(void **state)
{
    (void)state;
    struct gkv_options options = eventual_options();
    options.write_quorum = 2;
    struct side side = side_open(3, &options, VALUE_BYTES_MAX);
    side.view.commons = &side.commons;
    say(&side, "SET a 1\r\n");
    assert_int_equal(side.operation_count, 1);
    say(&side, "GET a\r\nEXISTS a\r\n");
    assert_int_equal(side.operation_count, 1);
    say(&side, "SETNX a 2\r\nDEL b\r\n"); /* there is nothing to write */
    assert_int_equal(side.operation_count, 1);
    expect_heard(&side, "+OK\r\n$1\r\n1\r\n:1\r\n:0\r\n:0\r\n");
    side_close(&side);
}

/* Goal: an expired value is none, and one that is too long for this door is an error.
 * Method: let time pass; a door with a smaller limit than its node. */
static void test_no_values(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct side side = side_open(1, &options, 8);
    side.view.commons = &side.commons;
    say(&side, "SET a 1 PX 50\r\nGET a\r\n");
    nodes_run_ms(side.nodes, 60);
    say(&side, "GET a\r\nEXISTS a\r\nTTL a\r\nSET a 2 NX\r\n");
    expect_heard(&side, "+OK\r\n$1\r\n1\r\n$-1\r\n:0\r\n:-2\r\n+OK\r\n");
    (void)nodes_set(side.nodes, 0, "b", "123456789");
    nodes_run_ms(side.nodes, 5);
    say(&side, "MGET a b\r\n");
    side.heard[side.heard_bytes] = '\0';
    assert_int_equal(memcmp(side.heard, "*2\r\n$1\r\n2\r\n-ERR ", 16), 0);
    assert_int_equal(side.operation_count, 0);
    side_close(&side);
}

/* Goal: who does not fetch replies stops its own commands, and loses none.
 * Method: gets of the largest value, many, with nothing fetched meanwhile. */
static void test_waits_for_room(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct side side = side_open(1, &options, VALUE_BYTES_MAX);
    side.view.commons = &side.commons;
    char text[VALUE_BYTES_MAX + 128];
    set_of(text, sizeof(text), "key", VALUE_BYTES_MAX);
    say(&side, text);
    side.heard_bytes = 0;
    size_t room;
    uint8_t *buffer = gkv_door_receive_buffer(side.door, &room);
    for (uint32_t i = 0; i < 200; i++) {
        memcpy(buffer + (size_t)i * 9, "GET key\r\n", 9);
    }
    gkv_door_on_received(side.door, 200 * 9);
    go_on(&side);
    assert_true(gkv_door_pending(side.door).count >= GKV_DOOR_BACKLOG_BYTES);
    assert_true(gkv_door_pending(side.door).count < gkv_door_memory_bytes(VALUE_BYTES_MAX) / 2);
    assert_int_equal(side.operation_count, 0);
    while (gkv_door_pending(side.door).count > 0) {
        listen(&side);
        go_on(&side);
    }
    assert_int_equal(side.heard_bytes, 200 * (VALUE_BYTES_MAX + 9));
    side_close(&side);
}

/* Goal: one call does a bounded amount of work.
 * Method: more commands, and more keys of a command, than that. */
static void test_pauses(void **state)
{
    (void)state;
    const struct gkv_options options = eventual_options();
    struct side side = side_open(1, &options, VALUE_BYTES_MAX);
    side.view.commons = &side.commons;
    size_t room;
    char *buffer = (char *)gkv_door_receive_buffer(side.door, &room);
    size_t count = 0;
    for (uint32_t i = 0; i < 500; i++) {
        count += (size_t)snprintf(buffer + count, room - count, "SET k%u 1\r\n", i);
    }
    count += (size_t)snprintf(buffer + count, room - count, "EXISTS");
    for (uint32_t i = 0; i < 1000; i++) {
        count += (size_t)snprintf(buffer + count, room - count, " k%u", i);
    }
    count += (size_t)snprintf(buffer + count, room - count, "\r\n");
    gkv_door_on_received(side.door, count);
    struct gkv_operation operation;
    uint32_t call_count = 0;
    do {
        const uint64_t before = gkv_door_take_inplace_count(side.door);
        assert_int_equal(before, 0);
        assert_false(
            gkv_door_next_operation(side.door, &side.view, nodes_now(side.nodes, 0), &operation));
        assert_true(gkv_door_take_inplace_count(side.door) <= GKV_DOOR_BURST_COUNT_MAX);
        call_count++;
    } while (gkv_door_has_paused(side.door));
    assert_true(call_count > 1500 / GKV_DOOR_BURST_COUNT_MAX);
    listen(&side);
    assert_int_equal(side.heard_bytes, 500 * 5 + 6);
    assert_memory_equal(side.heard + 500 * 5, ":500\r\n", 6);
    side_close(&side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_replies),   cmocka_unit_test(test_replies),
        cmocka_unit_test(test_keys_of_others), cmocka_unit_test(test_write_quorum),
        cmocka_unit_test(test_no_values),      cmocka_unit_test(test_waits_for_room),
        cmocka_unit_test(test_pauses),
    };
    return cmocka_run_group_tests_name("door_inplace", tests, NULL, NULL);
}
