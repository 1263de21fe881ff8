/* INFO: what a node tells its operators, in the sections of Redis and two of our own.
 *
 * Model     A section is a headline and lines of name:number. "gridkv" is about the cluster and the
 *           store; "peers" counts everything that came from other nodes, or from whoever claims to
 *           be one, and each reason for which something was refused or dropped.
 * Bounds    Under GKV_DOOR_ANSWER_BYTES_MAX.
 */
#ifndef GKV_PROTO_DOOR_INFO_H
#define GKV_PROTO_DOOR_INFO_H

#include <stdint.h>

#include "proto/door.h"
#include "proto/door_command.h"
#include "proto/resp.h"

/* INFO [section ...]: the whole reply is written. Sections that do not exist are passed over. */
void gkv_door_info(const struct gkv_door_view *view, const struct gkv_door_words *words,
                   struct gkv_resp_writer *writer);

/* What Redis calls what this node does when its store is full: "noeviction", or the nearest that it
 * has a word for. */
const char *gkv_door_policy_text(const struct gkv_node *node);

/* What a client may count as keys: the values held here, tombstones left out. */
uint64_t gkv_door_key_count(const struct gkv_node *node);

#endif
