#include "tests/interleave/clock.h"

#include <string.h>

#include "core/hlc.h"
#include "core/prng.h"
#include "tests/interleave/threads.h"

#define THREAD_COUNT 3
#define OPERATIONS_MAX 6
#define WALL_MS UINT64_C(1000)
#define DRIFT_MS_MAX 5

struct trial {
    struct gkv_hlc_clock clock;
    struct gkv_prng prng[THREAD_COUNT];
    uint64_t told_ms[THREAD_COUNT];
    uint64_t greatest; /* of all that were issued or observed */
    const char *failure;
};

static void fail(struct trial *trial, const char *failure)
{
    trial->failure = trial->failure == NULL ? failure : trial->failure;
}

static void issue(struct trial *trial, uint64_t wall_ms)
{
    const struct gkv_hlc stamp = gkv_hlc_issue(&trial->clock, wall_ms);
    if (stamp.packed <= trial->greatest) {
        fail(trial, "a stamp is not greater than all before it");
        return;
    }
    trial->greatest = stamp.packed;
}

static void observe(struct trial *trial, uint64_t wall_ms, struct gkv_prng *prng)
{
    const uint64_t ms = wall_ms + gkv_prng_below(prng, 2 * DRIFT_MS_MAX);
    const struct gkv_hlc remote = {ms << GKV_HLC_COUNTER_BITS | gkv_prng_below(prng, 4)};
    const enum gkv_error error = gkv_hlc_observe(&trial->clock, wall_ms, remote);
    if ((error == GKV_OK) != (ms <= wall_ms + DRIFT_MS_MAX)) {
        fail(trial, "a stamp too far ahead was observed, or another was not");
    }
    if (error == GKV_OK && remote.packed > trial->greatest) {
        trial->greatest = remote.packed;
    }
}

static void ask(struct trial *trial, uint32_t thread, uint64_t wall_ms)
{
    const uint64_t now_ms = gkv_hlc_now_ms(&trial->clock, wall_ms);
    if (now_ms < wall_ms || now_ms < trial->told_ms[thread]) {
        fail(trial, "the time went back");
    }
    trial->told_ms[thread] = now_ms;
}

static void operate(void *context, uint32_t thread)
{
    struct trial *trial = context;
    struct gkv_prng *prng = &trial->prng[thread];
    const uint32_t count = 1 + (uint32_t)gkv_prng_below(prng, OPERATIONS_MAX);
    for (uint32_t i = 0; i < count && trial->failure == NULL; i++) {
        const uint64_t wall_ms = WALL_MS + gkv_prng_below(prng, 3);
        switch (gkv_prng_below(prng, 4)) {
        case 0:
            observe(trial, wall_ms, prng);
            break;
        case 1:
            ask(trial, thread, wall_ms);
            break;
        default:
            issue(trial, wall_ms);
            break;
        }
    }
}

const char *interleave_clock_trial(uint64_t seed, uint64_t *steps_out)
{
    static struct trial trial;
    struct gkv_prng prng;
    memset(&trial, 0, sizeof(trial));
    gkv_hlc_clock_init(&trial.clock, DRIFT_MS_MAX);
    gkv_prng_init(&prng, seed, 19);
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        gkv_prng_init(&trial.prng[i], seed, 12 + i);
    }
    const struct interleave_plan plan = {
        .seed = seed,
        .thread_count = THREAD_COUNT,
        .change_count = (uint32_t)gkv_prng_below(&prng, 6),
        .step_count = 8u << gkv_prng_below(&prng, 3),
    };
    *steps_out = interleave_run(&plan, operate, &trial);
    if (gkv_hlc_last(&trial.clock).packed < trial.greatest) {
        fail(&trial, "in the end the clock is behind a stamp");
    }
    return trial.failure;
}
