#include "sim_posix/node.h"

#include "core/panic.h"
#include "io_posix/resolver.h"
#include "io_posix/socket.h"
#include "io_posix/udp.h"

struct gkv_address gkv_posix_node_address(uint32_t process, uint32_t port)
{
    return (struct gkv_address){
        .bytes = {4, 10, 0, 0, (uint8_t)(process + 1), (uint8_t)(port >> 8), (uint8_t)port},
        .count = 7,
    };
}

/* The sockets that gridkv_open would make. */
static enum gkv_error open_sockets(uint32_t process, struct gkv_host_parts *parts)
{
    const struct gkv_address peers = gkv_posix_node_address(process, GKV_POSIX_PEER_PORT);
    const struct gkv_address clients = gkv_posix_node_address(process, GKV_POSIX_CLIENT_PORT);
    struct gkv_address bound;
    enum gkv_error error = gkv_socket_listen(&peers, &parts->peer_fd, &bound);
    if (error == GKV_OK) {
        error = gkv_udp_open(&peers, &parts->datagram_fd);
    }
    if (error == GKV_OK) {
        error = gkv_socket_listen(&clients, &parts->client_fd, &bound);
    }
    return error;
}

static void close_sockets(const struct gkv_host_parts *parts)
{
    const int fds[] = {parts->peer_fd, parts->datagram_fd, parts->client_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            gkv_socket_close(fds[i]);
        }
    }
}

static void run(void *argument)
{
    gkv_host_run(argument);
}

static void check_nothing_open(const struct gkv_posix_node *node, const char *when)
{
    const uint32_t count = node->kernel->processes[node->process].open_count;
    if (count > 0) {
        gkv_kernel_fail(node->kernel, "leak", "node %u has %u descriptors open %s", node->process,
                        count, when);
    }
}

bool gkv_posix_node_start(struct gkv_posix_node *node, const struct gkv_options *options)
{
    GKV_ASSERT(node->host == NULL);
    gkv_kernel_act_as(node->kernel, node->process);
    struct gkv_host_parts parts = {
        .options = *options, .peer_fd = -1, .datagram_fd = -1, .client_fd = -1};
    if (open_sockets(node->process, &parts) != GKV_OK) {
        close_sockets(&parts);
        check_nothing_open(node, "after sockets that were refused");
        return false;
    }
    parts.resolver = gkv_resolver_create();
    GKV_ASSERT(parts.resolver != NULL);
    if (gkv_host_create(&parts, &node->host) != GKV_OK) {
        check_nothing_open(node, "after a start that was refused");
        return false;
    }
    const bool is_spawned = gkv_kernel_spawn(node->kernel, node->process, run, node->host);
    GKV_ASSERT(is_spawned);
    node->life++;
    node->is_leaving = false;
    return true;
}

static void bury(struct gkv_posix_node *node)
{
    gkv_kernel_act_as(node->kernel, node->process);
    gkv_host_destroy(node->host);
    node->host = NULL;
    check_nothing_open(node, "after its end");
    gkv_kernel_bury(node->kernel, node->process);
}

void gkv_posix_node_kill(struct gkv_posix_node *node)
{
    gkv_kernel_kill(node->kernel, node->process);
    bury(node);
}

void gkv_posix_node_ask_to_stop(struct gkv_posix_node *node)
{
    gkv_kernel_act_as(node->kernel, node->process);
    gkv_host_ask_to_stop(node->host);
    node->is_leaving = true;
}

bool gkv_posix_node_try_bury(struct gkv_posix_node *node)
{
    if (!node->is_leaving || node->kernel->processes[node->process].state != GKV_KERNEL_OVER) {
        return false;
    }
    bury(node);
    node->is_leaving = false;
    return true;
}
