#include "tests/told.h"

#include <string.h>

#include "core/panic.h"

void told_begin(struct told *told, const struct gkv_check *check)
{
    memset(told, 0, sizeof(*told));
    told->check = check;
    struct gkv_trial *trial = &told->trial;
    trial->history.deeds = told->deeds;
    trial->scenario.node_count = 3;
    trial->scenario.key_count = 1;
    trial->scenario.checks_quorum = true;
    trial->scenario.world.node.drift_ms_max = 500;
    trial->scenario.world.node.write_quorum = 2;
    trial->world.now_ns = 1000 * GKV_NS_PER_MS;
    gkv_check_name_nodes(trial);
    for (uint32_t i = 0; i < 3; i++) {
        trial->world.hosts[i].options.boot_id = 100;
        trial->world.hosts[i].life_count = 1;
    }
}

static void pass(struct told *told)
{
    told->trial.world.now_ns += GKV_NS_PER_MS;
}

/* As sim/trial.c does, only what the check asks for. */
static bool is_wanted(const struct gkv_check *check, const struct gkv_observation *observation)
{
    const uint64_t bit = observation->kind == GKV_OBSERVE_OUTPUT
                             ? GKV_TOLD_OUTPUT(observation->output->kind)
                             : GKV_TOLD(observation->kind);
    return check->observe != NULL && (check->told_mask == 0 || (check->told_mask & bit) != 0);
}

static void observe(struct told *told, struct gkv_observation observation)
{
    observation.time_ns = told->trial.world.now_ns;
    if (is_wanted(told->check, &observation)) {
        told->check->observe(&told->trial, &observation);
    }
}

void told_input(struct told *told, uint32_t node, enum gkv_observation_kind kind)
{
    pass(told);
    observe(told, (struct gkv_observation){.kind = kind, .node = node});
}

uint32_t told_submit(struct told *told, enum gkv_operation_kind kind, uint32_t node,
                     uint32_t client)
{
    GKV_ASSERT(told->trial.history.count < TOLD_DEED_COUNT);
    pass(told);
    const uint32_t number =
        gkv_history_add(&told->trial.history, &(struct gkv_deed){
                                                  .kind = kind,
                                                  .begin_ns = told->trial.world.now_ns,
                                                  .node = node,
                                                  .life = 1,
                                                  .client = client,
                                                  .value_bytes = 16,
                                              });
    const struct gkv_operation operation = {.cookie = number + 1u, .kind = kind};
    observe(told, (struct gkv_observation){
                      .kind = GKV_OBSERVE_SUBMIT, .node = node, .operation = &operation});
    return number;
}

void told_complete(struct told *told, uint32_t number, const struct gkv_result *result,
                   uint32_t read)
{
    uint8_t value[16];
    struct gkv_deed *deed = &told->deeds[number];
    struct gkv_output output = {.kind = GKV_OUTPUT_COMPLETE};
    output.as.result = *result;
    output.as.result.cookie = number + 1u;
    pass(told);
    if (read != GKV_HISTORY_NONE) {
        gkv_history_value(read, value, sizeof(value));
        output.as.result.value = (struct gkv_bytes){.data = value, .count = sizeof(value)};
    }
    deed->complete_count++;
    deed->end_ns = told->trial.world.now_ns;
    deed->error = result->error;
    deed->version = result->version;
    observe(told, (struct gkv_observation){
                      .kind = GKV_OBSERVE_OUTPUT, .node = deed->node, .output = &output});
}

static void hear(struct told *told, const struct gkv_heard *heard)
{
    if (told->check->hear != NULL) {
        told->check->hear(&told->trial, heard);
    }
}

void told_say(struct told *told, uint32_t node, uint64_t connection, struct gkv_message message)
{
    const bool is_datagram = connection == 0;
    pass(told);
    message.from.id =
        is_datagram || message.kind == GKV_MESSAGE_NONE ? told->trial.ids[node] : message.from.id;
    message.from.boot_id = message.from.boot_id == 0 ? 100 : message.from.boot_id;
    hear(told, &(struct gkv_heard){
                   .time_ns = told->trial.world.now_ns,
                   .connection = connection,
                   .node = node,
                   .is_datagram = is_datagram,
                   .hlc = message.hlc,
                   .message = &message,
               });
}

void told_say_to(struct told *told, uint32_t node, uint32_t to, struct gkv_message message)
{
    pass(told);
    message.from = (struct gkv_identity){.id = told->trial.ids[node], .boot_id = 100};
    hear(told, &(struct gkv_heard){
                   .time_ns = told->trial.world.now_ns,
                   .node = node,
                   .is_datagram = true,
                   .to = to,
                   .message = &message,
               });
}

void told_deliver(struct told *told, uint32_t node, const struct gkv_gist *gist)
{
    told_input(told, node, GKV_OBSERVE_DATAGRAM);
    hear(told, &(struct gkv_heard){
                   .time_ns = told->trial.world.now_ns,
                   .node = node,
                   .is_arrival = true,
                   .is_datagram = true,
                   .gist = gist,
               });
}

void told_hold(struct told *told, uint32_t node, uint32_t about, enum gkv_member_state state,
               uint32_t incarnation)
{
    struct gkv_output output = {.kind = GKV_OUTPUT_MEMBER};
    output.as.member = (struct gkv_update){
        .who = {.id = told->trial.ids[about], .boot_id = 100},
        .incarnation = incarnation,
        .state = state,
        .accuser = told->trial.ids[node],
    };
    told->trial.precedence_watch.held[node][about] =
        (struct gkv_precedence_held){100, incarnation, state};
    observe(told,
            (struct gkv_observation){.kind = GKV_OBSERVE_OUTPUT, .node = node, .output = &output});
}

void told_wait(struct told *told, uint64_t ms)
{
    told->trial.world.now_ns += ms * GKV_NS_PER_MS;
}

void told_arrive(struct told *told, uint32_t node, uint64_t connection, uint64_t stamp)
{
    told_input(told, node, connection == 0 ? GKV_OBSERVE_DATAGRAM : GKV_OBSERVE_RECEIVED);
    hear(told, &(struct gkv_heard){
                   .time_ns = told->trial.world.now_ns,
                   .connection = connection,
                   .node = node,
                   .is_arrival = true,
                   .is_datagram = connection == 0,
                   .hlc = {.packed = stamp},
               });
}

uint64_t told_stamp(const struct told *told, int64_t ms, uint64_t counter)
{
    const int64_t true_ms = (int64_t)gkv_sim_clock_true_ms(told->trial.world.now_ns);
    return (uint64_t)(true_ms + ms) << 16 | counter;
}

bool told_is_rejected(const struct told *told)
{
    return told->trial.verdict.status != GKV_TRIAL_PASS;
}
