#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/options.h"

static struct gkv_options good_options(void)
{
    struct gkv_options options;
    gkv_options_init(&options);
    assert_int_equal(gkv_name_from_text("a", 1, &options.name), GKV_OK);
    options.address.count = 1;
    options.boot_id = 1;
    return options;
}

static void expect_refused(const struct gkv_options *options, const char *word)
{
    const char *reason = NULL;
    assert_int_equal(gkv_options_check(options, &reason), GKV_ERROR_OPTION);
    assert_non_null(reason);
    assert_non_null(strstr(reason, word));
}

/* Goal: the defaults, with a name, an address and a boot, are accepted.
 * Method: check them. */
static void test_defaults_are_good(void **state)
{
    (void)state;
    const struct gkv_options options = good_options();
    const char *reason = "untouched";
    assert_int_equal(gkv_options_check(&options, &reason), GKV_OK);
    assert_null(reason);
    assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
}

/* Goal: what has no default must be given.
 * Method: leave each out. */
static void test_identity_is_required(void **state)
{
    (void)state;
    struct gkv_options options = good_options();
    options.name.count = 0;
    expect_refused(&options, "name");
    options = good_options();
    options.address.count = 0;
    expect_refused(&options, "address");
    options = good_options();
    options.boot_id = 0;
    expect_refused(&options, "boot_id");
    options = good_options();
    options.struct_bytes = 8;
    expect_refused(&options, "gkv_options_init");
}

/* Goal: every range is held at both ends, and the reason names the option.
 * Method: one step outside each. */
static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t bad;
        const char *word;
    } cases[] = {
        {offsetof(struct gkv_options, seed_count), 17, "seed_count"},
        {offsetof(struct gkv_options, replica_count), 8, "replica_count"},
        {offsetof(struct gkv_options, replica_count), 0, "replica_count"},
        {offsetof(struct gkv_options, value_bytes_max), 0, "value_bytes_max"},
        {offsetof(struct gkv_options, value_bytes_max), 16777217, "value_bytes_max"},
        {offsetof(struct gkv_options, member_count_max), 1025, "member_count_max"},
        {offsetof(struct gkv_options, operation_count_max), 0, "operation_count_max"},
        {offsetof(struct gkv_options, operation_timeout_ms), 0, "operation_timeout_ms"},
        {offsetof(struct gkv_options, probe_interval_ms), 9, "probe_interval_ms"},
        {offsetof(struct gkv_options, probe_timeout_ms), 100, "probe_timeout_ms"},
        {offsetof(struct gkv_options, probe_repeat_ms), 50, "probe_repeat_ms"},
        {offsetof(struct gkv_options, probe_indirect_timeout_ms), 0, "probe_indirect_timeout_ms"},
        {offsetof(struct gkv_options, probe_indirect_timeout_ms), 351, "probe_targets"},
        {offsetof(struct gkv_options, probe_targets), 0, "probe_targets"},
        {offsetof(struct gkv_options, probe_targets), 9, "probe_targets"},
        {offsetof(struct gkv_options, probe_helpers), 4, "probe_helpers"},
        {offsetof(struct gkv_options, probe_by_stream), 2, "probe_by_stream"},
        {offsetof(struct gkv_options, probe_nacks), 2, "probe_nacks"},
        {offsetof(struct gkv_options, gossip_fanout), 4, "gossip_fanout"},
        {offsetof(struct gkv_options, health_max), 0, "health_max"},
        {offsetof(struct gkv_options, health_max), 17, "health_max"},
        {offsetof(struct gkv_options, suspicion_max_factor), 0, "suspicion_max_factor"},
        {offsetof(struct gkv_options, suspicion_max_factor), 17, "suspicion_max_factor"},
        {offsetof(struct gkv_options, suspicion_confirmations), 4, "suspicion_confirmations"},
        {offsetof(struct gkv_options, reconnect_max_ms), 999, "reconnect_max_ms"},
        {offsetof(struct gkv_options, leave_ms), 60001, "leave_ms"},
        {offsetof(struct gkv_options, left_keep_ms), 999, "left_keep_ms"},
        {offsetof(struct gkv_options, evict_delay_ms), 86400001, "evict_delay_ms"},
        {offsetof(struct gkv_options, bootstrap_expect), 0, "bootstrap_expect"},
        {offsetof(struct gkv_options, bootstrap_expect), 65, "bootstrap_expect"},
        {offsetof(struct gkv_options, stall_ms), 60001, "stall_ms"},
        {offsetof(struct gkv_options, witness_count), 9, "witness_count"},
        {offsetof(struct gkv_options, witness_patience_ms), 3600001, "witness_patience_ms"},
        {offsetof(struct gkv_options, startup_grace_ms), 3600001, "startup_grace_ms"},
        {offsetof(struct gkv_options, last_chance), 2, "last_chance"},
        {offsetof(struct gkv_options, buddy), 2, "buddy"},
        {offsetof(struct gkv_options, probe_timeout_ms), 0, "probe_timeout_ms"},
        {offsetof(struct gkv_options, gossip_interval_ms), 4, "gossip_interval_ms"},
        {offsetof(struct gkv_options, sync_interval_ms), 9, "sync_interval_ms"},
        {offsetof(struct gkv_options, drift_ms_max), 0, "drift_ms_max"},
        {offsetof(struct gkv_options, read_repair_per_second_max), 1000001, "read_repair"},
        {offsetof(struct gkv_options, mark_count_max), 0, "mark_count_max"},
        {offsetof(struct gkv_options, mark_count_max), 1048577, "mark_count_max"},
        {offsetof(struct gkv_options, value_compress_bytes), 16777217, "value_compress_bytes"},
        {offsetof(struct gkv_options, value_compress_bytes), 1, "where there is no packer"},
        {offsetof(struct gkv_options, hot_read_cache_ttl_ms), 0, "hot_read_cache_ttl_ms"},
        {offsetof(struct gkv_options, hot_read_cache_ttl_ms), 60001, "hot_read_cache_ttl_ms"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gkv_options options = good_options();
        memcpy((uint8_t *)&options + cases[i].offset, &cases[i].bad, sizeof(cases[i].bad));
        expect_refused(&options, cases[i].word);
    }
}

/* Goal: QUORUM is refused where its promise would be false; EVENTUAL takes the same numbers.
 * Method: all N, W, R up to 7, against the two inequalities. */
static void test_quorum_arithmetic(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 7; n++) {
        for (uint32_t w = 0; w <= 8; w++) {
            for (uint32_t r = 0; r <= 8; r++) {
                struct gkv_options options = good_options();
                options.replica_count = n;
                options.write_quorum = w;
                options.read_quorum = r;
                const int in_range = w >= 1 && w <= n && r >= 1 && r <= n;
                const int sound = in_range && r + w > n && w > n / 2;
                assert_int_equal(gkv_options_check(&options, NULL) == GKV_OK, sound);
                options.level = GKV_LEVEL_EVENTUAL;
                assert_int_equal(gkv_options_check(&options, NULL) == GKV_OK, in_range);
            }
        }
    }
}

/* Goal: a hot cache has a size that leaves room for the store, and is for EVENTUAL alone.
 * Method: the bounds of its size, and both levels. */
static void test_hot_cache(void **state)
{
    (void)state;
    struct gkv_options options = good_options();
    options.level = GKV_LEVEL_EVENTUAL;
    const uint64_t most = options.memory_limit_bytes - GKV_STORE_BYTES_MIN;
    const uint64_t good[] = {0, 4096, most};
    const uint64_t bad[] = {1, 4095, most + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        options.hot_cache_size = good[i];
        assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        options.hot_cache_size = bad[i];
        expect_refused(&options, "hot_cache_size must be 0, or lie in");
    }
    options.hot_cache_size = 4096;
    options.level = GKV_LEVEL_QUORUM;
    expect_refused(&options, "choose level EVENTUAL");
}

/* Goal: only a cluster that promises no more than EVENTUAL may evict.
 * Method: every level with every policy, and a policy that is none. */
static void test_memory_policy(void **state)
{
    (void)state;
    struct gkv_options options = good_options();
    assert_int_equal(options.memory_policy, GKV_MEMORY_REJECT);
    options.memory_policy = GKV_MEMORY_EVICT;
    expect_refused(&options, "memory_policy");
    options.level = GKV_LEVEL_EVENTUAL;
    assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
    options.memory_policy = GKV_MEMORY_REJECT;
    assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
    options.memory_policy = (enum gkv_memory_policy)3;
    expect_refused(&options, "memory_policy");
}

/* Goal: room that cannot hold the largest records is refused.
 * Method: the store and the operation memory one byte under their least. */
static void test_room(void **state)
{
    (void)state;
    struct gkv_options options = good_options();
    options.memory_limit_bytes = GKV_STORE_BYTES_MIN - 1;
    expect_refused(&options, "memory_limit_bytes");
    options = good_options();
    options.operation_memory_bytes = 4 * (UINT64_C(1024) + 1024 * 1024) - 1;
    expect_refused(&options, "operation_memory_bytes");
    options.operation_memory_bytes++;
    assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
}

/* Goal: names have 1 .. 63 bytes, and equal names are equal ids.
 * Method: both bounds; three names. */
static void test_names(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'x', sizeof(text));
    struct gkv_name a;
    struct gkv_name b;
    assert_int_equal(gkv_name_from_text(text, 0, &a), GKV_ERROR_OPTION);
    assert_int_equal(gkv_name_from_text(text, 64, &a), GKV_ERROR_OPTION);
    assert_int_equal(gkv_name_from_text(text, 63, &a), GKV_OK);
    assert_int_equal(gkv_name_from_text(text, 62, &b), GKV_OK);
    assert_false(gkv_node_id_equal(gkv_node_id_of_name(&a), gkv_node_id_of_name(&b)));
    assert_int_equal(gkv_name_from_text(text, 63, &b), GKV_OK);
    assert_true(gkv_node_id_equal(gkv_node_id_of_name(&a), gkv_node_id_of_name(&b)));
}

/* Goal: every profile is a set of times that is accepted, the first is the default, and each is
 * slower than the one before; nothing but times changes.
 * Method: set each on options with everything else filled. */
static void test_profiles(void **state)
{
    (void)state;
    struct gkv_options plain = good_options();
    struct gkv_options options = plain;
    uint32_t interval_ms = 0;
    for (int profile = GKV_OPTIONS_LAN; profile <= GKV_OPTIONS_WAN; profile++) {
        gkv_options_profile(&options, (enum gkv_options_profile)profile);
        assert_int_equal(gkv_options_check(&options, NULL), GKV_OK);
        assert_true(options.probe_interval_ms > interval_ms);
        interval_ms = options.probe_interval_ms;
        assert_int_equal(options.replica_count, plain.replica_count);
        assert_int_equal(options.witness_count, plain.witness_count);
    }
    assert_int_equal(options.operation_timeout_ms, 5000);
    gkv_options_profile(&options, GKV_OPTIONS_LAN);
    assert_memory_equal(&options, &plain, sizeof(options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_good),
        cmocka_unit_test(test_identity_is_required),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_quorum_arithmetic),
        cmocka_unit_test(test_memory_policy),
        cmocka_unit_test(test_hot_cache),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
