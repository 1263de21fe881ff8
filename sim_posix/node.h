/* A host of io_posix as a process of the made-up kernel. */
#ifndef GKV_SIM_POSIX_NODE_H
#define GKV_SIM_POSIX_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "io_posix/host.h"
#include "sim_posix/kernel.h"

#define GKV_POSIX_NODE_COUNT 3
#define GKV_POSIX_PEER_PORT 7000
#define GKV_POSIX_CLIENT_PORT 6379

struct gkv_posix_node {
    struct gkv_kernel *kernel;
    uint32_t process;
    uint32_t life;         /* how often it was started */
    struct gkv_host *host; /* NULL: down */
    bool is_leaving;
};

/* Start it: sockets, host, process. False, and nothing of it is left: the kernel refused. */
bool gkv_posix_node_start(struct gkv_posix_node *node, const struct gkv_options *options);

/* End it as by SIGKILL. */
void gkv_posix_node_kill(struct gkv_posix_node *node);

/* Ask it to stop; it is over some time later. */
void gkv_posix_node_ask_to_stop(struct gkv_posix_node *node);

/* Was it asked to, and is it over? Then it is unmade, and down. */
bool gkv_posix_node_try_bury(struct gkv_posix_node *node);

/* The address of a node. */
struct gkv_address gkv_posix_node_address(uint32_t process, uint32_t port);

#endif
