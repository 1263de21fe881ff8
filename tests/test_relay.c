#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/relay.h"

static _Alignas(GKV_ARENA_ALIGN) uint8_t memory[4096];
static struct gkv_relays relays;

static const struct gkv_identity target = {.id = {{7}}, .boot_id = 3};

static int setup(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    struct gkv_arena arena = gkv_arena_over(memory, sizeof(memory));
    gkv_relays_init(&relays, &arena);
    return 0;
}

static void add(uint32_t sequence, uint64_t nack_ns)
{
    gkv_relay_add(&relays, &(struct gkv_relay){.nack_ns = nack_ns,
                                               .asker = {.bytes = {(uint8_t)sequence}, .count = 1},
                                               .target = target,
                                               .asker_sequence = 100 + sequence,
                                               .sequence = sequence});
}

/* Goal: a relay is taken once, by its sequence and its target; a full ring forgets the oldest.
 * Method: one more than fits. */
static void test_taken_once(void **state)
{
    (void)state;
    const struct gkv_node_id other = {{8}};
    for (uint32_t i = 1; i <= GKV_RELAY_COUNT + 1; i++) {
        add(i, GKV_NEVER);
    }
    struct gkv_relay relay;
    assert_false(gkv_relay_take(&relays, 1, target.id, &relay));
    assert_false(gkv_relay_take(&relays, 2, other, &relay));
    assert_true(gkv_relay_take(&relays, 2, target.id, &relay));
    assert_int_equal(relay.asker_sequence, 102);
    assert_int_equal(relay.asker.bytes[0], 2);
    assert_false(gkv_relay_take(&relays, 2, target.id, &relay));
    assert_true(gkv_relay_take(&relays, GKV_RELAY_COUNT + 1, target.id, &relay));
}

/* Goal: a NACK is owed once, in time, unless the ACK came first; the ACK may come after it.
 * Method: three relays, one answered before, one after its NACK. */
static void test_nacks_are_owed_once(void **state)
{
    (void)state;
    struct gkv_relay relay;
    assert_true(gkv_relays_deadline_ns(&relays) == GKV_NEVER);
    add(1, 50);
    add(2, 40);
    add(3, GKV_NEVER);
    assert_int_equal(gkv_relays_deadline_ns(&relays), 40);
    assert_false(gkv_relay_take_due(&relays, 39, &relay));
    assert_true(gkv_relay_take_due(&relays, 40, &relay));
    assert_int_equal(relay.asker_sequence, 102);
    assert_false(gkv_relay_take_due(&relays, 40, &relay));
    assert_int_equal(gkv_relays_deadline_ns(&relays), 50);
    assert_true(gkv_relay_take(&relays, 1, target.id, &relay));
    assert_true(gkv_relays_deadline_ns(&relays) == GKV_NEVER);
    assert_false(gkv_relay_take_due(&relays, 60, &relay));
    assert_true(gkv_relay_take(&relays, 2, target.id, &relay));
}

/* Goal: time that was not is taken off what is owed.
 * Method: postpone one that is owed and one that is not. */
static void test_postpone(void **state)
{
    (void)state;
    add(1, 50);
    add(2, GKV_NEVER);
    gkv_relays_postpone(&relays, 30);
    assert_int_equal(gkv_relays_deadline_ns(&relays), 80);
    struct gkv_relay relay;
    assert_false(gkv_relay_take_due(&relays, 79, &relay));
    assert_true(gkv_relay_take_due(&relays, 80, &relay));
    assert_true(gkv_relays_deadline_ns(&relays) == GKV_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_taken_once, setup),
        cmocka_unit_test_setup(test_nacks_are_owed_once, setup),
        cmocka_unit_test_setup(test_postpone, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
