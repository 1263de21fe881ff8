#include "sim_posix/coroutine.h"

#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "core/panic.h"

struct gkv_coroutine {
    ucontext_t inside;
    ucontext_t outside;
    void (*run)(void *argument);
    void *argument;
    void *stack;
    bool is_over;
};

/* makecontext hands over integers alone: a pointer goes in two halves. */
static void enter(unsigned high, unsigned low)
{
    const uintptr_t bits = (uintptr_t)((uint64_t)high << 32 | low);
    struct gkv_coroutine *coroutine = (void *)bits;
    coroutine->run(coroutine->argument);
    coroutine->is_over = true;
    gkv_coroutine_yield(coroutine);
}

static bool prepare(struct gkv_coroutine *coroutine)
{
    if (getcontext(&coroutine->inside) != 0) {
        return false;
    }
    coroutine->inside.uc_stack.ss_sp = coroutine->stack;
    coroutine->inside.uc_stack.ss_size = GKV_COROUTINE_STACK_BYTES;
    const uint64_t bits = (uintptr_t)coroutine;
    void (*const entry)(void) = (void (*)(void))enter;
    makecontext(&coroutine->inside, entry, 2, (unsigned)(bits >> 32), (unsigned)bits);
    return true;
}

struct gkv_coroutine *gkv_coroutine_create(void (*run)(void *argument), void *argument)
{
    struct gkv_coroutine *coroutine = calloc(1, sizeof(*coroutine));
    if (coroutine == NULL) {
        return NULL;
    }
    coroutine->run = run;
    coroutine->argument = argument;
    coroutine->stack = malloc(GKV_COROUTINE_STACK_BYTES);
    if (coroutine->stack == NULL || !prepare(coroutine)) {
        gkv_coroutine_destroy(coroutine);
        return NULL;
    }
    return coroutine;
}

void gkv_coroutine_destroy(struct gkv_coroutine *coroutine)
{
    if (coroutine != NULL) {
        free(coroutine->stack);
        free(coroutine);
    }
}

bool gkv_coroutine_resume(struct gkv_coroutine *coroutine)
{
    GKV_ASSERT(!coroutine->is_over);
    const int status = swapcontext(&coroutine->outside, &coroutine->inside);
    GKV_ASSERT(status == 0);
    return !coroutine->is_over;
}

void gkv_coroutine_yield(struct gkv_coroutine *coroutine)
{
    const int status = swapcontext(&coroutine->inside, &coroutine->outside);
    GKV_ASSERT(status == 0);
}
