#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "io_posix/herald.h"

#define CAPACITY 60
#define PEER_COUNT 80 /* more than there are places: newcomers take those of members that left */
#define INPUT_COUNT 20000
#define CHANGE_COUNT_MAX 100 /* of one input */
#define SEED_COUNT 4

static alignas(GKV_ARENA_ALIGN) uint8_t memory[64 * 1024];

static struct gkv_update update_of(uint32_t id, uint64_t boot_id, uint32_t incarnation,
                                   enum gkv_member_state state)
{
    struct gkv_update update = {
        .who = {.boot_id = boot_id}, .incarnation = incarnation, .state = state};
    memcpy(update.who.id.bytes, &id, sizeof(id));
    update.address.count = 7;
    memcpy(update.address.bytes, &id, sizeof(id));
    return update;
}

static void table_start(struct gkv_members *members)
{
    const struct gkv_update self = update_of(0, 1, 0, GKV_MEMBER_ALIVE);
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_members_init(members, &arena, CAPACITY, &self);
}

/* What an application that believes each event knows. */
struct listener {
    struct gkv_update held[PEER_COUNT + 1]; /* by id; state NONE: never heard of */
    uint64_t told_count;
};

static void listen(void *context, const struct gkv_members *members, const struct gkv_update *said)
{
    struct listener *listener = context;
    uint32_t id = 0;
    memcpy(&id, said->who.id.bytes, sizeof(id));
    assert_true(id > 0 && id <= PEER_COUNT);
    assert_non_null(members);
    listener->held[id] = *said;
    listener->told_count++;
}

static void check_same(const struct gkv_members *members, const struct listener *listener)
{
    for (uint16_t i = 1; i < members->capacity; i++) {
        const struct gkv_update *said = &gkv_member_at(members, i)->said;
        uint32_t id = 0;
        memcpy(&id, said->who.id.bytes, sizeof(id));
        if (said->state != GKV_MEMBER_NONE) {
            assert_int_equal(listener->held[id].state, said->state);
            assert_int_equal(listener->held[id].who.boot_id, said->who.boot_id);
        }
    }
}

/* Change up to CHANGE_COUNT_MAX members, and make events of the first ones only, as the core does.
 * Returns how many changes there were, told or not. */
static uint32_t random_input(struct gkv_members *members, struct gkv_herald *herald,
                             struct gkv_prng *prng, uint64_t now_ns)
{
    const uint32_t change_count = 1 + (uint32_t)gkv_prng_below(prng, CHANGE_COUNT_MAX);
    uint32_t event_room = 1 + (uint32_t)gkv_prng_below(prng, CHANGE_COUNT_MAX);
    uint32_t changed_count = 0;
    for (uint32_t i = 0; i < change_count; i++) {
        const uint32_t id = 1 + (uint32_t)gkv_prng_below(prng, PEER_COUNT);
        const struct gkv_update update = update_of(
            id, 1 + now_ns / 1000, (uint32_t)gkv_prng_below(prng, 1000),
            (enum gkv_member_state)(GKV_MEMBER_ALIVE + gkv_prng_below(prng, GKV_MEMBER_LEFT)));
        const uint16_t held = gkv_member_find(members, update.who.id);
        const struct gkv_update before = held == GKV_MEMBER_INDEX_NONE
                                             ? (struct gkv_update){.state = GKV_MEMBER_NONE}
                                             : gkv_member_at(members, held)->said;
        if (held != GKV_MEMBER_INDEX_NONE &&
            !gkv_member_update_is_news(gkv_member_at(members, held), &update)) {
            continue;
        }
        if (gkv_member_apply(members, &update, now_ns) == GKV_MEMBER_INDEX_NONE ||
            (before.state == update.state && before.who.boot_id == update.who.boot_id)) {
            continue;
        }
        changed_count++;
        if (event_room > 0) {
            event_room--;
            gkv_herald_tell(herald, members, &update);
        }
    }
    return changed_count;
}

/* Goal: whatever the core had no room for, an application that believes each event knows after each
 * input what the table holds, and is told nothing twice. Method: random inputs of up to 100
 * changes, of which only the first few make events, on a table that is always full. */
static void test_nothing_left_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct gkv_members members;
        table_start(&members);
        struct listener listener = {.told_count = 0};
        struct gkv_herald herald = {.on_member = listen, .context = &listener};
        assert_int_equal(gkv_herald_init(&herald, CAPACITY), GKV_OK);
        struct gkv_prng prng;
        gkv_prng_init(&prng, seed, 0);
        for (uint64_t i = 0; i < INPUT_COUNT / SEED_COUNT; i++) {
            const uint64_t before = listener.told_count;
            const uint32_t changed_count = random_input(&members, &herald, &prng, i);
            gkv_herald_finish(&herald, &members);
            check_same(&members, &listener);
            assert_true(listener.told_count - before <= changed_count);
            const uint64_t told_count = listener.told_count;
            gkv_herald_finish(&herald, &members);
            assert_int_equal(listener.told_count, told_count);
        }
        assert_true(listener.told_count > 0);
        gkv_herald_destroy(&herald);
    }
}

/* Goal: where nobody wants to know, nothing is made and nothing happens. Method: no callback. */
static void test_nobody(void **state)
{
    (void)state;
    struct gkv_members members;
    table_start(&members);
    struct gkv_herald herald = {.on_member = NULL};
    assert_int_equal(gkv_herald_init(&herald, CAPACITY), GKV_OK);
    assert_null(herald.places);
    const struct gkv_update update = update_of(1, 1, 0, GKV_MEMBER_ALIVE);
    assert_int_not_equal(gkv_member_apply(&members, &update, 0), GKV_MEMBER_INDEX_NONE);
    gkv_herald_tell(&herald, &members, &update);
    gkv_herald_finish(&herald, &members);
    gkv_herald_destroy(&herald);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_left_out),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
