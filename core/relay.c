#include "core/relay.h"

#include "core/panic.h"

static struct gkv_relay *relay_at(const struct gkv_relays *relays, uint32_t place)
{
    GKV_ASSERT(place < GKV_RELAY_COUNT);
    return (struct gkv_relay *)gkv_at(relays, relays->relay_offset) + place;
}

void gkv_relays_init(struct gkv_relays *relays, struct gkv_arena *arena)
{
    void *table = gkv_arena_carve(arena, GKV_RELAY_COUNT, sizeof(struct gkv_relay));
    *relays = (struct gkv_relays){.next = 0};
    relays->relay_offset = gkv_offset_to(relays, table);
}

void gkv_relay_add(struct gkv_relays *relays, const struct gkv_relay *relay)
{
    GKV_ASSERT(relay->sequence != 0);
    GKV_ASSERT(relay->asker_sequence != 0);
    *relay_at(relays, relays->next) = *relay;
    relays->next = (relays->next + 1) % GKV_RELAY_COUNT;
}

bool gkv_relay_take(struct gkv_relays *relays, uint32_t sequence, struct gkv_node_id target,
                    struct gkv_relay *relay_out)
{
    GKV_ASSERT(sequence != 0);
    for (uint32_t i = 0; i < GKV_RELAY_COUNT; i++) {
        struct gkv_relay *relay = relay_at(relays, i);
        if (relay->sequence == sequence && gkv_node_id_equal(relay->target.id, target)) {
            *relay_out = *relay;
            relay->sequence = 0;
            return true;
        }
    }
    return false;
}

void gkv_relays_postpone(struct gkv_relays *relays, uint64_t by_ns)
{
    for (uint32_t i = 0; i < GKV_RELAY_COUNT; i++) {
        struct gkv_relay *relay = relay_at(relays, i);
        relay->nack_ns += relay->nack_ns < GKV_NEVER - by_ns ? by_ns : 0;
    }
}

uint64_t gkv_relays_deadline_ns(const struct gkv_relays *relays)
{
    uint64_t deadline_ns = GKV_NEVER;
    for (uint32_t i = 0; i < GKV_RELAY_COUNT; i++) {
        const struct gkv_relay *relay = relay_at(relays, i);
        if (relay->sequence != 0 && relay->nack_ns < deadline_ns) {
            deadline_ns = relay->nack_ns;
        }
    }
    return deadline_ns;
}

bool gkv_relay_take_due(struct gkv_relays *relays, uint64_t now_ns, struct gkv_relay *relay_out)
{
    for (uint32_t i = 0; i < GKV_RELAY_COUNT; i++) {
        struct gkv_relay *relay = relay_at(relays, i);
        if (relay->sequence != 0 && relay->nack_ns <= now_ns) {
            relay->nack_ns = GKV_NEVER;
            *relay_out = *relay;
            return true;
        }
    }
    return false;
}
