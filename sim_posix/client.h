/* A client of a node's RESP listener: commands out, in pipelines; replies in, in their order.
 *
 *   AWAY -> TALKING [connects] -> AWAY [the connection is over, or it has had enough]
 *
 * Model     What it asked when the connection ends is in doubt. It connects to a node drawn at
 *           random, gives up after GKV_CLIENT_PATIENCE_NS, and leaves in all the ways there are: in
 *           the middle of a reply, or by ending its own direction and reading on.
 */
#ifndef GKV_SIM_POSIX_CLIENT_H
#define GKV_SIM_POSIX_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_posix/deeds.h"

#define GKV_CLIENT_PATIENCE_NS (8000 * GKV_NS_PER_MS)
#define GKV_CLIENT_PIPELINE_COUNT_MAX 4

struct gkv_posix_client {
    struct gkv_deeds *deeds;
    uint32_t process; /* whose descriptors it uses */
    int fd;           /* -1: AWAY */
    uint32_t node;
    bool has_ended;   /* its own direction */
    bool is_quiet;    /* it asks no more, and leaves when all is answered */
    bool is_owed;     /* nothing went wrong since it came: every reply is due */
    uint64_t kind_ns; /* who comes from then on is owed; GKV_NEVER while things go wrong */
    uint64_t again_ns;
    uint64_t asked_ns;
    uint32_t asked[GKV_CLIENT_PIPELINE_COUNT_MAX];
    uint32_t asked_count;
    uint32_t out_count;
    uint32_t out_sent;
    uint32_t in_count;
    uint8_t out[GKV_CLIENT_PIPELINE_COUNT_MAX * (GKV_DEED_VALUE_BYTES_MAX + 128)];
    uint8_t in[GKV_DEED_VALUE_BYTES_MAX + 256];
    uint8_t value[GKV_DEED_VALUE_BYTES_MAX];
};

void gkv_posix_client_init(struct gkv_posix_client *client, struct gkv_deeds *deeds,
                           uint32_t process);

/* Do what can be done now. node_count: of those it may connect to. */
void gkv_posix_client_step(struct gkv_posix_client *client, uint32_t node_count, uint32_t port);

/* Close its connection, if it has one. */
void gkv_posix_client_leave(struct gkv_posix_client *client);

#endif
