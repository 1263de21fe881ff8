/* The datagram socket: gossip comes and goes, and may be lost. */
#ifndef GKV_IO_POSIX_UDP_H
#define GKV_IO_POSIX_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/types.h"

/* GKV_ERROR_ADDRESS_IN_USE, ADDRESS, SYSTEM. */
GKV_MUST_USE enum gkv_error gkv_udp_open(const struct gkv_address *address, int *fd_out);

/* Take one datagram, at most room bytes of it: true, or false when there is none now. An error that
 * belongs to one we sent earlier (nobody listens there) is passed over. */
bool gkv_udp_receive(int fd, uint8_t *buffer, size_t room, struct gkv_address *source_out,
                     size_t *count_out);

/* True when the system took it; false, and it is lost, when it did not. Never blocks. */
bool gkv_udp_send(int fd, const struct gkv_address *address, struct gkv_bytes bytes);

#endif
