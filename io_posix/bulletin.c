#include "io_posix/bulletin.h"

#include <stdlib.h>
#include <string.h>

#include "core/panic.h"
#include "io_posix/clock.h"
#include "proto/address.h"

struct gkv_bulletin_place {
    struct gkv_node_id who;
    uint64_t turn; /* who waits longest has the least; 0: taken */
    bool is_used;
    bool is_left;  /* so the newest event says */
    bool is_known; /* the application took something of it, and not that it left */
};
_Static_assert(sizeof(struct gkv_bulletin_place) <= 32, "stated in io_posix/bulletin.h");
_Static_assert(sizeof(struct gridkv_member_event) < 300, "stated in io_posix/bulletin.h");
_Static_assert(sizeof(((struct gridkv_member_event *)NULL)->name) == GKV_NAME_BYTES_MAX + 1,
               "the longest name and its terminator");
_Static_assert(sizeof(((struct gridkv_member_event *)NULL)->accuser) == GKV_NAME_BYTES_MAX + 1,
               "the longest name and its terminator");
_Static_assert(sizeof(((struct gridkv_member_event *)NULL)->address) == GKV_ADDRESS_TEXT_BYTES,
               "the longest address");
_Static_assert((int)GRIDKV_MEMBER_ALIVE == (int)GKV_MEMBER_ALIVE, "one number per state");
_Static_assert((int)GRIDKV_MEMBER_SUSPECT == (int)GKV_MEMBER_SUSPECT, "one number per state");
_Static_assert((int)GRIDKV_MEMBER_UNREACHABLE == (int)GKV_MEMBER_UNREACHABLE,
               "one number per state");
_Static_assert((int)GRIDKV_MEMBER_EVICTED == (int)GKV_MEMBER_EVICTED, "one number per state");
_Static_assert((int)GRIDKV_MEMBER_LEAVING == (int)GKV_MEMBER_LEAVING, "one number per state");
_Static_assert((int)GRIDKV_MEMBER_LEFT == (int)GKV_MEMBER_LEFT, "one number per state");

static bool make_mutex(struct gkv_bulletin *bulletin)
{
    if (pthread_mutex_init(&bulletin->mutex, NULL) != 0) {
        return false;
    }
    if (!gkv_clock_condition_init(&bulletin->posted)) {
        (void)pthread_mutex_destroy(&bulletin->mutex);
        return false;
    }
    return true;
}

enum gkv_error gkv_bulletin_init(struct gkv_bulletin *bulletin, uint32_t member_count_max)
{
    GKV_ASSERT(member_count_max > 0);
    const uint32_t place_count = 2 * member_count_max;
    *bulletin = (struct gkv_bulletin){
        .places = calloc(place_count, sizeof(*bulletin->places)),
        .events = calloc(place_count, sizeof(*bulletin->events)),
        .place_count = place_count,
    };
    enum gkv_error error = GKV_ERROR_MEMORY;
    if (bulletin->places != NULL && bulletin->events != NULL) {
        error = make_mutex(bulletin) ? GKV_OK : GKV_ERROR_SYSTEM;
    }
    if (error != GKV_OK) {
        free(bulletin->places);
        free(bulletin->events);
        *bulletin = (struct gkv_bulletin){.places = NULL};
    }
    return error;
}

void gkv_bulletin_destroy(struct gkv_bulletin *bulletin)
{
    if (bulletin->places == NULL) {
        return;
    }
    (void)pthread_cond_destroy(&bulletin->posted);
    (void)pthread_mutex_destroy(&bulletin->mutex);
    free(bulletin->places);
    free(bulletin->events);
    *bulletin = (struct gkv_bulletin){.places = NULL};
}

static void copy_name(char *text_out, const struct gkv_name *name)
{
    memcpy(text_out, name->bytes, name->count);
    text_out[name->count] = '\0';
}

void gkv_bulletin_write(struct gridkv_member_event *event_out, const struct gkv_members *members,
                        const struct gkv_update *said)
{
    const uint16_t index = gkv_member_find(members, said->who.id);
    const uint16_t accuser_index = gkv_member_find(members, said->accuser);
    *event_out = (struct gridkv_member_event){
        .state = (enum gridkv_member_state)said->state,
        .state_name = gkv_member_state_name(said->state),
        .incarnation = said->incarnation,
        .boot_id = said->who.boot_id,
        .member_count = members->ring_count,
        .reachable_count = members->reachable_count,
        .is_degraded = index != GKV_MEMBER_INDEX_NONE && gkv_member_at(members, index)->is_degraded,
    };
    copy_name(event_out->name, &said->name);
    (void)gkv_address_text(&said->address, event_out->address);
    if (accuser_index != GKV_MEMBER_INDEX_NONE) {
        copy_name(event_out->accuser, &gkv_member_at(members, accuser_index)->said.name);
    }
}

/* The application does not need what a place tells: nothing, or that somebody left of whom it took
 * nothing, or that as well. */
static bool is_free(const struct gkv_bulletin_place *place)
{
    return !place->is_used || (place->is_left && !place->is_known);
}

/* The index of a member's place; of a free one, taken, when it has none. */
static uint32_t place_of(struct gkv_bulletin *bulletin, struct gkv_node_id who)
{
    uint32_t free_index = bulletin->place_count;
    for (uint32_t i = 0; i < bulletin->place_count; i++) {
        const struct gkv_bulletin_place *place = &bulletin->places[i];
        if (place->is_used && gkv_node_id_equal(place->who, who)) {
            return i;
        }
        if (free_index == bulletin->place_count && is_free(place)) {
            free_index = i;
        }
    }
    GKV_ASSERT(free_index < bulletin->place_count); /* the header's Bounds */
    bulletin->places[free_index] = (struct gkv_bulletin_place){.who = who, .is_used = true};
    bulletin->events[free_index] = (struct gridkv_member_event){.name = ""};
    return free_index;
}

static bool is_same(const struct gridkv_member_event *a, const struct gridkv_member_event *b)
{
    return a->state == b->state && a->boot_id == b->boot_id && a->is_degraded == b->is_degraded;
}

bool gkv_bulletin_post(struct gkv_bulletin *bulletin, struct gkv_node_id who,
                       const struct gridkv_member_event *event)
{
    GKV_ASSERT(event->state != 0);
    (void)pthread_mutex_lock(&bulletin->mutex);
    const uint32_t index = place_of(bulletin, who);
    struct gkv_bulletin_place *place = &bulletin->places[index];
    struct gridkv_member_event *newest = &bulletin->events[index];
    const bool is_news = !is_same(newest, event);
    if (is_news) {
        const uint32_t coalesced_count = place->turn == 0 ? 0 : newest->coalesced_count + 1;
        *newest = *event;
        newest->coalesced_count = coalesced_count;
        place->is_left = event->state == GRIDKV_MEMBER_LEFT;
        place->turn = place->turn == 0 ? ++bulletin->last_turn : place->turn;
        (void)pthread_cond_signal(&bulletin->posted);
    }
    (void)pthread_mutex_unlock(&bulletin->mutex);
    return is_news;
}

/* Does what a place tells come before what another does? */
static bool is_before(const struct gkv_bulletin_place *a, const struct gkv_bulletin_place *b)
{
    const bool is_goodbye = a->is_left && a->is_known;
    if (is_goodbye != (b->is_left && b->is_known)) {
        return is_goodbye;
    }
    return a->turn < b->turn;
}

/* The index whose turn it is; place_count: nothing is posted. */
static uint32_t next_of(const struct gkv_bulletin *bulletin)
{
    const struct gkv_bulletin_place *places = bulletin->places;
    uint32_t next = bulletin->place_count;
    for (uint32_t i = 0; i < bulletin->place_count; i++) {
        if (places[i].turn != 0 &&
            (next == bulletin->place_count || is_before(&places[i], &places[next]))) {
            next = i;
        }
    }
    return next;
}

enum gkv_error gkv_bulletin_take(struct gkv_bulletin *bulletin, uint64_t mono_ns,
                                 struct gridkv_member_event *event_out)
{
    enum gkv_error error = GKV_OK;
    (void)pthread_mutex_lock(&bulletin->mutex);
    uint32_t next = next_of(bulletin);
    while (next == bulletin->place_count && !bulletin->is_closed && gkv_clock_mono_ns() < mono_ns) {
        gkv_clock_wait(&bulletin->posted, &bulletin->mutex, mono_ns);
        next = next_of(bulletin);
    }
    if (bulletin->is_closed) {
        error = GKV_ERROR_CLOSED;
    } else if (next == bulletin->place_count) {
        error = GKV_ERROR_NOT_READY;
    } else {
        struct gkv_bulletin_place *place = &bulletin->places[next];
        *event_out = bulletin->events[next];
        place->turn = 0;
        place->is_known = !place->is_left;
    }
    (void)pthread_mutex_unlock(&bulletin->mutex);
    return error;
}

void gkv_bulletin_close(struct gkv_bulletin *bulletin)
{
    (void)pthread_mutex_lock(&bulletin->mutex);
    bulletin->is_closed = true;
    (void)pthread_cond_broadcast(&bulletin->posted);
    (void)pthread_mutex_unlock(&bulletin->mutex);
}
