#include "sim/arguments.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool gkv_arguments_number(const char *text, const char *end, uint64_t *number_out)
{
    char *rest = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    *number_out = strtoull(text, &rest, 0);
    return rest != text && (end == NULL ? *rest == '\0' : rest == end);
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
    if (arguments->next + 1 >= arguments->count || !gkv_arguments_take(arguments, word)) {
        return false;
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
    if (gkv_arguments_take_text(arguments, word, &text) &&
        gkv_arguments_number(text, NULL, &number) && number <= number_max) {
        *number_out = number;
        return true;
    }
    arguments->next = before;
    return false;
}
