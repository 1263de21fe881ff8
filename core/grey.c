/* What a member goes through.
 *
 *   well     -> DEGRADED [gkv_grey_on_refuted] enough others accused it in vain, or it flaps
 *   DEGRADED -> well     [gkv_grey_is_over]    nothing of that kind for a window, and no flapping
 *   DEGRADED -> well     [core/member.c]       it lives anew, or left
 *
 * And we ourselves, when we are told that we are evicted, or flap and are told anything bad:
 *
 *   answering -> waiting   [gkv_grey_must_wait] we are DEGRADED, or flap, and are not well
 *   waiting   -> answering [gkv_grey_must_wait] we have been well for long enough, or without news
 */
#include "core/grey.h"

#include "core/panic.h"

#define ACCUSERS_LEAST 2

struct accusation {
    uint64_t refuted_ns; /* 0: none */
    struct gkv_node_id accuser;
};

struct gkv_grey_place {
    struct accusation accusations[GKV_GREY_ACCUSER_COUNT_MAX];
    uint64_t boot_id;        /* of the member that all this is about */
    uint64_t since_ns;       /* DEGRADED since then */
    uint64_t refuted_ns[2];  /* the last two times that an accusation was that counted; 0: none */
    uint64_t score_ns;       /* when the score was what it says */
    uint32_t score;          /* thousandths */
    uint32_t generation;     /* of the member's place */
    struct gkv_node_id last; /* who accused it then */
};
_Static_assert(sizeof(struct gkv_grey_place) == 256, "stated in core/grey.h");

void gkv_greys_init(struct gkv_greys *greys, struct gkv_arena *arena, uint16_t capacity)
{
    void *places = gkv_arena_carve(arena, capacity, sizeof(struct gkv_grey_place));
    *greys = (struct gkv_greys){.is_waiting = false};
    greys->place_offset = gkv_offset_to(greys, places);
}

/* The place of the member at index; emptied when it was another's, or of its former life. */
static struct gkv_grey_place *place_of(const struct gkv_greys *greys, const struct gkv_step *step,
                                       uint16_t index)
{
    const struct gkv_member *member = gkv_member_at(step->members, index);
    struct gkv_grey_place *place =
        (struct gkv_grey_place *)gkv_at(greys, greys->place_offset) + index;
    if (place->generation != member->generation || place->boot_id != member->said.who.boot_id) {
        *place = (struct gkv_grey_place){.boot_id = member->said.who.boot_id,
                                         .generation = member->generation};
    }
    return place;
}

static uint64_t window_ns(const struct gkv_step *step)
{
    return step->options->degraded_window_ms * GKV_NS_PER_MS;
}

static bool is_within(const struct gkv_step *step, uint64_t then_ns, uint64_t span_ns)
{
    GKV_ASSERT(then_ns <= step->now.mono_ns);
    return then_ns != 0 && step->now.mono_ns - then_ns <= span_ns;
}

/* ---- The score. ------------------------------------------------------------------------------ */

/* Halved with each half-life, and along a straight line between two of them. */
static uint32_t score_now(const struct gkv_grey_place *place, const struct gkv_step *step)
{
    const uint64_t half_life_ns = GKV_GREY_HALF_LIFE_WINDOWS * window_ns(step);
    const uint64_t age_ns = step->now.mono_ns - place->score_ns;
    const uint64_t halvings = age_ns / half_life_ns;
    if (halvings >= 32) {
        return 0;
    }
    const uint32_t score = place->score >> halvings;
    const uint64_t rest_permille = age_ns % half_life_ns * 1000 / half_life_ns;
    return score - (uint32_t)(score * rest_permille / 2000);
}

/* At most twice what is too much, so that it is over one half-life after the last of it. */
static void add_score(struct gkv_grey_place *place, const struct gkv_step *step, uint32_t by)
{
    const uint32_t score = score_now(place, step) + by;
    place->score = score < 2 * GKV_GREY_SCORE_MAX ? score : 2 * GKV_GREY_SCORE_MAX;
    place->score_ns = step->now.mono_ns;
}

/* ---- Accusers. ------------------------------------------------------------------------------- */

/* Does the word of this node count? */
static bool is_credible(const struct gkv_step *step, uint16_t about, struct gkv_node_id accuser)
{
    const uint16_t index = gkv_member_find(step->members, accuser);
    if (index == GKV_MEMBER_INDEX_NONE || index == about) {
        return false;
    }
    const struct gkv_member *member = gkv_member_at(step->members, index);
    return gkv_member_is_reachable(member) && !member->is_degraded;
}

/* Enter an accuser in his own place, or in that of the one who accused longest ago. */
static void enter(struct gkv_grey_place *place, const struct gkv_step *step,
                  struct gkv_node_id accuser)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < GKV_GREY_ACCUSER_COUNT_MAX; i++) {
        const struct accusation *accusation = &place->accusations[i];
        if (accusation->refuted_ns != 0 && gkv_node_id_equal(accusation->accuser, accuser)) {
            oldest = i;
            break;
        }
        if (accusation->refuted_ns < place->accusations[oldest].refuted_ns) {
            oldest = i;
        }
    }
    place->accusations[oldest] =
        (struct accusation){.refuted_ns = step->now.mono_ns, .accuser = accuser};
}

/* One who accused in vain: true when his word counts. */
static bool note_accuser(struct gkv_grey_place *place, const struct gkv_step *step, uint16_t index,
                         struct gkv_node_id accuser)
{
    if (!is_credible(step, index, accuser)) {
        return false;
    }
    enter(place, step, accuser);
    return true;
}

static void note_refutation(struct gkv_grey_place *place, const struct gkv_step *step)
{
    place->refuted_ns[1] = place->refuted_ns[0];
    place->refuted_ns[0] = step->now.mono_ns;
}

/* True when any of the accusers counts. The score rises unless the first accuser is the same as the
 * last time: he may be deaf himself. */
static bool note_suspicion(struct gkv_grey_place *place, const struct gkv_step *step,
                           uint16_t index, const struct gkv_update *before)
{
    GKV_ASSERT(before->confirmer_count <= GKV_CONFIRMER_COUNT_MAX);
    bool counts = note_accuser(place, step, index, before->accuser);
    const bool is_other = counts && !gkv_node_id_equal(place->last, before->accuser);
    place->last = counts ? before->accuser : place->last;
    add_score(place, step, is_other ? GKV_GREY_SCORE_REFUTED : 0);
    for (uint32_t i = 0; i < before->confirmer_count; i++) {
        counts |= note_accuser(place, step, index, before->confirmers[i]);
    }
    if (counts) {
        note_refutation(place, step);
    }
    return counts;
}

static uint32_t accuser_count(const struct gkv_grey_place *place, const struct gkv_step *step)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < GKV_GREY_ACCUSER_COUNT_MAX; i++) {
        count += is_within(step, place->accusations[i].refuted_ns, window_ns(step));
    }
    return count;
}

static uint32_t accusers_wanted(const struct gkv_step *step)
{
    const uint32_t half = step->members->reachable_count / 2; /* ceil((n - 1) / 2) */
    const uint32_t wanted = half < GKV_GREY_ACCUSER_COUNT_MAX ? half : GKV_GREY_ACCUSER_COUNT_MAX;
    return wanted > ACCUSERS_LEAST ? wanted : ACCUSERS_LEAST;
}

/* One pause may make many accuse somebody at once; it takes two to be grey. */
static bool is_grey(const struct gkv_grey_place *place, const struct gkv_step *step)
{
    return (accuser_count(place, step) >= accusers_wanted(step) &&
            is_within(step, place->refuted_ns[1], window_ns(step))) ||
           score_now(place, step) > GKV_GREY_SCORE_MAX;
}

/* ---- Ourselves. ------------------------------------------------------------------------------ */

void gkv_grey_hear(struct gkv_greys *greys, const struct gkv_step *step)
{
    const uint64_t eviction_ns =
        ((uint64_t)step->options->suspicion_timeout_ms + step->options->evict_delay_ms) *
        GKV_NS_PER_MS;
    if (greys->heard_ns != 0 && step->now.mono_ns - greys->heard_ns > eviction_ns) {
        greys->deaf_ns = step->now.mono_ns;
    }
    greys->heard_ns = step->now.mono_ns;
}

/* Were we deaf, or alone, just now, and for so long that we are evicted, whatever we hear first? */
static bool was_deaf(const struct gkv_greys *greys, const struct gkv_step *step)
{
    return is_within(step, greys->deaf_ns, window_ns(step));
}

/* The same, and it has been counted. */
static bool take_deafness(struct gkv_greys *greys, const struct gkv_step *step)
{
    const bool is_deaf = was_deaf(greys, step);
    greys->deaf_ns = 0;
    return is_deaf;
}

/* Are we one who should hold back, now that we are told this? */
static bool begins_to_wait(const struct gkv_greys *greys, const struct gkv_health *health,
                           const struct gkv_step *step, const struct gkv_update *told)
{
    const struct gkv_member *self = gkv_step_self(step);
    const uint32_t score = score_now(place_of(greys, step, GKV_MEMBER_SELF), step);
    const bool flaps = was_deaf(greys, step) && score + GKV_GREY_SCORE_EVICTED > GKV_GREY_SCORE_MAX;
    return gkv_member_rank(told->state) > gkv_member_rank(self->said.state) &&
           gkv_health_well_ns(health, step) < window_ns(step) &&
           (flaps || (self->is_degraded && told->state == GKV_MEMBER_EVICTED));
}

/* ---- The verdict. ---------------------------------------------------------------------------- */

static void set_degraded(const struct gkv_grey_place *place, const struct gkv_step *step,
                         uint16_t index, bool is_degraded)
{
    gkv_member_set_degraded(step->members, index, is_degraded);
    gkv_step_trace(step, GKV_TRACE_DEGRADED, &gkv_member_at(step->members, index)->said.who.id,
                   is_degraded, accuser_count(place, step));
}

/* Are a quarter of the others accused by one and another? Then it is the network that loses much,
 * and whoever is accused most is no worse than the rest. The evicted count as well: else there
 * would be a minority to evict until nobody is left. */
static bool many_are_accused(const struct gkv_greys *greys, const struct gkv_step *step,
                             uint16_t about)
{
    uint32_t count = 0;
    for (uint16_t i = 0; i < step->members->capacity; i++) {
        const struct gkv_member *member = gkv_member_at(step->members, i);
        if (i != about && member->said.state != GKV_MEMBER_NONE && gkv_member_is_in_ring(member)) {
            count += member->is_degraded ||
                     score_now(place_of(greys, step, i), step) > GKV_GREY_SCORE_MAX / 4;
        }
    }
    return 4 * count >= step->members->ring_count - 1u;
}

/* Was it DEGRADED for too long, and it alone? */
static bool is_lasting(const struct gkv_greys *greys, const struct gkv_step *step, uint16_t index)
{
    const struct gkv_grey_place *place = place_of(greys, step, index);
    const uint64_t evict_ns = step->options->degraded_evict_ms * GKV_NS_PER_MS;
    return evict_ns > 0 && step->now.mono_ns - place->since_ns >= evict_ns &&
           !many_are_accused(greys, step, index);
}

enum gkv_grey_verdict gkv_grey_on_refuted(struct gkv_greys *greys, const struct gkv_step *step,
                                          uint16_t index, const struct gkv_update *before)
{
    if (step->options->degraded_window_ms == 0) {
        return GKV_GREY_AS_BEFORE;
    }
    struct gkv_grey_place *place = place_of(greys, step, index);
    bool counts = false;
    if (before->state == GKV_MEMBER_SUSPECT) {
        counts = note_suspicion(place, step, index, before);
    }
    if (index == GKV_MEMBER_SELF ? take_deafness(greys, step)
                                 : before->state == GKV_MEMBER_EVICTED) {
        add_score(place, step, GKV_GREY_SCORE_EVICTED);
        place->since_ns = step->now.mono_ns; /* who comes back has all its time again */
    }
    if (gkv_member_at(step->members, index)->is_degraded) {
        return counts && is_lasting(greys, step, index) ? GKV_GREY_EVICT : GKV_GREY_AS_BEFORE;
    }
    if (!is_grey(place, step)) {
        return GKV_GREY_AS_BEFORE;
    }
    place->since_ns = step->now.mono_ns;
    set_degraded(place, step, index, true);
    return GKV_GREY_BEGUN;
}

bool gkv_grey_is_over(struct gkv_greys *greys, const struct gkv_step *step, uint16_t index)
{
    if (!gkv_member_at(step->members, index)->is_degraded) {
        return false;
    }
    const struct gkv_grey_place *place = place_of(greys, step, index);
    if (is_within(step, place->refuted_ns[0], window_ns(step)) || is_grey(place, step)) {
        return false;
    }
    set_degraded(place, step, index, false);
    return true;
}

bool gkv_grey_must_wait(struct gkv_greys *greys, const struct gkv_health *health,
                        const struct gkv_step *step, const struct gkv_update *told)
{
    const struct gkv_member *self = gkv_step_self(step);
    const uint64_t evict_ns = step->options->degraded_evict_ms * GKV_NS_PER_MS;
    if (step->options->degraded_window_ms == 0 || evict_ns == 0 ||
        told->who.boot_id != self->said.who.boot_id || told->incarnation < self->said.incarnation) {
        return false;
    }
    const bool is_waiting = greys->is_waiting ? gkv_health_quiet_ns(health, step) < evict_ns
                                              : begins_to_wait(greys, health, step, told);
    if (is_waiting != greys->is_waiting) {
        greys->is_waiting = is_waiting;
        gkv_step_trace(step, GKV_TRACE_WAITS, &self->said.who.id, is_waiting, 0);
    }
    return is_waiting;
}
