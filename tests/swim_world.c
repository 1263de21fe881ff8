#include "tests/swim_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/suspicion.h"

struct peer world_peers[PEER_COUNT_MAX];
static struct mail mails[MAIL_COUNT_MAX];
static uint32_t mail_first;
uint32_t world_mail_count;
uint64_t world_now_ns;
uint32_t world_peer_count;
bool world_is_cut[PEER_COUNT_MAX][PEER_COUNT_MAX];
bool world_loses_datagrams[PEER_COUNT_MAX][PEER_COUNT_MAX];
uint32_t world_sent_count[GKV_MESSAGE_KIND_COUNT];

struct gkv_address world_address_of(uint32_t number)
{
    return (struct gkv_address){.bytes = {(uint8_t)(number + 1)}, .count = 1};
}

struct gkv_node_id world_id_of(uint32_t number)
{
    return (struct gkv_node_id){{(uint8_t)(number + 1), (uint8_t)((number + 1) >> 8)}};
}

struct gkv_step world_step_of(struct peer *peer)
{
    return (struct gkv_step){
        .now = {.mono_ns = world_now_ns, .wall_ms = 1 + world_now_ns / GKV_NS_PER_MS},
        .options = &peer->options,
        .actions = &peer->actions,
        .scratch = &peer->scratch,
        .timers = &peer->timers,
        .clock = &peer->clock,
        .trace = &peer->trace,
        .members = &peer->members,
    };
}

static void post(struct peer *from, const struct gkv_action *action)
{
    const uint32_t to = action->as.send.address.bytes[0] - 1u;
    const uint32_t from_number = (uint32_t)(from - world_peers);
    const struct gkv_message *message = &action->as.send.message;
    world_sent_count[message->kind]++;
    if (to >= world_peer_count || world_is_cut[from_number][to] ||
        (action->as.send.channel == GKV_CHANNEL_DATAGRAM &&
         world_loses_datagrams[from_number][to])) {
        return;
    }
    assert_true(world_mail_count < MAIL_COUNT_MAX);
    struct mail *mail = &mails[(mail_first + world_mail_count++) % MAIL_COUNT_MAX];
    *mail = (struct mail){
        .arrives_ns = world_now_ns + LATENCY_NS,
        .to = to,
        .way = {.address = world_address_of(from_number), .channel = action->as.send.channel},
        .message = *message};
    const bool is_push_pull = message->kind == GKV_MESSAGE_PUSH_PULL;
    const bool may_be_either =
        message->kind == GKV_MESSAGE_PING || message->kind == GKV_MESSAGE_ACK;
    assert_true(may_be_either || action->as.send.channel ==
                                     (is_push_pull ? GKV_CHANNEL_STREAM : GKV_CHANNEL_DATAGRAM));
    const struct gkv_update *updates =
        is_push_pull ? message->as.push_pull.updates : message->as.gossip.updates;
    const uint32_t count =
        is_push_pull ? message->as.push_pull.update_count : message->as.gossip.update_count;
    mail->updates = calloc(count + 1, sizeof(*updates));
    assert_non_null(mail->updates);
    if (count > 0) {
        memcpy(mail->updates, updates, count * sizeof(*updates));
    }
    if (is_push_pull) {
        mail->message.as.push_pull.updates = mail->updates;
    } else {
        mail->message.as.gossip.updates = mail->updates;
    }
}

void world_drain(struct peer *peer)
{
    assert_true(peer->actions.count <= GKV_SWIM_ACTION_COUNT_MAX);
    if (peer->actions.count > peer->action_count_max) {
        peer->action_count_max = peer->actions.count;
    }
    struct gkv_action action;
    while (gkv_actions_take(&peer->actions, &action)) {
        if (action.kind == GKV_ACTION_SEND) {
            post(peer, &action);
        } else {
            assert_true(action.kind == GKV_ACTION_MEMBER || action.kind == GKV_ACTION_DEGRADED);
            peer->event_count++;
        }
    }
    gkv_scratch_clear(&peer->scratch);
}

struct peer *world_start_sized(uint32_t number, uint64_t boot_id, uint32_t seed,
                               uint32_t member_count_max)
{
    struct peer *peer = &world_peers[number];
    memset(peer, 0, sizeof(*peer));
    gkv_options_init(&peer->options);
    peer->options.member_count_max = member_count_max;
    peer->options.address = world_address_of(number);
    peer->options.boot_id = boot_id;
    peer->options.seed[0] = 1000 + number;
    peer->options.seeds[0] = world_address_of(seed);
    peer->options.seed_count = 1;

    struct gkv_arena arena = gkv_arena_over(peer->memory, sizeof(peer->memory));
    const struct gkv_update self = {.who = {world_id_of(number), boot_id},
                                    .state = GKV_MEMBER_ALIVE,
                                    .address = world_address_of(number)};
    gkv_members_init(&peer->members, &arena, (uint16_t)member_count_max, &self);
    gkv_timers_init(&peer->timers, &arena, GKV_TIMER_MEMBER_FIRST + member_count_max);
    gkv_actions_init(&peer->actions, &arena, 2 * GKV_SWIM_ACTION_COUNT_MAX);
    gkv_scratch_init(&peer->scratch, &arena, gkv_swim_scratch_bytes(&peer->options));
    gkv_hlc_clock_init(&peer->clock, 500);
    gkv_swim_init(&peer->swim, &arena, &peer->options);
    world_peer_count = world_peer_count > number + 1 ? world_peer_count : number + 1;

    const struct gkv_step step = world_step_of(peer);
    gkv_swim_start(&peer->swim, &step);
    world_drain(peer);
    return peer;
}

struct peer *world_start(uint32_t number, uint64_t boot_id, uint32_t seed)
{
    return world_start_sized(number, boot_id, seed, 16);
}

static void fire_timer(struct peer *peer)
{
    uint32_t id = 0;
    assert_true(gkv_timers_take_due(&peer->timers, world_now_ns, &id));
    const struct gkv_step step = world_step_of(peer);
    if (id < GKV_TIMER_PERIODIC_COUNT) {
        gkv_swim_on_timer(&peer->swim, &step, (enum gkv_timer_id)id);
    } else if (id < GKV_TIMER_MEMBER_FIRST) {
        gkv_swim_on_probe_timer(&peer->swim, &step, id - GKV_TIMER_PROBE_FIRST);
    } else {
        gkv_swim_on_member_timer(&peer->swim, &step, (uint16_t)(id - GKV_TIMER_MEMBER_FIRST));
    }
    world_drain(peer);
}

void world_deliver_by(uint32_t to, const struct gkv_message *message, const struct gkv_way *way)
{
    struct peer *peer = &world_peers[to];
    const struct gkv_step step = world_step_of(peer);
    gkv_suspicions_hear(&step, &message->from);
    gkv_swim_on_message(&peer->swim, &step, message, way);
    world_drain(peer);
}

void world_deliver(uint32_t to, const struct gkv_message *message, const struct gkv_address *source)
{
    const struct gkv_way way = {.address = *source, .channel = GKV_CHANNEL_DATAGRAM};
    world_deliver_by(to, message, &way);
}

/* A copy: what is sent in answer may take the mail's place. */
static void deliver_next(void)
{
    const struct mail mail = mails[mail_first];
    mail_first = (mail_first + 1) % MAIL_COUNT_MAX;
    world_mail_count--;
    if (!world_peers[mail.to].is_down) {
        world_deliver_by(mail.to, &mail.message, &mail.way);
    }
    free(mail.updates);
}

void world_run_until(uint64_t until_ns)
{
    for (;;) {
        uint64_t next_ns = world_mail_count > 0 ? mails[mail_first].arrives_ns : GKV_NEVER;
        struct peer *ringing = NULL;
        for (uint32_t i = 0; i < world_peer_count; i++) {
            const uint64_t due_ns = gkv_timers_deadline_ns(&world_peers[i].timers);
            if (!world_peers[i].is_down && due_ns <= next_ns && due_ns != GKV_NEVER &&
                (ringing == NULL || due_ns < next_ns)) {
                next_ns = due_ns;
                ringing = &world_peers[i];
            }
        }
        if (next_ns > until_ns) {
            break;
        }
        world_now_ns = next_ns;
        if (ringing != NULL) {
            fire_timer(ringing);
        } else {
            deliver_next();
        }
    }
    world_now_ns = until_ns;
}

int world_teardown(void **state)
{
    (void)state;
    for (; world_mail_count > 0; world_mail_count--) {
        free(mails[mail_first].updates);
        mail_first = (mail_first + 1) % MAIL_COUNT_MAX;
    }
    return 0;
}

int world_setup(void **state)
{
    (void)state;
    world_now_ns = 0;
    world_peer_count = 0;
    mail_first = 0;
    world_mail_count = 0;
    memset(world_is_cut, 0, sizeof(world_is_cut));
    memset(world_loses_datagrams, 0, sizeof(world_loses_datagrams));
    memset(world_sent_count, 0, sizeof(world_sent_count));
    return 0;
}

const struct gkv_update *world_view(uint32_t viewer, uint32_t number)
{
    static const struct gkv_update nothing;
    const uint16_t index = gkv_member_find(&world_peers[viewer].members, world_id_of(number));
    return index == GKV_MEMBER_INDEX_NONE
               ? &nothing
               : &gkv_member_at(&world_peers[viewer].members, index)->said;
}

bool world_all_see_all_alive(void)
{
    for (uint32_t i = 0; i < world_peer_count; i++) {
        for (uint32_t j = 0; j < world_peer_count; j++) {
            if (world_view(i, j)->state != GKV_MEMBER_ALIVE) {
                return false;
            }
        }
    }
    return true;
}

void world_start_cluster(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        world_start(i, 100, 0);
    }
    world_run_until(2 * SECOND_NS);
    assert_true(world_all_see_all_alive());
}

void world_set_cut(uint32_t one, uint32_t other, bool cut)
{
    for (uint32_t i = 0; i < PEER_COUNT_MAX; i++) {
        for (uint32_t j = 0; j < PEER_COUNT_MAX; j++) {
            if ((one >> i & 1) != 0 && (other >> j & 1) != 0) {
                world_is_cut[i][j] = cut;
                world_is_cut[j][i] = cut;
            }
        }
    }
}

const struct gkv_trace_point *world_traced(uint32_t viewer, enum gkv_trace_kind kind,
                                           uint32_t about, uint64_t since_ns)
{
    const struct gkv_trace *trace = &world_peers[viewer].trace;
    for (uint64_t i = 0; i < trace->point_count && i < GKV_TRACE_POINT_COUNT; i++) {
        const struct gkv_trace_point *point =
            &trace->points[(trace->point_count - 1 - i) % GKV_TRACE_POINT_COUNT];
        if (point->kind == (uint32_t)kind && point->mono_ns >= since_ns &&
            gkv_node_id_equal(point->about, world_id_of(about))) {
            return point;
        }
    }
    return NULL;
}

struct gkv_message world_message_from(uint32_t number, uint64_t boot_id, enum gkv_message_kind kind)
{
    return (struct gkv_message){.kind = kind, .from = {world_id_of(number), boot_id}};
}

struct gkv_update world_update_about(uint32_t number, uint64_t boot_id, uint32_t incarnation,
                                     enum gkv_member_state state)
{
    return (struct gkv_update){.who = {world_id_of(number), boot_id},
                               .incarnation = incarnation,
                               .state = state,
                               .address = world_address_of(number)};
}

void world_gossip(uint32_t from, uint32_t to, const struct gkv_update *update)
{
    struct gkv_message message = world_message_from(from, 100, GKV_MESSAGE_GOSSIP);
    message.as.gossip.updates = update;
    message.as.gossip.update_count = 1;
    const struct gkv_address source = world_address_of(from);
    world_deliver(to, &message, &source);
}

const struct mail *world_last_mail(enum gkv_message_kind kind, uint32_t to)
{
    for (uint32_t i = world_mail_count; i > 0; i--) {
        const struct mail *mail = &mails[(mail_first + i - 1) % MAIL_COUNT_MAX];
        if (mail->message.kind == kind && mail->to == to) {
            return mail;
        }
    }
    return NULL;
}
