/* A function that can be left in the middle and gone on with later, on a stack of its own.
 *
 * Model     ucontext. One thread; a coroutine is resumed by the main flow alone, never by another.
 * Bounds    GKV_COROUTINE_STACK_BYTES each, above a page that nobody may touch: who needs more is
 *           ended by the system, and writes over nothing.
 */
#ifndef GKV_SIM_POSIX_COROUTINE_H
#define GKV_SIM_POSIX_COROUTINE_H

#include <stdbool.h>

#define GKV_COROUTINE_STACK_BYTES (256 * 1024)

struct gkv_coroutine;

/* Nothing runs before the first resume. NULL: no memory. */
struct gkv_coroutine *gkv_coroutine_create(void (*run)(void *argument), void *argument);

/* Also one that is not over: what is on its stack is forgotten. NULL is allowed. */
void gkv_coroutine_destroy(struct gkv_coroutine *coroutine);

/* Go on with it until it yields or is over: false when it is over. */
bool gkv_coroutine_resume(struct gkv_coroutine *coroutine);

/* Inside the coroutine: back to the resume. */
void gkv_coroutine_yield(struct gkv_coroutine *coroutine);

#endif
