#include "bench/membership/exhaustion.h"

#include <stdio.h>

#include "bench/membership/crowd.h"
#include "core/panic.h"

/* Who is in distress, and when each has used up its slice. */
struct distress {
    uint32_t nodes[EXHAUSTION_NODE_COUNT];
    uint64_t stops_ns[EXHAUSTION_NODE_COUNT];
    uint32_t count;
};

static void choose_distressed(struct crowd *crowd, struct distress *distress, uint32_t count)
{
    while (distress->count < count) {
        const uint32_t node = (uint32_t)crowd_draw(crowd, EXHAUSTION_NODE_COUNT);
        if (!crowd->ledger.is_anomalous[node]) {
            crowd->ledger.is_anomalous[node] = true;
            crowd->world.hosts[node].service_ns = EXHAUSTION_SERVICE_US * MS / 1000;
            distress->nodes[distress->count] = node;
            distress->stops_ns[distress->count++] =
                crowd_now_ns(crowd) + 1 + crowd_draw(crowd, EXHAUSTION_WAIT_MS * MS);
        }
    }
}

static uint32_t next_to_stop(const struct distress *distress)
{
    uint32_t next = 0;
    for (uint32_t i = 1; i < distress->count; i++) {
        next = distress->stops_ns[i] < distress->stops_ns[next] ? i : next;
    }
    return next;
}

static void run_distressed(struct crowd *crowd, struct distress *distress)
{
    const uint64_t end_ns = crowd_now_ns(crowd) + EXHAUSTION_SECONDS * SECOND;
    for (uint32_t next = next_to_stop(distress); distress->stops_ns[next] < end_ns;
         next = next_to_stop(distress)) {
        crowd_run(crowd, distress->stops_ns[next] - crowd_now_ns(crowd));
        const uint64_t until_ns = crowd_now_ns(crowd) + EXHAUSTION_WAIT_MS / 2 * MS +
                                  crowd_draw(crowd, EXHAUSTION_WAIT_MS * MS);
        gkv_world_pause(&crowd->world, distress->nodes[next], until_ns);
        distress->stops_ns[next] = until_ns + EXHAUSTION_RUN_MS * MS;
    }
    crowd_run(crowd, end_ns - crowd_now_ns(crowd));
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    static struct distress distress;
    struct gkv_options options;
    flavor_options((enum flavor)piece->arguments[0], EXHAUSTION_NODE_COUNT, &options);
    struct crowd *crowd = crowd_create(&options, EXHAUSTION_NODE_COUNT, 1, 1);
    GKV_ASSERT(crowd != NULL);
    const bool is_formed = crowd_form(crowd, flavor_settle_ns(&options));
    GKV_ASSERT(is_formed);
    distress.count = 0;
    choose_distressed(crowd, &distress, (uint32_t)piece->arguments[1]);
    run_distressed(crowd, &distress);
    numbers_add(numbers_out, crowd->ledger.false_verdicts.count);
    numbers_add(numbers_out, crowd->ledger.false_verdicts.healthy_count);
    numbers_add(numbers_out, crowd->ledger.false_verdicts.hearsay_count);
    crowd_destroy(crowd);
}

static struct piece piece_of(const struct exhaustion *exhaustion)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)exhaustion->flavor, exhaustion->distressed_count},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "exhaustion-%s-%u",
                   flavor_name(exhaustion->flavor), exhaustion->distressed_count);
    return piece;
}

void exhaustion_plan(struct plan *plan, const struct exhaustion *exhaustion)
{
    const struct piece piece = piece_of(exhaustion);
    (void)plan_add(plan, &piece);
}

struct exhaustion_result exhaustion_result(const struct plan *plan,
                                           const struct exhaustion *exhaustion)
{
    const struct piece piece = piece_of(exhaustion);
    const struct numbers *numbers = plan_numbers(plan, piece.name);
    GKV_ASSERT(numbers->count == 3);
    return (struct exhaustion_result){.false_count = numbers->values[0],
                                      .false_healthy_count = numbers->values[1],
                                      .hearsay_count = numbers->values[2]};
}
