/* What owners answered lately for keys that we do not own, so that they need not be asked again at
 * once. At level EVENTUAL alone, and where options.hot_cache_size is not 0.
 *
 * Model     A get of a key owned elsewhere whose answer is fresh is answered with it: with what was
 *           decided for an earlier get through this node that asked the owners no longer than
 *           hot_read_cache_ttl_ms ago. An answer's time begins when the owners were asked, not
 *           when it came. Besides answers there are bars: of a key that was written through this
 *           node, the version, so that an answer that is older, and was on its way then, is not
 *           kept. Both are entries of one ring, oldest first: all last for one ttl, so that the
 *           oldest is the next to be over, and the one to go when there is no room.
 *
 *             ring     | oldest ... newest |    added_ns, fresh_ns, version, cell, next
 *             heads    first entry of those whose keys have a hash in common
 *             cells    key and value (core/cells.h)
 *
 * Bounds    options.hot_cache_size bytes of options.memory_limit_bytes, laid out once: an entry for
 *           each 256 of them, the rest cells. Full: the oldest goes. An answer that takes over a
 *           quarter of the cells is not kept. O(1) but for the bytes, and for entries that go: all
 *           of them when the ring changes.
 * Invariant No answer is given that was asked for ttl ago or longer, before the last write of its
 *           key through this node was acknowledged (unless it is not older than that), or before
 *           the ring changed last. When a bar goes for want of room, nothing that was asked for
 *           before it came is kept any more.
 * Not here  Keys that we own: the store. Whether a key is ours, and asking: core/quorum.c.
 */
#ifndef GKV_CORE_HOTCACHE_H
#define GKV_CORE_HOTCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cells.h"
#include "core/message.h"
#include "core/step.h"

struct gkv_hotcache {
    ptrdiff_t entry_offset;
    ptrdiff_t head_offset;
    struct gkv_cells cells;
    uint32_t entry_count; /* places of the ring; 0: the cache is off */
    uint32_t head_count;  /* a power of two */
    uint32_t first;       /* the oldest */
    uint32_t count;       /* places in use, also by entries that were dropped */
    uint64_t ttl_ns;
    uint64_t ring_epoch;
    uint64_t barred_ns; /* what was asked for until then is not kept */
    uint64_t hit_count; /* gets that were answered, ever */
};

void gkv_hotcache_init(struct gkv_hotcache *cache, struct gkv_arena *arena,
                       const struct gkv_options *options);

static inline bool gkv_hotcache_is_on(const struct gkv_hotcache *cache)
{
    return cache->entry_count > 0;
}

/* The answer for a key, if there is a fresh one: record_out is filled as by gkv_replica_read; its
 * version is none when nothing was known of the key. The value is lent from scratch. */
bool gkv_hotcache_get(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                      struct gkv_record *record_out);

/* Owners that were asked at asked_ns answered this. Copied. */
void gkv_hotcache_keep(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                       const struct gkv_record *record, uint64_t asked_ns);

/* This version is held by owners: no older answer that was asked for until now is given again. */
void gkv_hotcache_bar(struct gkv_hotcache *cache, const struct gkv_step *step, struct gkv_key key,
                      struct gkv_version version);

#endif
