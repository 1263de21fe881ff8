#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/endpoint_state.h"
#include "sim/check.h"
#include "tests/side.h"
#include "tests/trio.h"

/* Bytes, told to node b by hand as if a or c had said them: what b counts as damaged or malformed,
 * check_wire must reject, and nothing else. */

#define B 1
#define C 2

static struct trio trio;
static struct side side; /* b, for tests/side.h */

static void begin(void)
{
    trio_begin(&trio, 3);
    struct gkv_host *host = &trio.trial.world.hosts[B];
    side = (struct side){.endpoint = host->endpoint,
                         .now = gkv_host_now(host, trio.trial.world.now_ns)};
}

/* ---- What c says ----------------------------------------------------------------------------- */

static struct gkv_identity identity_of(uint32_t node)
{
    return (struct gkv_identity){.id = trio.trial.ids[node],
                                 .boot_id = trio.trial.world.hosts[node].options.boot_id};
}

static uint64_t cluster_hash(void)
{
    const uint64_t hash = trio.trial.scenario.world.node.cluster_hash;
    return hash == 0 ? 1 : hash;
}

static struct gkv_message message_of(enum gkv_message_kind kind)
{
    struct gkv_message message;
    memset(&message, 0, sizeof(message));
    message.kind = kind;
    message.from = identity_of(C);
    message.hlc.packed = gkv_sim_clock_true_ms(trio.trial.world.now_ns) << GKV_HLC_COUNTER_BITS;
    return message;
}

static struct gkv_message ping(void)
{
    struct gkv_message message = message_of(GKV_MESSAGE_PING);
    message.as.gossip.sequence = 7;
    message.as.gossip.about = identity_of(B);
    return message;
}

static struct gkv_message read_of(uint64_t operation)
{
    struct gkv_message message = message_of(GKV_MESSAGE_READ);
    message.as.read.operation = operation;
    message.as.read.key = (struct gkv_bytes){.data = (const uint8_t *)"k0", .count = 2};
    return message;
}

static struct frame datagram_of(const struct gkv_message *message, uint64_t cluster)
{
    struct frame frame;
    const size_t count =
        gkv_codec_encode(frame_codec(), message, cluster, frame.bytes + GKV_FRAME_HEADER_BYTES,
                         GKV_DATAGRAM_BYTES_MAX - GKV_FRAME_HEADER_BYTES);
    assert_true(count > 0);
    gkv_datagram_seal(frame.bytes, count);
    frame.count = GKV_FRAME_HEADER_BYTES + count;
    return frame;
}

static void say(const struct frame *frame)
{
    const struct gkv_address source = gkv_host_address(C);
    gkv_endpoint_on_datagram(side.endpoint, side.now, &source,
                             (struct gkv_bytes){.data = frame->bytes, .count = frame->count});
    drain(&side);
}

static void say_message(const struct gkv_message *message)
{
    const struct frame frame = datagram_of(message, cluster_hash());
    say(&frame);
}

static struct gkv_hello greeting(void)
{
    return (struct gkv_hello){.wire_version = GKV_WIRE_VERSION,
                              .cluster_hash = cluster_hash(),
                              .from = identity_of(C),
                              .address = gkv_host_address(C)};
}

/* A stream whose first frame is this. */
static struct gkv_stream open_with(const struct gkv_hello *hello)
{
    const struct frame frame = frame_of_hello(hello);
    const struct gkv_stream stream = accept_one(&side);
    receive(&side, stream, frame.bytes, frame.count);
    return stream;
}

static struct gkv_stream open_soundly(void)
{
    const struct gkv_hello hello = greeting();
    return open_with(&hello);
}

static void write_message(const struct gkv_message *message)
{
    const struct frame frame = frame_of_message(message);
    receive(&side, open_soundly(), frame.bytes, frame.count);
}

/* ---- Histories that are sound ---------------------------------------------------------------- */

static void say_nothing(void)
{
}

static void say_ping(void)
{
    const struct gkv_message message = ping();
    say_message(&message);
}

static void say_nack_that_nobody_awaits(void)
{
    struct gkv_message message = ping();
    message.kind = GKV_MESSAGE_NACK;
    say_message(&message);
}

static void write_read(void)
{
    const struct gkv_message message = read_of(7);
    write_message(&message);
}

static void write_reply_that_nobody_awaits(void)
{
    struct gkv_message message = message_of(GKV_MESSAGE_READ_REPLY);
    message.as.read_reply.operation = 7;
    message.as.read_reply.status = GKV_REPLY_ABSENT;
    write_message(&message);
}

/* The stream ends within a frame, as when it breaks. */
static void write_half(void)
{
    const struct gkv_message message = read_of(7);
    const struct frame frame = frame_of_message(&message);
    const struct gkv_stream stream = open_soundly();
    receive(&side, stream, frame.bytes, frame.count - 1);
    gkv_endpoint_on_closed(side.endpoint, side.now, stream);
    drain(&side);
}

/* ---- Histories that are not, in datagrams ---------------------------------------------------- */

static void say_rubbish(void)
{
    const struct frame frame = {.bytes = "rubbish", .count = 64};
    say(&frame);
}

static void say_ping_with_a_bit_flipped(void)
{
    const struct gkv_message message = ping();
    struct frame frame = datagram_of(&message, cluster_hash());
    frame.bytes[frame.count - 1] ^= 0x10;
    say(&frame);
}

static void say_ping_without_its_end(void)
{
    const struct gkv_message message = ping();
    struct frame frame = datagram_of(&message, cluster_hash());
    frame.count--;
    say(&frame);
}

static void say_what_is_too_long(void)
{
    const struct frame frame = {.bytes = "G", .count = GKV_DATAGRAM_BYTES_MAX + 1};
    say(&frame);
}

/* Well sealed, but no message. */
static void say_nonsense(void)
{
    struct frame frame = {.count = GKV_FRAME_HEADER_BYTES + 3};
    memset(frame.bytes, 0xFF, frame.count);
    gkv_datagram_seal(frame.bytes, 3);
    say(&frame);
}

/* Only gossip comes in datagrams. */
static void say_read(void)
{
    const struct gkv_message message = read_of(7);
    say_message(&message);
}

static void say_ping_of_another_cluster(void)
{
    const struct gkv_message message = ping();
    const struct frame frame = datagram_of(&message, cluster_hash() + 1);
    say(&frame);
}

static void say_ping_without_number(void)
{
    struct gkv_message message = ping();
    message.as.gossip.sequence = 0;
    say_message(&message);
}

/* ---- And in streams -------------------------------------------------------------------------- */

static void write_without_hello(void)
{
    const struct gkv_message message = read_of(7);
    const struct frame frame = frame_of_message(&message);
    receive(&side, accept_one(&side), frame.bytes, frame.count);
}

static void write_hello_twice(void)
{
    const struct gkv_hello hello = greeting();
    const struct frame frame = frame_of_hello(&hello);
    receive(&side, open_soundly(), frame.bytes, frame.count);
}

static void write_hello_of_another_version(void)
{
    struct gkv_hello hello = greeting();
    hello.wire_version++;
    (void)open_with(&hello);
}

static void write_hello_of_another_cluster(void)
{
    struct gkv_hello hello = greeting();
    hello.cluster_hash++;
    (void)open_with(&hello);
}

static void write_read_with_a_bit_flipped(void)
{
    const struct gkv_message message = read_of(7);
    struct frame frame = frame_of_message(&message);
    frame.bytes[frame.count - 1] ^= 0x10;
    receive(&side, open_soundly(), frame.bytes, frame.count);
}

/* The last byte of a frame is not there, and the next one begins. */
static void write_with_a_byte_missing(void)
{
    const struct gkv_message message = read_of(7);
    const struct frame frame = frame_of_message(&message);
    const struct gkv_stream stream = open_soundly();
    receive(&side, stream, frame.bytes, frame.count - 1);
    receive(&side, stream, frame.bytes, frame.count);
}

static void write_length_beyond_all(void)
{
    const uint8_t length[] = {0xFF, 0xFF, 0xFF, 0x7F};
    receive(&side, open_soundly(), length, sizeof(length));
}

static void write_read_without_operation(void)
{
    const struct gkv_message message = read_of(0);
    write_message(&message);
}

/* Keys of slots that the list does not cover. */
static void write_keys_of_other_slots(void)
{
    const struct gkv_key_version key = {.key_hash = 7, .version = {{7}, 7}};
    struct gkv_message message = message_of(GKV_MESSAGE_SYNC_KEYS);
    message.as.sync_keys.part_count = 1;
    message.as.sync_keys.keys = &key;
    message.as.sync_keys.key_count = 1;
    write_message(&message);
}

/* b had something to say that no datagram holds. A sound node cannot be brought to that, so that
 * its count is written by hand. */
static void say_too_much(void)
{
    side.endpoint->stats.dropped_too_long++;
}

typedef void telling(void);

static telling *const sound[] = {
    say_nothing, say_ping,   say_nack_that_nobody_awaits,
    write_read,  write_half, write_reply_that_nobody_awaits,
};

static telling *const bad[] = {
    say_rubbish,
    say_ping_with_a_bit_flipped,
    say_ping_without_its_end,
    say_what_is_too_long,
    say_nonsense,
    say_read,
    say_ping_of_another_cluster,
    say_ping_without_number,
    write_without_hello,
    write_hello_twice,
    write_hello_of_another_version,
    write_hello_of_another_cluster,
    write_read_with_a_bit_flipped,
    write_with_a_byte_missing,
    write_length_beyond_all,
    write_read_without_operation,
    write_keys_of_other_slots,
    say_too_much,
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- Tests ----------------------------------------------------------------------------------- */

static void note_crash(uint32_t node)
{
    gkv_check_wire.observe(&trio.trial,
                           &(struct gkv_observation){.kind = GKV_OBSERVE_CRASH, .node = node});
}

/* Goal: what is well formed is accepted, also what comes too late or ends too soon.
 * Method: tell it, then let b crash, and the run end. */
static void test_what_is_sound_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sound); i++) {
        begin();
        sound[i]();
        note_crash(B);
        gkv_check_wire.finish(&trio.trial);
        assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_PASS);
        assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_SOUND], 1 + TRIO_NODE_COUNT);
        trio_end(&trio);
    }
}

/* Goal: each kind of refusal is rejected, at the end of the run or of the node's life, and b is
 * named; another node's crash brings nothing to light.
 * Method: tell each; then let c crash and the run end, or b crash. */
static void test_what_is_refused_is_rejected(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(bad); i++) {
        begin();
        bad[i / 2]();
        note_crash(C);
        assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_PASS);
        if (i % 2 == 0) {
            gkv_check_wire.finish(&trio.trial);
        } else {
            note_crash(B);
        }
        assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_SAFETY);
        assert_string_equal(trio.trial.verdict.check, "wire");
        assert_string_equal(trio.trial.verdict.text,
                            "b refused 1 messages as damaged or malformed, and nothing damages "
                            "them");
        trio_end(&trio);
    }
}

/* Goal: where the network damages bytes, refusals are what is wanted, and counted.
 * Method: every bad history, in such a scenario. */
static void test_where_bytes_are_damaged_refusals_are_counted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        begin();
        trio.trial.scenario.damages_bytes = true;
        bad[i]();
        gkv_check_wire.finish(&trio.trial);
        assert_int_equal(trio.trial.verdict.status, GKV_TRIAL_PASS);
        assert_int_equal(trio.trial.tally.counts[GKV_MET_DAMAGE_REFUSED], 1);
        assert_int_equal(trio.trial.tally.counts[GKV_HOLDS_SOUND], 0);
        trio_end(&trio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sound_is_accepted),
        cmocka_unit_test(test_what_is_refused_is_rejected),
        cmocka_unit_test(test_where_bytes_are_damaged_refusals_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
