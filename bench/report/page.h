/* The page of results: tables in Markdown, one plot for each, and the marks, which are passed or
 * missed by the numbers and by nobody's word.
 */
#ifndef BENCH_REPORT_PAGE_H
#define BENCH_REPORT_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/report/plot.h"

#define PAGE_MARK_COUNT_MAX 64
#define PAGE_TEXT_BYTES 96

struct mark {
    char what[PAGE_TEXT_BYTES];
    char published[PAGE_TEXT_BYTES]; /* by whoever is to be beaten; empty: nothing is published */
    const char *unit;                /* "", " s", " %" */
    uint64_t ours_milli;             /* thousandths of the unit */
    uint64_t limit_milli;
    bool is_at_least;   /* the limit is a lower one */
    bool is_unmeasured; /* what would be measured is not there: missed, and why says what */
    const char *why; /* it is missed, when it is: a sentence; NULL: page.reasons, or nobody knows */
};

struct page {
    FILE *body; /* of all tables so far */
    char *text;
    size_t text_bytes;
    const char *plot_folder;     /* its last part is how the page calls it */
    char table[PAGE_TEXT_BYTES]; /* the table that is being written: "T1" */
    const char *beside_head; /* over what marks call published: "published", unless it is changed */
    const char
        *reasons; /* where it is told why marks are missed: a sentence below the summary; NULL */
    struct {
        char table[PAGE_TEXT_BYTES];
        struct mark mark;
    } marks[PAGE_MARK_COUNT_MAX];
    uint32_t mark_count;
};

/* plot_folder: where plots go, borrowed; it is made, its parent is there. False: it cannot be made,
 * or no memory. */
bool page_begin(struct page *page, const char *plot_folder);

/* Begin a table: "T1", "Load". */
void page_table(struct page *page, const char *table, const char *title);

/* A row, or the head when is_head: cells, separated by |. */
void page_head(struct page *page, const char *cells);

/* thousandths as people write them: 2, 2.05, 0.001. */
const char *page_milli(uint64_t milli, char text_out[PAGE_TEXT_BYTES]);

/* nanoseconds as milliseconds, whole from 100 ms on. */
const char *page_ms(uint64_t ns, char text_out[PAGE_TEXT_BYTES]);

/* Say whether a mark is reached, here and in the summary. */
void page_mark(struct page *page, const struct mark *mark);

/* Print the marks of this table, if it has any; page_plot does it as well. */
void page_marks(struct page *page);

/* Write a plot, and show it here, below the marks. False: it cannot be written. */
bool page_plot(struct page *page, const struct plot *plot);

/* Print the summary and all tables, and free the page. */
void page_end(struct page *page, FILE *out);

#endif
