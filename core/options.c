#include "core/options.h"

#include "core/hash.h"
#include "core/panic.h"

void gkv_options_init(struct gkv_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_bytes = sizeof(*options);
    options->level = GKV_LEVEL_QUORUM;
    options->replica_count = 3;
    options->write_quorum = 2;
    options->read_quorum = 2;
    options->memory_policy = GKV_MEMORY_REJECT;
    options->memory_limit_bytes = UINT64_C(64) * 1024 * 1024;
    options->value_bytes_max = 1024 * 1024;
    options->member_count_max = 64;
    options->operation_count_max = 4096;
    options->operation_memory_bytes = UINT64_C(16) * 1024 * 1024;
    options->bootstrap_expect = 1;
    options->leave_ms = 100;
    options->left_keep_ms = 600000;
    gkv_options_profile(options, GKV_OPTIONS_LAN);
    options->tombstone_keep_ms = 600000;
    options->drift_ms_max = 500;
    options->probe_targets = 2;
    options->probe_helpers = GKV_PROBE_HELPER_COUNT;
    options->probe_by_stream = 1;
    options->probe_nacks = 1;
    options->gossip_fanout = GKV_GOSSIP_FANOUT;
    options->health_max = 8;
    options->suspicion_max_factor = 4;
    options->suspicion_confirmations = GKV_CONFIRMER_COUNT_MAX;
    options->witness_count = 2;
    options->startup_grace_ms = 1000;
    options->last_chance = 1;
    options->buddy = 1;
    options->read_repair_per_second_max = 1000;
    options->mark_count_max = 65536;
    options->hot_read_cache_ttl_ms = 15;
}

/* Everything that gkv_options_profile sets, in ms. */
struct times {
    uint32_t probe_interval;
    uint32_t probe_timeout;
    uint32_t probe_repeat;
    uint32_t probe_indirect_timeout;
    uint32_t suspicion_timeout;
    uint32_t gossip_interval;
    uint32_t push_pull_interval;
    uint32_t reconnect_interval;
    uint32_t reconnect_max;
    uint32_t evict_delay;
    uint32_t degraded_window;
    uint32_t degraded_evict;
    uint32_t stall;
    uint32_t witness_patience;
    uint32_t sync_interval;
    uint32_t operation_timeout;
};

/* clang-format off */
static const struct times profiles[] = {
    [GKV_OPTIONS_LAN] =
        {100, 50, 25, 60, 200, 20, 30000, 1000, 8000, 10000, 10000, 30000, 40, 3000, 1000, 2000},
    [GKV_OPTIONS_STABLE] =
        {200, 100, 50, 120, 1000, 20, 30000, 1000, 8000, 30000, 20000, 60000, 40, 5000, 1000, 2000},
    [GKV_OPTIONS_WAN] =
        {1000, 600, 300, 1000, 3000, 200, 60000, 2000, 30000, 60000, 60000, 180000, 400, 30000,
         10000, 5000},
};
/* clang-format on */

void gkv_options_profile(struct gkv_options *options, enum gkv_options_profile profile)
{
    GKV_ASSERT(profile >= GKV_OPTIONS_LAN && profile <= GKV_OPTIONS_WAN);
    const struct times *times = &profiles[profile];
    options->probe_interval_ms = times->probe_interval;
    options->probe_timeout_ms = times->probe_timeout;
    options->probe_repeat_ms = times->probe_repeat;
    options->probe_indirect_timeout_ms = times->probe_indirect_timeout;
    options->suspicion_timeout_ms = times->suspicion_timeout;
    options->gossip_interval_ms = times->gossip_interval;
    options->push_pull_interval_ms = times->push_pull_interval;
    options->reconnect_interval_ms = times->reconnect_interval;
    options->reconnect_max_ms = times->reconnect_max;
    options->evict_delay_ms = times->evict_delay;
    options->degraded_window_ms = times->degraded_window;
    options->degraded_evict_ms = times->degraded_evict;
    options->stall_ms = times->stall;
    options->witness_patience_ms = times->witness_patience;
    options->sync_interval_ms = times->sync_interval;
    options->operation_timeout_ms = times->operation_timeout;
}

/* One numeric option: its place, its range, and the sentence for when it is outside. */
struct range {
    size_t offset;
    uint32_t least;
    uint32_t most;
    const char *reason;
};

#define RANGE(field, least, most)                             \
    {                                                         \
        offsetof(struct gkv_options, field), (least), (most), \
            #field " must lie in " #least " .. " #most        \
    }

static const struct range ranges[] = {
    RANGE(seed_count, 0, 16),
    RANGE(replica_count, 1, 7),
    RANGE(value_bytes_max, 1, 16777216),
    RANGE(member_count_max, 1, 1024),
    RANGE(operation_count_max, 1, 65536),
    RANGE(operation_timeout_ms, 1, 3600000),
    RANGE(probe_interval_ms, 10, 60000),
    RANGE(probe_indirect_timeout_ms, 1, 60000),
    RANGE(probe_targets, 1, 8),
    RANGE(probe_helpers, 0, 3),
    RANGE(probe_by_stream, 0, 1),
    RANGE(probe_nacks, 0, 1),
    RANGE(gossip_fanout, 0, 3),
    RANGE(health_max, 1, 16),
    RANGE(suspicion_max_factor, 1, 16),
    RANGE(suspicion_confirmations, 0, 3),
    RANGE(stall_ms, 0, 60000),
    RANGE(witness_count, 0, 8),
    RANGE(witness_patience_ms, 0, 3600000),
    RANGE(startup_grace_ms, 0, 3600000),
    RANGE(last_chance, 0, 1),
    RANGE(buddy, 0, 1),
    RANGE(suspicion_timeout_ms, 10, 600000),
    RANGE(gossip_interval_ms, 5, 60000),
    RANGE(push_pull_interval_ms, 10, 3600000),
    RANGE(reconnect_interval_ms, 10, 3600000),
    RANGE(reconnect_max_ms, 10, 3600000),
    RANGE(leave_ms, 0, 60000),
    RANGE(left_keep_ms, 1000, 604800000),
    RANGE(evict_delay_ms, 0, 86400000),
    RANGE(degraded_window_ms, 0, 3600000),
    RANGE(degraded_evict_ms, 0, 86400000),
    RANGE(sync_interval_ms, 10, 3600000),
    RANGE(tombstone_keep_ms, 1000, 604800000),
    RANGE(drift_ms_max, 1, 3600000),
    RANGE(read_repair_per_second_max, 0, 1000000),
    RANGE(mark_count_max, 1, 1048576),
    RANGE(value_compress_bytes, 0, 16777216),
    RANGE(hot_read_cache_ttl_ms, 1, 60000),
};

_Static_assert(GKV_SEED_COUNT_MAX == 16, "the range of seed_count");
_Static_assert(GKV_REPLICA_COUNT_MAX == 7, "the range of replica_count");
_Static_assert(GKV_VALUE_BYTES_CEILING == 16777216, "the range of value_bytes_max");
_Static_assert(GKV_CONFIRMER_COUNT_MAX == 3, "the range of suspicion_confirmations");
_Static_assert(GKV_PROBE_TARGETS_MAX == 8, "the range of probe_targets");
_Static_assert(GKV_PROBE_HELPER_COUNT == 3, "the range of probe_helpers");
_Static_assert(GKV_GOSSIP_FANOUT == 3, "the range of gossip_fanout");
_Static_assert(GKV_MEMBER_COUNT_MAX == 1024, "the range of member_count_max");
_Static_assert(GKV_STORE_BYTES_MIN == 1048576, "the range of memory_limit_bytes");

static const char *check_ranges(const struct gkv_options *options)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        uint32_t value = 0;
        memcpy(&value, (const uint8_t *)options + ranges[i].offset, sizeof(value));
        if (value < ranges[i].least || value > ranges[i].most) {
            return ranges[i].reason;
        }
    }
    return NULL;
}

static const char *check_identity(const struct gkv_options *options)
{
    if (options->struct_bytes != sizeof(*options)) {
        return "struct_bytes is not that of this build; call gkv_options_init first";
    }
    if (options->name.count == 0 || options->name.count > GKV_NAME_BYTES_MAX) {
        return "name must have 1 .. 63 bytes";
    }
    if (options->address.count == 0 || options->address.count > GKV_ADDRESS_BYTES_MAX) {
        return "address must have 1 .. 20 bytes; the shim fills it";
    }
    if (options->boot_id == 0 || options->boot_id == UINT64_MAX) {
        return "boot_id must be unix milliseconds << 16 | 16 random bits";
    }
    return NULL;
}

static const char *check_quorums(const struct gkv_options *options)
{
    const uint32_t n = options->replica_count;
    const uint32_t w = options->write_quorum;
    const uint32_t r = options->read_quorum;
    if (w < 1 || w > n) {
        return "write_quorum must lie in 1 .. replica_count";
    }
    if (r < 1 || r > n) {
        return "read_quorum must lie in 1 .. replica_count";
    }
    if (options->level != GKV_LEVEL_EVENTUAL && options->level != GKV_LEVEL_QUORUM) {
        return "level must be EVENTUAL or QUORUM";
    }
    if (options->level == GKV_LEVEL_QUORUM && (r + w <= n || 2 * w <= n)) {
        return "level QUORUM needs read_quorum + write_quorum > replica_count and write_quorum > "
               "replica_count / 2; raise them or choose level EVENTUAL";
    }
    return NULL;
}

static const char *check_policy(const struct gkv_options *options)
{
    if (options->memory_policy != GKV_MEMORY_REJECT && options->memory_policy != GKV_MEMORY_EVICT) {
        return "memory_policy must be REJECT or EVICT";
    }
    if (options->memory_policy == GKV_MEMORY_EVICT && options->level != GKV_LEVEL_EVENTUAL) {
        return "memory_policy EVICT drops what was acknowledged: choose level EVENTUAL, or "
               "memory_policy REJECT";
    }
    return NULL;
}

static const char *check_room(const struct gkv_options *options)
{
    const uint64_t record_bytes = (uint64_t)GKV_KEY_BYTES_MAX + options->value_bytes_max;
    if (options->memory_limit_bytes < GKV_STORE_BYTES_MIN ||
        options->memory_limit_bytes > (UINT64_C(1) << 37)) {
        return "memory_limit_bytes must lie in 1 MiB .. 128 GiB";
    }
    if (options->value_compress_bytes > 0 &&
        (options->packer.pack == NULL || options->packer.unpack == NULL)) {
        return "value_compress_bytes must be 0 where there is no packer";
    }
    if (options->operation_memory_bytes < 4 * record_bytes ||
        options->operation_memory_bytes > (UINT64_C(1) << 37)) {
        return "operation_memory_bytes must hold four records of the largest value, and be at most "
               "128 GiB";
    }
    return NULL;
}

static const char *check_hotcache(const struct gkv_options *options)
{
    if (options->hot_cache_size == 0) {
        return NULL;
    }
    if (options->hot_cache_size < 4096 ||
        options->hot_cache_size > options->memory_limit_bytes - GKV_STORE_BYTES_MIN) {
        return "hot_cache_size must be 0, or lie in 4096 .. memory_limit_bytes - 1 MiB";
    }
    if (options->level != GKV_LEVEL_EVENTUAL) {
        return "hot_cache_size answers what may be out of date: choose level EVENTUAL, or "
               "hot_cache_size 0";
    }
    return NULL;
}

static const char *check_bootstrap(const struct gkv_options *options)
{
    if (options->bootstrap_expect < 1 || options->bootstrap_expect > options->member_count_max) {
        return "bootstrap_expect must lie in 1 .. member_count_max";
    }
    return NULL;
}

static const char *check_times(const struct gkv_options *options)
{
    if (options->probe_timeout_ms < 1 || options->probe_timeout_ms >= options->probe_interval_ms) {
        return "probe_timeout_ms must lie in 1 .. probe_interval_ms - 1";
    }
    if (options->probe_repeat_ms >= options->probe_timeout_ms) {
        return "probe_repeat_ms must lie in 0 .. probe_timeout_ms - 1";
    }
    if (options->reconnect_max_ms < options->reconnect_interval_ms) {
        return "reconnect_max_ms must lie in reconnect_interval_ms .. 3600000";
    }
    /* Half of the places are left for those who are asked out of turn. */
    const uint64_t lasting_ms =
        (uint64_t)options->probe_timeout_ms + options->probe_indirect_timeout_ms;
    if (options->probe_targets * lasting_ms >
        GKV_PROBE_COUNT_MAX / 2 * (uint64_t)options->probe_interval_ms) {
        return "probe_targets x (probe_timeout_ms + probe_indirect_timeout_ms) must be at most "
               "8 x probe_interval_ms";
    }
    return NULL;
}

enum gkv_error gkv_options_check(const struct gkv_options *options, const char **reason_out)
{
    const char *reason = check_identity(options);
    if (reason == NULL) {
        reason = check_ranges(options);
    }
    if (reason == NULL) {
        reason = check_quorums(options);
    }
    if (reason == NULL) {
        reason = check_policy(options);
    }
    if (reason == NULL) {
        reason = check_room(options);
    }
    if (reason == NULL) {
        reason = check_hotcache(options);
    }
    if (reason == NULL) {
        reason = check_times(options);
    }
    if (reason == NULL) {
        reason = check_bootstrap(options);
    }
    if (reason_out != NULL) {
        *reason_out = reason;
    }
    return reason == NULL ? GKV_OK : GKV_ERROR_OPTION;
}

struct gkv_node_id gkv_node_id_of_name(const struct gkv_name *name)
{
    const struct gkv_hash128 hash = gkv_hash128(name->bytes, name->count, 0);
    struct gkv_node_id id;
    for (unsigned i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(hash.low >> (8 * i));
        id.bytes[8 + i] = (uint8_t)(hash.high >> (8 * i));
    }
    return id;
}

enum gkv_error gkv_name_from_text(const char *text, size_t text_bytes, struct gkv_name *name_out)
{
    if (text_bytes == 0 || text_bytes > GKV_NAME_BYTES_MAX) {
        return GKV_ERROR_OPTION;
    }
    *name_out = (struct gkv_name){.count = (uint8_t)text_bytes};
    memcpy(name_out->bytes, text, text_bytes);
    return GKV_OK;
}
