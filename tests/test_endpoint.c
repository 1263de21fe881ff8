#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "tests/side.h"

/* Goal: memory is told exactly, and too little or bad options are refused.
 * Method: one byte less; a member table of none. */
static void test_memory(void **state)
{
    (void)state;
    struct gkv_options options = options_of(1);
    struct gkv_endpoint *endpoint = NULL;
    const size_t bytes = gkv_endpoint_memory_bytes(&options);
    void *memory = aligned_alloc(GKV_ARENA_ALIGN, bytes);
    assert_non_null(memory);
    assert_int_equal(gkv_endpoint_init(memory, bytes - 1, &options, &endpoint), GKV_ERROR_MEMORY);
    options.member_count_max = 0;
    assert_int_equal(gkv_endpoint_memory_bytes(&options), 0);
    assert_int_equal(gkv_endpoint_init(memory, bytes, &options, &endpoint), GKV_ERROR_OPTION);
    assert_null(endpoint);
    free(memory);
}

/* Goal: an answer dials; HELLO goes first, what was said meanwhile follows, and nothing is pending
 * before the stream is open. SEND is said once until all is sent.
 * Method: a peer by hand asks three times around the connect. */
static void test_dial(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream peer = introduce(&side, 2);
    assert_int_equal(side.connect_count, 0);
    ask(&side, peer, 7);
    assert_int_equal(side.connect_count, 1);
    const struct gkv_address two = address_of(2);
    assert_true(gkv_address_equal(&side.dialled_address, &two));
    ask(&side, peer, 8);
    assert_int_equal(side.connect_count, 1);
    assert_int_equal(side.send_count, 0);
    assert_int_equal(pending_count(&side, side.dialled), 0);

    gkv_endpoint_on_connected(side.endpoint, side.now, side.dialled);
    drain(&side);
    assert_int_equal(side.send_count, 1);
    struct gkv_bytes pieces[2];
    gkv_endpoint_pending(side.endpoint, side.dialled, pieces);
    struct gkv_hello hello = hello_of(1);
    const struct frame expected = frame_of_hello(&hello);
    assert_true(pieces[0].count > expected.count);
    assert_memory_equal(pieces[0].data, expected.bytes, expected.count);

    ask(&side, peer, 9);
    assert_int_equal(side.send_count, 1); /* the shim is still busy with it */
    gkv_endpoint_sent(side.endpoint, side.dialled, 10);
    ask(&side, peer, 10);
    assert_int_equal(side.send_count, 1);
    const size_t rest = pending_count(&side, side.dialled);
    gkv_endpoint_sent(side.endpoint, side.dialled, rest);
    assert_int_equal(pending_count(&side, side.dialled), 0);
    ask(&side, peer, 11);
    assert_int_equal(side.send_count, 2);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).frame_out_count, 5);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).stream_out_bytes, rest + 10);
    side_stop(&side);
}

/* Goal: a failed dial backs off, longer each time up to a maximum; meanwhile what is said is
 * dropped; a HELLO from there ends it at once. A dial that is never answered fails by itself.
 * Method: fail dials and measure the time until the next one. */
static void test_backoff(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream peer = introduce(&side, 2);
    uint64_t longest_ms = 0;
    for (unsigned round = 0; round < 8; round++) {
        const unsigned before = side.connect_count;
        uint64_t waited_ms = 0;
        for (; side.connect_count == before; waited_ms++) {
            ask(&side, peer, 7);
            tick(&side, 1);
            assert_true(waited_ms <= GKV_DIAL_BACKOFF_MS_MAX);
        }
        const uint64_t base_ms = round == 0 ? 0 : (uint64_t)GKV_DIAL_BACKOFF_MS_MIN << (round - 1);
        const uint64_t most_ms =
            base_ms < GKV_DIAL_BACKOFF_MS_MAX ? base_ms : GKV_DIAL_BACKOFF_MS_MAX;
        assert_in_range(waited_ms, most_ms / 2, most_ms + 1);
        longest_ms = waited_ms > longest_ms ? waited_ms : longest_ms;
        gkv_endpoint_on_closed(side.endpoint, side.now, side.dialled);
        drain(&side);
    }
    assert_true(longest_ms > GKV_DIAL_BACKOFF_MS_MAX / 2);
    assert_true(gkv_endpoint_stats(side.endpoint).dropped_backoff > 100);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).dial_failed_count, 8);

    const struct gkv_stream again = introduce(&side, 2);
    const unsigned before = side.connect_count;
    ask(&side, again, 8);
    assert_int_equal(side.connect_count, before + 1);
    const struct gkv_stream silent = side.dialled;
    side.close_count = 0;
    tick(&side, GKV_DIAL_TIMEOUT_MS - 1);
    assert_true(is_live(&side, silent));
    tick(&side, 1);
    assert_false(is_live(&side, silent));
    assert_int_equal(side.close_count, 1);
    assert_int_equal(side.closed.index, silent.index);
    side_stop(&side);
}

/* Feed bytes to a fresh accepted stream; true when that got it closed. */
static bool is_refused(struct side *side, const struct frame *frames, size_t frame_count)
{
    const struct gkv_stream stream = accept_one(side);
    const unsigned before = side->close_count;
    for (size_t i = 0; i < frame_count; i++) {
        receive(side, stream, frames[i].bytes, frames[i].count);
    }
    const bool is_closed = !is_live(side, stream);
    assert_int_equal(side->close_count - before, is_closed ? 1 : 0);
    if (is_closed) {
        assert_int_equal(side->closed.index, stream.index);
        assert_int_equal(side->closed.generation, stream.generation);
    }
    gkv_endpoint_on_closed(side->endpoint, side->now, stream);
    drain(side);
    return is_closed;
}

/* Goal: each wrong beginning of a stream closes that stream, with its own count, and no other.
 * Method: HELLOs that are wrong in one way each, beside a good stream that stays. */
static void test_refused_streams(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream good = introduce(&side, 2);

    struct gkv_hello hello = hello_of(3);
    struct frame frames[2] = {frame_of_hello(&hello), frame_of_read(1)};
    assert_false(is_refused(&side, frames, 2));
    frames[1] = frames[0];
    assert_true(is_refused(&side, frames, 2)); /* HELLO again */
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_malformed, 1);
    frames[0] = frame_of_read(1);
    assert_true(is_refused(&side, frames, 1)); /* no HELLO */
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_malformed, 2);
    hello.cluster_hash = CLUSTER + 1;
    frames[0] = frame_of_hello(&hello);
    assert_true(is_refused(&side, frames, 1));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_cluster, 1);
    hello = hello_of(3);
    hello.wire_version = GKV_WIRE_VERSION + 1;
    frames[0] = frame_of_hello(&hello);
    assert_true(is_refused(&side, frames, 1));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_foreign, 1);
    hello = hello_of(1); /* ourselves */
    frames[0] = frame_of_hello(&hello);
    assert_true(is_refused(&side, frames, 1));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_hello, 1);
    hello = hello_of(3);
    frames[0] = frame_of_hello(&hello);
    frames[0].bytes[4] ^= 1;
    assert_true(is_refused(&side, frames, 1));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_checksum, 1);
    frames[0].bytes[3] = 1;
    assert_true(is_refused(&side, frames, 1));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_too_long, 1);

    const struct gkv_stream late = accept_one(&side);
    assert_true(gkv_endpoint_deadline_ns(side.endpoint) <=
                side.now.mono_ns + GKV_HELLO_TIMEOUT_MS * GKV_NS_PER_MS);
    tick(&side, GKV_HELLO_TIMEOUT_MS - 1);
    assert_true(is_live(&side, late));
    tick(&side, 1);
    assert_false(is_live(&side, late));
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_hello, 2);
    assert_true(is_live(&side, good));
    side_stop(&side);
}

/* Goal: who answers on a stream that we dialled is cut off.
 * Method: one byte the wrong way. */
static void test_stray_bytes(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    ask(&side, introduce(&side, 2), 7);
    gkv_endpoint_on_connected(side.endpoint, side.now, side.dialled);
    drain(&side);
    receive(&side, side.dialled, (const uint8_t *)"x", 1);
    assert_int_equal(side.close_count, 1);
    assert_int_equal(side.closed.index, side.dialled.index);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_hello, 1);
    assert_int_equal(pending_count(&side, side.dialled), 0);
    side_stop(&side);
}

/* Goal: a full table of accepted streams refuses the next one, unless a peer holds more than one:
 * then its older one gives way. Method: fill it with one stream of node 2 and silent ones; then
 * with a second of node 2. */
static void test_accept_full(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream first = introduce(&side, 2);
    for (uint32_t i = 0; i < 2 * options.member_count_max - 2; i++) {
        (void)accept_one(&side);
    }
    const struct gkv_stream last = accept_one(&side);
    struct gkv_stream refused;
    assert_int_equal(gkv_endpoint_on_accepted(side.endpoint, side.now, &refused), GKV_ERROR_BUSY);
    assert_int_equal(gkv_endpoint_stats(side.endpoint).refused_full, 1);
    gkv_endpoint_on_closed(side.endpoint, side.now, last);
    drain(&side);
    (void)introduce(&side, 2);
    assert_int_equal(side.close_count, 0);
    const struct gkv_stream next = accept_one(&side);
    assert_int_equal(side.close_count, 1);
    assert_int_equal(side.closed.index, first.index);
    assert_int_equal(side.closed.generation, first.generation);
    assert_int_equal(next.index, first.index);
    assert_false(is_live(&side, first));
    side_stop(&side);
}

/* The first datagram of the last drain is the ACK of ping 5. */
static void assert_acknowledged(const struct side *side)
{
    assert_true(side->datagram_count >= 1);
    struct gkv_bytes payload;
    struct gkv_message answer;
    uint64_t cluster_hash = 0;
    assert_int_equal(gkv_datagram_parse((struct gkv_bytes){.data = side->datagrams[0],
                                                           .count = side->datagram_bytes[0]},
                                        &payload),
                     GKV_FRAME_WHOLE);
    assert_int_equal(gkv_codec_decode(frame_codec(), payload, &answer, &cluster_hash), GKV_OK);
    assert_int_equal(cluster_hash, CLUSTER);
    assert_int_equal(answer.kind, GKV_MESSAGE_ACK);
    assert_int_equal(answer.as.gossip.sequence, 5);
    assert_true(gkv_node_id_equal(answer.from.id, id_of(1)));
}

/* Goal: datagrams that are broken, foreign, too long or of no gossip are counted and do nothing.
 * Method: one of each; then a ping, which is answered. */
static void test_datagrams(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_address source = address_of(2);
    struct gkv_message message;
    memset(&message, 0, sizeof(message));
    message.kind = GKV_MESSAGE_PING;
    message.hlc.packed = WALL_MS << GKV_HLC_COUNTER_BITS;
    message.from = hello_of(2).from;
    message.as.gossip.sequence = 5;
    message.as.gossip.about = hello_of(1).from;
    const struct gkv_update update = {
        .who = message.from, .state = GKV_MEMBER_ALIVE, .address = source, .name = name_of(2)};
    message.as.gossip.updates = &update;
    message.as.gossip.update_count = 1;

    for (unsigned wrong = 0; wrong < 7; wrong++) {
        uint8_t bytes[GKV_DATAGRAM_BYTES_MAX + 1] = {0};
        struct gkv_message said = message;
        if (wrong == 1) {
            said.from = hello_of(1).from;
        } else if (wrong == 2) {
            said.kind = GKV_MESSAGE_READ;
            said.as.read.operation = 1;
            said.as.read.key = (struct gkv_bytes){.data = (const uint8_t *)"k", .count = 1};
        }
        size_t count = gkv_codec_encode(frame_codec(), &said, CLUSTER + (wrong == 3),
                                        bytes + GKV_FRAME_HEADER_BYTES, 1000);
        gkv_datagram_seal(bytes, count);
        count += GKV_FRAME_HEADER_BYTES;
        bytes[4] ^= wrong == 4;
        bytes[2] ^= wrong == 5;
        count = wrong == 6 ? sizeof(bytes) : count;
        side.datagram_count = 0;
        gkv_endpoint_on_datagram(side.endpoint, side.now, &source,
                                 (struct gkv_bytes){.data = bytes, .count = count});
        drain(&side);
        if (wrong != 0) {
            assert_int_equal(side.datagram_count, 0);
            continue;
        }
        assert_acknowledged(&side);
    }
    const struct gkv_endpoint_stats stats = gkv_endpoint_stats(side.endpoint);
    assert_int_equal(stats.datagram_in_count, 7);
    assert_int_equal(stats.refused_foreign, 2);
    assert_int_equal(stats.refused_malformed, 1);
    assert_int_equal(stats.refused_cluster, 1);
    assert_int_equal(stats.refused_checksum, 1);
    assert_int_equal(stats.refused_too_long, 1);
    side_stop(&side);
}

/* Goal: a burst that fills a stream's ring drops and counts, and what is in the ring comes out
 * whole, also around its end. Method: answers, asked for again and again while the shim sends a
 * third of what waits. */
static void test_ring_full(void **state)
{
    (void)state;
    struct side side;
    const struct gkv_options options = options_of(1);
    side_start(&side, &options);
    const struct gkv_stream peer = introduce(&side, 2);
    ask(&side, peer, 1);
    gkv_endpoint_on_connected(side.endpoint, side.now, side.dialled);
    drain(&side);
    static uint8_t stream[1 << 20];
    size_t stream_count = 0;
    bool has_wrapped = false;
    uint64_t asked = 1;
    while (stream_count < 900000) {
        for (unsigned i = 0; i < 500; i++) {
            ask(&side, peer, ++asked);
        }
        struct gkv_bytes pieces[2];
        gkv_endpoint_pending(side.endpoint, side.dialled, pieces);
        has_wrapped = has_wrapped || pieces[1].count > 0;
        size_t count = gkv_endpoint_stats(side.endpoint).dropped_full == 0
                           ? 0
                           : (pieces[0].count + pieces[1].count) / 3;
        for (unsigned i = 0; i < 2; i++) {
            const size_t part = count < pieces[i].count ? count : pieces[i].count;
            assert_true(stream_count + part <= sizeof(stream));
            memcpy(stream + stream_count, pieces[i].data, part);
            stream_count += part;
            count -= part;
            gkv_endpoint_sent(side.endpoint, side.dialled, part);
        }
    }
    assert_true(has_wrapped);
    assert_true(gkv_endpoint_stats(side.endpoint).dropped_full > 0);
    assert_int_equal(side.send_count, 1);

    size_t at = 0;
    unsigned frame_count = 0;
    struct gkv_bytes payload;
    size_t consumed = 0;
    while (gkv_frame_parse((struct gkv_bytes){.data = stream + at, .count = stream_count - at},
                           4096, &payload, &consumed) == GKV_FRAME_WHOLE) {
        struct gkv_message message;
        uint64_t cluster_hash = 0;
        if (frame_count > 0) {
            assert_int_equal(gkv_codec_decode(frame_codec(), payload, &message, &cluster_hash),
                             GKV_OK);
        }
        at += consumed;
        frame_count++;
    }
    assert_true(stream_count - at < 100);
    assert_true(frame_count > 10000);
    side_stop(&side);
}

/* Goal: two endpoints find each other and a value travels, however datagrams and streams are cut.
 * Method: carry bytes by hand in pieces of random length from 1 on, for a few seeds. */

struct pair {
    struct side sides[2];
    struct gkv_stream accepted[2]; /* of the stream that the other side dialled */
    bool is_up[2];
    struct gkv_prng prng;
};

static void carry_datagrams(struct pair *pair, unsigned from)
{
    struct side *a = &pair->sides[from];
    struct side *b = &pair->sides[1 - from];
    const unsigned count = a->datagram_count < 16 ? a->datagram_count : 16;
    const struct gkv_address source = address_of((uint8_t)(from + 1));
    a->datagram_count = 0;
    for (unsigned i = 0; i < count; i++) {
        gkv_endpoint_on_datagram(
            b->endpoint, b->now, &source,
            (struct gkv_bytes){.data = a->datagrams[i], .count = a->datagram_bytes[i]});
        drain(b);
    }
}

static void carry_stream(struct pair *pair, unsigned from)
{
    struct side *a = &pair->sides[from];
    struct side *b = &pair->sides[1 - from];
    if (a->connect_count > 0 && !pair->is_up[from]) {
        pair->is_up[from] = true;
        pair->accepted[1 - from] = accept_one(b);
        gkv_endpoint_on_connected(a->endpoint, a->now, a->dialled);
        drain(a);
    }
    for (unsigned i = 0; i < 20 && pair->is_up[from]; i++) {
        struct gkv_bytes pieces[2];
        gkv_endpoint_pending(a->endpoint, a->dialled, pieces);
        size_t count = 1 + (size_t)gkv_prng_below(&pair->prng, 80);
        count = count < pieces[0].count ? count : pieces[0].count;
        if (count == 0) {
            break;
        }
        receive(b, pair->accepted[1 - from], pieces[0].data, count);
        gkv_endpoint_sent(a->endpoint, a->dialled, count);
    }
}

static void pair_run(struct pair *pair, unsigned ms)
{
    for (unsigned i = 0; i < ms; i++) {
        for (unsigned side = 0; side < 2; side++) {
            tick(&pair->sides[side], 1);
            carry_datagrams(pair, side);
            carry_stream(pair, side);
        }
    }
}

static void test_two(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        static struct pair pair;
        memset(&pair, 0, sizeof(pair));
        gkv_prng_init(&pair.prng, seed, 0);
        struct gkv_options options = options_of(1);
        side_start(&pair.sides[0], &options);
        options = options_of(2);
        options.seeds[0] = address_of(1);
        options.seed_count = 1;
        side_start(&pair.sides[1], &options);
        pair_run(&pair, 1000);

        const struct gkv_operation set = {.cookie = 1,
                                          .kind = GKV_OPERATION_SET,
                                          .key = {.data = (const uint8_t *)"key", .count = 3},
                                          .value = {.data = (const uint8_t *)"value", .count = 5}};
        gkv_endpoint_submit(pair.sides[0].endpoint, pair.sides[0].now, &set);
        drain(&pair.sides[0]);
        pair_run(&pair, 100);
        assert_int_equal(pair.sides[0].complete_count, 1);
        assert_int_equal(pair.sides[0].result.error, GKV_OK);
        assert_int_equal(pair.sides[0].result.cookie, 1);

        const struct gkv_operation get = {.cookie = 2,
                                          .kind = GKV_OPERATION_GET,
                                          .key = {.data = (const uint8_t *)"key", .count = 3}};
        gkv_endpoint_submit(pair.sides[1].endpoint, pair.sides[1].now, &get);
        drain(&pair.sides[1]);
        pair_run(&pair, 100);
        assert_int_equal(pair.sides[1].complete_count, 1);
        assert_int_equal(pair.sides[1].result.error, GKV_OK);
        assert_int_equal(pair.sides[1].result.value.count, 5);
        assert_memory_equal(pair.sides[1].value, "value", 5);
        for (unsigned side = 0; side < 2; side++) {
            const struct gkv_endpoint_stats stats = gkv_endpoint_stats(pair.sides[side].endpoint);
            assert_int_equal(stats.refused_checksum + stats.refused_malformed +
                                 stats.refused_hello + stats.refused_foreign + stats.dropped_full,
                             0);
            side_stop(&pair.sides[side]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_dial),

        cmocka_unit_test(test_backoff),     cmocka_unit_test(test_refused_streams),
        cmocka_unit_test(test_stray_bytes), cmocka_unit_test(test_accept_full),
        cmocka_unit_test(test_datagrams),   cmocka_unit_test(test_ring_full),
        cmocka_unit_test(test_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
