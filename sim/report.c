#include "sim/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/node.h"
#include "core/options.h"
#include "core/panic.h"
#include "sim/check.h"
#include "sim/check_linear.h"
#include "sim/family.h"

#ifndef GKV_COMMIT
#define GKV_COMMIT ""
#endif

/* A report has forty lines at most. */
#define TRACE_LINE_COUNT 2 /* of each node */
#define NODE_COUNT_SHOWN 9
#define DEED_LINE_COUNT 8

/* ---- Trace points ---------------------------------------------------------------------------- */

/* The names of whom a point tells. */
struct cast {
    const char *self;
    const char *about;
    const char *via;
};

static const char *reply_text(uint64_t status)
{
    static const char *const texts[] = {"nothing", "ok", "stale", "clock", "full", "absent"};
    return status < sizeof(texts) / sizeof(texts[0]) ? texts[status] : "nonsense";
}

static int member_text(const struct gkv_trace_point *point, const struct cast *cast, char *text,
                       size_t bytes)
{
    const char *self = cast->self;
    const char *about = cast->about;
    const char *via = cast->via;
    switch (point->kind) {
    case GKV_TRACE_PROBE:
        return snprintf(text, bytes, "%s probe %s", self, about);
    case GKV_TRACE_PROBE_REPEAT:
        return snprintf(text, bytes, "%s probe %s again", self, about);
    case GKV_TRACE_PROBE_STREAM:
        return snprintf(text, bytes, "%s probe %s over a stream", self, about);
    case GKV_TRACE_PROBE_NACK:
        return snprintf(text, bytes, "%s is told by %s that it does not hear %s", self, via, about);
    case GKV_TRACE_PROBE_INDIRECT:
        return snprintf(text, bytes, "%s probe %s by way of %s", self, about, via);
    case GKV_TRACE_PROBE_ACK:
        return snprintf(text, bytes, "%s hears %s%s", self, about,
                        point->b == GKV_CHANNEL_STREAM ? " over a stream" : "");
    case GKV_TRACE_MEMBER_ALIVE:
        return snprintf(text, bytes, "%s holds %s alive, incarnation %" PRIu64, self, about,
                        point->a);
    case GKV_TRACE_MEMBER_SUSPECT:
        return strcmp(via, self) == 0
                   ? snprintf(text, bytes, "%s suspects %s, incarnation %" PRIu64, self, about,
                              point->a)
                   : snprintf(text, bytes, "%s suspects %s, incarnation %" PRIu64 ", %s said so",
                              self, about, point->a, via);
    case GKV_TRACE_MEMBER_UNREACHABLE:
        return snprintf(text, bytes, "%s declares %s unreachable", self, about);
    case GKV_TRACE_MEMBER_EVICTED:
        return snprintf(text, bytes, "%s evicts %s", self, about);
    case GKV_TRACE_MEMBER_LEAVING:
        return snprintf(text, bytes, "%s knows that %s is leaving", self, about);
    case GKV_TRACE_MEMBER_LEFT:
        return snprintf(text, bytes, "%s knows that %s left", self, about);
    case GKV_TRACE_DEGRADED:
        return snprintf(text, bytes, "%s finds %s %s", self, about,
                        point->a > 0 ? "degraded" : "well again");
    case GKV_TRACE_WAITS:
        return snprintf(text, bytes, "%s %s", self,
                        point->a > 0 ? "refutes nothing until it is well" : "is well, and refutes");
    case GKV_TRACE_CONFIRM:
        return snprintf(text, bytes, "%s hears that %s suspects %s as well", self, via, about);
    case GKV_TRACE_STALL:
        return snprintf(text, bytes, "%s stood still for %" PRIu64 "ms", self,
                        point->a / GKV_NS_PER_MS);
    case GKV_TRACE_NO_WITNESS:
        return snprintf(text, bytes, "%s hears too few to %s %s", self,
                        point->a == 0 ? "suspect" : "bury", about);
    case GKV_TRACE_LAST_CHANCE:
        return snprintf(text, bytes, "%s gives %s a last chance", self, about);
    case GKV_TRACE_REPRIEVE:
        return snprintf(text, bytes, "%s was heard by %s at the last moment", about, self);
    case GKV_TRACE_HEALTH:
        return snprintf(text, bytes, "%s probes %" PRIu64 " times slower", self, point->a + 1);
    case GKV_TRACE_REFUTE:
        return snprintf(text, bytes, "%s refutes, incarnation %" PRIu64, self, point->a);
    default:
        return 0;
    }
}

static int data_text(const struct gkv_trace_point *point, const struct cast *cast, char *text,
                     size_t bytes)
{
    const char *self = cast->self;
    const char *about = cast->about;
    switch (point->kind) {
    case GKV_TRACE_OPERATION:
        return snprintf(text, bytes, "%s is asked to %s", self,
                        point->b == GKV_OPERATION_GET   ? "get"
                        : point->b == GKV_OPERATION_SET ? "set"
                                                        : "delete");
    case GKV_TRACE_WRITE:
        return point->b > 1 ? snprintf(text, bytes, "%s writes to %s, attempt %" PRIu64, self,
                                       about, point->b)
                            : snprintf(text, bytes, "%s writes to %s", self, about);
    case GKV_TRACE_READ:
        return snprintf(text, bytes, "%s reads from %s", self, about);
    case GKV_TRACE_REPLY:
        return snprintf(text, bytes, "%s is told %s by %s", self, reply_text(point->b), about);
    case GKV_TRACE_COMPLETE:
        return snprintf(text, bytes, "%s answers %s", self,
                        gkv_error_name((enum gkv_error)point->b));
    case GKV_TRACE_READ_REPAIR:
        return snprintf(text, bytes, "%s repairs %s", self, about);
    case GKV_TRACE_SYNC:
        return snprintf(text, bytes, "%s compares with %s, %" PRIu64 " differ", self, about,
                        point->a);
    default:
        return 0;
    }
}

size_t gkv_report_trace_text(const struct gkv_trace_point *point, uint32_t node, char *text,
                             size_t text_bytes)
{
    const struct gkv_host_text self = gkv_host_text(node);
    const struct gkv_host_text about = gkv_host_text(gkv_host_of_id(point->about));
    const struct gkv_host_text via = gkv_host_text(gkv_host_of_id(point->via));
    const struct cast cast = {.self = self.text, .about = about.text, .via = via.text};
    int count = member_text(point, &cast, text, text_bytes);
    if (count == 0) {
        count = data_text(point, &cast, text, text_bytes);
    }
    return count > 0 && (size_t)count < text_bytes ? (size_t)count : 0;
}

/* ---- A run that passed ----------------------------------------------------------------------- */

const char *gkv_report_status_name(enum gkv_trial_status status)
{
    switch (status) {
    case GKV_TRIAL_PASS:
        return "pass";
    case GKV_TRIAL_USAGE:
        return "usage";
    case GKV_TRIAL_SAFETY:
        return "safety";
    case GKV_TRIAL_LIVENESS:
        return "liveness";
    case GKV_TRIAL_ASSERTION:
        return "assertion";
    case GKV_TRIAL_MEMORY:
        return "memory";
    case GKV_TRIAL_DETERMINISM:
        return "determinism";
    case GKV_TRIAL_COVERAGE:
        return "coverage";
    case GKV_TRIAL_INTERNAL:
        return "internal";
    }
    return "unknown";
}

const char *gkv_report_commit(void)
{
    return GKV_COMMIT;
}

void gkv_report_summary(const struct gkv_trial_summary *summary)
{
    printf("seed=%" PRIu64 " hash=%016" PRIx64 "%016" PRIx64 " events=%" PRIu64
           " simulated=%" PRIu64 ".%03" PRIu64 "s operations=%" PRIu64 " result=%s\n",
           summary->seed, summary->chain[0], summary->chain[1], summary->event_count,
           summary->simulated_ns / 1000000000, summary->simulated_ns / 1000000 % 1000,
           summary->operation_count, gkv_report_status_name(summary->status));
}

static void print_group(const struct gkv_tally *tally, enum gkv_tally_group group,
                        const char *title)
{
    uint32_t printed_count = 0;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const struct gkv_tally_entry *entry = gkv_tally_entry((enum gkv_predicate)i);
        if (entry->group == group) {
            printf("%s%s=%" PRIu64, printed_count % 6 > 0 ? " " : title, entry->name,
                   tally->counts[i]);
            printf("%s", printed_count % 6 == 5 ? "\n" : "");
            printed_count++;
        }
    }
    printf("%s", printed_count % 6 > 0 ? "\n" : "");
}

/* The corners are many, so only those that were missed are named. */
static void print_missed(const struct gkv_tally *tally)
{
    uint32_t corner_count = 0;
    uint32_t missed_count = 0;
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const bool is_corner = gkv_tally_entry((enum gkv_predicate)i)->group == GKV_TALLY_REACHED;
        corner_count += is_corner;
        missed_count += is_corner && tally->counts[i] == 0;
    }
    printf("reached: %u of %u%s", (unsigned)(corner_count - missed_count), (unsigned)corner_count,
           missed_count > 0 ? ", but not" : "");
    for (uint32_t i = 0; i < GKV_PREDICATE_COUNT; i++) {
        const struct gkv_tally_entry *entry = gkv_tally_entry((enum gkv_predicate)i);
        if (entry->group == GKV_TALLY_REACHED && tally->counts[i] == 0) {
            printf(" %s", entry->name);
        }
    }
    printf("\n");
}

void gkv_report_tally(const struct gkv_tally *tally)
{
    print_group(tally, GKV_TALLY_HOLDS, "asked: ");
    print_group(tally, GKV_TALLY_MET, "met: ");
    print_missed(tally);
    if (gkv_settled_count(&tally->settled) > 0) {
        printf("settled: p50=%" PRIu64 "ms p99=%" PRIu64 "ms, at most %u permille of the bound\n",
               gkv_settled_percentile_ms(&tally->settled, 50),
               gkv_settled_percentile_ms(&tally->settled, 99),
               (unsigned)tally->settled.permille_max);
    }
}

/* ---- A run that failed ----------------------------------------------------------------------- */

static void print_families(const struct gkv_scenario *scenario)
{
    const uint64_t mask = gkv_family_mask_of(scenario);
    printf("profile: %s, with", gkv_profile_name(scenario->profile));
    for (uint32_t i = 0; i < GKV_FAMILY_COUNT; i++) {
        if ((mask & gkv_family_bit((enum gkv_family)i)) != 0) {
            printf(" %s", gkv_family_name((enum gkv_family)i));
        }
    }
    printf("\n");
}

static void print_scenario(const struct gkv_scenario *scenario)
{
    const struct gkv_options *options = &scenario->world.node;
    const struct gkv_link *link = &scenario->link;
    print_families(scenario);
    printf("cluster: nodes=%u late=%u level=%s N=%u W=%u R=%u seeds=%u keys=%u clients=%u\n",
           (unsigned)scenario->node_count, (unsigned)scenario->late_count,
           options->level == GKV_LEVEL_QUORUM ? "QUORUM" : "EVENTUAL",
           (unsigned)options->replica_count, (unsigned)options->write_quorum,
           (unsigned)options->read_quorum, (unsigned)options->seed_count,
           (unsigned)scenario->key_count, (unsigned)scenario->client_count);
    printf("times: operation=%ums probe=%ums suspicion=%ums gossip=%ums reconnect=%ums sync=%ums "
           "liveness=%" PRIu64 "ms\n",
           (unsigned)options->operation_timeout_ms, (unsigned)options->probe_interval_ms,
           (unsigned)options->suspicion_timeout_ms, (unsigned)options->gossip_interval_ms,
           (unsigned)options->reconnect_interval_ms, (unsigned)options->sync_interval_ms,
           scenario->liveness_ns / GKV_NS_PER_MS);
    printf("network: latency=%" PRIu64 "us jitter=%" PRIu64 "us loss=%uppm double=%uppm tail=%uppm "
           "split=%uppm break=%uppm\n",
           link->latency_ns / 1000, link->jitter_ns / 1000, (unsigned)link->loss_ppm,
           (unsigned)link->duplicate_ppm, (unsigned)link->tail_ppm, (unsigned)link->split_ppm,
           (unsigned)link->break_ppm);
    const struct gkv_recurrence *cuts = &scenario->cuts;
    const struct gkv_recurrence *pauses = &scenario->pauses;
    printf("faults: cut every %" PRIu64 "ms for %" PRIu64 "ms, crash every %" PRIu64
           "ms, skew %dms, pause every %" PRIu64 "ms for %" PRIu64 "ms, window=%u%s\n",
           cuts->every_ns / GKV_NS_PER_MS, cuts->for_ns_max / GKV_NS_PER_MS,
           scenario->crashes.every_ns / GKV_NS_PER_MS, (int)scenario->skew_ms_max,
           pauses->every_ns / GKV_NS_PER_MS, pauses->for_ns_max / GKV_NS_PER_MS,
           (unsigned)scenario->world.window_bytes,
           scenario->repairs_by_read ? ", reads alone repair" : "");
}

static const char *kind_text(enum gkv_operation_kind kind)
{
    return kind == GKV_OPERATION_GET ? "get" : kind == GKV_OPERATION_SET ? "set" : "delete";
}

static void print_deed(const struct gkv_history *history, uint32_t number)
{
    const struct gkv_deed *deed = &history->deeds[number];
    printf("  operation %u: %s k%u at %s, %" PRIu64 ".%06" PRIu64 "ms to %" PRIu64 ".%06" PRIu64
           "ms: %s",
           (unsigned)number, kind_text(deed->kind), (unsigned)deed->key,
           gkv_host_text(deed->node).text, deed->begin_ns / 1000000, deed->begin_ns % 1000000,
           deed->end_ns / 1000000, deed->end_ns % 1000000,
           deed->is_abandoned  ? "lost in a crash"
           : deed->end_ns == 0 ? "open"
                               : gkv_error_name(deed->error));
    if (deed->end_ns != 0) {
        printf(" %s", gkv_history_version(deed->version).text);
    }
    if (deed->read != GKV_HISTORY_NONE) {
        printf(" by operation %u", (unsigned)deed->read);
    }
    printf("\n");
}

/* The last deeds, of one key when the failure names it. */
static void print_deeds(const struct gkv_history *history, uint32_t key)
{
    uint32_t numbers[DEED_LINE_COUNT];
    uint32_t count = 0;
    for (uint32_t i = history->count; i > 0 && count < DEED_LINE_COUNT; i--) {
        if (key == GKV_HISTORY_NONE || history->deeds[i - 1].key == key) {
            numbers[count++] = i - 1;
        }
    }
    while (count > 0) {
        print_deed(history, numbers[--count]);
    }
}

static void print_node(const struct gkv_host *host)
{
    if (!host->is_up) {
        printf("  %s is down\n", gkv_host_text(host->node).text);
        return;
    }
    struct gkv_node *node = gkv_endpoint_node(host->endpoint);
    const struct gkv_trace *trace = gkv_node_trace(node);
    const uint64_t offset_ns = host->clock.mono_offset_ns;
    uint64_t first = 0;
    if (trace->point_count > TRACE_LINE_COUNT) {
        first = trace->point_count - TRACE_LINE_COUNT;
    }
    for (uint64_t i = first; i < trace->point_count; i++) {
        const struct gkv_trace_point *point = &trace->points[i % GKV_TRACE_POINT_COUNT];
        char text[120];
        if (gkv_report_trace_text(point, host->node, text, sizeof(text)) > 0) {
            printf("  %" PRIu64 " %s\n", (point->mono_ns - offset_ns) / GKV_NS_PER_MS, text);
        }
    }
}

/* How many keys are linearizable, which QUORUM does not promise. */
static void print_linear(const struct gkv_trial *trial)
{
    struct gkv_linear linear;
    gkv_linear_judge(trial, &linear);
    printf("linearizable: %u of %u keys, by %u gets (%u more could not be judged)\n",
           (unsigned)(linear.key_count - linear.wrong_key_count), (unsigned)linear.key_count,
           (unsigned)linear.read_count, (unsigned)linear.left_out_count);
}

/* ---- The two lines that every failure begins with -------------------------------------------- */

static uint32_t count_bits(uint64_t mask)
{
    uint32_t count = 0;
    for (; mask != 0; mask &= mask - 1) {
        count++;
    }
    return count;
}

/* Add to a text that ends at *used. There is room for the longest: tests/test_report.c. */
static void append(char line[GKV_TRIAL_LINE_BYTES], size_t *used, const char *first,
                   const char *second)
{
    const int count = snprintf(line + *used, GKV_TRIAL_LINE_BYTES - *used, "%s%s", first, second);
    GKV_ASSERT(count >= 0);
    GKV_ASSERT((size_t)count < GKV_TRIAL_LINE_BYTES - *used);
    *used += (size_t)count;
}

const char *gkv_report_family_at(uint32_t index)
{
    return index < GKV_FAMILY_COUNT ? gkv_family_name((enum gkv_family)index) : NULL;
}

const char *gkv_report_check_at(uint32_t index)
{
    return gkv_checks[index] == NULL ? NULL : gkv_checks[index]->name;
}

static void append_names(char line[GKV_TRIAL_LINE_BYTES], size_t *used, const char *option,
                         const char *(*name_at)(uint32_t index), uint64_t mask)
{
    const char *between = " ";
    for (uint32_t i = 0; name_at(i) != NULL; i++) {
        if ((mask >> i & 1u) != 0) {
            append(line, used, between[0] == ' ' ? option : between, name_at(i));
            between = ",";
        }
    }
}

static void append_number(char line[GKV_TRIAL_LINE_BYTES], size_t *used, const char *option,
                          uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRIu64, number);
    append(line, used, option, text);
}

static void append_switches(char line[GKV_TRIAL_LINE_BYTES], size_t *used,
                            const struct gkv_trial_options *options)
{
    static const uint64_t all = (UINT64_C(1) << GKV_FAMILY_COUNT) - 1;
    if (options->profile != GKV_PROFILE_SWARM) {
        append(line, used, " --profile ", gkv_profile_name(options->profile));
    }
    /* Whichever list is shorter. */
    const uint64_t on_mask = all & ~options->off_mask;
    if (on_mask == 0) {
        append(line, used, " --no-fault all", "");
    } else if (count_bits(on_mask) < count_bits(options->off_mask)) {
        append_names(line, used, " --only-fault ", gkv_report_family_at, on_mask);
    } else {
        append_names(line, used, " --no-fault ", gkv_report_family_at, options->off_mask);
    }
    append_names(line, used, " --no-check ", gkv_report_check_at, options->check_off_mask);
    if (options->event_count_max > 0) {
        append_number(line, used, " --limit ", options->event_count_max);
    }
}

void gkv_report_switches(const struct gkv_trial_options *options, char text[GKV_TRIAL_LINE_BYTES])
{
    size_t used = 0;
    text[0] = '\0';
    append_switches(text, &used, options);
}

void gkv_report_replay_line(const struct gkv_trial_options *options, enum gkv_trial_status status,
                            char line[GKV_TRIAL_LINE_BYTES])
{
    size_t used = 0;
    if (options->replay_line != NULL) {
        append(line, &used, options->replay_line, "");
        return;
    }
    append(line, &used, "gridkv-sim ", options->command != NULL ? options->command : "run");
    append_number(line, &used, " --seed ", options->seed);
    append_switches(line, &used, options);
    append(line, &used, status == GKV_TRIAL_DETERMINISM ? " --twice" : "", "");
}

void gkv_report_failure(FILE *file, const struct gkv_trial_options *options,
                        const struct gkv_trial_summary *summary)
{
    char line[GKV_TRIAL_LINE_BYTES];
    struct gkv_trial_options failed = *options;
    failed.seed = summary->seed;
    gkv_report_replay_line(&failed, summary->status, line);
    (void)fprintf(file, "replay: %s%s%s\n", line, GKV_COMMIT[0] != '\0' ? "   # at commit " : "",
                  GKV_COMMIT);
    (void)fprintf(file,
                  "FAIL %s seed=%" PRIu64 " event=%" PRIu64 " t=%" PRIu64 ".%06" PRIu64 "s: %s\n",
                  summary->check, summary->seed, summary->fail_event, summary->fail_ns / 1000000000,
                  summary->fail_ns / 1000 % 1000000, summary->text);
}

/* Trace points of the nodes: first of the one that failed, then of as many as there is room for. */
static void print_nodes(const struct gkv_trial *trial, uint32_t first)
{
    const uint32_t count = trial->scenario.node_count;
    const uint32_t start = first == GKV_HISTORY_NONE ? 0 : first;
    printf("last trace points of each node, ms:\n");
    for (uint32_t i = 0; i < count && i < NODE_COUNT_SHOWN; i++) {
        print_node(&trial->world.hosts[(start + i) % count]);
    }
}

void gkv_report_print(const struct gkv_trial *trial, const struct gkv_verdict *verdict,
                      const struct gkv_trial_summary *summary)
{
    char line[GKV_TRIAL_LINE_BYTES];
    gkv_report_failure(stdout, trial->options, summary);
    if (trial->journal == NULL) {
        gkv_report_replay_line(trial->options, verdict->status, line);
        printf("picture: %s --html failure.html\n", line);
    }
    print_scenario(&trial->scenario);
    printf("operations:\n");
    print_deeds(&trial->history, verdict->key);
    if (verdict->status != GKV_TRIAL_ASSERTION) {
        print_linear(trial);
    }
    print_nodes(trial, verdict->node);
}
