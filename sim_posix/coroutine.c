#include "sim_posix/coroutine.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "core/panic.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GKV_COROUTINE_UNPOISON
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define GKV_COROUTINE_UNPOISON
#endif
#ifdef GKV_COROUTINE_UNPOISON
#include <sanitizer/asan_interface.h>
#endif

struct gkv_coroutine {
    ucontext_t inside;
    ucontext_t outside;
    void (*run)(void *argument);
    void *argument;
    uint8_t *memory; /* the page that nobody may touch, and the stack */
    size_t guard_bytes;
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

/* Stacks grow downwards wherever there is epoll. */
static bool take_stack(struct gkv_coroutine *coroutine)
{
    const long page_bytes = sysconf(_SC_PAGESIZE);
    GKV_ASSERT(page_bytes > 0);
    coroutine->guard_bytes = (size_t)page_bytes;
    const size_t bytes = coroutine->guard_bytes + GKV_COROUTINE_STACK_BYTES;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return false;
    }
    coroutine->memory = memory;
#ifdef GKV_COROUTINE_UNPOISON
    /* An earlier stack here may have been left in the middle, its frames still marked. */
    __asan_unpoison_memory_region(memory, bytes);
#endif
    return mprotect(memory, coroutine->guard_bytes, PROT_NONE) == 0;
}

static bool prepare(struct gkv_coroutine *coroutine)
{
    if (getcontext(&coroutine->inside) != 0) {
        return false;
    }
    coroutine->inside.uc_stack.ss_sp = coroutine->memory + coroutine->guard_bytes;
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
    if (!take_stack(coroutine) || !prepare(coroutine)) {
        gkv_coroutine_destroy(coroutine);
        return NULL;
    }
    return coroutine;
}

void gkv_coroutine_destroy(struct gkv_coroutine *coroutine)
{
    if (coroutine != NULL) {
        if (coroutine->memory != NULL) {
            (void)munmap(coroutine->memory, coroutine->guard_bytes + GKV_COROUTINE_STACK_BYTES);
        }
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
