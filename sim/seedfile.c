#include "sim/seedfile.h"

#include <inttypes.h>
#include <string.h>

#include "sim/report.h"

#define WORDS_PER_LINE 16

static void copy_text(char to[GKV_SEEDFILE_TEXT_BYTES], const char *from)
{
    (void)snprintf(to, GKV_SEEDFILE_TEXT_BYTES, "%s", from[0] == '\0' ? "-" : from);
}

void gkv_seedfile_init(struct gkv_seedfile *head, const struct gkv_trial_summary *summary)
{
    *head = (struct gkv_seedfile){
        .seed = summary->seed,
        .off_mask = summary->off_mask,
        .check_off_mask = summary->check_off_mask,
        .event_count_max = summary->event_count_max,
        .chain = {summary->chain[0], summary->chain[1]},
        .profile = summary->profile,
        .status = summary->status,
    };
    copy_text(head->commit, gkv_report_commit());
    copy_text(head->check, summary->check);
}

bool gkv_seedfile_is_of(const struct gkv_seedfile *head, const struct gkv_trial_summary *summary)
{
    struct gkv_seedfile other;
    gkv_seedfile_init(&other, summary);
    return head->status == other.status && strcmp(head->check, other.check) == 0 &&
           head->chain[0] == other.chain[0] && head->chain[1] == other.chain[1];
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void write_draws(FILE *file, const struct gkv_recording *recording)
{
    uint32_t word_count = 0;
    uint32_t i = 0;
    while (i < recording->draw_count) {
        const struct gkv_draw *draw = &recording->draws[i];
        uint32_t same = 1;
        while (i + same < recording->draw_count && draw[same].label == draw->label &&
               draw[same].value == draw->value) {
            same++;
        }
        if (i == 0 || draw[-1].label != draw->label || word_count == WORDS_PER_LINE) {
            (void)fprintf(file, "%s%s", i == 0 ? "" : "\n", recording->labels[draw->label]);
            word_count = 0;
        }
        (void)fprintf(file, " %" PRIu64, draw->value);
        if (same > 1) {
            (void)fprintf(file, "*%" PRIu32, same);
        }
        word_count++;
        i += same;
    }
    (void)fprintf(file, "%send\n", i == 0 ? "" : "\n");
}

bool gkv_seedfile_write(FILE *file, const struct gkv_seedfile *head,
                        const struct gkv_recording *recording)
{
    if (recording->is_cut_short) {
        return false;
    }
    (void)fprintf(file, "gseed %d\ncommit %s\nseed %" PRIu64 "\nprofile %s\n", GKV_SEEDFILE_VERSION,
                  head->commit, head->seed, gkv_profile_name(head->profile));
    (void)fprintf(file, "off %" PRIu64 "\nchecks_off %" PRIu64 "\nlimit %" PRIu64 "\n",
                  head->off_mask, head->check_off_mask, head->event_count_max);
    (void)fprintf(file, "check %s\nstatus %d\n", head->check, (int)head->status);
    (void)fprintf(file, "hash %016" PRIx64 "%016" PRIx64 "\n", head->chain[0], head->chain[1]);
    (void)fprintf(file, "draws %" PRIu32 "\n", recording->draw_count);
    write_draws(file, recording);
    return ferror(file) == 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is being read, to be told when it is wrong. */
struct reader {
    FILE *file;
    struct gkv_seedfile_error *error;
};

/* The whole text is a number of 64 bits. */
static bool parse_number(const char *text, uint32_t base, uint64_t *number_out)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number = 0;
    for (const char *at = text; *at != '\0'; at++) {
        const char *found = strchr(digits, *at);
        const uint64_t digit = found == NULL ? base : (uint64_t)(found - digits);
        if (digit >= base || number > (UINT64_MAX - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    *number_out = number;
    return text[0] != '\0';
}

static bool read_text(struct reader *reader, const char *name, char text[GKV_SEEDFILE_TEXT_BYTES])
{
    char word[GKV_SEEDFILE_TEXT_BYTES];
    copy_text(reader->error->field, name);
    return fscanf(reader->file, "%63s %63s", word, text) == 2 && strcmp(word, name) == 0;
}

static bool read_profile(struct reader *reader, enum gkv_profile *profile_out)
{
    char text[GKV_SEEDFILE_TEXT_BYTES];
    if (!read_text(reader, "profile", text)) {
        return false;
    }
    *profile_out = gkv_profile_find(text);
    return *profile_out != GKV_PROFILE_COUNT;
}

static bool read_number(struct reader *reader, const char *name, uint64_t number_max,
                        uint64_t *number_out)
{
    char text[GKV_SEEDFILE_TEXT_BYTES];
    return read_text(reader, name, text) && parse_number(text, 10, number_out) &&
           *number_out <= number_max;
}

static bool read_hash(struct reader *reader, uint64_t chain[2])
{
    char text[GKV_SEEDFILE_TEXT_BYTES];
    char half[17] = {0};
    if (!read_text(reader, "hash", text) || strlen(text) != 32) {
        return false;
    }
    memcpy(half, text, 16);
    return parse_number(half, 16, &chain[0]) && parse_number(text + 16, 16, &chain[1]);
}

static bool add_values(struct gkv_recording *recording, uint32_t label, char *word)
{
    uint64_t value = 0;
    uint64_t count = 1;
    char *star = strchr(word, '*');
    if (star != NULL) {
        *star++ = '\0';
        if (!parse_number(star, 10, &count)) {
            return false;
        }
    }
    if (label >= recording->label_count || !parse_number(word, 10, &value) ||
        count > GKV_RECORDING_DRAW_COUNT_MAX - recording->draw_count) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        gkv_recording_add(recording, label, UINT64_MAX, value);
    }
    return true;
}

/* Labels and values, up to "end". */
static bool read_draws(struct reader *reader, struct gkv_recording *recording)
{
    char word[GKV_SEEDFILE_TEXT_BYTES];
    uint32_t label = GKV_CHOICE_LABEL_COUNT_MAX;
    copy_text(reader->error->field, "end");
    while (fscanf(reader->file, "%63s", word) == 1) {
        const bool is_number = word[0] >= '0' && word[0] <= '9';
        if (strcmp(word, "end") == 0) {
            return true;
        }
        if (!is_number) {
            label = gkv_recording_label(recording, word);
            copy_text(reader->error->field, word);
        } else if (!add_values(recording, label, word)) {
            return false;
        }
    }
    return false;
}

static bool read_all(struct reader *reader, struct gkv_seedfile *head,
                     struct gkv_recording *recording)
{
    uint64_t version = 0;
    uint64_t status = 0;
    uint64_t draw_count = 0;
    const bool has_head =
        read_number(reader, "gseed", UINT32_MAX, &version) && version == GKV_SEEDFILE_VERSION &&
        read_text(reader, "commit", head->commit) &&
        read_number(reader, "seed", UINT64_MAX, &head->seed) &&
        read_profile(reader, &head->profile) &&
        read_number(reader, "off", UINT64_MAX, &head->off_mask) &&
        read_number(reader, "checks_off", UINT64_MAX, &head->check_off_mask) &&
        read_number(reader, "limit", UINT64_MAX, &head->event_count_max) &&
        read_text(reader, "check", head->check) &&
        read_number(reader, "status", GKV_TRIAL_DETERMINISM, &status) &&
        read_hash(reader, head->chain) && read_number(reader, "draws", UINT32_MAX, &draw_count);
    head->status = (enum gkv_trial_status)status;
    if (!has_head || !read_draws(reader, recording)) {
        return false;
    }
    copy_text(reader->error->field, "draws");
    return recording->draw_count == draw_count;
}

/* The line that was read last. */
static uint32_t count_lines(FILE *file)
{
    const long end = ftell(file);
    uint32_t count = 1;
    rewind(file);
    for (long i = 0; i < end; i++) {
        count += fgetc(file) == '\n';
    }
    return count;
}

bool gkv_seedfile_read(FILE *file, struct gkv_seedfile *head, struct gkv_recording *recording,
                       struct gkv_seedfile_error *error_out)
{
    struct reader reader = {.file = file, .error = error_out};
    *head = (struct gkv_seedfile){0};
    *error_out = (struct gkv_seedfile_error){0};
    gkv_recording_clear(recording);
    if (!read_all(&reader, head, recording)) {
        error_out->line = count_lines(file);
        return false;
    }
    return true;
}

struct gkv_recording *gkv_seedfile_open(const char *name, struct gkv_seedfile *head)
{
    struct gkv_recording *recording = gkv_recording_create();
    struct gkv_seedfile_error error = {0};
    FILE *file = fopen(name, "r");
    const bool is_read =
        recording != NULL && file != NULL && gkv_seedfile_read(file, head, recording, &error);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!is_read) {
        (void)fprintf(stderr, "gridkv-sim: cannot read %s, or it is no .gseed of version %d", name,
                      GKV_SEEDFILE_VERSION);
        if (error.line > 0) {
            (void)fprintf(stderr, ": line %" PRIu32 ", %s", error.line, error.field);
        }
        (void)fprintf(stderr, "\n");
        gkv_recording_destroy(recording);
        return NULL;
    }
    return recording;
}
