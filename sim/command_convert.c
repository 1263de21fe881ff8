/* gridkv-sim convert: a recording to a fuzzer's input, and back (fuzz/fuzz_sim.c). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/command.h"
#include "sim/report.h"
#include "sim/seedfile.h"
#include "sim/trial.h"

#define INPUT_BYTES_MAX (1024 * 1024)

/* One conversion. It is written down when the run is over, even by an assertion. */
struct conversion {
    const char *out;
    bool to_recording;
    bool is_written;
    struct gkv_recording *recording;
    uint8_t *bytes; /* INPUT_BYTES_MAX */
};

static bool ends_with(const char *text, const char *end)
{
    const size_t text_count = strlen(text);
    const size_t end_count = strlen(end);
    return text_count >= end_count && strcmp(text + text_count - end_count, end) == 0;
}

static bool write_input(FILE *file, const struct conversion *conversion)
{
    const struct gkv_buffer buffer = {.data = conversion->bytes, .capacity = INPUT_BYTES_MAX};
    size_t count = gkv_recording_to_bytes(conversion->recording, buffer);
    while (count > 0 && conversion->bytes[count - 1] == 0) {
        count--; /* what is not there is 0 as well */
    }
    printf("%s: %zu bytes of %" PRIu32 " draws\n", conversion->out, count,
           conversion->recording->draw_count);
    return fwrite(conversion->bytes, 1, count, file) == count;
}

static void keep(void *context, const struct gkv_trial_summary *summary)
{
    struct conversion *conversion = context;
    FILE *file = fopen(conversion->out, "wb");
    if (file == NULL) {
        return;
    }
    if (conversion->to_recording) {
        struct gkv_seedfile head;
        gkv_seedfile_init(&head, summary);
        conversion->is_written = gkv_seedfile_write(file, &head, conversion->recording);
    } else {
        conversion->is_written = write_input(file, conversion);
    }
    conversion->is_written = fclose(file) == 0 && conversion->is_written;
}

/* The bytes of a file; false: it cannot be read, or is larger than any input. */
static bool read_input(const char *name, uint8_t *bytes, struct gkv_bytes *bytes_out)
{
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        return false;
    }
    bytes_out->data = bytes;
    bytes_out->count = fread(bytes, 1, INPUT_BYTES_MAX, file);
    const bool is_read = ferror(file) == 0 && fgetc(file) == EOF;
    (void)fclose(file);
    return is_read;
}

static int convert(const char *in, struct conversion *conversion)
{
    static struct gkv_trial_summary summary; /* too large for a stack frame */
    struct gkv_seedfile head;
    struct gkv_recording *replay = NULL;
    struct gkv_trial_options options = {
        .profile = GKV_PROFILE_LITE,
        .event_count_max = GKV_TRIAL_FUZZED_EVENT_COUNT_MAX,
        .report = true,
        .recording = conversion->recording,
        .replay_line = "replay_sim INPUT",
        .tell = keep,
        .context = conversion,
    };
    if (conversion->to_recording) {
        if (!read_input(in, conversion->bytes, &options.bytes)) {
            (void)fprintf(stderr, "gridkv-sim: cannot read %s, or it is too large\n", in);
            return GKV_TRIAL_USAGE;
        }
    } else {
        replay = gkv_seedfile_open(in, &head);
        if (replay == NULL || head.profile != GKV_PROFILE_LITE || head.off_mask != 0) {
            (void)fputs(replay == NULL ? ""
                                       : "gridkv-sim: inputs are of the profile lite, with all "
                                         "faults; this recording is not\n",
                        stderr);
            gkv_recording_destroy(replay);
            return GKV_TRIAL_USAGE;
        }
        options.replay = replay;
    }
    gkv_trial_run_with(&options, &summary);
    gkv_report_summary(&summary);
    gkv_recording_destroy(replay);
    if (!conversion->is_written) {
        (void)fprintf(stderr, "gridkv-sim: cannot write %s\n", conversion->out);
        return GKV_TRIAL_USAGE;
    }
    return GKV_TRIAL_PASS;
}

int gkv_command_convert(struct gkv_arguments *arguments)
{
    if (arguments->next + 2 != arguments->count) {
        if (gkv_arguments_more(arguments)) {
            (void)gkv_arguments_wrong(arguments, "two files are wanted, one of them a .gseed");
        }
        return GKV_TRIAL_USAGE;
    }
    const char *in = arguments->words[arguments->next];
    struct conversion conversion = {.out = arguments->words[arguments->next + 1]};
    conversion.to_recording = ends_with(conversion.out, ".gseed");
    if (conversion.to_recording == ends_with(in, ".gseed")) {
        (void)gkv_arguments_wrong(arguments, "one of the two files has to be a .gseed");
        return GKV_TRIAL_USAGE;
    }
    arguments->next += 2;
    conversion.recording = gkv_recording_create();
    conversion.bytes = malloc(INPUT_BYTES_MAX);
    int status = GKV_TRIAL_INTERNAL;
    if (conversion.recording != NULL && conversion.bytes != NULL) {
        status = convert(in, &conversion);
    }
    gkv_recording_destroy(conversion.recording);
    free(conversion.bytes);
    return status;
}
