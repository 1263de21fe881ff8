/* The small values that everything else is made of.
 *
 * Not here  Stamps and versions: core/hlc.h. Messages: core/message.h.
 */
#ifndef GKV_CORE_TYPES_H
#define GKV_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/bounds.h"

#define GKV_NEVER UINT64_MAX /* a deadline that does not come */
#define GKV_NS_PER_MS UINT64_C(1000000)

/* Both clocks, read together by the shim. mono_ns drives every timer and never goes back; wall_ms
 * feeds the hybrid logical clock alone and may stand still, jump or go back. */
struct gkv_now {
    uint64_t mono_ns;
    uint64_t wall_ms; /* since 1970, <= GKV_HLC_WALL_MS_MAX */
};

/* A view of bytes that somebody else owns. {NULL, 0} is empty. */
struct gkv_bytes {
    const uint8_t *data;
    size_t count;
};

static inline bool gkv_bytes_equal(struct gkv_bytes a, struct gkv_bytes b)
{
    return a.count == b.count && (a.count == 0 || memcmp(a.data, b.data, a.count) == 0);
}

/* Memory of the caller's that a function may fill. {NULL, 0} is no room. */
struct gkv_buffer {
    uint8_t *data;
    size_t capacity;
};

/* Who a node is, for as long as its data directory or configuration says so. 128 bits of its
 * name. */
struct gkv_node_id {
    uint8_t bytes[16];
};

static inline bool gkv_node_id_equal(struct gkv_node_id a, struct gkv_node_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static inline int gkv_node_id_compare(struct gkv_node_id a, struct gkv_node_id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes));
}

/* Which life of a node: a restart that forgot its memory is a new boot of the same id. A greater
 * boot supersedes whatever was said about a smaller one. */
struct gkv_identity {
    struct gkv_node_id id;
    uint64_t boot_id;
};

/* Where a node listens, for datagrams and streams alike. Opaque to the core: the shim writes it and
 * reads it. Unused bytes are zero, so that equal addresses are equal memory. */
struct gkv_address {
    uint8_t bytes[GKV_ADDRESS_BYTES_MAX];
    uint8_t count;
};

static inline bool gkv_address_equal(const struct gkv_address *a, const struct gkv_address *b)
{
    return a->count == b->count && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* What people call a node. Not terminated; unused bytes are zero. */
struct gkv_name {
    char bytes[GKV_NAME_BYTES_MAX];
    uint8_t count;
};

#endif
