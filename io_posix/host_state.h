/* What a host is made of; private to io_posix/host*.c.
 *
 * Threads   The first part is the node's thread's own; the second is shared.
 */
#ifndef GKV_IO_POSIX_HOST_STATE_H
#define GKV_IO_POSIX_HOST_STATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/inplace.h"
#include "io_posix/errand.h"
#include "io_posix/host.h"
#include "io_posix/loop.h"
#include "io_posix/mailbox.h"
#include "io_posix/resolver.h"
#include "io_posix/resp.h"
#include "io_posix/spin.h"
#include "io_posix/tcp.h"
#include "proto/bounds.h"
#include "proto/endpoint.h"

struct gkv_host {
    /* The node's thread's own. */
    struct gkv_endpoint *endpoint;
    void *endpoint_memory;
    size_t endpoint_bytes;
    struct gkv_loop loop; /* others may wake it */
    struct gkv_spin spin;
    /* The last turn ended something for another thread, which may need our processor. */
    bool was_busy;
    struct gkv_tcp tcp;
    struct gkv_resp_listener clients;
    struct gkv_endpoint_stats endpoint_stats; /* for clients to look at */
    struct gkv_watch datagram;
    struct gkv_watch peer_listener;
    struct gkv_resolver *resolver;
    gkv_host_member_fn on_member; /* NULL: nobody wants to know */
    void *member_context;
    gkv_host_batch_fn on_batch; /* NULL: nobody wants to know */
    void *batch_context;
    struct gkv_stream *failed; /* dials that failed at once, to be told after the outputs */
    uint32_t failed_count;
    uint64_t accept_again_ns; /* no descriptors were left; GKV_NEVER: listening */
    uint64_t publish_ns;      /* when the figures are to be published next; GKV_NEVER: no news */
    uint64_t published_ns;
    uint64_t datagram_dropped_count;
    uint64_t huge_page_bytes;
    uint8_t datagram_buffer[GKV_DATAGRAM_BYTES_MAX + 1];
    bool has_work;  /* something was left undone for the sake of the others: do not sleep */
    bool has_batch; /* requests were done in this turn */
    bool has_news;  /* the endpoint took an input since the figures were published */

    /* Shared. */
    struct gkv_mailbox mailbox;
    pthread_mutex_t figures_mutex;
    pthread_cond_t ready_condition;
    struct gkv_host_figures figures; /* under figures_mutex */
    atomic_bool is_ready;            /* written under figures_mutex */
    _Atomic uint64_t turned_ns;
    pthread_t thread;
    struct gkv_errands errands; /* is_stopping is written under figures_mutex; the rest at start */
};

#endif
