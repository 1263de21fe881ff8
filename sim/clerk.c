#include "sim/clerk.h"

#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "sim/check.h"
#include "sim/strikes.h"
#include "sim/workload.h"

#define ASK_COUNT_MAX 512
#define PLACE_COUNT 64
#define FORM_NS_MIN (200 * GKV_NS_PER_MS) /* nodes that are not late boot within it */

/* A question that was asked at this instant. */
struct ask {
    const char *label;
    uint32_t about;
    uint32_t count;
};

struct gkv_clerk {
    uint64_t instant_ns; /* of the asks */
    uint32_t ask_count;
    uint32_t next;      /* reading: the line that is carried out next */
    uint32_t next_luck; /* reading: the first line of luck of this instant or later */
    uint32_t next_read; /* reading: the line that READ asks next; line_count: none is left */
    uint32_t place_count;
    uint64_t work_end_ns; /* reading: when HEAL begins; 0: as soon as all is asked and answered */
    struct ask asks[ASK_COUNT_MAX];
    struct {
        const char *text;
        uint32_t label;
    } places[PLACE_COUNT];                         /* labels by the address of their text */
    uint64_t done[GKV_SCRIPT_LINE_COUNT_MAX / 64]; /* reading: a bit for each line carried out */
    struct gkv_link links[GKV_NET_NODE_COUNT_MAX][GKV_NET_NODE_COUNT_MAX]; /* as last written */
    struct gkv_sim_clock clocks[GKV_NET_NODE_COUNT_MAX];
    uint64_t service_ns[GKV_NET_NODE_COUNT_MAX];
    uint64_t
        suspended_ns[GKV_NET_NODE_COUNT_MAX]; /* when the pause ends that SUSPEND was last in */
};

/* ---- Lines that were carried out ------------------------------------------------------------- */

static void mark_done(const struct gkv_trial *trial, uint32_t index)
{
    GKV_ASSERT(index < trial->options->script->line_count);
    trial->clerk->done[index / 64] |= UINT64_C(1) << (index % 64);
}

static bool is_done(const struct gkv_trial *trial, uint32_t index)
{
    return (trial->clerk->done[index / 64] >> (index % 64) & 1u) != 0;
}

uint32_t gkv_clerk_left_out(const struct gkv_trial *trial, uint64_t until_ns, uint32_t *first_out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; gkv_clerk_reads(trial) && i < trial->options->script->line_count; i++) {
        if (trial->options->script->lines[i].time_ns < until_ns && !is_done(trial, i)) {
            *first_out = count == 0 ? i : *first_out;
            count++;
        }
    }
    return count;
}

/* ---- Luck ------------------------------------------------------------------------------------ */

/* How often was this asked before at this instant? ASK_COUNT_MAX: nobody knows. */
static uint32_t count_ask(struct gkv_clerk *clerk, const struct gkv_world *world, const char *label)
{
    if (clerk->instant_ns != world->now_ns) {
        clerk->instant_ns = world->now_ns;
        clerk->ask_count = 0;
    }
    for (uint32_t i = 0; i < clerk->ask_count; i++) {
        if (clerk->asks[i].about == world->net.about && clerk->asks[i].label == label) {
            return clerk->asks[i].count++;
        }
    }
    if (clerk->ask_count == ASK_COUNT_MAX) {
        return ASK_COUNT_MAX;
    }
    clerk->asks[clerk->ask_count++] =
        (struct ask){.label = label, .about = world->net.about, .count = 1};
    return 0;
}

/* The number of a label in the script, found by the address of its text, which is only faster. */
static uint32_t label_of(struct gkv_trial *trial, const char *text)
{
    struct gkv_clerk *clerk = trial->clerk;
    for (uint32_t i = 0; i < clerk->place_count; i++) {
        if (clerk->places[i].text == text) {
            return clerk->places[i].label;
        }
    }
    const uint32_t label = gkv_clerk_reads(trial)
                               ? gkv_script_find_label(trial->options->script, text)
                               : gkv_script_label(trial->options->written, text);
    GKV_ASSERT(clerk->place_count < PLACE_COUNT);
    clerk->places[clerk->place_count].text = text;
    clerk->places[clerk->place_count++].label = label;
    return label;
}

static void write_luck(struct gkv_trial *trial, const char *text, uint32_t count, uint64_t value)
{
    if (value == 0 || count == ASK_COUNT_MAX) {
        return;
    }
    const uint32_t about = trial->world.net.about;
    gkv_script_add(trial->options->written, &(struct gkv_script_line){
                                                .time_ns = trial->world.now_ns,
                                                .value = value,
                                                .kind = GKV_SCRIPT_LUCK,
                                                .label = label_of(trial, text),
                                                .count = count,
                                                .node = (uint8_t)(about / GKV_NET_NODE_COUNT_MAX),
                                                .to = (uint8_t)(about % GKV_NET_NODE_COUNT_MAX),
                                            });
}

static bool is_about(const struct gkv_script_line *line, uint32_t about)
{
    return line->node == about / GKV_NET_NODE_COUNT_MAX &&
           line->to == about % GKV_NET_NODE_COUNT_MAX;
}

/* What the script says; 0 where it says nothing. */
static uint64_t read_luck(struct gkv_trial *trial, const char *text, uint32_t count)
{
    struct gkv_clerk *clerk = trial->clerk;
    const struct gkv_script *script = trial->options->script;
    const uint32_t label = label_of(trial, text);
    const uint64_t now_ns = trial->world.now_ns;
    while (clerk->next_luck < script->line_count &&
           script->lines[clerk->next_luck].time_ns < now_ns) {
        clerk->next_luck++;
    }
    for (uint32_t i = clerk->next_luck; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->time_ns != now_ns) {
            break;
        }
        if (line->kind == GKV_SCRIPT_LUCK && line->label == label && line->count == count &&
            is_about(line, trial->world.net.about)) {
            mark_done(trial, i);
            return line->value;
        }
    }
    return 0;
}

/* While clients are at work, a script may delay a message by any time; else it answers within
 * bounds, as everybody does. */
static bool is_boundless(const struct gkv_trial *trial, const char *label)
{
    return trial->phase == GKV_PHASE_WORK && strcmp(label, "net.jitter") == 0;
}

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    struct gkv_trial *trial = context;
    const uint32_t count = count_ask(trial->clerk, &trial->world, label);
    if (gkv_clerk_reads(trial)) {
        const uint64_t value = read_luck(trial, label, count);
        const uint64_t most = bound > 0 ? bound - 1 : 0;
        return value <= most || is_boundless(trial, label) ? value : most;
    }
    const uint64_t value = bound <= 1 ? 0 : gkv_choose(&trial->choice, label, bound);
    write_luck(trial, label, count, value);
    return value;
}

/* That something happened is written down as 1, however likely it was. */
static bool happens(void *context, const char *label, uint64_t ppm)
{
    struct gkv_trial *trial = context;
    const uint32_t count = count_ask(trial->clerk, &trial->world, label);
    if (gkv_clerk_reads(trial)) {
        return read_luck(trial, label, count) != 0 && (ppm > 0 || trial->phase == GKV_PHASE_WORK);
    }
    const bool is_so = ppm > 0 && gkv_choose(&trial->choice, label, GKV_PPM) + ppm >= GKV_PPM;
    write_luck(trial, label, count, is_so);
    return is_so;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* WORK ends when all operations are asked and answered, or when a line says so. */
static void read_end(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    uint32_t operation_count = 0;
    for (uint32_t i = 0; i < script->line_count; i++) {
        operation_count += gkv_script_is_operation(script->lines[i].kind);
        if (script->lines[i].kind == GKV_SCRIPT_HEAL) {
            trial->clerk->work_end_ns = script->lines[i].time_ns;
            mark_done(trial, i);
        }
    }
    trial->scenario.operation_count = trial->clerk->work_end_ns > 0 ? UINT32_MAX : operation_count;
}

bool gkv_clerk_open(struct gkv_trial *trial)
{
    const struct gkv_trial_options *options = trial->options;
    if (options->script == NULL && options->written == NULL) {
        return true;
    }
    GKV_ASSERT(options->script == NULL || options->written == NULL);
    trial->clerk = calloc(1, sizeof(*trial->clerk));
    if (trial->clerk == NULL) {
        return false;
    }
    trial->choice.chance = (struct gkv_chance){.draw = draw, .happens = happens, .context = trial};
    if (options->script != NULL) {
        read_end(trial);
    } else {
        gkv_script_clear(options->written);
        struct gkv_scenario *scenario = &options->written->scenario;
        *scenario = trial->scenario;
        scenario->reads_by_lines = !scenario->repairs_by_read;
        scenario->crashes.every_ns = scenario->loses_memory;
        scenario->rolls.every_ns = 0; /* what empties nodes is one permission here */
        scenario->blackouts.every_ns = 0;
        scenario->key_crashes.every_ns = 0;
        scenario->link.flip_ppm = scenario->damages_bytes;
        scenario->link.truncation_ppm = 0;
        if (scenario->link.latency_ns > GKV_SCENARIO_CALM_LATENCY_NS_MAX) { /* lines say more */
            scenario->link.latency_ns = GKV_SCENARIO_CALM_LATENCY_NS_MAX;
        }
    }
    return true;
}

void gkv_clerk_close(struct gkv_trial *trial)
{
    free(trial->clerk);
    trial->clerk = NULL;
}

uint64_t gkv_clerk_work_end_ns(const struct gkv_trial *trial, uint64_t otherwise_ns)
{
    if (!gkv_clerk_reads(trial)) {
        return otherwise_ns;
    }
    return trial->clerk->work_end_ns > 0 ? trial->clerk->work_end_ns : UINT64_MAX;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static bool writes(const struct gkv_trial *trial)
{
    return trial->options != NULL && trial->options->written != NULL;
}

static void write_line(struct gkv_trial *trial, enum gkv_script_kind kind, uint32_t from,
                       uint32_t to, uint64_t value)
{
    gkv_script_add(trial->options->written, &(struct gkv_script_line){
                                                .time_ns = trial->world.now_ns,
                                                .value = value,
                                                .kind = kind,
                                                .node = (uint8_t)from,
                                                .to = (uint8_t)to,
                                            });
}

void gkv_clerk_write_operation(struct gkv_trial *trial, const struct gkv_deed *deed)
{
    if (writes(trial) && trial->phase == GKV_PHASE_READ &&
        trial->options->written->scenario.reads_by_lines) {
        gkv_clerk_write_line(
            trial,
            &(struct gkv_script_line){
                .kind = deed->kind == GKV_OPERATION_SET ? GKV_SCRIPT_READ_SET : GKV_SCRIPT_READ_GET,
                .key = deed->key,
                .node = (uint8_t)deed->node,
                .to = (uint8_t)deed->node,
            });
    }
    if (!writes(trial) || trial->phase != GKV_PHASE_WORK) {
        return;
    }
    const enum gkv_script_kind kind = deed->kind == GKV_OPERATION_SET   ? GKV_SCRIPT_SET
                                      : deed->kind == GKV_OPERATION_GET ? GKV_SCRIPT_GET
                                                                        : GKV_SCRIPT_DELETE;
    gkv_script_add(trial->options->written, &(struct gkv_script_line){
                                                .time_ns = trial->world.now_ns,
                                                .value = deed->ttl_ms,
                                                .kind = kind,
                                                .count = deed->value_bytes,
                                                .key = deed->key,
                                                .client = (uint16_t)deed->client,
                                                .node = (uint8_t)deed->node,
                                                .to = (uint8_t)deed->node,
                                            });
}

static void write_link(struct gkv_trial *trial, uint32_t from, uint32_t to)
{
    struct gkv_link *old = &trial->clerk->links[from][to];
    const struct gkv_link *now = gkv_world_link(&trial->world, from, to);
    if (old->latency_ns != now->latency_ns) {
        write_line(trial, GKV_SCRIPT_LATENCY, from, to, now->latency_ns);
    }
    if (old->bytes_per_s != now->bytes_per_s) {
        write_line(trial, GKV_SCRIPT_RATE, from, to, now->bytes_per_s);
    }
    if (old->held_until_ns != now->held_until_ns && now->held_until_ns > trial->world.now_ns) {
        write_line(trial, GKV_SCRIPT_STALL, from, to, now->held_until_ns - trial->world.now_ns);
    }
    if (old->resets != now->resets) {
        write_line(trial, GKV_SCRIPT_RESETS, from, to, now->resets);
    }
    if (old->is_cut != now->is_cut) {
        write_line(trial, now->is_cut ? GKV_SCRIPT_CUT : GKV_SCRIPT_MEND, from, to, 0);
    }
    *old = *now;
}

/* How wrong a wall clock is now, but for its swinging and its grain. */
static int64_t offset_ms(const struct gkv_sim_clock *clock, const struct gkv_sim_clock *limits,
                         uint64_t now_ns)
{
    struct gkv_sim_clock copy = *clock;
    copy.skew_ms_max = limits->skew_ms_max;
    gkv_sim_clock_step(&copy, now_ns, 0);
    return copy.wall_offset_ms;
}

static void write_clock(struct gkv_trial *trial, uint32_t node)
{
    struct gkv_sim_clock *old = &trial->clerk->clocks[node];
    const struct gkv_sim_clock *now = &trial->world.hosts[node].clock;
    const uint64_t now_ns = trial->world.now_ns;
    if (old->mono_offset_ns != now->mono_offset_ns) {
        const bool is_new = trial->world.hosts[node].life_count <= 1 && old->skew_ms_max == 0 &&
                            old->mono_offset_ns == 0;
        write_line(trial, is_new ? GKV_SCRIPT_UPTIME : GKV_SCRIPT_SUSPEND, node, node,
                   is_new ? now->mono_offset_ns : old->mono_offset_ns - now->mono_offset_ns);
    }
    const int64_t step_ms = offset_ms(now, now, now_ns) - offset_ms(old, now, now_ns);
    if (step_ms != 0) {
        write_line(trial, GKV_SCRIPT_STEP, node, node, (uint64_t)step_ms);
    }
    if (old->drift_ppm != now->drift_ppm || old->drift_since_ns != now->drift_since_ns) {
        write_line(trial, GKV_SCRIPT_DRIFT, node, node, (uint64_t)now->drift_ppm);
    }
    *old = *now;
}

static void write_pace(struct gkv_trial *trial, uint32_t node)
{
    const uint64_t service_ns = trial->world.hosts[node].service_ns;
    if (trial->clerk->service_ns[node] != service_ns) {
        write_line(trial, GKV_SCRIPT_SLOW, node, node, service_ns);
        trial->clerk->service_ns[node] = service_ns;
    }
}

void gkv_clerk_write_changes(struct gkv_trial *trial)
{
    if (!writes(trial)) {
        return;
    }
    for (uint32_t i = 0; i < trial->scenario.node_count; i++) {
        for (uint32_t j = 0; j < trial->scenario.node_count; j++) {
            write_link(trial, i, j);
        }
        write_clock(trial, i);
        write_pace(trial, i);
    }
}

void gkv_clerk_write_event(struct gkv_trial *trial, const struct gkv_observation *observation)
{
    const uint32_t node = observation->node;
    if (!writes(trial)) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        write_clock(trial, node); /* which a first boot sets, also where HEAL begins */
    }
    if (!trial->is_in_call) {
        return;
    }
    if (observation->kind == GKV_OBSERVE_BOOT) {
        write_line(trial, GKV_SCRIPT_BOOT, node, node, 0);
    } else if (observation->kind == GKV_OBSERVE_CRASH) {
        write_line(trial, GKV_SCRIPT_CRASH, node, node, observation->argument);
    } else if (observation->kind == GKV_OBSERVE_LEAVE) {
        write_line(trial, GKV_SCRIPT_LEAVE, node, node, 0);
    } else if (observation->kind == GKV_OBSERVE_PAUSE) {
        write_line(trial, GKV_SCRIPT_PAUSE, node, node,
                   observation->argument - observation->time_ns);
    }
}

void gkv_clerk_write_line(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    struct gkv_script_line dated = *line;
    dated.time_ns = trial->world.now_ns;
    if (writes(trial)) {
        gkv_script_add(trial->options->written, &dated);
    }
}

void gkv_clerk_write_end(struct gkv_trial *trial)
{
    if (writes(trial)) {
        write_line(trial, GKV_SCRIPT_HEAL, 0, 0, 0);
    }
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void call_at_next(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    struct gkv_clerk *clerk = trial->clerk;
    while (clerk->next < script->line_count && script->lines[clerk->next].kind == GKV_SCRIPT_LUCK) {
        clerk->next++;
    }
    if (clerk->next < script->line_count) {
        gkv_trial_call_in(trial, script->lines[clerk->next].time_ns - trial->world.now_ns,
                          GKV_CALL_SCRIPT, 0);
    }
}

const struct gkv_script_line *gkv_clerk_find(const struct gkv_trial *trial,
                                             enum gkv_script_kind kind)
{
    const struct gkv_script *script = trial->options->script;
    for (uint32_t i = 0; i < script->line_count; i++) {
        if (script->lines[i].kind == kind) {
            mark_done(trial, i);
            return &script->lines[i];
        }
    }
    return NULL;
}

/* Turn to the line that READ asks next: of nodes that are still there. */
static void find_reading(const struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    struct gkv_clerk *clerk = trial->clerk;
    while (clerk->next_read < script->line_count &&
           !(gkv_script_is_reading(script->lines[clerk->next_read].kind) &&
             gkv_check_is_core(trial, script->lines[clerk->next_read].node))) {
        clerk->next_read++;
    }
}

bool gkv_clerk_has_reading(const struct gkv_trial *trial)
{
    find_reading(trial);
    return trial->clerk->next_read < trial->options->script->line_count;
}

bool gkv_clerk_next_reading(struct gkv_trial *trial, struct gkv_deed *deed_out)
{
    if (!gkv_clerk_has_reading(trial)) {
        return false;
    }
    const struct gkv_script_line *line = &trial->options->script->lines[trial->clerk->next_read];
    const bool is_set = line->kind == GKV_SCRIPT_READ_SET;
    *deed_out = (struct gkv_deed){
        .kind = is_set ? GKV_OPERATION_SET : GKV_OPERATION_GET,
        .key = line->key,
        .node = line->node,
        .value_bytes = is_set ? trial->scenario.value_bytes_min : 0,
    };
    mark_done(trial, trial->clerk->next_read++);
    return true;
}

/* Who is not late boots at once, unless a line lets it boot a little later. */
static void boot_unmentioned(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    struct gkv_nodes mentioned = {{0}};
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->kind == GKV_SCRIPT_BOOT && line->time_ns < trial->world.now_ns + FORM_NS_MIN) {
            gkv_nodes_add(&mentioned, line->node);
        }
    }
    for (uint32_t i = 0; i < trial->scenario.node_count - trial->scenario.late_count; i++) {
        if (!gkv_nodes_has(&mentioned, i)) {
            gkv_trial_call_in(trial, 0, GKV_CALL_BOOT, i);
        }
    }
}

void gkv_clerk_begin(struct gkv_trial *trial)
{
    if (writes(trial)) {
        memcpy(trial->clerk->links, trial->world.net.links, sizeof(trial->clerk->links));
    }
    if (gkv_clerk_reads(trial)) {
        const struct gkv_scenario *scenario = &trial->scenario;
        for (uint32_t i = 0; i < scenario->node_count; i++) {
            struct gkv_sim_clock *clock = &trial->world.hosts[i].clock;
            clock->skew_ms_max = scenario->skew_ms_max - (int64_t)scenario->clock_grain_ms;
            clock->grain_ms = scenario->clock_grain_ms;
            clock->swing_ms = scenario->swing_ms;
        }
        boot_unmentioned(trial);
        call_at_next(trial);
    }
}

/* What cannot be asked is left out: the client still waits, or the node is not there. */
static bool ask(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    const struct gkv_host *host = &trial->world.hosts[line->node];
    const struct gkv_deed deed = {
        .kind = line->kind == GKV_SCRIPT_SET   ? GKV_OPERATION_SET
                : line->kind == GKV_SCRIPT_GET ? GKV_OPERATION_GET
                                               : GKV_OPERATION_DELETE,
        .key = line->key,
        .node = line->node,
        .value_bytes = line->kind == GKV_SCRIPT_SET ? line->count : 0,
        .ttl_ms = line->value,
    };
    trial->issued_count++;
    if (trial->phase != GKV_PHASE_WORK || !host->is_up || host->paused_until_ns > 0 ||
        trial->clients[line->client].waiting != GKV_HISTORY_NONE ||
        trial->history.count >= GKV_HISTORY_COUNT_MAX / 2) {
        return false;
    }
    gkv_workload_ask(trial, line->client, &deed);
    return true;
}

static bool is_of_clock(enum gkv_script_kind kind)
{
    return kind == GKV_SCRIPT_UPTIME || kind == GKV_SCRIPT_SUSPEND || kind == GKV_SCRIPT_STEP ||
           kind == GKV_SCRIPT_DRIFT;
}

static bool set_clock(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    struct gkv_host *host = &trial->world.hosts[line->node];
    if (line->kind == GKV_SCRIPT_SUSPEND) {
        if (host->paused_until_ns < line->time_ns + line->value ||
            host->paused_until_ns == trial->clerk->suspended_ns[line->node]) {
            return false; /* somebody would see it go back */
        }
        trial->clerk->suspended_ns[line->node] = host->paused_until_ns;
        gkv_sim_clock_suspend(&host->clock, line->value);
    } else if (line->kind == GKV_SCRIPT_STEP) {
        gkv_sim_clock_step(&host->clock, line->time_ns, (int64_t)line->value);
    } else if (line->kind == GKV_SCRIPT_DRIFT) {
        gkv_sim_clock_drift(&host->clock, line->time_ns, (int64_t)line->value);
    } else if (host->life_count > 0) {
        return false; /* no clock goes back once somebody has seen it */
    } else {
        host->clock.mono_offset_ns = line->value;
    }
    return true;
}

static bool is_of_node(enum gkv_script_kind kind)
{
    return kind == GKV_SCRIPT_BOOT || (kind >= GKV_SCRIPT_CRASH && kind <= GKV_SCRIPT_PAUSE) ||
           kind == GKV_SCRIPT_SLOW;
}

static bool strike_node(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    struct gkv_host *host = &trial->world.hosts[line->node];
    const bool is_awake = host->is_up && host->paused_until_ns == 0;
    const bool may = line->kind == GKV_SCRIPT_BOOT
                         ? !host->is_up && host->life_count < host->life_count_max
                     : line->kind == GKV_SCRIPT_CRASH ? host->is_up
                     : line->kind == GKV_SCRIPT_LEAVE ? is_awake
                     : line->kind == GKV_SCRIPT_PAUSE ? is_awake && line->value > 0
                                                      : true;
    if (!may) {
        return false;
    }
    if (line->kind == GKV_SCRIPT_BOOT) {
        gkv_strike_boot(trial, line->node);
    } else if (line->kind == GKV_SCRIPT_CRASH) {
        gkv_strike_end(trial, line->node, line->value, GKV_MET_CRASH);
    } else if (line->kind == GKV_SCRIPT_LEAVE) {
        gkv_strike_goodbye(trial, line->node);
    } else if (line->kind == GKV_SCRIPT_PAUSE) {
        gkv_world_pause(&trial->world, line->node, line->time_ns + line->value);
    } else {
        host->service_ns = line->value;
    }
    return true;
}

static bool set_link(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    struct gkv_link *link = gkv_world_link(&trial->world, line->node, line->to);
    if (line->kind == GKV_SCRIPT_CUT || line->kind == GKV_SCRIPT_MEND) {
        link->is_cut = line->kind == GKV_SCRIPT_CUT;
    } else if (line->kind == GKV_SCRIPT_LATENCY) {
        link->latency_ns = line->value;
    } else if (line->kind == GKV_SCRIPT_RATE) {
        link->bytes_per_s = (uint32_t)line->value;
    } else if (line->kind == GKV_SCRIPT_RESETS) {
        link->resets = line->value != 0;
    } else if (line->kind == GKV_SCRIPT_STALL) {
        link->held_until_ns = line->time_ns + line->value;
    } else if (line->kind == GKV_SCRIPT_SEVER) {
        return gkv_net_sever(&trial->world.net, line->time_ns, line->count / 2, line->count % 2,
                             line->value);
    }
    return true;
}

/* Faults strike in WORK only: what is promised of the other phases, is promised without them. But
 * nodes boot in FORM, and who left stops whenever it does. False: it is left out. */
static bool carry_out(struct gkv_trial *trial, const struct gkv_script_line *line)
{
    const bool is_at_work = trial->phase == GKV_PHASE_WORK;
    if (gkv_script_is_reading(line->kind)) {
        return false; /* in READ, by gkv_clerk_next_reading */
    }
    if (gkv_script_is_operation(line->kind)) {
        return ask(trial, line);
    }
    if (is_of_clock(line->kind)) {
        return set_clock(trial, line);
    }
    if (is_at_work || (line->kind == GKV_SCRIPT_BOOT && trial->phase == GKV_PHASE_FORM) ||
        (line->kind == GKV_SCRIPT_CRASH && gkv_nodes_has(&trial->left, line->node))) {
        return is_of_node(line->kind) ? strike_node(trial, line) : set_link(trial, line);
    }
    return false;
}

void gkv_clerk_begin_work(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    for (uint32_t i = 0; i < script->line_count; i++) {
        const struct gkv_script_line *line = &script->lines[i];
        if (line->time_ns <= trial->world.now_ns && line->kind >= GKV_SCRIPT_LATENCY &&
            line->kind <= GKV_SCRIPT_RESETS && set_link(trial, line)) {
            mark_done(trial, i);
        }
    }
}

void gkv_clerk_on_call(struct gkv_trial *trial)
{
    const struct gkv_script *script = trial->options->script;
    struct gkv_clerk *clerk = trial->clerk;
    while (clerk->next < script->line_count &&
           script->lines[clerk->next].time_ns == trial->world.now_ns) {
        const struct gkv_script_line *line = &script->lines[clerk->next];
        if (line->kind != GKV_SCRIPT_LUCK && carry_out(trial, line)) {
            mark_done(trial, clerk->next);
        }
        clerk->next++;
    }
    call_at_next(trial);
}
