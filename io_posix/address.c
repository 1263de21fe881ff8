#include "io_posix/address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "core/panic.h"
#include "io_posix/system.h"

#define HOST_BYTES_MAX 255 /* a name of the domain name system is at most this long */
#define PORT_DIGIT_COUNT_MAX 5

struct host_port {
    char host[HOST_BYTES_MAX + 1];
    char port[PORT_DIGIT_COUNT_MAX + 1];
};

static bool copy_port(const char *text, char port_out[PORT_DIGIT_COUNT_MAX + 1])
{
    const size_t count = strlen(text);
    if (count == 0 || count > PORT_DIGIT_COUNT_MAX) {
        return false;
    }
    uint32_t port = 0;
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    memcpy(port_out, text, count + 1);
    return port <= UINT16_MAX;
}

static bool split(const char *text, struct host_port *parts_out)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !copy_port(colon + 1, parts_out->port)) {
        return false;
    }
    const char *first = text;
    const char *end = colon;
    if (*first == '[') {
        if (end - first < 2 || end[-1] != ']') {
            return false;
        }
        first++;
        end--;
    } else if (memchr(first, ':', (size_t)(end - first)) != NULL) {
        return false; /* an IPv6 address without its brackets */
    }
    const size_t count = (size_t)(end - first);
    if (count == 0 || count > HOST_BYTES_MAX) {
        return false;
    }
    memcpy(parts_out->host, first, count);
    parts_out->host[count] = '\0';
    return true;
}

bool gkv_address_is_well_formed(const char *text)
{
    struct host_port parts;
    return split(text, &parts);
}

enum gkv_error gkv_address_resolve(const char *text, enum gkv_resolve_mode mode,
                                   struct gkv_address *address_out)
{
    struct host_port parts;
    if (!split(text, &parts)) {
        return GKV_ERROR_ADDRESS;
    }
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (mode == GKV_RESOLVE_NUMERIC ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *found = NULL;
    int failure = gkv_system->getaddrinfo(parts.host, parts.port, &hints, &found);
    if (failure != 0 && mode == GKV_RESOLVE_NAME && strcmp(parts.host, "localhost") == 0) {
        /* RFC 6761 6.3: loopback everywhere, also where no /etc/hosts says so. */
        failure = gkv_system->getaddrinfo("127.0.0.1", parts.port, &hints, &found);
    }
    if (failure != 0) {
        return GKV_ERROR_ADDRESS;
    }
    bool taken = false;
    for (const struct addrinfo *one = found; one != NULL && !taken; one = one->ai_next) {
        struct sockaddr_storage storage = {0};
        if (one->ai_addrlen <= sizeof(storage)) {
            memcpy(&storage, one->ai_addr, one->ai_addrlen);
            taken = gkv_address_from_socket(&storage, address_out);
        }
    }
    gkv_system->freeaddrinfo(found);
    return taken ? GKV_OK : GKV_ERROR_ADDRESS;
}

bool gkv_address_to_socket(const struct gkv_address *address, struct gkv_socket_address *socket_out)
{
    memset(socket_out, 0, sizeof(*socket_out));
    if (address->count == 7 && address->bytes[0] == 4) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET};
        memcpy(&ipv4.sin_addr, address->bytes + 1, 4);
        memcpy(&ipv4.sin_port, address->bytes + 5, 2);
        memcpy(&socket_out->storage, &ipv4, sizeof(ipv4));
        socket_out->bytes = sizeof(ipv4);
        return true;
    }
    if (address->count == 19 && address->bytes[0] == 6) {
        struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
        memcpy(&ipv6.sin6_addr, address->bytes + 1, 16);
        memcpy(&ipv6.sin6_port, address->bytes + 17, 2);
        memcpy(&socket_out->storage, &ipv6, sizeof(ipv6));
        socket_out->bytes = sizeof(ipv6);
        return true;
    }
    return false;
}

bool gkv_address_from_socket(const struct sockaddr_storage *storage,
                             struct gkv_address *address_out)
{
    struct gkv_address address = {0};
    if (storage->ss_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, storage, sizeof(ipv4));
        address.bytes[0] = 4;
        memcpy(address.bytes + 1, &ipv4.sin_addr, 4);
        memcpy(address.bytes + 5, &ipv4.sin_port, 2);
        address.count = 7;
    } else if (storage->ss_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, storage, sizeof(ipv6));
        address.bytes[0] = 6;
        memcpy(address.bytes + 1, &ipv6.sin6_addr, 16);
        memcpy(address.bytes + 17, &ipv6.sin6_port, 2);
        address.count = 19;
    } else {
        return false;
    }
    *address_out = address;
    return true;
}

bool gkv_address_is_loopback(const struct gkv_address *address)
{
    static const uint8_t ipv6_loopback[16] = {[15] = 1};
    if (address->bytes[0] == 4) {
        return address->bytes[1] == 127;
    }
    return address->bytes[0] == 6 && memcmp(address->bytes + 1, ipv6_loopback, 16) == 0;
}

bool gkv_address_is_any(const struct gkv_address *address)
{
    static const uint8_t zeros[16] = {0};
    const size_t count = address->bytes[0] == 4 ? 4 : 16;
    return memcmp(address->bytes + 1, zeros, count) == 0;
}

uint16_t gkv_address_port(const struct gkv_address *address)
{
    GKV_ASSERT(address->count == 7 || address->count == 19);
    const uint8_t *port = address->bytes + address->count - 2;
    return (uint16_t)(port[0] << 8 | port[1]);
}

void gkv_address_set_port(struct gkv_address *address, uint16_t port)
{
    GKV_ASSERT(address->count == 7 || address->count == 19);
    uint8_t *bytes = address->bytes + address->count - 2;
    bytes[0] = (uint8_t)(port >> 8);
    bytes[1] = (uint8_t)port;
}
