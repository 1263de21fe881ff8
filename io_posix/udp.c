#include "io_posix/udp.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io_posix/address.h"
#include "io_posix/socket.h"

#define PENDING_ERROR_COUNT_MAX 64

enum gkv_error gkv_udp_open(const struct gkv_address *address, int *fd_out)
{
    struct gkv_socket_address name;
    if (!gkv_address_to_socket(address, &name)) {
        return GKV_ERROR_ADDRESS;
    }
    const int fd = gkv_socket_open(name.storage.ss_family, SOCK_DGRAM);
    if (fd < 0) {
        return GKV_ERROR_SYSTEM;
    }
    /* No SO_REUSEADDR: for datagrams it would let a second process steal them. */
    if (bind(fd, (const struct sockaddr *)&name.storage, name.bytes) != 0) {
        const enum gkv_error error = gkv_socket_bind_error(errno);
        (void)close(fd);
        return error;
    }
    *fd_out = fd;
    return GKV_OK;
}

bool gkv_udp_receive(int fd, uint8_t *buffer, size_t room, struct gkv_address *source_out,
                     size_t *count_out)
{
    for (int i = 0; i < PENDING_ERROR_COUNT_MAX; i++) {
        struct sockaddr_storage source = {0};
        socklen_t source_bytes = sizeof(source);
        const ssize_t count =
            recvfrom(fd, buffer, room, 0, (struct sockaddr *)&source, &source_bytes);
        if (count >= 0 && gkv_address_from_socket(&source, source_out)) {
            *count_out = (size_t)count;
            return true;
        }
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return false;
        }
    }
    return false;
}

bool gkv_udp_send(int fd, const struct gkv_address *address, struct gkv_bytes bytes)
{
    struct gkv_socket_address name;
    if (!gkv_address_to_socket(address, &name)) {
        return false;
    }
    return sendto(fd, bytes.data, bytes.count, 0, (const struct sockaddr *)&name.storage,
                  name.bytes) >= 0;
}
