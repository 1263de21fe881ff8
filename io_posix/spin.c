#include "io_posix/spin.h"

#include "core/panic.h"

bool gkv_spin_begin(struct gkv_spin *spin)
{
    if (spin->spin_ns == 0) {
        return false;
    }
    if (spin->left_count > 0) {
        spin->left_count--;
        return false;
    }
    return true;
}

void gkv_spin_end(struct gkv_spin *spin, bool came)
{
    GKV_ASSERT(spin->spin_ns > 0);
    GKV_ASSERT(spin->left_count == 0);
    if (came) {
        spin->skip_count = 0;
    } else if (spin->skip_count < GKV_SPIN_SKIP_COUNT_MAX) {
        spin->skip_count = spin->skip_count == 0 ? 1 : 2 * spin->skip_count;
    }
    spin->left_count = spin->skip_count;
}
