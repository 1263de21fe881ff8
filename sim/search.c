#include "sim/search.h"

#include <stdbool.h>
#include <string.h>

#include "core/panic.h"

#define OPEN UINT64_MAX

void gkv_search_init(struct gkv_search *search, struct gkv_search_state *states,
                     uint32_t state_count)
{
    GKV_ASSERT(state_count >= 4);
    GKV_ASSERT((state_count & (state_count - 1)) == 0);
    memset(search, 0, sizeof(*search));
    memset(states, 0, state_count * sizeof(*states));
    search->states = states;
    search->state_count = state_count;
}

/* Copy what may have happened, by begin; false when it is too much. */
static bool gather(struct gkv_search *search, struct gkv_register_history history)
{
    search->operation_count = 0;
    for (uint32_t i = 0; i < history.operation_count; i++) {
        struct gkv_register_operation operation = history.operations[i];
        const bool says_nothing =
            operation.outcome == GKV_REGISTER_FAILED ||
            (operation.kind == GKV_REGISTER_READ && operation.outcome == GKV_REGISTER_UNKNOWN);
        if (says_nothing) {
            continue;
        }
        if (search->operation_count == GKV_SEARCH_OPERATION_COUNT_MAX) {
            return false;
        }
        if (operation.outcome == GKV_REGISTER_UNKNOWN) {
            operation.end = OPEN;
        }
        GKV_ASSERT(operation.begin <= operation.end);
        uint32_t place = search->operation_count++;
        while (place > 0 && search->operations[place - 1].begin > operation.begin) {
            search->operations[place] = search->operations[place - 1];
            place--;
        }
        search->operations[place] = operation;
    }
    return true;
}

static bool is_taken(const struct gkv_search_state *state, uint32_t operation)
{
    return (state->taken[operation / 64] >> operation % 64 & 1u) != 0;
}

/* The earliest end among those that are left; OPEN when all that must have happened has. */
static uint64_t deadline_of(const struct gkv_search *search, const struct gkv_search_state *state)
{
    uint64_t deadline = OPEN;
    for (uint32_t i = 0; i < search->operation_count; i++) {
        if (search->operations[i].begin > deadline) {
            break; /* and so do all that follow */
        }
        if (!is_taken(state, i) && search->operations[i].end < deadline) {
            deadline = search->operations[i].end;
        }
    }
    return deadline;
}

static uint32_t place_of(const struct gkv_search *search, const struct gkv_search_state *state)
{
    uint64_t mixed = state->write;
    for (uint32_t i = 0; i < GKV_SEARCH_WORD_COUNT; i++) {
        mixed = (mixed ^ state->taken[i]) * UINT64_C(0x9E3779B97F4A7C15);
        mixed ^= mixed >> 32;
    }
    return (uint32_t)mixed & (search->state_count - 1);
}

enum entry {
    ENTRY_NEW,
    ENTRY_KNOWN,
    ENTRY_NO_ROOM
};

/* Note that a state is entered. */
static enum entry enter(struct gkv_search *search, const struct gkv_search_state *state)
{
    uint32_t place = place_of(search, state);
    while (search->states[place].round == search->round) {
        if (memcmp(search->states[place].taken, state->taken, sizeof(state->taken)) == 0 &&
            search->states[place].write == state->write) {
            return ENTRY_KNOWN;
        }
        place = (place + 1) & (search->state_count - 1);
    }
    if (search->entered_count == search->state_count / 4 * 3) {
        return ENTRY_NO_ROOM;
    }
    search->states[place] = *state;
    search->states[place].round = search->round;
    search->entered_count++;
    return ENTRY_NEW;
}

/* May the operation come next? */
static bool may_be_next(const struct gkv_search *search, const struct gkv_search_step *step,
                        uint32_t index)
{
    const struct gkv_register_operation *operation = &search->operations[index];
    const bool fits =
        operation->kind == GKV_REGISTER_WRITE || operation->write == step->state.write;
    return fits && operation->begin <= step->deadline && !is_taken(&step->state, index);
}

/* A read that may come next may as well be next, since it leaves the register as it is: then there
 * is nothing else to try. Returns its index, or the count of operations. */
static uint32_t find_read(const struct gkv_search *search, const struct gkv_search_step *step)
{
    for (uint32_t i = 0; i < search->operation_count; i++) {
        if (search->operations[i].begin > step->deadline) {
            break;
        }
        if (search->operations[i].kind == GKV_REGISTER_READ && may_be_next(search, step, i)) {
            return i;
        }
    }
    return search->operation_count;
}

/* Try what may come next, from step->next on; true when something leads to a state, which is
 * written to state_out. */
static bool take_next(const struct gkv_search *search, struct gkv_search_step *step,
                      struct gkv_search_state *state_out)
{
    uint32_t index = step->next == 0 ? find_read(search, step) : search->operation_count;
    if (index < search->operation_count) {
        step->next = search->operation_count;
    } else {
        index = step->next;
        while (index < search->operation_count && !may_be_next(search, step, index)) {
            index++;
        }
        step->next = index + 1;
    }
    if (index >= search->operation_count) {
        return false;
    }
    *state_out = step->state;
    state_out->taken[index / 64] |= UINT64_C(1) << index % 64;
    state_out->write = search->operations[index].write;
    return true;
}

enum gkv_search_answer gkv_search_check(struct gkv_search *search,
                                        struct gkv_register_history history)
{
    search->entered_count = 0;
    if (++search->round == 0) { /* the count has wrapped: old states would look new */
        memset(search->states, 0, search->state_count * sizeof(*search->states));
        search->round = 1;
    }
    if (!gather(search, history)) {
        return GKV_SEARCH_GAVE_UP;
    }

    struct gkv_search_state state = {.write = GKV_REGISTER_INITIAL};
    uint32_t depth = 0;
    search->steps[0] = (struct gkv_search_step){
        .state = state,
        .deadline = deadline_of(search, &state),
    };
    for (;;) { /* ends: every turn enters a new state, of which there is a bound, or ends a step */
        struct gkv_search_step *step = &search->steps[depth];
        if (step->deadline == OPEN) {
            return GKV_SEARCH_YES;
        }
        if (!take_next(search, step, &state)) {
            if (depth == 0) {
                return GKV_SEARCH_NO;
            }
            depth--;
            continue;
        }
        const enum entry entry = enter(search, &state);
        if (entry == ENTRY_NO_ROOM) {
            return GKV_SEARCH_GAVE_UP;
        }
        if (entry == ENTRY_NEW) {
            GKV_ASSERT(depth < search->operation_count);
            search->steps[++depth] = (struct gkv_search_step){
                .state = state,
                .deadline = deadline_of(search, &state),
            };
        }
    }
}
