/* The simulator's own way to make a value smaller (core/packer.h).
 *
 * Model     A value says which deed wrote it, and all else follows (sim/history.h): it is packed as
 *           that number and its size, and written out again from these. So the same run packs
 *           alike with every compiler, whatever libraries there are; and a value that was cut,
 *           mixed with another, or made whole from what is none, differs from what was written.
 * Bounds    Eight bytes. What is no value of the simulator's is not packed.
 */
#ifndef GKV_SIM_SHORTHAND_H
#define GKV_SIM_SHORTHAND_H

#include "core/packer.h"

struct gkv_packer gkv_shorthand_packer(void);

#endif
