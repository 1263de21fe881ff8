/* One client's conversation in RESP (the Redis protocol), without its socket: bytes in, operations
 * out, results in, replies out in the order of the commands.
 *
 * Model     RESP2 and RESP3 (after HELLO 3), inline commands, pipelining. Up to GKV_DOOR_WINDOW
 *           operations of a connection are under way at once; one whose key is touched by an
 *           earlier one that is not over waits for it (two reads may overlap), so that a pipeline
 *           reads its own writes. Commands without operations wait until every reply before
 *           theirs is written. SET NX/XX/KEEPTTL, SETNX and DEL's count are a get followed by a
 *           write: not atomic between clients. MSET is several sets: not atomic. DBSIZE and INFO
 *           speak of what this node holds.
 *
 *           What the node may do in place (core/inplace.h) is done at once, in its turn, and is no
 *           operation for the shim (proto/door_inplace.h).
 *
 *           A result that comes before its turn is kept in a pool of GKV_DOOR_POOL_BYTES; a value
 *           that does not fit there is forgotten and read again when its turn has come, with room
 *           for the largest value reserved. Reads are held back so that this stays rare.
 *
 *           The shim, after each gkv_door_on_received, _on_result and _sent:
 *             while (gkv_door_next_operation(door, view, now, &operation)) { submit it }
 *             send gkv_door_pending; read while gkv_door_receive_buffer gives room
 *             come again, without being told to, if gkv_door_has_paused
 * Bounds    gkv_door_memory_bytes, whatever the client does: a command with its framing takes at
 *           most the largest value, the longest key and 64 KiB; replies that are not fetched stop
 *           the parsing. One call of gkv_door_next_operation goes over at most
 *           GKV_DOOR_BURST_COUNT_MAX commands and keys. A command is refused by a protocol
 *           error as soon as its announced lengths pass a limit. Protocol errors answer
 *           -ERR Protocol error: ... and close, as Redis does; so do the first words of HTTP, POST
 *           and Host:, without an answer.
 * Invariant The replies depend on the bytes and the results alone: not on how the bytes were
 *           split, nor on the order in which operations end.
 * Not here  Sockets (io_posix/resp.c), the grammar (proto/resp.h), what commands mean
 *           (proto/door_command.h), commands without operations (proto/door_answer.h).
 */
#ifndef GKV_PROTO_DOOR_H
#define GKV_PROTO_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/event.h"
#include "core/inplace.h"
#include "core/node.h"
#include "core/types.h"
#include "proto/endpoint.h"

#define GKV_DOOR_WINDOW 128              /* operations of one connection under way */
#define GKV_DOOR_INLINE_BYTES_MAX 65536  /* one inline command, or the header line of a bulk */
#define GKV_DOOR_ARGUMENT_COUNT_MAX 1024 /* of one command; more: protocol error */
#define GKV_DOOR_POOL_BYTES \
    (512 * 1024)                     /* results before their turn, keys of what may be read again */
#define GKV_DOOR_BACKLOG_BYTES 65536 /* replies waiting to be sent while parsing goes on */
#define GKV_DOOR_BURST_COUNT_MAX 256 /* commands, and keys in place, in one go */

struct gkv_door;

/* What the shim knows of all clients. */
struct gkv_door_clients {
    uint32_t connected_count;
    uint32_t connected_count_max;
    uint64_t accepted_count;       /* ever */
    uint64_t refused_count;        /* no place was left */
    uint64_t protocol_error_count; /* closed for what they sent */
    uint64_t inplace_count;        /* operations that doors did by themselves */
};

/* What a door may look at for its answers. */
struct gkv_door_view {
    struct gkv_node *node;
    const struct gkv_commons *commons; /* the node's; NULL: every operation is for the shim */
    const struct gkv_endpoint_stats *peers;
    uint64_t datagram_dropped_count; /* by the system, on the way out */
    struct gkv_door_clients clients;
};

/* Memory of one door for values up to value_bytes_max: about twice that and 1.1 MiB, of which a
 * client with small values touches a few pages. */
size_t gkv_door_memory_bytes(uint32_t value_bytes_max);

/* memory: gkv_door_memory_bytes bytes, aligned to GKV_ARENA_ALIGN; need not be zero.
 * value_bytes_max: the node's options.value_bytes_max. connection_id: for CLIENT ID and HELLO. */
struct gkv_door *gkv_door_init(void *memory, uint32_t value_bytes_max, uint64_t connection_id);

/* Where to receive the client's next bytes. 0 room: replies or operations must drain first; stop
 * reading. Lent until the next call on the door. */
uint8_t *gkv_door_receive_buffer(struct gkv_door *door, size_t *room_out);
void gkv_door_on_received(struct gkv_door *door, size_t count);

/* Go on with what was received: true and an operation to submit (cookie counts up from 0
 * and stays below 2^54; give it back to gkv_door_on_result), or false when nothing more can be
 * done now, or gkv_door_has_paused. Commands that need no operation are answered on the way, from
 * what `view` shows (it is borrowed), and operations in place are done. The operation is lent until
 * the next call on the door; its key and value are within the core's limits. */
bool gkv_door_next_operation(struct gkv_door *door, const struct gkv_door_view *view,
                             struct gkv_now now, struct gkv_operation *operation_out);

/* True when the last gkv_door_next_operation stopped although it could have gone on: so that the
 * shim can look after others. Call it again. */
bool gkv_door_has_paused(const struct gkv_door *door);

/* How many operations were done in place since this was last called. */
uint64_t gkv_door_take_inplace_count(struct gkv_door *door);

/* An operation is over; result is borrowed. now: for TTL answers. */
void gkv_door_on_result(struct gkv_door *door, struct gkv_now now, const struct gkv_result *result);

/* Replies that wait to be sent; lent until the next call on the door. */
struct gkv_bytes gkv_door_pending(const struct gkv_door *door);
void gkv_door_sent(struct gkv_door *door, size_t count);

/* True when the connection is to be closed once nothing is pending (QUIT, protocol error). */
bool gkv_door_is_closing(const struct gkv_door *door);

/* True when it is closing because of what the client sent. */
bool gkv_door_has_protocol_error(const struct gkv_door *door);

/* Operations submitted and not over: the door's memory must stay until this is 0, even when the
 * client has gone. */
uint32_t gkv_door_open_count(const struct gkv_door *door);

#endif
