#include "sim/watch.h"

#include "sim/trial.h"

void gkv_watch_init(struct gkv_watch_tables *tables)
{
    gkv_numbers_init(&tables->versions);
    gkv_numbers_init(&tables->suspicions);
}

void gkv_watch_no_room(struct gkv_trial *trial, const char *what)
{
    gkv_trial_fail(trial, GKV_TRIAL_INTERNAL, "room", "no room to remember more %s", what);
}

struct gkv_version_row *gkv_watch_version(struct gkv_trial *trial, struct gkv_version version)
{
    struct gkv_watch_tables *tables = &trial->tables;
    const uint32_t count = tables->versions.count;
    const uint32_t number =
        gkv_numbers_give(&tables->versions, (struct gkv_numbers_name){.high = version.hlc.packed,
                                                                      .low = version.writer});
    if (number == GKV_NUMBERS_NONE) {
        gkv_watch_no_room(trial, "versions than clients can have made");
        return NULL;
    }
    if (number == count) {
        tables->rows[number] = (struct gkv_version_row){.stored = 0};
    }
    return &tables->rows[number];
}
