/* The door: what a Redis client is told, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/node.h"
#include "proto/address.h"
#include "proto/door.h"

#define VALUE_BYTES_MAX (256 * 1024)
#define WALL_MS 1700000000000
#define OPERATION_COUNT_MAX GKV_DOOR_WINDOW

/* ---- A node, as far as the door looks -------------------------------------------------------- */

static struct {
    struct gkv_members members;
    struct gkv_options options;
    struct gkv_node_stats stats;
} fake;
static _Alignas(GKV_ARENA_ALIGN) uint8_t fake_memory[65536];

struct gkv_node_stats gkv_node_stats(const struct gkv_node *node)
{
    assert_ptr_equal(node, &fake);
    return fake.stats;
}

const struct gkv_members *gkv_node_members(const struct gkv_node *node)
{
    assert_ptr_equal(node, &fake);
    return &fake.members;
}

const struct gkv_options *gkv_node_options(const struct gkv_node *node)
{
    assert_ptr_equal(node, &fake);
    return &fake.options;
}

bool gkv_node_is_ready(const struct gkv_node *node)
{
    return node != NULL;
}

uint32_t gkv_node_owners(struct gkv_node *node, struct gkv_bytes key,
                         uint16_t owners_out[GKV_REPLICA_COUNT_MAX])
{
    assert_ptr_equal(node, &fake);
    assert_true(key.count > 0);
    owners_out[0] = 1;
    owners_out[1] = 0;
    return 2;
}

static struct gkv_update member_named(const char *name, uint8_t number)
{
    struct gkv_update update = {.state = GKV_MEMBER_ALIVE, .incarnation = number};
    assert_int_equal(gkv_name_from_text(name, strlen(name), &update.name), GKV_OK);
    memset(update.who.id.bytes, number, sizeof(update.who.id.bytes));
    update.who.boot_id = 10u + number;
    assert_true(gkv_address_parse_numeric("127.0.0.1:7101", 14, &update.address));
    return update;
}

/* ---- A conversation -------------------------------------------------------------------------- */

static struct gkv_door *door;
static uint8_t *door_memory;
static struct gkv_node *const node = (struct gkv_node *)(void *)&fake;
static struct gkv_endpoint_stats peers;
static struct gkv_door_view view;
static struct gkv_now now;

/* The operations that were submitted and are not over, in order; their keys and values copied. */
static struct {
    struct gkv_operation operation;
    char key[64];
    char value[64];
} open[OPERATION_COUNT_MAX];
static uint32_t open_count;
static uint8_t big[VALUE_BYTES_MAX];

static int start(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof(fake));
    struct gkv_arena arena = gkv_arena_over(fake_memory, sizeof(fake_memory));
    const struct gkv_update self = member_named("a", 1);
    const struct gkv_update other = member_named("b", 2);
    gkv_members_init(&fake.members, &arena, 4, &self);
    assert_int_equal(gkv_member_apply(&fake.members, &other, 0), 1);
    gkv_options_init(&fake.options);
    fake.stats.store.record_count = 12;
    fake.stats.store.tombstone_count = 2;
    now = (struct gkv_now){.mono_ns = 1, .wall_ms = WALL_MS};
    open_count = 0;
    peers = (struct gkv_endpoint_stats){.refused_checksum = 3, .dropped_stranger = UINT64_MAX};
    view = (struct gkv_door_view){.node = node,
                                  .peers = &peers,
                                  .datagram_dropped_count = 4,
                                  .clients = {.connected_count = 5, .refused_count = 6}};
    fake.stats.swim_drops.malformed = 7;
    const size_t bytes = gkv_door_memory_bytes(VALUE_BYTES_MAX);
    door_memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    assert_non_null(door_memory);
    memset(door_memory, 0xee, bytes);
    door = gkv_door_init(door_memory, VALUE_BYTES_MAX, 7);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free(door_memory);
    return 0;
}

static void take_operations(void)
{
    struct gkv_operation operation;
    while (gkv_door_next_operation(door, &view, now, &operation)) {
        assert_true(open_count < OPERATION_COUNT_MAX);
        assert_true(operation.key.count < sizeof(open[0].key));
        assert_true(operation.value.count < sizeof(open[0].value));
        open[open_count].operation = operation;
        memset(open[open_count].key, 0, sizeof(open[0].key));
        memset(open[open_count].value, 0, sizeof(open[0].value));
        memcpy(open[open_count].key, operation.key.data, operation.key.count);
        if (operation.value.count > 0) {
            memcpy(open[open_count].value, operation.value.data, operation.value.count);
        }
        open_count++;
        assert_int_equal(gkv_door_open_count(door), open_count);
    }
}

static void turn(void)
{
    do {
        take_operations();
    } while (gkv_door_has_paused(door));
}

/* The client sends `count` bytes, for which there is room. */
static void say_bytes(const void *data, size_t count)
{
    size_t room;
    uint8_t *buffer = gkv_door_receive_buffer(door, &room);
    assert_true(room >= count);
    memcpy(buffer, data, count);
    gkv_door_on_received(door, count);
    turn();
}

static void say(const char *text)
{
    say_bytes(text, strlen(text));
}

/* What waits for the client is exactly `text`, and is fetched. */
static void hear(const char *text)
{
    const struct gkv_bytes pending = gkv_door_pending(door);
    char *got = calloc(pending.count + 1, 1);
    assert_non_null(got);
    memcpy(got, pending.data, pending.count);
    assert_string_equal(got, text);
    free(got);
    gkv_door_sent(door, pending.count);
    turn();
}

/* A part of what waits; all of it is fetched. */
static void hear_part(const char *text)
{
    const struct gkv_bytes pending = gkv_door_pending(door);
    char *got = calloc(pending.count + 1, 1);
    assert_non_null(got);
    memcpy(got, pending.data, pending.count);
    assert_non_null(strstr(got, text));
    free(got);
    gkv_door_sent(door, pending.count);
    turn();
}

static void end_with(uint32_t index, struct gkv_result result)
{
    assert_true(index < open_count);
    result.cookie = open[index].operation.cookie;
    open_count--;
    memmove(&open[index], &open[index + 1], (open_count - index) * sizeof(open[0]));
    gkv_door_on_result(door, now, &result);
    turn();
}

static void end_value(uint32_t index, const char *value)
{
    end_with(index, (struct gkv_result){.value = {(const uint8_t *)value, strlen(value)}});
}

static void end_error(uint32_t index, enum gkv_error error)
{
    end_with(index, (struct gkv_result){.error = error});
}

static void expect_open(uint32_t index, enum gkv_operation_kind kind, const char *key)
{
    assert_true(index < open_count);
    assert_int_equal(open[index].operation.kind, kind);
    assert_string_equal(open[index].key, key);
}

/* ---- Stories --------------------------------------------------------------------------------- */

/* Goal: commands without operations answer as Redis words it.
 * Method: say and hear. */
static void test_answers(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"PING\r\n", "+PONG\r\n"},
        {"ping hi\r\n", "$2\r\nhi\r\n"},
        {"PING a b\r\n", "-ERR wrong number of arguments for 'ping' command\r\n"},
        {"ECHO \"a b\"\r\n", "$3\r\na b\r\n"},
        {"get\r\n", "-ERR wrong number of arguments for 'get' command\r\n"},
        {"NOPE x\r\n", "-ERR unknown command 'NOPE', with args beginning with: 'x' \r\n"},
        {"SELECT 0\r\n", "+OK\r\n"},
        {"SELECT 1\r\n", "-ERR DB index is out of range\r\n"},
        {"DBSIZE\r\n", ":10\r\n"},
        {"CLIENT ID\r\n", ":7\r\n"},
        {"CLIENT GETNAME\r\n", "$-1\r\n"},
        {"CLIENT SETNAME me\r\n", "+OK\r\n"},
        {"CLIENT GETNAME\r\n", "$2\r\nme\r\n"},
        {"CLIENT SETINFO LIB-NAME x\r\n", "+OK\r\n"},
        {"CLIENT SETINFO nope x\r\n", "-ERR Unrecognized option 'nope'\r\n"},
        {"CLIENT NO-EVICT on\r\n", "+OK\r\n"},
        {"CLIENT NO-TOUCH nope\r\n", "-ERR syntax error\r\n"},
        {"CLIENT GetName x\r\n", "-ERR wrong number of arguments for 'client|getname' command\r\n"},
        {"CLIENT NOPE\r\n", "-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.\r\n"},
        {"CONFIG GET save\r\n", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n"},
        {"CONFIG GET appendonly\r\n", "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n"},
        {"CONFIG GET maxmemory\r\n", "*2\r\n$9\r\nmaxmemory\r\n$8\r\n67108864\r\n"},
        {"CONFIG GET nope\r\n", "*0\r\n"},
        {"COMMAND DOCS\r\n", "*0\r\n"},
        {"COMMAND INFO get nope\r\n",
         "*2\r\n*6\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n"
         ":1\r\n:1\r\n$-1\r\n"},
        {"COMMAND COUNT x\r\n", "-ERR wrong number of arguments for 'command|count' command\r\n"},
        {"AUTH default x\r\n", "+OK\r\n"},
        {"AUTH default x y\r\n", "-ERR syntax error\r\n"},
        {"HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n"},
        {"HELLO 3 NOPE\r\n", "-ERR Syntax error in HELLO option 'NOPE'\r\n"},
        {"GKV.OWNERS k\r\n", "*2\r\n$1\r\nb\r\n$1\r\na\r\n"},
        {"SET a b EX\r\n", "-ERR syntax error\r\n"},
        {"SET a b NX XX\r\n", "-ERR syntax error\r\n"},
        {"SET a b EX 1 PX 1\r\n", "-ERR syntax error\r\n"},
        {"SET a b EX x\r\n", "-ERR value is not an integer or out of range\r\n"},
        {"SET a b EX 0\r\n", "-ERR invalid expire time in 'set' command\r\n"},
        {"SET a b EX 9223372036854775807\r\n", "-ERR invalid expire time in 'set' command\r\n"},
        {"SETEX a -1 b\r\n", "-ERR invalid expire time in 'setex' command\r\n"},
        {"PSETEX a 0 b\r\n", "-ERR invalid expire time in 'psetex' command\r\n"},
        {"MSET a b c\r\n", "-ERR wrong number of arguments for 'mset' command\r\n"},
        {"*0\r\nPING\r\n", "+PONG\r\n"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        say(pairs[i][0]);
        hear(pairs[i][1]);
    }
    assert_int_equal(open_count, 0);
}

/* Goal: what people and exporters look for is told.
 * Method: look for it. */
static void test_reports(void **state)
{
    (void)state;
    say("INFO\r\n");
    hear_part("# Server\r\nredis_version:7.2.4\r\ngridkv_version:0.1.0\r\nserver_name:gridkv\r\n");
    say("INFO keyspace gridkv\r\n");
    hear_part("# Keyspace\r\ndb0:keys=10,expires=0,avg_ttl=0\r\n\r\n# GridKV\r\nready:1\r\n");
    say("INFO replication\r\n");
    hear("$48\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n\r\n");
    say("AUTH p\r\n");
    hear_part("-ERR AUTH <password> called without any password configured");
    say("COMMAND\r\n");
    hear_part("$3\r\nset\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:1\r\n:1\r\n");
    gkv_member_set_degraded(&fake.members, 1, true);
    say("GKV.MEMBERS\r\n");
    hear("*2\r\n*7\r\n$1\r\na\r\n$32\r\n01010101010101010101010101010101\r\n:11\r\n$5\r\nalive\r\n"
         ":1\r\n$14\r\n127.0.0.1:7101\r\n$4\r\nwell\r\n"
         "*7\r\n$1\r\nb\r\n$32\r\n02020202020202020202020202020202\r\n:12\r\n$5\r\nalive\r\n"
         ":2\r\n$14\r\n127.0.0.1:7101\r\n$8\r\ndegraded\r\n");
}

/* Goal: a client can ask what a full store does, in Redis' words, and how often it did.
 * Method: both policies. */
static void test_memory_policy(void **state)
{
    (void)state;
    say("CONFIG GET maxmemory-policy\r\n");
    hear("*2\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction\r\n");
    say("INFO memory\r\n");
    hear_part("maxmemory_policy:noeviction\r\n");
    fake.options.memory_policy = GKV_MEMORY_EVICT;
    fake.stats.store.evicted_count = 7;
    say("CONFIG GET maxmemory-policy\r\n");
    hear("*2\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lru\r\n");
    say("INFO memory stats\r\n");
    hear_part("maxmemory_policy:allkeys-lru\r\n");
    say("INFO stats\r\n");
    hear_part("evicted_keys:7\r\n");
}

/* Goal: nobody is told that a password was right: there is one user, "default", and no password.
 * Method: other users, by AUTH and by HELLO, whose other words then have no effect either. */
static void test_users(void **state)
{
    (void)state;
    static const char wrong[] =
        "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
    static const char *const commands[] = {
        "AUTH bob x\r\n",
        "AUTH DEFAULT x\r\n",
        "AUTH \"\" x\r\n",
        "AUTH defaul x\r\n",
        "HELLO 3 AUTH bob x\r\n",
        "HELLO 3 AUTH bob x SETNAME me\r\n",
        "HELLO 3 AUTH default x AUTH bob x\r\n",
    };
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        say(commands[i]);
        hear(wrong);
    }
    say("CLIENT GETNAME\r\n");
    hear("$-1\r\n");
}

/* Goal: what was refused, dropped or gone wrong can be read, each by its reason.
 * Method: figures of our own, and the same by INFO. */
static void test_counts(void **state)
{
    (void)state;
    say("INFO peers\r\n");
    hear_part("# Peers\r\ndatagrams_in:0\r\n");
    static const char *const parts[] = {
        "\r\nrefused_checksum:3\r\n",
        "\r\ndropped_stranger:9223372036854775807\r\n",
        "\r\ndropped_by_system:4\r\n",
        "\r\ngossip_malformed:7\r\n",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        say("INFO peers\r\n");
        hear_part(parts[i]);
    }
    say("INFO clients stats\r\n");
    hear_part("connected_clients:5\r\n");
    say("INFO clients stats\r\n");
    hear_part("rejected_connections:6\r\n");
}

/* Goal: HELLO 3 changes nulls and maps, RESET changes them back.
 * Method: the same misses before and after. */
static void test_hello(void **state)
{
    (void)state;
    say("HELLO 3 AUTH default p SETNAME me\r\n");
    hear_part("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n"
              ":3\r\n$2\r\nid\r\n:7\r\n");
    say("GET a\r\nCLIENT GETNAME\r\nCOMMAND DOCS\r\n");
    end_error(0, GKV_ERROR_NOT_FOUND);
    hear("_\r\n$2\r\nme\r\n%0\r\n");
    say("INFO cluster\r\n");
    hear("=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
    say("INFO nope\r\n");
    hear("=4\r\ntxt:\r\n");
    say("RESET\r\nGET a\r\nCLIENT GETNAME\r\n");
    end_error(0, GKV_ERROR_NOT_FOUND);
    hear("+RESET\r\n$-1\r\n$-1\r\n");
}

/* Goal: operations overlap, replies keep the order of the commands, also around answers without
 * operations. Method: end them from the last to the first. */
static void test_order(void **state)
{
    (void)state;
    say("GET a\r\nSET b 1\r\nGET c\r\nPING\r\nGET d\r\n");
    assert_int_equal(open_count, 3);
    end_value(2, "C");
    end_error(1, GKV_OK);
    hear("");
    end_value(0, "A");
    assert_int_equal(open_count, 1);
    end_value(0, "D");
    hear("$1\r\nA\r\n+OK\r\n$1\r\nC\r\n+PONG\r\n$1\r\nD\r\n");
}

/* Goal: a pipeline reads its own writes; only reads of one key overlap.
 * Method: count what is submitted. */
static void test_conflicts(void **state)
{
    (void)state;
    say("SET a 1\r\nGET a\r\nGET a\r\nSET a 2\r\nGET b\r\n");
    assert_int_equal(open_count, 1);
    end_error(0, GKV_OK);
    assert_int_equal(open_count, 2);
    end_value(1, "1");
    assert_int_equal(open_count, 1);
    end_value(0, "1");
    assert_int_equal(open_count, 2);
    expect_open(0, GKV_OPERATION_SET, "a");
    expect_open(1, GKV_OPERATION_GET, "b");
    end_error(1, GKV_ERROR_NOT_FOUND);
    end_error(0, GKV_OK);
    hear("+OK\r\n$1\r\n1\r\n$1\r\n1\r\n+OK\r\n$-1\r\n");
}

/* Goal: conditions read first, and write only when they hold.
 * Method: NX, XX and KEEPTTL, each with and without a value. */
static void test_conditions(void **state)
{
    (void)state;
    say("SET a 1 NX\r\n");
    expect_open(0, GKV_OPERATION_GET, "a");
    end_error(0, GKV_ERROR_NOT_FOUND);
    expect_open(0, GKV_OPERATION_SET, "a");
    assert_string_equal(open[0].value, "1");
    end_error(0, GKV_OK);
    hear("+OK\r\n");

    say("SET a 1 NX\r\nSETNX a 1\r\nSET a 2 XX PX 500\r\n");
    end_value(0, "x");
    hear("$-1\r\n");
    end_value(0, "x");
    hear(":0\r\n");
    end_value(0, "x");
    expect_open(0, GKV_OPERATION_SET, "a");
    assert_int_equal(open[0].operation.ttl_ms, 500);
    end_error(0, GKV_ERROR_IN_DOUBT);
    hear_part("-INDOUBT ");

    say("SET a 3 KEEPTTL\r\n");
    end_with(0, (struct gkv_result){.expire_ms = WALL_MS + 1234});
    assert_int_equal(open[0].operation.ttl_ms, 1234);
    end_error(0, GKV_OK);
    hear("+OK\r\n");

    say("SET a 4 XX\r\n");
    end_error(0, GKV_ERROR_NO_QUORUM);
    assert_int_equal(open_count, 0);
    hear_part("-NOQUORUM ");
}

/* Goal: commands on several keys run their operations together and answer once.
 * Method: DEL, EXISTS, MGET and MSET, ended out of order. */
static void test_many_keys(void **state)
{
    (void)state;
    say("DEL a b a\r\n");
    assert_int_equal(open_count, 2);
    end_error(1, GKV_ERROR_NOT_FOUND);
    end_value(0, "x");
    expect_open(0, GKV_OPERATION_DELETE, "a");
    end_error(0, GKV_OK);
    expect_open(0, GKV_OPERATION_GET, "a");
    end_error(0, GKV_ERROR_NOT_FOUND);
    hear(":1\r\n");

    say("EXISTS a b a\r\nMGET a b c\r\n");
    assert_int_equal(open_count, 6);
    end_value(5, "C");
    end_error(4, GKV_ERROR_NOT_FOUND);
    end_value(3, "A");
    end_value(2, "x");
    end_error(1, GKV_ERROR_NOT_FOUND);
    end_value(0, "x");
    hear(":2\r\n*3\r\n$1\r\nA\r\n$-1\r\n$1\r\nC\r\n");

    say("MSET a 1 b 2\r\n");
    assert_int_equal(open_count, 2);
    assert_string_equal(open[1].value, "2");
    end_error(0, GKV_ERROR_MEMORY);
    end_error(0, GKV_OK);
    hear_part("-OOM ");
}

/* Goal: lifetimes are told in Redis' numbers; an expiry in the past deletes.
 * Method: values with, without and after their expiry. */
static void test_expiry(void **state)
{
    (void)state;
    say("TTL a\r\nPTTL a\r\nTTL a\r\nPTTL a\r\nTYPE a\r\nTYPE a\r\nSTRLEN a\r\n");
    assert_int_equal(open_count, 7);
    end_with(0, (struct gkv_result){.expire_ms = WALL_MS + 9600});
    end_with(0, (struct gkv_result){.expire_ms = WALL_MS + 9600});
    end_value(0, "x");
    end_error(0, GKV_ERROR_NOT_FOUND);
    end_value(0, "x");
    end_error(0, GKV_ERROR_NOT_FOUND);
    end_value(0, "four");
    hear(":10\r\n:9600\r\n:-1\r\n:-2\r\n+string\r\n+none\r\n:4\r\n");

    say("SET a b EXAT 1\r\nSET c b PXAT 1700000000005\r\nSETEX d 9 v\r\nPSETEX e 9 v\r\n");
    assert_int_equal(open_count, 4);
    expect_open(0, GKV_OPERATION_DELETE, "a");
    assert_int_equal(open[1].operation.ttl_ms, 5);
    assert_int_equal(open[2].operation.ttl_ms, 9000);
    assert_int_equal(open[3].operation.ttl_ms, 9);
    assert_string_equal(open[3].value, "v");
}

/* Goal: each error of an operation has its first word.
 * Method: one get per error. */
static void test_failures(void **state)
{
    (void)state;
    static const struct {
        enum gkv_error error;
        const char *text;
    } cases[] = {{GKV_ERROR_MEMORY, "-OOM "},      {GKV_ERROR_NO_QUORUM, "-NOQUORUM "},
                 {GKV_ERROR_TIMEOUT, "-TIMEOUT "}, {GKV_ERROR_BUSY, "-BUSY "},
                 {GKV_ERROR_CLOCK_DRIFT, "-ERR "}, {GKV_ERROR_CLOSED, "-ERR "}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        say("GET a\r\n");
        end_error(0, cases[i].error);
        hear_part(cases[i].text);
    }
}

static void expect_big(uint32_t count)
{
    const struct gkv_bytes pending = gkv_door_pending(door);
    const size_t each = 9 + VALUE_BYTES_MAX + 2;
    assert_int_equal(pending.count, count * each);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal(pending.data + i * each, "$262144\r\n", 9);
        assert_memory_equal(pending.data + i * each + 9, big, VALUE_BYTES_MAX);
    }
    gkv_door_sent(door, pending.count);
    turn();
}

static void end_big(uint32_t index)
{
    end_with(index, (struct gkv_result){.value = {big, VALUE_BYTES_MAX}});
}

/* Goal: values that come early and pass the pool are read again in their turn, none is lost.
 * Method: eight largest values, ended from the last to the first; the pool holds one. */
static void test_pool_full(void **state)
{
    (void)state;
    memset(big, 'v', sizeof(big));
    say("GET a\r\nGET b\r\nGET c\r\nGET d\r\nGET e\r\nGET f\r\nGET g\r\nGET h\r\n");
    assert_int_equal(open_count, 8);
    for (uint32_t i = 8; i > 0; i--) {
        end_big(i - 1);
    }
    uint32_t heard = 0;
    for (uint32_t round = 0; round < 16 && heard < 8; round++) {
        if (open_count > 0) {
            assert_int_equal(open_count, 1);
            end_big(0);
        }
        while (gkv_door_pending(door).count > 0) {
            expect_big(1);
            heard++;
        }
    }
    assert_int_equal(heard, 8);
    assert_int_equal(open_count, 0);

    /* Now that the door has seen large values, it asks for few at once. */
    say("GET a\r\nGET b\r\nGET c\r\nGET d\r\nGET e\r\nGET f\r\nGET g\r\nGET h\r\n");
    assert_in_range(open_count, 1, 2);
}

/* Goal: a client that does not fetch replies is not parsed any further, and loses nothing when it
 * does. Method: fill the receive buffer with ECHO of 1 KiB until there is no room; then fetch. */
static void test_back_pressure(void **state)
{
    (void)state;
    static char line[1024 + 7];
    memset(line, 'x', sizeof(line));
    memcpy(line, "ECHO ", 5);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    uint32_t said = 0;
    for (;;) {
        size_t room;
        (void)gkv_door_receive_buffer(door, &room);
        if (room < sizeof(line)) {
            break;
        }
        say_bytes(line, sizeof(line));
        said++;
        assert_true(said < 2000);
    }
    assert_true(gkv_door_pending(door).count <=
                gkv_door_memory_bytes(VALUE_BYTES_MAX) - VALUE_BYTES_MAX);
    size_t heard_bytes = 0;
    while (gkv_door_pending(door).count > 0) {
        const size_t count = gkv_door_pending(door).count;
        const size_t some = count < 5000 ? count : 5000;
        heard_bytes += some;
        gkv_door_sent(door, some);
        turn();
    }
    assert_int_equal(heard_bytes, said * (sizeof(line) - 7 + 7 + 2));
}

/* Goal: at most GKV_DOOR_WINDOW operations are under way, and the rest follows.
 * Method: more gets than that in one write. */
static void test_window_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < GKV_DOOR_WINDOW + 5; i++) {
        char line[] = "GET k000\r\n";
        line[5] = (char)('0' + i / 100);
        line[6] = (char)('0' + i / 10 % 10);
        line[7] = (char)('0' + i % 10);
        say(line);
    }
    assert_int_equal(open_count, GKV_DOOR_WINDOW);
    end_value(GKV_DOOR_WINDOW - 1, "x");
    assert_int_equal(open_count, GKV_DOOR_WINDOW - 1);
    end_value(0, "x");
    assert_int_equal(open_count, GKV_DOOR_WINDOW - 1);
    while (open_count > 0) {
        end_value(open_count - 1, "x");
    }
    assert_int_equal(gkv_door_pending(door).count, (GKV_DOOR_WINDOW + 5) * 7);
}

/* Goal: a largest value comes in whole, and one byte more is refused by its announcement.
 * Method: pieces; then the announcement alone. */
static void test_largest_value(void **state)
{
    (void)state;
    memset(big, 'v', sizeof(big));
    say("*2\r\n$4\r\nECHO\r\n$262144\r\n");
    for (size_t at = 0; at < sizeof(big); at += 4096) {
        say_bytes(big + at, 4096);
    }
    hear("");
    say("\r\n");
    expect_big(1);
    say("*2\r\n$4\r\nECHO\r\n$262145\r\n");
    hear("-ERR Protocol error: invalid bulk length\r\n");
    assert_true(gkv_door_is_closing(door));
}

/* Goal: QUIT, protocol errors and HTTP close in their turn; nothing after them is done.
 * Method: a get before each, ended late. */
static void test_closing(void **state)
{
    static const char *const pairs[][2] = {
        {"GET a\r\nQUIT\r\nGET b\r\n", "$1\r\nx\r\n+OK\r\n"},
        {"GET a\r\n*1\r\n:1\r\nGET b\r\n",
         "$1\r\nx\r\n-ERR Protocol error: expected '$', got ':'\r\n"},
        {"GET a\r\nPOST / HTTP/1.1\r\nGET b\r\n", "$1\r\nx\r\n"},
        {"GET a\r\nHost: x\r\nGET b\r\n", "$1\r\nx\r\n"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        say(pairs[i][0]);
        assert_false(gkv_door_is_closing(door));
        assert_int_equal(open_count, 1);
        end_value(0, "x");
        assert_true(gkv_door_is_closing(door));
        size_t room;
        (void)gkv_door_receive_buffer(door, &room);
        assert_int_equal(room, 0);
        hear(pairs[i][1]);
        assert_int_equal(open_count, 0);
        (void)stop(state);
        (void)start(state);
    }
}

/* Goal: keys out of the core's limits never reach it.
 * Method: no key, and one byte too many. */
static void test_key_limits(void **state)
{
    (void)state;
    say("GET \"\"\r\n");
    hear_part("-ERR ");
    static char line[5 + GKV_KEY_BYTES_MAX + 1 + 2 + 1];
    memset(line, 'k', sizeof(line) - 1);
    memcpy(line, "GET  ", 5);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    say(line);
    hear_part("-ERR ");
    assert_int_equal(open_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_reports, start, stop),
        cmocka_unit_test_setup_teardown(test_memory_policy, start, stop),
        cmocka_unit_test_setup_teardown(test_users, start, stop),
        cmocka_unit_test_setup_teardown(test_counts, start, stop),
        cmocka_unit_test_setup_teardown(test_hello, start, stop),
        cmocka_unit_test_setup_teardown(test_order, start, stop),
        cmocka_unit_test_setup_teardown(test_conflicts, start, stop),
        cmocka_unit_test_setup_teardown(test_conditions, start, stop),
        cmocka_unit_test_setup_teardown(test_many_keys, start, stop),
        cmocka_unit_test_setup_teardown(test_expiry, start, stop),
        cmocka_unit_test_setup_teardown(test_failures, start, stop),
        cmocka_unit_test_setup_teardown(test_pool_full, start, stop),
        cmocka_unit_test_setup_teardown(test_back_pressure, start, stop),
        cmocka_unit_test_setup_teardown(test_window_full, start, stop),
        cmocka_unit_test_setup_teardown(test_largest_value, start, stop),
        cmocka_unit_test_setup_teardown(test_closing, start, stop),
        cmocka_unit_test_setup_teardown(test_key_limits, start, stop),
    };
    return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
