#include "core/suspicion.h"

#include "core/panic.h"
#include "core/witness.h"

uint64_t gkv_suspicion_timeout_ns(const struct gkv_options *options, uint16_t member_count)
{
    uint64_t log2_count = 0;
    while ((UINT64_C(1) << log2_count) < member_count) {
        log2_count++;
    }
    GKV_ASSERT(log2_count <= 16);
    const uint64_t waits = log2_count > 0 && options->gossip_fanout > 0 ? log2_count - 1 : 0;
    const uint64_t spreading_ms = 2 * waits * options->gossip_interval_ms;
    return (options->suspicion_timeout_ms + spreading_ms) * GKV_NS_PER_MS;
}

/* ln(C + 1) / ln(K + 1) in thousandths, by K and C. */
static const uint16_t ln_milli[GKV_CONFIRMER_COUNT_MAX + 1][GKV_CONFIRMER_COUNT_MAX + 1] = {
    {1000, 1000, 1000, 1000},
    {0, 1000, 1000, 1000},
    {0, 631, 1000, 1000},
    {0, 500, 792, 1000},
};

uint64_t gkv_suspicion_confirmed_ns(const struct gkv_options *options, uint16_t member_count,
                                    uint32_t confirmer_count)
{
    const uint32_t others = member_count > 2 ? member_count - 2u : 0;
    const uint32_t wanted =
        options->suspicion_confirmations < others ? options->suspicion_confirmations : others;
    GKV_ASSERT(wanted <= GKV_CONFIRMER_COUNT_MAX);
    GKV_ASSERT(confirmer_count <= GKV_CONFIRMER_COUNT_MAX);
    const uint64_t least_ns = gkv_suspicion_timeout_ns(options, member_count);
    const uint64_t spread_ns = least_ns * (options->suspicion_max_factor - 1);
    if (member_count <= 2 && options->witness_count > 0) {
        return least_ns + spread_ns;
    }
    return least_ns + spread_ns - spread_ns / 1000 * ln_milli[wanted][confirmer_count];
}

static void set_timer(const struct gkv_step *step, uint16_t index)
{
    const struct gkv_member *member = gkv_member_at(step->members, index);
    GKV_ASSERT(member->said.state == GKV_MEMBER_SUSPECT);
    const uint64_t end_ns =
        member->since_ns + gkv_suspicion_confirmed_ns(step->options, step->members->reachable_count,
                                                      member->said.confirmer_count);
    gkv_timer_set(step->timers, gkv_step_member_timer(step, index),
                  end_ns > step->now.mono_ns ? end_ns : step->now.mono_ns);
}

/* A last chance goes on as it is. */
void gkv_suspicion_shorten(const struct gkv_step *step, uint16_t index)
{
    if (gkv_member_at(step->members, index)->asked_ns == 0) {
        set_timer(step, index);
    }
}

static uint64_t later_ns(const struct gkv_step *step, uint64_t then_ns, uint64_t by_ns)
{
    const uint64_t since_ns = then_ns + by_ns;
    return since_ns < step->now.mono_ns ? since_ns : step->now.mono_ns;
}

void gkv_suspicions_postpone(const struct gkv_step *step, uint64_t by_ns)
{
    if (step->members->heard_ns != 0) { /* or what is given back now would be once more */
        step->members->heard_ns = later_ns(step, step->members->heard_ns, by_ns);
    }
    for (uint16_t i = GKV_MEMBER_SELF + 1; i < step->members->capacity; i++) {
        struct gkv_member *member = gkv_member_at(step->members, i);
        if (member->said.state == GKV_MEMBER_SUSPECT) {
            member->since_ns = later_ns(step, member->since_ns, by_ns);
        }
    }
}

void gkv_suspicion_extend(const struct gkv_step *step, uint16_t index, uint64_t by_ns)
{
    GKV_ASSERT(gkv_member_at(step->members, index)->said.state == GKV_MEMBER_SUSPECT);
    GKV_ASSERT(by_ns > 0);
    gkv_timer_set(step->timers, gkv_step_member_timer(step, index), step->now.mono_ns + by_ns);
}

void gkv_suspicion_await_witness(const struct gkv_step *step, uint16_t index)
{
    const bool was_asked = gkv_member_at(step->members, index)->asked_ns != 0;
    const uint32_t long_ms = step->options->probe_interval_ms;
    const uint32_t short_ms = step->options->gossip_interval_ms;
    const uint32_t wait_ms = was_asked && short_ms < long_ms ? short_ms : long_ms;
    gkv_suspicion_extend(step, index, wait_ms * GKV_NS_PER_MS);
}

/* So much of a suspicion does not count, and its last chance comes again. Returns false, and gives
 * nothing, when as much as patience was given back already: a dead member is not to be SUSPECT for
 * ever where others are heard now and then, nor is one who is heard and hears nobody. */
static bool give_back(const struct gkv_step *step, uint16_t index, uint64_t span_ns)
{
    struct gkv_member *member = gkv_member_at(step->members, index);
    GKV_ASSERT(member->said.state == GKV_MEMBER_SUSPECT);
    if (member->given_ns >= step->options->witness_patience_ms * GKV_NS_PER_MS) {
        return false;
    }
    const uint64_t since_ns = later_ns(step, member->since_ns, span_ns);
    member->given_ns += since_ns - member->since_ns;
    member->since_ns = since_ns;
    member->asked_ns = 0;
    set_timer(step, index);
    return true;
}

bool gkv_suspicion_reprieve(const struct gkv_step *step, uint16_t index)
{
    const uint64_t since_ns = gkv_member_at(step->members, index)->since_ns;
    return give_back(step, index, step->now.mono_ns - since_ns);
}

void gkv_suspicions_hear(const struct gkv_step *step, const struct gkv_identity *from)
{
    const uint64_t silence_ns = gkv_member_hear(step->members, from, step->now.mono_ns);
    if (step->options->witness_count > 0 && silence_ns > gkv_witness_window_ns(step->options)) {
        for (uint16_t i = GKV_MEMBER_SELF + 1; i < step->members->capacity; i++) {
            if (gkv_member_at(step->members, i)->said.state == GKV_MEMBER_SUSPECT) {
                (void)give_back(step, i, silence_ns);
            }
        }
    }
}

/* Ids are hashes: half of theirs and half of ours are a fair draw, and the same one every time. */
static void set_eviction(const struct gkv_step *step, uint16_t index)
{
    const uint32_t timer = gkv_step_member_timer(step, index);
    const uint64_t delay_ns = step->options->evict_delay_ms * GKV_NS_PER_MS;
    if (delay_ns == 0) {
        gkv_timer_cancel(step->timers, timer);
        return;
    }
    const struct gkv_node_id *about = &gkv_member_at(step->members, index)->said.who.id;
    const struct gkv_node_id *self = &gkv_step_self(step)->said.who.id;
    const uint32_t draw = (uint32_t)(about->bytes[0] ^ self->bytes[0]) << 8 |
                          (uint32_t)(about->bytes[1] ^ self->bytes[1]);
    gkv_timer_set(step->timers, timer, step->now.mono_ns + delay_ns + delay_ns / 5 * draw / 65536);
}

void gkv_suspicion_rearm(const struct gkv_step *step, uint16_t index)
{
    GKV_ASSERT(index != GKV_MEMBER_SELF);
    const uint32_t timer = gkv_step_member_timer(step, index);
    const uint64_t now_ns = step->now.mono_ns;

    switch (gkv_member_at(step->members, index)->said.state) {
    case GKV_MEMBER_SUSPECT:
        set_timer(step, index);
        break;
    case GKV_MEMBER_LEFT:
        gkv_timer_set(step->timers, timer, now_ns + step->options->left_keep_ms * GKV_NS_PER_MS);
        break;
    case GKV_MEMBER_UNREACHABLE:
        set_eviction(step, index);
        break;
    case GKV_MEMBER_NONE:
    case GKV_MEMBER_ALIVE:
    case GKV_MEMBER_LEAVING:
    case GKV_MEMBER_EVICTED:
        gkv_timer_cancel(step->timers, timer);
        break;
    }
}
