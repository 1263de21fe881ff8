/* One endpoint, and a world that does whatever the input says: the bytes are a program of
 * connections, chunks, datagrams, operations and time. Whatever happens, what the endpoint asks of
 * its shim makes sense, every operation completes once, and in the end none is open. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/hlc.h"
#include "core/panic.h"
#include "fuzz/harness.h"
#include "proto/bounds.h"
#include "proto/codec.h"
#include "proto/endpoint.h"
#include "proto/frame.h"

#define STREAM_COUNT_MAX 64
#define OPERATION_COUNT_MAX 256
#define OUTPUT_COUNT_MAX 100000 /* of one input; far more than any can cause */
#define PIECE_BYTES_MAX 4096
#define CLUSTER 42
#define BOOT 1000
#define SYNC_INTERVAL_MS 10000

enum stream_state {
    STREAM_UNUSED = 0,
    STREAM_DIALLING,
    STREAM_DIALLED,
    STREAM_ACCEPTED
};

struct stream {
    enum stream_state state;
    struct gkv_stream handle;
};

struct run {
    struct gkv_endpoint *endpoint;
    struct gkv_codec *codec;
    struct gkv_now now;
    struct gkv_bytes program;
    struct stream streams[STREAM_COUNT_MAX];
    uint32_t submitted_count;
    bool is_completed[OPERATION_COUNT_MAX];
    uint8_t piece[GKV_FRAME_HEADER_BYTES + PIECE_BYTES_MAX];
};

/* ---- The program ---- */

static uint8_t next_byte(struct run *run)
{
    if (run->program.count == 0) {
        return 0;
    }
    run->program.count--;
    return *run->program.data++;
}

/* As many of the next bytes as the next one says, in units of `unit`. */
static struct gkv_bytes next_bytes(struct run *run, size_t unit)
{
    size_t count = next_byte(run) * unit;
    count = count < run->program.count ? count : run->program.count;
    count = count < PIECE_BYTES_MAX - 128 ? count : PIECE_BYTES_MAX - 128;
    const struct gkv_bytes bytes = {.data = run->program.data, .count = count};
    run->program.data += count;
    run->program.count -= count;
    return bytes;
}

static struct gkv_address address_of(uint8_t number)
{
    return (struct gkv_address){.bytes = {4, 10, 0, 0, number}, .count = 7};
}

static struct gkv_name name_of(uint8_t number)
{
    return (struct gkv_name){.bytes = {'n', (char)('0' + number % 10)}, .count = 2};
}

static void options_fill(struct gkv_options *options)
{
    gkv_options_init(options);
    options->name = name_of(0);
    options->address = address_of(0);
    options->boot_id = BOOT;
    options->seed[0] = 1;
    options->seeds[0] = address_of(1);
    options->seed_count = 1;
    options->cluster_hash = CLUSTER;
    options->memory_limit_bytes = 1024 * 1024;
    options->value_bytes_max = 512;
    options->member_count_max = 4;
    options->operation_count_max = 8;
    options->operation_memory_bytes = 16384;
    options->operation_timeout_ms = 200;
    /* A round looks at 16,384 slots: every 1,000 ms they took half of all time. */
    options->sync_interval_ms = SYNC_INTERVAL_MS;
}

/* ---- The shim ---- */

static struct stream *find_stream(struct run *run, struct gkv_stream handle)
{
    for (unsigned i = 0; i < STREAM_COUNT_MAX; i++) {
        struct stream *stream = &run->streams[i];
        if (stream->state != STREAM_UNUSED && stream->handle.index == handle.index &&
            stream->handle.generation == handle.generation) {
            return stream;
        }
    }
    return NULL;
}

static void add_stream(struct run *run, struct gkv_stream handle, enum stream_state state)
{
    GKV_ASSERT(find_stream(run, handle) == NULL);
    for (unsigned i = 0; i < STREAM_COUNT_MAX; i++) {
        if (run->streams[i].state == STREAM_UNUSED) {
            run->streams[i] = (struct stream){.state = state, .handle = handle};
            return;
        }
    }
    GKV_ASSERT(false); /* more streams than the endpoint has places */
}

static void check_pending(struct run *run, const struct stream *stream)
{
    struct gkv_bytes pieces[2];
    gkv_endpoint_pending(run->endpoint, stream->handle, pieces);
    GKV_ASSERT(pieces[0].count > 0);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 2; i++) {
        for (size_t j = 0; j < pieces[i].count; j++) {
            sum ^= pieces[i].data[j];
        }
    }
    GKV_MAYBE(sum == 0);
}

static void take_output(struct run *run, const struct gkv_output *output)
{
    struct stream *stream = NULL;
    switch (output->kind) {
    case GKV_OUTPUT_DATAGRAM:
        GKV_ASSERT(output->as.datagram.bytes.count <= GKV_DATAGRAM_BYTES_MAX);
        GKV_ASSERT(output->as.datagram.address.count > 0);
        break;
    case GKV_OUTPUT_CONNECT:
        GKV_ASSERT(output->as.connect.address.count > 0);
        add_stream(run, output->as.connect.stream, STREAM_DIALLING);
        break;
    case GKV_OUTPUT_CLOSE:
        stream = find_stream(run, output->as.stream);
        GKV_ASSERT(stream != NULL);
        stream->state = STREAM_UNUSED;
        break;
    case GKV_OUTPUT_SEND:
        stream = find_stream(run, output->as.stream);
        GKV_ASSERT(stream != NULL);
        GKV_ASSERT(stream->state == STREAM_DIALLED);
        check_pending(run, stream);
        break;
    case GKV_OUTPUT_COMPLETE:
        GKV_ASSERT(output->as.result.cookie < run->submitted_count);
        GKV_ASSERT(!run->is_completed[output->as.result.cookie]);
        run->is_completed[output->as.result.cookie] = true;
        break;
    case GKV_OUTPUT_MEMBER:
        GKV_ASSERT(output->as.member.state != GKV_MEMBER_NONE);
        break;
    case GKV_OUTPUT_DEGRADED:
        GKV_ASSERT(output->as.degraded.who.boot_id != 0);
        break;
    }
}

static void drain(struct run *run)
{
    struct gkv_output output;
    unsigned output_count = 0;
    while (gkv_endpoint_next_output(run->endpoint, &output)) {
        GKV_ASSERT(output_count < OUTPUT_COUNT_MAX);
        output_count++;
        take_output(run, &output);
    }
}

/* Let time pass, and serve the timers until none is due. */
static void advance(struct run *run, uint64_t ms)
{
    run->now.mono_ns += ms * GKV_NS_PER_MS;
    run->now.wall_ms += ms;
    for (unsigned i = 0; i < 100; i++) {
        gkv_endpoint_on_timer(run->endpoint, run->now);
        drain(run);
        if (gkv_endpoint_deadline_ns(run->endpoint) > run->now.mono_ns) {
            return;
        }
    }
    GKV_ASSERT(false); /* due for ever */
}

/* ---- Instructions ---- */

/* The longest rest sees a round of anti-entropy. */
static void rest(struct run *run, uint8_t choice)
{
    advance(run, choice == UINT8_MAX ? SYNC_INTERVAL_MS : choice * UINT64_C(10));
}

/* The stream that the next byte chooses, if it is one of `state`. */
static struct stream *choose_stream(struct run *run, enum stream_state state)
{
    const unsigned choice = next_byte(run);
    unsigned seen = 0;
    struct stream *chosen = NULL;
    for (unsigned i = 0; i < STREAM_COUNT_MAX && seen <= choice; i++) {
        if (run->streams[i].state == state) {
            chosen = &run->streams[i];
            seen++;
        }
    }
    return chosen;
}

static void receive(struct run *run, struct gkv_stream handle, struct gkv_bytes bytes)
{
    while (bytes.count > 0) {
        size_t room = 0;
        uint8_t *buffer = gkv_endpoint_receive_buffer(run->endpoint, handle, &room);
        if (room == 0) {
            GKV_ASSERT(find_stream(run, handle) == NULL);
            return;
        }
        const size_t count = bytes.count < room ? bytes.count : room;
        memcpy(buffer, bytes.data, count);
        bytes.data += count;
        bytes.count -= count;
        gkv_endpoint_on_received(run->endpoint, run->now, handle, count);
        drain(run);
    }
}

static void accept_stream(struct run *run)
{
    struct gkv_stream handle;
    if (gkv_endpoint_on_accepted(run->endpoint, run->now, &handle) == GKV_OK) {
        drain(run); /* what gave way is closed first */
        add_stream(run, handle, STREAM_ACCEPTED);
    }
    drain(run);
}

/* Seal the payload that lies in run->piece and send it down a stream. */
static void receive_frame(struct run *run, size_t payload_bytes)
{
    const struct stream *stream = choose_stream(run, STREAM_ACCEPTED);
    if (stream != NULL) {
        gkv_frame_seal(run->piece, payload_bytes);
        receive(run, stream->handle,
                (struct gkv_bytes){.data = run->piece,
                                   .count = GKV_FRAME_HEADER_BYTES + payload_bytes});
    }
}

static void say_hello(struct run *run)
{
    const uint8_t who = next_byte(run) % 4; /* 0: ourselves */
    const uint8_t wrong = next_byte(run);
    const struct gkv_name name = name_of(who);
    const struct gkv_hello hello = {
        .wire_version = wrong == 1 ? 2 : GKV_WIRE_VERSION,
        .cluster_hash = wrong == 2 ? CLUSTER + 1 : CLUSTER,
        .from = {.id = gkv_node_id_of_name(&name), .boot_id = BOOT + who},
        .address = address_of(who),
    };
    receive_frame(run,
                  gkv_codec_encode_hello(run->codec, &hello, run->piece + GKV_FRAME_HEADER_BYTES,
                                         PIECE_BYTES_MAX));
}

static uint8_t *put_fixed(uint8_t *at, uint8_t tag, uint64_t value)
{
    *at++ = tag;
    for (unsigned i = 0; i < 8; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

/* A payload in run->piece: perhaps a right envelope, then the program's next bytes. */
static size_t put_payload(struct run *run, bool has_clock, bool has_sender)
{
    uint8_t *payload = run->piece + GKV_FRAME_HEADER_BYTES;
    uint8_t *at = payload;
    if (has_clock) {
        at = put_fixed(at, 0x09, run->now.wall_ms << GKV_HLC_COUNTER_BITS);
    }
    if (has_sender) {
        const uint8_t who = next_byte(run) % 4;
        const struct gkv_name name = name_of(who);
        const struct gkv_node_id id = gkv_node_id_of_name(&name);
        at = put_fixed(at, 0x11, CLUSTER);
        *at++ = 0x1a;
        *at++ = sizeof(id.bytes);
        memcpy(at, id.bytes, sizeof(id.bytes));
        at = put_fixed(at + sizeof(id.bytes), 0x21, BOOT + who);
    }
    const struct gkv_bytes bytes = next_bytes(run, has_clock ? 1 : 16);
    memcpy(at, bytes.data, bytes.count);
    return (size_t)(at - payload) + bytes.count;
}

static void receive_datagram(struct run *run, bool is_sealed)
{
    const struct gkv_address source = address_of(next_byte(run) % 4);
    struct gkv_bytes datagram = {.data = run->piece};
    if (is_sealed) {
        size_t payload_bytes = put_payload(run, true, true);
        const size_t payload_bytes_max = GKV_DATAGRAM_BYTES_MAX - GKV_FRAME_HEADER_BYTES;
        payload_bytes = payload_bytes < payload_bytes_max ? payload_bytes : payload_bytes_max;
        gkv_datagram_seal(run->piece, payload_bytes);
        datagram.count = GKV_FRAME_HEADER_BYTES + payload_bytes;
    } else {
        datagram = next_bytes(run, 1);
    }
    gkv_endpoint_on_datagram(run->endpoint, run->now, &source, datagram);
    drain(run);
}

static void submit(struct run *run)
{
    if (run->submitted_count == OPERATION_COUNT_MAX) {
        return;
    }
    const uint8_t kind = next_byte(run);
    struct gkv_operation operation = {
        .cookie = run->submitted_count,
        .kind = (enum gkv_operation_kind)(1 + kind % 3),
        .key = {.data = (const uint8_t *)"k", .count = 1},
        .timeout_ms = kind & 0x80 ? 1 : 0,
    };
    if (operation.kind == GKV_OPERATION_SET) {
        operation.value = next_bytes(run, 4);
        operation.ttl_ms = next_byte(run);
    }
    run->submitted_count++;
    gkv_endpoint_submit(run->endpoint, run->now, &operation);
    drain(run);
}

static void connected(struct run *run)
{
    struct stream *stream = choose_stream(run, STREAM_DIALLING);
    if (stream != NULL) {
        stream->state = STREAM_DIALLED;
        gkv_endpoint_on_connected(run->endpoint, run->now, stream->handle);
        drain(run);
    }
}

static void close_stream(struct run *run, enum stream_state state)
{
    struct stream *stream = choose_stream(run, state);
    if (stream != NULL) {
        const struct gkv_stream handle = stream->handle;
        stream->state = STREAM_UNUSED;
        gkv_endpoint_on_closed(run->endpoint, run->now, handle);
        drain(run);
    }
}

static void sent(struct run *run)
{
    const struct stream *stream = choose_stream(run, STREAM_DIALLED);
    size_t count = next_byte(run) * (size_t)64;
    if (stream != NULL) {
        struct gkv_bytes pieces[2];
        gkv_endpoint_pending(run->endpoint, stream->handle, pieces);
        const size_t all = pieces[0].count + pieces[1].count;
        gkv_endpoint_sent(run->endpoint, stream->handle, count < all ? count : all);
    }
}

static void receive_raw(struct run *run, enum stream_state state)
{
    const struct stream *stream = choose_stream(run, state);
    const struct gkv_bytes bytes = next_bytes(run, 1);
    if (stream != NULL) {
        receive(run, stream->handle, bytes);
    }
}

static void execute(struct run *run)
{
    switch (next_byte(run) % 16) {
    case 0:
        accept_stream(run);
        break;
    case 1:
        say_hello(run);
        break;
    case 2:
        receive_raw(run, STREAM_ACCEPTED);
        break;
    case 3:
        receive_raw(run, STREAM_DIALLED);
        break;
    case 4:
        receive_frame(run, put_payload(run, false, false));
        break;
    case 5:
    case 6:
        receive_frame(run, put_payload(run, true, false));
        break;
    case 7:
        receive_datagram(run, false);
        break;
    case 8:
        receive_datagram(run, true);
        break;
    case 9:
        rest(run, next_byte(run));
        break;
    case 10:
        connected(run);
        break;
    case 11:
        close_stream(run, (enum stream_state)(1 + next_byte(run) % 3));
        break;
    case 12:
        submit(run);
        break;
    case 13:
        sent(run);
        break;
    case 14:
        run->now.wall_ms = UINT64_C(1700000000000) + next_byte(run) * UINT64_C(100);
        break;
    default:
        gkv_endpoint_leave(run->endpoint, run->now);
        drain(run);
        break;
    }
}

/* Close everything and wait for every operation's deadline. */
static void finish(struct run *run)
{
    for (unsigned i = 0; i < STREAM_COUNT_MAX; i++) {
        if (run->streams[i].state != STREAM_UNUSED) {
            run->streams[i].state = STREAM_UNUSED;
            gkv_endpoint_on_closed(run->endpoint, run->now, run->streams[i].handle);
            drain(run);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        advance(run, 100);
    }
    for (uint32_t i = 0; i < run->submitted_count; i++) {
        GKV_ASSERT(run->is_completed[i]);
    }
}

/* ---- The beginning ----
 * Making an endpoint costs more than most runs: its tables, and the ring of its first step. So the
 * beginning is made once, written to a file, and mapped anew for every run, privately: a page that
 * a run writes is its own, and the next run sees nothing of it. (Tried before: making an endpoint
 * each time, 125 to 375 runs a second; copying it, whose megabytes cost as much again.) */

struct beginning {
    FILE *file;
    uint8_t *map; /* pages of the file, and a last one that nobody may touch */
    size_t map_bytes;
    struct run run;
    struct gkv_codec codec;
    void *codec_memory; /* kept: the codec knows it by its distance only */
};

static void make_codec(struct beginning *beginning, const struct gkv_options *options)
{
    struct gkv_codec *codec = &beginning->codec;
    struct gkv_arena counting = gkv_arena_counting();
    gkv_codec_init(codec, &counting, options->value_bytes_max);
    beginning->codec_memory = aligned_alloc(GKV_ARENA_ALIGN, counting.used);
    GKV_ASSERT(beginning->codec_memory != NULL);
    struct gkv_arena arena = gkv_arena_over(beginning->codec_memory, counting.used);
    gkv_codec_init(codec, &arena, options->value_bytes_max);
}

static void map_beginning(const struct beginning *beginning)
{
    const void *map = mmap(beginning->map, beginning->map_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_FIXED, fileno(beginning->file), 0);
    GKV_ASSERT(map == beginning->map);
}

static void make_beginning(struct beginning *beginning)
{
    struct gkv_options options;
    options_fill(&options);
    make_codec(beginning, &options);
    const size_t bytes = gkv_endpoint_memory_bytes(&options);
    const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    GKV_ASSERT(bytes > 0);
    beginning->map_bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    beginning->map = mmap(NULL, beginning->map_bytes + page_bytes, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    beginning->file = tmpfile();
    GKV_ASSERT(beginning->map != MAP_FAILED);
    GKV_ASSERT(beginning->file != NULL);
    GKV_ASSERT(ftruncate(fileno(beginning->file), (off_t)beginning->map_bytes) == 0);
    map_beginning(beginning);

    /* At the very end, so that one byte too far is a finding. */
    uint8_t *memory = beginning->map + beginning->map_bytes - bytes;
    struct run *run = &beginning->run;
    run->codec = &beginning->codec;
    run->now = (struct gkv_now){.mono_ns = 1, .wall_ms = UINT64_C(1700000000000)};
    GKV_ASSERT(gkv_endpoint_init(memory, bytes, &options, &run->endpoint) == GKV_OK);
    advance(run, 0);
    GKV_ASSERT(pwrite(fileno(beginning->file), beginning->map, beginning->map_bytes, 0) ==
               (ssize_t)beginning->map_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct beginning beginning;
    static struct run run;
    if (beginning.file == NULL) {
        make_beginning(&beginning);
    }
    map_beginning(&beginning);
    run = beginning.run;
    run.program = (struct gkv_bytes){.data = data, .count = size};
    for (unsigned i = 0; i < 2000 && run.program.count > 0; i++) {
        execute(&run);
    }
    finish(&run);
    return 0;
}
