#include "bench/membership/views.h"

#include <stdio.h>
#include <string.h>

#include "bench/membership/crowd.h"
#include "core/node.h"
#include "core/panic.h"

#define BOOT_NS (100 * MS)   /* all but the seeds are started within */
#define SEED_NS (3 * SECOND) /* after which they are */
#define SEED_COUNT 3
#define LIMIT_NS (VIEWS_SECONDS * SECOND)
#define LOOK_NS (10 * MS)
#define UDP_HEAD_BYTES 28 /* IP's and UDP's */
#define TCP_HEAD_BYTES 52 /* IP's and TCP's with its timestamps, one for PACKET_BYTES */
#define TCP_PACKET_BYTES 1448

/* ---- Sizes ----------------------------------------------------------------------------------- */

struct sizes {
    bool is_said[LEDGER_NODE_COUNT_MAX + 1];
};

static void ask_sizes(const struct crowd *crowd, struct sizes *sizes)
{
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        if (crowd->world.hosts[i].is_up) {
            const struct gkv_node *node = gkv_endpoint_node(crowd->world.hosts[i].endpoint);
            sizes->is_said[gkv_node_stats(node).reachable_count] = true;
        }
    }
}

static uint64_t count_sizes(const struct sizes *sizes)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i <= LEDGER_NODE_COUNT_MAX; i++) {
        count += sizes->is_said[i];
    }
    return count;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

struct gauge {
    struct ledger_traffic before[LEDGER_NODE_COUNT_MAX];
    struct numbers received;
    struct numbers streams; /* of it, in streams */
    struct numbers sent;
};

static uint64_t stream_with_heads(uint64_t bytes)
{
    return bytes + (bytes + TCP_PACKET_BYTES - 1) / TCP_PACKET_BYTES * TCP_HEAD_BYTES;
}

static uint64_t with_heads(uint64_t datagram_count, uint64_t datagram_bytes, uint64_t stream_bytes)
{
    return datagram_bytes + datagram_count * UDP_HEAD_BYTES + stream_with_heads(stream_bytes);
}

/* Take what went in and out of each node that is up since the last time. */
static void read_gauge(struct gauge *gauge, const struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        const struct ledger_traffic *now = &crowd->ledger.traffic[i];
        const struct ledger_traffic *before = &gauge->before[i];
        if (crowd->world.hosts[i].is_up) {
            numbers_add(&gauge->received,
                        with_heads(now->datagram_in_count - before->datagram_in_count,
                                   now->datagram_in_bytes - before->datagram_in_bytes,
                                   now->stream_in_bytes - before->stream_in_bytes));
            numbers_add(&gauge->streams,
                        stream_with_heads(now->stream_in_bytes - before->stream_in_bytes));
            numbers_add(&gauge->sent,
                        with_heads(now->datagram_out_count - before->datagram_out_count,
                                   now->datagram_out_bytes - before->datagram_out_bytes,
                                   now->stream_out_bytes - before->stream_out_bytes));
        }
        gauge->before[i] = *now;
    }
}

static void add_gauge(struct numbers *seconds, struct numbers *numbers_out)
{
    numbers_add(numbers_out, numbers_mean_milli(seconds) / 1000);
    numbers_add(numbers_out, numbers_quantile(seconds, 990));
    numbers_add(numbers_out, numbers_quantile(seconds, 1000));
    numbers_free(seconds);
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* Let a second pass; returns after how many ns of it everybody agreed, or UINT64_MAX. */
static uint64_t pass_second(struct crowd *crowd, bool has_agreed)
{
    uint64_t agreed_ns = UINT64_MAX;
    for (uint64_t passed_ns = 0; passed_ns < SECOND; passed_ns += LOOK_NS) {
        crowd_run(crowd, LOOK_NS);
        if (!has_agreed && agreed_ns == UINT64_MAX && crowd_is_whole(crowd)) {
            agreed_ns = passed_ns + LOOK_NS;
        }
    }
    return agreed_ns;
}

/* Watch what has begun at begin_ns; returns the ms until everybody agreed. */
static uint64_t watch(struct crowd *crowd, uint64_t begin_ns, struct sizes *sizes,
                      struct gauge *gauge)
{
    uint64_t agreed_ns = UINT64_MAX;
    for (uint32_t second = 0; second < VIEWS_SECONDS; second++) {
        const uint64_t second_ns = crowd_now_ns(crowd);
        const uint64_t after_ns = pass_second(crowd, agreed_ns != UINT64_MAX);
        if (after_ns != UINT64_MAX) {
            agreed_ns = second_ns + after_ns - begin_ns;
        }
        ask_sizes(crowd, sizes);
        read_gauge(gauge, crowd);
    }
    return agreed_ns == UINT64_MAX ? LIMIT_NS / MS : agreed_ns / MS;
}

static void boot(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->node_count; i++) {
        if (i == SEED_COUNT) {
            crowd_run(crowd, SEED_NS);
        }
        crowd_boot(crowd, i);
        crowd_run(crowd, BOOT_NS / crowd->node_count);
    }
}

static void run_once(struct crowd *crowd, struct numbers *numbers_out)
{
    static struct gauge gauge;
    struct sizes sizes = {{false}};
    memset(&gauge, 0, sizeof(gauge));
    boot(crowd);
    const uint64_t boot_ms = watch(crowd, crowd_now_ns(crowd) - BOOT_NS, &sizes, &gauge);
    numbers_add(numbers_out, count_sizes(&sizes));
    numbers_add(numbers_out, boot_ms);

    numbers_clear(&gauge.received);
    numbers_clear(&gauge.streams);
    numbers_clear(&gauge.sent);
    sizes = (struct sizes){{false}};
    for (uint32_t i = 0; i < VIEWS_CRASH_COUNT; i++) {
        crowd_crash(crowd, crowd_pick_up(crowd));
    }
    const uint64_t crash_ms = watch(crowd, crowd_now_ns(crowd), &sizes, &gauge);
    sizes.is_said[crowd->node_count] = false;
    numbers_add(numbers_out, count_sizes(&sizes));
    numbers_add(numbers_out, crash_ms);
    add_gauge(&gauge.received, numbers_out);
    add_gauge(&gauge.sent, numbers_out);
    numbers_add(numbers_out, numbers_mean_milli(&gauge.streams) / 1000);
    numbers_free(&gauge.streams);
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    struct gkv_options options;
    const uint32_t node_count = (uint32_t)piece->arguments[1];
    flavor_options((enum flavor)piece->arguments[0], node_count, &options);
    for (uint64_t run = 0; run < piece->arguments[2]; run++) {
        struct crowd *crowd = crowd_create(&options, node_count, 1, run + 1);
        GKV_ASSERT(crowd != NULL);
        run_once(crowd, numbers_out);
        crowd_destroy(crowd);
    }
}

static struct piece piece_of(const struct plan *plan, const struct views *views)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)views->flavor, views->node_count,
                      plan_repetitions(plan, views->run_count)},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "views-%s-%u", flavor_name(views->flavor),
                   views->node_count);
    return piece;
}

void views_plan(struct plan *plan, const struct views *views)
{
    const struct piece piece = piece_of(plan, views);
    (void)plan_add(plan, &piece);
}

struct numbers views_numbers(const struct plan *plan, const struct views *views,
                             enum views_field field)
{
    struct numbers numbers = {.values = NULL};
    const struct piece piece = piece_of(plan, views);
    numbers_column(plan_numbers(plan, piece.name), VIEWS_FIELD_COUNT, (uint32_t)field, &numbers);
    return numbers;
}
