#include "bench/membership/load.h"

#include <stdio.h>
#include <string.h>

#include "bench/membership/crowd.h"
#include "core/panic.h"

#define FIELD_COUNT (sizeof(struct load_result) / sizeof(uint64_t))

/* Let one period pass, and count who sent how many. */
static void count_period(struct crowd *crowd, uint64_t period_ns, struct load_result *result)
{
    static uint64_t before[LEDGER_NODE_COUNT_MAX];
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        before[i] = crowd->ledger.traffic[i].datagram_out_count;
    }
    crowd_run(crowd, period_ns);
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        const uint64_t sent = crowd->ledger.traffic[i].datagram_out_count - before[i];
        result->few_count += sent < LOAD_FEW;
        result->member_period_count++;
    }
}

struct load_result load_measure(const struct gkv_options *options, uint32_t node_count,
                                uint32_t period_count)
{
    struct load_result result = {.sent_count = 0};
    struct crowd *crowd = crowd_create(options, node_count, 1, 1);
    GKV_ASSERT(crowd != NULL);
    /* Everybody is news at first, and a message has room for a few. */
    const bool is_formed =
        crowd_form(crowd, flavor_settle_ns(options) * (1 + node_count / GKV_UPDATE_COUNT_MAX));
    GKV_ASSERT(is_formed);
    const struct ledger_traffic before = ledger_total(&crowd->ledger);
    const uint64_t pings_before = ledger_sent(&crowd->ledger, GKV_MESSAGE_PING);
    for (uint32_t i = 0; i < period_count; i++) {
        count_period(crowd, options->probe_interval_ms * MS, &result);
    }
    const struct ledger_traffic after = ledger_total(&crowd->ledger);
    result.sent_count = after.datagram_out_count - before.datagram_out_count;
    result.sent_bytes = after.datagram_out_bytes - before.datagram_out_bytes;
    result.received_count = after.datagram_in_count - before.datagram_in_count;
    result.ping_count = ledger_sent(&crowd->ledger, GKV_MESSAGE_PING) - pings_before;
    crowd_destroy(crowd);
    return result;
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    struct gkv_options options;
    const uint32_t node_count = (uint32_t)piece->arguments[1];
    flavor_options((enum flavor)piece->arguments[0], node_count, &options);
    const struct load_result result =
        load_measure(&options, node_count, (uint32_t)piece->arguments[2]);
    uint64_t fields[FIELD_COUNT];
    memcpy(fields, &result, sizeof(fields));
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        numbers_add(numbers_out, fields[i]);
    }
}

static struct piece piece_of(const struct load *load)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)load->flavor, load->node_count, load->period_count},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "load-%s-%u-%u", flavor_name(load->flavor),
                   load->node_count, load->period_count);
    return piece;
}

void load_plan(struct plan *plan, const struct load *load)
{
    const struct piece piece = piece_of(load);
    (void)plan_add(plan, &piece);
}

struct load_result load_result(const struct plan *plan, const struct load *load)
{
    struct load_result result;
    const struct piece piece = piece_of(load);
    const struct numbers *numbers = plan_numbers(plan, piece.name);
    GKV_ASSERT(numbers->count == FIELD_COUNT);
    memcpy(&result, numbers->values, sizeof(result));
    return result;
}
