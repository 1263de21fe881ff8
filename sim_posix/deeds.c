#include "sim_posix/deeds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"

#define HEAD_BYTES 9 /* "0000002a:" */

void gkv_deeds_init(struct gkv_deeds *deeds, struct gkv_kernel *kernel)
{
    memset(deeds, 0, sizeof(*deeds));
    deeds->kernel = kernel;
    for (uint32_t key = 0; key < GKV_DEED_KEY_COUNT; key++) {
        deeds->acknowledged[key] = GKV_DEED_NONE;
    }
}

uint32_t gkv_deeds_begin(struct gkv_deeds *deeds, uint32_t key, bool is_set, uint32_t node)
{
    GKV_ASSERT(key < GKV_DEED_KEY_COUNT);
    if (deeds->count == GKV_DEED_COUNT_MAX || (is_set && deeds->is_written[key])) {
        return GKV_DEED_NONE;
    }
    deeds->made[deeds->count] = (struct gkv_deed_made){
        .key = key,
        .is_set = is_set,
        .node = node,
        .state = GKV_DEED_OPEN,
        .acknowledged = deeds->acknowledged[key],
        .begin_ns = deeds->kernel->now_ns,
    };
    deeds->is_written[key] = deeds->is_written[key] || is_set;
    deeds->open_count++;
    return deeds->count++;
}

uint32_t gkv_deeds_value(uint32_t number, uint8_t value[GKV_DEED_VALUE_BYTES_MAX])
{
    char head[HEAD_BYTES + 1];
    (void)snprintf(head, sizeof(head), "%08x:", number);
    memcpy(value, head, HEAD_BYTES);
    /* Mostly small; one in four is large enough to need several writes. */
    const uint32_t spread = number * 2654435761u >> 8;
    const uint32_t bytes = HEAD_BYTES + (number % 4 == 3 ? spread % 19000 : spread % 60);
    for (uint32_t i = HEAD_BYTES; i < bytes; i++) {
        value[i] = (uint8_t)('a' + (number + i * i) % 26);
    }
    return bytes;
}

static void judge_value(struct gkv_deeds *deeds, uint32_t number, struct gkv_bytes value)
{
    const struct gkv_deed_made *get = &deeds->made[number];
    char head[HEAD_BYTES + 1] = {0};
    memcpy(head, value.data, value.count < HEAD_BYTES ? value.count : HEAD_BYTES);
    const uint32_t writer = (uint32_t)strtoul(head, NULL, 16);
    const bool is_known = writer < deeds->count && deeds->made[writer].is_set;
    const struct gkv_bytes whole = {
        .data = deeds->expected, .count = is_known ? gkv_deeds_value(writer, deeds->expected) : 0};
    if (!is_known || !gkv_bytes_equal(whole, value)) {
        gkv_kernel_fail(deeds->kernel, "value",
                        "get %u of k%u at node %u: nobody wrote these bytes", number, get->key,
                        get->node);
        return;
    }
    struct gkv_deed_made *set = &deeds->made[writer];
    set->is_read = true;
    if (set->key != get->key || set->state == GKV_DEED_FAILED) {
        gkv_kernel_fail(deeds->kernel, "value", "get %u of k%u at node %u: set %u %s", number,
                        get->key, get->node, writer,
                        set->key != get->key ? "is of another key" : "was refused");
        return;
    }
    const bool is_old = get->acknowledged != GKV_DEED_NONE && writer < get->acknowledged;
    if (is_old && set->state == GKV_DEED_DONE && !deeds->forgets) {
        gkv_kernel_fail(deeds->kernel, "value", "get %u of k%u at node %u: set %u, after set %u",
                        number, get->key, get->node, writer, get->acknowledged);
    }
}

static void judge_absence(struct gkv_deeds *deeds, uint32_t number)
{
    const struct gkv_deed_made *get = &deeds->made[number];
    if (get->acknowledged != GKV_DEED_NONE && !deeds->forgets) {
        gkv_kernel_fail(deeds->kernel, "value", "get %u of k%u at node %u: nothing, after set %u",
                        number, get->key, get->node, get->acknowledged);
    }
}

static void end_set(struct gkv_deeds *deeds, uint32_t number)
{
    const struct gkv_deed_made *set = &deeds->made[number];
    deeds->is_written[set->key] = false;
    if (set->state == GKV_DEED_DONE) {
        deeds->acknowledged[set->key] = number;
    }
    if (set->state == GKV_DEED_FAILED && set->is_read) {
        gkv_kernel_fail(deeds->kernel, "value",
                        "set %u of k%u at node %u: refused, after it was read", number, set->key,
                        set->node);
    }
}

static enum gkv_deed_state state_of(const struct gkv_deed_made *deed, enum gkv_error error)
{
    if (error == GKV_OK) {
        return GKV_DEED_DONE;
    }
    if (error == GKV_ERROR_NOT_FOUND && !deed->is_set) {
        return GKV_DEED_ABSENT;
    }
    /* What a node that closes says of a set means that it did not hear the end of it. */
    const bool is_doubt = error == GKV_ERROR_IN_DOUBT || error == GKV_ERROR_CLOSED;
    return is_doubt ? GKV_DEED_DOUBT : GKV_DEED_FAILED;
}

void gkv_deeds_end(struct gkv_deeds *deeds, uint32_t number, enum gkv_error error,
                   struct gkv_bytes value)
{
    struct gkv_deed_made *deed = &deeds->made[number];
    if (number >= deeds->count || deed->state != GKV_DEED_OPEN) {
        gkv_kernel_fail(deeds->kernel, "once", "operation %u ended twice", number);
        return;
    }
    deed->state = state_of(deed, error);
    deed->error = error;
    deeds->open_count--;
    deeds->done_count += deed->state == GKV_DEED_DONE;
    if (deed->is_set) {
        end_set(deeds, number);
    } else if (deed->state == GKV_DEED_DONE) {
        judge_value(deeds, number, value);
    } else if (deed->state == GKV_DEED_ABSENT) {
        judge_absence(deeds, number);
    }
}

void gkv_deeds_lose(struct gkv_deeds *deeds, uint32_t number)
{
    gkv_deeds_end(deeds, number, GKV_ERROR_IN_DOUBT, (struct gkv_bytes){NULL, 0});
}
