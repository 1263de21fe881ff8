#include "io_posix/packer.h"

#ifdef GRIDKV_HAS_LZ4

#include <limits.h>
#include <lz4.h>

static size_t pack(const uint8_t *plain, size_t plain_bytes, uint8_t *out, size_t capacity)
{
    if (plain_bytes > LZ4_MAX_INPUT_SIZE || capacity > INT_MAX) {
        return 0;
    }
    const int packed =
        LZ4_compress_default((const char *)plain, (char *)out, (int)plain_bytes, (int)capacity);
    return packed > 0 ? (size_t)packed : 0;
}

static bool unpack(const uint8_t *packed, size_t packed_bytes, uint8_t *out, size_t plain_bytes)
{
    return packed_bytes <= INT_MAX && plain_bytes <= INT_MAX &&
           LZ4_decompress_safe((const char *)packed, (char *)out, (int)packed_bytes,
                               (int)plain_bytes) == (int)plain_bytes;
}

struct gkv_packer gkv_packer_lz4(void)
{
    return (struct gkv_packer){pack, unpack};
}

#else

struct gkv_packer gkv_packer_lz4(void)
{
    return (struct gkv_packer){NULL, NULL};
}

#endif
