/* Reads the system's two clocks, and waits on conditions by the one that never jumps. */
#ifndef GKV_IO_POSIX_CLOCK_H
#define GKV_IO_POSIX_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"

/* Both clocks; wall_ms is within [0, GKV_HLC_WALL_MS_MAX] whatever the system's clock says. */
struct gkv_now gkv_clock_now(void);

uint64_t gkv_clock_mono_ns(void);
uint64_t gkv_clock_wall_ms(void); /* bounded likewise */

/* The same as of the system's last tick, 1 to 10 ms ago at most, where it offers that for less: a
 * third of the time. For what needs no more than to be near. */
uint64_t gkv_clock_tick_ms(void);

/* Make a condition for gkv_clock_wait: true, or false when the system has no resources. */
bool gkv_clock_condition_init(pthread_cond_t *condition);

/* Wait on such a condition until it is signalled or mono_ns has come; may end early, as
 * pthread_cond_wait. */
void gkv_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t mono_ns);

#endif
