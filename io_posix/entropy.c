#include "io_posix/entropy.h"

#include <sodium.h>

enum gkv_error gkv_entropy_init(void)
{
    return sodium_init() >= 0 ? GKV_OK : GKV_ERROR_SYSTEM;
}

uint64_t gkv_entropy_u64(void)
{
    uint64_t bits = 0;
    randombytes_buf(&bits, sizeof(bits));
    return bits;
}
