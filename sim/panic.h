/* What an assertion of the core does here: tell which seed and event it was, and how to see it
 * again, and exit with status 12.
 *
 * Not here  gkv_panic itself: core/panic.h declares it, panic.c defines it. What is told:
 *           sim/report.c; panic.c knows nobody, so that a unit test which needs only gkv_panic
 *           links only that.
 */
#ifndef GKV_SIM_PANIC_H
#define GKV_SIM_PANIC_H

#define GKV_PANIC_EXIT_STATUS 12

/* Tells of an assertion that failed: `text` is where, and which. */
typedef void gkv_panic_teller(const void *context, const char *text);

/* From now on, assertions are told to `tell`, with its context; NULL: to stderr. */
void gkv_panic_watch(gkv_panic_teller *tell, const void *context);

#endif
