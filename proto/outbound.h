/* How an endpoint speaks: dialling, backing off, and putting messages into rings and datagrams.
 *
 * Not here  The states and their moves: proto/endpoint.h. Listening: proto/endpoint.c.
 */
#ifndef GKV_PROTO_OUTBOUND_H
#define GKV_PROTO_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/message.h"
#include "core/types.h"
#include "proto/endpoint.h"
#include "proto/stream.h"

/* Queue a stream, once: a dialled one to be sent, an accepted one to be parsed. */
void gkv_outbound_enqueue(struct gkv_endpoint *endpoint, uint32_t index);

/* A DIALLING or NEW place must have got further in limit_ms from now. */
void gkv_outbound_set_limit(struct gkv_endpoint *endpoint, struct gkv_stream_place *place,
                            uint64_t limit_ms);

/* Have the shim close the stream at a place, by the handle that it has now. */
void gkv_outbound_tell_to_close(struct gkv_endpoint *endpoint, uint32_t index);

/* A dialled stream is over. Backoff doubles until a stream has lasted; half of it is random, so
 * that a restarted node is not dialled by everybody at once. */
void gkv_outbound_fail(struct gkv_endpoint *endpoint, uint32_t index);

/* Put a message into the ring of the stream to an address, dialling if need be; or drop it,
 * counted. */
void gkv_outbound_send(struct gkv_endpoint *endpoint, const struct gkv_address *address,
                       const struct gkv_message *message);

/* Make a datagram of a message: true and the output, or false when it is too long (counted). */
bool gkv_outbound_send_datagram(struct gkv_endpoint *endpoint, const struct gkv_address *address,
                                const struct gkv_message *message, struct gkv_output *output_out);

#endif
