/* What a made-up kernel must have done in so many seeds: a fault that never strikes tests nothing.
 *
 * Bounds    One row for each member of struct gkv_kernel_tally.
 */
#ifndef GKV_SIM_POSIX_STRUCK_H
#define GKV_SIM_POSIX_STRUCK_H

#include <stddef.h>
#include <stdint.h>

#include "sim_posix/kernel.h"

void gkv_struck_add(struct gkv_kernel_tally *sum, const struct gkv_kernel_tally *tally);

/* How often each struck, in lines that begin with "struck:". */
void gkv_struck_print(const struct gkv_kernel_tally *tally);

/* Names what never struck in as many seeds as it must strike in, with spaces between; "" when there
 * is none. Returns how many. */
uint32_t gkv_struck_missing(const struct gkv_kernel_tally *tally, uint64_t seed_count, char *names,
                            size_t names_bytes);

#endif
