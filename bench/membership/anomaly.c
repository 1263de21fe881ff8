#include "bench/membership/anomaly.h"

#include <stdio.h>
#include <string.h>

#include "bench/membership/crowd.h"
#include "core/panic.h"

#define THINNING_MOST (ANOMALY_D_COUNT * ANOMALY_I_COUNT) /* one combination of each C */
#define FIELD_COUNT (sizeof(struct anomaly_result) / sizeof(uint64_t))

static const uint32_t concurrencies[ANOMALY_C_COUNT] = {1, 4, 8, 12, 16, 20, 24, 28, 32};
static const uint32_t durations_ms[ANOMALY_D_COUNT] = {128, 512, 2048, 8192, 16384, 32768};
static const uint32_t intervals_ms[ANOMALY_I_COUNT] = {1, 4, 16, 64, 256, 1024, 4096, 16384};

uint32_t anomaly_concurrency(uint32_t c_index)
{
    return concurrencies[c_index];
}

/* ---- One combination ------------------------------------------------------------------------- */

struct combination {
    enum anomaly_kind kind;
    uint32_t concurrency;
    uint32_t duration_ms;
    uint32_t interval_ms;
};

static void choose_anomalous(struct crowd *crowd, uint32_t count)
{
    while (count > 0) {
        bool *is_anomalous = &crowd->ledger.is_anomalous[crowd_draw(crowd, ANOMALY_NODE_COUNT)];
        count -= !*is_anomalous;
        *is_anomalous = true;
    }
}

static void begin_anomaly(struct crowd *crowd, const struct combination *combination)
{
    const uint64_t until_ns = crowd_now_ns(crowd) + combination->duration_ms * MS;
    for (uint32_t i = 0; i < ANOMALY_NODE_COUNT; i++) {
        if (!crowd->ledger.is_anomalous[i]) {
            continue;
        }
        if (combination->kind == ANOMALY_STOPS) {
            gkv_world_pause(&crowd->world, i, until_ns);
        } else {
            gkv_world_block(&crowd->world, i, until_ns);
        }
    }
}

/* What the ledger counts, as it goes into the result. */
static struct anomaly_result count(const struct crowd *crowd)
{
    const struct ledger_traffic total = ledger_total(&crowd->ledger);
    const struct ledger_false *counts = &crowd->ledger.false_verdicts;
    return (struct anomaly_result){
        .combination_count = 1,
        .false_count = counts->count,
        .false_healthy_count = counts->healthy_count,
        .hearsay_count = counts->hearsay_count,
        .suspicion_count = counts->suspicion_count,
        .message_count = total.datagram_out_count,
        .message_bytes = total.datagram_out_bytes + total.stream_out_bytes,
    };
}

static void add(struct anomaly_result *sum, const struct anomaly_result *more,
                const struct anomaly_result *less)
{
    sum->combination_count += more->combination_count;
    sum->false_count += more->false_count - less->false_count;
    sum->false_healthy_count += more->false_healthy_count - less->false_healthy_count;
    sum->hearsay_count += more->hearsay_count - less->hearsay_count;
    sum->suspicion_count += more->suspicion_count - less->suspicion_count;
    sum->message_count += more->message_count - less->message_count;
    sum->message_bytes += more->message_bytes - less->message_bytes;
    sum->probe_count += more->probe_count - less->probe_count;
}

/* Cycles of the anomaly until two minutes are over; the last one is carried through. */
static void run_combination(const struct gkv_options *options,
                            const struct combination *combination, uint64_t seed,
                            struct anomaly_result *sum)
{
    struct crowd *crowd = crowd_create(options, ANOMALY_NODE_COUNT, 1, seed);
    GKV_ASSERT(crowd != NULL);
    const bool is_formed = crowd_form(crowd, flavor_settle_ns(options));
    GKV_ASSERT(is_formed);
    const uint64_t begin_ns = crowd_now_ns(crowd);
    const struct anomaly_result before = count(crowd);
    choose_anomalous(crowd, combination->concurrency);
    while (crowd_now_ns(crowd) < begin_ns + ANOMALY_SECONDS * SECOND) {
        begin_anomaly(crowd, combination);
        crowd_run(crowd, (combination->duration_ms + combination->interval_ms) * MS);
    }
    struct anomaly_result after = count(crowd);
    after.probe_count = (uint64_t)ANOMALY_NODE_COUNT * options->probe_targets *
                        (crowd_now_ns(crowd) - begin_ns) / (options->probe_interval_ms * MS);
    add(sum, &after, &before);
    crowd_destroy(crowd);
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    struct gkv_options options;
    struct anomaly_result sum = {.combination_count = 0};
    const uint32_t c_index = (uint32_t)piece->arguments[2];
    const uint64_t run_count = piece->arguments[4];
    flavor_options((enum flavor)piece->arguments[0], ANOMALY_NODE_COUNT, &options);
    for (uint32_t cell = 0; cell < ANOMALY_D_COUNT * ANOMALY_I_COUNT; cell++) {
        const uint32_t d = cell / ANOMALY_I_COUNT;
        const uint32_t i = cell % ANOMALY_I_COUNT;
        const struct combination combination = {
            .kind = (enum anomaly_kind)piece->arguments[1],
            .concurrency = concurrencies[c_index],
            .duration_ms = durations_ms[d],
            .interval_ms = intervals_ms[i],
        };
        /* Others for each C, so that every D and every I has its share. */
        const bool is_measured = (cell + 5 * c_index) % piece->arguments[3] == 0;
        for (uint64_t run = 0; run < run_count && is_measured; run++) {
            run_combination(&options, &combination, 1 + cell + 1000 * run, &sum);
        }
    }
    uint64_t fields[FIELD_COUNT];
    memcpy(fields, &sum, sizeof(fields));
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        numbers_add(numbers_out, fields[i]);
    }
}

/* The usual effort thins the grid out, less thins it more, ten times as much measures it all. */
static uint32_t thinning_of(const struct plan *plan, const struct anomaly *anomaly)
{
    if (plan->effort >= 1000) {
        return 1;
    }
    return plan->effort >= 100 ? anomaly->thinning : THINNING_MOST;
}

static struct piece piece_of(const struct plan *plan, const struct anomaly *anomaly,
                             uint32_t c_index)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)anomaly->flavor, (uint64_t)anomaly->kind, c_index,
                      thinning_of(plan, anomaly), plan_repetitions(plan, 1)},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "anomaly-%s-%s-%u", flavor_name(anomaly->flavor),
                   anomaly->kind == ANOMALY_STOPS ? "stops" : "blocks", concurrencies[c_index]);
    return piece;
}

void anomaly_plan(struct plan *plan, const struct anomaly *anomaly)
{
    for (uint32_t i = ANOMALY_C_COUNT; i-- > 0;) { /* the longest first */
        const struct piece piece = piece_of(plan, anomaly, i);
        (void)plan_add(plan, &piece);
    }
}

struct anomaly_result anomaly_result_at(const struct plan *plan, const struct anomaly *anomaly,
                                        uint32_t c_index)
{
    struct anomaly_result result;
    const struct piece piece = piece_of(plan, anomaly, c_index);
    const struct numbers *numbers = plan_numbers(plan, piece.name);
    GKV_ASSERT(numbers->count == FIELD_COUNT);
    memcpy(&result, numbers->values, sizeof(result));
    return result;
}

struct anomaly_result anomaly_result(const struct plan *plan, const struct anomaly *anomaly)
{
    static const struct anomaly_result nothing = {.combination_count = 0};
    struct anomaly_result sum = nothing;
    for (uint32_t i = 0; i < ANOMALY_C_COUNT; i++) {
        const struct anomaly_result at = anomaly_result_at(plan, anomaly, i);
        add(&sum, &at, &nothing);
    }
    return sum;
}
