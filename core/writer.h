/* Who wrote a version: 64 bits that name one life of one node.
 *
 * Bounds    One hash of 32 bytes; who writes often keeps it.
 */
#ifndef GKV_CORE_WRITER_H
#define GKV_CORE_WRITER_H

#include "core/types.h"

/* This life of a node; or, with a handle other than 0, one attempt of it. The boot is the one that
 * it was started with: the one that it goes by in the cluster may have been chosen to overrule
 * another (core/swim.c), and a namesake or a later life may choose the same. */
uint64_t gkv_writer_of(struct gkv_identity started, uint64_t handle);

#endif
