#include "core/writer.h"

#include "core/hash.h"

uint64_t gkv_writer_of(struct gkv_identity started, uint64_t handle)
{
    uint8_t bytes[sizeof(started.id.bytes) + 16];
    memcpy(bytes, started.id.bytes, sizeof(started.id.bytes));
    for (unsigned i = 0; i < 8; i++) {
        bytes[sizeof(started.id.bytes) + i] = (uint8_t)(started.boot_id >> (8 * i));
        bytes[sizeof(started.id.bytes) + 8 + i] = (uint8_t)(handle >> (8 * i));
    }
    const size_t count = handle == 0 ? sizeof(bytes) - 8 : sizeof(bytes);
    return gkv_hash128(bytes, count, 0).low;
}
