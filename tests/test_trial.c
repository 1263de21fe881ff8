#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/store.h"
#include "sim/check.h"
#include "sim/check_linear.h"
#include "sim/family.h"
#include "sim/script.h"
#include "sim/script_text.h"
#include "sim/trial.h"

/* Whole runs: those of which only safety is asked end in the midst of their faults; and large
 * clusters. */

#define SEED_COUNT 300
#define LARGE_NODE_COUNT 256

/* Something wrong is planted when the last client has been answered; false: not here. */
typedef bool plant_function(struct gkv_trial *trial);

struct look {
    plant_function *plant; /* NULL: none */
    bool is_planted;
};

static void look(void *context, const struct gkv_trial *trial)
{
    struct look *look = context;
    if (look->plant != NULL && !look->is_planted && trial->phase == GKV_PHASE_WORK &&
        trial->issued_count == trial->scenario.operation_count && trial->history.open_count == 0) {
        look->is_planted = look->plant((struct gkv_trial *)(uintptr_t)trial);
    }
}

static void run(uint64_t seed, plant_function *plant, struct look *look_out,
                struct gkv_trial_summary *summary_out)
{
    *look_out = (struct look){.plant = plant};
    gkv_trial_run_with(
        &(struct gkv_trial_options){
            .seed = seed,
            .profile = GKV_PROFILE_HOSTILE,
            .off_mask = gkv_scenario_forgetful_mask() | gkv_scenario_moving_mask() |
                        gkv_family_bit(GKV_FAMILY_FLIPS) | gkv_family_bit(GKV_FAMILY_TRUNCATIONS),
            .look = look,
            .context = look_out,
        },
        summary_out);
}

/* ---- What may be wrong in the end ------------------------------------------------------------ */

/* A node hears what is no message. */
static bool plant_noise(struct gkv_trial *trial)
{
    struct gkv_host *host = &trial->world.hosts[0];
    const struct gkv_address source = gkv_host_address(1);
    const uint8_t noise[] = "this is no message";
    if (host->is_up) {
        gkv_endpoint_on_datagram(host->endpoint, gkv_host_now(host, trial->world.now_ns), &source,
                                 (struct gkv_bytes){.data = noise, .count = sizeof(noise)});
    }
    return host->is_up;
}

/* A node holds what nobody wrote. */
static bool plant_value(struct gkv_trial *trial)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(0, text);
    const struct gkv_key key = {
        bytes, gkv_hash(bytes.data, bytes.count, trial->scenario.world.node.hash_seed)};
    const struct gkv_record record = {
        .version = {{gkv_sim_clock_true_ms(trial->world.now_ns) << 16}, 1},
        .value = {.data = (const uint8_t *)"some", .count = 4}};
    struct gkv_node *node = gkv_endpoint_node(trial->world.hosts[0].endpoint);
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(node);
    return gkv_store_put(store, key, &record, NULL) == GKV_STORE_STORED;
}

/* Something was acknowledged that no node holds. */
static bool plant_loss(struct gkv_trial *trial)
{
    trial->durable_watch.newest[0].version.hlc.packed = UINT64_MAX;
    return true;
}

/* An operation of a node that lives was never completed. */
static bool plant_silence(struct gkv_trial *trial)
{
    const struct gkv_deed *deed = &trial->history.deeds[0];
    const struct gkv_host *host = &trial->world.hosts[deed->node];
    const bool lives_on =
        host->is_up && host->life_count == deed->life &&
        trial->world.now_ns - deed->begin_ns > host->pause_total_ns + 3600 * GKV_NS_PER_MS;
    trial->history.deeds[0].end_ns = lives_on ? 0 : deed->end_ns;
    return lives_on;
}

/* A get, where one node decides alone, knows nothing of what was set before it began. */
static bool plant_amnesia(struct gkv_trial *trial)
{
    struct gkv_deed *deeds = trial->history.deeds;
    for (uint32_t i = 0; i < trial->history.count && gkv_linear_is_promised(&trial->scenario);
         i++) {
        const uint32_t before = deeds[i].before;
        if (deeds[i].kind == GKV_OPERATION_GET && before != GKV_HISTORY_NONE &&
            deeds[before].kind == GKV_OPERATION_SET && deeds[before].error == GKV_OK &&
            deeds[before].end_ns != 0 && deeds[before].end_ns < deeds[i].begin_ns) {
            deeds[i].error = GKV_ERROR_NOT_FOUND;
            deeds[i].version = (struct gkv_version){.writer = 0};
            return true;
        }
    }
    return false;
}

static const struct {
    const char *check;
    plant_function *plant;
} plants[] = {
    {"wire", plant_noise},   {"store", plant_value},    {"durable", plant_loss},
    {"open", plant_silence}, {"linear", plant_amnesia},
};

/* Goal: what must never happen is seen in the end as well, in runs that need not settle.
 * Method: hostile seeds; what is wrong is planted when no client asks any more, so that nothing but
 * the end can show it; the same seeds without it pass. */
static void test_the_end_is_asked_where_nothing_settles(void **state)
{
    static struct gkv_trial_summary summary;
    (void)state;
    for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++) {
        struct look look = {.is_planted = false};
        uint64_t seed = 0;
        while (!look.is_planted && seed < SEED_COUNT) {
            run(++seed, plants[i].plant, &look, &summary);
        }
        assert_true(look.is_planted);
        assert_int_equal(summary.status, GKV_TRIAL_SAFETY);
        assert_string_equal(summary.check, plants[i].check);
        run(seed, NULL, &look, &summary);
        assert_int_equal(summary.status, GKV_TRIAL_PASS);
    }
}

/* Goal: a trial has room for as many nodes as a world may have, letters or not. Method: nodes that
 * meet, a set, a get, and all that is asked once they have settled. */
static void test_a_large_cluster_settles(void **state)
{
    static struct gkv_trial_summary summary;
    char text[] = "scenario 1\n"
                  "1.4s c0 sets k0 at a\n"
                  "1.6s c0 gets k0 at b\n"
                  "expect pass\n";
    (void)state;
    struct gkv_script *script = gkv_script_create();
    assert_non_null(script);
    struct gkv_script_error error;
    FILE *file = fmemopen(text, sizeof(text) - 1, "r");
    assert_non_null(file);
    assert_true(gkv_script_read(file, script, &error));
    (void)fclose(file);
    script->scenario.node_count = LARGE_NODE_COUNT;
    script->scenario.world.node.member_count_max = LARGE_NODE_COUNT;
    gkv_scenario_settle(&script->scenario);
    gkv_trial_run_with(&(struct gkv_trial_options){.script = script, .report = true}, &summary);
    gkv_script_destroy(script);
    assert_int_equal(summary.status, GKV_TRIAL_PASS);
    assert_true(summary.tally.counts[GKV_HOLDS_MEMBER_ALIVE] >=
                LARGE_NODE_COUNT * (LARGE_NODE_COUNT - 1));
    assert_true(summary.tally.counts[GKV_HOLDS_COPIED] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_end_is_asked_where_nothing_settles),
        cmocka_unit_test(test_a_large_cluster_settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
