#include "sim/history.h"
#include "sim/scenario_parts.h"

#define MS GKV_NS_PER_MS

/* A few values of tens of KiB, so that streams' buffers, which have room for one or two frames,
 * are worn round and round. */
static void make_huge(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    scenario->value_bytes_min = 8192;
    scenario->value_bytes_max = GKV_HISTORY_VALUE_BYTES_MAX;
    scenario->key_count = gkv_choose_between(choice, "huge.keys", 4, 16);
    scenario->operation_count = gkv_choose_between(choice, "huge.operations", 50, 300);
}

/* Three seeds in five ask anything of any key: half draw no mix, and one mix of five is just that.
 * The others are more like what applications do. */
static void draw_mix(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    if (gkv_choose_percent(choice, "work.has_mix", 50)) {
        scenario->mix = (enum gkv_mix)gkv_choose(choice, "work.mix", GKV_MIX_COUNT);
    }
    if (gkv_choose_percent(choice, "work.has_route", 40)) {
        scenario->route =
            gkv_choose_percent(choice, "work.roams", 50) ? GKV_ROUTE_ROAMING : GKV_ROUTE_STICKY;
    }
    if (gkv_choose_percent(choice, "work.ttl_storm", 8)) {
        scenario->ttl_percent = 80; /* most expire while others overwrite them */
        scenario->ttl_ms_max = 50;
    }
    if (gkv_choose_percent(choice, "work.is_large", 8)) {
        scenario->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
        if (gkv_choose_percent(choice, "work.is_huge", 20)) {
            make_huge(scenario, choice);
        }
    }
    if (gkv_choose_percent(choice, "work.is_idle", 5)) {
        scenario->think_ns_max = 2000 * MS;
    }
}

void gkv_scenario_draw_work(struct gkv_scenario *scenario, struct gkv_choice *choice)
{
    scenario->client_count =
        gkv_choose_between(choice, "work.clients", 1, GKV_SCENARIO_CLIENT_COUNT_MAX);
    scenario->key_count = gkv_choose_log32(choice, "work.keys", 1, GKV_SCENARIO_KEY_COUNT_MAX);
    scenario->hot_key_count = gkv_choose_log32(choice, "work.hot_keys", 1, 4);
    if (scenario->hot_key_count > scenario->key_count) {
        scenario->hot_key_count = scenario->key_count;
    }
    scenario->hot_percent = gkv_choose_between(choice, "work.hot", 0, 95);
    scenario->set_percent = gkv_choose_between(choice, "work.sets", 10, 90);
    if (gkv_choose_percent(choice, "work.has_deletes", 50)) {
        scenario->delete_percent = gkv_choose_between(choice, "work.deletes", 1, 40);
    }
    if (gkv_choose_percent(choice, "work.has_ttl", 30)) {
        scenario->ttl_percent = gkv_choose_between(choice, "work.ttl", 1, 60);
    }
    scenario->value_bytes_min = GKV_HISTORY_VALUE_BYTES_MIN;
    scenario->value_bytes_max = gkv_choose_log32(choice, "work.value", 12, 1024);
    scenario->operation_count =
        gkv_choose_log32(choice, "work.operations", 50, GKV_SCENARIO_OPERATION_COUNT_MAX);
    scenario->think_ns_max = gkv_choose_log(choice, "work.think", 10000, 50 * MS);
    scenario->work_ns = gkv_choose_log(choice, "work.time", 500 * MS, 12000 * MS);
    scenario->ttl_ms_max = 20000;
    draw_mix(scenario, choice);
}
