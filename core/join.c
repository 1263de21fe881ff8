#include "core/join.h"

#include "core/panic.h"

static bool is_own_address(const struct gkv_step *step, const struct gkv_address *address)
{
    return gkv_address_equal(address, &gkv_step_self(step)->said.address);
}

/* Lend our table in the scratch, ourselves first; NULL when there is no room. */
static const struct gkv_update *table_copy(const struct gkv_step *step, uint32_t *count_out)
{
    const struct gkv_members *members = step->members;
    GKV_ASSERT(members->count > 0);
    const size_t table_bytes = members->count * sizeof(struct gkv_update);
    if (gkv_scratch_room(step->scratch) < table_bytes) {
        return NULL;
    }
    struct gkv_update *updates = gkv_scratch_take(step->scratch, table_bytes);
    uint32_t count = 0;
    for (uint16_t index = 0; index < members->capacity; index++) {
        const struct gkv_member *member = gkv_member_at(members, index);
        if (member->said.state != GKV_MEMBER_NONE) {
            GKV_ASSERT(count < members->count);
            updates[count] = member->said;
            updates[count].confirmer_count = 0;
            memset(updates[count].confirmers, 0, sizeof(updates[count].confirmers));
            count++;
        }
    }
    GKV_ASSERT(count == members->count);
    *count_out = count;
    return updates;
}

static void send_table(const struct gkv_step *step, const struct gkv_address *address,
                       bool is_request)
{
    uint32_t count = 0;
    const struct gkv_update *updates = table_copy(step, &count);
    if (updates == NULL) {
        return;
    }
    struct gkv_message *message =
        gkv_step_send(step, address, GKV_CHANNEL_STREAM, GKV_MESSAGE_PUSH_PULL);
    message->as.push_pull.is_request = is_request;
    message->as.push_pull.updates = updates;
    message->as.push_pull.update_count = count;
}

void gkv_join_ask(const struct gkv_step *step, const struct gkv_address *address)
{
    send_table(step, address, true);
}

void gkv_join_answer(const struct gkv_step *step, const struct gkv_address *address)
{
    send_table(step, address, false);
}

void gkv_join_ask_seeds(const struct gkv_step *step)
{
    uint32_t count = 0;
    const struct gkv_update *updates = table_copy(step, &count);
    for (uint32_t i = 0; updates != NULL && i < step->options->seed_count; i++) {
        const struct gkv_address *seed = &step->options->seeds[i];
        if (is_own_address(step, seed)) {
            continue;
        }
        struct gkv_message *message =
            gkv_step_send(step, seed, GKV_CHANNEL_STREAM, GKV_MESSAGE_PUSH_PULL);
        message->as.push_pull.is_request = true;
        message->as.push_pull.updates = updates;
        message->as.push_pull.update_count = count;
    }
}

/* A seed is missing when we know nobody there whom we can reach. */
static bool seed_is_missing(const struct gkv_step *step, const struct gkv_address *seed)
{
    if (is_own_address(step, seed)) {
        return false;
    }
    const uint16_t index = gkv_member_find_address(step->members, seed);
    return index == GKV_MEMBER_INDEX_NONE ||
           !gkv_member_is_reachable(gkv_member_at(step->members, index));
}

void gkv_join_ask_missing_seed(struct gkv_join *join, const struct gkv_step *step)
{
    const uint32_t seed_count = step->options->seed_count;
    GKV_ASSERT(seed_count <= GKV_SEED_COUNT_MAX);
    for (uint32_t i = 0; i < seed_count; i++) {
        const struct gkv_address *seed = &step->options->seeds[join->seed_cursor % seed_count];
        join->seed_cursor = (join->seed_cursor + 1) % seed_count;
        if (seed_is_missing(step, seed)) {
            gkv_join_ask(step, seed);
            return;
        }
    }
}

void gkv_join_ask_stranger(struct gkv_join *join, const struct gkv_step *step,
                           const struct gkv_address *address)
{
    if (step->now.mono_ns < join->stranger_after_ns) {
        return;
    }
    join->stranger_after_ns = step->now.mono_ns + GKV_JOIN_STRANGER_MS * GKV_NS_PER_MS;
    gkv_join_ask(step, address);
}

void gkv_join_count(struct gkv_join *join, const struct gkv_step *step)
{
    join->has_gathered =
        join->has_gathered || step->members->ring_count >= step->options->bootstrap_expect;
}

bool gkv_join_is_done(const struct gkv_join *join, const struct gkv_step *step)
{
    if (!join->has_gathered) {
        return false;
    }
    if (join->has_met) {
        return true;
    }
    for (uint32_t i = 0; i < step->options->seed_count; i++) {
        if (!is_own_address(step, &step->options->seeds[i])) {
            return false;
        }
    }
    return true;
}
