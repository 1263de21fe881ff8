/* The chain over all that is noted: io_sim/world.h. */
#include "io_sim/world.h"

#include "core/hash.h"
#include "core/panic.h"

#define NOTE_WORD_COUNT_MAX 16

/* Spelled out, so that the compiler makes one store of it. */
static void put_word(uint8_t *out, uint64_t word)
{
    out[0] = (uint8_t)word;
    out[1] = (uint8_t)(word >> 8);
    out[2] = (uint8_t)(word >> 16);
    out[3] = (uint8_t)(word >> 24);
    out[4] = (uint8_t)(word >> 32);
    out[5] = (uint8_t)(word >> 40);
    out[6] = (uint8_t)(word >> 48);
    out[7] = (uint8_t)(word >> 56);
}

/* The link over what was noted since the last one. */
static struct gkv_hash128 link_of(const struct gkv_world *world)
{
    return gkv_hash128(world->notes, world->note_bytes, world->chain ^ GKV_WORLD_CHAIN_SEED);
}

/* Close a link, and begin the next one with its second half. */
static void close_link(struct gkv_world *world)
{
    const struct gkv_hash128 link = link_of(world);
    world->chain = link.low;
    put_word(world->notes, link.high);
    world->note_bytes = sizeof(uint64_t);
}

void gkv_world_note(struct gkv_world *world, const uint64_t *words, uint32_t word_count)
{
    GKV_ASSERT(word_count <= NOTE_WORD_COUNT_MAX);
    if (sizeof(world->notes) - world->note_bytes < word_count * sizeof(uint64_t)) {
        close_link(world);
    }
    /* Written as bytes in one order, so that the chain does not depend on the machine's. */
    uint8_t *notes = world->notes + world->note_bytes;
    for (uint32_t i = 0; i < word_count; i++) {
        put_word(notes + i * sizeof(uint64_t), words[i]);
    }
    world->note_bytes += word_count * sizeof(uint64_t);
}

void gkv_world_chain(const struct gkv_world *world, uint64_t chain_out[2])
{
    const struct gkv_hash128 link = link_of(world);
    chain_out[0] = link.low;
    chain_out[1] = link.high;
}
