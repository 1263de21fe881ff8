/* gridkv-sim replay and shrink: runs out of a file, a .gseed or a .scenario. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/outputs.h"
#include "sim/report.h"
#include "sim/script_text.h"
#include "sim/seedfile.h"
#include "sim/shrink.h"
#include "sim/trial.h"

#define NAME_BYTES_MAX (GKV_TRIAL_LINE_BYTES - 50) /* of a file: words go before and behind it */
#define TRY_COUNT 6000                             /* of a shrinker that is told nothing */

/* What a file says: draws, or what happens. */
struct source {
    const char *name;
    struct gkv_recording *recording; /* NULL: none */
    struct gkv_script *script;       /* NULL: none */
    struct gkv_seedfile head;        /* of the recording; of a script: seed and check */
};

/* Whatever a file is called, a recording says what it is in its first word. */
static bool is_recording(FILE *file)
{
    char word[sizeof("gseed")] = "";
    const bool has_word = fscanf(file, "%5s", word) == 1;
    rewind(file);
    return has_word && strcmp(word, "gseed") == 0;
}

static bool load_script(struct source *source, FILE *file)
{
    struct gkv_script_error error;
    source->script = gkv_script_create();
    if (source->script == NULL || !gkv_script_read(file, source->script, &error)) {
        (void)fprintf(stderr, "%s:%" PRIu32 ": %s\n", source->name,
                      source->script == NULL ? 0 : error.line,
                      source->script == NULL ? "no memory" : error.text);
        return false;
    }
    source->head.seed = source->script->scenario.seed;
    (void)snprintf(source->head.check, sizeof(source->head.check), "%s",
                   source->script->check[0] != '\0' ? source->script->check : "-");
    return true;
}

static void unload(struct source *source)
{
    gkv_recording_destroy(source->recording);
    gkv_script_destroy(source->script);
}

/* False: it cannot be read, which is said. Its name has to fit into what is printed and written. */
static bool load(struct source *source, const char *name)
{
    *source = (struct source){.name = name};
    if (strlen(name) > NAME_BYTES_MAX) {
        (void)fprintf(stderr, "gridkv-sim: the name of a file may have %d bytes\n", NAME_BYTES_MAX);
        return false;
    }
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        (void)fprintf(stderr, "gridkv-sim: cannot read %s\n", name);
        return false;
    }
    bool is_read = false;
    if (is_recording(file)) {
        source->recording = gkv_seedfile_open(name, &source->head);
        is_read = source->recording != NULL;
    } else {
        is_read = load_script(source, file);
    }
    (void)fclose(file);
    if (!is_read) {
        unload(source);
    }
    return is_read;
}

static struct gkv_trial_options options_of(const struct source *source)
{
    return (struct gkv_trial_options){
        .seed = source->head.seed,
        .profile = source->head.profile,
        .off_mask = source->head.off_mask,
        .check_off_mask = source->head.check_off_mask,
        .event_count_max = source->head.event_count_max,
        .replay = source->recording,
        .script = source->script,
    };
}

/* ---- replay ---------------------------------------------------------------------------------- */

/* Was it the run that the file tells of? Told from within, for an assertion comes back no more. */
static void compare_recorded(const struct gkv_seedfile *head,
                             const struct gkv_trial_summary *summary)
{
    if (summary->diverged_label != NULL) {
        printf("diverged at draw %" PRIu64 ", which asked for %s: all is benign from there on\n",
               summary->diverged_at, summary->diverged_label);
    }
    if (gkv_seedfile_is_of(head, summary)) {
        printf("as recorded: %016" PRIx64 "%016" PRIx64 "\n", head->chain[0], head->chain[1]);
        return;
    }
    printf("NOT as recorded at commit %s: status %d, check %s, hash %016" PRIx64 "%016" PRIx64 "\n",
           head->commit, (int)head->status, head->check, head->chain[0], head->chain[1]);
}

static bool is_as_expected(const struct source *source, const struct gkv_trial_summary *summary)
{
    return strcmp(source->script->check, summary->check) == 0;
}

/* A line that is not carried out proves nothing, and he who wrote it ought to know. */
static void tell_left_out(const struct gkv_script *script, const struct gkv_trial_summary *summary)
{
    char text[GKV_SCRIPT_TEXT_LINE_BYTES];
    if (summary->left_out_count > 0) {
        const struct gkv_script_line *line = &script->lines[summary->left_out_first];
        gkv_script_line_text(script, line, text);
        printf("left out: %" PRIu32 " of %" PRIu32 " lines; the first, at %" PRIu64 ".%09" PRIu64
               "s: %s\n",
               summary->left_out_count, script->line_count, line->time_ns / 1000000000,
               line->time_ns % 1000000000, text);
    }
}

static void compare(void *context, const struct gkv_trial_summary *summary)
{
    const struct source *source = context;
    if (source->script == NULL) {
        compare_recorded(&source->head, summary);
        return;
    }
    tell_left_out(source->script, summary);
    if (is_as_expected(source, summary)) {
        printf("as expected: %s\n", summary->check[0] != '\0' ? summary->check : "pass");
    } else {
        printf("NOT as expected: %s\n",
               source->script->check[0] != '\0' ? source->script->check : "pass");
    }
}

static int replay(struct source *source, const struct gkv_outputs *outputs, bool explain)
{
    static char line[GKV_TRIAL_LINE_BYTES];
    struct gkv_trial_options options = options_of(source);
    (void)snprintf(line, sizeof(line), "gridkv-sim replay %s", source->name);
    options.report = !explain;
    options.explain = explain;
    options.outputs = outputs;
    options.replay_line = line;
    options.tell = compare;
    options.context = source;
    static struct gkv_trial_summary summary; /* both are too large for a stack frame */
    gkv_trial_run_with(&options, &summary);
    const bool is_missed = source->script != NULL && !is_as_expected(source, &summary);
    if (summary.status == GKV_TRIAL_PASS && summary.is_file_lost && !is_missed) {
        summary.status = GKV_TRIAL_INTERNAL;
    }
    gkv_report_summary(&summary);
    return summary.status == GKV_TRIAL_PASS && is_missed ? (int)GKV_TRIAL_DETERMINISM
                                                         : (int)summary.status;
}

int gkv_command_replay(struct gkv_arguments *arguments)
{
    static struct gkv_outputs outputs; /* too large for a stack frame, with the others */
    struct source source;
    const char *text = NULL;
    if (!gkv_arguments_more(arguments)) {
        return GKV_TRIAL_USAGE;
    }
    const char *name = arguments->words[arguments->next++];
    bool explain = false;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take(arguments, "--explain")) {
            explain = true;
            continue;
        }
        const bool is_trace = gkv_arguments_take_text(arguments, "--trace", &text);
        if (is_trace && !gkv_outputs_parse(&outputs, text)) {
            (void)gkv_arguments_wrong(arguments,
                                      "--trace wants chrome=FILE,shiviz=FILE,history=FILE, or some "
                                      "of them, and not '%s'",
                                      text);
            return GKV_TRIAL_USAGE;
        }
        if (!is_trace && !gkv_arguments_take_text(arguments, "--html", &outputs.html)) {
            return GKV_TRIAL_USAGE;
        }
    }
    if (!load(&source, name)) {
        return GKV_TRIAL_USAGE;
    }
    const int status = replay(&source, &outputs, explain);
    unload(&source);
    return status;
}

/* ---- shrink ---------------------------------------------------------------------------------- */

/* What is asked for: a smaller run of this failure, in this file. */
struct wanted {
    const struct source *source;
    const char *out;
    const char *out_part; /* what is written before it takes the other's place */
    uint64_t try_count_max;
    uint64_t time_ns_max; /* 0: no limit */
    uint64_t begin_ns;
    enum gkv_trial_status status;
    bool is_lost; /* the file cannot be written */
    struct gkv_shrink shrink;
};

/* The same check with the same status, in not many more events than the best so far. */
static bool fails_alike(void *context, const struct gkv_script *candidate,
                        struct gkv_shrink_size *size_out)
{
    struct wanted *wanted = context;
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_trial_options options = options_of(wanted->source);
    if (wanted->time_ns_max > 0 && gkv_jobs_now_ns() - wanted->begin_ns > wanted->time_ns_max) {
        gkv_shrink_stop(&wanted->shrink);
        return false;
    }
    options.replay = NULL;
    options.script = candidate;
    options.event_count_max = size_out->event_count == 0 ? 0 : size_out->event_count * 5 / 4 + 200;
    if (!gkv_jobs_try(&options, &summary) || summary.status != wanted->status ||
        strcmp(summary.check, wanted->source->head.check) != 0) {
        return false;
    }
    size_out->operation_count = summary.operation_count;
    size_out->event_count = summary.event_count;
    size_out->end_ns = summary.simulated_ns;
    return true;
}

static void print_size(const char *when, const struct gkv_shrink_size *size)
{
    printf("%s: operations=%" PRIu64 " faults=%" PRIu64 " events=%" PRIu64 " lines=%" PRIu64 "\n",
           when, size->operation_count, size->fault_count, size->event_count, size->line_count);
}

/* Run what the file says, and have it written down as a script. NULL, or why that is of no use. */
static const char *write_down(struct wanted *wanted, struct gkv_script *script)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_trial_options options = options_of(wanted->source);
    if (options.script != NULL) {
        gkv_script_copy(script, options.script);
    } else {
        options.written = script;
    }
    options.event_count_max = 0; /* a limit is no failure that could be smaller */
    if (!gkv_jobs_try(&options, &summary) ||
        strcmp(summary.check, wanted->source->head.check) != 0) {
        return "does not fail as recorded";
    }
    if (script->is_cut_short) {
        return "has more lines than a script may have";
    }
    wanted->status = summary.status;
    (void)snprintf(script->check, sizeof(script->check), "%s", summary.check);
    return NULL;
}

/* The smallest so far is always in the file, whole, whatever ends this process. */
static void keep(void *context, const struct gkv_script *best)
{
    struct wanted *wanted = context;
    FILE *file = fopen(wanted->out_part, "w");
    const bool is_written = file != NULL && gkv_script_write(file, best);
    if (file == NULL || fclose(file) != 0 || !is_written ||
        rename(wanted->out_part, wanted->out) != 0) {
        wanted->is_lost = true;
        gkv_shrink_stop(&wanted->shrink);
    }
}

/* From what was written down to a smaller script in the file. */
static int shrink_from(struct wanted *wanted, const struct gkv_script *script)
{
    struct gkv_shrink *shrink = &wanted->shrink;
    if (!gkv_shrink_begin(shrink, script)) {
        printf("does not fail by check %s any more when it is run line by line\n", script->check);
        return GKV_TRIAL_DETERMINISM;
    }
    if (!wanted->is_lost) {
        print_size("before", &shrink->size);
        printf("the smallest so far is in %s\n", wanted->out);
        (void)fflush(stdout);
        gkv_shrink_run(shrink, wanted->try_count_max);
    }
    if (wanted->is_lost) {
        (void)fprintf(stderr, "gridkv-sim: cannot write %s by way of %s\n", wanted->out,
                      wanted->out_part);
        return GKV_TRIAL_INTERNAL;
    }
    print_size("after", &shrink->size);
    printf("tries: %" PRIu64 "%s\n", shrink->try_count,
           shrink->tries_left > 0 ? "" : "; stopped by the limit, more may make it smaller");
    printf("replay: gridkv-sim replay %s\n", wanted->out);
    return GKV_TRIAL_PASS;
}

static int shrink_source(struct wanted *wanted)
{
    struct gkv_script *script = gkv_script_create();
    int status = GKV_TRIAL_DETERMINISM;
    if (script == NULL || !gkv_shrink_create(&wanted->shrink, fails_alike, keep, wanted)) {
        (void)fprintf(stderr, "gridkv-sim: no memory for scripts\n");
        gkv_script_destroy(script);
        return GKV_TRIAL_INTERNAL;
    }
    wanted->begin_ns = gkv_jobs_now_ns();
    const char *reason = write_down(wanted, script);
    if (reason != NULL) {
        printf("%s, which was check %s\n", reason, wanted->source->head.check);
    } else {
        status = shrink_from(wanted, script);
    }
    gkv_shrink_destroy(&wanted->shrink);
    gkv_script_destroy(script);
    return status;
}

static bool parse_shrink(struct gkv_arguments *arguments, struct wanted *wanted)
{
    const char *text = NULL;
    while (gkv_arguments_more(arguments)) {
        if (gkv_arguments_take_text(arguments, "--time", &text)) {
            if (!gkv_arguments_duration(text, &wanted->time_ns_max)) {
                return gkv_arguments_wrong(
                    arguments, "--time wants a time, such as 90s, 10m or 2h, and not '%s'", text);
            }
        } else if (!gkv_arguments_take_text(arguments, "--out", &wanted->out) &&
                   !gkv_arguments_take_number(arguments, "--tries", UINT64_MAX,
                                              &wanted->try_count_max)) {
            return false;
        }
    }
    return true;
}

int gkv_command_shrink(struct gkv_arguments *arguments)
{
    static char beside[GKV_TRIAL_LINE_BYTES]; /* both are too large for a stack frame */
    static char part[GKV_TRIAL_LINE_BYTES];
    struct source source;
    struct wanted wanted = {.source = &source, .out = beside, .try_count_max = TRY_COUNT};
    if (!gkv_arguments_more(arguments)) {
        return GKV_TRIAL_USAGE;
    }
    const char *name = arguments->words[arguments->next++];
    (void)snprintf(beside, sizeof(beside), "%s.min.scenario", name);
    if (!parse_shrink(arguments, &wanted) || !load(&source, name)) {
        return GKV_TRIAL_USAGE;
    }
    if (strlen(wanted.out) > GKV_TRIAL_LINE_BYTES - sizeof(".part")) {
        (void)gkv_arguments_wrong(arguments, "--out is too long a name");
        unload(&source);
        return GKV_TRIAL_USAGE;
    }
    (void)snprintf(part, sizeof(part), "%s.part", wanted.out);
    wanted.out_part = part;
    int status = GKV_TRIAL_USAGE;
    if (strcmp(source.head.check, "-") == 0) {
        (void)fprintf(stderr, "gridkv-sim: nothing fails in %s\n", name);
    } else {
        status = shrink_source(&wanted);
    }
    unload(&source);
    return status;
}
