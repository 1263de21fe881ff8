/* Words of a command line, one after the other.
 *
 * Model     A command asks in turn whether the next word is one of its options; the first word
 *           that is none, or whose value is wrong, spoils the rest. What was wrong, and what to
 *           write instead, is kept for whoever tells it.
 */
#ifndef GKV_SIM_ARGUMENTS_H
#define GKV_SIM_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GKV_ARGUMENTS_WRONG_BYTES 1600

struct gkv_arguments {
    char **words;
    int count;
    int next;
    char wrong[GKV_ARGUMENTS_WRONG_BYTES]; /* the first thing that was; "" */
};

/* ---- Texts ---- */

/* A number, decimal or 0x and hexadecimal, that ends at `end` or at the end of the text. */
bool gkv_arguments_number(const char *text, const char *end, uint64_t *number_out);

/* "3..8": both included, first <= last < UINT64_MAX. */
bool gkv_arguments_range(const char *text, uint64_t *first_out, uint64_t *last_out);

/* "90s", "10m", "2h", or so many seconds, in nanoseconds; more than none, a year at most. */
bool gkv_arguments_duration(const char *text, uint64_t *duration_ns_out);

/* A number below UINT64_MAX, or else 8 to 40 hexadecimal digits, as of a git commit: the first 8 of
 * them count. 40 digits are always a commit; fewer, all of them decimal, are a number. */
bool gkv_arguments_seed(const char *text, uint64_t *seed_out);

/* ---- Words ---- */

/* Is there another word? */
static inline bool gkv_arguments_more(const struct gkv_arguments *arguments)
{
    return arguments->next < arguments->count;
}

/* Note what is wrong, as printf; the first note stays. Returns false. */
bool gkv_arguments_wrong(struct gkv_arguments *arguments, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

/* Take the next word if it is this one. */
bool gkv_arguments_take(struct gkv_arguments *arguments, const char *word);

/* Take the next two words if the first is this one; the second is the value. */
bool gkv_arguments_take_text(struct gkv_arguments *arguments, const char *word,
                             const char **value_out);

/* The same of a number from 0 up to number_max. */
bool gkv_arguments_take_number(struct gkv_arguments *arguments, const char *word,
                               uint64_t number_max, uint64_t *number_out);

/* The name of the thing with this number; NULL: there are no more. */
typedef const char *gkv_arguments_namer(uint32_t index);

/* The same of names with commas between them; the mask has the bits of their numbers. "all" is all
 * of them. */
bool gkv_arguments_take_names(struct gkv_arguments *arguments, const char *word,
                              gkv_arguments_namer *namer, uint64_t *mask_out);

/* "open, value, quorum": all that a namer knows. */
void gkv_arguments_list(gkv_arguments_namer *namer, char *text, size_t text_bytes);

#endif
