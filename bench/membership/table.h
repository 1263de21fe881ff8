/* The tables of the page, each in a file of its own noun: which pieces it needs, and what it says
 * of them.
 */
#ifndef BENCH_MEMBERSHIP_TABLE_H
#define BENCH_MEMBERSHIP_TABLE_H

#include <stdbool.h>

#include "bench/report/page.h"
#include "bench/membership/plan.h"

struct table {
    const char *id; /* "T1" */
    const char *title;
    void (*plan)(struct plan *plan);
    /* False: the plot cannot be written. */
    bool (*report)(struct page *page, const struct plan *plan);
};

extern const struct table table_load;         /* T1 */
extern const struct table table_detection;    /* T2 */
extern const struct table table_infection;    /* T3 */
extern const struct table table_suspicion;    /* T4 */
extern const struct table table_joins;        /* T5 */
extern const struct table table_anomaly;      /* T6 */
extern const struct table table_anomaly_load; /* T7 */
extern const struct table table_latency;      /* T8 */
extern const struct table table_exhaustion;   /* T9 */
extern const struct table table_memberlist;   /* T10 */
extern const struct table table_views;        /* T11 */
extern const struct table table_grey;         /* T12 */
extern const struct table table_bandwidth;    /* T13 */

#endif
