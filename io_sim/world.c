#include "io_sim/world.h"

#include <string.h>

#include "core/hash.h"
#include "core/panic.h"
#include "io_sim/pool.h"

#define FIRST_NS (1000 * GKV_NS_PER_MS)

/* ---- Observing ------------------------------------------------------------------------------- */

static uint64_t hash_of(struct gkv_bytes bytes)
{
    return bytes.count == 0 ? 0 : gkv_hash128(bytes.data, bytes.count, GKV_WORLD_CHAIN_SEED).low;
}

static uint64_t word_of_stream(struct gkv_stream stream)
{
    return (uint64_t)stream.generation << 32 | stream.index;
}

#define OUTPUT_WORD_COUNT 7

/* What an output says, in words that start as zeroes. */
static void describe_output(const struct gkv_output *output, uint64_t words[OUTPUT_WORD_COUNT])
{
    words[0] = (uint64_t)output->kind;
    switch (output->kind) {
    case GKV_OUTPUT_DATAGRAM:
        words[1] = gkv_host_of_address(&output->as.datagram.address);
        words[2] = hash_of(output->as.datagram.bytes);
        break;
    case GKV_OUTPUT_CONNECT:
        words[1] = gkv_host_of_address(&output->as.connect.address);
        words[2] = word_of_stream(output->as.connect.stream);
        break;
    case GKV_OUTPUT_CLOSE:
    case GKV_OUTPUT_SEND:
        words[1] = word_of_stream(output->as.stream);
        break;
    case GKV_OUTPUT_COMPLETE:
        words[1] = output->as.result.cookie;
        words[2] = (uint64_t)output->as.result.error;
        words[3] = output->as.result.version.hlc.packed;
        words[4] = output->as.result.version.writer;
        words[5] = output->as.result.expire_ms;
        words[6] = hash_of(output->as.result.value);
        break;
    case GKV_OUTPUT_MEMBER:
        words[1] = output->as.member.who.boot_id;
        words[2] = output->as.member.incarnation;
        words[3] = (uint64_t)output->as.member.state;
        words[4] = (uint64_t)output->as.member.name.bytes[0];
        break;
    case GKV_OUTPUT_DEGRADED:
        words[1] = output->as.degraded.who.boot_id;
        words[2] = hash_of((struct gkv_bytes){.data = output->as.degraded.who.id.bytes,
                                              .count = sizeof(output->as.degraded.who.id.bytes)});
        words[3] = output->as.degraded.is_degraded;
        break;
    }
}

/* Fold what happened at a node into the chain. */
static void note(struct gkv_world *world, const struct gkv_observation *observation)
{
    uint64_t words[5 + OUTPUT_WORD_COUNT] = {
        (uint64_t)observation->kind, observation->node,     observation->time_ns,
        hash_of(observation->bytes), observation->argument,
    };
    if (observation->output != NULL) {
        describe_output(observation->output, words + 5);
    }
    gkv_world_note(world, words, observation->output == NULL ? 5 : 5 + OUTPUT_WORD_COUNT);
}

/* Note what happened, and show it. The caller's occasions are its own, and happen at no node. */
static void observe(struct gkv_world *world, const struct gkv_observation *observation)
{
    if (observation->kind != GKV_OBSERVE_CALL) {
        note(world, observation);
    }
    if (world->observer.observe != NULL) {
        world->observer.observe(world->observer.context, observation);
    }
}

static void observe_output(struct gkv_world *world, const struct gkv_host *host,
                           const struct gkv_output *output)
{
    observe(world, &(struct gkv_observation){
                       .kind = GKV_OBSERVE_OUTPUT,
                       .node = host->node,
                       .time_ns = world->now_ns,
                       .output = output,
                   });
}

static void observe_stream(struct gkv_world *world, uint32_t node, enum gkv_observation_kind kind,
                           struct gkv_stream stream)
{
    observe(world, &(struct gkv_observation){
                       .kind = kind,
                       .node = node,
                       .time_ns = world->now_ns,
                       .argument = word_of_stream(stream),
                   });
}

/* Bytes leave an end of a connection, or arrive at it. */
static void observe_bytes(struct gkv_world *world, enum gkv_observation_kind kind, uint32_t index,
                          uint32_t end, struct gkv_bytes bytes)
{
    const struct gkv_connection *connection = &world->net.connections[index];
    observe(world, &(struct gkv_observation){
                       .kind = kind,
                       .node = connection->ends[end].node,
                       .time_ns = world->now_ns,
                       .bytes = bytes,
                       .argument = word_of_stream(connection->ends[end].stream),
                       .connection = (uint64_t)connection->generation << 32 | index,
                       .is_damaged = connection->is_damaged,
                   });
}

/* ---- Making ---------------------------------------------------------------------------------- */

static uint32_t occasion_count_max(uint32_t node_count)
{
    const uint32_t few = GKV_NET_NOBODY_MIN;
    return GKV_WORLD_OCCASION_COUNT / few * (node_count < few ? few : node_count);
}

enum gkv_error gkv_world_create(struct gkv_world *world, const struct gkv_world_options *options,
                                const struct gkv_chance *chance,
                                const struct gkv_observer *observer)
{
    GKV_ASSERT(options->node_count >= 1);
    GKV_ASSERT(options->node_count < GKV_NET_NODE_COUNT_MAX);
    memset(world, 0, sizeof(*world));
    world->options = *options;
    world->chance = *chance;
    world->observer = *observer;
    world->now_ns = FIRST_NS;
    world->note_bytes = sizeof(uint64_t);
    const uint32_t occasion_count = occasion_count_max(options->node_count);
    world->occasion_memory = gkv_pool_take(occasion_count * sizeof(struct gkv_occasion));
    world->net_memory = gkv_pool_take(gkv_net_memory_bytes(options->node_count));
    if (world->occasion_memory == NULL || world->net_memory == NULL) {
        gkv_world_destroy(world);
        return GKV_ERROR_MEMORY;
    }
    gkv_agenda_init(&world->agenda, world->occasion_memory, occasion_count);
    gkv_net_init(&world->net, world->net_memory, options->node_count, &world->agenda,
                 &world->chance);
    if (options->window_bytes > 0 && options->window_bytes < world->net.pipe_bytes_each) {
        world->net.window_bytes = options->window_bytes;
    }

    for (uint32_t i = 0; i < options->node_count; i++) {
        const enum gkv_error error =
            gkv_host_init(&world->hosts[i], i, &options->node, options->life_count_max);
        if (error != GKV_OK) {
            gkv_world_destroy(world);
            return error;
        }
    }
    return GKV_OK;
}

void gkv_world_destroy(struct gkv_world *world)
{
    for (uint32_t i = 0; i < world->options.node_count; i++) {
        gkv_host_free(&world->hosts[i]);
    }
    gkv_pool_give(world->occasion_memory);
    gkv_pool_give(world->net_memory);
    world->occasion_memory = NULL;
    world->net_memory = NULL;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

/* When what a host says now leaves it. */
static uint64_t departure_ns(const struct gkv_world *world, const struct gkv_host *host)
{
    return host->blocked_until_ns > world->now_ns ? host->blocked_until_ns : world->now_ns;
}

/* Put a datagram on its way, if the host's socket has room for it. */
static void send_datagram(struct gkv_world *world, struct gkv_host *host,
                          const struct gkv_output *output)
{
    const uint32_t to = gkv_host_of_address(&output->as.datagram.address);
    if (to >= world->options.node_count) {
        return;
    }
    const bool is_blocked = host->blocked_until_ns > world->now_ns;
    const uint32_t most = world->options.socket_count_max;
    if (is_blocked && most > 0 && host->leaving_count == most) {
        world->net.stats.datagram_lost_count++;
        return;
    }
    host->leaving_count += is_blocked;
    gkv_net_send(&world->net, departure_ns(world, host), host->node, to, output->as.datagram.bytes);
}

/* Move what waits in a stream to the network, as far as there is room. */
static void flush(struct gkv_world *world, struct gkv_host *host, struct gkv_stream stream)
{
    uint32_t end = 0;
    const uint32_t index = gkv_net_find(&world->net, host->node, stream, &end);
    if (index == GKV_NET_NONE || world->net.connections[index].ends[end].state != GKV_END_OPEN) {
        return; /* not connected yet: _connected flushes */
    }
    struct gkv_bytes pieces[2];
    gkv_endpoint_pending(host->endpoint, stream, pieces);
    for (uint32_t i = 0; i < 2; i++) {
        const size_t room = gkv_net_room(&world->net, index, end);
        if (pieces[i].count > room) {
            pieces[i].count = room;
        }
        if (pieces[i].count > 0) {
            observe_bytes(world, GKV_OBSERVE_SENT, index, end, pieces[i]);
            gkv_net_write(&world->net, departure_ns(world, host), index, end, pieces[i]);
        }
    }
    if (pieces[0].count + pieces[1].count > 0) {
        gkv_endpoint_sent(host->endpoint, stream, pieces[0].count + pieces[1].count);
    }
}

static void dial(struct gkv_world *world, const struct gkv_host *host,
                 const struct gkv_output *output)
{
    uint32_t to = gkv_host_of_address(&output->as.connect.address);
    if (to >= world->options.node_count) {
        to = world->net.nobody; /* it will be refused */
    }
    gkv_net_dial(&world->net, departure_ns(world, host), host->node, output->as.connect.stream, to);
}

static void carry_out(struct gkv_world *world, struct gkv_host *host,
                      const struct gkv_output *output)
{
    uint32_t end = 0;
    uint32_t index = 0;
    switch (output->kind) {
    case GKV_OUTPUT_DATAGRAM:
        send_datagram(world, host, output);
        break;
    case GKV_OUTPUT_CONNECT:
        dial(world, host, output);
        break;
    case GKV_OUTPUT_CLOSE:
        index = gkv_net_find(&world->net, host->node, output->as.stream, &end);
        if (index != GKV_NET_NONE) {
            gkv_net_end_gone(&world->net, departure_ns(world, host), index, end);
        }
        break;
    case GKV_OUTPUT_SEND:
        flush(world, host, output->as.stream);
        break;
    case GKV_OUTPUT_COMPLETE:
    case GKV_OUTPUT_MEMBER:
    case GKV_OUTPUT_DEGRADED:
        break; /* for whoever observes */
    }
}

/* How long before due_ns a TIMER comes: never all of the way, so that after some it is there. */
static uint64_t earliness_ns(struct gkv_world *world, uint64_t due_ns)
{
    const uint64_t most_ns = world->options.timer_early_ns_max;
    const uint64_t left_ns = due_ns - world->now_ns;
    if (most_ns == 0 || left_ns == 0) {
        return 0;
    }
    return gkv_chance_below(&world->chance, "timer.early", left_ns < most_ns ? left_ns : most_ns);
}

/* Have a TIMER occasion for the host's deadline. An occasion that comes too early is kept: when it
 * comes, it looks at the deadline again. */
static void schedule_timer(struct gkv_world *world, struct gkv_host *host)
{
    const uint64_t deadline_ns = gkv_endpoint_deadline_ns(host->endpoint);
    uint64_t due_ns = gkv_sim_clock_when(&host->clock, deadline_ns);
    if (due_ns == GKV_NEVER || due_ns >= host->timer_ns) {
        return;
    }
    if (due_ns < world->now_ns) {
        due_ns = world->now_ns;
    }
    world->net.about = GKV_NET_NODE_COUNT_MAX * host->node + host->node;
    due_ns += gkv_chance_below(&world->chance, "timer.late", world->options.timer_late_ns_max + 1);
    due_ns -= earliness_ns(world, due_ns);
    if (due_ns >= host->timer_ns) {
        return;
    }
    host->timer_ns = due_ns;
    host->timer_generation++;
    gkv_agenda_add(&world->agenda,
                   &(struct gkv_occasion){
                       .time_ns = due_ns,
                       .tie = (uint32_t)gkv_chance_below(&world->chance, "timer.tie", 256),
                       .kind = GKV_OCCASION_TIMER,
                       .index = host->node,
                       .generation = host->timer_generation,
                   });
}

/* Take an endpoint's outputs after an input, until there are none. */
static void drain(struct gkv_world *world, struct gkv_host *host)
{
    struct gkv_output output;
    while (gkv_endpoint_next_output(host->endpoint, &output)) {
        observe_output(world, host, &output);
        carry_out(world, host, &output);
    }
    schedule_timer(world, host);
}

/* ---- What the caller does -------------------------------------------------------------------- */

static void observe_node(struct gkv_world *world, uint32_t node, enum gkv_observation_kind kind)
{
    observe(world, &(struct gkv_observation){.kind = kind, .node = node, .time_ns = world->now_ns});
}

void gkv_world_boot(struct gkv_world *world, uint32_t node)
{
    GKV_ASSERT(node < world->options.node_count);
    struct gkv_host *host = &world->hosts[node];
    world->net.about = GKV_NET_NODE_COUNT_MAX * node + node;
    gkv_host_boot(host, world->now_ns,
                  gkv_chance_below(&world->chance, "boot.luck", UINT64_C(1) << 62));
    world->event_count++;
    observe_node(world, node, GKV_OBSERVE_BOOT);
    gkv_endpoint_on_timer(host->endpoint, gkv_host_now(host, world->now_ns));
    drain(world, host);
}

void gkv_world_crash(struct gkv_world *world, uint32_t node, uint64_t silent_ns)
{
    GKV_ASSERT(node < world->options.node_count);
    observe(world, &(struct gkv_observation){
                       .kind = GKV_OBSERVE_CRASH,
                       .node = node,
                       .time_ns = world->now_ns,
                       .argument = silent_ns,
                   });
    gkv_host_crash(&world->hosts[node]);
    gkv_net_crash(&world->net, world->now_ns, node, silent_ns);
}

void gkv_world_leave(struct gkv_world *world, uint32_t node)
{
    struct gkv_host *host = &world->hosts[node];
    GKV_ASSERT(host->is_up);
    GKV_ASSERT(host->paused_until_ns == 0);
    world->event_count++;
    observe_node(world, node, GKV_OBSERVE_LEAVE);
    gkv_endpoint_leave(host->endpoint, gkv_host_now(host, world->now_ns));
    drain(world, host);
}

/* The client, which lives in the node's process, does it itself, if luck and the node will have it
 * so: between two steps, of which neither knows. */
static bool run_errand(struct gkv_world *world, struct gkv_host *host,
                       const struct gkv_operation *operation)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    if (world->options.in_place_ppm == 0) {
        return false;
    }
    world->net.about = GKV_NET_NODE_COUNT_MAX * host->node + host->node;
    if (!gkv_chance_happens(&world->chance, "client.in_place", world->options.in_place_ppm) ||
        !gkv_host_run_errand(host, gkv_host_now(host, world->now_ns), operation,
                             &output.as.result)) {
        return false;
    }
    observe_output(world, host, &output);
    return true;
}

void gkv_world_submit(struct gkv_world *world, uint32_t node, const struct gkv_operation *operation)
{
    struct gkv_host *host = &world->hosts[node];
    GKV_ASSERT(host->is_up);
    GKV_ASSERT(host->paused_until_ns == 0);
    world->event_count++;
    observe(world, &(struct gkv_observation){
                       .kind = GKV_OBSERVE_SUBMIT,
                       .node = node,
                       .time_ns = world->now_ns,
                       .bytes = operation->key,
                       .argument = operation->cookie,
                       .operation = operation,
                   });
    if (!run_errand(world, host, operation)) {
        gkv_endpoint_submit(host->endpoint, gkv_host_now(host, world->now_ns), operation);
    }
    drain(world, host);
}

void gkv_world_pause(struct gkv_world *world, uint32_t node, uint64_t until_ns)
{
    struct gkv_host *host = &world->hosts[node];
    GKV_ASSERT(host->is_up);
    GKV_ASSERT(host->paused_until_ns == 0);
    GKV_ASSERT(until_ns > world->now_ns);
    host->paused_until_ns = until_ns;
    /* A timer may have been late already, also because a coarse clock did not show that it was due:
     * a stall lasts from when it was due (core/node.c). */
    host->pause_total_ns += until_ns - world->now_ns + world->options.timer_late_ns_max +
                            host->clock.grain_ms * GKV_NS_PER_MS;
    observe(world, &(struct gkv_observation){
                       .kind = GKV_OBSERVE_PAUSE,
                       .node = node,
                       .time_ns = world->now_ns,
                       .argument = until_ns,
                   });
    gkv_agenda_add(&world->agenda, &(struct gkv_occasion){
                                       .time_ns = until_ns,
                                       .kind = GKV_OCCASION_RESUME,
                                       .index = node,
                                       .generation = host->life_count,
                                   });
}

void gkv_world_block(struct gkv_world *world, uint32_t node, uint64_t until_ns)
{
    struct gkv_host *host = &world->hosts[node];
    GKV_ASSERT(host->is_up);
    GKV_ASSERT(host->blocked_until_ns <= world->now_ns);
    GKV_ASSERT(until_ns > world->now_ns);
    host->blocked_until_ns = until_ns;
    host->leaving_count = 0;
}

void gkv_world_call_at(struct gkv_world *world, uint64_t time_ns, uint64_t argument)
{
    GKV_ASSERT(time_ns >= world->now_ns);
    gkv_agenda_add(&world->agenda, &(struct gkv_occasion){
                                       .time_ns = time_ns,
                                       .kind = GKV_OCCASION_CALLER,
                                       .argument = argument,
                                   });
}

/* ---- What happens by itself ------------------------------------------------------------------ */

/* A host goes on: what waits in its streams may be written now. What arrived meanwhile follows,
 * each as an occasion of its own. */
static void on_resume(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    struct gkv_host *host = &world->hosts[occasion->index];
    if (!host->is_up || occasion->generation != host->life_count) {
        return; /* it crashed meanwhile */
    }
    GKV_ASSERT(host->paused_until_ns == world->now_ns);
    host->paused_until_ns = 0;
    observe_node(world, host->node, GKV_OBSERVE_RESUME);
    for (uint32_t i = 0; i < world->net.connection_count; i++) {
        const struct gkv_end *end =
            &world->net.connections[i].ends[0]; /* only who dialled writes */
        if (end->state == GKV_END_OPEN && end->node == host->node) {
            flush(world, host, end->stream);
        }
    }
    drain(world, host);
}

/* The host whose endpoint an occasion is for; one that is never up when it is for none. */
static struct gkv_host *host_of(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    const struct gkv_connection *connection = &world->net.connections[occasion->index];
    uint32_t node = world->net.nobody;
    switch (occasion->kind) {
    case GKV_OCCASION_TIMER:
        node = occasion->index;
        break;
    case GKV_OCCASION_DATAGRAM:
        node = world->net.parcels[occasion->index].to;
        break;
    case GKV_OCCASION_DIAL:
        node = connection->to;
        break;
    case GKV_OCCASION_DIALLED:
        node = connection->ends[0].node;
        break;
    case GKV_OCCASION_SEGMENT:
        node = connection->ends[1 - occasion->argument].node;
        break;
    case GKV_OCCASION_RESET:
        node = connection->ends[occasion->argument].node;
        break;
    case GKV_OCCASION_RESUME:
    case GKV_OCCASION_CALLER:
        break;
    }
    return &world->hosts[node];
}

/* Until when a host takes no such occasion; a time that is over when it does. */
static uint64_t not_before_ns(const struct gkv_world *world, const struct gkv_host *host,
                              const struct gkv_occasion *occasion)
{
    if (host->paused_until_ns > 0) {
        return host->paused_until_ns;
    }
    if (host->blocked_until_ns > world->now_ns && occasion->kind != GKV_OCCASION_TIMER) {
        return host->blocked_until_ns;
    }
    return host->busy_until_ns;
}

/* Hold an occasion back until its host goes on, behind those that were held back before it; a
 * datagram only if the host's socket has room for it. */
static void hold_back(struct gkv_world *world, struct gkv_host *host, uint64_t until_ns,
                      const struct gkv_occasion *occasion)
{
    struct gkv_occasion held = *occasion;
    if (occasion->kind == GKV_OCCASION_DATAGRAM) {
        const uint32_t most = world->options.socket_count_max;
        host->held_count = host->held_until_ns == until_ns ? host->held_count : 0;
        host->held_until_ns = until_ns;
        if (most > 0 && host->held_count == most) {
            world->net.stats.datagram_lost_count++;
            gkv_net_parcel_done(&world->net, occasion->index);
            return;
        }
        host->held_count++;
    }
    held.time_ns = until_ns;
    held.tie = 1; /* after RESUME */
    gkv_agenda_add(&world->agenda, &held);
}

static void on_timer(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    struct gkv_host *host = &world->hosts[occasion->index];
    if (!host->is_up || occasion->generation != host->timer_generation) {
        return;
    }
    host->timer_ns = GKV_NEVER;
    const uint64_t deadline_ns = gkv_endpoint_deadline_ns(host->endpoint);
    if (gkv_sim_clock_when(&host->clock, deadline_ns) > world->now_ns &&
        world->options.timer_early_ns_max == 0) {
        schedule_timer(world, host);
        return;
    }
    world->event_count++;
    observe_node(world, host->node, GKV_OBSERVE_TIMER);
    gkv_endpoint_on_timer(host->endpoint, gkv_host_now(host, world->now_ns));
    drain(world, host);
}

static void on_datagram(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    if (gkv_net_holds_parcel(&world->net, world->now_ns, occasion)) {
        return;
    }
    const struct gkv_parcel *parcel = gkv_net_parcel(&world->net, occasion->index);
    if (parcel != NULL && world->hosts[parcel->to].is_up) {
        struct gkv_host *host = &world->hosts[parcel->to];
        const struct gkv_address source = gkv_host_address(parcel->from);
        const struct gkv_bytes bytes = {.data = parcel->bytes, .count = parcel->count};
        world->event_count++;
        observe(world, &(struct gkv_observation){
                           .kind = GKV_OBSERVE_DATAGRAM,
                           .node = host->node,
                           .time_ns = world->now_ns,
                           .bytes = bytes,
                           .argument = parcel->from,
                       });
        gkv_endpoint_on_datagram(host->endpoint, gkv_host_now(host, world->now_ns), &source, bytes);
        drain(world, host);
    }
    gkv_net_parcel_done(&world->net, occasion->index);
}

/* Tell an end's endpoint that its stream is over. */
static void close_end(struct gkv_world *world, uint32_t index, uint32_t end)
{
    const struct gkv_end gone = world->net.connections[index].ends[end];
    struct gkv_host *host = &world->hosts[gone.node];
    GKV_ASSERT(host->is_up);
    if (host->paused_until_ns > 0) {
        gkv_net_reset_at(&world->net, host->paused_until_ns, index, end);
        return;
    }
    gkv_net_end_gone(&world->net, world->now_ns, index, end);
    world->event_count++;
    observe_stream(world, gone.node, GKV_OBSERVE_CLOSED, gone.stream);
    gkv_endpoint_on_closed(host->endpoint, gkv_host_now(host, world->now_ns), gone.stream);
    drain(world, host);
}

static void on_dial(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    const enum gkv_dial_outcome outcome = gkv_net_on_dial(&world->net, world->now_ns, occasion);
    if (outcome == GKV_DIAL_FAILS) {
        close_end(world, occasion->index, 0);
    }
    if (outcome != GKV_DIAL_ARRIVES && outcome != GKV_DIAL_REFUSED) {
        return;
    }
    struct gkv_host *host = &world->hosts[world->net.connections[occasion->index].to];
    if (!host->is_up || outcome == GKV_DIAL_REFUSED) {
        gkv_net_answer(&world->net, world->now_ns, occasion->index, NULL);
        return;
    }
    struct gkv_stream stream;
    world->event_count++;
    const enum gkv_error error =
        gkv_endpoint_on_accepted(host->endpoint, gkv_host_now(host, world->now_ns), &stream);
    if (error == GKV_OK) {
        observe_stream(world, host->node, GKV_OBSERVE_ACCEPTED, stream);
    }
    gkv_net_answer(&world->net, world->now_ns, occasion->index, error == GKV_OK ? &stream : NULL);
    drain(world, host);
}

static void on_dialled(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    const enum gkv_dial_outcome outcome = gkv_net_on_dialled(&world->net, world->now_ns, occasion);
    if (outcome == GKV_DIAL_FAILS) {
        close_end(world, occasion->index, 0);
    }
    if (outcome != GKV_DIAL_ARRIVES) {
        return;
    }
    const struct gkv_end end = world->net.connections[occasion->index].ends[0];
    struct gkv_host *host = &world->hosts[end.node];
    world->event_count++;
    observe_stream(world, end.node, GKV_OBSERVE_CONNECTED, end.stream);
    gkv_endpoint_on_connected(host->endpoint, gkv_host_now(host, world->now_ns), end.stream);
    drain(world, host);
    flush(world, host, end.stream);
}

/* Give an endpoint up to `count` bytes of a pipe. Returns how many it took. */
static size_t give(struct gkv_world *world, const struct gkv_occasion *occasion,
                   const struct gkv_end *receiver, size_t count)
{
    struct gkv_host *host = &world->hosts[receiver->node];
    size_t room = 0;
    uint8_t *buffer = gkv_endpoint_receive_buffer(host->endpoint, receiver->stream, &room);
    GKV_ASSERT(room > 0);
    size_t given =
        gkv_net_portion(&world->net, occasion->index, (uint32_t)occasion->argument, count);
    given = given < room ? given : room;
    if (world->options.receive_bytes_max > 0 && given > world->options.receive_bytes_max) {
        given = world->options.receive_bytes_max;
    }
    gkv_net_take(&world->net, occasion->index, (uint32_t)occasion->argument, buffer, given);
    world->event_count++;
    observe_bytes(world, GKV_OBSERVE_RECEIVED, occasion->index, 1 - (uint32_t)occasion->argument,
                  (struct gkv_bytes){.data = buffer, .count = given});
    gkv_endpoint_on_received(host->endpoint, gkv_host_now(host, world->now_ns), receiver->stream,
                             given);
    drain(world, host);
    return given;
}

static void on_segment(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    const uint32_t sender = (uint32_t)occasion->argument;
    struct gkv_connection *connection = &world->net.connections[occasion->index];
    bool sender_gone = false;
    size_t count = gkv_net_on_segment(&world->net, world->now_ns, occasion, &sender_gone);
    if (sender_gone) {
        close_end(world, occasion->index, sender);
        return;
    }
    if (count == 0) {
        return;
    }
    while (count > 0) {
        /* The endpoint may close its end between two pieces. */
        const struct gkv_end receiver = connection->ends[1 - sender];
        if (gkv_net_connection(&world->net, occasion) == NULL || receiver.state != GKV_END_OPEN) {
            break;
        }
        count -= give(world, occasion, &receiver, count);
    }
    if (gkv_net_connection(&world->net, occasion) == NULL) {
        return;
    }
    gkv_net_segment_done(&world->net, world->now_ns, occasion->index, sender);
    const struct gkv_end writer = connection->ends[sender];
    if (writer.state == GKV_END_OPEN && world->hosts[writer.node].paused_until_ns == 0) {
        struct gkv_host *host = &world->hosts[writer.node];
        flush(world, host, writer.stream);
        drain(world, host);
    }
}

static void give_occasion(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    switch (occasion->kind) {
    case GKV_OCCASION_TIMER:
        on_timer(world, occasion);
        return;
    case GKV_OCCASION_RESUME:
        on_resume(world, occasion);
        return;
    case GKV_OCCASION_DATAGRAM:
        on_datagram(world, occasion);
        return;
    case GKV_OCCASION_CALLER:
        observe(world, &(struct gkv_observation){
                           .kind = GKV_OBSERVE_CALL,
                           .time_ns = world->now_ns,
                           .argument = occasion->argument,
                       });
        return;
    case GKV_OCCASION_DIAL:
    case GKV_OCCASION_DIALLED:
    case GKV_OCCASION_SEGMENT:
    case GKV_OCCASION_RESET:
        break;
    }
    if (gkv_net_connection(&world->net, occasion) == NULL) {
        return; /* the connection is over */
    }
    if (occasion->kind == GKV_OCCASION_DIAL) {
        on_dial(world, occasion);
    } else if (occasion->kind == GKV_OCCASION_DIALLED) {
        on_dialled(world, occasion);
    } else if (occasion->kind == GKV_OCCASION_SEGMENT) {
        on_segment(world, occasion);
    } else if (gkv_net_on_reset(&world->net, world->now_ns, occasion)) {
        close_end(world, occasion->index, (uint32_t)occasion->argument);
    }
}

/* A paused, blocked or busy host's own bytes and requests go on their way; what is for it waits. */
static void handle(struct gkv_world *world, const struct gkv_occasion *occasion)
{
    struct gkv_host *host = host_of(world, occasion);
    const uint64_t until_ns = not_before_ns(world, host, occasion);
    if (host->paused_until_ns > 0 || until_ns > world->now_ns) {
        hold_back(world, host, until_ns, occasion);
        return;
    }
    give_occasion(world, occasion);
    if (host->is_up && host->service_ns > 0) {
        host->busy_until_ns = world->now_ns + host->service_ns;
        host->pause_total_ns += host->service_ns;
    }
}

bool gkv_world_step(struct gkv_world *world, uint64_t until_ns)
{
    struct gkv_occasion occasion;
    if (gkv_agenda_next_ns(&world->agenda) > until_ns) {
        world->now_ns = until_ns > world->now_ns ? until_ns : world->now_ns;
        return false;
    }
    const bool taken = gkv_agenda_take(&world->agenda, &occasion);
    GKV_ASSERT(taken);
    GKV_ASSERT(occasion.time_ns >= world->now_ns);
    world->now_ns = occasion.time_ns;
    handle(world, &occasion);
    return true;
}
