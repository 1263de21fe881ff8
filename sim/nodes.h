/* A set of nodes, by number.
 *
 * Model     A bit for each node; all zero is the empty set.
 * Bounds    GKV_NODES_COUNT_MAX nodes. O(1), or a few words where sets are compared.
 */
#ifndef GKV_SIM_NODES_H
#define GKV_SIM_NODES_H

#include <stdbool.h>
#include <stdint.h>

#define GKV_NODES_COUNT_MAX 256
#define GKV_NODES_WORD_COUNT (GKV_NODES_COUNT_MAX / 64)

struct gkv_nodes {
    uint64_t words[GKV_NODES_WORD_COUNT];
};

static inline bool gkv_nodes_has(const struct gkv_nodes *nodes, uint32_t node)
{
    return (nodes->words[node / 64] >> (node % 64) & 1u) != 0;
}

static inline void gkv_nodes_add(struct gkv_nodes *nodes, uint32_t node)
{
    nodes->words[node / 64] |= UINT64_C(1) << (node % 64);
}

static inline void gkv_nodes_remove(struct gkv_nodes *nodes, uint32_t node)
{
    nodes->words[node / 64] &= ~(UINT64_C(1) << (node % 64));
}

static inline bool gkv_nodes_is_empty(const struct gkv_nodes *nodes)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < GKV_NODES_WORD_COUNT; i++) {
        any |= nodes->words[i];
    }
    return any == 0;
}

static inline bool gkv_nodes_equal(const struct gkv_nodes *a, const struct gkv_nodes *b)
{
    uint64_t differing = 0;
    for (uint32_t i = 0; i < GKV_NODES_WORD_COUNT; i++) {
        differing |= a->words[i] ^ b->words[i];
    }
    return differing == 0;
}

/* Is a node in both? */
static inline bool gkv_nodes_meet(const struct gkv_nodes *a, const struct gkv_nodes *b)
{
    uint64_t shared = 0;
    for (uint32_t i = 0; i < GKV_NODES_WORD_COUNT; i++) {
        shared |= a->words[i] & b->words[i];
    }
    return shared != 0;
}

/* Are all of b in a? */
static inline bool gkv_nodes_contain(const struct gkv_nodes *a, const struct gkv_nodes *b)
{
    uint64_t missing = 0;
    for (uint32_t i = 0; i < GKV_NODES_WORD_COUNT; i++) {
        missing |= b->words[i] & ~a->words[i];
    }
    return missing == 0;
}

/* Those of the first 64 nodes whose bits are set. */
static inline struct gkv_nodes gkv_nodes_of_bits(uint64_t bits)
{
    return (struct gkv_nodes){.words = {bits}};
}

/* The first `count` nodes. */
static inline struct gkv_nodes gkv_nodes_first(uint32_t count)
{
    struct gkv_nodes nodes = {{0}};
    for (uint32_t node = 0; node < count; node++) {
        gkv_nodes_add(&nodes, node);
    }
    return nodes;
}

#endif
