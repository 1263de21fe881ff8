#include "sim/check.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/store.h"
#include "sim/forgetting.h"

/* What is held is right by itself, at any time and anywhere. In the end the live owners of a key
 * hold the same version with the same bytes, and at least what was acknowledged where nothing may
 * be forgotten. A full store cannot take what it misses: there, only the first is asked. But where
 * stores evict, those that hold the key hold the same of it, and who does not has no room. */

struct holding {
    struct gkv_record record;
    uint8_t value[GKV_HISTORY_VALUE_BYTES_MAX];
    uint32_t node;
};

/* Fill a holding but for its node, which is up. */
static void read_holding(const struct gkv_trial *trial, uint32_t key, struct holding *holding)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed);
    /* An expiry is judged when it is over by every clock. */
    const uint64_t now_ms =
        gkv_sim_clock_true_ms(trial->world.now_ns) + (uint64_t)trial->scenario.skew_ms_max + 1;
    struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[holding->node].endpoint);
    holding->record = (struct gkv_record){0};
    if (!gkv_store_peek(gkv_node_store(node), (struct gkv_key){bytes, hash}, now_ms,
                        (struct gkv_buffer){holding->value, sizeof(holding->value)},
                        &holding->record)) {
        holding->record = (struct gkv_record){0};
    }
}

/* What may be forgotten by now is as good as nothing: owners forget it one after the other. */
static void forget(struct gkv_trial *trial, uint32_t key, struct holding *holding)
{
    trial->tally.counts[GKV_HOLDS_FORGOTTEN] += gkv_forgetting_has_begun(trial, &holding->record);
    if (gkv_forgetting_is_overdue(trial, key, &holding->record)) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "store",
                       "%s still holds what was to be forgotten of k%u",
                       gkv_host_text(holding->node).text, (unsigned)key);
    }
    if (gkv_forgetting_has_begun(trial, &holding->record)) {
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

/* "a holds 1767225601493.0 deleted", or "a holds nothing". */
static void say_holding(const struct holding *holding, char *text, size_t text_bytes)
{
    const struct gkv_record *record = &holding->record;
    if (gkv_version_is_none(record->version)) {
        (void)snprintf(text, text_bytes, "%s holds nothing", gkv_host_text(holding->node).text);
        return;
    }
    (void)snprintf(text, text_bytes, "%s holds %s%s", gkv_host_text(holding->node).text,
                   gkv_history_version(record->version).text,
                   !record->is_tombstone    ? ""
                   : record->expire_ms != 0 ? " expired"
                                            : " deleted");
}

static void say_difference(const struct holding *a, const struct holding *b, uint32_t key,
                           char *why, size_t why_bytes)
{
    char texts[2][60];
    say_holding(a, texts[0], sizeof(texts[0]));
    say_holding(b, texts[1], sizeof(texts[1]));
    (void)snprintf(why, why_bytes, "k%u: %s, %s", (unsigned)key, texts[0], texts[1]);
}

/* What a node holds is right by itself: bytes that somebody wrote who did not fail. */
static bool is_right(struct gkv_trial *trial, uint32_t key, const struct holding *holding)
{
    if (holding->record.is_tombstone || gkv_version_is_none(holding->record.version)) {
        return true;
    }
    trial->tally.counts[GKV_HOLDS_RIGHT]++;
    const uint32_t writer = gkv_history_writer(&trial->history, key, holding->record.value);
    if (writer == GKV_HISTORY_NONE) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "store", "%s holds bytes of k%u that nobody wrote",
                       gkv_host_text(holding->node).text, (unsigned)key);
        return false;
    }
    if (gkv_history_has_failed(&trial->history.deeds[writer])) {
        trial->verdict.key = key;
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "store",
                       "%s holds the value of operation %u, which was told %s: not in doubt",
                       gkv_host_text(holding->node).text, (unsigned)writer,
                       gkv_error_name(trial->history.deeds[writer].error));
        return false;
    }
    return true;
}

/* What the owners agree on is at least what was acknowledged, where nothing is forgotten. At once
 * where the ring stands still; else when the last of it has been moved. */
static bool holds_acknowledged(struct gkv_trial *trial, uint32_t key, const struct holding *holding,
                               char *why, size_t why_bytes)
{
    const struct gkv_version floor = trial->floors[key];
    if (!trial->scenario.forgets_nothing) {
        return true;
    }
    trial->tally.counts[GKV_HOLDS_OWNED] += !gkv_version_is_none(floor);
    const bool is_forgotten = gkv_version_is_none(holding->record.version) &&
                              gkv_forgetting_is_allowed(trial, key, floor);
    if (gkv_version_compare(holding->record.version, floor) >= 0 || is_forgotten) {
        return true;
    }
    trial->verdict.key = key;
    (void)snprintf(why, why_bytes, "k%u: all owners hold %s, but %s had been acknowledged",
                   (unsigned)key, gkv_history_version(holding->record.version).text,
                   gkv_history_version(floor).text);
    if (trial->scenario.checks_quorum) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "store", "%s", why);
    }
    return false;
}

/* Where stores evict: does this owner, who holds nothing of a key, have room for it? */
static bool has_room(const struct gkv_trial *trial, uint32_t node)
{
    return gkv_store_has_room(gkv_node_store(gkv_endpoint_node(trial->world.hosts[node].endpoint)));
}

static bool settle_key(struct gkv_trial *trial, uint32_t key, char *why, size_t why_bytes)
{
    const bool evicts = trial->scenario.evicts;
    static struct holding first; /* two of them are too large for a stack frame */
    static struct holding other;
    uint8_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t owner_count = gkv_owners_of(trial, key, owners);
    bool have_first = false;
    for (uint32_t i = 0; i < owner_count; i++) {
        if (!gkv_check_is_core(trial, owners[i])) {
            continue;
        }
        struct holding *holding = have_first ? &other : &first;
        holding->node = owners[i];
        read_holding(trial, key, holding);
        forget(trial, key, holding);
        if (!is_right(trial, key, holding)) {
            return false;
        }
        const bool is_without = gkv_version_is_none(holding->record.version);
        if (evicts && is_without && !has_room(trial, holding->node)) {
            continue;
        }
        const bool is_compared = have_first && (!trial->scenario.may_be_full || evicts);
        trial->tally.counts[GKV_HOLDS_OWNERS_AGREE] +=
            is_compared && !gkv_version_is_none(first.record.version);
        if (is_compared && !is_same(&first, &other)) {
            say_difference(&first, &other, key, why, why_bytes);
            trial->verdict.key = key;
            return false;
        }
        have_first = true;
    }
    return !have_first || trial->scenario.may_be_full ||
           holds_acknowledged(trial, key, &first, why, why_bytes);
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

/* Whatever anybody holds, owner or not, in agreement or not yet. */
static void finish(struct gkv_trial *trial)
{
    static struct holding holding; /* too large for a stack frame */
    for (uint32_t node = 0; node < trial->scenario.node_count; node++) {
        holding.node = node;
        for (uint32_t key = 0; key < trial->scenario.key_count; key++) {
            if (trial->world.hosts[node].is_up) {
                read_holding(trial, key, &holding);
                (void)is_right(trial, key, &holding);
            }
        }
    }
}

const struct gkv_check gkv_check_store = {
    .name = "store",
    .demands = "What a node holds was written by somebody who was not told a failure; once all is "
               "quiet, the live owners of a key hold the same version and bytes, and nothing that "
               "was acknowledged is lost; in a cache, those who hold the key hold the same.",
    .settle = settle,
    .finish = finish,
};
