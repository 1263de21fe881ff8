#include "sim/script_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "sim/history.h"

#define WORD_COUNT_MAX 16
#define WORD_BYTES 64
#define DURATION_NS_MAX (UINT64_C(1) << 60)

/* ---- Patterns -------------------------------------------------------------------------------- */

/* What stands for a value in a pattern. */
static const struct {
    char letter;
    const char *name;
    const char *hint;
} places[] = {
    {'c', "CLIENT", "c0, c1, ..., below clients"},
    {'k', "KEY", "k0, k1, ..., below keys"},
    {'n', "NODE", "a .. z, A .. Z, n52, n53, ..., as many as nodes"},
    {'t', "NODE", "a .. z, A .. Z, n52, n53, ..., as many as nodes"},
    {'b', "COUNT", "12 to 61440 bytes"},
    {'m', "TTL", "whole milliseconds, such as 300ms"},
    {'d', "DURATION", "a number and s, ms, us or ns, such as 2.5ms"},
    {'s', "STEP", "milliseconds with a sign, such as +240ms"},
    {'p', "DRIFT", "parts per million with a sign, such as -300ppm"},
    {'o', "WHICH", "1st, 2nd, 3rd, ... at this time"},
    {'v', "NUMBER", "a number"},
    {'l', "LABEL", "the label of a draw, such as net.loss"},
};
#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

/* The first pattern says a line whose values without a place are those given here. */
struct pattern {
    enum gkv_script_kind kind;
    const char *label; /* LUCK: NULL is any */
    uint64_t value;
    uint32_t count;
    const char *text;
};

static const struct pattern patterns[] = {
    {GKV_SCRIPT_SET, NULL, 0, GKV_HISTORY_VALUE_BYTES_MIN, "%c sets %k at %n"},
    {GKV_SCRIPT_SET, NULL, 0, 0, "%c sets %k at %n to %b bytes"},
    {GKV_SCRIPT_SET, NULL, 0, GKV_HISTORY_VALUE_BYTES_MIN, "%c sets %k at %n for %m"},
    {GKV_SCRIPT_SET, NULL, 0, 0, "%c sets %k at %n to %b bytes for %m"},
    {GKV_SCRIPT_GET, NULL, 0, 0, "%c gets %k at %n"},
    {GKV_SCRIPT_DELETE, NULL, 0, 0, "%c deletes %k at %n"},
    {GKV_SCRIPT_BOOT, NULL, 0, 0, "boot %n"},
    {GKV_SCRIPT_CRASH, NULL, 0, 0, "crash %n"},
    {GKV_SCRIPT_CRASH, NULL, 0, 0, "crash %n silently for %d"},
    {GKV_SCRIPT_LEAVE, NULL, 0, 0, "%n leaves"},
    {GKV_SCRIPT_PAUSE, NULL, 0, 0, "pause %n for %d"},
    {GKV_SCRIPT_SUSPEND, NULL, 0, 0, "%n's uptime misses %d"},
    {GKV_SCRIPT_SLOW, NULL, 0, 0, "%n needs %d for everything"},
    {GKV_SCRIPT_CUT, NULL, 0, 0, "cut %n > %t"},
    {GKV_SCRIPT_STALL, NULL, 0, 0, "link %n > %t stands still for %d"},
    {GKV_SCRIPT_RATE, NULL, 0, 0, "link %n > %t carries %v bytes a second"},
    {GKV_SCRIPT_SEVER, NULL, 0, 0, "break the %o end of a stream"},
    {GKV_SCRIPT_SEVER, NULL, 0, 0, "break the %o end of a stream silently for %d"},
    {GKV_SCRIPT_MEND, NULL, 0, 0, "mend %n > %t"},
    {GKV_SCRIPT_LATENCY, NULL, 0, 0, "link %n > %t takes %d"},
    {GKV_SCRIPT_RESETS, NULL, 1, 0, "link %n > %t breaks streams when cut"},
    {GKV_SCRIPT_RESETS, NULL, 0, 0, "link %n > %t holds streams when cut"},
    {GKV_SCRIPT_STEP, NULL, 0, 0, "%n's clock steps %s"},
    {GKV_SCRIPT_DRIFT, NULL, 0, 0, "%n's clock drifts %p"},
    {GKV_SCRIPT_UPTIME, NULL, 0, 0, "%n was up for %d before"},
    {GKV_SCRIPT_IDLE_CUT, NULL, 0, 0, "cut %n > %t when idle"},
    {GKV_SCRIPT_LOSS, NULL, 0, 0, "lose %n when idle"},
    {GKV_SCRIPT_OUTSIDER, NULL, 0, 0, "%n never comes back"},
    {GKV_SCRIPT_OUTSIDER, NULL, 1, 0, "%n never comes back but hears"},
    {GKV_SCRIPT_OUTSIDER, NULL, 2, 0, "%n never comes back but speaks"},
    {GKV_SCRIPT_OUTSIDER, NULL, 3, 0, "%n never lives again"},
    {GKV_SCRIPT_HEAL, NULL, 0, 0, "heal"},
    {GKV_SCRIPT_READ_GET, NULL, 0, 0, "get %k at %n when settled"},
    {GKV_SCRIPT_READ_SET, NULL, 0, 0, "set %k at %n when settled"},
    {GKV_SCRIPT_LUCK, "net.loss", 1, 0, "the %o message %n > %t is lost"},
    {GKV_SCRIPT_LUCK, "net.duplicate", 1, 0, "the %o message %n > %t is doubled"},
    {GKV_SCRIPT_LUCK, "net.tail", 1, 0, "the %o message %n > %t is very late"},
    {GKV_SCRIPT_LUCK, "net.split", 1, 0, "the %o message %n > %t is split"},
    {GKV_SCRIPT_LUCK, "net.break", 1, 0, "the %o message %n > %t breaks its stream"},
    {GKV_SCRIPT_LUCK, "net.flip", 1, 0, "the %o message %n > %t is damaged"},
    {GKV_SCRIPT_LUCK, "net.truncate", 1, 0, "the %o message %n > %t is truncated"},
    {GKV_SCRIPT_LUCK, "net.refuse", 1, 0, "the %o dial %n > %t is refused"},
    {GKV_SCRIPT_LUCK, "net.hang", 1, 0, "the %o dial %n > %t hangs"},
    {GKV_SCRIPT_LUCK, "net.slam", 1, 0, "the %o answer %n > %t is slammed shut"},
    {GKV_SCRIPT_LUCK, "net.trickle", 1, 0, "the %o stream %n > %t trickles"},
    {GKV_SCRIPT_LUCK, "net.jitter", 0, 0, "the %o message %n > %t is delayed %d"},
    {GKV_SCRIPT_LUCK, "net.piece", 0, 0, "the %o piece %n > %t is %v bytes short"},
    {GKV_SCRIPT_LUCK, "net.tie", 0, 0, "the %o message %n > %t yields %v"},
    {GKV_SCRIPT_LUCK, "timer.late", 0, 0, "the %o timer of %n is late by %d"},
    {GKV_SCRIPT_LUCK, "timer.tie", 0, 0, "the %o timer of %n yields %v"},
    {GKV_SCRIPT_LUCK, "boot.luck", 0, 0, "%n boots with luck %v"},
    {GKV_SCRIPT_LUCK, NULL, 0, 0, "the %o luck of %l about %n > %t is %v"},
};
#define PATTERN_COUNT (sizeof(patterns) / sizeof(patterns[0]))

static bool has_place(const struct pattern *pattern, const char *letters)
{
    for (const char *at = strchr(pattern->text, '%'); at != NULL; at = strchr(at + 1, '%')) {
        if (strchr(letters, at[1]) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- Values as text -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {{"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

/* A count of ns in one unit, exactly. */
static void put_in_unit(char *text, uint64_t ns, size_t unit)
{
    char fraction[16];
    uint64_t rest = ns % units[unit].ns;
    uint32_t digit_count = 0;
    for (uint64_t scale = units[unit].ns; rest > 0; rest %= scale) {
        scale /= 10;
        fraction[digit_count++] = (char)('0' + rest / scale);
    }
    (void)snprintf(text, WORD_BYTES, "%" PRIu64 "%s%.*s%s", ns / units[unit].ns,
                   digit_count > 0 ? "." : "", (int)digit_count, fraction, units[unit].name);
}

static void put_duration(char *text, uint64_t ns)
{
    size_t unit = 0;
    while (unit + 1 < UNIT_COUNT && ns < units[unit].ns) {
        unit++;
    }
    put_in_unit(text, ns, unit);
}

static bool parse_whole(const char *text, const char *suffix, uint64_t most, uint64_t *value_out)
{
    const char *rest = text;
    uint64_t value = 0;
    for (; *rest >= '0' && *rest <= '9'; rest++) {
        const uint64_t digit = (uint64_t)(*rest - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *value_out = value;
    return rest > text && strcmp(rest, suffix) == 0 && value <= most;
}

/* "2.5ms": whole and decimal digits, as far as the unit has ns for them. */
static bool parse_duration(const char *text, uint64_t *ns_out)
{
    const size_t digit_count = strspn(text, "0123456789");
    const char *rest = text + digit_count;
    const char *fraction = rest[0] == '.' ? rest + 1 : rest;
    const char *name = fraction + (rest[0] == '.' ? strspn(fraction, "0123456789") : 0);
    size_t unit = 0;
    while (unit < UNIT_COUNT && strcmp(units[unit].name, name) != 0) {
        unit++;
    }
    if (unit == UNIT_COUNT || digit_count == 0 || digit_count > 19 ||
        (rest[0] == '.' && name == fraction)) {
        return false;
    }
    const uint64_t whole = strtoull(text, NULL, 10);
    if (whole > DURATION_NS_MAX / units[unit].ns) {
        return false;
    }
    uint64_t ns = whole * units[unit].ns;
    uint64_t scale = units[unit].ns;
    for (; fraction < name; fraction++) {
        scale /= 10;
        if (scale == 0) {
            return false;
        }
        ns += (uint64_t)(*fraction - '0') * scale;
    }
    *ns_out = ns;
    return true;
}

static bool parse_signed(const char *text, const char *suffix, uint64_t *value_out)
{
    uint64_t size = 0;
    if ((text[0] != '+' && text[0] != '-') || !parse_whole(text + 1, suffix, UINT32_MAX, &size)) {
        return false;
    }
    *value_out = text[0] == '-' ? 0 - size : size;
    return true;
}

static const char *ordinal_suffix(uint32_t number)
{
    const uint32_t last = number % 10;
    if (number / 10 % 10 == 1 || last == 0 || last > 3) {
        return "th";
    }
    return last == 1 ? "st" : last == 2 ? "nd" : "rd";
}

/* ---- Places ---------------------------------------------------------------------------------- */

static void put_place(char *text, const struct gkv_script *script,
                      const struct gkv_script_line *line, char letter)
{
    const int64_t value = (int64_t)line->value;
    const char *unit = letter == 's' ? "ms" : "ppm";
    switch (letter) {
    case 'c':
        (void)snprintf(text, WORD_BYTES, "c%u", (unsigned)line->client);
        break;
    case 'k':
        (void)snprintf(text, WORD_BYTES, "k%" PRIu32, line->key);
        break;
    case 'n':
    case 't':
        (void)snprintf(text, WORD_BYTES, "%s",
                       gkv_host_text(letter == 'n' ? line->node : line->to).text);
        break;
    case 'b':
        (void)snprintf(text, WORD_BYTES, "%" PRIu32, line->count);
        break;
    case 'm':
        (void)snprintf(text, WORD_BYTES, "%" PRIu64 "ms", line->value);
        break;
    case 'd':
        put_duration(text, line->value);
        break;
    case 's':
    case 'p':
        (void)snprintf(text, WORD_BYTES, "%+" PRId64 "%s", value, unit);
        break;
    case 'o':
        (void)snprintf(text, WORD_BYTES, "%" PRIu32 "%s", line->count + 1,
                       ordinal_suffix(line->count + 1));
        break;
    case 'v':
        (void)snprintf(text, WORD_BYTES, "%" PRIu64, line->value);
        break;
    default:
        (void)snprintf(text, WORD_BYTES, "%s", script->labels[line->label]);
        break;
    }
}

static bool take_number(const char *word, char first, uint32_t count, uint32_t *number_out)
{
    uint64_t number = 0;
    if (word[0] != first || !parse_whole(word + 1, "", count - 1u, &number)) {
        return false;
    }
    *number_out = (uint32_t)number;
    return true;
}

static bool take_node(const char *word, const struct gkv_scenario *scenario, uint8_t *node_out)
{
    const uint32_t node = gkv_host_of_text(word);
    if (node >= scenario->node_count) {
        return false;
    }
    *node_out = (uint8_t)node;
    return true;
}

static bool take_ordinal(const char *word, uint32_t *count_out)
{
    uint64_t number = 0;
    char digits[WORD_BYTES];
    const size_t digit_count = strspn(word, "0123456789");
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)digit_count, word);
    if (!parse_whole(digits, "", 1000000, &number) || number == 0 ||
        strcmp(word + digit_count, ordinal_suffix((uint32_t)number)) != 0) {
        return false;
    }
    *count_out = (uint32_t)number - 1;
    return true;
}

static bool take_place(const char *word, struct gkv_script *script, struct gkv_script_line *line,
                       char letter)
{
    const struct gkv_scenario *scenario = &script->scenario;
    uint64_t value = 0;
    uint32_t client = 0;
    switch (letter) {
    case 'c':
        value = take_number(word, 'c', scenario->client_count, &client);
        line->client = (uint16_t)client;
        return value;
    case 'k':
        return take_number(word, 'k', scenario->key_count, &line->key);
    case 'n':
        if (!take_node(word, scenario, &line->node)) {
            return false;
        }
        line->to = line->node;
        return true;
    case 't':
        return take_node(word, scenario, &line->to);
    case 'b':
        line->count =
            parse_whole(word, "", GKV_HISTORY_VALUE_BYTES_MAX, &value) ? (uint32_t)value : 0;
        return line->count >= GKV_HISTORY_VALUE_BYTES_MIN;
    case 'm':
        return parse_whole(word, "ms", UINT32_MAX, &line->value) && line->value > 0;
    case 'd':
        return parse_duration(word, &line->value);
    case 's':
        return parse_signed(word, "ms", &line->value);
    case 'p':
        return parse_signed(word, "ppm", &line->value);
    case 'o':
        return take_ordinal(word, &line->count);
    case 'v':
        return parse_whole(word, "", UINT64_MAX, &line->value);
    default:
        line->label = gkv_script_label(script, word);
        return line->label < GKV_SCRIPT_LABEL_COUNT_MAX;
    }
}

/* ---- Writing --------------------------------------------------------------------------------- */

static const struct pattern *pattern_of(const struct gkv_script *script,
                                        const struct gkv_script_line *line)
{
    for (size_t i = 0; i < PATTERN_COUNT; i++) {
        const struct pattern *pattern = &patterns[i];
        const bool is_kind =
            pattern->kind == line->kind &&
            (pattern->label == NULL || strcmp(pattern->label, script->labels[line->label]) == 0);
        if (is_kind && (has_place(pattern, "mdspv") || pattern->value == line->value) &&
            (has_place(pattern, "bo") || pattern->count == line->count) &&
            (has_place(pattern, "t") || line->node == line->to)) {
            return pattern;
        }
    }
    return NULL;
}

void gkv_script_line_text(const struct gkv_script *script, const struct gkv_script_line *line,
                          char text[GKV_SCRIPT_TEXT_LINE_BYTES])
{
    const struct pattern *pattern = pattern_of(script, line);
    size_t count = 0;
    GKV_ASSERT(pattern != NULL);
    for (const char *at = pattern->text; *at != '\0'; at++) {
        if (at[0] == '%') {
            char word[WORD_BYTES];
            at++;
            put_place(word, script, line, *at);
            count += (size_t)snprintf(text + count, WORD_BYTES, "%s", word);
        } else {
            text[count++] = *at;
        }
        GKV_ASSERT(count + WORD_BYTES < GKV_SCRIPT_TEXT_LINE_BYTES);
    }
    text[count] = '\0';
}

static void put_field(char *text, const struct gkv_script_field *field, uint64_t value)
{
    if (field->unit == GKV_SCRIPT_DURATION) {
        put_duration(text, value);
    } else if (field->unit == GKV_SCRIPT_FLAG) {
        (void)snprintf(text, WORD_BYTES, "%s", value != 0 ? "yes" : "no");
    } else if (field->unit == GKV_SCRIPT_LEVEL) {
        (void)snprintf(text, WORD_BYTES, "%s", value == GKV_LEVEL_QUORUM ? "quorum" : "eventual");
    } else {
        (void)snprintf(text, WORD_BYTES, "%" PRIu64, value);
    }
}

bool gkv_script_write(FILE *file, const struct gkv_script *script)
{
    char word[WORD_BYTES];
    if (script->is_cut_short) {
        return false;
    }
    (void)fprintf(file, "scenario %d\n", GKV_SCRIPT_TEXT_VERSION);
    for (uint32_t i = 0; gkv_script_field(i) != NULL; i++) {
        const struct gkv_script_field *field = gkv_script_field(i);
        const uint64_t value = gkv_script_field_read(field, &script->scenario);
        if (value != field->benign) {
            put_field(word, field, value);
            (void)fprintf(file, "%s %s\n", field->name, word);
        }
    }
    (void)fprintf(file, "\n");
    for (uint32_t i = 0; i < script->line_count; i++) {
        char text[GKV_SCRIPT_TEXT_LINE_BYTES];
        put_in_unit(word, script->lines[i].time_ns, 0);
        gkv_script_line_text(script, &script->lines[i], text);
        (void)fprintf(file, "%s  %s\n", word, text);
    }
    (void)fprintf(file, "\nexpect %s\n", script->check[0] != '\0' ? script->check : "pass");
    return ferror(file) == 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

struct reader {
    struct gkv_script *script;
    struct gkv_script_error *error;
    uint32_t word_count;
    bool has_begun; /* the first timed line was read */
    bool is_over;   /* "expect" was read */
    char words[WORD_COUNT_MAX][WORD_BYTES];
};

static bool fail(struct reader *reader, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct reader *reader, const char *text, ...)
{
    va_list arguments;
    va_start(arguments, text);
    (void)vsnprintf(reader->error->text, sizeof(reader->error->text), text, arguments);
    va_end(arguments);
    return false;
}

/* Words up to a comment. False: too many, or too long. */
static bool split(struct reader *reader, const char *line)
{
    reader->word_count = 0;
    line += strspn(line, " \t\r\n");
    while (*line != '\0' && *line != '#') {
        const size_t count = strcspn(line, " \t\r\n");
        if (count >= WORD_BYTES || reader->word_count == WORD_COUNT_MAX) {
            return fail(reader, "too long; write at most %d words of %d letters", WORD_COUNT_MAX,
                        WORD_BYTES - 1);
        }
        memcpy(reader->words[reader->word_count], line, count);
        reader->words[reader->word_count++][count] = '\0';
        line += count;
        line += strspn(line, " \t\r\n");
    }
    return true;
}

/* One word of a pattern: a place and what follows it, or a word to be met. */
static bool take_word(struct reader *reader, const char *expected, const char *word,
                      struct gkv_script_line *line)
{
    char text[WORD_BYTES];
    if (expected[0] != '%') {
        return strcmp(expected, word) == 0;
    }
    const char *suffix = expected + 2;
    const size_t count = strlen(word);
    if (count <= strlen(suffix) || strcmp(word + count - strlen(suffix), suffix) != 0) {
        return false;
    }
    (void)snprintf(text, sizeof(text), "%.*s", (int)(count - strlen(suffix)), word);
    return take_place(text, reader->script, line, expected[1]);
}

/* How many words after the time are as in the pattern; *is_whole_out: all of them, and no more. */
static uint32_t match(struct reader *reader, const struct pattern *pattern,
                      struct gkv_script_line *line, bool *is_whole_out)
{
    const char *at = pattern->text;
    uint32_t number = 1;
    line->kind = pattern->kind;
    line->value = pattern->value;
    line->count = pattern->count;
    while (*at != '\0' && number < reader->word_count) {
        char expected[WORD_BYTES];
        const size_t count = strcspn(at, " ");
        (void)snprintf(expected, sizeof(expected), "%.*s", (int)count, at);
        if (!take_word(reader, expected, reader->words[number], line)) {
            break;
        }
        at += count + (at[count] == ' ');
        number++;
    }
    *is_whole_out = *at == '\0' && number == reader->word_count;
    if (*is_whole_out && line->kind == GKV_SCRIPT_LUCK && pattern->label != NULL) {
        line->label = gkv_script_label(reader->script, pattern->label);
    }
    return number;
}

/* Say what the nearest pattern wants instead of word `number`. */
static bool fail_near(struct reader *reader, const struct pattern *pattern, uint32_t number)
{
    char wanted[GKV_SCRIPT_TEXT_LINE_BYTES] = "";
    const char *hint = "";
    uint32_t place = 1;
    for (const char *at = pattern->text; *at != '\0'; at++) {
        const size_t count = strlen(wanted);
        const char *name = NULL;
        for (size_t i = 0; i < PLACE_COUNT && at[0] == '%'; i++) {
            if (places[i].letter == at[1]) {
                name = places[i].name;
                hint = place == number ? places[i].hint : hint;
            }
        }
        place += *at == ' ';
        (void)snprintf(wanted + count, sizeof(wanted) - count, "%.*s",
                       name != NULL ? (int)strlen(name) : 1, name != NULL ? name : at);
        at += name != NULL;
    }
    const char *word = number < reader->word_count ? reader->words[number] : "the end of the line";
    return fail(reader, "%s is not understood there; write TIME %s%s%s", word, wanted,
                hint[0] != '\0' ? ", there " : "", hint);
}

static bool read_line(struct reader *reader)
{
    struct gkv_script *script = reader->script;
    struct gkv_script_line line = {0};
    uint32_t best = 0;
    uint32_t best_count = 0;
    bool is_whole = false;
    if (!parse_duration(reader->words[0], &line.time_ns)) {
        return fail(reader, "%s is no time; write seconds, such as 1.301s", reader->words[0]);
    }
    if (line.time_ns < GKV_SCRIPT_TIME_NS_MIN || line.time_ns > 3600 * GKV_SCRIPT_TIME_NS_MIN) {
        return fail(reader, "%s is out of time; write 1s to 3600s", reader->words[0]);
    }
    if (script->line_count > 0 && line.time_ns < script->lines[script->line_count - 1].time_ns) {
        return fail(reader, "%s is before the line above; write lines in order of time",
                    reader->words[0]);
    }
    for (uint32_t i = 0; i < PATTERN_COUNT; i++) {
        struct gkv_script_line tried = {.time_ns = line.time_ns};
        const uint32_t count = match(reader, &patterns[i], &tried, &is_whole);
        if (is_whole) {
            gkv_script_add(script, &tried);
            return !script->is_cut_short || fail(reader, "too many lines; write at most %u",
                                                 (unsigned)GKV_SCRIPT_LINE_COUNT_MAX);
        }
        best = count > best_count ? i : best;
        best_count = count > best_count ? count : best_count;
    }
    return fail_near(reader, &patterns[best], best_count);
}

static bool take_field(const struct gkv_script_field *field, const char *word, uint64_t *value_out)
{
    switch (field->unit) {
    case GKV_SCRIPT_DURATION:
        return parse_duration(word, value_out) && *value_out % field->scale == 0;
    case GKV_SCRIPT_FLAG:
        *value_out = strcmp(word, "yes") == 0;
        return *value_out != 0 || strcmp(word, "no") == 0;
    case GKV_SCRIPT_LEVEL:
        *value_out = strcmp(word, "quorum") == 0 ? GKV_LEVEL_QUORUM : GKV_LEVEL_EVENTUAL;
        return *value_out == GKV_LEVEL_QUORUM || strcmp(word, "eventual") == 0;
    case GKV_SCRIPT_NUMBER:
        break;
    }
    return parse_whole(word, "", UINT64_MAX, value_out);
}

static bool fail_field(struct reader *reader, const struct gkv_script_field *field)
{
    static const char *const wanted[] = {
        [GKV_SCRIPT_FLAG] = "yes or no",
        [GKV_SCRIPT_LEVEL] = "quorum or eventual",
    };
    if (field->unit == GKV_SCRIPT_NUMBER) {
        return fail(reader, "write %s and a number from %" PRIu64 " to %" PRIu64, field->name,
                    field->least, field->most);
    }
    if (field->unit == GKV_SCRIPT_DURATION) {
        char least[WORD_BYTES];
        char most[WORD_BYTES];
        put_duration(least, field->least);
        put_duration(most, field->most);
        return fail(reader, "write %s and a duration, such as 200ms, from %s to %s%s", field->name,
                    least, most, field->scale > 1 ? ", in whole milliseconds" : "");
    }
    return fail(reader, "write %s and %s", field->name, wanted[field->unit]);
}

static bool read_field(struct reader *reader)
{
    for (uint32_t i = 0; gkv_script_field(i) != NULL; i++) {
        const struct gkv_script_field *field = gkv_script_field(i);
        uint64_t value = 0;
        if (strcmp(field->name, reader->words[0]) != 0) {
            continue;
        }
        if (reader->word_count != 2 || !take_field(field, reader->words[1], &value) ||
            value < field->least || value > field->most) {
            return fail_field(reader, field);
        }
        if (reader->has_begun) {
            return fail(reader, "%s belongs to the head; write it above the first time",
                        field->name);
        }
        gkv_script_field_write(field, &reader->script->scenario, value);
        return true;
    }
    return fail(reader,
                "%s is no field of the head; write a time such as 1.301s first, or one of "
                "nodes, keys, clients, ... (docs/simulator.md)",
                reader->words[0]);
}

static bool read_words(struct reader *reader)
{
    const char *first = reader->words[0];
    if (reader->is_over) {
        return fail(reader, "%s comes after expect, which is the last line", first);
    }
    if (first[0] >= '0' && first[0] <= '9') {
        reader->has_begun = true;
        return read_line(reader);
    }
    if (strcmp(first, "expect") != 0) {
        return read_field(reader);
    }
    if (reader->word_count != 2) {
        return fail(reader, "write expect pass, or expect and the check that fails");
    }
    reader->is_over = true;
    if (strcmp(reader->words[1], "pass") != 0) {
        memcpy(reader->script->check, reader->words[1], GKV_SCRIPT_CHECK_BYTES);
    }
    return true;
}

_Static_assert(GKV_SCRIPT_CHECK_BYTES == WORD_BYTES, "the name of a check is a word");

/* The whole text, line by line. */
static bool read_all(FILE *file, struct reader *reader)
{
    char line[GKV_SCRIPT_TEXT_LINE_BYTES];
    bool has_version = false;
    while (fgets(line, sizeof(line), file) != NULL) {
        reader->error->line++;
        if (strlen(line) + 1 == sizeof(line)) {
            return fail(reader, "too long; write at most %zu letters", sizeof(line) - 2);
        }
        if (!split(reader, line)) {
            return false;
        }
        const bool is_version = reader->word_count == 2 &&
                                strcmp(reader->words[0], "scenario") == 0 &&
                                strcmp(reader->words[1], "1") == 0;
        if (reader->word_count > 0 && !has_version) {
            has_version = is_version;
            if (!is_version) {
                return fail(reader, "this is no scenario; write scenario 1 first");
            }
        } else if (reader->word_count > 0 && !read_words(reader)) {
            return false;
        }
    }
    return reader->is_over || fail(reader, "the end is missing; write expect pass");
}

bool gkv_script_read(FILE *file, struct gkv_script *script, struct gkv_script_error *error_out)
{
    struct reader reader = {.script = script, .error = error_out};
    *error_out = (struct gkv_script_error){0};
    gkv_script_clear(script);
    if (!read_all(file, &reader)) {
        return false;
    }
    const char *reason = gkv_script_settle(script);
    return reason == NULL || fail(&reader, "%s", reason);
}
