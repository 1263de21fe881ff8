#include "io_posix/gridkv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/panic.h"
#include "io_posix/address.h"
#include "io_posix/bulletin.h"
#include "io_posix/clock.h"
#include "io_posix/entropy.h"
#include "io_posix/errand.h"
#include "io_posix/handle.h"
#include "io_posix/host.h"
#include "io_posix/packer.h"
#include "io_posix/socket.h"
#include "io_posix/tuning.h"
#include "io_posix/udp.h"
#include "proto/address.h"

#define BIND_TRY_COUNT 16 /* for a port that is free for TCP and UDP alike */
#define HASH_SEED_CLUSTER 0
#define HASH_SEED_RING 1
#define SPIN_US 50
#define RECORDS_IN_FLIGHT 16 /* of the largest size, at least */

_Static_assert((int)GRIDKV_LEVEL_EVENTUAL == (int)GKV_LEVEL_EVENTUAL, "one number per level");
_Static_assert((int)GRIDKV_LEVEL_QUORUM == (int)GKV_LEVEL_QUORUM, "one number per level");
_Static_assert(GRIDKV_SEED_COUNT_MAX == GKV_SEED_COUNT_MAX, "as many seeds as the core takes");

void gridkv_options_init(struct gridkv_options *options)
{
    if (options == NULL) {
        return;
    }
    struct gkv_options core;
    gkv_options_init(&core);
    *options = (struct gridkv_options){
        .struct_bytes = sizeof(*options),
        .cluster_name = "gridkv",
        .listen_address = "127.0.0.1:0",
        .level = (enum gridkv_level)core.level,
        .replica_count = core.replica_count,
        .write_quorum = core.write_quorum,
        .read_quorum = core.read_quorum,
        .memory_limit_bytes = core.memory_limit_bytes,
        .memory_policy = (enum gridkv_memory_policy)core.memory_policy,
        .value_bytes_max = core.value_bytes_max,
        .member_count_max = core.member_count_max,
        .profile = GRIDKV_PROFILE_LAN,
        .bootstrap_expect = core.bootstrap_expect,
        .value_compress_bytes = core.value_compress_bytes,
    };
}

/* ---- Opening: options to parts ------------------------------------------------------ */

/* What gridkv_open gathers, step by step. */
struct opening {
    struct gridkv_options
        options; /* a copy, with fields that the caller's version lacks at default */
    struct gkv_host_parts parts;
    struct gkv_address bound;
    struct gkv_address resp_bound;
    char *reason;
    size_t reason_bytes;
};

__attribute__((format(printf, 3, 4))) static enum gkv_error refuse(struct opening *opening,
                                                                   enum gkv_error error,
                                                                   const char *format, ...)
{
    if (opening->reason != NULL && opening->reason_bytes > 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(opening->reason, opening->reason_bytes, format, arguments);
        va_end(arguments);
    }
    return error;
}

static enum gkv_error take_options(struct opening *opening, const struct gridkv_options *options)
{
    if (options == NULL || options->struct_bytes < offsetof(struct gridkv_options, node_name) ||
        options->struct_bytes > sizeof(*options)) {
        return refuse(opening, GKV_ERROR_OPTION,
                      "options are not initialised, or of a newer gridkv.h than this library: call "
                      "gridkv_options_init first");
    }
    gridkv_options_init(&opening->options);
    memcpy(&opening->options, options, options->struct_bytes);
    return GKV_OK;
}

static enum gkv_error take_names(struct opening *opening)
{
    const struct gridkv_options *options = &opening->options;
    struct gkv_options *core = &opening->parts.options;
    const char *name = options->node_name;
    if (name == NULL || name[0] == '\0') {
        return refuse(opening, GKV_ERROR_OPTION,
                      "node_name is missing: give each node a name that is unique in its cluster");
    }
    if (gkv_name_from_text(name, strlen(name), &core->name) != GKV_OK) {
        return refuse(opening, GKV_ERROR_OPTION,
                      "node_name has %zu bytes: shorten it to at most %d", strlen(name),
                      GKV_NAME_BYTES_MAX);
    }
    const char *cluster = options->cluster_name;
    if (cluster == NULL || cluster[0] == '\0') {
        return refuse(opening, GKV_ERROR_OPTION,
                      "cluster_name is empty: give all nodes of the cluster the same name");
    }
    core->cluster_hash = gkv_hash(cluster, strlen(cluster), HASH_SEED_CLUSTER);
    if (core->cluster_hash == 0) {
        core->cluster_hash = 1; /* 0 means "none" on the wire */
    }
    core->hash_seed = gkv_hash(cluster, strlen(cluster), HASH_SEED_RING);
    return GKV_OK;
}

/* The core refuses the rest, and says why. */
static enum gkv_error take_numbers(struct opening *opening)
{
    const struct gridkv_options *options = &opening->options;
    struct gkv_options *core = &opening->parts.options;
    core->level = (enum gkv_level)options->level;
    core->replica_count = options->replica_count;
    core->write_quorum = options->write_quorum;
    core->read_quorum = options->read_quorum;
    core->memory_limit_bytes = options->memory_limit_bytes;
    core->memory_policy = (enum gkv_memory_policy)options->memory_policy;
    core->value_bytes_max = options->value_bytes_max;
    core->member_count_max = options->member_count_max;
    core->bootstrap_expect = options->bootstrap_expect;
    core->value_compress_bytes = options->value_compress_bytes;
    core->packer = gkv_packer_lz4();
    core->hot_cache_size = options->hot_cache_size;
    if (options->hot_read_cache_ttl_ms != 0) {
        core->hot_read_cache_ttl_ms = options->hot_read_cache_ttl_ms;
    }
    if (core->value_compress_bytes > 0 && core->packer.pack == NULL) {
        return refuse(opening, GKV_ERROR_OPTION,
                      "value_compress_bytes must be 0: this library was built without liblz4");
    }
    if (options->profile < GRIDKV_PROFILE_LAN || options->profile > GRIDKV_PROFILE_WAN) {
        return refuse(opening, GKV_ERROR_OPTION, "profile must be LAN, STABLE or WAN");
    }
    gkv_options_profile(core, (enum gkv_options_profile)options->profile);
    gkv_tuning_take(core, options);
    const uint64_t room =
        RECORDS_IN_FLIGHT * ((uint64_t)GKV_KEY_BYTES_MAX + options->value_bytes_max);
    if (room > core->operation_memory_bytes) {
        core->operation_memory_bytes = room;
    }
    const uint64_t random_bits = gkv_entropy_u64() & 0xFFFFu;
    core->boot_id = gkv_clock_now().wall_ms << 16 | random_bits;
    core->seed[0] = gkv_entropy_u64();
    core->seed[1] = gkv_entropy_u64();
    return GKV_OK;
}

static enum gkv_error take_seeds(struct opening *opening)
{
    const struct gridkv_options *options = &opening->options;
    struct gkv_options *core = &opening->parts.options;
    if (options->seed_count > GRIDKV_SEED_COUNT_MAX) {
        return refuse(opening, GKV_ERROR_OPTION, "seed_count is %u: name at most %d seeds",
                      options->seed_count, GRIDKV_SEED_COUNT_MAX);
    }
    for (uint32_t i = 0; i < options->seed_count; i++) {
        const char *text = options->seed_addresses[i];
        enum gkv_error error = GKV_ERROR_ADDRESS;
        if (text != NULL) {
            error = gkv_address_resolve(text, GKV_RESOLVE_NUMERIC, &core->seeds[i]);
        }
        if (text != NULL && error != GKV_OK) {
            error = gkv_resolver_add(opening->parts.resolver, text, &core->seeds[i]);
        }
        if (error != GKV_OK) {
            return refuse(opening, error, "seed address \"%s\" is not of the form host:port",
                          text == NULL ? "" : text);
        }
    }
    core->seed_count = options->seed_count;
    return GKV_OK;
}

/* Resolve an address to listen on, and refuse what would let strangers in. */
static enum gkv_error resolve_listening(struct opening *opening, const char *option,
                                        const char *text, struct gkv_address *address_out)
{
    if (text == NULL || !gkv_address_is_well_formed(text)) {
        return refuse(opening, GKV_ERROR_ADDRESS,
                      "%s \"%s\" is not of the form host:port or [ipv6]:port", option,
                      text == NULL ? "" : text);
    }
    if (gkv_address_resolve(text, GKV_RESOLVE_NAME, address_out) != GKV_OK) {
        return refuse(opening, GKV_ERROR_ADDRESS,
                      "%s \"%s\" cannot be resolved: use an address of this machine", option, text);
    }
    if (!gkv_address_is_loopback(address_out) && !opening->options.insecure) {
        return refuse(
            opening, GKV_ERROR_OPTION,
            "%s \"%s\" is reachable from other machines, and traffic is neither encrypted "
            "nor authenticated: listen on 127.0.0.1, or set insecure on a network you trust",
            option, text);
    }
    return GKV_OK;
}

static enum gkv_error refuse_bind(struct opening *opening, enum gkv_error error, const char *option,
                                  const char *text)
{
    switch ((int)error) {
    case GKV_ERROR_ADDRESS_IN_USE:
        return refuse(opening, error,
                      "%s %s is in use by another process: stop it, or choose another port", option,
                      text);
    case GKV_ERROR_ADDRESS:
        return refuse(opening, error, "%s %s is not an address of this machine: choose one that is",
                      option, text);
    default:
        return refuse(opening, error,
                      "%s %s was refused by the system: ports under 1024 need a privilege, and "
                      "descriptors may be used up",
                      option, text);
    }
}

/* TCP and UDP on one number. The system chooses a free one for TCP, so for UDP it may be taken. */
static enum gkv_error bind_node(struct opening *opening)
{
    struct gkv_address wanted;
    const char *text = opening->options.listen_address;
    enum gkv_error error = resolve_listening(opening, "listen_address", text, &wanted);
    if (error != GKV_OK) {
        return error;
    }
    const int try_count = gkv_address_port(&wanted) == 0 ? BIND_TRY_COUNT : 1;
    for (int i = 0; i < try_count; i++) {
        error = gkv_socket_listen(&wanted, &opening->parts.peer_fd, &opening->bound);
        if (error != GKV_OK) {
            break;
        }
        error = gkv_udp_open(&opening->bound, &opening->parts.datagram_fd);
        if (error == GKV_OK) {
            return GKV_OK;
        }
        gkv_socket_close(opening->parts.peer_fd);
        opening->parts.peer_fd = -1;
        if (error != GKV_ERROR_ADDRESS_IN_USE) {
            break;
        }
    }
    return refuse_bind(opening, error, "listen_address", text);
}

static enum gkv_error bind_clients(struct opening *opening)
{
    const char *text = opening->options.resp_address;
    if (text == NULL) {
        return GKV_OK;
    }
    struct gkv_address wanted;
    enum gkv_error error = resolve_listening(opening, "resp_address", text, &wanted);
    if (error != GKV_OK) {
        return error;
    }
    error = gkv_socket_listen(&wanted, &opening->parts.client_fd, &opening->resp_bound);
    return error == GKV_OK ? GKV_OK : refuse_bind(opening, error, "resp_address", text);
}

static enum gkv_error take_advertised(struct opening *opening)
{
    struct gkv_address *address = &opening->parts.options.address;
    const char *text = opening->options.advertise_address;
    *address = opening->bound;
    if (text != NULL) {
        if (gkv_address_resolve(text, GKV_RESOLVE_NAME, address) != GKV_OK) {
            return refuse(
                opening, GKV_ERROR_ADDRESS,
                "advertise_address \"%s\" is not of the form host:port, or its name cannot "
                "be resolved: give the address that peers reach this node by",
                text);
        }
        if (gkv_address_port(address) == 0) {
            gkv_address_set_port(address, gkv_address_port(&opening->bound));
        }
    }
    if (gkv_address_is_any(address)) {
        return refuse(
            opening, GKV_ERROR_OPTION,
            "advertise_address is needed: peers cannot reach \"%s\"; name the address that "
            "they can",
            text != NULL ? text : opening->options.listen_address);
    }
    return GKV_OK;
}

static enum gkv_error check_numbers(struct opening *opening)
{
    const char *why = NULL;
    const enum gkv_error error = gkv_options_check(&opening->parts.options, &why);
    if (error == GKV_OK) {
        return GKV_OK;
    }
    const char *name = gkv_tuning_name(why, &why);
    return refuse(opening, error, "%s%s", name, why);
}

/* Everything that can be refused, in the order in which a reader of the options would see it. */
static enum gkv_error prepare(struct opening *opening, const struct gridkv_options *options)
{
    gkv_options_init(&opening->parts.options);
    enum gkv_error error = take_options(opening, options);
    if (error != GKV_OK) {
        return error;
    }
    opening->parts.resolver = gkv_resolver_create();
    if (opening->parts.resolver == NULL) {
        return refuse(opening, GKV_ERROR_MEMORY, "there is not enough memory");
    }
    enum gkv_error (*const steps[])(struct opening *) = {
        take_names,   take_numbers,    take_seeds,    bind_node,
        bind_clients, take_advertised, check_numbers,
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && error == GKV_OK; i++) {
        error = steps[i](opening);
    }
    return error;
}

static void abandon(struct opening *opening)
{
    const int fds[] = {opening->parts.datagram_fd, opening->parts.peer_fd,
                       opening->parts.client_fd};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            gkv_socket_close(fds[i]);
        }
    }
    gkv_resolver_release(opening->parts.resolver);
}

/* A verdict that is told by itself may have been part of the change before it. */
static void tell_member(void *context, const struct gkv_members *members,
                        const struct gkv_update *said)
{
    struct gridkv *gridkv = context;
    struct gridkv_member_event event;
    gkv_bulletin_write(&event, members, said);
    if (gkv_bulletin_post(&gridkv->bulletin, said->who.id, &event) && gridkv->on_member != NULL) {
        gridkv->on_member(gridkv->member_context, &event);
    }
}

static void tell_batch(void *context)
{
    struct gridkv *gridkv = context;
    gkv_waiters_wake(&gridkv->waiters);
    if (gridkv->on_batch != NULL) {
        gridkv->on_batch(gridkv->batch_context);
    }
}

static enum gkv_error refuse_start(struct opening *opening, enum gkv_error error)
{
    return refuse(opening, error,
                  "the system has no memory, descriptors or threads left for a node of "
                  "memory_limit_bytes %llu: lower it, or raise the limits of the process",
                  (unsigned long long)opening->options.memory_limit_bytes);
}

static enum gkv_error start(struct opening *opening, struct gridkv *gridkv)
{
    GKV_ASSERT(gridkv != NULL);
    gridkv->value_bytes_max = opening->parts.options.value_bytes_max;
    gridkv->on_member = opening->options.on_member;
    gridkv->member_context = opening->options.member_context;
    opening->parts.on_member = tell_member;
    opening->parts.member_context = gridkv;
    gridkv->on_batch = opening->options.on_batch;
    gridkv->batch_context = opening->options.batch_context;
    const uint32_t spin_us = opening->options.spin_us == 0 ? SPIN_US : opening->options.spin_us;
    opening->parts.spin_ns = spin_us == GRIDKV_NONE ? 0 : spin_us * UINT64_C(1000);
    opening->parts.wants_huge_pages = opening->options.huge_pages != GRIDKV_NONE;
    opening->parts.on_batch = tell_batch;
    opening->parts.batch_context = gridkv;
    (void)gkv_address_text(&opening->bound, gridkv->address);
    if (opening->parts.client_fd >= 0) {
        (void)gkv_address_text(&opening->resp_bound, gridkv->resp_address);
    }
    enum gkv_error error =
        gkv_bulletin_init(&gridkv->bulletin, opening->parts.options.member_count_max);
    if (error != GKV_OK) {
        abandon(opening);
        return refuse_start(opening, error);
    }
    error = gkv_waiters_init(&gridkv->waiters);
    if (error != GKV_OK) {
        gkv_bulletin_destroy(&gridkv->bulletin);
        abandon(opening);
        return refuse_start(opening, error);
    }
    error = gkv_host_start(&opening->parts, &gridkv->host);
    if (error != GKV_OK) {
        gkv_waiters_destroy(&gridkv->waiters);
        gkv_bulletin_destroy(&gridkv->bulletin);
        return refuse_start(opening, error);
    }
    gridkv->errands = gkv_host_errands(gridkv->host);
    return GKV_OK;
}

enum gkv_error gridkv_open(const struct gridkv_options *options, struct gridkv **gridkv_out,
                           char *reason, size_t reason_bytes)
{
    struct opening opening = {
        .parts = {.datagram_fd = -1, .peer_fd = -1, .client_fd = -1},
        .reason = reason,
        .reason_bytes = reason_bytes,
    };
    if (reason != NULL && reason_bytes > 0) {
        reason[0] = '\0';
    }
    if (gridkv_out == NULL) {
        return refuse(&opening, GKV_ERROR_OPTION,
                      "gridkv_out is NULL: say where to put the handle");
    }
    *gridkv_out = NULL;
    if (gkv_entropy_init() != GKV_OK) {
        return refuse(&opening, GKV_ERROR_SYSTEM, "the system has no source of randomness");
    }
    enum gkv_error error = prepare(&opening, options);
    struct gridkv *gridkv = error == GKV_OK ? calloc(1, sizeof(*gridkv)) : NULL;
    if (error == GKV_OK && gridkv == NULL) {
        error = refuse(&opening, GKV_ERROR_MEMORY, "there is not enough memory");
    }
    if (error != GKV_OK) {
        abandon(&opening);
        return error;
    }
    error = start(&opening, gridkv);
    if (error != GKV_OK) {
        free(gridkv);
        return error;
    }
    *gridkv_out = gridkv;
    return GKV_OK;
}

void gridkv_close(struct gridkv *gridkv)
{
    if (gridkv == NULL || gkv_host_is_own_thread(gridkv->host)) {
        return;
    }
    gkv_bulletin_close(&gridkv->bulletin); /* whoever waits there is inside, and goes */
    gkv_host_stop(gridkv->host);
    gkv_waiters_destroy(&gridkv->waiters);
    gkv_bulletin_destroy(&gridkv->bulletin);
    free(gridkv);
}

/* ---- Operations --------------------------------------------------------------------- */

static enum gkv_error check_key(const void *key, size_t key_bytes)
{
    if (key == NULL || key_bytes == 0) {
        return GKV_ERROR_KEY_EMPTY;
    }
    return key_bytes > GKV_KEY_BYTES_MAX ? GKV_ERROR_KEY_TOO_LONG : GKV_OK;
}

enum gkv_error gkv_handle_check(const struct gridkv *gridkv, const struct gkv_operation *operation)
{
    const enum gkv_error error = check_key(operation->key.data, operation->key.count);
    if (error != GKV_OK) {
        return error;
    }
    if (operation->value.count > gridkv->value_bytes_max) {
        return GKV_ERROR_VALUE_TOO_LONG;
    }
    if (operation->value.data == NULL && operation->value.count > 0) {
        return GKV_ERROR_OPTION;
    }
    return operation->ttl_ms > GKV_TTL_MS_MAX ? GKV_ERROR_TTL : GKV_OK;
}

static struct gkv_bytes bytes_of(const void *data, size_t count)
{
    return (struct gkv_bytes){.data = data, .count = count};
}

/* A caller that waits. It lies on the caller's stack, as key, value and buffer do. */
struct call {
    struct gkv_waiters *waiters;
    struct gkv_waiter waiter;
    enum gkv_error error;
    struct gkv_buffer buffer; /* a get's */
    size_t value_bytes;
};

static void call_done(const struct gkv_request *request, const struct gkv_result *result)
{
    struct call *call = request->context;
    call->error = result->error;
    call->value_bytes = result->value.count;
    if (result->error == GKV_OK && result->value.count > call->buffer.capacity) {
        call->error = GKV_ERROR_BUFFER;
    } else if (result->error == GKV_OK && result->value.count > 0) {
        memcpy(call->buffer.data, result->value.data, result->value.count);
    }
    gkv_waiter_end(call->waiters, &call->waiter);
}

/* It cannot wait for ever: every operation has a deadline, and closing ends all. */
static enum gkv_error post_and_wait(struct gridkv *gridkv, const struct gkv_operation *operation,
                                    struct call *call)
{
    const struct gkv_request request = {
        .operation = *operation,
        .done = call_done,
        .context = call,
    };
    gkv_waiter_init(&call->waiter);
    gkv_waiter_begin(&call->waiter);
    const enum gkv_error error = gkv_host_post(gridkv->host, &request);
    if (error != GKV_OK) {
        return error;
    }
    gkv_waiter_wait(&gridkv->waiters, &call->waiter);
    return call->error;
}

/* What the caller cannot do itself. Apart, so that what it can has a small frame. */
GKV_APART static enum gkv_error ask_loop(struct gridkv *gridkv,
                                         const struct gkv_operation *operation,
                                         struct gkv_errand *errand)
{
    if (gkv_host_is_own_thread(gridkv->host)) {
        return GKV_ERROR_BUSY; /* it would wait for itself */
    }
    struct call call = {.waiters = &gridkv->waiters, .buffer = errand->buffer};
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    const enum gkv_error error = post_and_wait(gridkv, operation, &call);
    gkv_host_exit(place);
    errand->value_bytes = call.value_bytes;
    return error;
}

GKV_INLINE enum gkv_error write_blocking(struct gridkv *gridkv,
                                         const struct gkv_operation *operation)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    const enum gkv_error error = gkv_handle_check(gridkv, operation);
    if (error != GKV_OK) {
        return error;
    }
    if (gkv_errand_run_write(gridkv->errands, operation)) {
        return GKV_OK;
    }
    struct gkv_errand errand = {.error = GKV_OK};
    return ask_loop(gridkv, operation, &errand);
}

enum gkv_error gridkv_set(struct gridkv *gridkv, const void *key, size_t key_bytes,
                          const void *value, size_t value_bytes, uint64_t ttl_ms)
{
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_SET,
        .key = bytes_of(key, key_bytes),
        .value = bytes_of(value, value_bytes),
        .ttl_ms = ttl_ms,
    };
    return write_blocking(gridkv, &operation);
}

enum gkv_error gridkv_get(struct gridkv *gridkv, const void *key, size_t key_bytes, void *buffer,
                          size_t buffer_bytes, size_t *value_bytes_out)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    enum gkv_error error = check_key(key, key_bytes);
    if (error != GKV_OK) {
        return error;
    }
    struct gkv_errand errand = {.buffer = {buffer, buffer == NULL ? 0 : buffer_bytes}};
    if (gkv_errand_run_get(gridkv->errands, bytes_of(key, key_bytes), &errand)) {
        error = errand.error;
    } else {
        const struct gkv_operation operation = {.kind = GKV_OPERATION_GET,
                                                .key = bytes_of(key, key_bytes)};
        error = ask_loop(gridkv, &operation, &errand);
    }
    if ((error == GKV_OK || error == GKV_ERROR_BUFFER) && value_bytes_out != NULL) {
        *value_bytes_out = errand.value_bytes;
    }
    return error;
}

enum gkv_error gridkv_delete(struct gridkv *gridkv, const void *key, size_t key_bytes)
{
    const struct gkv_operation operation = {
        .kind = GKV_OPERATION_DELETE,
        .key = bytes_of(key, key_bytes),
    };
    return write_blocking(gridkv, &operation);
}

/* ---- Figures ------------------------------------------------------------------------ */

enum gkv_error gridkv_wait_ready(struct gridkv *gridkv, uint32_t timeout_ms)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    if (gkv_host_is_own_thread(gridkv->host)) {
        return GKV_ERROR_BUSY;
    }
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    const enum gkv_error error =
        gkv_host_wait_ready(gridkv->host, gkv_clock_mono_ns() + timeout_ms * GKV_NS_PER_MS);
    gkv_host_exit(place);
    return error;
}

enum gkv_error gridkv_member_next(struct gridkv *gridkv, uint32_t timeout_ms,
                                  struct gridkv_member_event *event_out, size_t struct_bytes)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    if (gkv_host_is_own_thread(gridkv->host)) {
        return GKV_ERROR_BUSY;
    }
    struct gridkv_member_event event;
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    const enum gkv_error error = gkv_bulletin_take(
        &gridkv->bulletin, gkv_clock_mono_ns() + timeout_ms * GKV_NS_PER_MS, &event);
    gkv_host_exit(place);
    if (error == GKV_OK) {
        memcpy(event_out, &event, struct_bytes < sizeof(event) ? struct_bytes : sizeof(event));
    }
    return error;
}

static uint64_t refused_count_of(const struct gkv_host_figures *figures)
{
    const struct gkv_endpoint_stats *endpoint = &figures->endpoint;
    const struct gkv_swim_drops *drops = &figures->node.swim_drops;
    return endpoint->refused_checksum + endpoint->refused_too_long + endpoint->refused_malformed +
           endpoint->refused_foreign + endpoint->refused_cluster + endpoint->refused_hello +
           endpoint->refused_full + drops->malformed + drops->boot_conflict +
           figures->node.sync_malformed_count + figures->node.clock_rejected_count;
}

enum gkv_error gridkv_stats(struct gridkv *gridkv, struct gridkv_stats *stats_out,
                            size_t struct_bytes)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    struct gkv_host_figures figures;
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    gkv_host_figures(gridkv->host, &figures);
    gkv_host_exit(place);
    const struct gridkv_stats stats = {
        .record_count = figures.node.store.record_count,
        .tombstone_count = figures.node.store.tombstone_count,
        .store_used_bytes = figures.node.store.used_bytes,
        .store_limit_bytes = figures.node.store.limit_bytes,
        .operation_count = figures.node.quorum.submitted_count,
        .operation_open_count = figures.node.quorum.open_count,
        .read_repair_count = figures.node.quorum.read_repair_count,
        .sync_round_count = figures.node.sync_round_count,
        .member_count = figures.node.member_count,
        .reachable_count = figures.node.reachable_count,
        .refused_count = refused_count_of(&figures),
        .bytes_in = figures.endpoint.datagram_in_bytes + figures.endpoint.stream_in_bytes,
        .bytes_out = figures.endpoint.datagram_out_bytes + figures.endpoint.stream_out_bytes,
        .degraded_count = figures.node.degraded_count,
        .evicted_count = figures.node.store.evicted_count,
        .compressed_count = figures.node.store.packed_count,
        .hot_hit_count = figures.node.hot_hit_count,
        .huge_page_bytes = figures.huge_page_bytes,
    };
    memcpy(stats_out, &stats, struct_bytes < sizeof(stats) ? struct_bytes : sizeof(stats));
    return GKV_OK;
}

enum gkv_error gridkv_health(struct gridkv *gridkv)
{
    if (gridkv == NULL) {
        return GKV_ERROR_CLOSED;
    }
    struct gkv_inside_place *place = gkv_host_enter(gridkv->host);
    const enum gkv_error error = gkv_host_health(gridkv->host);
    gkv_host_exit(place);
    return error;
}

const char *gridkv_address(const struct gridkv *gridkv)
{
    return gridkv == NULL ? NULL : gridkv->address;
}

const char *gridkv_resp_address(const struct gridkv *gridkv)
{
    return gridkv == NULL || gridkv->resp_address[0] == '\0' ? NULL : gridkv->resp_address;
}
