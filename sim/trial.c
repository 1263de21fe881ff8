#include "sim/trial.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "io_sim/pool.h"
#include "sim/check.h"
#include "sim/check_linear.h"
#include "sim/clerk.h"
#include "sim/explain.h"
#include "sim/faults.h"
#include "sim/forgetting.h"
#include "sim/journal.h"
#include "sim/outputs.h"
#include "sim/panic.h"
#include "sim/report.h"
#include "sim/script.h"
#include "sim/workload.h"

#define MS GKV_NS_PER_MS
#define POLL_NS (100 * MS)
#define HEAL_NS_MIN (2500 * MS) /* what the network held back has arrived or is lost by then */
#define GUARD_EVENTS 1024       /* so often the guards around 32 nodes' memory are looked at */

_Static_assert(GKV_HISTORY_VALUE_BYTES_MAX + GKV_KEY_BYTES_MAX + 1024 + GKV_NET_PIPE_BYTES <=
                   GKV_OVERHEAR_CARRY_BYTES,
               "the frame of any value is overheard, in any pieces");
_Static_assert((int)GKV_TRIAL_ASSERTION == GKV_PANIC_EXIT_STATUS, "one exit status for assertions");

/* So many things happen in one nanosecond only where nodes keep each other busy for ever. */
#define INSTANT_STEP_COUNT_MAX 1000000

/* Must nothing be told of what this check finds? */
static bool is_off(const struct gkv_trial *trial, const char *check)
{
    const uint32_t index = gkv_check_find(check);
    return trial->options != NULL && index < GKV_CHECK_COUNT_MAX &&
           (trial->options->check_off_mask >> index & 1u) != 0;
}

void gkv_trial_fail(struct gkv_trial *trial, enum gkv_trial_status status, const char *check,
                    const char *text, ...)
{
    if (trial->verdict.status != GKV_TRIAL_PASS || is_off(trial, check)) {
        return;
    }
    trial->verdict.status = status;
    trial->verdict.check = check;
    trial->verdict.time_ns = trial->world.now_ns;
    trial->verdict.event = trial->world.event_count;
    va_list arguments;
    va_start(arguments, text);
    (void)vsnprintf(trial->verdict.text, sizeof(trial->verdict.text), text, arguments);
    va_end(arguments);
}

void gkv_trial_call_in(struct gkv_trial *trial, uint64_t wait_ns, enum gkv_call call,
                       uint32_t value)
{
    gkv_world_call_at(&trial->world, trial->world.now_ns + wait_ns, (uint64_t)call << 32 | value);
}

static void add_check(struct gkv_trial_audience *audience, size_t check)
{
    GKV_ASSERT(audience->count < GKV_TRIAL_AUDIENCE_MAX);
    audience->checks[audience->count++] = (uint8_t)check;
}

/* Who wants to be told of what, once: most of what happens concerns few checks. */
static void gather_audience(struct gkv_trial *trial)
{
    for (size_t i = 0; gkv_checks[i] != NULL; i++) {
        const uint64_t mask = gkv_checks[i]->told_mask == 0 ? UINT64_MAX : gkv_checks[i]->told_mask;
        for (uint32_t place = 0; place < GKV_TRIAL_TOLD_COUNT && gkv_checks[i]->observe != NULL;
             place++) {
            if ((mask >> place & 1u) != 0) {
                add_check(&trial->told[place], i);
            }
        }
        const uint32_t heard =
            gkv_checks[i]->hear_mask == 0 ? UINT32_MAX : gkv_checks[i]->hear_mask;
        for (uint32_t place = 0; place < GKV_TRIAL_HEARD_COUNT && gkv_checks[i]->hear != NULL;
             place++) {
            if ((heard >> place & 1u) != 0) {
                add_check(&trial->hearers[place], i);
            }
        }
    }
}

/* The bit of GKV_TOLD or GKV_TOLD_OUTPUT. */
static uint32_t told_place(const struct gkv_observation *observation)
{
    return observation->kind == GKV_OBSERVE_OUTPUT ? 32 + (uint32_t)observation->output->kind
                                                   : (uint32_t)observation->kind;
}

/* The bit of GKV_HEARS. */
static uint32_t heard_place(const struct gkv_heard *heard)
{
    return heard->is_arrival ? GKV_MESSAGE_KIND_COUNT : (uint32_t)heard->message->kind;
}

static void hear(void *context, const struct gkv_heard *heard)
{
    struct gkv_trial *trial = context;
    if (heard->message == NULL && !heard->is_arrival) {
        return; /* malformed: sim/check_wire.c says so */
    }
    const struct gkv_trial_audience *audience = &trial->hearers[heard_place(heard)];
    for (size_t i = 0; i < audience->count; i++) {
        gkv_checks[audience->checks[i]]->hear(trial, heard);
    }
    gkv_sometimes_hear(trial, heard);
    gkv_idle_hear(trial, heard);
}

static void on_fault(struct gkv_trial *trial, enum gkv_call call, uint32_t value)
{
    if (call == GKV_CALL_SCRIPT) {
        gkv_clerk_on_call(trial);
        return;
    }
    trial->is_in_call = true;
    gkv_faults_on_call(trial, call, value);
    trial->is_in_call = false;
    if (trial->phase <= GKV_PHASE_WORK) {
        gkv_clerk_write_changes(trial);
    }
}

static void observe(void *context, const struct gkv_observation *observation)
{
    struct gkv_trial *trial = context;
    gkv_workload_observe(trial, observation);
    const struct gkv_trial_audience *audience = &trial->told[told_place(observation)];
    for (size_t i = 0; i < audience->count; i++) {
        gkv_checks[audience->checks[i]]->observe(trial, observation);
    }
    gkv_sometimes_observe(trial, observation);
    if (trial->journal != NULL) {
        gkv_journal_observe(trial->journal, observation, &trial->world);
    }
    gkv_overhear_observe(trial->overhear, observation);
    if (observation->kind != GKV_OBSERVE_CALL) {
        gkv_clerk_write_event(trial, observation);
        return;
    }
    const enum gkv_call call = (enum gkv_call)(observation->argument >> 32);
    const uint32_t value = (uint32_t)observation->argument;
    if (call == GKV_CALL_CLIENT) {
        gkv_workload_on_call(trial, value);
    } else {
        on_fault(trial, call, value);
        if (trial->journal != NULL) {
            gkv_journal_watch(trial->journal, &trial->world);
        }
    }
}

/* ---- Letting time pass ----------------------------------------------------------------------- */

static void check_memory(struct gkv_trial *trial)
{
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        if (!gkv_host_is_intact(&trial->world.hosts[i])) {
            gkv_trial_fail(trial, GKV_TRIAL_MEMORY, "memory", "%s wrote past its memory",
                           gkv_host_text(i).text);
        }
    }
}

/* Run until a time. False when something failed. */
static bool run_until(struct gkv_trial *trial, uint64_t until_ns)
{
    const uint64_t most = trial->options->event_count_max;
    const uint64_t guard_events = GUARD_EVENTS * (1 + trial->scenario.node_count / 32);
    uint64_t instant_ns = trial->world.now_ns;
    uint32_t step_count = 0;
    while (trial->verdict.status == GKV_TRIAL_PASS && gkv_world_step(&trial->world, until_ns)) {
        step_count = trial->world.now_ns == instant_ns ? step_count + 1 : 0;
        instant_ns = trial->world.now_ns;
        if (step_count >= INSTANT_STEP_COUNT_MAX) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "limit",
                           "time stands still: over %d things happen in one nanosecond",
                           INSTANT_STEP_COUNT_MAX);
        }
        if (trial->world.event_count % guard_events == 0) {
            check_memory(trial);
        }
        if (most > 0 && trial->world.event_count > most) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "limit", "over %" PRIu64 " events", most);
        }
        if (trial->options->look != NULL) {
            trial->options->look(trial->options->context, trial);
        }
    }
    return trial->verdict.status == GKV_TRIAL_PASS;
}

/* Is this check to be asked now? Reads are still to repair what `store` sees, in some trials; and
 * who died took with it what others have not got. */
static bool is_due(const struct gkv_trial *trial, const struct gkv_check *check)
{
    if (trial->phase == GKV_PHASE_LOSS) {
        return check == &gkv_check_dead;
    }
    return check != &gkv_check_store || !trial->scenario.repairs_by_read ||
           trial->phase >= GKV_PHASE_READ;
}

/* Have all checks settled that are due? Those that are off are waited for as well, or what comes
 * next would come too soon for the others; only they are named when all others have. */
static bool is_settled(struct gkv_trial *trial, const char **check_out, char *why, size_t why_bytes)
{
    const char *off = NULL;
    for (size_t i = 0; gkv_checks[i] != NULL; i++) {
        const struct gkv_check *check = gkv_checks[i];
        if (check->settle == NULL || !is_due(trial, check) ||
            check->settle(trial, why, why_bytes)) {
            continue;
        }
        *check_out = check->name;
        if (!is_off(trial, check->name)) {
            return false;
        }
        off = check->name;
    }
    return off == NULL;
}

/* Run until all has settled and clients are done, which is due at deadline_ns. */
static bool run_until_settled(struct gkv_trial *trial, uint64_t deadline_ns)
{
    char why[GKV_VERDICT_TEXT_BYTES / 2];
    for (;;) {
        const char *check = "open";
        trial->verdict.key = GKV_HISTORY_NONE;
        (void)snprintf(why, sizeof(why), "%u operations are open",
                       (unsigned)trial->history.open_count);
        if (gkv_workload_is_over(trial) && is_settled(trial, &check, why, sizeof(why))) {
            return trial->verdict.status == GKV_TRIAL_PASS;
        }
        if (trial->world.now_ns >= deadline_ns) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, check, "not settled in time: %s", why);
            return trial->verdict.status == GKV_TRIAL_PASS; /* of a check that is off */
        }
        if (!run_until(trial, trial->world.now_ns + POLL_NS)) {
            return false;
        }
    }
}

/* Run until members agree on each other, which is due at deadline_ns. */
static bool run_until_members_agree(struct gkv_trial *trial, uint64_t deadline_ns)
{
    char why[GKV_VERDICT_TEXT_BYTES / 2];
    while (!gkv_check_member.settle(trial, why, sizeof(why))) {
        if (trial->world.now_ns >= deadline_ns) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "member", "not settled in time: %s", why);
            return trial->verdict.status == GKV_TRIAL_PASS; /* of a check that is off */
        }
        if (!run_until(trial, trial->world.now_ns + POLL_NS)) {
            return false;
        }
    }
    return true;
}

/* ---- The phases ------------------------------------------------------------------------------ */

static bool form(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_FORM;
    gkv_faults_calm(trial);
    gkv_clerk_begin(trial);
    const uint32_t first_count = trial->scenario.node_count - trial->scenario.late_count;
    for (uint32_t i = 0; i < first_count && !gkv_clerk_reads(trial); i++) {
        gkv_trial_call_in(trial, gkv_choose(&trial->choice, "form.boot", 200 * MS), GKV_CALL_BOOT,
                          i);
    }
    if (!run_until(trial, trial->world.now_ns + 300 * MS)) {
        return false;
    }
    const uint64_t begin_ns = trial->world.now_ns;
    return run_until_members_agree(trial, begin_ns + trial->scenario.member_ns) &&
           run_until_settled(trial, begin_ns + trial->scenario.liveness_ns);
}

static bool work(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_WORK;
    trial->work_end_ns =
        gkv_clerk_work_end_ns(trial, trial->world.now_ns + trial->scenario.work_ns);
    if (gkv_clerk_reads(trial)) {
        gkv_clerk_begin_work(trial);
    } else {
        gkv_faults_begin(trial);
    }
    gkv_clerk_write_changes(trial);
    gkv_workload_begin(trial);
    bool is_sound = true;
    while (is_sound && !gkv_workload_is_over(trial) && trial->world.now_ns < trial->work_end_ns) {
        is_sound = run_until(trial, trial->world.now_ns + POLL_NS);
    }
    trial->work_end_ns = trial->world.now_ns;
    gkv_clerk_write_end(trial); /* of a failure too, or its script would heal before */
    return is_sound;
}

static bool heal(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_HEAL;
    gkv_faults_end(trial);
    const uint64_t begin_ns = trial->world.now_ns;
    uint64_t least_ns = HEAL_NS_MIN + trial->scenario.pauses.for_ns_max;
    const uint64_t forgetting_ns = gkv_forgetting_wait_ns(&trial->scenario);
    least_ns = forgetting_ns > least_ns ? forgetting_ns : least_ns;
    if (!run_until(trial, begin_ns + least_ns) ||
        !run_until_members_agree(trial, begin_ns + trial->scenario.member_ns) ||
        !run_until_settled(trial, begin_ns + trial->scenario.liveness_ns)) {
        return false;
    }
    gkv_settled_note(&trial->tally.settled, (trial->world.now_ns - begin_ns) / MS,
                     trial->scenario.liveness_ns / MS);
    return true;
}

/* Run until everything is read. An operation that never ends keeps its client, and in the end all
 * wait: then nobody asks anything for longer than any operation may take. */
static bool run_until_read(struct gkv_trial *trial)
{
    const uint64_t silence_ns = trial->scenario.world.node.operation_timeout_ms * MS + 1000 * MS;
    uint32_t asked_count = trial->history.count;
    uint64_t deadline_ns = trial->world.now_ns + silence_ns;
    while (!gkv_workload_is_over(trial)) {
        if (!run_until(trial, trial->world.now_ns + POLL_NS)) {
            return false;
        }
        if (trial->history.count != asked_count) {
            asked_count = trial->history.count;
            deadline_ns = trial->world.now_ns + silence_ns;
        }
        if (trial->world.now_ns >= deadline_ns) {
            gkv_trial_fail(trial, GKV_TRIAL_LIVENESS, "open",
                           "reading everything again does not end: %u operations are open",
                           (unsigned)trial->history.open_count);
            return trial->verdict.status == GKV_TRIAL_PASS; /* of a check that is off */
        }
    }
    return true;
}

static bool read_again(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_READ;
    gkv_workload_begin_reading(trial);
    const uint64_t timeout_ns = trial->scenario.world.node.operation_timeout_ms * MS;
    const uint64_t reading_ns =
        timeout_ns * trial->scenario.key_count * trial->scenario.node_count + 1000 * MS;
    /* Smaller values may have made room in a cache, which others fill. */
    const uint64_t settling_ns =
        trial->scenario.evicts ? trial->scenario.liveness_ns : UINT64_C(2000) * MS;
    return run_until_read(trial) &&
           run_until_settled(trial, trial->world.now_ns + gkv_idle_accused_ns(trial) +
                                        (reading_ns < settling_ns ? reading_ns : settling_ns));
}

/* Nobody asks, and what has settled stays so. */
static bool idle(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_IDLE;
    gkv_idle_begin(trial);
    uint64_t until_ns = 0;
    while (gkv_idle_wait(trial, &until_ns)) {
        if (!run_until(trial, until_ns)) {
            return false;
        }
    }
    gkv_idle_note(trial);
    if (!run_until(trial, trial->idle.end_ns)) {
        return false;
    }
    return run_until_settled(trial, trial->world.now_ns + gkv_idle_accused_ns(trial));
}

/* What checks say of the whole, while all are up who were; or, where a run need not settle, in the
 * midst of its faults. */
static bool finish(struct gkv_trial *trial)
{
    check_memory(trial);
    for (size_t i = 0; gkv_checks[i] != NULL; i++) {
        if (gkv_checks[i]->finish != NULL) {
            gkv_checks[i]->finish(trial);
        }
    }
    return trial->verdict.status == GKV_TRIAL_PASS;
}

/* A node dies, and all find out. */
static bool lose(struct gkv_trial *trial)
{
    trial->phase = GKV_PHASE_LOSS;
    return !gkv_idle_lose(trial) || run_until_settled(trial, trial->idle.deadline_ns);
}

/* All that comes after the faults. */
static bool settle(struct gkv_trial *trial)
{
    return heal(trial) && read_again(trial) && idle(trial) && finish(trial) && lose(trial);
}

/* ---- A whole trial --------------------------------------------------------------------------- */

/* Where the answers come from, and who keeps them. What a script does not say is benign. */
static void open_choice(struct gkv_trial *trial)
{
    const struct gkv_trial_options *options = trial->options;
    gkv_choice_init(&trial->choice, options->seed);
    if (options->script != NULL) {
        gkv_choice_read(&trial->choice, (struct gkv_bytes){.data = NULL, .count = 0});
    } else if (options->replay != NULL && options->replay_count > 0) {
        gkv_choice_replay_first(&trial->choice, options->replay, options->replay_count);
    } else if (options->replay != NULL) {
        gkv_choice_replay(&trial->choice, options->replay);
    } else if (options->bytes.data != NULL) {
        gkv_choice_read(&trial->choice, options->bytes);
    }
    gkv_choice_record(&trial->choice, options->recording);
}

static bool create(struct gkv_trial *trial)
{
    const struct gkv_observer observer = {.observe = observe, .context = trial};
    open_choice(trial);
    gather_audience(trial);
    if (trial->options->script != NULL) {
        trial->scenario = trial->options->script->scenario;
    } else {
        gkv_scenario_draw(&trial->scenario, &trial->choice, trial->options->seed,
                          trial->options->profile, trial->options->off_mask);
    }
    gkv_watch_init(trial);
    trial->verdict.node = GKV_HISTORY_NONE;
    trial->verdict.key = GKV_HISTORY_NONE;
    trial->history.deeds = gkv_pool_take(GKV_HISTORY_COUNT_MAX * sizeof(struct gkv_deed));
    gkv_check_name_nodes(trial);
    for (uint32_t i = 0; i < GKV_SCENARIO_CLIENT_COUNT_MAX; i++) {
        trial->clients[i].waiting = GKV_HISTORY_NONE;
    }
    const struct gkv_hearer hearer = {.hear = hear, .context = trial};
    trial->overhear = gkv_overhear_create(trial->scenario.world.node.value_bytes_max, &hearer);
    if (trial->history.deeds == NULL || trial->overhear == NULL || !gkv_clerk_open(trial) ||
        gkv_world_create(&trial->world, &trial->scenario.world, &trial->choice.chance, &observer) !=
            GKV_OK) {
        return false;
    }
    if (trial->options->explain || gkv_outputs_wanted(trial->options->outputs)) {
        trial->journal = gkv_journal_attach(trial);
        if (trial->journal == NULL) {
            (void)fprintf(stderr, "gridkv-sim: no memory to keep what happens\n");
        }
    }
    return true;
}

/* What the network did to messages. */
static void count_network(const struct gkv_net_stats *stats, struct gkv_tally *tally)
{
    tally->counts[GKV_MET_LOSS] += stats->datagram_lost_count;
    tally->counts[GKV_MET_DUPLICATE] += stats->datagram_doubled_count;
    tally->counts[GKV_MET_BREAK] += stats->stream_broken_count;
    tally->counts[GKV_MET_QUEUED] += stats->queued_count;
    tally->counts[GKV_MET_REFUSAL] += stats->dial_refused_count;
    tally->counts[GKV_MET_HANG] += stats->dial_hung_count;
    tally->counts[GKV_MET_SLAM] += stats->dial_slammed_count;
    tally->counts[GKV_MET_TRICKLE] += stats->trickled_count;
    tally->counts[GKV_MET_FLIP] += stats->flipped_count;
    tally->counts[GKV_MET_TRUNCATION] += stats->truncated_count;
}

static void summarise(const struct gkv_trial *trial, const struct gkv_verdict *verdict,
                      struct gkv_trial_summary *summary)
{
    struct gkv_linear linear = {0};
    if (verdict->status != GKV_TRIAL_ASSERTION) {
        gkv_linear_judge(trial, &linear);
    }
    memset(summary, 0, sizeof(*summary));
    summary->seed = trial->scenario.seed;
    gkv_world_chain(&trial->world, summary->chain);
    summary->event_count = trial->world.event_count;
    summary->simulated_ns = trial->world.now_ns;
    summary->operation_count = trial->history.count;
    summary->draw_count = trial->choice.draw_count;
    summary->off_mask = trial->options->off_mask;
    summary->check_off_mask = trial->options->check_off_mask;
    summary->event_count_max = trial->options->event_count_max;
    summary->profile = trial->options->profile;
    summary->diverged_at = trial->choice.diverged_at;
    summary->diverged_label = trial->choice.is_diverged ? trial->choice.diverged_label : NULL;
    summary->key_count = linear.key_count;
    summary->wrong_key_count = linear.wrong_key_count;
    summary->check = verdict->status == GKV_TRIAL_PASS ? "" : verdict->check;
    summary->status = verdict->status;
    summary->fail_event = verdict->event;
    summary->fail_ns = verdict->time_ns;
    (void)snprintf(summary->text, sizeof(summary->text), "%s", verdict->text);
    const bool is_whole = verdict->status == GKV_TRIAL_PASS;
    summary->left_out_count = gkv_clerk_left_out(trial, is_whole ? UINT64_MAX : trial->world.now_ns,
                                                 &summary->left_out_first);
    summary->tally = trial->tally;
    count_network(&trial->world.net.stats, &summary->tally);
}

/* It is over: tell whoever wants to know. */
static void conclude(const struct gkv_trial *trial, const struct gkv_verdict *verdict,
                     struct gkv_trial_summary *summary)
{
    const struct gkv_trial_options *options = trial->options;
    summarise(trial, verdict, summary);
    if (options->report && summary->status != GKV_TRIAL_PASS) {
        gkv_report_print(trial, verdict, summary);
    }
    if (trial->journal != NULL) {
        char line[GKV_TRIAL_LINE_BYTES];
        gkv_report_replay_line(options, verdict->status, line);
        gkv_journal_finish(trial->journal, verdict, trial->scenario.seed, line);
        if (options->outputs != NULL) {
            summary->is_file_lost = !gkv_outputs_write(options->outputs, trial->journal);
        }
        if (options->explain) {
            gkv_explain_write(stdout, trial, verdict);
        }
    }
    if (options->tell != NULL) {
        options->tell(options->context, summary);
    }
}

/* An assertion failed in the middle of an event: the verdict, told from where it stands. */
static void tell_assertion(const void *context, const char *text)
{
    const struct gkv_trial *trial = context;
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_verdict verdict = {
        .status = GKV_TRIAL_ASSERTION,
        .check = "assertion",
        .time_ns = trial->world.now_ns,
        .event = trial->world.event_count,
        .node = GKV_HISTORY_NONE,
        .key = GKV_HISTORY_NONE,
    };
    (void)snprintf(verdict.text, sizeof(verdict.text), "%s", text);
    conclude(trial, &verdict, &summary);
}

static void destroy(struct gkv_trial *trial)
{
    if (trial->journal != NULL) {
        gkv_journal_destroy(trial->journal);
    }
    gkv_clerk_close(trial);
    gkv_overhear_destroy(trial->overhear);
    gkv_pool_give(trial->history.deeds);
    gkv_pool_give(trial);
}

void gkv_trial_run_with(const struct gkv_trial_options *options,
                        struct gkv_trial_summary *summary_out)
{
    memset(summary_out, 0, sizeof(*summary_out));
    summary_out->seed = options->seed;
    summary_out->status = GKV_TRIAL_INTERNAL;
    summary_out->check = "internal";
    struct gkv_trial *trial = gkv_pool_take(sizeof(*trial));
    if (trial != NULL) {
        memset(trial, 0, offsetof(struct gkv_trial, tables));
        trial->options = options;
    }
    if (trial == NULL || !create(trial)) {
        (void)snprintf(summary_out->text, sizeof(summary_out->text),
                       "no memory, or options that are refused");
        gkv_report_failure(stdout, options, summary_out);
        if (trial != NULL) {
            destroy(trial);
        }
        return;
    }

    gkv_panic_watch(tell_assertion, trial);
    if (form(trial) && work(trial) &&
        (trial->scenario.is_safety_only ? finish(trial) : settle(trial))) {
        check_memory(trial);
        gkv_sometimes_finish(trial);
    }
    gkv_panic_watch(NULL, NULL);
    conclude(trial, &trial->verdict, summary_out);
    gkv_world_destroy(&trial->world);
    destroy(trial);
}

void gkv_trial_run(uint64_t seed, bool report, struct gkv_trial_summary *summary_out)
{
    const struct gkv_trial_options options = {.seed = seed, .report = report};
    gkv_trial_run_with(&options, summary_out);
}
