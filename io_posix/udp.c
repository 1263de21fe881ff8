#include "io_posix/udp.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "io_posix/address.h"
#include "io_posix/socket.h"
#include "io_posix/system.h"

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
    if (gkv_system->bind(fd, (const struct sockaddr *)&name.storage, name.bytes) != 0) {
        const enum gkv_error error = gkv_socket_bind_error(errno);
        gkv_socket_close(fd);
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
        struct iovec vector = {.iov_base = buffer, .iov_len = room};
        struct msghdr message = {.msg_name = &source,
                                 .msg_namelen = sizeof(source),
                                 .msg_iov = &vector,
                                 .msg_iovlen = 1};
        const ssize_t count = gkv_system->recvmsg(fd, &message, 0);
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
    /* iovec has no const form; sending does not write. */
    struct iovec vector = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.count};
    const struct msghdr message = {
        .msg_name = &name.storage, .msg_namelen = name.bytes, .msg_iov = &vector, .msg_iovlen = 1};
    return gkv_system->sendmsg(fd, &message, 0) >= 0;
}
