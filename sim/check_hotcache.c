#include "sim/check.h"

/* A get of a key that others own, at EVENTUAL, may be answered at once, with what they answered
 * lately (core/hotcache.h). So it must be the answer to an earlier get of that key through the same
 * node, in the same life, that asked them; that one began no longer ago than the cache may keep it,
 * by the node's clock; and no write of the key through that node that was acknowledged since, or
 * while it was under way, is newer. What is answered at once was not asked for where messages take
 * time; and what the node's own store holds may be from there. */

static bool is_asked(const struct gkv_trial *trial)
{
    return trial->scenario.world.node.hot_cache_size > 0 && trial->scenario.link.latency_ns > 0;
}

static bool is_answer(const struct gkv_deed *deed)
{
    return deed->kind == GKV_OPERATION_GET && deed->end_ns != 0 &&
           (deed->error == GKV_OK || deed->error == GKV_ERROR_NOT_FOUND);
}

static bool is_same(struct gkv_version a, struct gkv_version b)
{
    return gkv_version_compare(a, b) == 0;
}

/* Is it of the node's own store? */
static bool is_held(const struct gkv_trial *trial, const struct gkv_deed *get)
{
    struct gkv_record record = {.version = {.writer = 0}};
    return !gkv_check_holds(trial, get->node, get->key, &record)
               ? gkv_version_is_none(get->version)
               : is_same(record.version, get->version);
}

/* Where an answer may come from, and what was written since. */
struct origin {
    uint32_t get;      /* the last that asked for it, or GKV_HISTORY_NONE */
    uint32_t write;    /* that was the last to end, of those that are newer; or the same */
    uint64_t write_ns; /* when it ended */
};

static struct origin find_origin(const struct gkv_trial *trial, const struct gkv_deed *get)
{
    struct origin origin = {GKV_HISTORY_NONE, GKV_HISTORY_NONE, 0};
    for (uint32_t number = get->before; number != GKV_HISTORY_NONE;
         number = trial->history.deeds[number].before) {
        const struct gkv_deed *deed = &trial->history.deeds[number];
        if (deed->node != get->node || deed->life != get->life || deed->end_ns == 0) {
            continue;
        }
        if (is_answer(deed)) {
            const bool is_it = origin.get == GKV_HISTORY_NONE && deed->end_ns > deed->begin_ns &&
                               is_same(deed->version, get->version);
            origin.get = is_it ? number : origin.get;
        } else if (deed->kind != GKV_OPERATION_GET && deed->error == GKV_OK &&
                   gkv_version_compare(deed->version, get->version) > 0 &&
                   deed->end_ns > origin.write_ns) {
            origin.write = number;
            origin.write_ns = deed->end_ns;
        }
    }
    return origin;
}

static void check_answer(struct gkv_trial *trial, const struct gkv_deed *get, uint32_t number)
{
    const struct origin origin = find_origin(trial, get);
    trial->tally.counts[GKV_HOLDS_HOTCACHE]++;
    trial->verdict.key = get->key;
    if (origin.get == GKV_HISTORY_NONE) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "hotcache",
                       "operation %u, a get of k%u, is answered at once with what nobody has "
                       "answered %s",
                       (unsigned)number, (unsigned)get->key, gkv_host_text(get->node).text);
        return;
    }
    const struct gkv_deed *asked = &trial->history.deeds[origin.get];
    const uint64_t ttl_ns = trial->scenario.world.node.hot_read_cache_ttl_ms * GKV_NS_PER_MS;
    const uint64_t age_ns =
        gkv_check_mono_ns(trial, get->node) - trial->hotcache_rows.begin_ns[origin.get];
    if (age_ns >= ttl_ns) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "hotcache",
                       "operation %u, a get of k%u, is answered with what %s asked for %llu ms "
                       "ago, in operation %u",
                       (unsigned)number, (unsigned)get->key, gkv_host_text(get->node).text,
                       (unsigned long long)(age_ns / GKV_NS_PER_MS), (unsigned)origin.get);
    } else if (origin.write != GKV_HISTORY_NONE && origin.write_ns > asked->begin_ns) {
        gkv_trial_fail(trial, GKV_TRIAL_SAFETY, "hotcache",
                       "operation %u, a get of k%u, is answered with what operation %u was "
                       "answered, though %s has had operation %u acknowledged since",
                       (unsigned)number, (unsigned)get->key, (unsigned)origin.get,
                       gkv_host_text(get->node).text, (unsigned)origin.write);
    }
}

static void observe(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    if (!is_asked(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_SUBMIT) {
        const uint64_t cookie = observation->operation->cookie;
        if (gkv_history_find(&trial->history, cookie) != NULL) {
            trial->hotcache_rows.begin_ns[cookie - 1] = gkv_check_mono_ns(trial, observation->node);
        }
        return;
    }
    const uint64_t cookie = observation->output->as.result.cookie;
    const struct gkv_deed *deed = gkv_history_find(&trial->history, cookie);
    if (deed != NULL && deed->complete_count == 1 && is_answer(deed) &&
        deed->end_ns == deed->begin_ns && !is_held(trial, deed)) {
        check_answer(trial, deed, (uint32_t)(cookie - 1));
    }
}

const struct gkv_check gkv_check_hotcache = {
    .name = "hotcache",
    .demands = "What is answered without asking the owners is what they answered the same node, "
               "asked no longer than hot_read_cache_ttl_ms ago, and after its own last write.",
    .told_mask = GKV_TOLD(GKV_OBSERVE_SUBMIT) | GKV_TOLD_OUTPUT(GKV_OUTPUT_COMPLETE),
    .observe = observe,
};
