#include "sim_posix/drill.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "sim/choice.h"
#include "sim/panic.h"
#include "sim_posix/client.h"
#include "sim_posix/deeds.h"
#include "sim_posix/node.h"

#define NODE_COUNT GKV_POSIX_NODE_COUNT
#define MS GKV_NS_PER_MS
#define STEP_NS (4 * MS)
#define CLIENT_COUNT 3
#define CALL_COUNT 16
#define FORM_NS (20000 * MS)
#define HEAL_NS (60000 * MS)
#define READ_NS (30000 * MS)
#define IDLE_NS (2000 * MS)
#define STOP_NS (2000 * MS)
#define CALM_NS (6000 * MS)      /* what was under way when the faults stopped is over by then */
#define AFTERMATH_NS (3000 * MS) /* stopping processes are over, stopped ones go on */
#define ANSWER_NS (10000 * MS)   /* the longest an operation may take, stopped processes included */
#define WAIT_COUNT_MAX 400       /* of an idle process, per simulated second */
#define CLIENTS GKV_POSIX_NODE_COUNT /* the process of the clients */

/* An operation by the API: what gkv_host_post borrows until it is over. */
struct call {
    struct drill *drill;
    uint32_t number; /* GKV_DEED_NONE: free */
    uint32_t node;
    uint32_t life;
    char key[8];
    uint8_t value[GKV_DEED_VALUE_BYTES_MAX];
};

/* What strikes, and how often: 0 is never. */
struct plan {
    struct gkv_kernel_faults faults;
    uint64_t cut_every_ms;
    uint64_t hold_every_ms;  /* a process is stopped */
    uint64_t limit_every_ms; /* a process has no descriptors left */
    uint64_t end_every_ms;   /* a process ends, and comes again */
    uint64_t work_ms;
};

struct drill {
    uint64_t seed;
    struct gkv_choice choice;
    struct gkv_kernel *kernel;
    struct plan plan;
    struct gkv_options options;
    bool asks;             /* clients do */
    uint64_t cut_until_ns; /* of the cut that is under way */
    uint64_t limit_until_ns;
    uint64_t again_ns[NODE_COUNT]; /* a node that is down starts then */
    struct gkv_posix_node nodes[NODE_COUNT];
    struct gkv_posix_client clients[CLIENT_COUNT];
    struct call calls[CALL_COUNT];
    struct gkv_deeds deeds;
};

/* ---- What the seed means ---- */

static uint32_t draw_ppm(struct drill *drill, const char *label, const char *how, uint32_t most)
{
    if (!gkv_choose_percent(&drill->choice, label, 50)) {
        return 0;
    }
    return (uint32_t)gkv_choose_log(&drill->choice, how, 100, most);
}

static uint64_t draw_every_ms(struct drill *drill, const char *label, const char *how,
                              uint32_t percent)
{
    return gkv_choose_percent(&drill->choice, label, percent)
               ? gkv_choose_log(&drill->choice, how, 200, 4000)
               : 0;
}

/* One draw per statement: within one, their order would be the compiler's. */
static void draw_faults(struct drill *drill)
{
    struct gkv_choice *choice = &drill->choice;
    struct gkv_kernel_faults *faults = &drill->plan.faults;
    faults->interrupt_ppm = draw_ppm(drill, "on.interrupt", "ppm.interrupt", 300000);
    faults->again_ppm = draw_ppm(drill, "on.again", "ppm.again", 200000);
    faults->short_ppm = draw_ppm(drill, "on.short", "ppm.short", 800000);
    faults->break_ppm = draw_ppm(drill, "on.break", "ppm.break", 50000);
    faults->refuse_ppm = draw_ppm(drill, "on.refuse", "ppm.refuse", 400000);
    faults->hang_ppm = draw_ppm(drill, "on.hang", "ppm.hang", 200000);
    faults->full_ppm = draw_ppm(drill, "on.full", "ppm.full", 200000);
    faults->abort_ppm = draw_ppm(drill, "on.abort", "ppm.abort", 300000);
    faults->send_ppm = draw_ppm(drill, "on.send", "ppm.send", 300000);
    faults->lose_ppm = draw_ppm(drill, "on.lose", "ppm.lose", 300000);
    faults->double_ppm = draw_ppm(drill, "on.double", "ppm.double", 200000);
    faults->spurious_ppm = draw_ppm(drill, "on.spurious", "ppm.spurious", 100000);
    faults->late_ppm = draw_ppm(drill, "on.late", "ppm.late", 300000);
    faults->oversleep_ppm = draw_ppm(drill, "on.oversleep", "ppm.oversleep", 50000);
    if (gkv_choose_percent(choice, "on.jitter", 50)) {
        faults->jitter_ns = gkv_choose_log(choice, "jitter.ns", 1000, 10 * MS);
    }
}

static void draw_plan(struct drill *drill)
{
    struct plan *plan = &drill->plan;
    draw_faults(drill);
    plan->cut_every_ms = draw_every_ms(drill, "on.cut", "every.cut", 40);
    plan->hold_every_ms = draw_every_ms(drill, "on.hold", "every.hold", 30);
    plan->limit_every_ms = draw_every_ms(drill, "on.limit", "every.limit", 30);
    plan->end_every_ms = draw_every_ms(drill, "on.end", "every.end", 30);
    plan->work_ms = 1000 + gkv_choose(&drill->choice, "work.ms", 7000);
}

static void draw_kernel(struct drill *drill)
{
    struct gkv_kernel *kernel = drill->kernel;
    struct gkv_choice *choice = &drill->choice;
    kernel->latency_ns = gkv_choose_log(choice, "latency.ns", 5000, 5 * MS);
    kernel->window_bytes = (uint32_t)gkv_choose_log(choice, "window.bytes", 512, 65536);
    kernel->reuses_descriptors = !gkv_choose_percent(choice, "fd.fresh", 33);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        kernel->processes[i].mono_off_ns = gkv_choose(choice, "clock.mono", 1000000 * MS);
        kernel->processes[i].wall_off_ms = (int64_t)gkv_choose(choice, "clock.wall", 200);
    }
}

static void draw_options(struct drill *drill)
{
    struct gkv_choice *choice = &drill->choice;
    struct gkv_options *options = &drill->options;
    gkv_options_init(options);
    options->cluster_hash = 1;
    options->hash_seed = 1;
    options->memory_limit_bytes = 4u << 20;
    options->value_bytes_max = GKV_DEED_VALUE_BYTES_MAX;
    options->member_count_max = 4;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 1u << 20;
    options->operation_timeout_ms = (uint32_t)gkv_choose_log(choice, "operation.ms", 300, 3000);
    options->probe_interval_ms = (uint32_t)gkv_choose_log(choice, "probe.ms", 100, 800);
    options->probe_timeout_ms = options->probe_interval_ms / 3;
    options->probe_repeat_ms = options->probe_timeout_ms / 2;
    options->probe_indirect_timeout_ms = options->probe_interval_ms - options->probe_timeout_ms;
    options->gossip_interval_ms = (uint32_t)gkv_choose_log(choice, "gossip.ms", 20, 200);
    options->seed_count = NODE_COUNT;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        options->seeds[i] = gkv_posix_node_address(i, GKV_POSIX_PEER_PORT);
    }
}

/* ---- Nodes ---- */

static void start(struct drill *drill, uint32_t i)
{
    struct gkv_options options = drill->options;
    const char text[2] = {(char)('a' + i), '\0'};
    const enum gkv_error error = gkv_name_from_text(text, 1, &options.name);
    GKV_ASSERT(error == GKV_OK);
    options.address = gkv_posix_node_address(i, GKV_POSIX_PEER_PORT);
    options.boot_id = drill->kernel->now_ns / MS + drill->nodes[i].life + 1;
    options.seed[0] = drill->seed;
    options.seed[1] = (uint64_t)i << 32 | drill->nodes[i].life;
    drill->again_ns[i] = drill->kernel->now_ns + 100 * MS;
    (void)gkv_posix_node_start(&drill->nodes[i], &options);
}

/* What a process that is gone was asked by the API, nobody will answer. */
static void lose_calls(struct drill *drill, uint32_t i)
{
    for (uint32_t c = 0; c < CALL_COUNT; c++) {
        struct call *call = &drill->calls[c];
        if (call->number != GKV_DEED_NONE && call->node == i) {
            gkv_deeds_lose(&drill->deeds, call->number);
            call->number = GKV_DEED_NONE;
        }
    }
}

/* After gkv_host_run, each request has its answer. */
static void check_answered(struct drill *drill, uint32_t i)
{
    for (uint32_t c = 0; c < CALL_COUNT; c++) {
        const struct call *call = &drill->calls[c];
        if (call->number != GKV_DEED_NONE && call->node == i) {
            gkv_kernel_fail(drill->kernel, "answer", "node %u is over, operation %u is not", i,
                            call->number);
        }
    }
}

static void tend_nodes(struct drill *drill)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        struct gkv_posix_node *node = &drill->nodes[i];
        if (node->is_leaving && gkv_posix_node_try_bury(node)) {
            check_answered(drill, i);
        }
        if (node->host == NULL && drill->kernel->now_ns >= drill->again_ns[i]) {
            start(drill, i);
        }
    }
}

static bool is_up(const struct drill *drill, uint32_t i)
{
    return drill->nodes[i].host != NULL && !drill->nodes[i].is_leaving;
}

/* ---- Operations by the API ---- */

static void on_done(const struct gkv_request *request, const struct gkv_result *result)
{
    struct call *call = request->context;
    struct drill *drill = call->drill;
    if (call->number == GKV_DEED_NONE) {
        gkv_kernel_fail(drill->kernel, "once", "node %u answers what is over", call->node);
        return;
    }
    const uint32_t number = call->number;
    call->number = GKV_DEED_NONE;
    gkv_deeds_end(&drill->deeds, number, result->error, result->value);
}

/* Ask; true when it was taken. */
static bool ask(struct drill *drill, uint32_t i, uint32_t key, bool is_set)
{
    struct call *call = NULL;
    for (uint32_t c = 0; c < CALL_COUNT && call == NULL; c++) {
        call = drill->calls[c].number == GKV_DEED_NONE ? &drill->calls[c] : NULL;
    }
    const uint32_t number =
        call == NULL ? GKV_DEED_NONE : gkv_deeds_begin(&drill->deeds, key, is_set, i);
    if (number == GKV_DEED_NONE) {
        return false;
    }
    call->number = number;
    call->node = i;
    const int key_bytes = snprintf(call->key, sizeof(call->key), "k%u", key);
    struct gkv_request request = {
        .operation = {.kind = is_set ? GKV_OPERATION_SET : GKV_OPERATION_GET,
                      .key = {.data = (const uint8_t *)call->key, .count = (size_t)key_bytes}},
        .done = on_done,
        .context = call,
    };
    if (is_set) {
        request.operation.value.data = call->value;
        request.operation.value.count = gkv_deeds_value(number, call->value);
    }
    gkv_kernel_act_as(drill->kernel, i);
    const enum gkv_error error = gkv_host_post(drill->nodes[i].host, &request);
    if (error != GKV_OK) {
        call->number = GKV_DEED_NONE;
        gkv_deeds_end(&drill->deeds, number, error == GKV_ERROR_CLOSED ? GKV_ERROR_BUSY : error,
                      (struct gkv_bytes){NULL, 0});
    }
    return error == GKV_OK;
}

static void ask_any(struct drill *drill)
{
    const uint32_t i = (uint32_t)gkv_choose(&drill->choice, "ask.node", NODE_COUNT);
    const uint32_t key = (uint32_t)gkv_choose(&drill->choice, "ask.key", GKV_DEED_KEY_COUNT);
    const bool is_set = gkv_choose(&drill->choice, "ask.set", 2) == 1;
    if (drill->nodes[i].host != NULL) {
        (void)ask(drill, i, key, is_set);
    }
}

/* An operation that nobody ends is a bug, whatever the kernel does. */
static void check_patience(struct drill *drill)
{
    for (uint32_t c = 0; c < CALL_COUNT; c++) {
        const struct call *call = &drill->calls[c];
        const uint64_t now_ns = drill->kernel->now_ns;
        if (call->number != GKV_DEED_NONE &&
            now_ns - drill->deeds.made[call->number].begin_ns > ANSWER_NS) {
            gkv_kernel_fail(drill->kernel, "answer", "operation %u at node %u does not end",
                            call->number, call->node);
        }
    }
}

/* ---- Faults ---- */

static bool comes(struct drill *drill, const char *label, uint64_t every_ms)
{
    return every_ms > 0 &&
           gkv_chance_happens(&drill->choice.chance, label, GKV_PPM * STEP_NS / MS / every_ms);
}

static uint32_t choose_node(struct drill *drill, const char *label)
{
    return (uint32_t)gkv_choose(&drill->choice, label, NODE_COUNT);
}

static void mend(struct drill *drill)
{
    memset(drill->kernel->is_cut, 0, sizeof(drill->kernel->is_cut));
    drill->cut_until_ns = GKV_NEVER;
}

static void strike_links(struct drill *drill)
{
    struct gkv_kernel *kernel = drill->kernel;
    if (drill->cut_until_ns <= kernel->now_ns) {
        mend(drill);
    }
    if (drill->cut_until_ns == GKV_NEVER && comes(drill, "cut", drill->plan.cut_every_ms)) {
        const uint32_t from = choose_node(drill, "cut.from");
        const uint32_t to = choose_node(drill, "cut.to");
        kernel->is_cut[from][to] = from != to;
        kernel->is_cut[to][from] = from != to && gkv_choose(&drill->choice, "cut.both", 4) != 3;
        drill->cut_until_ns =
            kernel->now_ns + gkv_choose_log(&drill->choice, "cut.ms", 50, 8000) * MS;
    }
}

static void lift_limits(struct drill *drill)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        drill->kernel->processes[i].descriptor_limit = GKV_KERNEL_DESCRIPTOR_COUNT_MAX;
        drill->kernel->processes[i].has_no_watches = false;
    }
    drill->limit_until_ns = GKV_NEVER;
}

static void strike_processes(struct drill *drill)
{
    struct gkv_kernel *kernel = drill->kernel;
    const uint64_t now_ns = kernel->now_ns;
    if (comes(drill, "hold", drill->plan.hold_every_ms)) {
        const uint32_t node = choose_node(drill, "hold.node"); /* a draw to a statement */
        kernel->processes[node].held_ns =
            now_ns + gkv_choose_log(&drill->choice, "hold.ms", 5, 2000) * MS;
    }
    if (drill->limit_until_ns <= now_ns) {
        lift_limits(drill);
    }
    if (drill->limit_until_ns == GKV_NEVER && comes(drill, "limit", drill->plan.limit_every_ms)) {
        struct gkv_kernel_process *it = &kernel->processes[choose_node(drill, "limit.node")];
        it->descriptor_limit =
            it->open_count + (uint32_t)gkv_choose(&drill->choice, "limit.count", 3);
        it->has_no_watches = gkv_choose(&drill->choice, "limit.watches", 2) == 1;
        drill->limit_until_ns = now_ns + gkv_choose_log(&drill->choice, "limit.ms", 50, 3000) * MS;
    }
}

static void strike_lives(struct drill *drill)
{
    if (!comes(drill, "end", drill->plan.end_every_ms)) {
        return;
    }
    const uint32_t i = choose_node(drill, "end.node");
    if (!is_up(drill, i)) {
        return;
    }
    drill->again_ns[i] =
        drill->kernel->now_ns + gkv_choose_log(&drill->choice, "end.ms", 50, 2000) * MS;
    if (gkv_choose(&drill->choice, "end.how", 2) == 0) {
        gkv_posix_node_ask_to_stop(&drill->nodes[i]);
    } else {
        gkv_posix_node_kill(&drill->nodes[i]);
        lose_calls(drill, i);
    }
}

/* ---- Phases ---- */

/* A moment: the kernel runs, then clients and faults have their turn. */
static bool step(struct drill *drill)
{
    if (!gkv_kernel_run(drill->kernel, drill->kernel->now_ns + STEP_NS)) {
        return false;
    }
    tend_nodes(drill);
    for (uint32_t c = 0; c < CLIENT_COUNT; c++) {
        gkv_posix_client_step(&drill->clients[c], NODE_COUNT, GKV_POSIX_CLIENT_PORT);
    }
    if (drill->asks && gkv_choose(&drill->choice, "ask", 8) > 5) {
        ask_any(drill);
    }
    check_patience(drill);
    return drill->kernel->failed_check == NULL;
}

/* NULL, or why the cluster is not as it should be. */
static const char *unsettled(struct drill *drill)
{
    struct gkv_host_figures figures[NODE_COUNT];
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        if (!is_up(drill, i)) {
            return "a node is down";
        }
        gkv_kernel_act_as(drill->kernel, i);
        gkv_host_figures(drill->nodes[i].host, &figures[i]);
        if (figures[i].node.reachable_count != NODE_COUNT ||
            gkv_host_health(drill->nodes[i].host) != GKV_OK) {
            return "a node does not know all others";
        }
        if (memcmp(&figures[i].node.store_digest, &figures[0].node.store_digest,
                   sizeof(figures[0].node.store_digest)) != 0) {
            return "nodes hold different records";
        }
    }
    return NULL;
}

static bool settle(struct drill *drill, const char *check, uint64_t within_ns)
{
    const uint64_t until_ns = drill->kernel->now_ns + within_ns;
    while (step(drill)) {
        const char *why = unsettled(drill);
        if (why == NULL && drill->deeds.open_count == 0) {
            return true;
        }
        if (drill->kernel->now_ns >= until_ns) {
            gkv_kernel_fail(drill->kernel, check, "%s",
                            why == NULL ? "an operation does not end" : why);
        }
    }
    return false;
}

static void quieten(struct drill *drill, bool is_quiet)
{
    drill->asks = !is_quiet;
    for (uint32_t c = 0; c < CLIENT_COUNT; c++) {
        drill->clients[c].is_quiet = is_quiet;
    }
}

static bool form(struct drill *drill)
{
    quieten(drill, true);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        drill->again_ns[i] = gkv_choose(&drill->choice, "form.ns", 200 * MS);
    }
    return settle(drill, "form", FORM_NS);
}

static bool work(struct drill *drill)
{
    const uint64_t until_ns = drill->kernel->now_ns + drill->plan.work_ms * MS;
    drill->kernel->faults = drill->plan.faults;
    drill->kernel->fd_first = gkv_choose_percent(&drill->choice, "fd.zero", 25) ? 0 : 3;
    drill->cut_until_ns = GKV_NEVER;
    drill->limit_until_ns = GKV_NEVER;
    quieten(drill, false);
    while (drill->kernel->now_ns < until_ns) {
        strike_links(drill);
        strike_processes(drill);
        strike_lives(drill);
        if (!step(drill)) {
            return false;
        }
    }
    return true;
}

static bool heal(struct drill *drill)
{
    memset(&drill->kernel->faults, 0, sizeof(drill->kernel->faults));
    mend(drill);
    lift_limits(drill);
    const uint64_t until_ns = drill->kernel->now_ns + CALM_NS;
    for (uint32_t c = 0; c < CLIENT_COUNT; c++) {
        drill->clients[c].kind_ns = drill->kernel->now_ns + AFTERMATH_NS;
    }
    while (drill->kernel->now_ns < until_ns) {
        if (!step(drill)) {
            return false;
        }
    }
    quieten(drill, true);
    return settle(drill, "heal", HEAL_NS);
}

/* A small window and a long way make a slow stream: a window per latency, and no more. So many
 * operations may be under way that the last one has twice the time it needs, though all are of the
 * largest value and wait for the same stream: asked faster, they end with TIMEOUT, and rightly so.
 * At least one, which always has the time. */
static uint32_t under_way_count_max(const struct drill *drill)
{
    const struct gkv_kernel *kernel = drill->kernel;
    const uint64_t window_count = GKV_DEED_VALUE_BYTES_MAX / kernel->window_bytes + 1;
    const uint64_t timeout_ns = drill->options.operation_timeout_ms * MS;
    const uint64_t count = timeout_ns / (2 * window_count * kernel->latency_ns);
    return count == 0 ? 1 : (uint32_t)count;
}

/* Each key through each node, set and read: all must succeed now. */
static bool read_again(struct drill *drill)
{
    const uint64_t until_ns = drill->kernel->now_ns + READ_NS;
    const uint32_t first = drill->deeds.count;
    const uint32_t under_way_max = under_way_count_max(drill);
    for (uint32_t wanted = 0; wanted < 2 * NODE_COUNT * GKV_DEED_KEY_COUNT;) {
        const uint32_t key = wanted / 2 % GKV_DEED_KEY_COUNT;
        const uint32_t i = wanted / 2 / GKV_DEED_KEY_COUNT;
        wanted += drill->deeds.open_count < under_way_max && ask(drill, i, key, wanted % 2 == 0);
        if (drill->kernel->now_ns > until_ns) {
            gkv_kernel_fail(drill->kernel, "answer", "the last reads take too long");
        }
        if (!step(drill)) {
            return false;
        }
    }
    if (!settle(drill, "heal", READ_NS)) {
        return false;
    }
    for (uint32_t i = first; i < drill->deeds.count; i++) {
        const struct gkv_deed_made *deed = &drill->deeds.made[i];
        const bool is_fine =
            deed->state == GKV_DEED_DONE || (!deed->is_set && deed->state == GKV_DEED_ABSENT);
        if (!is_fine) {
            gkv_kernel_fail(drill->kernel, "answer",
                            "operation %u (%s k%u at node %u) ends with %s on a kind kernel", i,
                            deed->is_set ? "set" : "get", deed->key, deed->node,
                            gkv_error_name(deed->error));
        }
    }
    return drill->kernel->failed_check == NULL;
}

static bool idle(struct drill *drill)
{
    uint64_t before[NODE_COUNT];
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        before[i] = drill->kernel->processes[i].wait_count;
    }
    if (!gkv_kernel_run(drill->kernel, drill->kernel->now_ns + IDLE_NS)) {
        return false;
    }
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        const uint64_t waits = drill->kernel->processes[i].wait_count - before[i];
        if (waits > WAIT_COUNT_MAX * IDLE_NS / (1000 * MS)) {
            gkv_kernel_fail(drill->kernel, "idle", "node %u turned %" PRIu64 " times in %d ms", i,
                            waits, (int)(IDLE_NS / MS));
        }
    }
    return drill->kernel->failed_check == NULL;
}

static void check_wire(struct drill *drill, uint32_t i)
{
    struct gkv_host_figures figures;
    gkv_kernel_act_as(drill->kernel, i);
    gkv_host_figures(drill->nodes[i].host, &figures);
    const struct gkv_endpoint_stats *stats = &figures.endpoint;
    const uint64_t refused_count = stats->refused_checksum + stats->refused_too_long +
                                   stats->refused_malformed + stats->refused_foreign +
                                   figures.node.swim_drops.malformed +
                                   figures.node.sync_malformed_count;
    if (refused_count > 0) {
        gkv_kernel_fail(drill->kernel, "wire", "node %u refused %" PRIu64 " messages of its peers",
                        i, refused_count);
    }
}

static bool stop(struct drill *drill)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        check_wire(drill, i);
        gkv_posix_node_ask_to_stop(&drill->nodes[i]);
    }
    const uint64_t until_ns = drill->kernel->now_ns + STOP_NS;
    uint32_t left = NODE_COUNT;
    while (left > 0 && gkv_kernel_run(drill->kernel, drill->kernel->now_ns + STEP_NS)) {
        for (uint32_t i = 0; i < NODE_COUNT; i++) {
            left -= gkv_posix_node_try_bury(&drill->nodes[i]);
        }
        if (drill->kernel->now_ns >= until_ns) {
            gkv_kernel_fail(drill->kernel, "stop", "%u nodes do not stop", left);
        }
    }
    return drill->kernel->failed_check == NULL;
}

/* ---- A whole drill ---- */

static enum gkv_trial_status status_of(const char *check)
{
    static const char *const liveness[] = {"form", "heal", "answer", "stop"};
    for (size_t i = 0; i < sizeof(liveness) / sizeof(liveness[0]); i++) {
        if (strcmp(check, liveness[i]) == 0) {
            return GKV_TRIAL_LIVENESS;
        }
    }
    return GKV_TRIAL_SAFETY;
}

static struct gkv_drill_summary summarise(const struct drill *drill)
{
    const struct gkv_kernel *kernel = drill->kernel;
    struct gkv_drill_summary summary = {
        .seed = drill->seed,
        .hash = kernel->chain,
        .call_count = kernel->call_count,
        .simulated_ns = kernel->now_ns,
        .draw_count = drill->choice.draw_count,
        .operation_count = drill->deeds.count,
        .done_count = drill->deeds.done_count,
        .status = GKV_TRIAL_PASS,
        .check = "",
        .tally = kernel->tally,
    };
    if (kernel->failed_check != NULL) {
        summary.status = status_of(kernel->failed_check);
        summary.check = kernel->failed_check;
        (void)snprintf(summary.text, sizeof(summary.text), "%s", kernel->failed_text);
    }
    return summary;
}

static bool create(struct drill *drill, uint64_t seed)
{
    drill->seed = seed;
    gkv_choice_init(&drill->choice, seed);
    drill->kernel = gkv_kernel_create(&drill->choice.chance);
    if (drill->kernel == NULL) {
        return false;
    }
    draw_plan(drill);
    draw_kernel(drill);
    draw_options(drill);
    gkv_deeds_init(&drill->deeds, drill->kernel);
    drill->deeds.forgets = drill->plan.end_every_ms > 0;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        drill->nodes[i] = (struct gkv_posix_node){.kernel = drill->kernel, .process = i};
    }
    for (uint32_t c = 0; c < CLIENT_COUNT; c++) {
        gkv_posix_client_init(&drill->clients[c], &drill->deeds, CLIENTS);
    }
    for (uint32_t c = 0; c < CALL_COUNT; c++) {
        drill->calls[c].drill = drill;
        drill->calls[c].number = GKV_DEED_NONE;
    }
    return true;
}

/* After a failure hosts are left as they stand: their memory alone is given back. */
static void destroy(struct drill *drill)
{
    for (uint32_t i = 0; i < NODE_COUNT && drill->kernel != NULL; i++) {
        if (drill->nodes[i].host != NULL) {
            gkv_posix_node_kill(&drill->nodes[i]);
        }
    }
    if (drill->kernel != NULL) {
        gkv_kernel_destroy(drill->kernel);
    }
    free(drill);
}

struct gkv_drill_summary gkv_drill_run(uint64_t seed)
{
    struct gkv_drill_summary summary = {.seed = seed,
                                        .status = GKV_TRIAL_INTERNAL,
                                        .check = "memory",
                                        .text = "no memory for the run"};
    struct drill *drill = calloc(1, sizeof(*drill));
    if (drill != NULL && create(drill, seed)) {
        (void)(form(drill) && work(drill) && heal(drill) && read_again(drill) && idle(drill) &&
               stop(drill));
        summary = summarise(drill);
    }
    if (drill != NULL) {
        destroy(drill);
    }
    return summary;
}
