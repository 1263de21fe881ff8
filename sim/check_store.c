#include "sim/check.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/store.h"

/* The live owners of a key hold the same version with the same bytes, and at least what was
 * acknowledged where nothing may be forgotten. */

#define SKEW_SLACK_MS 1000 /* an expiry is judged when it is over by every clock */

struct holding {
    struct gkv_record record;
    uint8_t value[GKV_HISTORY_VALUE_BYTES_MAX];
    uint32_t node;
};

static void read_holding(const struct gkv_trial *trial, uint32_t key, struct holding *holding)
{
    char text[16];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed);
    const uint64_t now_ms = gkv_sim_clock_true_ms(trial->world.now_ns) + SKEW_SLACK_MS;
    struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[holding->node].endpoint);
    holding->record = (struct gkv_record){0};
    if (!gkv_store_get(gkv_node_store(node), (struct gkv_key){bytes, hash}, now_ms,
                       (struct gkv_buffer){holding->value, sizeof(holding->value)},
                       &holding->record)) {
        holding->record = (struct gkv_record){0};
    }
}

static bool is_same(const struct holding *a, const struct holding *b)
{
    return gkv_version_compare(a->record.version, b->record.version) == 0 &&
           a->record.is_tombstone == b->record.is_tombstone &&
           a->record.expire_ms == b->record.expire_ms &&
           gkv_bytes_equal(a->record.value, b->record.value);
}

static void say_difference(const struct holding *a, const struct holding *b, uint32_t key,
                           char *why, size_t why_bytes)
{
    (void)snprintf(why, why_bytes, "k%u: %c holds %llu.%u%s, %c holds %llu.%u%s", (unsigned)key,
                   (char)('a' + a->node), (unsigned long long)gkv_hlc_ms(a->record.version.hlc),
                   (unsigned)(a->record.version.hlc.packed & 0xFFFF),
                   a->record.is_tombstone ? " deleted" : "", (char)('a' + b->node),
                   (unsigned long long)gkv_hlc_ms(b->record.version.hlc),
                   (unsigned)(b->record.version.hlc.packed & 0xFFFF),
                   b->record.is_tombstone ? " deleted" : "");
}

/* What an owner holds is right by itself: bytes that somebody wrote, and nothing acknowledged lost.
 * */
static bool is_right(struct gkv_trial *trial, uint32_t key, const struct holding *holding)
{
    if (holding->record.value.count > 0 &&
        gkv_history_writer(&trial->history, key, holding->record.value) == GKV_HISTORY_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "store", "%c holds bytes of k%u that nobody wrote",
                       (char)('a' + holding->node), (unsigned)key);
        return false;
    }
    return true;
}

static bool settle_key(struct gkv_trial *trial, uint32_t key, char *why, size_t why_bytes)
{
    static struct holding first; /* two of them are too large for a stack frame */
    static struct holding other;
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_check_owners(trial, key, owners);
    bool have_first = false;
    for (uint32_t i = 0; i < owner_count; i++) {
        if (!trial->world.hosts[owners[i]].is_up) {
            continue;
        }
        struct holding *holding = have_first ? &other : &first;
        holding->node = owners[i];
        read_holding(trial, key, holding);
        if (!is_right(trial, key, holding)) {
            return false;
        }
        if (have_first && !is_same(&first, &other)) {
            say_difference(&first, &other, key, why, why_bytes);
            trial->verdict.key = key;
            return false;
        }
        have_first = true;
    }
    if (have_first && trial->scenario.checks_quorum &&
        gkv_version_compare(first.record.version, trial->floors[key]) < 0) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "store",
                       "k%u: the owners agree, but not on what was acknowledged", (unsigned)key);
        return false;
    }
    return true;
}

static bool settle(struct gkv_trial *trial, char *why, size_t why_bytes)
{
    for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
        if (!settle_key(trial, key, why, why_bytes)) {
            return false;
        }
    }
    return true;
}

const struct gkv_check gkv_check_store = {.name = "store", .settle = settle};
