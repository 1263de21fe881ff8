/* Which files a run leaves for people: a page, traces, a history.
 *
 * Model     Names of files; NULL: not asked for. What they hold comes from the run's journal.
 */
#ifndef GKV_SIM_OUTPUTS_H
#define GKV_SIM_OUTPUTS_H

#include <stdbool.h>

#include "sim/journal.h"

#define GKV_OUTPUTS_TEXT_BYTES 1024

struct gkv_outputs {
    const char *html;                  /* sim/page.h */
    const char *chrome;                /* sim/trace_chrome.h */
    const char *shiviz;                /* sim/trace_shiviz.h */
    const char *history;               /* sim/trace_history.h */
    char text[GKV_OUTPUTS_TEXT_BYTES]; /* what the names of traces point into */
};

/* Take in "chrome=a.json,shiviz=b.log,history=c.jsonl", or part of it. False: not such a list. */
bool gkv_outputs_parse(struct gkv_outputs *outputs, const char *list);

/* Is any file asked for? outputs may be NULL. */
bool gkv_outputs_wanted(const struct gkv_outputs *outputs);

/* Write them all, and say so on stderr. False: at least one cannot be written, which is said. */
bool gkv_outputs_write(const struct gkv_outputs *outputs, const struct gkv_journal *journal);

#endif
