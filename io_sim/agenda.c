#include "io_sim/agenda.h"

#include "core/panic.h"
#include "core/types.h"

static bool is_before(const struct gkv_occasion *a, const struct gkv_occasion *b)
{
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns;
    }
    if (a->tie != b->tie) {
        return a->tie < b->tie;
    }
    return a->sequence < b->sequence;
}

void gkv_agenda_init(struct gkv_agenda *agenda, struct gkv_occasion *heap, uint32_t capacity)
{
    GKV_ASSERT(heap != NULL);
    GKV_ASSERT(capacity > 0);
    *agenda = (struct gkv_agenda){.heap = heap, .capacity = capacity};
}

uint32_t gkv_agenda_room(const struct gkv_agenda *agenda)
{
    return agenda->capacity - agenda->count;
}

void gkv_agenda_add(struct gkv_agenda *agenda, const struct gkv_occasion *occasion)
{
    GKV_ASSERT(agenda->count < agenda->capacity);
    GKV_ASSERT(occasion->time_ns != GKV_NEVER);

    struct gkv_occasion added = *occasion;
    added.sequence = agenda->next_sequence++;
    uint32_t place = agenda->count++;
    while (place > 0) {
        const uint32_t parent = (place - 1) / 2;
        if (!is_before(&added, &agenda->heap[parent])) {
            break;
        }
        agenda->heap[place] = agenda->heap[parent];
        place = parent;
    }
    agenda->heap[place] = added;
}

uint64_t gkv_agenda_next_ns(const struct gkv_agenda *agenda)
{
    return agenda->count == 0 ? GKV_NEVER : agenda->heap[0].time_ns;
}

bool gkv_agenda_take(struct gkv_agenda *agenda, struct gkv_occasion *occasion_out)
{
    if (agenda->count == 0) {
        return false;
    }
    *occasion_out = agenda->heap[0];

    const struct gkv_occasion moved = agenda->heap[--agenda->count];
    uint32_t place = 0;
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= agenda->count) {
            break;
        }
        if (child + 1 < agenda->count &&
            is_before(&agenda->heap[child + 1], &agenda->heap[child])) {
            child++;
        }
        if (!is_before(&agenda->heap[child], &moved)) {
            break;
        }
        agenda->heap[place] = agenda->heap[child];
        place = child;
    }
    agenda->heap[place] = moved;
    return true;
}
