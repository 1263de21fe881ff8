/* Addresses between three worlds: texts, the system's sockaddr, and the opaque bytes the core
 * keeps.
 *
 *   struct gkv_address    | family 4 or 6 | 4 or 16 bytes of address | port, big-endian | zero |
 *                         count is 7 or 19
 *
 * Not here  Text of an address, and numeric parsing without the system: proto/address.h.
 */
#ifndef GKV_IO_POSIX_ADDRESS_H
#define GKV_IO_POSIX_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/error.h"
#include "core/types.h"

struct gkv_socket_address {
    struct sockaddr_storage storage;
    socklen_t bytes;
};

enum gkv_resolve_mode {
    GKV_RESOLVE_NUMERIC = 1, /* "127.0.0.1:80", "[::1]:80"; never blocks */
    GKV_RESOLVE_NAME = 2,    /* names too; may block for as long as the system's resolver does */
};

/* Turn "host:port" or "[ipv6]:port" into an address; the first one that a name has.
 * GKV_ERROR_ADDRESS  not of that form, or the name has no address (now); address_out untouched. */
GKV_MUST_USE enum gkv_error gkv_address_resolve(const char *text, enum gkv_resolve_mode mode,
                                                struct gkv_address *address_out);

/* True when text has the form "host:port" with a port of 0 .. 65535. */
bool gkv_address_is_well_formed(const char *text);

/* False when the address is of neither family: it is not one of ours. */
bool gkv_address_to_socket(const struct gkv_address *address,
                           struct gkv_socket_address *socket_out);
bool gkv_address_from_socket(const struct sockaddr_storage *storage,
                             struct gkv_address *address_out);

bool gkv_address_is_loopback(const struct gkv_address *address);

/* 0.0.0.0 or [::]: fit for listening, not for being told to peers. */
bool gkv_address_is_any(const struct gkv_address *address);

uint16_t gkv_address_port(const struct gkv_address *address);
void gkv_address_set_port(struct gkv_address *address, uint16_t port);

#endif
