/* Making room of many small pieces: empty a page that is hardly used.
 *
 * Model     What lives in the sparsest of some pages moves to other pages of its size, one unit at
 *           a time, each under the lock of the bucket that names it. Units that nobody names yet,
 *           or any more, stay; then the page is not free this time.
 * Bounds    At most 512 units, 16 KiB of copies, per call.
 * Threads   Any; one at a time finds a page to gather. The caller holds no bucket's lock.
 */
#ifndef GKV_CORE_GATHER_H
#define GKV_CORE_GATHER_H

#include "core/index.h"

/* True when a page has become free. When memory is short, units of other sizes serve as well. */
bool gkv_gather(struct gkv_index *index, bool is_short);

#endif
