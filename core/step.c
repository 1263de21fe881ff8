#include "core/step.h"

#include "core/panic.h"

struct gkv_member *gkv_step_self(const struct gkv_step *step)
{
    return gkv_member_at(step->members, GKV_MEMBER_SELF);
}

const struct gkv_ring *gkv_step_ring(const struct gkv_step *step)
{
    gkv_ring_refresh(step->ring, step->members);
    return step->ring;
}

struct gkv_message *gkv_step_send(const struct gkv_step *step, const struct gkv_address *address,
                                  enum gkv_channel channel, enum gkv_message_kind kind)
{
    GKV_ASSERT(kind != GKV_MESSAGE_NONE);
    struct gkv_action *action = gkv_actions_add(step->actions, GKV_ACTION_SEND);
    action->as.send.address = *address;
    action->as.send.channel = channel;
    struct gkv_message *message = &action->as.send.message;
    message->kind = kind;
    message->from = gkv_step_self(step)->said.who;
    message->hlc = gkv_hlc_issue(step->clock, step->now.wall_ms);
    return message;
}

void gkv_step_trace(const struct gkv_step *step, enum gkv_trace_kind kind,
                    const struct gkv_node_id *about, uint64_t a, uint64_t b)
{
    static const struct gkv_node_id nobody;
    gkv_trace_add(step->trace, &(struct gkv_trace_point){
                                   .mono_ns = step->now.mono_ns,
                                   .kind = (uint32_t)kind,
                                   .about = about == NULL ? nobody : *about,
                                   .a = a,
                                   .b = b,
                               });
}

void gkv_step_trace_via(const struct gkv_step *step, enum gkv_trace_kind kind,
                        const struct gkv_node_id *about, const struct gkv_node_id *via, uint64_t a)
{
    gkv_trace_add(step->trace, &(struct gkv_trace_point){
                                   .mono_ns = step->now.mono_ns,
                                   .kind = (uint32_t)kind,
                                   .about = *about,
                                   .via = *via,
                                   .a = a,
                               });
}

uint64_t gkv_step_clock_ms(const struct gkv_step *step)
{
    return gkv_hlc_now_ms(step->clock, step->now.wall_ms);
}
