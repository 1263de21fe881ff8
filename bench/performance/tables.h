/* The tables of the page, each with what it measures. False: something could not be run that has to
 * be there, or a file could not be written.
 */
#ifndef BENCH_PERFORMANCE_TABLES_H
#define BENCH_PERFORMANCE_TABLES_H

#include "bench/performance/figures.h"

/* Stores in this process: gets and sets over the number of keys, threads, latencies, memory. */
bool tables_stores(struct bench *bench);

/* The same over the size of values. */
bool tables_values(struct bench *bench);

/* Memory of our own store, filled and overwritten. */
bool tables_memory(struct bench *bench);

/* Hit ratios of what a full store may evict: those of bench_eviction, beside LRU's. */
bool tables_eviction(struct bench *bench);

/* Servers over loopback. */
bool tables_servers(struct bench *bench);

/* One to seven nodes, asked through one node's API. */
bool tables_nodes(struct bench *bench);

#endif
