#include "sim/gist.h"

#include "core/panic.h"
#include "proto/frame.h"

struct gkv_gist gkv_gist_of(uint32_t from, const struct gkv_message *message)
{
    struct gkv_gist gist = {.from = from, .kind = message->kind, .boot_id = message->from.boot_id};
    if (message->kind == GKV_MESSAGE_PING || message->kind == GKV_MESSAGE_ACK ||
        message->kind == GKV_MESSAGE_NACK || message->kind == GKV_MESSAGE_PING_REQ) {
        gist.sequence = message->as.gossip.sequence;
        gist.about = message->as.gossip.about;
    }
    return gist;
}

static uint32_t checksum_of(struct gkv_bytes bytes)
{
    const uint8_t *last = bytes.data + GKV_FRAME_HEADER_BYTES - 4;
    GKV_ASSERT(bytes.count >= GKV_FRAME_HEADER_BYTES);
    return last[0] | (uint32_t)last[1] << 8 | (uint32_t)last[2] << 16 | (uint32_t)last[3] << 24;
}

void gkv_gists_note(struct gkv_gists *gists, struct gkv_bytes bytes, uint64_t stamp,
                    const struct gkv_gist *gist)
{
    const uint32_t checksum = checksum_of(bytes);
    uint32_t *newest = &gists->newest[checksum % GKV_GIST_BUCKET_COUNT];
    const uint32_t place = gists->count % GKV_GIST_COUNT;
    gists->rows[place].stamp = stamp;
    gists->rows[place].checksum = checksum;
    gists->rows[place].older = *newest;
    gists->rows[place].gist = *gist;
    gists->count++;
    *newest = gists->count;
}

const struct gkv_gist *gkv_gists_find(const struct gkv_gists *gists, uint32_t from,
                                      struct gkv_bytes bytes, uint64_t stamp)
{
    const uint32_t checksum = checksum_of(bytes);
    uint32_t number = gists->newest[checksum % GKV_GIST_BUCKET_COUNT];
    /* A bucket's older ones go down in number, and end where the ring was written over. */
    while (number > 0 && gists->count - number < GKV_GIST_COUNT) {
        const uint32_t place = (number - 1) % GKV_GIST_COUNT;
        if (gists->rows[place].checksum == checksum && gists->rows[place].stamp == stamp &&
            gists->rows[place].gist.from == from) {
            return &gists->rows[place].gist;
        }
        number = gists->rows[place].older;
    }
    return NULL;
}
