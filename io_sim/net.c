#include "io_sim/net.h"

#include <string.h>

#include "core/panic.h"
#include "core/types.h"

#define RETRY_NS_MIN (100 * GKV_NS_PER_MS)
#define RETRY_NS_MAX (1000 * GKV_NS_PER_MS)
#define RESET_AFTER_NS (700 * GKV_NS_PER_MS)
#define DIAL_TIMEOUT_NS (3000 * GKV_NS_PER_MS)
#define RESEND_NS_MIN (200 * GKV_NS_PER_MS)       /* Linux's least retransmission timeout */
#define RESEND_DIAL_NS_MIN (1000 * GKV_NS_PER_MS) /* before a round trip was seen: RFC 6298, 2.1 */
#define RESEND_COUNT_MAX 6
#define PACKET_BYTES 1448
#define TAIL_FACTOR 20
#define TAIL_NS_MAX (300 * GKV_NS_PER_MS)  /* of links that are slow already */
#define QUEUE_NS_MAX (200 * GKV_NS_PER_MS) /* a narrow link drops datagrams beyond */
#define HELD_NS_MAX (50 * GKV_NS_PER_MS)   /* then a link that held is asked again */
#define FLIP_COUNT_MAX 32
#define TRICKLE_BYTES 24 /* of each piece: frames and their heads begin there */

/* What is enough for 32 nodes, and in proportion for more. */
static uint32_t in_proportion(uint32_t enough, uint32_t node_count)
{
    return node_count <= GKV_NET_NOBODY_MIN ? enough : enough / GKV_NET_NOBODY_MIN * node_count;
}

/* In time every node dials every other; and some connections are over at one end only. */
uint32_t gkv_net_connection_count_max(uint32_t node_count)
{
    const uint32_t count = node_count * (node_count + GKV_NET_CONNECTION_COUNT_OVER);
    GKV_ASSERT(count <= GKV_NET_CONNECTION_COUNT_MAX);
    return count > GKV_NET_CONNECTION_COUNT ? count : GKV_NET_CONNECTION_COUNT;
}

static uint32_t pipe_bytes_of(uint32_t node_count)
{
    return node_count <= GKV_NET_NOBODY_MIN ? GKV_NET_PIPE_BYTES : GKV_NET_PIPE_BYTES_SMALL;
}

uint32_t gkv_net_parcel_count_max(uint32_t node_count)
{
    return in_proportion(GKV_NET_PARCEL_COUNT, node_count);
}

/* Streams of one node that are found at once; the others are looked for. */
static uint32_t found_count_of(uint32_t node_count)
{
    return in_proportion(GKV_NET_STREAM_COUNT, node_count);
}

static uint32_t nobody_of(uint32_t node_count)
{
    return node_count < GKV_NET_NOBODY_MIN ? GKV_NET_NOBODY_MIN : node_count;
}

size_t gkv_net_memory_bytes(uint32_t node_count)
{
    const struct gkv_net *net = NULL;
    const size_t row_count = nobody_of(node_count) + (size_t)1;
    return row_count * (sizeof(*net->links) + found_count_of(node_count) * sizeof(*net->found)) +
           gkv_net_connection_count_max(node_count) *
               (sizeof(*net->connections) + 2 * (size_t)pipe_bytes_of(node_count)) +
           gkv_net_parcel_count_max(node_count) * sizeof(*net->parcels);
}

/* Nothing is found, and every link is perfect. */
static void clear_rows(struct gkv_net *net)
{
    for (uint32_t from = 0; from <= net->nobody; from++) {
        memset(net->links[from], 0, (net->nobody + 1) * sizeof(net->links[from][0]));
    }
    memset(net->found, 0, (net->nobody + 1) * net->found_count * sizeof(*net->found));
}

void gkv_net_init(struct gkv_net *net, void *memory, uint32_t node_count, struct gkv_agenda *agenda,
                  const struct gkv_chance *chance)
{
    GKV_ASSERT(node_count < GKV_NET_NODE_COUNT_MAX);
    GKV_ASSERT((uintptr_t)memory % sizeof(uint64_t) == 0);
    memset(net, 0, sizeof(*net));
    net->agenda = agenda;
    net->chance = chance;
    net->nobody = nobody_of(node_count);
    net->connection_count_max = gkv_net_connection_count_max(node_count);
    net->parcel_count_max = gkv_net_parcel_count_max(node_count);
    net->links = memory;
    net->connections = (struct gkv_connection *)(void *)(net->links + net->nobody + 1);
    net->parcels = (struct gkv_parcel *)(void *)(net->connections + net->connection_count_max);
    net->found = (uint32_t *)(void *)(net->parcels + net->parcel_count_max);
    net->found_count = found_count_of(node_count);
    net->pipe_bytes = (uint8_t *)(net->found + (net->nobody + 1) * net->found_count);
    clear_rows(net);
    net->pipe_bytes_each = pipe_bytes_of(node_count);
    net->window_bytes = net->pipe_bytes_each;
    net->connection_free = GKV_NET_NONE;
    net->parcel_free = GKV_NET_NONE;
}

/* Memory is touched when a place is first taken, and given places are taken again first: most
 * worlds are small, and the system hands out their pages one by one. */
static uint32_t take_connection(struct gkv_net *net)
{
    uint32_t index = net->connection_free;
    if (index != GKV_NET_NONE) {
        net->connection_free = net->connections[index].next_free;
        return index;
    }
    GKV_ASSERT(net->connection_count < net->connection_count_max);
    index = net->connection_count++;
    struct gkv_connection *connection = &net->connections[index];
    memset(connection, 0, sizeof(*connection));
    connection->pipes[0].bytes = net->pipe_bytes + (size_t)index * 2 * net->pipe_bytes_each;
    connection->pipes[1].bytes = connection->pipes[0].bytes + net->pipe_bytes_each;
    return index;
}

/* GKV_NET_NONE when all are under way. */
static uint32_t take_parcel(struct gkv_net *net)
{
    const uint32_t index = net->parcel_free;
    if (index != GKV_NET_NONE) {
        net->parcel_free = net->parcels[index].next_free;
        return index;
    }
    return net->parcel_count < net->parcel_count_max ? net->parcel_count++ : GKV_NET_NONE;
}

/* ---- Time on the way ------------------------------------------------------------------------- */

/* The draws that follow are about a link. */
static void draw_about(struct gkv_net *net, const struct gkv_link *link)
{
    net->about = (uint32_t)(link - &net->links[0][0]);
}

static uint64_t transit_ns(struct gkv_net *net, const struct gkv_link *link)
{
    draw_about(net, link);
    uint64_t transit = link->latency_ns;
    transit += gkv_chance_below(net->chance, "net.jitter", link->jitter_ns + 1);
    if (gkv_chance_happens(net->chance, "net.tail", link->tail_ppm)) {
        const uint64_t tail_ns = TAIL_FACTOR * link->latency_ns;
        transit += tail_ns < TAIL_NS_MAX ? tail_ns : TAIL_NS_MAX;
    }
    return transit;
}

/* When so many bytes that are sent now arrive. */
static uint64_t arrival_ns(struct gkv_net *net, uint64_t now_ns, struct gkv_link *link,
                           size_t count)
{
    uint64_t start_ns = now_ns;
    if (link->bytes_per_s > 0) {
        net->stats.queued_count += start_ns < link->busy_until_ns;
        start_ns = start_ns < link->busy_until_ns ? link->busy_until_ns : start_ns;
        start_ns += count * UINT64_C(1000000000) / link->bytes_per_s;
        link->busy_until_ns = start_ns;
    }
    return start_ns + transit_ns(net, link);
}

/* How much later `count` bytes of a stream come, because packets of them are lost: those are sent
 * again after a timeout that doubles, and the last time arrive. Quicker ways that TCP has (fast
 * retransmit, tail loss probes) are left out. */
static uint64_t resend_ns(struct gkv_net *net, const struct gkv_link *link, size_t count,
                          uint64_t timeout_ns)
{
    uint64_t late_ns = 0;
    size_t lost_count = link->resend_ppm == 0 ? 0 : 1 + (count > 0 ? count - 1 : 0) / PACKET_BYTES;
    draw_about(net, link);
    for (uint32_t i = 0; i < RESEND_COUNT_MAX && lost_count > 0; i++) {
        size_t lost_again_count = 0;
        for (size_t packet = 0; packet < lost_count; packet++) {
            lost_again_count += gkv_chance_happens(net->chance, "net.resend", link->resend_ppm);
        }
        late_ns += lost_again_count > 0 ? timeout_ns << i : 0;
        lost_count = lost_again_count;
    }
    return late_ns;
}

/* Spoil bytes on their way, or leave them alone. */
static void flip_bits(struct gkv_net *net, const struct gkv_link *link, uint8_t *bytes,
                      size_t count)
{
    if (count == 0 || !gkv_chance_happens(net->chance, "net.flip", link->flip_ppm)) {
        return;
    }
    const uint64_t flip_count = 1 + gkv_chance_below(net->chance, "net.flips", FLIP_COUNT_MAX);
    for (uint64_t i = 0; i < flip_count; i++) {
        const uint64_t bit = gkv_chance_below(net->chance, "net.bit", 8 * count);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    net->stats.flipped_count++;
}

/* How many of count bytes are left of them at the end of their way. */
static size_t truncate(struct gkv_net *net, const struct gkv_link *link, size_t count)
{
    if (count == 0 || !gkv_chance_happens(net->chance, "net.truncate", link->truncation_ppm)) {
        return count;
    }
    net->stats.truncated_count++;
    return count - 1 - (size_t)gkv_chance_below(net->chance, "net.missing", count);
}

static void schedule(struct gkv_net *net, uint64_t time_ns, enum gkv_occasion_kind kind,
                     uint32_t index, uint64_t argument)
{
    const uint32_t generation =
        kind == GKV_OCCASION_DATAGRAM ? 0 : net->connections[index].generation;
    gkv_agenda_add(net->agenda, &(struct gkv_occasion){
                                    .time_ns = time_ns,
                                    .tie = (uint32_t)gkv_chance_below(net->chance, "net.tie", 256),
                                    .kind = kind,
                                    .index = index,
                                    .generation = generation,
                                    .argument = argument,
                                });
}

/* As TCP's retransmission timer: each try waits twice as long. */
static uint64_t retry_ns(uint32_t *retry_count)
{
    const uint32_t doublings = *retry_count < 4 ? (*retry_count)++ : 4;
    const uint64_t wait_ns = RETRY_NS_MIN << doublings;
    return wait_ns < RETRY_NS_MAX ? wait_ns : RETRY_NS_MAX;
}

/* Does a link hold back what should arrive now? Then it is tried again. */
static bool holds_back(struct gkv_net *net, uint64_t now_ns, const struct gkv_link *link,
                       const struct gkv_occasion *occasion)
{
    if (link->held_until_ns <= now_ns) {
        return false;
    }
    const uint64_t left_ns = link->held_until_ns - now_ns;
    net->stats.held_count++;
    schedule(net, now_ns + (left_ns < HELD_NS_MAX ? left_ns : HELD_NS_MAX), occasion->kind,
             occasion->index, occasion->argument);
    return true;
}

/* ---- Datagrams ------------------------------------------------------------------------------- */

static void send_parcel(struct gkv_net *net, uint64_t now_ns, const struct gkv_parcel *head,
                        struct gkv_bytes bytes)
{
    /* The agenda keeps room for what cannot be lost. */
    const bool has_room = gkv_agenda_room(net->agenda) >= net->agenda->capacity / 4;
    const uint32_t index = has_room ? take_parcel(net) : GKV_NET_NONE;
    if (index == GKV_NET_NONE) {
        net->stats.datagram_lost_count++;
        return;
    }
    struct gkv_parcel *parcel = &net->parcels[index];
    parcel->from = head->from;
    parcel->to = head->to;
    struct gkv_link *link = &net->links[head->from][head->to];
    parcel->count = (uint32_t)truncate(net, link, bytes.count);
    memcpy(parcel->bytes, bytes.data, parcel->count);
    flip_bits(net, link, parcel->bytes, parcel->count);
    schedule(net, arrival_ns(net, now_ns, link, bytes.count), GKV_OCCASION_DATAGRAM, index, 0);
}

void gkv_net_send(struct gkv_net *net, uint64_t now_ns, uint32_t from, uint32_t to,
                  struct gkv_bytes bytes)
{
    GKV_ASSERT(bytes.count <= GKV_DATAGRAM_BYTES_MAX);
    GKV_ASSERT(from <= net->nobody && to <= net->nobody);

    const struct gkv_link *link = &net->links[from][to];
    const struct gkv_parcel head = {.from = from, .to = to};
    net->stats.datagram_sent_count++;
    draw_about(net, link);
    if (gkv_chance_happens(net->chance, "net.loss", link->loss_ppm) ||
        link->busy_until_ns > now_ns + QUEUE_NS_MAX) {
        net->stats.datagram_lost_count++;
        return;
    }
    send_parcel(net, now_ns, &head, bytes);
    if (gkv_chance_happens(net->chance, "net.duplicate", link->duplicate_ppm)) {
        net->stats.datagram_doubled_count++;
        send_parcel(net, now_ns, &head, bytes);
    }
}

bool gkv_net_holds_parcel(struct gkv_net *net, uint64_t now_ns, const struct gkv_occasion *occasion)
{
    const struct gkv_parcel *parcel = &net->parcels[occasion->index];
    return holds_back(net, now_ns, &net->links[parcel->from][parcel->to], occasion);
}

const struct gkv_parcel *gkv_net_parcel(struct gkv_net *net, uint32_t index)
{
    GKV_ASSERT(index < net->parcel_count);
    const struct gkv_parcel *parcel = &net->parcels[index];
    if (net->links[parcel->from][parcel->to].is_cut) {
        net->stats.datagram_lost_count++;
        return NULL;
    }
    return parcel;
}

void gkv_net_parcel_done(struct gkv_net *net, uint32_t index)
{
    net->parcels[index].next_free = net->parcel_free;
    net->parcel_free = index;
}

/* ---- Connections ----------------------------------------------------------------------------- */

static void clear_pipe(struct gkv_pipe *pipe)
{
    *pipe = (struct gkv_pipe){.bytes = pipe->bytes};
}

/* ---- Finding ends ---------------------------------------------------------------------------- */

static bool is_end_of(const struct gkv_end *end, uint32_t node, struct gkv_stream stream)
{
    return end->state != GKV_END_NONE && end->node == node && end->stream.index == stream.index &&
           end->stream.generation == stream.generation;
}

/* Where a stream was last found: twice its connection, and its end. */
static uint32_t *found_of(const struct gkv_net *net, uint32_t node, struct gkv_stream stream)
{
    return &net->found[node * net->found_count + stream.index % net->found_count];
}

/* An end begins. */
static void begin_end(struct gkv_net *net, uint32_t index, uint32_t end, const struct gkv_end *as)
{
    net->connections[index].ends[end] = *as;
    *found_of(net, as->node, as->stream) = 2 * index + end;
}

void gkv_net_dial(struct gkv_net *net, uint64_t now_ns, uint32_t from, struct gkv_stream stream,
                  uint32_t to)
{
    GKV_ASSERT(from <= net->nobody && to <= net->nobody);
    net->stats.dial_count++;
    const uint32_t index = take_connection(net);
    struct gkv_connection *connection = &net->connections[index];
    GKV_ASSERT(connection->ends[0].state == GKV_END_NONE);
    GKV_ASSERT(connection->ends[1].state == GKV_END_NONE);
    begin_end(net, index, 0,
              &(struct gkv_end){.state = GKV_END_DIALLING, .node = from, .stream = stream});
    connection->ends[1] = (struct gkv_end){.state = GKV_END_NONE, .node = to};
    clear_pipe(&connection->pipes[0]);
    clear_pipe(&connection->pipes[1]);
    connection->to = to;
    connection->dial_deadline_ns = now_ns + DIAL_TIMEOUT_NS;
    connection->retry_count = 0;
    connection->silent_until_ns = 0;
    connection->is_damaged = false;
    struct gkv_link *link = &net->links[from][to];
    draw_about(net, link);
    connection->hangs = gkv_chance_happens(net->chance, "net.hang", link->hang_ppm);
    connection->trickles = gkv_chance_happens(net->chance, "net.trickle", link->trickle_ppm);
    net->stats.dial_hung_count += connection->hangs;
    schedule(net, arrival_ns(net, now_ns, link, 0) + resend_ns(net, link, 0, RESEND_DIAL_NS_MIN),
             GKV_OCCASION_DIAL, index, 0);
}

struct gkv_connection *gkv_net_connection(struct gkv_net *net, const struct gkv_occasion *occasion)
{
    GKV_ASSERT(occasion->index < net->connection_count);
    struct gkv_connection *connection = &net->connections[occasion->index];
    return connection->generation == occasion->generation ? connection : NULL;
}

uint32_t gkv_net_find(struct gkv_net *net, uint32_t node, struct gkv_stream stream,
                      uint32_t *end_out)
{
    uint32_t *found = found_of(net, node, stream);
    for (uint32_t i = 0; i <= 2 * net->connection_count; i++) {
        /* First where it was last time, then everywhere. */
        const uint32_t place = i == 0 ? *found : i - 1;
        if (place < 2 * net->connection_count &&
            is_end_of(&net->connections[place / 2].ends[place % 2], node, stream)) {
            *found = place;
            *end_out = place % 2;
            return place / 2;
        }
    }
    return GKV_NET_NONE;
}

/* The way between the ends is cut: try again, or give up. */
static enum gkv_dial_outcome wait_or_fail(struct gkv_net *net, uint64_t now_ns,
                                          const struct gkv_occasion *occasion)
{
    struct gkv_connection *connection = &net->connections[occasion->index];
    if (now_ns >= connection->dial_deadline_ns) {
        net->stats.dial_failed_count++;
        return GKV_DIAL_FAILS;
    }
    schedule(net, now_ns + retry_ns(&connection->retry_count), occasion->kind, occasion->index, 0);
    return GKV_DIAL_WAITS;
}

enum gkv_dial_outcome gkv_net_on_dial(struct gkv_net *net, uint64_t now_ns,
                                      const struct gkv_occasion *occasion)
{
    const struct gkv_connection *connection = &net->connections[occasion->index];
    GKV_ASSERT(connection->ends[0].state == GKV_END_DIALLING);
    const struct gkv_link *link = &net->links[connection->ends[0].node][connection->to];
    if (link->is_cut || connection->hangs || link->held_until_ns > now_ns) {
        return wait_or_fail(net, now_ns, occasion);
    }
    draw_about(net, link);
    if (gkv_chance_happens(net->chance, "net.refuse", link->refusal_ppm)) {
        net->stats.dial_refused_count++;
        return GKV_DIAL_REFUSED;
    }
    return GKV_DIAL_ARRIVES;
}

enum gkv_dial_outcome gkv_net_on_dialled(struct gkv_net *net, uint64_t now_ns,
                                         const struct gkv_occasion *occasion)
{
    struct gkv_connection *connection = &net->connections[occasion->index];
    if (connection->ends[0].state != GKV_END_DIALLING) {
        return GKV_DIAL_WAITS; /* who dialled is gone, and the other end will hear of it */
    }
    if (net->links[connection->to][connection->ends[0].node].is_cut) {
        return wait_or_fail(net, now_ns, occasion);
    }
    if (connection->ends[1].state == GKV_END_NONE) {
        net->stats.dial_failed_count++;
        return GKV_DIAL_FAILS; /* refused, or accepted and closed since */
    }
    connection->ends[0].state = GKV_END_OPEN;
    return GKV_DIAL_ARRIVES;
}

void gkv_net_answer(struct gkv_net *net, uint64_t now_ns, uint32_t index,
                    const struct gkv_stream *stream)
{
    struct gkv_connection *connection = &net->connections[index];
    GKV_ASSERT(connection->ends[1].state == GKV_END_NONE);
    if (stream != NULL) {
        begin_end(
            net, index, 1,
            &(struct gkv_end){.state = GKV_END_OPEN, .node = connection->to, .stream = *stream});
    }
    connection->retry_count = 0;
    struct gkv_link *back = &net->links[connection->to][connection->ends[0].node];
    const uint64_t dialled_ns =
        arrival_ns(net, now_ns, back, 0) + resend_ns(net, back, 0, RESEND_DIAL_NS_MIN);
    schedule(net, dialled_ns, GKV_OCCASION_DIALLED, index, 0);
    if (stream != NULL && gkv_chance_happens(net->chance, "net.slam", back->slam_ppm)) {
        net->stats.dial_slammed_count++;
        schedule(net, dialled_ns + 1, GKV_OCCASION_RESET, index, 1);
    }
}

/* Give a connection back when neither end is left. */
static void free_connection(struct gkv_net *net, uint32_t index)
{
    struct gkv_connection *connection = &net->connections[index];
    connection->generation++;
    connection->next_free = net->connection_free;
    net->connection_free = index;
}

/* Tell the other end, once what is under way to it has arrived. */
static void schedule_reset(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end)
{
    const struct gkv_connection *connection = &net->connections[index];
    const uint32_t from = connection->ends[1 - end].node;
    const struct gkv_link *link = &net->links[from][connection->ends[end].node];
    uint64_t time_ns = now_ns + transit_ns(net, link);
    if (time_ns < connection->pipes[1 - end].last_arrival_ns) {
        time_ns = connection->pipes[1 - end].last_arrival_ns;
    }
    if (time_ns < connection->silent_until_ns) {
        time_ns = connection->silent_until_ns;
    }
    schedule(net, time_ns + 1, GKV_OCCASION_RESET, index, end);
}

void gkv_net_end_gone(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end)
{
    struct gkv_connection *connection = &net->connections[index];
    GKV_ASSERT(connection->ends[end].state != GKV_END_NONE);
    connection->ends[end].state = GKV_END_NONE;
    if (connection->ends[1 - end].state == GKV_END_NONE) {
        free_connection(net, index);
    } else if (connection->ends[1 - end].state == GKV_END_OPEN) {
        schedule_reset(net, now_ns, index, 1 - end);
    }
}

void gkv_net_crash(struct gkv_net *net, uint64_t now_ns, uint32_t node, uint64_t silent_ns)
{
    for (uint32_t i = 0; i < net->connection_count; i++) {
        for (uint32_t end = 0; end < 2; end++) {
            struct gkv_end *gone = &net->connections[i].ends[end];
            if (gone->state != GKV_END_NONE && gone->node == node) {
                gkv_net_end_gone(net, now_ns + silent_ns, i, end);
            }
        }
    }
}

void gkv_net_reset_at(struct gkv_net *net, uint64_t time_ns, uint32_t index, uint32_t end)
{
    GKV_ASSERT(net->connections[index].ends[end].state != GKV_END_NONE);
    schedule(net, time_ns, GKV_OCCASION_RESET, index, end);
}

bool gkv_net_on_reset(struct gkv_net *net, uint64_t now_ns, const struct gkv_occasion *occasion)
{
    struct gkv_connection *connection = &net->connections[occasion->index];
    const uint32_t end = (uint32_t)occasion->argument;
    if (connection->ends[end].state == GKV_END_NONE) {
        return false;
    }
    const uint32_t from = connection->ends[1 - end].node;
    if (net->links[from][connection->ends[end].node].is_cut) {
        schedule(net, now_ns + retry_ns(&connection->retry_count), GKV_OCCASION_RESET,
                 occasion->index, end);
        return false;
    }
    net->stats.stream_broken_count++;
    return true;
}

bool gkv_net_sever(struct gkv_net *net, uint64_t now_ns, uint32_t first, uint32_t end,
                   uint64_t silent_ns)
{
    for (uint32_t i = 0; i < net->connection_count; i++) {
        const uint32_t index = (first + i) % net->connection_count;
        struct gkv_connection *connection = &net->connections[index];
        if (connection->ends[0].state != GKV_END_OPEN ||
            connection->ends[1].state != GKV_END_OPEN) {
            continue;
        }
        net->stats.stream_severed_count++;
        connection->silent_until_ns = now_ns + silent_ns;
        schedule(net, now_ns, GKV_OCCASION_RESET, index, end);
        if (silent_ns == 0) {
            schedule(net, now_ns, GKV_OCCASION_RESET, index, 1 - end);
        }
        return true;
    }
    return false;
}

void gkv_net_recover(struct gkv_net *net, uint64_t now_ns)
{
    for (uint32_t i = 0; i < net->connection_count; i++) {
        struct gkv_connection *connection = &net->connections[i];
        for (uint32_t end = 0; end < 2; end++) {
            if (connection->ends[end].state == GKV_END_OPEN &&
                (connection->is_damaged || connection->ends[1 - end].state == GKV_END_NONE)) {
                schedule(net, now_ns, GKV_OCCASION_RESET, i, end);
            }
        }
        connection->silent_until_ns = 0;
        connection->hangs = false;
    }
}

/* ---- Stream bytes ---------------------------------------------------------------------------- */

size_t gkv_net_room(const struct gkv_net *net, uint32_t index, uint32_t end)
{
    const struct gkv_pipe *pipe = &net->connections[index].pipes[end];
    const size_t waiting = (size_t)(pipe->written - pipe->delivered);
    return net->window_bytes - waiting;
}

/* Note that bytes up to `written`, count of them new, arrive as one piece. Order is kept: no piece
 * overtakes the last. */
static void add_segment(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end,
                        size_t count)
{
    struct gkv_connection *connection = &net->connections[index];
    struct gkv_pipe *pipe = &connection->pipes[end];
    const uint32_t from = connection->ends[end].node;
    const uint32_t to = connection->ends[1 - end].node;
    uint64_t due_ns = arrival_ns(net, now_ns, &net->links[from][to], count) +
                      resend_ns(net, &net->links[from][to], count, RESEND_NS_MIN);
    if (due_ns < pipe->last_arrival_ns) {
        due_ns = pipe->last_arrival_ns;
    }
    pipe->last_arrival_ns = due_ns;
    uint32_t last = pipe->segment_first + pipe->segment_count;
    if (pipe->segment_count == GKV_NET_SEGMENT_COUNT) {
        last--; /* no place: the last piece grows */
    } else {
        pipe->segment_count++;
    }
    pipe->segments[last % GKV_NET_SEGMENT_COUNT].until = pipe->written;
    pipe->segments[last % GKV_NET_SEGMENT_COUNT].arrival_ns = due_ns;
    if (pipe->segment_count == 1) {
        schedule(net, due_ns, GKV_OCCASION_SEGMENT, index, end);
    }
}

/* Where byte `at` of all that a pipe ever carried lies in its ring, and how many of the `count`
 * from there on lie before the ring's end. */
static uint8_t *ring_place(const struct gkv_net *net, const struct gkv_pipe *pipe, uint64_t at,
                           size_t count, size_t *first_out)
{
    const size_t place = (size_t)(at % net->pipe_bytes_each);
    const size_t left = net->pipe_bytes_each - place;
    *first_out = count < left ? count : left;
    return pipe->bytes + place;
}

/* Put a piece on its way, whole and sound if its link is. */
static void write_piece(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end,
                        struct gkv_bytes bytes)
{
    struct gkv_connection *connection = &net->connections[index];
    struct gkv_pipe *pipe = &connection->pipes[end];
    const struct gkv_link *link =
        &net->links[connection->ends[end].node][connection->ends[1 - end].node];
    const uint64_t spoilt_before = net->stats.flipped_count + net->stats.truncated_count;
    const size_t count = truncate(net, link, bytes.count);
    size_t first = 0;
    uint8_t *place = ring_place(net, pipe, pipe->written, count, &first);
    memcpy(place, bytes.data, first);
    memcpy(pipe->bytes, bytes.data + first, count - first);
    pipe->written += count;
    flip_bits(net, link, place, first);
    if (net->stats.flipped_count + net->stats.truncated_count > spoilt_before) {
        connection->is_damaged = true;
    }
    if (count > 0) {
        add_segment(net, now_ns, index, end, count);
    }
}

void gkv_net_write(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end,
                   struct gkv_bytes bytes)
{
    struct gkv_connection *connection = &net->connections[index];
    GKV_ASSERT(connection->ends[end].state == GKV_END_OPEN);
    GKV_ASSERT(bytes.count <= gkv_net_room(net, index, end));

    const struct gkv_link *link =
        &net->links[connection->ends[end].node][connection->ends[1 - end].node];
    size_t done = 0;
    draw_about(net, link);
    while (done < bytes.count) {
        size_t piece = bytes.count - done;
        if (gkv_chance_happens(net->chance, "net.split", link->split_ppm)) {
            piece -= (size_t)gkv_chance_below(net->chance, "net.piece", piece);
        }
        write_piece(net, now_ns, index, end,
                    (struct gkv_bytes){.data = bytes.data + done, .count = piece});
        done += piece;
    }
    if (gkv_chance_happens(net->chance, "net.break", link->break_ppm)) {
        /* Both ends are told; the bytes that come after the break are lost. */
        schedule(net, now_ns + transit_ns(net, link), GKV_OCCASION_RESET, index, 1 - end);
    }
}

size_t gkv_net_on_segment(struct gkv_net *net, uint64_t now_ns, const struct gkv_occasion *occasion,
                          bool *sender_gone_out)
{
    const uint32_t end = (uint32_t)occasion->argument;
    struct gkv_connection *connection = &net->connections[occasion->index];
    struct gkv_pipe *pipe = &connection->pipes[end];
    const struct gkv_link *link =
        &net->links[connection->ends[end].node][connection->ends[1 - end].node];
    GKV_ASSERT(pipe->segment_count > 0);

    *sender_gone_out = false;
    if (holds_back(net, now_ns, link, occasion)) {
        return 0;
    }
    if (!link->is_cut) {
        pipe->stalled_ns = 0;
        pipe->retry_count = 0;
        net->stats.segment_count++;
        return (size_t)(pipe->segments[pipe->segment_first % GKV_NET_SEGMENT_COUNT].until -
                        pipe->delivered);
    }
    net->stats.segment_stalled_count++;
    if (pipe->stalled_ns == 0) {
        pipe->stalled_ns = now_ns;
    }
    if (link->resets && now_ns - pipe->stalled_ns >= RESET_AFTER_NS &&
        connection->ends[end].state == GKV_END_OPEN) {
        *sender_gone_out = true;
        return 0;
    }
    schedule(net, now_ns + retry_ns(&pipe->retry_count), GKV_OCCASION_SEGMENT, occasion->index,
             end);
    return 0;
}

size_t gkv_net_portion(struct gkv_net *net, uint32_t index, uint32_t end, size_t count)
{
    const struct gkv_connection *connection = &net->connections[index];
    const struct gkv_pipe *pipe = &connection->pipes[end];
    if (!connection->trickles || pipe->delivered - pipe->piece_start >= TRICKLE_BYTES) {
        return count;
    }
    net->stats.trickled_count++;
    return count < 1 ? count : 1;
}

void gkv_net_take(struct gkv_net *net, uint32_t index, uint32_t end, uint8_t *out, size_t count)
{
    struct gkv_pipe *pipe = &net->connections[index].pipes[end];
    GKV_ASSERT(count <= pipe->written - pipe->delivered);
    size_t first = 0;
    const uint8_t *place = ring_place(net, pipe, pipe->delivered, count, &first);
    memcpy(out, place, first);
    memcpy(out + first, pipe->bytes, count - first);
    pipe->delivered += count;
}

void gkv_net_segment_done(struct gkv_net *net, uint64_t now_ns, uint32_t index, uint32_t end)
{
    struct gkv_pipe *pipe = &net->connections[index].pipes[end];
    GKV_ASSERT(pipe->segment_count > 0);
    const uint32_t first = pipe->segment_first % GKV_NET_SEGMENT_COUNT;
    pipe->delivered = pipe->segments[first].until;
    pipe->piece_start = pipe->delivered;
    pipe->segment_first++;
    pipe->segment_count--;
    if (pipe->segment_count == 0) {
        return;
    }
    uint64_t arrival_ns = pipe->segments[pipe->segment_first % GKV_NET_SEGMENT_COUNT].arrival_ns;
    if (arrival_ns < now_ns) {
        arrival_ns = now_ns;
    }
    schedule(net, arrival_ns, GKV_OCCASION_SEGMENT, index, end);
}

uint64_t gkv_net_in_flight_bytes(const struct gkv_net *net)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < net->connection_count; i++) {
        const struct gkv_connection *connection = &net->connections[i];
        for (uint32_t end = 0; end < 2; end++) {
            if (connection->ends[1 - end].state == GKV_END_OPEN) {
                total += connection->pipes[end].written - connection->pipes[end].delivered;
            }
        }
    }
    return total;
}
