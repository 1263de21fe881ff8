#include "sim/arguments.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/panic.h"

#define NS_PER_S UINT64_C(1000000000)
#define YEAR_S (UINT64_C(366) * 24 * 3600)
#define COMMIT_DIGITS_MIN 8
#define COMMIT_DIGITS_MAX 40
#define NAME_COUNT_MAX 64

/* ---- Texts ----------------------------------------------------------------------------------- */

/* What a digit counts; base or more: none. */
static uint32_t digit_of(char letter)
{
    if (letter >= '0' && letter <= '9') {
        return (uint32_t)(letter - '0');
    }
    if (letter >= 'a' && letter <= 'f') {
        return (uint32_t)(letter - 'a') + 10;
    }
    return letter >= 'A' && letter <= 'F' ? (uint32_t)(letter - 'A') + 10 : UINT32_MAX;
}

static bool number_of(const char *text, const char *end, uint32_t base, uint64_t *number_out)
{
    uint64_t number = 0;
    for (const char *at = text; at < end; at++) {
        const uint32_t digit = digit_of(*at);
        if (digit >= base || number > (UINT64_MAX - digit) / base) {
            return false;
        }
        number = number * base + digit;
    }
    *number_out = number;
    return end > text;
}

bool gkv_arguments_number(const char *text, const char *end, uint64_t *number_out)
{
    GKV_ASSERT(text != NULL);
    const char *stop = end == NULL ? text + strlen(text) : end;
    const bool is_hexadecimal = stop - text > 2 && text[0] == '0' && text[1] == 'x';
    return is_hexadecimal ? number_of(text + 2, stop, 16, number_out)
                          : number_of(text, stop, 10, number_out);
}

bool gkv_arguments_range(const char *text, uint64_t *first_out, uint64_t *last_out)
{
    const char *dots = strstr(text, "..");
    return dots != NULL && gkv_arguments_number(text, dots, first_out) &&
           gkv_arguments_number(dots + 2, NULL, last_out) && *first_out <= *last_out &&
           *last_out < UINT64_MAX;
}

bool gkv_arguments_duration(const char *text, uint64_t *duration_ns_out)
{
    const size_t count = strlen(text);
    const char *unit_at = count > 0 ? text + count - 1 : text;
    const char unit = *unit_at;
    const uint64_t factor = unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
    const bool has_unit = unit == 's' || unit == 'm' || unit == 'h';
    uint64_t number = 0;
    if (!number_of(text, text + count - (has_unit ? 1 : 0), 10, &number) || number == 0 ||
        number > YEAR_S / factor) {
        return false;
    }
    *duration_ns_out = number * factor * NS_PER_S;
    return true;
}

bool gkv_arguments_seed(const char *text, uint64_t *seed_out)
{
    uint64_t ignored = 0;
    const size_t count = strlen(text);
    if (count < COMMIT_DIGITS_MAX && gkv_arguments_number(text, NULL, seed_out)) {
        return *seed_out < UINT64_MAX;
    }
    if (count < COMMIT_DIGITS_MIN || count > COMMIT_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!number_of(text + i, text + i + 1, 16, &ignored)) {
            return false;
        }
    }
    return number_of(text, text + COMMIT_DIGITS_MIN, 16, seed_out);
}

/* ---- Words ----------------------------------------------------------------------------------- */

bool gkv_arguments_wrong(struct gkv_arguments *arguments, const char *text, ...)
{
    if (arguments->wrong[0] == '\0') {
        va_list values;
        va_start(values, text);
        (void)vsnprintf(arguments->wrong, sizeof(arguments->wrong), text, values);
        va_end(values);
    }
    return false;
}

bool gkv_arguments_take(struct gkv_arguments *arguments, const char *word)
{
    if (arguments->next >= arguments->count ||
        strcmp(arguments->words[arguments->next], word) != 0) {
        return false;
    }
    arguments->next++;
    return true;
}

bool gkv_arguments_take_text(struct gkv_arguments *arguments, const char *word,
                             const char **value_out)
{
    if (!gkv_arguments_take(arguments, word)) {
        return false;
    }
    if (!gkv_arguments_more(arguments)) {
        arguments->next--;
        return gkv_arguments_wrong(arguments, "%s wants a word after it", word);
    }
    *value_out = arguments->words[arguments->next++];
    return true;
}

bool gkv_arguments_take_number(struct gkv_arguments *arguments, const char *word,
                               uint64_t number_max, uint64_t *number_out)
{
    const int before = arguments->next;
    const char *text = NULL;
    uint64_t number = 0;
    if (!gkv_arguments_take_text(arguments, word, &text)) {
        return false;
    }
    if (!gkv_arguments_number(text, NULL, &number)) {
        arguments->next = before;
        return gkv_arguments_wrong(arguments, "%s wants a number, such as 42 or 0x2a, and not '%s'",
                                   word, text);
    }
    if (number > number_max) {
        arguments->next = before;
        return gkv_arguments_wrong(arguments, "%s goes up to %" PRIu64 ", and %s is more", word,
                                   number_max, text);
    }
    *number_out = number;
    return true;
}

/* ---- Names ----------------------------------------------------------------------------------- */

void gkv_arguments_list(gkv_arguments_namer *namer, char *text, size_t text_bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < NAME_COUNT_MAX && namer(i) != NULL && used < text_bytes; i++) {
        const int count =
            snprintf(text + used, text_bytes - used, "%s%s", i == 0 ? "" : ", ", namer(i));
        used += count > 0 ? (size_t)count : 0;
    }
}

static bool is_name(const char *name, const char *text, size_t count)
{
    return strlen(name) == count && strncmp(name, text, count) == 0;
}

/* The bit of a name that ends before `end`, or all bits; 0: there is none such. */
static uint64_t bits_of(gkv_arguments_namer *namer, const char *name, const char *end)
{
    const size_t count = (size_t)(end - name);
    const bool is_all = is_name("all", name, count);
    uint64_t mask = 0;
    for (uint32_t i = 0; i < NAME_COUNT_MAX && namer(i) != NULL; i++) {
        if (is_all || is_name(namer(i), name, count)) {
            mask |= UINT64_C(1) << i;
        }
    }
    return mask;
}

bool gkv_arguments_take_names(struct gkv_arguments *arguments, const char *word,
                              gkv_arguments_namer *namer, uint64_t *mask_out)
{
    const int before = arguments->next;
    char known[GKV_ARGUMENTS_WRONG_BYTES - 200];
    const char *name = NULL;
    uint64_t mask = 0;
    if (!gkv_arguments_take_text(arguments, word, &name)) {
        return false;
    }
    while (name != NULL) {
        const char *comma = strchr(name, ',');
        const char *end = comma == NULL ? name + strlen(name) : comma;
        const uint64_t bits = bits_of(namer, name, end);
        if (bits == 0) {
            arguments->next = before;
            gkv_arguments_list(namer, known, sizeof(known));
            return gkv_arguments_wrong(arguments, "%s knows no '%.*s', but all, %s", word,
                                       (int)(end - name), name, known);
        }
        mask |= bits;
        name = comma == NULL ? NULL : comma + 1;
    }
    *mask_out = mask;
    return true;
}
