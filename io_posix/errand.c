#include "io_posix/errand.h"

#include "io_posix/clock.h"

bool gkv_errand_is_over(const struct gkv_errands *errands, uint64_t expire_ms)
{
    return gkv_inplace_is_over(&errands->commons, gkv_clock_wall_ms(), expire_ms);
}
