/* Seeds given by name, asked of the system's resolver again and again, away from the node's thread.
 *
 * Model     The core knows a seed as one fixed address, but a name may mean another machine
 *           tomorrow. So a seed that is no numeric address gets an alias, an address of no family
 *           that only the core and this file know; the host translates it when it sends. Asking may
 *           block for seconds, so a thread of its own asks: every second until there is an answer,
 *           then every ten.
 * Bounds    GKV_SEED_COUNT_MAX names; no thread when all seeds are numeric.
 * Invariant An alias never leaves the process.
 */
#ifndef GKV_IO_POSIX_RESOLVER_H
#define GKV_IO_POSIX_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/types.h"

struct gkv_resolver;

/* A resolver of no names yet. NULL: no memory. */
struct gkv_resolver *gkv_resolver_create(void);

/* Before the start: take in a name ("host:port", copied) and make its alias. At most
 * GKV_SEED_COUNT_MAX of them.
 * GKV_ERROR_ADDRESS  too long or not of that form. */
GKV_MUST_USE enum gkv_error gkv_resolver_add(struct gkv_resolver *resolver, const char *name,
                                             struct gkv_address *alias_out);

/* Start asking, if there are names.
 * GKV_ERROR_SYSTEM  no thread. */
GKV_MUST_USE enum gkv_error gkv_resolver_start(struct gkv_resolver *resolver);

bool gkv_resolver_is_alias(const struct gkv_address *address);

/* What an alias means now: true, or false when it is not known (yet) or not one we made. Any
 * thread; never waits for the system's resolver. */
bool gkv_resolver_translate(struct gkv_resolver *resolver, const struct gkv_address *alias,
                            struct gkv_address *address_out);

/* Stop. A question under way cannot be called back: its thread frees the resolver when it is
 * answered. */
void gkv_resolver_release(struct gkv_resolver *resolver);

#endif
