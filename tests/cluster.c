#include "tests/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/panic.h"
#include "core/prng.h"
#include "sim/report.h"

#define MS GKV_NS_PER_MS
#define QUESTION_COUNT_MAX 256
#define LINE_COUNT_MAX 4096
#define TEXT_BYTES 120

const enum gkv_trace_kind cluster_membership[2] = {GKV_TRACE_MEMBER_ALIVE, GKV_TRACE_REFUTE};
const enum gkv_trace_kind cluster_probing[2] = {GKV_TRACE_PROBE, GKV_TRACE_REFUTE};
const enum gkv_trace_kind cluster_data[2] = {GKV_TRACE_OPERATION, GKV_TRACE_READ_REPAIR};

struct line {
    uint64_t ms;
    uint32_t node;
    uint32_t kind;
    char text[TEXT_BYTES];
};

struct cluster {
    struct gkv_world world;
    struct gkv_prng luck; /* for the draw of every node's seed alone */
    struct gkv_options options;
    uint64_t begin_ns;
    uint64_t seen[GKV_NET_NODE_COUNT_MAX]; /* trace points already taken from each node's life */
    struct line lines[LINE_COUNT_MAX];
    uint32_t line_count;
    char answers[QUESTION_COUNT_MAX][TEXT_BYTES];
    uint32_t question_count;
    char lent[TEXT_BYTES];
    char story[LINE_COUNT_MAX * 8];
};

/* ---- What is drawn, and what is seen --------------------------------------------------------- */

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    struct cluster *cluster = context;
    return strcmp(label, "boot.luck") == 0 ? gkv_prng_below(&cluster->luck, bound) : 0;
}

/* Take the new trace points of a node as lines. */
static void take_trace(struct cluster *cluster, uint32_t node)
{
    const struct gkv_host *host = &cluster->world.hosts[node];
    const struct gkv_trace *trace = gkv_node_trace(gkv_endpoint_node(host->endpoint));
    while (cluster->seen[node] < trace->point_count) {
        const uint64_t number = cluster->seen[node]++;
        const struct gkv_trace_point *point = &trace->points[number % GKV_TRACE_POINT_COUNT];
        if (cluster->begin_ns == 0 || cluster->line_count == LINE_COUNT_MAX) {
            continue;
        }
        struct line *line = &cluster->lines[cluster->line_count];
        const uint64_t time_ns = point->mono_ns - host->clock.mono_offset_ns;
        line->ms = (time_ns - cluster->begin_ns) / MS;
        line->node = node;
        line->kind = point->kind;
        if (gkv_report_trace_text(point, node, line->text, TEXT_BYTES) > 0) {
            cluster->line_count++;
        }
    }
}

static void observe(void *context, const struct gkv_observation *observation)
{
    struct cluster *cluster = context;
    if (observation->kind == GKV_OBSERVE_BOOT) {
        cluster->seen[observation->node] = 0;
    }
    if (observation->kind != GKV_OBSERVE_OUTPUT ||
        observation->output->kind != GKV_OUTPUT_COMPLETE) {
        return;
    }
    const struct gkv_result *result = &observation->output->as.result;
    char *answer = cluster->answers[result->cookie % QUESTION_COUNT_MAX];
    assert_string_equal(answer, "open");
    (void)snprintf(answer, TEXT_BYTES, "%s%s%.*s", gkv_error_name(result->error),
                   result->value.count > 0 ? " " : "", (int)result->value.count,
                   result->value.count > 0 ? (const char *)result->value.data : "");
}

static uint32_t number_of(const char *node)
{
    assert_int_equal(strlen(node), 1);
    return (uint32_t)(node[0] - 'a');
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void run_until_ns(struct cluster *cluster, uint64_t time_ns)
{
    bool more = true;
    while (more) {
        more = gkv_world_step(&cluster->world, time_ns);
        for (uint32_t i = 0; i < cluster->world.options.node_count; i++) {
            if (cluster->world.hosts[i].is_up) {
                take_trace(cluster, i);
            }
        }
    }
}

void cluster_run_until(struct cluster *cluster, uint64_t ms)
{
    run_until_ns(cluster, cluster->begin_ns + ms * MS);
}

uint64_t cluster_now_ms(const struct cluster *cluster)
{
    return (cluster->world.now_ns - cluster->begin_ns) / MS;
}

/* ---- Beginning and end ----------------------------------------------------------------------- */

void cluster_options_init(struct gkv_options *options)
{
    gkv_options_init(options);
    options->cluster_hash = 1;
    options->memory_limit_bytes = 2 * 1024 * 1024;
    options->value_bytes_max = 4096;
    options->member_count_max = 16;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 64 * 1024;
    options->sync_interval_ms = 3600000;
    options->push_pull_interval_ms = 3600000;
    options->seeds[0] = gkv_host_address(0);
    options->seed_count = 1;
}

struct cluster *cluster_start(const struct cluster_options *options)
{
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    assert_non_null(cluster);
    gkv_prng_init(&cluster->luck, options->seed, 0);
    if (options->tuned != NULL) {
        cluster->options = *options->tuned;
    } else {
        cluster_options_init(&cluster->options);
    }
    const struct gkv_world_options world_options = {
        .node_count = options->nodes, .life_count_max = 3, .node = cluster->options};
    const struct gkv_chance chance = {.draw = draw, .context = cluster};
    const struct gkv_observer observer = {.observe = observe, .context = cluster};
    assert_int_equal(gkv_world_create(&cluster->world, &world_options, &chance, &observer), GKV_OK);

    const uint64_t latency_us = options->latency_us == 0 ? 1000 : options->latency_us;
    for (uint32_t i = 0; i < options->nodes; i++) {
        cluster->world.hosts[i].clock.skew_ms_max = 100000;
        for (uint32_t j = 0; j < options->nodes; j++) {
            gkv_world_link(&cluster->world, i, j)->latency_ns = latency_us * 1000;
        }
    }
    for (uint32_t i = 0; i < options->nodes; i++) {
        gkv_world_boot(&cluster->world, i);
        run_until_ns(cluster, cluster->world.now_ns + 100 * MS);
    }
    run_until_ns(cluster, 5000 * MS); /* rumours have died down, and every pair has a stream */
    cluster->begin_ns = cluster->world.now_ns;
    return cluster;
}

void cluster_stop(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->world.options.node_count; i++) {
        assert_true(gkv_host_is_intact(&cluster->world.hosts[i]));
    }
    gkv_world_destroy(&cluster->world);
    free(cluster);
}

/* ---- What befalls it ------------------------------------------------------------------------- */

void cluster_cut_one_way(struct cluster *cluster, const char *from, const char *to)
{
    gkv_world_link(&cluster->world, number_of(from), number_of(to))->is_cut = true;
}

void cluster_cut(struct cluster *cluster, const char *node)
{
    const uint32_t number = number_of(node);
    for (uint32_t i = 0; i < cluster->world.options.node_count; i++) {
        if (i != number) {
            gkv_world_link(&cluster->world, i, number)->is_cut = true;
            gkv_world_link(&cluster->world, number, i)->is_cut = true;
        }
    }
}

void cluster_heal(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->world.options.node_count; i++) {
        for (uint32_t j = 0; j < cluster->world.options.node_count; j++) {
            gkv_world_link(&cluster->world, i, j)->is_cut = false;
        }
    }
}

void cluster_pause(struct cluster *cluster, const char *node, uint64_t ms)
{
    gkv_world_pause(&cluster->world, number_of(node), cluster->world.now_ns + ms * MS);
}

void cluster_crash(struct cluster *cluster, const char *node)
{
    gkv_world_crash(&cluster->world, number_of(node), 0);
}

void cluster_restart(struct cluster *cluster, const char *node)
{
    gkv_world_boot(&cluster->world, number_of(node));
}

void cluster_leave(struct cluster *cluster, const char *node)
{
    gkv_world_leave(&cluster->world, number_of(node));
}

void cluster_set_clock(struct cluster *cluster, const char *node, int64_t offset_ms)
{
    struct gkv_sim_clock *clock = &cluster->world.hosts[number_of(node)].clock;
    clock->wall_offset_ms = offset_ms;
}

/* ---- Questions ------------------------------------------------------------------------------- */

static struct gkv_bytes bytes_of(const char *text)
{
    return (struct gkv_bytes){.data = (const uint8_t *)text, .count = strlen(text)};
}

static uint32_t ask(struct cluster *cluster, const char *node, struct gkv_operation *operation)
{
    const uint32_t question = cluster->question_count++;
    assert_true(question < QUESTION_COUNT_MAX);
    operation->cookie = question;
    (void)strcpy(cluster->answers[question], "open");
    gkv_world_submit(&cluster->world, number_of(node), operation);
    run_until_ns(cluster, cluster->world.now_ns);
    return question;
}

uint32_t cluster_set(struct cluster *cluster, const char *node, const char *key, const char *value)
{
    struct gkv_operation operation = {
        .kind = GKV_OPERATION_SET, .key = bytes_of(key), .value = bytes_of(value)};
    return ask(cluster, node, &operation);
}

uint32_t cluster_get(struct cluster *cluster, const char *node, const char *key)
{
    struct gkv_operation operation = {.kind = GKV_OPERATION_GET, .key = bytes_of(key)};
    return ask(cluster, node, &operation);
}

uint32_t cluster_delete(struct cluster *cluster, const char *node, const char *key)
{
    struct gkv_operation operation = {.kind = GKV_OPERATION_DELETE, .key = bytes_of(key)};
    return ask(cluster, node, &operation);
}

const char *cluster_answer(struct cluster *cluster, uint32_t question)
{
    assert_true(question < cluster->question_count);
    return cluster->answers[question];
}

/* ---- The story ------------------------------------------------------------------------------- */

void cluster_forget(struct cluster *cluster)
{
    cluster->line_count = 0;
}

void cluster_expect(struct cluster *cluster, const char *nodes, const enum gkv_trace_kind kinds[2],
                    const char *story)
{
    size_t used = 0;
    cluster->story[0] = '\0';
    for (uint32_t i = 0; i < cluster->line_count; i++) {
        const struct line *line = &cluster->lines[i];
        const bool wanted = line->kind >= (uint32_t)kinds[0] && line->kind <= (uint32_t)kinds[1] &&
                            (nodes == NULL || strchr(nodes, 'a' + (int)line->node) != NULL);
        if (wanted && used + TEXT_BYTES + 24 < sizeof(cluster->story)) {
            used += (size_t)snprintf(cluster->story + used, sizeof(cluster->story) - used,
                                     "%llu %s\n", (unsigned long long)line->ms, line->text);
        }
    }
    if (strcmp(cluster->story, story) != 0) {
        print_message("the story was expected to be\n%sbut it was\n%s", story, cluster->story);
        fail();
    }
}

const char *cluster_owners(struct cluster *cluster, const char *key)
{
    struct gkv_node *node = gkv_endpoint_node(cluster->world.hosts[0].endpoint);
    uint16_t owners[GKV_REPLICA_COUNT_MAX];
    const uint32_t count = gkv_node_owners(node, bytes_of(key), owners);
    for (uint32_t i = 0; i < count; i++) {
        cluster->lent[i] = gkv_member_at(gkv_node_members(node), owners[i])->said.name.bytes[0];
    }
    cluster->lent[count] = '\0';
    return cluster->lent;
}

const char *cluster_held(struct cluster *cluster, const char *node, const char *key)
{
    const struct gkv_host *host = &cluster->world.hosts[number_of(node)];
    uint8_t value[TEXT_BYTES];
    struct gkv_record record;
    if (!gkv_store_get(
            gkv_node_store(gkv_endpoint_node(host->endpoint)),
            (struct gkv_key){bytes_of(key), gkv_hash(key, strlen(key), cluster->options.hash_seed)},
            gkv_sim_clock_true_ms(cluster->world.now_ns), (struct gkv_buffer){value, sizeof(value)},
            &record)) {
        return "nothing";
    }
    if (record.is_tombstone) {
        return "deleted";
    }
    (void)snprintf(cluster->lent, TEXT_BYTES, "%.*s", (int)record.value.count,
                   (const char *)record.value.data);
    return cluster->lent;
}
