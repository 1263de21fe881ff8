/* The public options that tune membership and repair, as the core takes them.
 *
 * Model     A public 0 is the profile's value, so a 0 of the core's is GRIDKV_NONE. Ranges are the
 *           core's business: it refuses, and this file puts the public name into what it says.
 */
#ifndef GKV_IO_POSIX_TUNING_H
#define GKV_IO_POSIX_TUNING_H

#include "core/options.h"
#include "io_posix/gridkv.h"

/* Overwrite what was given; call gkv_options_profile before. */
void gkv_tuning_take(struct gkv_options *core, const struct gridkv_options *options);

/* The public name of the option that such a sentence of gkv_options_check begins with, and
 * *rest_out is what follows it; "" and the whole of it when it begins with none of these. */
const char *gkv_tuning_name(const char *reason, const char **rest_out);

#endif
