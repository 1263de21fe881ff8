#include "tests/interleave/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "core/prng.h"
#include "tests/interleave/memory.h"

#define STACK_BYTES (256 * 1024)
#define CHANGES_MAX 16
#define STEPS_MAX 2000000 /* of one run: a thread that waits for ever is a failure */

struct thread {
    ucontext_t context;
    int64_t priority;
    bool is_over;
};

static struct thread threads[INTERLEAVE_THREADS];
static uint8_t stacks[INTERLEAVE_THREADS][STACK_BYTES];
static ucontext_t outside;
static uint32_t thread_count;
static int running = -1;
static uint64_t step;
static uint64_t changes[CHANGES_MAX]; /* at this step, the running thread's priority is 1 + index */
static uint32_t change_count;
static int64_t lowest; /* of who waited last: below all changes */
static interleave_body run_body;
static void *run_context;

int interleave_self(void)
{
    return running;
}

/* The thread with the highest priority, or -1 when all are over. */
static int choose(void)
{
    int best = -1;
    for (uint32_t i = 0; i < thread_count; i++) {
        if (!threads[i].is_over && (best < 0 || threads[i].priority > threads[best].priority)) {
            best = (int)i;
        }
    }
    return best;
}

static void go_on(void)
{
    const int next = choose();
    const int self = running;
    if (next != self) {
        running = next;
        swapcontext(&threads[self].context, next < 0 ? &outside : &threads[next].context);
    }
}

void interleave_step(void)
{
    step++;
    if (step > STEPS_MAX) {
        fprintf(stderr, "interleave: no end after %d steps\n", STEPS_MAX);
        abort();
    }
    for (uint32_t i = 0; i < change_count; i++) {
        if (changes[i] == step) {
            threads[running].priority = 1 + (int64_t)i;
        }
    }
    go_on();
}

void interleave_wait(void)
{
    threads[running].priority = --lowest;
    interleave_step();
}

static void enter(void)
{
    run_body(run_context, (uint32_t)running);
    threads[running].is_over = true;
    go_on();
}

uint64_t interleave_run(const struct interleave_plan *plan, interleave_body body, void *context)
{
    struct gkv_prng prng;
    gkv_prng_init(&prng, plan->seed, 0);
    thread_count = plan->thread_count;
    change_count = plan->change_count < CHANGES_MAX ? plan->change_count : CHANGES_MAX;
    run_body = body;
    run_context = context;
    step = 0;
    lowest = 0;
    memset(stacks, 0, sizeof(stacks));
    for (uint32_t i = 0; i < change_count; i++) {
        changes[i] = 1 + gkv_prng_below(&prng, plan->step_count);
    }
    for (uint32_t i = 0; i < thread_count; i++) {
        struct thread *thread = &threads[i];
        getcontext(&thread->context);
        thread->context.uc_stack.ss_sp = stacks[i];
        thread->context.uc_stack.ss_size = STACK_BYTES;
        thread->context.uc_link = NULL;
        makecontext(&thread->context, enter, 0);
        thread->is_over = false;
        const int64_t draw = (int64_t)gkv_prng_below(&prng, 1 << 20);
        thread->priority = CHANGES_MAX + 1 + draw * INTERLEAVE_THREADS + i;
    }
    interleave_memory_begin(plan->seed);
    running = choose();
    swapcontext(&outside, &threads[running].context);
    running = -1;
    return step;
}
