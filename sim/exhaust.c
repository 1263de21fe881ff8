#include "sim/exhaust.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/node.h"
#include "core/panic.h"
#include "io_sim/host.h"

#define NODE_COUNT 3
#define DEED_COUNT_MAX 6 /* of a play, and the questions at its end */
#define VALUE_BYTES 8
#define CHUNK_BYTES 4096
#define LEARN_COUNT 512   /* first runs, each of which is asked where it wrote */
#define VERIFY_EVERY 4096 /* runs, after that */
#define LOOK_EVERY 1024
#define PPM 1000000
#define NOBODY UINT32_MAX
#define AT_ONCE UINT32_MAX
#define BEGIN_NS (UINT64_C(1000) * GKV_NS_PER_MS)
#define WALL_MS UINT64_C(1767225600000)
#define PLAY_DEED_COUNT 3

/* ---- Plays ----------------------------------------------------------------------------------- */

struct play {
    const char *text;
    bool has_faults;             /* a loss or a crash, besides every order */
    bool is_long;                /* over a minute */
    int32_t wall_ms[NODE_COUNT]; /* how far off each clock is */
    struct {
        enum gkv_operation_kind kind; /* 0: none */
        uint32_t node;
        uint32_t after; /* begins when this one is acknowledged; AT_ONCE */
    } deeds[PLAY_DEED_COUNT];
};

static const struct play plays[] = {
    {"a sets; then b, 5 ms behind; then c gets",
     true,
     false,
     {0, -5, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_SET, 1, 0}, {GKV_OPERATION_GET, 2, 1}}},
    {"a sets; then b, 5 ms behind, deletes; then c gets",
     true,
     false,
     {0, -5, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_DELETE, 1, 0}, {GKV_OPERATION_GET, 2, 1}}},
    {"a and b set at once",
     true,
     false,
     {0, 0, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_SET, 1, AT_ONCE}}},
    {"a sets and c gets at once",
     true,
     false,
     {0, 0, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_GET, 2, AT_ONCE}}},
    {"a and b set at once; c gets when a is told OK; no faults",
     false,
     false,
     {0, 0, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_SET, 1, AT_ONCE}, {GKV_OPERATION_GET, 2, 0}}},
    {"a and b set at once; c gets when a is told OK",
     true,
     true,
     {0, 0, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE}, {GKV_OPERATION_SET, 1, AT_ONCE}, {GKV_OPERATION_GET, 2, 0}}},
    {"a sets, b deletes and c gets at once; no faults",
     false,
     true,
     {0, 0, 0},
     {{GKV_OPERATION_SET, 0, AT_ONCE},
      {GKV_OPERATION_DELETE, 1, AT_ONCE},
      {GKV_OPERATION_GET, 2, AT_ONCE}}},
};

uint32_t gkv_exhaust_play_count(void)
{
    return sizeof(plays) / sizeof(plays[0]);
}

const char *gkv_exhaust_play_text(uint32_t play)
{
    GKV_ASSERT(play < gkv_exhaust_play_count());
    return plays[play].text;
}

bool gkv_exhaust_play_is_long(uint32_t play)
{
    GKV_ASSERT(play < gkv_exhaust_play_count());
    return plays[play].is_long;
}

/* ---- The world ------------------------------------------------------------------------------- */

/* A message under way, or a deed that is about to be asked for. */
struct parcel {
    uint32_t to;
    uint32_t from;
    uint32_t deed;  /* NOBODY: a message */
    bool is_asleep; /* an earlier branch began with it */
    uint8_t key[1]; /* what the message lends */
    uint8_t value[VALUE_BYTES];
    struct gkv_message message;
};

struct deed {
    enum gkv_operation_kind kind;
    uint32_t node;
    uint32_t complete_count;
    bool is_begun;
    bool is_read; /* a get returned what it wrote */
    enum gkv_error error;
    struct gkv_version version;
    struct gkv_version floor; /* what it must not be below, or at, if it writes */
};

/* The blocks of memory of all nodes, and how they are when a run begins. */
struct memory {
    uint8_t *blocks;
    uint8_t *saved;
    size_t node_bytes;
    uint32_t chunk_count;
    uint32_t *dirty; /* the chunks that a run ever wrote to */
    bool *is_dirty;
    uint32_t dirty_count;
};

struct exhaust {
    const struct play *play;
    gkv_exhaust_looker *look; /* NULL: nobody does */
    void *context;            /* of look */
    struct gkv_exhaust_result *result;
    struct memory memory;
    struct gkv_node *nodes[NODE_COUNT];
    bool is_down[NODE_COUNT];
    bool is_struck; /* the loss or the crash of this run has happened */
    bool is_calm;   /* none happens any more */
    uint64_t now_ns;
    struct gkv_choice choice;
    uint32_t parcel_count;
    struct parcel parcels[GKV_EXHAUST_PARCEL_COUNT];
    uint32_t deed_count;
    struct deed deeds[DEED_COUNT_MAX];
    uint8_t value[VALUE_BYTES]; /* of the set that was asked for last: actions borrow it */
};

static void fail(struct exhaust *exhaust, const char *text, ...)
    __attribute__((format(printf, 2, 3)));

static void fail(struct exhaust *exhaust, const char *text, ...)
{
    struct gkv_exhaust_result *result = exhaust->result;
    if (!result->has_failed) {
        va_list arguments;
        result->has_failed = true;
        va_start(arguments, text);
        (void)vsnprintf(result->text, sizeof(result->text), text, arguments);
        va_end(arguments);
    }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static size_t chunk_bytes(const struct memory *memory, uint32_t chunk)
{
    const size_t all = NODE_COUNT * memory->node_bytes;
    const size_t before = (size_t)chunk * CHUNK_BYTES;
    return all - before < CHUNK_BYTES ? all - before : CHUNK_BYTES;
}

/* Put back what was there when a run begins: only chunks that were ever written to, which is what
 * makes a run a thousand times cheaper than copying all. */
static void restore(const struct memory *memory)
{
    for (uint32_t i = 0; i < memory->dirty_count; i++) {
        const size_t at = (size_t)memory->dirty[i] * CHUNK_BYTES;
        memcpy(memory->blocks + at, memory->saved + at, chunk_bytes(memory, memory->dirty[i]));
    }
}

/* Look for chunks that were written to and not known to be. Returns whether there were any. */
static bool learn(struct memory *memory)
{
    const uint32_t known = memory->dirty_count;
    for (uint32_t i = 0; i < memory->chunk_count; i++) {
        const size_t at = (size_t)i * CHUNK_BYTES;
        if (!memory->is_dirty[i] &&
            memcmp(memory->blocks + at, memory->saved + at, chunk_bytes(memory, i)) != 0) {
            memory->is_dirty[i] = true;
            memory->dirty[memory->dirty_count++] = i;
        }
    }
    return memory->dirty_count > known;
}

static void free_memory(struct memory *memory)
{
    free(memory->blocks);
    free(memory->saved);
    free(memory->dirty);
    free(memory->is_dirty);
}

static bool take_memory(struct memory *memory, size_t node_bytes)
{
    const size_t all = NODE_COUNT * node_bytes;
    memory->node_bytes = node_bytes;
    memory->chunk_count = (uint32_t)((all + CHUNK_BYTES - 1) / CHUNK_BYTES);
    memory->blocks = aligned_alloc(GKV_ARENA_ALIGN, all);
    memory->saved = malloc(all);
    memory->dirty = calloc(memory->chunk_count, sizeof(uint32_t));
    memory->is_dirty = calloc(memory->chunk_count, sizeof(bool));
    return memory->blocks != NULL && memory->saved != NULL && memory->dirty != NULL &&
           memory->is_dirty != NULL;
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static void fill_options(struct gkv_options *options, uint32_t node)
{
    gkv_options_init(options);
    options->name = gkv_host_name(node);
    options->address = gkv_host_address(node);
    options->boot_id = 1 + node;
    options->seed[0] = 1;
    options->seed[1] = node;
    options->memory_limit_bytes = GKV_STORE_BYTES_MIN;
    options->value_bytes_max = VALUE_BYTES;
    options->member_count_max = NODE_COUNT;
    options->operation_count_max = 8;
    options->operation_memory_bytes = 16 * 1024;
    options->stall_ms = 0; /* time goes from one deadline to the next here, and is no stall */
}

static struct gkv_now now_of(const struct exhaust *exhaust, uint32_t node)
{
    const int64_t wall_ms = (int64_t)WALL_MS + exhaust->play->wall_ms[node];
    return (struct gkv_now){.mono_ns = exhaust->now_ns, .wall_ms = (uint64_t)wall_ms};
}

static void step(struct exhaust *exhaust, uint32_t node, struct gkv_event *event)
{
    event->now = now_of(exhaust, node);
    const enum gkv_error error = gkv_node_step(exhaust->nodes[node], event);
    GKV_ASSERT(error == GKV_OK);
}

/* Let actions go unheard: before the play and after it, when only membership speaks. */
static void drop_actions(struct gkv_node *node)
{
    struct gkv_action action;
    while (gkv_node_next_action(node, &action)) {
    }
}

/* Tell a node of all the others, as if one of them had answered its question. */
static void introduce(struct exhaust *exhaust, uint32_t node)
{
    struct gkv_update updates[NODE_COUNT];
    const uint32_t other = (node + 1) % NODE_COUNT;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        updates[i] =
            gkv_member_at(gkv_node_members(exhaust->nodes[(other + i) % NODE_COUNT]), 0)->said;
    }
    struct gkv_message message = {.kind = GKV_MESSAGE_PUSH_PULL, .from = updates[0].who};
    message.as.push_pull.updates = updates;
    message.as.push_pull.update_count = NODE_COUNT;
    struct gkv_event event = {.kind = GKV_EVENT_MESSAGE};
    event.as.arrival.message = &message;
    event.as.arrival.source = gkv_host_address(other);
    event.as.arrival.channel = GKV_CHANNEL_STREAM;
    step(exhaust, node, &event);
    drop_actions(exhaust->nodes[node]);
}

/* Three nodes that know each other and the ring; that is where every run begins. */
static bool create(struct exhaust *exhaust)
{
    static const uint8_t key[1] = {'k'};
    struct gkv_options options;
    fill_options(&options, 0);
    const size_t node_bytes = gkv_node_memory_bytes(&options);
    GKV_ASSERT(node_bytes > 0);
    if (!take_memory(&exhaust->memory,
                     (node_bytes + GKV_ARENA_ALIGN - 1) / GKV_ARENA_ALIGN * GKV_ARENA_ALIGN)) {
        return false;
    }
    exhaust->now_ns = BEGIN_NS;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        struct gkv_event event = {.kind = GKV_EVENT_TIMER};
        fill_options(&options, i);
        const enum gkv_error error =
            gkv_node_init(exhaust->memory.blocks + i * exhaust->memory.node_bytes, node_bytes,
                          &options, &exhaust->nodes[i]);
        GKV_ASSERT(error == GKV_OK);
        step(exhaust, i, &event);
        drop_actions(exhaust->nodes[i]);
    }
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        uint16_t owners[GKV_REPLICA_COUNT_MAX];
        introduce(exhaust, i);
        const struct gkv_bytes bytes = {.data = key, .count = sizeof(key)};
        GKV_ASSERT(gkv_node_owners(exhaust->nodes[i], bytes, owners) == NODE_COUNT);
    }
    memcpy(exhaust->memory.saved, exhaust->memory.blocks, NODE_COUNT * exhaust->memory.node_bytes);
    return true;
}

/* ---- What is under way ----------------------------------------------------------------------- */

static struct parcel *add_parcel(struct exhaust *exhaust, uint32_t from, uint32_t to)
{
    GKV_ASSERT(exhaust->parcel_count < GKV_EXHAUST_PARCEL_COUNT);
    struct parcel *parcel = &exhaust->parcels[exhaust->parcel_count++];
    memset(parcel, 0, sizeof(*parcel));
    parcel->from = from;
    parcel->to = to;
    parcel->deed = NOBODY;
    return parcel;
}

static void remove_parcel(struct exhaust *exhaust, uint32_t index)
{
    exhaust->parcel_count--;
    for (uint32_t i = index; i < exhaust->parcel_count; i++) {
        exhaust->parcels[i] = exhaust->parcels[i + 1]; /* their order is what draws mean */
    }
}

static void keep_bytes(struct gkv_bytes *bytes, uint8_t *room, size_t room_bytes)
{
    GKV_ASSERT(bytes->count <= room_bytes);
    if (bytes->count > 0) {
        memcpy(room, bytes->data, bytes->count);
    }
}

/* Copy what a message lends into its parcel. The views are set when it arrives: parcels move. */
static void keep_message(struct parcel *parcel, const struct gkv_message *message)
{
    parcel->message = *message;
    struct gkv_message *kept = &parcel->message;
    if (kept->kind == GKV_MESSAGE_WRITE) {
        keep_bytes(&kept->as.write.key, parcel->key, sizeof(parcel->key));
        keep_bytes(&kept->as.write.record.value, parcel->value, sizeof(parcel->value));
    } else if (kept->kind == GKV_MESSAGE_READ) {
        keep_bytes(&kept->as.read.key, parcel->key, sizeof(parcel->key));
    } else if (kept->kind == GKV_MESSAGE_READ_REPLY) {
        keep_bytes(&kept->as.read_reply.record.value, parcel->value, sizeof(parcel->value));
    }
}

static void lend_message(struct parcel *parcel)
{
    struct gkv_message *kept = &parcel->message;
    if (kept->kind == GKV_MESSAGE_WRITE) {
        kept->as.write.key.data = parcel->key;
        kept->as.write.record.value.data = parcel->value;
    } else if (kept->kind == GKV_MESSAGE_READ) {
        kept->as.read.key.data = parcel->key;
    } else if (kept->kind == GKV_MESSAGE_READ_REPLY) {
        kept->as.read_reply.record.value.data = parcel->value;
    }
}

/* Does the one misfortune of this run strike here? */
static bool strikes(struct exhaust *exhaust, const char *label)
{
    if (exhaust->is_struck || exhaust->is_calm || gkv_choose(&exhaust->choice, label, 2) == 0) {
        return false;
    }
    exhaust->is_struck = true;
    return true;
}

static void send(struct exhaust *exhaust, uint32_t from, const struct gkv_action *action)
{
    const struct gkv_message *message = &action->as.send.message;
    const bool is_data =
        message->kind >= GKV_MESSAGE_WRITE && message->kind <= GKV_MESSAGE_READ_REPLY;
    const uint32_t to = gkv_host_of_address(&action->as.send.address);
    GKV_ASSERT(to < NODE_COUNT);
    if (!is_data || exhaust->is_down[to]) {
        return;
    }
    if (strikes(exhaust, "exhaust.lose")) {
        exhaust->result->loss_count++;
        return;
    }
    keep_message(add_parcel(exhaust, from, to), message);
}

/* ---- Deeds ----------------------------------------------------------------------------------- */

/* The value that a deed writes: its number, over and over. */
static void fill_value(uint8_t value[VALUE_BYTES], uint32_t number)
{
    memset(value, (int)('0' + number), VALUE_BYTES);
}

static uint32_t add_deed(struct exhaust *exhaust, enum gkv_operation_kind kind, uint32_t node)
{
    GKV_ASSERT(exhaust->deed_count < DEED_COUNT_MAX);
    exhaust->deeds[exhaust->deed_count] = (struct deed){.kind = kind, .node = node};
    return exhaust->deed_count++;
}

static void ask(struct exhaust *exhaust, uint32_t number)
{
    static const uint8_t key[1] = {'k'};
    struct deed *deed = &exhaust->deeds[number];
    struct gkv_event event = {.kind = GKV_EVENT_OPERATION};
    event.as.operation = (struct gkv_operation){
        .cookie = number, .kind = deed->kind, .key = {.data = key, .count = sizeof(key)}};
    if (deed->kind == GKV_OPERATION_SET) {
        fill_value(exhaust->value, number);
        event.as.operation.value =
            (struct gkv_bytes){.data = exhaust->value, .count = sizeof(exhaust->value)};
    }
    deed->is_begun = true;
    step(exhaust, deed->node, &event);
}

/* A get returned a value: whose? */
static void check_value(struct exhaust *exhaust, uint32_t number, const struct gkv_result *result)
{
    uint8_t value[VALUE_BYTES];
    const uint32_t writer =
        result->value.count == VALUE_BYTES ? (uint32_t)result->value.data[0] - '0' : NOBODY;
    if (writer >= exhaust->deed_count || exhaust->deeds[writer].kind != GKV_OPERATION_SET ||
        !exhaust->deeds[writer].is_begun) {
        fail(exhaust, "value: operation %u read what nobody wrote", (unsigned)number);
        return;
    }
    struct deed *set = &exhaust->deeds[writer];
    set->is_read = true;
    fill_value(value, writer);
    if (memcmp(value, result->value.data, VALUE_BYTES) != 0) {
        fail(exhaust, "value: operation %u read damaged bytes", (unsigned)number);
    } else if (set->complete_count > 0 && set->error == GKV_OK &&
               gkv_version_compare(set->version, result->version) < 0) {
        fail(exhaust, "value: operation %u read operation %u under a newer version",
             (unsigned)number, (unsigned)writer);
    }
}

/* What failed for certain is never read, neither before nor after its client was told. */
static void check_failures(struct exhaust *exhaust)
{
    for (uint32_t i = 0; i < exhaust->deed_count; i++) {
        const struct deed *deed = &exhaust->deeds[i];
        if (deed->is_read && deed->complete_count > 0 && deed->error != GKV_OK &&
            deed->error != GKV_ERROR_IN_DOUBT) {
            fail(exhaust, "value: operation %u was read, and told %s: not in doubt", (unsigned)i,
                 gkv_error_name(deed->error));
        }
    }
}

/* What was acknowledged before a deed began binds it. */
static void check_floor(struct exhaust *exhaust, uint32_t number)
{
    const struct deed *deed = &exhaust->deeds[number];
    const int order = gkv_version_compare(deed->version, deed->floor);
    const bool is_get = deed->kind == GKV_OPERATION_GET;
    const bool is_answer = deed->error == GKV_OK || (is_get && deed->error == GKV_ERROR_NOT_FOUND);
    if (gkv_version_is_none(deed->floor) || !is_answer) {
        return;
    }
    if (is_get ? order < 0 : order <= 0) {
        fail(exhaust, "quorum: operation %u, at %s, is older than what was acknowledged before it",
             (unsigned)number, gkv_host_text(deed->node).text);
    }
}

/* Deeds of the play that wait for this one. Their beginning is under way like a message. */
static void begin_next(struct exhaust *exhaust, uint32_t number)
{
    for (uint32_t i = 0; i < PLAY_DEED_COUNT; i++) {
        if (exhaust->play->deeds[i].kind > 0 && exhaust->play->deeds[i].after == number) {
            exhaust->deeds[i].floor = exhaust->deeds[number].version;
            add_parcel(exhaust, NOBODY, exhaust->deeds[i].node)->deed = i;
        }
    }
}

static void complete(struct exhaust *exhaust, const struct gkv_result *result)
{
    GKV_ASSERT(result->cookie < exhaust->deed_count);
    const uint32_t number = (uint32_t)result->cookie;
    struct deed *deed = &exhaust->deeds[number];
    deed->complete_count++;
    deed->error = result->error;
    deed->version = result->version;
    if (deed->complete_count > 1) {
        fail(exhaust, "open: operation %u completed twice", (unsigned)number);
        return;
    }
    check_floor(exhaust, number);
    if (deed->kind == GKV_OPERATION_GET && deed->error == GKV_OK) {
        check_value(exhaust, number, result);
    }
    if (deed->error == GKV_OK) {
        begin_next(exhaust, number);
    }
}

static void drain(struct exhaust *exhaust, uint32_t node)
{
    struct gkv_action action;
    while (gkv_node_next_action(exhaust->nodes[node], &action)) {
        if (action.kind == GKV_ACTION_SEND) {
            send(exhaust, node, &action);
        } else if (action.kind == GKV_ACTION_COMPLETE) {
            complete(exhaust, &action.as.result);
        }
    }
}

/* ---- One run --------------------------------------------------------------------------------- */

static void crash(struct exhaust *exhaust, uint32_t node)
{
    exhaust->is_down[node] = true;
    exhaust->result->crash_count++;
    for (uint32_t i = exhaust->parcel_count; i > 0; i--) {
        if (exhaust->parcels[i - 1].to == node) {
            remove_parcel(exhaust, i - 1);
        }
    }
}

/* Take a parcel from the way, and have it arrive, or its receiver crash just before it. */
static void deliver(struct exhaust *exhaust, uint32_t index)
{
    struct parcel parcel = exhaust->parcels[index];
    remove_parcel(exhaust, index);
    if (exhaust->is_down[parcel.to]) {
        return; /* a client's deed, at a node that is no more */
    }
    if (strikes(exhaust, "exhaust.crash")) {
        crash(exhaust, parcel.to);
        return;
    }
    exhaust->result->delivery_count++;
    if (parcel.deed != NOBODY) {
        ask(exhaust, parcel.deed);
    } else {
        struct gkv_event event = {.kind = GKV_EVENT_MESSAGE};
        lend_message(&parcel);
        event.as.arrival.message = &parcel.message;
        event.as.arrival.source = gkv_host_address(parcel.from);
        event.as.arrival.channel = GKV_CHANNEL_STREAM;
        step(exhaust, parcel.to, &event);
    }
    drain(exhaust, parcel.to);
}

/* The parcel that arrives next; NOBODY: all that are under way are asleep, so that each order from
 * here on is one that an earlier run had. Those before the chosen one were chosen by earlier runs:
 * they fall asleep. Whoever is for the same node wakes, since there the order counts. */
static uint32_t choose_parcel(struct exhaust *exhaust)
{
    uint32_t awake[GKV_EXHAUST_PARCEL_COUNT];
    uint32_t awake_count = 0;
    for (uint32_t i = 0; i < exhaust->parcel_count; i++) {
        if (!exhaust->parcels[i].is_asleep) {
            awake[awake_count++] = i;
        }
    }
    if (awake_count == 0) {
        return NOBODY;
    }
    uint64_t number = 0;
    if (awake_count > 1 && !exhaust->is_calm) {
        number = gkv_choose(&exhaust->choice, "exhaust.next", awake_count);
    }
    const uint32_t chosen = awake[number];
    for (uint32_t i = 0; i < number; i++) {
        exhaust->parcels[awake[i]].is_asleep = true;
    }
    for (uint32_t i = 0; i < exhaust->parcel_count; i++) {
        if (exhaust->parcels[i].to == exhaust->parcels[chosen].to) {
            exhaust->parcels[i].is_asleep = false;
        }
    }
    return chosen;
}

/* Until nothing is under way. False: the run was given up. */
static bool run_until_quiet(struct exhaust *exhaust)
{
    while (exhaust->parcel_count > 0 && !exhaust->result->has_failed) {
        const uint32_t chosen = choose_parcel(exhaust);
        if (chosen == NOBODY) {
            return false;
        }
        deliver(exhaust, chosen);
    }
    return true;
}

static struct gkv_version newest_acknowledged(const struct exhaust *exhaust)
{
    struct gkv_version newest = {{0}, 0};
    for (uint32_t i = 0; i < exhaust->deed_count; i++) {
        const struct deed *deed = &exhaust->deeds[i];
        if (deed->kind != GKV_OPERATION_GET && deed->complete_count > 0 && deed->error == GKV_OK &&
            gkv_version_compare(deed->version, newest) > 0) {
            newest = deed->version;
        }
    }
    return newest;
}

/* Each live node is asked, one after the other, and must see what was acknowledged. */
static void ask_all(struct exhaust *exhaust)
{
    exhaust->is_calm = true;
    for (uint32_t i = 0; i < NODE_COUNT && !exhaust->result->has_failed; i++) {
        if (exhaust->is_down[i]) {
            continue;
        }
        const uint32_t number = add_deed(exhaust, GKV_OPERATION_GET, i);
        exhaust->deeds[number].floor = newest_acknowledged(exhaust);
        add_parcel(exhaust, NOBODY, i)->deed = number;
        (void)run_until_quiet(exhaust);
        if (exhaust->deeds[number].complete_count == 0) {
            fail(exhaust, "open: a get at %s finds no quorum of two", gkv_host_text(i).text);
        }
    }
}

/* Let every deadline pass: what is open must complete, and once. */
static void pass_deadlines(struct exhaust *exhaust)
{
    struct gkv_options options;
    gkv_options_init(&options);
    exhaust->now_ns += (options.operation_timeout_ms + 1) * GKV_NS_PER_MS;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        struct gkv_event event = {.kind = GKV_EVENT_TIMER};
        if (!exhaust->is_down[i]) {
            step(exhaust, i, &event);
            drain(exhaust, i);
        }
    }
    for (uint32_t i = 0; i < exhaust->deed_count; i++) {
        const struct deed *deed = &exhaust->deeds[i];
        if (deed->is_begun && !exhaust->is_down[deed->node] && deed->complete_count == 0) {
            fail(exhaust, "open: operation %u never completed", (unsigned)i);
        }
    }
    check_failures(exhaust);
}

static void begin(struct exhaust *exhaust)
{
    exhaust->now_ns = BEGIN_NS;
    exhaust->is_struck = !exhaust->play->has_faults;
    exhaust->is_calm = false;
    exhaust->parcel_count = 0;
    exhaust->deed_count = 0;
    memset(exhaust->is_down, 0, sizeof(exhaust->is_down));
    for (uint32_t i = 0; i < PLAY_DEED_COUNT && exhaust->play->deeds[i].kind > 0; i++) {
        (void)add_deed(exhaust, exhaust->play->deeds[i].kind, exhaust->play->deeds[i].node);
        if (exhaust->play->deeds[i].after == AT_ONCE) {
            add_parcel(exhaust, NOBODY, exhaust->play->deeds[i].node)->deed = i;
        }
    }
    gkv_choice_init(&exhaust->choice, 0);
    gkv_choice_enumerate(&exhaust->choice, &exhaust->result->odometer);
}

static void run_once(struct exhaust *exhaust)
{
    begin(exhaust);
    exhaust->result->run_count++;
    if (!run_until_quiet(exhaust)) {
        exhaust->result->cut_count++;
        return;
    }
    ask_all(exhaust);
    pass_deadlines(exhaust);
}

/* ---- All runs -------------------------------------------------------------------------------- */

static void let_look(struct exhaust *exhaust)
{
    struct gkv_exhaust_result *result = exhaust->result;
    if (exhaust->look != NULL && result->run_count % LOOK_EVERY == 0) {
        result->is_stopped = !exhaust->look(exhaust->context, result);
    }
}

uint32_t gkv_exhaust_share_ppm(const struct gkv_exhaust_result *result)
{
    const struct gkv_odometer *odometer = &result->odometer;
    uint64_t unit = UINT64_MAX / PPM; /* the share of one answer to the digit, out of this */
    uint64_t done = 0;
    for (uint32_t i = 0; i < odometer->count; i++) {
        unit /= odometer->digits[i].bound;
        done += odometer->digits[i].value * unit;
    }
    return (uint32_t)(done / (UINT64_MAX / PPM / PPM));
}

/* False: a run wrote where none had before, so that some since the last look may have begun with
 * another memory than the first: all is done again. A node that begins with memory of two runs may
 * assert, and then nothing is done again; so the first runs, among which nearly all is written to
 * that ever is, are looked at one by one. */
static bool run_all(struct exhaust *exhaust)
{
    struct gkv_exhaust_result *result = exhaust->result;
    memset(result, 0, sizeof(*result));
    bool is_sure = true;
    do {
        run_once(exhaust);
        const bool is_early = result->run_count <= LEARN_COUNT;
        if (is_early || result->run_count % VERIFY_EVERY == 0) {
            is_sure = !learn(&exhaust->memory) || is_early;
        }
        restore(&exhaust->memory);
        let_look(exhaust);
    } while (is_sure && !result->has_failed && !result->is_stopped &&
             gkv_odometer_turn(&result->odometer));
    return !learn(&exhaust->memory) && is_sure;
}

static struct exhaust *make(uint32_t play, struct gkv_exhaust_result *result)
{
    GKV_ASSERT(play < gkv_exhaust_play_count());
    struct exhaust *exhaust = calloc(1, sizeof(*exhaust));
    if (exhaust == NULL) {
        return NULL;
    }
    exhaust->play = &plays[play];
    exhaust->result = result;
    if (!create(exhaust)) {
        free_memory(&exhaust->memory);
        free(exhaust);
        return NULL;
    }
    return exhaust;
}

bool gkv_exhaust_run(uint32_t play, gkv_exhaust_looker *look, void *context,
                     struct gkv_exhaust_result *result_out)
{
    struct exhaust *exhaust = make(play, result_out);
    if (exhaust == NULL) {
        return false;
    }
    exhaust->look = look;
    exhaust->context = context;
    while (!run_all(exhaust) && !result_out->is_stopped) {
        memcpy(exhaust->memory.blocks, exhaust->memory.saved,
               NODE_COUNT * exhaust->memory.node_bytes);
    }
    free_memory(&exhaust->memory);
    free(exhaust);
    return true;
}

bool gkv_exhaust_replay(uint32_t play, struct gkv_exhaust_result *result)
{
    struct exhaust *exhaust = make(play, result);
    if (exhaust == NULL) {
        return false;
    }
    result->has_failed = false;
    result->odometer.next = 0;
    run_once(exhaust);
    free_memory(&exhaust->memory);
    free(exhaust);
    return true;
}
