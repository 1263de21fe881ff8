/* A simulated machine: a clock, an address, and an endpoint that lives, dies and is born again
 * empty.
 *
 * Model     Every life has its own block of memory, taken up front for as many lives as the caller
 *           says. It holds whatever the run before left there, so that what an endpoint did not
 *           write is noise; guards before and after it show whether it wrote past its own.
 * Bounds    GKV_HOST_LIFE_COUNT_MAX lives.
 * Invariant A paused host is up, and no input reaches its endpoint.
 * Not here  Carrying bytes: io_sim/world.c.
 */
#ifndef GKV_IO_SIM_HOST_H
#define GKV_IO_SIM_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/options.h"
#include "io_sim/clock.h"
#include "proto/endpoint.h"

#define GKV_HOST_LIFE_COUNT_MAX 4
#define GKV_HOST_TEXT_BYTES 8 /* with a zero at its end */
#define GKV_HOST_GUARD_BYTES 64
#define GKV_HOST_GUARD_BYTE 0xA5

struct gkv_host {
    uint32_t node;
    uint32_t life_count; /* lives begun */
    uint32_t life_count_max;
    bool is_up;
    struct gkv_sim_clock clock;
    struct gkv_options options;    /* of the next life; boot_id is set at each boot */
    struct gkv_endpoint *endpoint; /* NULL when down */
    size_t endpoint_bytes;
    uint8_t *blocks[GKV_HOST_LIFE_COUNT_MAX]; /* guard, endpoint, guard */
    uint8_t *errand_buffer;    /* of options.value_bytes_max: what a client found by itself */
    uint64_t timer_ns;         /* true time of the TIMER occasion under way; GKV_NEVER: none */
    uint32_t timer_generation; /* older ones are ignored */
    uint64_t paused_until_ns;  /* it handles nothing before; 0: it is not paused */
    uint64_t blocked_until_ns; /* its timers come, but nothing arrives and nothing leaves before */
    uint64_t held_until_ns;    /* until when the last datagrams were held back for it */
    uint32_t held_count;       /* how many of them */
    uint32_t leaving_count;    /* datagrams that leave at blocked_until_ns */
    uint64_t service_ns;       /* every input takes it so long; 0: no time */
    uint64_t busy_until_ns;    /* with an input */
    uint64_t pause_total_ns;   /* of this life, with late timers, and the time that inputs took */
};

/* A struct, so that it can be returned, and be there more than once in one line. */
struct gkv_host_text {
    char text[GKV_HOST_TEXT_BYTES];
};

/* Where node `node` of every world listens, port 7000: 10.0.0.1 .. 10.0.0.250, then 10.0.1.1 and
 * so on. */
struct gkv_address gkv_host_address(uint32_t node);

/* The node at an address, or UINT32_MAX. */
uint32_t gkv_host_of_address(const struct gkv_address *address);

/* What node `node` is called: a, b, c and so on; after z comes A, and after Z, n52. UINT32_MAX,
 * which is no node, is ?. As a text, to be printed: gkv_host_text(node).text. */
struct gkv_name gkv_host_name(uint32_t node);
struct gkv_host_text gkv_host_text(uint32_t node);

/* The node that is called so, or has the id of that name; or UINT32_MAX. */
uint32_t gkv_host_of_text(const char *text);
uint32_t gkv_host_of_id(struct gkv_node_id id);

/* Take memory for life_count_max lives. options: all but name, address, boot_id and seed, which are
 * filled in here. GKV_ERROR_OPTION, GKV_ERROR_MEMORY. */
GKV_MUST_USE enum gkv_error gkv_host_init(struct gkv_host *host, uint32_t node,
                                          const struct gkv_options *options,
                                          uint32_t life_count_max);
void gkv_host_free(struct gkv_host *host);

/* Begin the next life. luck: 64 random bits of this life. */
void gkv_host_boot(struct gkv_host *host, uint64_t time_ns, uint64_t luck);

/* End this life: everything it knew is lost. */
void gkv_host_crash(struct gkv_host *host);

struct gkv_now gkv_host_now(const struct gkv_host *host, uint64_t time_ns);

/* A client in this process carries an operation out in place, if the node lets it: false, and
 * nothing has happened, if not. result_out is what a completion would say; its value is lent until
 * the next call. */
bool gkv_host_run_errand(struct gkv_host *host, struct gkv_now now,
                         const struct gkv_operation *operation, struct gkv_result *result_out);

/* False when a life wrote over the edge of its memory. */
bool gkv_host_is_intact(const struct gkv_host *host);

#endif
