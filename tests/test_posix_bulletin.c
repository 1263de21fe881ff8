#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "core/options.h"
#include "core/prng.h"
#include "io_posix/bulletin.h"

#define MEMBER_COUNT_MAX 12
#define PEER_COUNT 40 /* more than there are places: newcomers take those of members that left */
#define STEP_COUNT 40000
#define SEED_COUNT 4

static struct gkv_node_id id_of(uint32_t peer)
{
    return (struct gkv_node_id){.bytes = {1, (uint8_t)peer}};
}

/* An event of a peer; its boot_id says whose, its incarnation which. */
static struct gridkv_member_event event_of(uint32_t peer, enum gridkv_member_state state,
                                           uint32_t number)
{
    return (struct gridkv_member_event){.boot_id = peer, .state = state, .incarnation = number};
}

/* What is so, and what an application that believes each event thinks. Who left is in neither. */
struct world {
    struct gkv_bulletin bulletin;
    struct gridkv_member_event held[PEER_COUNT];
    struct gridkv_member_event believed[PEER_COUNT];
    uint32_t newest[PEER_COUNT]; /* the greatest number taken */
    uint32_t member_count;       /* that are in the table, we among them */
};

static void post(struct world *world, uint32_t peer, uint32_t number, struct gkv_prng *prng)
{
    struct gridkv_member_event *held = &world->held[peer];
    if (held->state == 0 && world->member_count == MEMBER_COUNT_MAX) {
        return; /* the table is full */
    }
    const enum gridkv_member_state states[] = {GRIDKV_MEMBER_ALIVE, GRIDKV_MEMBER_SUSPECT,
                                               GRIDKV_MEMBER_EVICTED, GRIDKV_MEMBER_LEFT};
    const uint64_t kind = held->state == 0 ? 0 : gkv_prng_below(prng, 4);
    const struct gridkv_member_event event = event_of(peer, states[kind], number);
    const bool is_news = event.state != held->state;
    world->member_count += held->state == 0;
    assert_int_equal(gkv_bulletin_post(&world->bulletin, id_of(peer), &event), is_news);
    if (is_news) {
        *held = event;
    }
    if (event.state == GRIDKV_MEMBER_LEFT) {
        held->state = 0;
        world->member_count--;
    }
}

static bool take(struct world *world)
{
    struct gridkv_member_event event;
    const enum gkv_error error = gkv_bulletin_take(&world->bulletin, 0, &event);
    if (error != GKV_OK) {
        assert_int_equal(error, GKV_ERROR_NOT_READY);
        return false;
    }
    assert_in_range(event.boot_id, 0, PEER_COUNT - 1);
    assert_true(event.incarnation > world->newest[event.boot_id]);
    world->newest[event.boot_id] = event.incarnation;
    world->believed[event.boot_id] = event;
    if (event.state == GRIDKV_MEMBER_LEFT) {
        world->believed[event.boot_id].state = 0;
    }
    return true;
}

static void take_all(struct world *world)
{
    while (take(world)) {
    }
}

static void check_same(const struct world *world)
{
    for (uint32_t i = 0; i < PEER_COUNT; i++) {
        assert_int_equal(world->believed[i].state, world->held[i].state);
        assert_true(world->held[i].state == 0 ||
                    world->believed[i].incarnation == world->held[i].incarnation);
    }
}

/* Goal: however late an application takes them, when it has taken all events it knows who is there
 * and how, and of no peer an older event comes after a newer one; and there is always a place.
 * Method: random programs on a table that is always full, of which peers leave and others take the
 * place; sometimes some events are taken, sometimes all. */
static void test_against_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct world world = {.member_count = 1};
        assert_int_equal(gkv_bulletin_init(&world.bulletin, MEMBER_COUNT_MAX), GKV_OK);
        struct gkv_prng prng;
        gkv_prng_init(&prng, seed, 0);
        uint32_t drained_count = 0;
        for (uint32_t i = 1; i <= STEP_COUNT; i++) {
            post(&world, (uint32_t)gkv_prng_below(&prng, PEER_COUNT), i, &prng);
            if (gkv_prng_below(&prng, 4) == 0) {
                (void)take(&world);
            }
            if (gkv_prng_below(&prng, 200) == 0) {
                take_all(&world);
                check_same(&world);
                drained_count++;
            }
        }
        assert_true(drained_count > 0);
        gkv_bulletin_destroy(&world.bulletin);
    }
}

/* Peers first .. first + count - 1 change to a state; it is news of each of them. */
static void post_all(struct gkv_bulletin *bulletin, uint32_t first, uint32_t count,
                     enum gridkv_member_state state)
{
    for (uint32_t peer = first; peer < first + count; peer++) {
        const struct gridkv_member_event event = event_of(peer, state, 1);
        assert_true(gkv_bulletin_post(bulletin, id_of(peer), &event));
    }
}

/* `count` events are taken, in the order of their peers. */
static void take_from(struct gkv_bulletin *bulletin, uint32_t first, uint32_t count,
                      enum gridkv_member_state state)
{
    for (uint32_t peer = first; peer < first + count; peer++) {
        struct gridkv_member_event event;
        assert_int_equal(gkv_bulletin_take(bulletin, 0, &event), GKV_OK);
        assert_int_equal(event.boot_id, peer);
        assert_int_equal(event.state, state);
    }
}

/* Goal: peers that leave, come back and leave again while an application takes slowly do not use
 * the places up: it is told of those it knows, and who left, before it is told of anybody else.
 * Method: a table of us and six. Three of six that were taken make room for others, then the other
 * three for them; when they have been taken, all leave, and six more come. */
static void test_goodbyes_first(void **state)
{
    (void)state;
    struct gkv_bulletin bulletin;
    assert_int_equal(gkv_bulletin_init(&bulletin, 7), GKV_OK);
    post_all(&bulletin, 0, 6, GRIDKV_MEMBER_ALIVE);
    take_from(&bulletin, 0, 6, GRIDKV_MEMBER_ALIVE);
    post_all(&bulletin, 3, 3, GRIDKV_MEMBER_LEFT);
    post_all(&bulletin, 6, 3, GRIDKV_MEMBER_ALIVE);
    post_all(&bulletin, 0, 3, GRIDKV_MEMBER_LEFT);
    post_all(&bulletin, 3, 3, GRIDKV_MEMBER_ALIVE);
    struct gridkv_member_event event;
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(gkv_bulletin_take(&bulletin, 0, &event), GKV_OK);
    }
    post_all(&bulletin, 3, 6, GRIDKV_MEMBER_LEFT);
    post_all(&bulletin, 9, 6, GRIDKV_MEMBER_ALIVE); /* places for all of them */
    take_from(&bulletin, 3, 3, GRIDKV_MEMBER_LEFT);
    take_from(&bulletin, 9, 6, GRIDKV_MEMBER_ALIVE);
    gkv_bulletin_destroy(&bulletin);
}

/* Goal: peers take turns, a newer event keeps the turn of the one that it replaces and says how
 * many there were, and what was said already is no event. Method: two peers. */
static void test_turns(void **state)
{
    (void)state;
    struct gkv_bulletin bulletin;
    assert_int_equal(gkv_bulletin_init(&bulletin, 3), GKV_OK);
    struct gridkv_member_event event = event_of(1, GRIDKV_MEMBER_ALIVE, 1);
    assert_true(gkv_bulletin_post(&bulletin, id_of(1), &event));
    event = event_of(2, GRIDKV_MEMBER_ALIVE, 2);
    assert_true(gkv_bulletin_post(&bulletin, id_of(2), &event));
    event = event_of(1, GRIDKV_MEMBER_SUSPECT, 3);
    assert_true(gkv_bulletin_post(&bulletin, id_of(1), &event));
    assert_false(gkv_bulletin_post(&bulletin, id_of(1), &event));
    event.is_degraded = true;
    assert_true(gkv_bulletin_post(&bulletin, id_of(1), &event));
    assert_int_equal(gkv_bulletin_take(&bulletin, 0, &event), GKV_OK);
    assert_int_equal(event.boot_id, 1);
    assert_int_equal(event.coalesced_count, 2);
    assert_true(event.is_degraded);
    assert_false(gkv_bulletin_post(&bulletin, id_of(1), &event));
    assert_int_equal(gkv_bulletin_take(&bulletin, 0, &event), GKV_OK);
    assert_int_equal(event.boot_id, 2);
    assert_int_equal(event.coalesced_count, 0);
    assert_int_equal(gkv_bulletin_take(&bulletin, 0, &event), GKV_ERROR_NOT_READY);
    gkv_bulletin_destroy(&bulletin);
    gkv_bulletin_destroy(&bulletin);
}

/* Goal: an event holds the texts, and who accuses. Method: of a suspect in a table, and of a
 * stranger. */
static void test_write(void **state)
{
    (void)state;
    static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[16384];
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    struct gkv_members members;
    struct gkv_update said = {.who = {.id = {{1}}, .boot_id = 1}, .state = GKV_MEMBER_ALIVE};
    said.address = (struct gkv_address){.bytes = {4, 127, 0, 0, 1, 0, 80}, .count = 7};
    assert_int_equal(gkv_name_from_text("a", 1, &said.name), GKV_OK);
    gkv_members_init(&members, &arena, 4, &said);
    said.who.id = (struct gkv_node_id){{2}};
    said.state = GKV_MEMBER_SUSPECT;
    said.incarnation = 7;
    said.accuser = (struct gkv_node_id){{1}};
    assert_int_equal(gkv_name_from_text("b", 1, &said.name), GKV_OK);
    assert_int_equal(gkv_member_apply(&members, &said, 0), 1);
    gkv_member_set_degraded(&members, 1, true);
    struct gridkv_member_event event;
    gkv_bulletin_write(&event, &members, &said);
    assert_string_equal(event.name, "b");
    assert_string_equal(event.accuser, "a");
    assert_string_equal(event.state_name, "suspect");
    assert_int_equal(event.state, GRIDKV_MEMBER_SUSPECT);
    assert_int_equal(event.incarnation, 7);
    assert_int_equal(event.member_count, 2);
    assert_true(event.is_degraded);
    said.who.id = said.accuser = (struct gkv_node_id){{3}};
    gkv_bulletin_write(&event, &members, &said);
    assert_string_equal(event.accuser, "");
    assert_false(event.is_degraded);
}

static void *run_taker(void *context)
{
    struct gridkv_member_event event;
    uintptr_t count = 0;
    while (gkv_bulletin_take(context, UINT64_MAX / 2, &event) == GKV_OK) {
        count += 1 + event.coalesced_count;
    }
    return (void *)count;
}

/* Goal: whoever waits takes what comes, nothing is lost between two takers, and both are told when
 * it is closed. Method: two threads take while this one posts. */
static void test_takers_wait(void **state)
{
    (void)state;
    struct gkv_bulletin bulletin;
    assert_int_equal(gkv_bulletin_init(&bulletin, MEMBER_COUNT_MAX), GKV_OK);
    pthread_t takers[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&takers[i], NULL, run_taker, &bulletin), 0);
    }
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        const uint32_t peer = i % (MEMBER_COUNT_MAX - 1);
        struct gridkv_member_event event = event_of(i + 1, GRIDKV_MEMBER_ALIVE, i);
        assert_true(gkv_bulletin_post(&bulletin, id_of(peer), &event));
    }
    struct gridkv_member_event event;
    uintptr_t count = 0;
    while (gkv_bulletin_take(&bulletin, 0, &event) == GKV_OK) {
        count += 1 + event.coalesced_count;
    }
    gkv_bulletin_close(&bulletin);
    for (int i = 0; i < 2; i++) {
        void *taken = NULL;
        assert_int_equal(pthread_join(takers[i], &taken), 0);
        count += (uintptr_t)taken;
    }
    assert_int_equal(count, STEP_COUNT);
    assert_int_equal(gkv_bulletin_take(&bulletin, UINT64_MAX / 2, &event), GKV_ERROR_CLOSED);
    gkv_bulletin_destroy(&bulletin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model), cmocka_unit_test(test_goodbyes_first),
        cmocka_unit_test(test_turns),         cmocka_unit_test(test_write),
        cmocka_unit_test(test_takers_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
