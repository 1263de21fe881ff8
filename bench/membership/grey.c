#include "bench/membership/grey.h"

#include <stdio.h>

#include "bench/membership/crowd.h"
#include "core/node.h"
#include "core/panic.h"

#define TURN_SECONDS 20
#define LOST_PPM 800000
#define LOOKS_PER_SECOND 10

/* A run, and what is known so far. */
struct watch {
    uint32_t faulty;
    uint64_t degraded_ms;
    uint64_t unreachable_ms;
    uint64_t evicted_ms;
    uint32_t sizes[GREY_NODE_COUNT]; /* that each node said last; 0: it was not asked */
    uint32_t changes[GREY_NODE_COUNT];
};

static void set_faulty(struct crowd *crowd, enum grey_kind kind, uint32_t faulty, bool is_deaf)
{
    for (uint32_t i = 0; i < GREY_NODE_COUNT; i++) {
        struct gkv_link *in = gkv_world_link(&crowd->world, i, faulty);
        struct gkv_link *out = gkv_world_link(&crowd->world, faulty, i);
        if (kind == GREY_DEAF) {
            in->is_cut = is_deaf && i != faulty;
            continue;
        }
        in->loss_ppm = LOST_PPM;
        in->resend_ppm = LOST_PPM;
        out->loss_ppm = LOST_PPM;
        out->resend_ppm = LOST_PPM;
    }
}

/* Do all others hold it for this, or for evicted? */
static bool all_hold(const struct crowd *crowd, uint32_t faulty, enum gkv_member_state state)
{
    for (uint32_t i = 0; i < GREY_NODE_COUNT; i++) {
        const enum gkv_member_state held =
            i == faulty ? GKV_MEMBER_EVICTED : crowd_state(crowd, i, faulty);
        if (held != state && held != GKV_MEMBER_EVICTED) {
            return false;
        }
    }
    return true;
}

/* Do all others have reason not to wait for it? */
static bool all_go_round(const struct crowd *crowd, uint32_t faulty)
{
    for (uint32_t i = 0; i < GREY_NODE_COUNT; i++) {
        const enum gkv_member_state held =
            i == faulty ? GKV_MEMBER_EVICTED : crowd_state(crowd, i, faulty);
        if (held != GKV_MEMBER_UNREACHABLE && held != GKV_MEMBER_EVICTED &&
            !crowd_is_degraded(crowd, i, faulty)) {
            return false;
        }
    }
    return true;
}

static void note_changes(const struct crowd *crowd, struct watch *watch)
{
    for (uint32_t i = 0; i < GREY_NODE_COUNT; i++) {
        const struct gkv_node *node = gkv_endpoint_node(crowd->world.hosts[i].endpoint);
        const uint32_t size = gkv_node_stats(node).reachable_count;
        watch->changes[i] += watch->sizes[i] != 0 && watch->sizes[i] != size;
        watch->sizes[i] = size;
    }
}

static void pass_second(struct crowd *crowd, struct watch *watch, uint64_t second)
{
    for (uint64_t look = 1; look <= LOOKS_PER_SECOND; look++) {
        const uint64_t passed_ms = 1000 * second + 1000 / LOOKS_PER_SECOND * look;
        crowd_run(crowd, SECOND / LOOKS_PER_SECOND);
        if (watch->degraded_ms == GREY_NEVER_MS && all_go_round(crowd, watch->faulty)) {
            watch->degraded_ms = passed_ms;
        }
        if (watch->unreachable_ms == GREY_NEVER_MS &&
            all_hold(crowd, watch->faulty, GKV_MEMBER_UNREACHABLE)) {
            watch->unreachable_ms = passed_ms;
        }
        if (watch->evicted_ms == GREY_NEVER_MS &&
            all_hold(crowd, watch->faulty, GKV_MEMBER_EVICTED)) {
            watch->evicted_ms = passed_ms;
        }
    }
    note_changes(crowd, watch);
}

static void add_run(const struct crowd *crowd, const struct watch *watch,
                    struct numbers *numbers_out)
{
    uint64_t most = 0;
    uint64_t removed_count = 0;
    uint64_t evicted_count = 0;
    for (uint32_t i = 0; i < GREY_NODE_COUNT; i++) {
        if (i != watch->faulty) {
            most = watch->changes[i] > most ? watch->changes[i] : most;
            removed_count += crowd->ledger.was_removed[i];
            evicted_count += crowd->ledger.was_evicted[i];
        }
    }
    numbers_add(numbers_out, watch->unreachable_ms);
    numbers_add(numbers_out, watch->evicted_ms);
    numbers_add(numbers_out, most);
    numbers_add(numbers_out, removed_count);
    numbers_add(numbers_out, evicted_count);
    numbers_add(numbers_out, watch->degraded_ms);
}

static void run_once(struct crowd *crowd, enum grey_kind kind, struct numbers *numbers_out)
{
    static struct watch watch;
    watch = (struct watch){.faulty = crowd_pick_up(crowd),
                           .degraded_ms = GREY_NEVER_MS,
                           .unreachable_ms = GREY_NEVER_MS,
                           .evicted_ms = GREY_NEVER_MS};
    crowd->ledger.is_anomalous[watch.faulty] = true;
    note_changes(crowd, &watch);
    for (uint64_t second = 0; second < GREY_SECONDS; second++) {
        set_faulty(crowd, kind, watch.faulty, second / TURN_SECONDS % 2 == 0);
        pass_second(crowd, &watch, second);
    }
    add_run(crowd, &watch, numbers_out);
}

static void measure(const struct piece *piece, struct numbers *numbers_out)
{
    struct gkv_options options;
    flavor_options((enum flavor)piece->arguments[0], GREY_NODE_COUNT, &options);
    for (uint64_t run = 0; run < piece->arguments[2]; run++) {
        struct crowd *crowd = crowd_create(&options, GREY_NODE_COUNT, 1, run + 1);
        GKV_ASSERT(crowd != NULL);
        const bool is_formed = crowd_form(crowd, flavor_settle_ns(&options));
        GKV_ASSERT(is_formed);
        run_once(crowd, (enum grey_kind)piece->arguments[1], numbers_out);
        crowd_destroy(crowd);
    }
}

static struct piece piece_of(const struct plan *plan, const struct grey *grey)
{
    struct piece piece = {
        .measure = measure,
        .arguments = {(uint64_t)grey->flavor, (uint64_t)grey->kind,
                      plan_repetitions(plan, grey->run_count)},
    };
    (void)snprintf(piece.name, sizeof(piece.name), "grey-%s-%s", flavor_name(grey->flavor),
                   grey->kind == GREY_DEAF ? "deaf" : "lossy");
    return piece;
}

void grey_plan(struct plan *plan, const struct grey *grey)
{
    const struct piece piece = piece_of(plan, grey);
    (void)plan_add(plan, &piece);
}

struct numbers grey_numbers(const struct plan *plan, const struct grey *grey, enum grey_field field)
{
    struct numbers numbers = {.values = NULL};
    const struct piece piece = piece_of(plan, grey);
    numbers_column(plan_numbers(plan, piece.name), GREY_FIELD_COUNT, (uint32_t)field, &numbers);
    return numbers;
}
