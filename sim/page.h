/* A journal as one HTML file that needs nothing else: a space-time diagram to scroll and to filter.
 *
 * Model     A lane per node and per client, time to the right, messages as arrows, faults as shaded
 *           intervals. It opens where the run failed. The data is JSON inside the page; only what
 *           is in view is drawn.
 * Bounds    GKV_JOURNAL_MESSAGE_COUNT messages stay smooth.
 */
#ifndef GKV_SIM_PAGE_H
#define GKV_SIM_PAGE_H

#include <stdio.h>

#include "sim/journal.h"

void gkv_page_write(const struct gkv_journal *journal, FILE *file);

#endif
