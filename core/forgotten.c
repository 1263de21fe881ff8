#include "core/forgotten.h"

static struct gkv_version version_of(const struct gkv_forgotten *forgotten)
{
    return (struct gkv_version){{gkv_word_load(&forgotten->version[0])},
                                gkv_word_load(&forgotten->version[1])};
}

struct gkv_version gkv_forgotten_read(const struct gkv_forgotten *forgotten)
{
    struct gkv_version version;
    uint32_t number;
    do {
        number = gkv_seqlock_read(&forgotten->lock);
        version = version_of(forgotten);
    } while (!gkv_seqlock_is_same(&forgotten->lock, number));
    return version;
}

void gkv_forgotten_note(struct gkv_forgotten *forgotten, struct gkv_version version)
{
    const uint32_t number = gkv_seqlock_take(&forgotten->lock);
    if (gkv_version_compare(version, version_of(forgotten)) > 0) {
        gkv_word_store(&forgotten->version[0], version.hlc.packed);
        gkv_word_store(&forgotten->version[1], version.writer);
    }
    gkv_seqlock_change(&forgotten->lock, number);
}
