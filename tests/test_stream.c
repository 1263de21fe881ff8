#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/prng.h"
#include "proto/bounds.h"
#include "proto/stream.h"

#define FRAME_BYTES 100
#define DIALLED 3
#define ACCEPTED 3

struct world {
    void *memory;
    struct gkv_streams *streams;
};

static struct world world_make(void)
{
    struct gkv_arena counting = gkv_arena_counting();
    struct gkv_streams counted;
    (void)gkv_arena_carve(&counting, 1, sizeof(counted));
    gkv_streams_init(&counted, &counting, DIALLED, ACCEPTED, FRAME_BYTES);
    struct world world = {.memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used)};
    assert_non_null(world.memory);
    struct gkv_arena arena = gkv_arena_over(world.memory, counting.used);
    world.streams = gkv_arena_carve(&arena, 1, sizeof(*world.streams));
    gkv_streams_init(world.streams, &arena, DIALLED, ACCEPTED, FRAME_BYTES);
    assert_int_equal(arena.used, counting.used);
    return world;
}

/* Goal: a ring gives back what was put in, in order, however it is put and taken, full and empty.
 * Method: random programs against a plain model: byte number i of the stream is i modulo 251. */
static void test_ring(void **state)
{
    (void)state;
    struct world world = world_make();
    struct gkv_prng prng;
    gkv_prng_init(&prng, 1, 0);
    gkv_stream_occupy(world.streams, 1, GKV_STREAM_OPEN);
    uint64_t put = 0;
    uint64_t taken = 0;
    bool was_full = false;
    bool was_split = false;
    for (unsigned round = 0; round < 100000; round++) {
        const size_t room = gkv_stream_send_room(world.streams, 1);
        assert_int_equal(room, 2 * FRAME_BYTES - (put - taken));
        uint8_t bytes[FRAME_BYTES];
        size_t count = (size_t)gkv_prng_below(&prng, FRAME_BYTES + 1);
        count = count < room ? count : room;
        size_t piece = 0;
        uint8_t *tail = gkv_stream_send_tail(world.streams, 1, &piece);
        const bool is_in_place = count <= piece && gkv_prng_below(&prng, 2) == 0;
        for (size_t i = 0; i < count; i++) {
            *(is_in_place ? tail + i : bytes + i) = (uint8_t)((put + i) % 251);
        }
        if (is_in_place) {
            gkv_stream_send_commit(world.streams, 1, count);
        } else {
            gkv_stream_send_copy(world.streams, 1,
                                 (struct gkv_bytes){.data = bytes, .count = count});
        }
        put += count;
        was_full = was_full || put - taken == 2 * FRAME_BYTES;

        struct gkv_bytes pieces[2];
        gkv_stream_send_pending(world.streams, 1, pieces);
        was_split = was_split || pieces[1].count > 0;
        assert_int_equal(pieces[0].count + pieces[1].count, put - taken);
        for (size_t i = 0; i < put - taken; i++) {
            const uint8_t byte =
                i < pieces[0].count ? pieces[0].data[i] : pieces[1].data[i - pieces[0].count];
            assert_int_equal(byte, (taken + i) % 251);
        }
        const size_t drop = (size_t)gkv_prng_below(&prng, put - taken + 1);
        gkv_stream_send_drop(world.streams, 1, drop);
        taken += drop;
    }
    assert_true(was_full);
    assert_true(was_split);
    free(world.memory);
}

/* Goal: a receive buffer keeps what was not dropped, and always has room for the rest of a frame.
 * Method: the same; frames of at most FRAME_BYTES are dropped as soon as they are whole. */
static void test_buffer(void **state)
{
    (void)state;
    struct world world = world_make();
    struct gkv_prng prng;
    gkv_prng_init(&prng, 2, 0);
    const uint32_t index = DIALLED + 1;
    gkv_stream_occupy(world.streams, index, GKV_STREAM_OPEN);
    uint64_t put = 0;
    uint64_t taken = 0;
    size_t frame = FRAME_BYTES;
    for (unsigned round = 0; round < 100000; round++) {
        size_t room = 0;
        uint8_t *tail = gkv_stream_receive_tail(world.streams, index, &room);
        assert_true(room > 0);
        const size_t count = 1 + (size_t)gkv_prng_below(&prng, room);
        for (size_t i = 0; i < count; i++) {
            tail[i] = (uint8_t)((put + i) % 251);
        }
        gkv_stream_receive_commit(world.streams, index, count);
        put += count;
        struct gkv_bytes received = gkv_stream_received(world.streams, index);
        assert_int_equal(received.count, put - taken);
        while (received.count >= frame) {
            for (size_t i = 0; i < received.count; i++) {
                assert_int_equal(received.data[i], (taken + i) % 251);
            }
            gkv_stream_receive_drop(world.streams, index, frame);
            taken += frame;
            frame = 1 + (size_t)gkv_prng_below(&prng, FRAME_BYTES);
            received = gkv_stream_received(world.streams, index);
        }
    }
    free(world.memory);
}

/* Goal: a handle dies with its occupant; places are given up in the order that the header says.
 * Method: three places, in every state. */
static void test_places(void **state)
{
    (void)state;
    struct world world = world_make();
    struct gkv_streams *streams = world.streams;
    const struct gkv_address address = {.bytes = {1}, .count = 1};
    assert_int_equal(gkv_stream_find_dialled(streams, &address), DIALLED);
    gkv_stream_occupy(streams, 2, GKV_STREAM_DIALLING);
    gkv_stream_place(streams, 2)->address = address;
    const struct gkv_stream handle = gkv_stream_handle(streams, 2);
    assert_int_equal(gkv_stream_find_dialled(streams, &address), 2);
    assert_ptr_equal(gkv_stream_find(streams, handle), gkv_stream_place(streams, 2));
    gkv_stream_occupy(streams, 2, GKV_STREAM_DIALLING);
    assert_null(gkv_stream_find(streams, handle));
    assert_null(gkv_stream_find(streams, (struct gkv_stream){.index = 99, .generation = 1}));

    assert_int_equal(gkv_stream_find_idle(streams, 0), 0); /* free */
    for (uint32_t i = 0; i < DIALLED; i++) {
        gkv_stream_occupy(streams, i, GKV_STREAM_DIALLING);
        gkv_stream_place(streams, i)->used_ns = 10 - i;
    }
    assert_int_equal(gkv_stream_find_idle(streams, 100), DIALLED);
    gkv_stream_place(streams, 0)->state = GKV_STREAM_OPEN;
    gkv_stream_place(streams, 1)->state = GKV_STREAM_OPEN;
    assert_int_equal(gkv_stream_find_idle(streams, 100), 1); /* least recently used */
    gkv_stream_place(streams, 1)->count = 1;
    assert_int_equal(gkv_stream_find_idle(streams, 100), 0); /* nothing to send */
    gkv_stream_place(streams, 2)->state = GKV_STREAM_BACKOFF;
    gkv_stream_place(streams, 2)->until_ns = 100;
    assert_int_equal(gkv_stream_find_idle(streams, 99), 0);
    assert_int_equal(gkv_stream_find_idle(streams, 100), 2);

    /* Strangers take what nobody uses, and of what is used only their own. */
    assert_int_equal(gkv_stream_find_idle_for_stranger(streams, 99), DIALLED);
    assert_int_equal(gkv_stream_find_idle_for_stranger(streams, 100), 2);
    assert_int_equal(gkv_stream_find_stranger(streams), DIALLED);
    gkv_stream_place(streams, 0)->is_stranger = true;
    gkv_stream_place(streams, 1)->is_stranger = true;
    assert_int_equal(gkv_stream_find_idle_for_stranger(streams, 99), 0); /* 1 has bytes to send */
    assert_int_equal(gkv_stream_find_stranger(streams), 1);

    const uint64_t grace_ns = GKV_HELLO_GRACE_MS * GKV_NS_PER_MS;
    const uint64_t idle_ns = GKV_ACCEPTED_IDLE_MS * GKV_NS_PER_MS;
    assert_int_equal(gkv_stream_find_acceptable(streams, idle_ns), DIALLED);
    for (uint32_t i = DIALLED; i < DIALLED + ACCEPTED; i++) {
        gkv_stream_occupy(streams, i, GKV_STREAM_OPEN);
        gkv_stream_place(streams, i)->used_ns = 2;
    }
    gkv_stream_place(streams, DIALLED + 1)->used_ns = 1;
    assert_int_equal(gkv_stream_find_acceptable(streams, idle_ns), DIALLED + ACCEPTED);
    assert_int_equal(gkv_stream_find_acceptable(streams, idle_ns + 1), DIALLED + 1);
    assert_int_equal(gkv_stream_find_acceptable(streams, idle_ns + 2), DIALLED + 1);
    gkv_stream_place(streams, DIALLED)->state = GKV_STREAM_NEW;
    assert_int_equal(gkv_stream_find_acceptable(streams, grace_ns + 1), DIALLED + ACCEPTED);
    assert_int_equal(gkv_stream_find_acceptable(streams, grace_ns + 2), DIALLED);
    gkv_stream_place(streams, DIALLED + 1)->is_superseded = true;
    assert_int_equal(gkv_stream_find_acceptable(streams, grace_ns + 2), DIALLED + 1);
    free(world.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
