/* The addresses of the real world as text and as the core's opaque bytes.
 *
 *   | family u8: 4 or 6 | 4 or 16 address bytes | port u16, big-endian |     7 or 19 bytes
 *
 * Bounds    No allocation. O(1).
 * Not here  Names: io_posix resolves those. Zones of link-local addresses ("%eth0"): refused.
 */
#ifndef GKV_PROTO_ADDRESS_H
#define GKV_PROTO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/types.h"

#define GKV_ADDRESS_TEXT_BYTES 64 /* the longest text and its terminator */

/* Fill text_out with "127.0.0.1:7101" or "[::1]:7101" (lower case, RFC 5952), terminated; an
 * address of any other shape becomes "0x" and its bytes in hexadecimal. Returns the length
 * without terminator. */
size_t gkv_address_text(const struct gkv_address *address, char text_out[GKV_ADDRESS_TEXT_BYTES]);

/* Read what gkv_address_text writes for the two families: "1.2.3.4:port" or "[ipv6]:port", port 0
 * .. 65535. False, and address_out untouched, for anything else (a name, for one). */
bool gkv_address_parse_numeric(const char *text, size_t text_bytes,
                               struct gkv_address *address_out);

#endif
