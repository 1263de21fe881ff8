#include "io_posix/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "core/panic.h"

#define PLACE_NONE UINT32_MAX

enum place_state {
    PLACE_FREE = 0,
    PLACE_POSTED = 1,
    PLACE_TAKEN = 2,
};

struct gkv_mailbox_place {
    struct gkv_request request;
    enum place_state state;
    uint32_t next; /* in the free list or the queue of posted ones */
};

static void lock(struct gkv_mailbox *mailbox)
{
    const int error = pthread_mutex_lock(&mailbox->mutex);
    GKV_ASSERT(error == 0);
}

static void unlock(struct gkv_mailbox *mailbox)
{
    const int error = pthread_mutex_unlock(&mailbox->mutex);
    GKV_ASSERT(error == 0);
}

enum gkv_error gkv_mailbox_init(struct gkv_mailbox *mailbox, uint32_t capacity)
{
    GKV_ASSERT(capacity > 0);
    GKV_ASSERT(capacity < PLACE_NONE);
    *mailbox = (struct gkv_mailbox){
        .capacity = capacity,
        .posted_first = PLACE_NONE,
        .posted_last = PLACE_NONE,
    };
    mailbox->places = calloc(capacity, sizeof(*mailbox->places));
    mailbox->copies = calloc(capacity, GKV_REQUEST_COPY_BYTES_MAX);
    const bool has_memory = mailbox->places != NULL && mailbox->copies != NULL;
    if (!has_memory || pthread_mutex_init(&mailbox->mutex, NULL) != 0) {
        free(mailbox->places);
        free(mailbox->copies);
        return has_memory ? GKV_ERROR_SYSTEM : GKV_ERROR_MEMORY;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        mailbox->places[i].next = i + 1 < capacity ? i + 1 : PLACE_NONE;
    }
    return GKV_OK;
}

void gkv_mailbox_destroy(struct gkv_mailbox *mailbox)
{
    (void)pthread_mutex_destroy(&mailbox->mutex);
    free(mailbox->places);
    free(mailbox->copies);
    *mailbox = (struct gkv_mailbox){0};
}

/* Put bytes where they stay until the request is over; returns how many. */
static size_t keep(uint8_t *copy, struct gkv_bytes *bytes)
{
    if (bytes->count > 0) {
        memcpy(copy, bytes->data, bytes->count);
    }
    bytes->data = copy;
    return bytes->count;
}

static void keep_both(const struct gkv_mailbox *mailbox, uint32_t index,
                      struct gkv_operation *operation)
{
    GKV_ASSERT(operation->key.count + operation->value.count <= GKV_REQUEST_COPY_BYTES_MAX);
    uint8_t *copy = mailbox->copies + (size_t)index * GKV_REQUEST_COPY_BYTES_MAX;
    const size_t key_bytes = keep(copy, &operation->key);
    (void)keep(copy + key_bytes, &operation->value);
}

static void append_posted(struct gkv_mailbox *mailbox, uint32_t index)
{
    mailbox->places[index].next = PLACE_NONE;
    if (mailbox->posted_first == PLACE_NONE) {
        mailbox->posted_first = index;
    } else {
        mailbox->places[mailbox->posted_last].next = index;
    }
    mailbox->posted_last = index;
}

enum gkv_error gkv_mailbox_post(struct gkv_mailbox *mailbox, const struct gkv_request *request,
                                bool *wake_out)
{
    GKV_ASSERT(request->done != NULL);
    enum gkv_error error = GKV_OK;
    lock(mailbox);
    const uint32_t index = mailbox->free_first;
    *wake_out = false;
    if (mailbox->is_closed) {
        error = GKV_ERROR_CLOSED;
    } else if (index == PLACE_NONE) {
        error = GKV_ERROR_BUSY;
    } else {
        struct gkv_mailbox_place *place = &mailbox->places[index];
        GKV_ASSERT(place->state == PLACE_FREE);
        mailbox->free_first = place->next;
        place->request = *request;
        place->request.operation.cookie = index;
        if (request->is_copied) {
            keep_both(mailbox, index, &place->request.operation);
        }
        place->state = PLACE_POSTED;
        *wake_out = mailbox->is_asleep;
        mailbox->is_asleep = false;
        append_posted(mailbox, index);
        atomic_store_explicit(&mailbox->has_posted, true, memory_order_relaxed);
        mailbox->open_count++;
    }
    unlock(mailbox);
    return error;
}

bool gkv_mailbox_sleep(struct gkv_mailbox *mailbox)
{
    lock(mailbox);
    mailbox->is_asleep = mailbox->posted_first == PLACE_NONE;
    const bool is_asleep = mailbox->is_asleep;
    unlock(mailbox);
    return is_asleep;
}

bool gkv_mailbox_has_posted(const struct gkv_mailbox *mailbox)
{
    return atomic_load_explicit(&mailbox->has_posted, memory_order_relaxed);
}

bool gkv_mailbox_take(struct gkv_mailbox *mailbox, struct gkv_operation *operation_out)
{
    lock(mailbox);
    const uint32_t index = mailbox->posted_first;
    mailbox->is_asleep = false;
    if (index == PLACE_NONE) {
        atomic_store_explicit(&mailbox->has_posted, false, memory_order_relaxed);
    }
    if (index != PLACE_NONE) {
        struct gkv_mailbox_place *place = &mailbox->places[index];
        GKV_ASSERT(place->state == PLACE_POSTED);
        place->state = PLACE_TAKEN;
        mailbox->posted_first = place->next;
        *operation_out = place->request.operation;
    }
    unlock(mailbox);
    return index != PLACE_NONE;
}

void gkv_mailbox_finish(struct gkv_mailbox *mailbox, uint64_t cookie,
                        struct gkv_request *request_out)
{
    GKV_ASSERT(cookie < mailbox->capacity);
    const uint32_t index = (uint32_t)cookie;
    lock(mailbox);
    struct gkv_mailbox_place *place = &mailbox->places[index];
    GKV_ASSERT(place->state == PLACE_TAKEN);
    GKV_ASSERT(mailbox->open_count > 0);
    *request_out = place->request;
    place->request = (struct gkv_request){0};
    place->state = PLACE_FREE;
    place->next = mailbox->free_first;
    mailbox->free_first = index;
    mailbox->open_count--;
    unlock(mailbox);
}

void gkv_mailbox_close(struct gkv_mailbox *mailbox)
{
    lock(mailbox);
    mailbox->is_closed = true;
    unlock(mailbox);
}

uint32_t gkv_mailbox_open_count(struct gkv_mailbox *mailbox)
{
    lock(mailbox);
    const uint32_t count = mailbox->open_count;
    unlock(mailbox);
    return count;
}

bool gkv_mailbox_next_taken(struct gkv_mailbox *mailbox, uint64_t *cookie)
{
    bool found = false;
    lock(mailbox);
    for (uint64_t i = *cookie; i < mailbox->capacity && !found; i++) {
        if (mailbox->places[i].state == PLACE_TAKEN) {
            *cookie = i;
            found = true;
        }
    }
    unlock(mailbox);
    return found;
}
