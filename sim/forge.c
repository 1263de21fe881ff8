#include "sim/forge.h"

#include <stdbool.h>

#include "core/panic.h"

#define GAP_MAX 3

static uint32_t below(struct gkv_prng *prng, uint64_t bound)
{
    return (uint32_t)gkv_prng_below(prng, bound);
}

static bool is_percent(struct gkv_prng *prng, uint32_t percent)
{
    return below(prng, 100) < percent;
}

struct gkv_forge_options gkv_forge_draw(struct gkv_prng *prng, uint32_t operation_count)
{
    /* One draw a statement: C does not say in which order an initialiser is evaluated. */
    struct gkv_forge_options options = {.operation_count = operation_count};
    options.client_count = 1 + below(prng, 8);
    options.write_percent = 5 + below(prng, 86);
    options.span = 1 + below(prng, UINT64_C(1) << below(prng, 6));
    if (below(prng, 2) == 1) {
        options.unknown_percent = below(prng, 40);
        options.failed_percent = below(prng, 30);
    }
    return options;
}

static void shuffle(struct gkv_prng *prng, struct gkv_register_operation *operations,
                    uint32_t operation_count)
{
    for (uint32_t i = operation_count; i > 1; i--) {
        const uint32_t other = below(prng, i);
        const struct gkv_register_operation operation = operations[i - 1];
        operations[i - 1] = operations[other];
        operations[other] = operation;
    }
}

/* The client that takes the next operation: one that is free at `now`, from a random one on. If all
 * are busy, time moves on to when the first chosen is free. */
static uint32_t choose_client(struct gkv_prng *prng, const uint64_t *free_at, uint32_t client_count,
                              uint64_t *now)
{
    const uint32_t first = below(prng, client_count);
    for (uint32_t i = 0; i < client_count; i++) {
        const uint32_t client = (first + i) % client_count;
        if (free_at[client] <= *now) {
            return client;
        }
    }
    *now = free_at[first];
    return first;
}

/* Begin and end around `now`, when it takes effect. */
static void place(struct gkv_prng *prng, struct gkv_register_operation *operation, uint64_t now,
                  uint64_t free_at, uint64_t span)
{
    uint64_t before = gkv_prng_below(prng, span + 1);
    if (before > now - free_at) {
        before = now - free_at;
    }
    operation->begin = now - before;
    operation->end = now + gkv_prng_below(prng, span + 1);
}

void gkv_forge_make(struct gkv_prng *prng, const struct gkv_forge_options *options,
                    struct gkv_register_operation *operations)
{
    uint64_t free_at[GKV_FORGE_CLIENT_COUNT_MAX] = {0};
    uint64_t now = 0;
    uint32_t held = GKV_REGISTER_INITIAL;
    GKV_ASSERT(options->client_count > 0);
    GKV_ASSERT(options->client_count <= GKV_FORGE_CLIENT_COUNT_MAX);
    const bool counts_down = below(prng, 2) == 1; /* ids need not grow with time */
    const uint32_t count = options->operation_count;
    for (uint32_t i = 0; i < count; i++) {
        now += below(prng, GAP_MAX + 1);
        const uint32_t client = choose_client(prng, free_at, options->client_count, &now);
        struct gkv_register_operation *operation = &operations[i];
        *operation = (struct gkv_register_operation){
            .write = held,
            .number = i + 1,
            .kind = GKV_REGISTER_READ,
            .outcome = GKV_REGISTER_OK,
        };
        place(prng, operation, now, free_at[client], options->span);
        free_at[client] = operation->end;
        if (!is_percent(prng, options->write_percent)) {
            continue;
        }
        operation->kind = GKV_REGISTER_WRITE;
        operation->write = counts_down ? count - i : i + 1;
        bool has_effect = true;
        if (is_percent(prng, options->failed_percent)) {
            operation->outcome = GKV_REGISTER_FAILED;
            has_effect = false;
        } else if (is_percent(prng, options->unknown_percent)) {
            operation->outcome = GKV_REGISTER_UNKNOWN;
            operation->begin -= gkv_prng_below(prng, operation->begin + 1); /* its client gave up */
            operation->end = 0;
            has_effect = below(prng, 2) == 1;
        }
        held = has_effect ? operation->write : held;
    }
    if (below(prng, 2) == 1) {
        shuffle(prng, operations, count);
    }
}

/* The first operation of a kind from a random one on; any when there is none. */
static struct gkv_register_operation *pick(struct gkv_prng *prng,
                                           struct gkv_register_operation *operations,
                                           uint32_t operation_count, enum gkv_register_kind kind)
{
    const uint32_t first = below(prng, operation_count);
    for (uint32_t i = 0; i < operation_count; i++) {
        struct gkv_register_operation *operation = &operations[(first + i) % operation_count];
        if (operation->kind == kind) {
            return operation;
        }
    }
    return &operations[first];
}

static void change_read(struct gkv_prng *prng, struct gkv_register_operation *operations,
                        uint32_t operation_count)
{
    struct gkv_register_operation *read =
        pick(prng, operations, operation_count, GKV_REGISTER_READ);
    if (read->kind != GKV_REGISTER_READ) {
        return;
    }
    const uint32_t seen = read->write;
    struct gkv_register_operation *other;
    switch (below(prng, 8)) {
    case 0: /* the value is lost */
        read->write = GKV_REGISTER_INITIAL;
        break;
    case 1: /* nobody wrote it, or a read's place among the ids */
        read->write = 1 + below(prng, operation_count + 1);
        break;
    case 2:
    case 3:
    case 4: /* two reads swap what they saw */
        other = pick(prng, operations, operation_count, GKV_REGISTER_READ);
        read->write = other->write;
        other->write = seen;
        break;
    default: /* another write is seen */
        other = pick(prng, operations, operation_count, GKV_REGISTER_WRITE);
        read->write = other->write;
        break;
    }
}

static void change_interval(struct gkv_prng *prng, struct gkv_register_operation *operation)
{
    if (operation->outcome != GKV_REGISTER_OK) {
        operation->begin += below(prng, 20);
        return;
    }
    const uint64_t taken = operation->end - operation->begin;
    const uint64_t by = 1 + gkv_prng_below(prng, 2 * taken + 4);
    switch (below(prng, 4)) {
    case 0: /* later */
        operation->begin += by;
        operation->end += by;
        break;
    case 1: /* earlier */
        operation->begin -= by < operation->begin ? by : operation->begin;
        operation->end = operation->begin + taken;
        break;
    case 2: /* over at once */
        operation->end = operation->begin;
        break;
    default: /* begun when it was over */
        operation->begin = operation->end;
        break;
    }
}

static void change_outcome(struct gkv_prng *prng, struct gkv_register_operation *operation)
{
    if (operation->outcome == GKV_REGISTER_OK) {
        operation->outcome = below(prng, 2) == 1 ? GKV_REGISTER_UNKNOWN : GKV_REGISTER_FAILED;
        return;
    }
    operation->outcome = GKV_REGISTER_OK;
    operation->end = operation->begin + below(prng, 10);
}

void gkv_forge_change(struct gkv_prng *prng, struct gkv_register_operation *operations,
                      uint32_t operation_count)
{
    GKV_ASSERT(operation_count > 0);
    const uint32_t kind = below(prng, 8);
    if (kind < 4) {
        change_read(prng, operations, operation_count);
    } else if (kind < 7) {
        change_interval(prng, &operations[below(prng, operation_count)]);
    } else {
        change_outcome(prng, pick(prng, operations, operation_count, GKV_REGISTER_WRITE));
    }
}
