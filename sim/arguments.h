/* Words of a command line, one after the other.
 *
 * Model     A command asks in turn whether the next word is one of its options; the first word
 *           that is none, or whose value is wrong, spoils the rest.
 */
#ifndef GKV_SIM_ARGUMENTS_H
#define GKV_SIM_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

struct gkv_arguments {
    char **words;
    int count;
    int next;
};

/* A number, decimal or 0x and hexadecimal, that ends at `end` or at the end of the text. */
bool gkv_arguments_number(const char *text, const char *end, uint64_t *number_out);

/* Is there another word? */
static inline bool gkv_arguments_more(const struct gkv_arguments *arguments)
{
    return arguments->next < arguments->count;
}

/* Take the next word if it is this one. */
bool gkv_arguments_take(struct gkv_arguments *arguments, const char *word);

/* Take the next two words if the first is this one; the second is the value. */
bool gkv_arguments_take_text(struct gkv_arguments *arguments, const char *word,
                             const char **value_out);

/* The same of a number from 0 up to number_max. */
bool gkv_arguments_take_number(struct gkv_arguments *arguments, const char *word,
                               uint64_t number_max, uint64_t *number_out);

#endif
