#include "sim/hashes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "sim/arguments.h"

bool gkv_hashes_create(struct gkv_hashes *hashes, uint64_t first, uint64_t last)
{
    GKV_ASSERT(first <= last);
    *hashes = (struct gkv_hashes){.first = first, .last = last};
    if (last - first < GKV_HASHES_COUNT_MAX) {
        hashes->chains = calloc(last - first + 1, sizeof(hashes->chains[0]));
    }
    return hashes->chains != NULL;
}

void gkv_hashes_destroy(struct gkv_hashes *hashes)
{
    free(hashes->chains);
    hashes->chains = NULL;
}

void gkv_hashes_keep(void *context, const struct gkv_trial_summary *summary)
{
    struct gkv_hashes *hashes = context;
    GKV_ASSERT(summary->seed >= hashes->first);
    GKV_ASSERT(summary->seed <= hashes->last);
    memcpy(hashes->chains[summary->seed - hashes->first], summary->chain, sizeof(summary->chain));
}

/* 16 hexadecimal digits. */
static bool read_word(const char *text, uint64_t *word_out)
{
    char number[19] = "0x";
    memcpy(number + 2, text, 16);
    return gkv_arguments_number(number, NULL, word_out);
}

bool gkv_hashes_read(struct gkv_hashes *hashes, const char *line)
{
    const char *space = strchr(line, ' ');
    uint64_t seed = 0;
    uint64_t chain[2];
    if (space == NULL || !gkv_arguments_number(line, space, &seed) || seed < hashes->first ||
        seed > hashes->last || strcspn(space + 1, "\n") != 32 || !read_word(space + 1, &chain[0]) ||
        !read_word(space + 17, &chain[1])) {
        return false;
    }
    memcpy(hashes->chains[seed - hashes->first], chain, sizeof(chain));
    return true;
}

void gkv_hashes_print(const struct gkv_hashes *hashes, FILE *file)
{
    for (uint64_t i = 0; i <= hashes->last - hashes->first; i++) {
        const uint64_t *chain = hashes->chains[i];
        if ((chain[0] | chain[1]) != 0) {
            (void)fprintf(file, "%" PRIu64 " %016" PRIx64 "%016" PRIx64 "\n", hashes->first + i,
                          chain[0], chain[1]);
        }
    }
}

bool gkv_hashes_differ(const struct gkv_hashes *left, const struct gkv_hashes *right,
                       uint64_t *seed_out)
{
    GKV_ASSERT(left->first == right->first);
    GKV_ASSERT(left->last == right->last);
    for (uint64_t i = 0; i <= left->last - left->first; i++) {
        if (memcmp(left->chains[i], right->chains[i], sizeof(left->chains[i])) != 0) {
            *seed_out = left->first + i;
            return true;
        }
    }
    return false;
}
