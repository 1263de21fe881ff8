/* LZ4, as the core takes it (core/packer.h), where the build found it.
 *
 * Model     The block format of liblz4, packed by its fastest mode and made whole by the decoder
 *           that is told both sizes: it reads and writes nothing beyond them.
 * Bounds    Packing takes 16 KiB of stack.
 */
#ifndef GKV_IO_POSIX_PACKER_H
#define GKV_IO_POSIX_PACKER_H

#include "core/packer.h"

/* No codec when this build has none. */
struct gkv_packer gkv_packer_lz4(void);

#endif
