#include "sim/miniature.h"

#include "core/panic.h"
#include "sim/history.h"

#define BEGIN_NS (2 * GKV_SCRIPT_TIME_NS_MIN) /* all have formed, as a rule */
#define PRNG_STREAM 0x6d696e69
#define SEVER_COUNT 64 /* ends of streams to choose from */
/* Where nodes are worn out: the most between two lines, and how often nodes speak by themselves. */
#define WEAR_GAP_NS UINT64_C(2000000000)
#define WEAR_SYNC_MS 1000

struct artist {
    const struct gkv_script *script;
    struct gkv_script *miniature;
    struct gkv_prng prng;
    uint64_t now_ns;
    uint64_t gap_ns_max; /* between two lines */
    uint32_t node_count;
    bool has_one_key;
    bool has_one_node;            /* that is asked */
    bool has_one_fault;           /* again and again */
    bool takes_turns;             /* an operation, a fault, an operation, ... */
    bool wears_out;               /* as many faults as there may be, and time after each */
    bool breaks_streams;          /* the script's luck does */
    bool was_operation;           /* what came last, then */
    struct gkv_script_line fault; /* the last one */
    uint32_t value_bytes;         /* of all sets; 0: as in the script */
};

static uint32_t below(struct artist *artist, uint32_t bound)
{
    return (uint32_t)gkv_prng_below(&artist->prng, bound);
}

static bool one_in(struct artist *artist, uint32_t count)
{
    return below(artist, count) == 0;
}

/* ---- The world ------------------------------------------------------------------------------- */

/* May a world with these nodes have another number of them, and ask all owners? Not where some are
 * to come, to go or to stay away. */
static bool is_steady(const struct gkv_scenario *scenario)
{
    return !scenario->has_leave && scenario->late_count == 0 && scenario->outsider_count == 0 &&
           !scenario->keeps_one_down;
}

/* Nobody comes, goes or stays away. */
static void make_steady(struct gkv_scenario *scenario)
{
    scenario->has_leave = false;
    scenario->leavers_return = false;
    scenario->late_count = 0;
    scenario->outsider_count = 0;
    scenario->keeps_one_down = false;
}

static void draw_nodes(struct artist *artist)
{
    struct gkv_scenario *scenario = &artist->miniature->scenario;
    struct gkv_options *options = &scenario->world.node;
    if (!is_steady(scenario) && !artist->wears_out) {
        return;
    }
    make_steady(scenario);

    uint32_t least = options->replica_count;
    least = options->seed_count > least ? options->seed_count : least;
    if (scenario->node_count > least) {
        const uint32_t more = scenario->node_count - least;
        const bool is_least = artist->wears_out || one_in(artist, 2);
        scenario->node_count = least + (is_least ? 0 : below(artist, more + 1));
    }
    if (scenario->node_count >= options->replica_count && one_in(artist, 2)) {
        options->write_quorum = options->replica_count;
        options->read_quorum = options->replica_count;
    }
    scenario->has_tiny_tables = artist->wears_out || one_in(artist, 2);
    if (artist->wears_out && options->sync_interval_ms > WEAR_SYNC_MS) {
        options->sync_interval_ms = WEAR_SYNC_MS;
    }
}

/* What is under way at once, and what is read at once, if the script does not say. */
static void draw_streams(struct artist *artist)
{
    struct gkv_world_options *world = &artist->miniature->scenario.world;
    if (world->window_bytes == 0 && one_in(artist, 2)) {
        world->window_bytes = one_in(artist, 2) ? 512 : 4096;
    }
    if (world->receive_bytes_max == 0 && one_in(artist, 4)) {
        world->receive_bytes_max = 16u << below(artist, 8);
    }
}

static uint32_t greatest_value_bytes(const struct gkv_script *script)
{
    uint32_t greatest = GKV_HISTORY_VALUE_BYTES_MIN;
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        greatest = line->kind == GKV_SCRIPT_SET && line->count > greatest ? line->count : greatest;
    }
    return greatest;
}

/* As large as any in the script, or much larger, or as they are. */
static uint32_t draw_value_bytes(struct artist *artist)
{
    const uint32_t kind = below(artist, 3);
    return kind == 0   ? GKV_HISTORY_VALUE_BYTES_MAX
           : kind == 1 ? greatest_value_bytes(artist->script)
                       : 0;
}

/* How links are when WORK begins, and what nodes began with. */
static bool is_of_setting(enum gkv_script_kind kind)
{
    return kind == GKV_SCRIPT_UPTIME || kind == GKV_SCRIPT_LATENCY || kind == GKV_SCRIPT_RATE ||
           kind == GKV_SCRIPT_RESETS;
}

static void add_setting(struct artist *artist)
{
    for (uint32_t i = 0; i < artist->script->line_count; i++) {
        const struct gkv_script_line *line = &artist->script->lines[i];
        if (line->time_ns < BEGIN_NS && is_of_setting(line->kind) &&
            line->node < artist->node_count && line->to < artist->node_count) {
            gkv_script_add(artist->miniature, line);
        }
    }
}

/* ---- What happens in it ---------------------------------------------------------------------- */

static bool is_of_work(enum gkv_script_kind kind)
{
    return gkv_script_is_operation(kind);
}

/* Faults that strike now: not how a world is, and not what comes with another phase. */
static bool is_strike(enum gkv_script_kind kind)
{
    return gkv_script_is_fault(kind) && kind != GKV_SCRIPT_LEAVE && kind != GKV_SCRIPT_IDLE_CUT &&
           kind != GKV_SCRIPT_LOSS && kind != GKV_SCRIPT_OUTSIDER && !is_of_setting(kind);
}

/* Any line of a sort, all equally likely; NULL: there is none. */
static const struct gkv_script_line *pick(struct artist *artist, bool is_of(enum gkv_script_kind))
{
    const struct gkv_script *script = artist->script;
    uint32_t count = 0;
    for (uint32_t i = 0; i < script->line_count; i++) {
        count += is_of(script->lines[i].kind);
    }
    uint32_t left = count > 0 ? below(artist, count) : 0;
    for (uint32_t i = 0; i < script->line_count && count > 0; i++) {
        if (is_of(script->lines[i].kind) && left-- == 0) {
            return &script->lines[i];
        }
    }
    return NULL;
}

/* Another line of this kind, later than the last. */
static void add_after(struct artist *artist, struct gkv_script_line line)
{
    const uint32_t gap_ns_max = (uint32_t)artist->gap_ns_max;
    artist->now_ns += gap_ns_max > 0 ? below(artist, gap_ns_max) : 0;
    line.time_ns = artist->now_ns;
    gkv_script_add(artist->miniature, &line);
}

static void add_operation(struct artist *artist, uint32_t number)
{
    const struct gkv_script_line *found = pick(artist, is_of_work);
    if (found == NULL) {
        return;
    }
    struct gkv_script_line line = *found;
    line.client = (uint16_t)number; /* nobody waits for another's answer */
    line.node = artist->has_one_node ? 0 : (uint8_t)below(artist, artist->node_count);
    line.to = line.node;
    line.key = artist->has_one_key ? 0 : line.key;
    if (line.kind == GKV_SCRIPT_SET && artist->value_bytes > 0) {
        line.count = artist->value_bytes;
    }
    add_after(artist, line);
}

/* Does luck break streams in a script? Then they may be broken at any time as well. */
static bool has_breaks(const struct gkv_script *script)
{
    const uint32_t label = gkv_script_find_label(script, "net.break");
    for (uint32_t i = 0; i < script->line_count; i++) {
        if (script->lines[i].kind == GKV_SCRIPT_LUCK && script->lines[i].label == label) {
            return true;
        }
    }
    return false;
}

static void add_fault(struct artist *artist)
{
    if (artist->has_one_fault && artist->fault.time_ns > 0) {
        add_after(artist, artist->fault);
        return;
    }
    const struct gkv_script_line *found = pick(artist, is_strike);
    struct gkv_script_line line = {.kind = GKV_SCRIPT_SEVER};
    if (found != NULL && !(artist->breaks_streams && one_in(artist, 2))) {
        line = *found;
    } else if (!artist->breaks_streams) {
        return;
    }
    const bool is_of_link = line.node != line.to;
    line.node = (uint8_t)below(artist, artist->node_count);
    line.to = line.node;
    if (is_of_link && artist->node_count > 1) {
        line.to =
            (uint8_t)((line.node + 1 + below(artist, artist->node_count - 1)) % artist->node_count);
    }
    line.count = line.kind == GKV_SCRIPT_SEVER ? below(artist, SEVER_COUNT) : line.count;
    artist->fault = line;
    add_after(artist, line);
}

static void add_reading(struct artist *artist, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct gkv_script_line *found = pick(artist, gkv_script_is_reading);
        if (found != NULL) {
            struct gkv_script_line line = *found;
            line.node = (uint8_t)below(artist, artist->node_count);
            line.to = line.node;
            line.key = artist->has_one_key ? 0 : line.key;
            line.kind = artist->has_one_key && i > 0 ? GKV_SCRIPT_READ_GET : line.kind;
            add_after(artist, line);
        }
    }
}

/* Is the next one an operation, with so many left? */
static bool is_operation_next(struct artist *artist, uint32_t asks_left, uint32_t faults_left)
{
    if (artist->takes_turns && asks_left > 0 && faults_left > 0) {
        artist->was_operation = !artist->was_operation;
        return artist->was_operation;
    }
    return below(artist, asks_left + faults_left) < asks_left;
}

static void add_happenings(struct artist *artist)
{
    const uint32_t operation_count = GKV_MINIATURE_OPERATION_COUNT_MAX -
                                     below(artist, GKV_MINIATURE_OPERATION_COUNT_MAX * 2 / 3);
    const uint32_t reading_count = below(artist, operation_count / 3 + 1);
    uint32_t asks_left = operation_count - reading_count;
    uint32_t faults_left = below(artist, one_in(artist, 2) ? 4 : GKV_MINIATURE_FAULT_COUNT_MAX + 1);
    faults_left = artist->wears_out ? GKV_MINIATURE_FAULT_COUNT_MAX : faults_left;
    while (asks_left + faults_left > 0) {
        if (is_operation_next(artist, asks_left, faults_left)) {
            add_operation(artist, --asks_left);
        } else {
            add_fault(artist);
            faults_left--;
        }
    }
    add_after(artist, (struct gkv_script_line){.kind = GKV_SCRIPT_HEAL});
    add_reading(artist, reading_count);
}

/* What a small window lets pass takes a way to and fro each time, and all values may be under way
 * at once: an operation has time for that, twice over, or a cluster without any bug would fail. */
static void allow_time(struct artist *artist)
{
    struct gkv_world_options *world = &artist->miniature->scenario.world;
    const uint64_t window = world->window_bytes > 0 ? world->window_bytes : GKV_NET_PIPE_BYTES;
    const uint64_t turn_count = (greatest_value_bytes(artist->miniature) + window - 1) / window;
    const uint64_t turn_ns = 2 * GKV_SCENARIO_CALM_LATENCY_NS_MAX;
    const uint64_t least_ms =
        2 * GKV_MINIATURE_OPERATION_COUNT_MAX * turn_count * turn_ns / GKV_NS_PER_MS;
    if (world->node.operation_timeout_ms < least_ms) {
        world->node.operation_timeout_ms = (uint32_t)least_ms;
    }
}

/* Sometimes nodes take no value larger than the largest there is: their buffers are small then. */
static void tighten(struct artist *artist)
{
    struct gkv_scenario *scenario = &artist->miniature->scenario;
    const uint32_t greatest = greatest_value_bytes(artist->miniature);
    const uint32_t least = scenario->value_bytes_min;
    scenario->world.node.value_bytes_max = greatest > least ? greatest : least;
}

void gkv_miniature_draw(struct gkv_script *miniature, const struct gkv_script *script,
                        uint64_t number)
{
    static const uint32_t gaps_ns[] = {0, 1000000, 4000000, 20000000, 400000000};
    struct artist artist = {.script = script, .miniature = miniature, .now_ns = BEGIN_NS};
    GKV_ASSERT(miniature != script);
    gkv_prng_init(&artist.prng, number, PRNG_STREAM);
    gkv_script_copy_head(miniature, script);
    artist.wears_out = one_in(&artist, 4);
    draw_nodes(&artist);
    draw_streams(&artist);
    artist.breaks_streams = has_breaks(script);
    miniature->scenario.client_count = GKV_SCENARIO_CLIENT_COUNT_MAX;
    artist.node_count = miniature->scenario.node_count;
    artist.gap_ns_max = artist.wears_out
                            ? WEAR_GAP_NS
                            : gaps_ns[below(&artist, sizeof(gaps_ns) / sizeof(gaps_ns[0]))];
    artist.has_one_key = one_in(&artist, 2);
    artist.has_one_node = !one_in(&artist, 3);
    artist.has_one_fault = one_in(&artist, 2);
    artist.takes_turns = one_in(&artist, 2);
    artist.value_bytes = draw_value_bytes(&artist);
    if (artist.value_bytes > GKV_SCENARIO_VALUE_BYTES_MAX) {
        miniature->scenario.evicts = false;
        miniature->scenario.may_be_full = false; /* there is room for so few */
    }
    if (one_in(&artist, 2)) {
        add_setting(&artist);
    }
    add_happenings(&artist);
    allow_time(&artist);
    if (one_in(&artist, 3)) {
        tighten(&artist);
    }
}
