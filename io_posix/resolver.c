#include "io_posix/resolver.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "io_posix/address.h"
#include "io_posix/clock.h"

#define NAME_BYTES_MAX 272 /* a host of 255, a colon, a port */
#define RETRY_MS 1000
#define REFRESH_MS 10000

struct entry {
    char name[NAME_BYTES_MAX + 1];
    struct gkv_address address; /* count 0: not known */
};

struct gkv_resolver {
    pthread_mutex_t mutex;
    pthread_cond_t stop_condition;
    uint32_t holder_count; /* the host, and the thread while it runs; the last one frees */
    uint32_t entry_count;
    bool is_stopping;
    struct entry entries[GKV_SEED_COUNT_MAX];
};

struct gkv_resolver *gkv_resolver_create(void)
{
    struct gkv_resolver *resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&resolver->mutex, NULL) != 0) {
        free(resolver);
        return NULL;
    }
    if (!gkv_clock_condition_init(&resolver->stop_condition)) {
        (void)pthread_mutex_destroy(&resolver->mutex);
        free(resolver);
        return NULL;
    }
    resolver->holder_count = 1;
    return resolver;
}

/* | 0 | index | zero | with the count of an IPv4 address. */
static struct gkv_address alias_of(uint32_t index)
{
    return (struct gkv_address){.bytes = {0, (uint8_t)index}, .count = 7};
}

bool gkv_resolver_is_alias(const struct gkv_address *address)
{
    return address->count == 7 && address->bytes[0] == 0;
}

enum gkv_error gkv_resolver_add(struct gkv_resolver *resolver, const char *name,
                                struct gkv_address *alias_out)
{
    GKV_ASSERT(resolver->entry_count < GKV_SEED_COUNT_MAX);
    if (strlen(name) > NAME_BYTES_MAX || !gkv_address_is_well_formed(name)) {
        return GKV_ERROR_ADDRESS;
    }
    const uint32_t index = resolver->entry_count++;
    memcpy(resolver->entries[index].name, name, strlen(name) + 1);
    *alias_out = alias_of(index);
    return GKV_OK;
}

static void let_go(struct gkv_resolver *resolver)
{
    (void)pthread_mutex_lock(&resolver->mutex);
    GKV_ASSERT(resolver->holder_count > 0);
    const bool is_last = --resolver->holder_count == 0;
    (void)pthread_mutex_unlock(&resolver->mutex);
    if (is_last) {
        (void)pthread_cond_destroy(&resolver->stop_condition);
        (void)pthread_mutex_destroy(&resolver->mutex);
        free(resolver);
    }
}

/* Ask for every name once; true when all are known. A name that has no answer now keeps its last
 * one. */
static bool ask_all(struct gkv_resolver *resolver)
{
    bool all_known = true;
    for (uint32_t i = 0; i < resolver->entry_count; i++) {
        struct gkv_address address;
        const bool known =
            gkv_address_resolve(resolver->entries[i].name, GKV_RESOLVE_NAME, &address) == GKV_OK;
        (void)pthread_mutex_lock(&resolver->mutex);
        if (known) {
            resolver->entries[i].address = address;
        }
        all_known = all_known && known;
        const bool is_stopping = resolver->is_stopping;
        (void)pthread_mutex_unlock(&resolver->mutex);
        if (is_stopping) {
            break;
        }
    }
    return all_known;
}

static void *run(void *argument)
{
    struct gkv_resolver *resolver = argument;
    bool is_stopping = false;
    while (!is_stopping) {
        const bool all_known = ask_all(resolver);
        const uint64_t pause_ms = all_known ? REFRESH_MS : RETRY_MS;
        const uint64_t until_ns = gkv_clock_mono_ns() + pause_ms * GKV_NS_PER_MS;
        (void)pthread_mutex_lock(&resolver->mutex);
        while (!resolver->is_stopping && gkv_clock_mono_ns() < until_ns) {
            gkv_clock_wait(&resolver->stop_condition, &resolver->mutex, until_ns);
        }
        is_stopping = resolver->is_stopping;
        (void)pthread_mutex_unlock(&resolver->mutex);
    }
    let_go(resolver);
    return NULL;
}

enum gkv_error gkv_resolver_start(struct gkv_resolver *resolver)
{
    if (resolver->entry_count == 0) {
        return GKV_OK;
    }
    resolver->holder_count = 2;
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, resolver) != 0) {
        resolver->holder_count = 1;
        return GKV_ERROR_SYSTEM;
    }
    (void)pthread_detach(thread);
    return GKV_OK;
}

bool gkv_resolver_translate(struct gkv_resolver *resolver, const struct gkv_address *alias,
                            struct gkv_address *address_out)
{
    GKV_ASSERT(gkv_resolver_is_alias(alias));
    const uint32_t index = alias->bytes[1];
    if (index >= resolver->entry_count) {
        return false; /* not ours: a peer made it up */
    }
    (void)pthread_mutex_lock(&resolver->mutex);
    const struct gkv_address address = resolver->entries[index].address;
    (void)pthread_mutex_unlock(&resolver->mutex);
    if (address.count == 0) {
        return false;
    }
    *address_out = address;
    return true;
}

void gkv_resolver_release(struct gkv_resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&resolver->mutex);
    resolver->is_stopping = true;
    (void)pthread_cond_signal(&resolver->stop_condition);
    (void)pthread_mutex_unlock(&resolver->mutex);
    let_go(resolver);
}
