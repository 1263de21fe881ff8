/* What one quorum set and get cost without sockets and threads: three endpoints in one thread, N=3,
 * W=2, R=2, that many operations at a time, and the bytes between them carried by memcpy.
 *
 * Prints medians of ROUNDS rounds, in ns of processor time per operation: at the coordinator, and
 * at each of the two replicas. For the instructions: valgrind --tool=callgrind.
 *
 * Usage: bench_quorum [WINDOW [OPERATIONS [set|get]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "core/prng.h"
#include "proto/endpoint.h"

#define NODE_COUNT 3
#define ROUNDS 5
#define KEY_COUNT 10000
#define KEY_BYTES 16
#define VALUE_BYTES 100
#define WINDOW_MAX 1024
#define WINDOW 64
#define OPERATIONS_PER_ROUND 64000
#define JOIN_TURNS_MAX 100000
#define TURN_NS (100 * UINT64_C(1000)) /* of the made-up clock */
#define STREAM_COUNT 256

/* Who hears what is sent on a dialled stream: a node, and its handle of the stream. */
struct line {
    struct gkv_stream spoken;
    struct gkv_stream heard;
    uint32_t listener;
    bool has_bytes;
};

struct node {
    struct gkv_endpoint *endpoint;
    struct gkv_address address;
    struct line lines[STREAM_COUNT]; /* of the streams that it dialled, by index */
    uint64_t spent_ns;               /* processor time */
};

struct datagram {
    uint32_t from;
    uint32_t to;
    size_t count;
    uint8_t bytes[1400];
};

#define DATAGRAM_COUNT_MAX 4096

static struct node nodes[NODE_COUNT];
static struct datagram datagrams[DATAGRAM_COUNT_MAX];
static uint32_t datagram_count;
static struct gkv_now now = {.mono_ns = 1000000000, .wall_ms = UINT64_C(1700000000000)};
static uint64_t completed_count;
static uint64_t failed_count;
static struct gkv_prng prng;

static _Noreturn void fail(const char *what)
{
    (void)fprintf(stderr, "bench_quorum: %s\n", what);
    exit(1);
}

static uint64_t clock_ns(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* ---- The world between the endpoints. -------------------------------------------------------- */

static uint32_t node_at(const struct gkv_address *address)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        if (gkv_address_equal(&nodes[i].address, address)) {
            return i;
        }
    }
    fail("a message to nobody");
}

/* A connect succeeds at once. */
static void open_line(uint32_t from, struct gkv_stream stream, const struct gkv_address *address)
{
    struct line *line = &nodes[from].lines[stream.index];
    *line = (struct line){.spoken = stream, .listener = node_at(address), .has_bytes = true};
    if (gkv_endpoint_on_accepted(nodes[line->listener].endpoint, now, &line->heard) != GKV_OK) {
        fail("a stream was refused");
    }
    gkv_endpoint_on_connected(nodes[from].endpoint, now, stream);
}

static void send_datagram(const struct gkv_output *output, uint32_t from)
{
    if (datagram_count < DATAGRAM_COUNT_MAX) {
        struct datagram *datagram = &datagrams[datagram_count++];
        datagram->from = from;
        datagram->to = node_at(&output->as.datagram.address);
        datagram->count = output->as.datagram.bytes.count;
        memcpy(datagram->bytes, output->as.datagram.bytes.data, datagram->count);
    }
}

static void take_outputs(uint32_t index)
{
    struct gkv_output output;
    while (gkv_endpoint_next_output(nodes[index].endpoint, &output)) {
        switch (output.kind) {
        case GKV_OUTPUT_DATAGRAM:
            send_datagram(&output, index);
            break;
        case GKV_OUTPUT_CONNECT:
            open_line(index, output.as.connect.stream, &output.as.connect.address);
            break;
        case GKV_OUTPUT_SEND:
            nodes[index].lines[output.as.stream.index].has_bytes = true;
            break;
        case GKV_OUTPUT_COMPLETE:
            completed_count++;
            failed_count += output.as.result.error != GKV_OK;
            break;
        case GKV_OUTPUT_CLOSE:
        case GKV_OUTPUT_MEMBER:
        case GKV_OUTPUT_DEGRADED:
            break;
        }
    }
}

static uint8_t bytes_under_way[4 * 1024 * 1024];

/* What waits on a line, as a socket would take it. */
static size_t send_line(struct node *node, const struct line *line)
{
    struct gkv_bytes pieces[2];
    size_t count = 0;
    gkv_endpoint_pending(node->endpoint, line->spoken, pieces);
    for (int i = 0; i < 2; i++) {
        if (pieces[i].count > 0) {
            memcpy(bytes_under_way + count, pieces[i].data, pieces[i].count);
            count += pieces[i].count;
        }
    }
    gkv_endpoint_sent(node->endpoint, line->spoken, count);
    return count;
}

static void receive(uint32_t index, struct gkv_stream stream, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t room = 0;
        uint8_t *buffer = gkv_endpoint_receive_buffer(nodes[index].endpoint, stream, &room);
        const size_t piece = count - done < room ? count - done : room;
        if (piece == 0) {
            fail("a stream has no room");
        }
        memcpy(buffer, bytes_under_way + done, piece);
        gkv_endpoint_on_received(nodes[index].endpoint, now, stream, piece);
        take_outputs(index);
        done += piece;
    }
}

static void pass_line(uint32_t from, struct line *line)
{
    const uint64_t start_ns = clock_ns();
    line->has_bytes = false;
    const size_t count = send_line(&nodes[from], line);
    const uint64_t sent_ns = clock_ns();
    receive(line->listener, line->heard, count);
    nodes[from].spent_ns += sent_ns - start_ns;
    nodes[line->listener].spent_ns += clock_ns() - sent_ns;
}

static bool pass_lines_of(uint32_t from)
{
    bool is_any = false;
    for (uint32_t i = 0; i < STREAM_COUNT; i++) {
        if (nodes[from].lines[i].has_bytes) {
            pass_line(from, &nodes[from].lines[i]);
            is_any = true;
        }
    }
    return is_any;
}

/* Carry bytes until there are none. */
static void pass_streams(void)
{
    for (uint32_t quiet_count = 0, from = 0; quiet_count < NODE_COUNT;
         from = (from + 1) % NODE_COUNT) {
        quiet_count = pass_lines_of(from) ? 0 : quiet_count + 1;
    }
}

static void pass_datagrams(void)
{
    for (uint32_t i = 0; i < datagram_count; i++) {
        const struct datagram *datagram = &datagrams[i];
        gkv_endpoint_on_datagram(nodes[datagram->to].endpoint, now, &nodes[datagram->from].address,
                                 (struct gkv_bytes){datagram->bytes, datagram->count});
        take_outputs(datagram->to);
    }
    datagram_count = 0;
}

/* Time passes, and who waited for it is told. */
static void turn(void)
{
    now.mono_ns += TURN_NS;
    now.wall_ms = UINT64_C(1700000000000) + now.mono_ns / GKV_NS_PER_MS;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        if (gkv_endpoint_deadline_ns(nodes[i].endpoint) <= now.mono_ns) {
            gkv_endpoint_on_timer(nodes[i].endpoint, now);
            take_outputs(i);
        }
    }
    pass_streams();
    pass_datagrams();
}

/* ---- The cluster. ---------------------------------------------------------------------------- */

static void open_node(uint32_t index)
{
    struct node *node = &nodes[index];
    struct gkv_options options;
    char name[8];
    gkv_options_init(&options);
    (void)snprintf(name, sizeof(name), "n%u", index);
    node->address = (struct gkv_address){.count = 7, .bytes = {4, 127, 0, 0, 1, 1, (uint8_t)index}};
    if (gkv_name_from_text(name, strlen(name), &options.name) != GKV_OK) {
        fail("a name was refused");
    }
    options.address = node->address;
    options.boot_id = 1 + index;
    options.seed[0] = 1 + index;
    options.bootstrap_expect = NODE_COUNT;
    options.seeds[0] = nodes[0].address;
    options.seed_count = index == 0 ? 0 : 1;
    options.cluster_hash = 1;
    const size_t bytes = gkv_endpoint_memory_bytes(&options);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == 0 || memory == MAP_FAILED ||
        gkv_endpoint_init(memory, bytes, &options, &node->endpoint) != GKV_OK) {
        fail("a node could not be made");
    }
}

static bool is_ready(void)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        const struct gkv_node *node = gkv_endpoint_node(nodes[i].endpoint);
        if (!gkv_node_is_ready(node) || gkv_node_stats(node).reachable_count < NODE_COUNT) {
            return false;
        }
    }
    return true;
}

/* ---- Operations. ----------------------------------------------------------------------------- */

static uint8_t keys[KEY_COUNT][KEY_BYTES];

static void make_keys(void)
{
    for (uint32_t number = 0; number < KEY_COUNT; number++) {
        char text[KEY_BYTES + 1];
        (void)snprintf(text, sizeof(text), "%016x", number);
        memcpy(keys[number], text, KEY_BYTES);
    }
}

static void submit(bool is_set, uint32_t number)
{
    static const uint8_t value[VALUE_BYTES] = "value";
    const struct gkv_operation operation = {
        .kind = is_set ? GKV_OPERATION_SET : GKV_OPERATION_GET,
        .key = {keys[number], KEY_BYTES},
        .value = {is_set ? value : NULL, is_set ? VALUE_BYTES : 0},
    };
    gkv_endpoint_submit(nodes[0].endpoint, now, &operation);
    take_outputs(0);
}

struct cost {
    double coordinator_ns;
    double replica_ns;
};

static struct cost run_round(bool is_set, uint32_t window, uint64_t operation_count)
{
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        nodes[i].spent_ns = 0;
    }
    for (uint64_t done = 0; done < operation_count; done += window) {
        const uint64_t start_ns = clock_ns();
        for (uint32_t i = 0; i < window; i++) {
            submit(is_set, (uint32_t)gkv_prng_below(&prng, KEY_COUNT));
        }
        nodes[0].spent_ns += clock_ns() - start_ns;
        turn();
    }
    const double count = (double)operation_count;
    return (struct cost){
        .coordinator_ns = (double)nodes[0].spent_ns / count,
        .replica_ns = (double)(nodes[1].spent_ns + nodes[2].spent_ns) / 2 / count,
    };
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(bool is_set, uint32_t window, uint64_t operation_count)
{
    double coordinator[ROUNDS];
    double replica[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        const struct cost cost = run_round(is_set, window, operation_count);
        coordinator[i] = cost.coordinator_ns;
        replica[i] = cost.replica_ns;
    }
    qsort(coordinator, ROUNDS, sizeof(coordinator[0]), compare);
    qsort(replica, ROUNDS, sizeof(replica[0]), compare);
    printf("%s: coordinator %.0f ns, replica %.0f ns\n", is_set ? "set" : "get",
           coordinator[ROUNDS / 2], replica[ROUNDS / 2]);
}

int main(int argc, char **argv)
{
    const unsigned long window = argc > 1 ? strtoul(argv[1], NULL, 10) : WINDOW;
    const unsigned long operation_count =
        argc > 2 ? strtoul(argv[2], NULL, 10) : OPERATIONS_PER_ROUND;
    const bool is_set_wanted = argc <= 3 || strcmp(argv[3], "set") == 0;
    const bool is_get_wanted = argc <= 3 || strcmp(argv[3], "get") == 0;
    if (window == 0 || window > WINDOW_MAX || operation_count == 0 ||
        (!is_set_wanted && !is_get_wanted)) {
        fail("usage: bench_quorum [WINDOW [OPERATIONS [set|get]]]");
    }
    gkv_prng_init(&prng, 1, 0);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        open_node(i);
    }
    for (uint32_t i = 0; i < JOIN_TURNS_MAX && !is_ready(); i++) {
        turn();
    }
    if (!is_ready()) {
        fail("the nodes do not meet");
    }
    make_keys();
    for (uint32_t number = 0; number < KEY_COUNT; number++) {
        submit(true, number);
        if (number % WINDOW == 0) {
            turn();
        }
    }
    turn();
    if (is_set_wanted) {
        run(true, (uint32_t)window, operation_count);
    }
    if (is_get_wanted) {
        run(false, (uint32_t)window, operation_count);
    }
    const uint64_t run_count = is_set_wanted && is_get_wanted ? 2 : 1;
    if (failed_count > 0 || completed_count < run_count * ROUNDS * operation_count) {
        fail("operations failed");
    }
    return 0;
}
