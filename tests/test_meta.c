#include "io_sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "core/prng.h"
#include "core/store.h"
#include "sim/history.h"

/* Metamorphic: one story is told twice, with something changed that must make no difference. What
 * is right need not be known for that.
 *
 * A story is a cluster on a quiet network, some 150 operations, and what every node holds in the
 * end. It is a function of its seed; luck that only one of two tellings asks for (how far a timer
 * is early, how large a piece is) is drawn apart.
 *
 *   what changes                          what must stay
 *   bytes are received a few at a time    every byte that is said, and when; all outcomes
 *   TIMER comes early, and often          the same
 *   writes wait for others, and are torn  outcomes (bytes arrive at other times)
 *   nodes have each other's names         outcomes, but for who wrote a version
 *
 * Where only outcomes can stay, nothing depends on the order in which two nodes are faster: the
 * operations of an instant are asked of one node and are of different keys, and the next ones come
 * when they are over. The other stories race. */

#define NODE_COUNT_MAX 5
#define KEY_COUNT 6
#define DEED_COUNT 150
#define TIE_DEED_COUNT 20
#define CONNECTION_COUNT 64
#define STORY_COUNT 40
#define TURN_MS 200 /* what expires does so half-way between two turns */
#define MS GKV_NS_PER_MS

struct telling {
    bool races;      /* operations overlap, and are of the same keys */
    bool all_own;    /* N is the number of nodes */
    bool is_renamed; /* a and b have each other's name, and c and d */
    uint32_t receive_bytes_max;
    uint32_t window_bytes;
    uint32_t split_ppm;
    uint32_t timer_early_ns_max;
    uint32_t timer_late_ns_max;

    /* What does make a difference. */
    bool has_other_luck;   /* the nodes' own */
    bool has_other_values; /* sets write something else */
    bool has_ties;         /* two nodes set one key at one instant: a name decides who wins */
};

/* What a client is told, or a node holds. */
struct outcome {
    enum gkv_error error;
    struct gkv_version version;
    uint32_t rank; /* how many versions that clients were told are less */
    uint64_t expire_ms;
    uint64_t value_hash;
    bool is_over;
};

struct story {
    struct gkv_world world;
    struct gkv_prng luck;   /* of what is the same in all tellings */
    struct gkv_prng spoils; /* of what changes nothing */
    uint32_t node_count;
    bool has_other_luck;
    uint64_t early_count;                  /* TIMER before the deadline */
    uint64_t merged_count;                 /* RECEIVED with more than one frame */
    uint64_t frame_counts[NODE_COUNT_MAX]; /* that a node had taken in before its last input */
    struct outcome outcomes[DEED_COUNT];
    struct outcome records[NODE_COUNT_MAX][KEY_COUNT];
    struct gkv_hash128 said[NODE_COUNT_MAX]; /* all datagrams, outcomes and news of a node */
    uint64_t spoken[CONNECTION_COUNT];       /* all bytes of a connection, one by one */
};

static struct story plain;
static struct story changed;

/* ---- Telling --------------------------------------------------------------------------------- */

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    struct story *story = context;
    if (strcmp(label, "boot.luck") == 0) {
        return gkv_prng_below(&story->luck, bound) ^ (uint64_t)story->has_other_luck;
    }
    if (strcmp(label, "timer.tie") == 0 || strcmp(label, "net.tie") == 0) {
        return 0;
    }
    return gkv_prng_below(&story->spoils, bound);
}

static uint64_t hash_of(struct gkv_bytes bytes)
{
    return bytes.count == 0 ? 0 : gkv_hash128(bytes.data, bytes.count, 1).low;
}

/* Fold words into what a node said. */
static void note(struct story *story, const struct gkv_observation *observation, uint64_t a,
                 uint64_t b)
{
    struct gkv_hash128 *said = &story->said[observation->node];
    const uint64_t words[] = {said->low, said->high, observation->time_ns, a, b};
    *said = gkv_hash128(words, sizeof(words), 2);
}

static void note_stream(struct story *story, const struct gkv_observation *observation)
{
    const uint64_t index = observation->connection & UINT32_MAX;
    assert_true(index < CONNECTION_COUNT);
    uint64_t *spoken = &story->spoken[index];
    for (size_t i = 0; i < observation->bytes.count; i++) {
        *spoken = (*spoken ^ observation->bytes.data[i] ^ observation->time_ns << 8) *
                  UINT64_C(0x9E3779B97F4A7C15);
    }
}

static void note_output(struct story *story, const struct gkv_observation *observation)
{
    const struct gkv_output *output = observation->output;
    if (output->kind == GKV_OUTPUT_DATAGRAM) {
        note(story, observation, gkv_host_of_address(&output->as.datagram.address),
             hash_of(output->as.datagram.bytes));
    } else if (output->kind == GKV_OUTPUT_MEMBER) {
        note(story, observation, (uint64_t)output->as.member.state, output->as.member.incarnation);
    } else if (output->kind == GKV_OUTPUT_COMPLETE) {
        const struct gkv_result *result = &output->as.result;
        assert_true(result->cookie < DEED_COUNT);
        struct outcome *outcome = &story->outcomes[result->cookie];
        note(story, observation, result->cookie, (uint64_t)result->error);
        assert_false(outcome->is_over);
        *outcome = (struct outcome){
            .error = result->error,
            .version = result->version,
            .expire_ms = result->expire_ms,
            .value_hash = hash_of(result->value),
            .is_over = true,
        };
    }
}

static void observe(void *context, const struct gkv_observation *observation)
{
    struct story *story = context;
    const struct gkv_host *host = &story->world.hosts[observation->node];
    const uint64_t frame_count = gkv_endpoint_stats(host->endpoint).frame_in_count;
    if (observation->kind == GKV_OBSERVE_OUTPUT) {
        note_output(story, observation);
    } else if (observation->kind == GKV_OBSERVE_SENT) {
        note_stream(story, observation);
    } else if (observation->kind == GKV_OBSERVE_RECEIVED) {
        story->merged_count += frame_count >= story->frame_counts[observation->node] + 2;
        story->frame_counts[observation->node] = frame_count;
    } else if (observation->kind == GKV_OBSERVE_TIMER) {
        story->early_count += gkv_endpoint_deadline_ns(host->endpoint) >
                              gkv_host_now(host, observation->time_ns).mono_ns;
    }
}

static void run_to(struct story *story, uint64_t time_ns)
{
    while (gkv_world_step(&story->world, time_ns)) {
    }
}

static void create(struct story *story, uint64_t seed, const struct telling *telling)
{
    memset(story, 0, sizeof(*story));
    gkv_prng_init(&story->luck, seed, 0);
    gkv_prng_init(&story->spoils, seed, 1);
    story->has_other_luck = telling->has_other_luck;
    story->node_count = 3 + (uint32_t)gkv_prng_below(&story->luck, NODE_COUNT_MAX - 2);
    struct gkv_world_options options = {
        .node_count = story->node_count,
        .life_count_max = 1,
        .receive_bytes_max = telling->receive_bytes_max,
        .window_bytes = telling->window_bytes,
        .timer_early_ns_max = telling->timer_early_ns_max,
        .timer_late_ns_max = telling->timer_late_ns_max,
    };
    gkv_options_init(&options.node);
    options.node.memory_limit_bytes = 1024 * 1024;
    options.node.value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options.node.member_count_max = 16;
    options.node.operation_count_max = 64;
    options.node.operation_memory_bytes = 256 * 1024;
    options.node.replica_count = telling->all_own ? story->node_count : 3;
    options.node.write_quorum = options.node.replica_count / 2 + 1;
    options.node.read_quorum = options.node.write_quorum;
    options.node.seeds[0] = gkv_host_address(0);
    options.node.seed_count = 1;
    const struct gkv_chance chance = {.draw = draw, .context = story};
    const struct gkv_observer observer = {.observe = observe, .context = story};
    assert_int_equal(gkv_world_create(&story->world, &options, &chance, &observer), GKV_OK);
    for (uint32_t i = 0; i < story->node_count; i++) {
        for (uint32_t j = 0; j < story->node_count; j++) {
            struct gkv_link *link = gkv_world_link(&story->world, i, j);
            /* All different, so that nothing arrives at one instant but by intention. */
            link->latency_ns = 100000 + gkv_prng_below(&story->luck, 1900000);
            link->split_ppm = telling->split_ppm;
        }
    }
}

/* All boot, and meet. */
static void form(struct story *story, const struct telling *telling)
{
    for (uint32_t i = 0; i < story->node_count; i++) {
        const uint32_t other = (i ^ 1u) < story->node_count ? i ^ 1u : i;
        const uint32_t named = telling->is_renamed ? other : i;
        story->world.hosts[i].options.name = gkv_host_name(named);
        run_to(story, story->world.now_ns + 3 * MS + i);
        gkv_world_boot(&story->world, i);
    }
    run_to(story, 3000 * MS);
    for (uint32_t i = 0; i < story->node_count; i++) {
        const struct gkv_node *node = gkv_endpoint_node(story->world.hosts[i].endpoint);
        assert_int_equal(gkv_node_stats(node).reachable_count, story->node_count);
    }
}

/* Ask for a deed, the same in every telling. */
static void ask(struct story *story, const struct telling *telling, uint32_t number, uint32_t node,
                uint32_t key)
{
    char text[16];
    uint8_t value[GKV_SCENARIO_VALUE_BYTES_MAX];
    const uint32_t kind = (uint32_t)gkv_prng_below(&story->luck, 8);
    const uint32_t value_bytes = GKV_HISTORY_VALUE_BYTES_MIN +
                                 (uint32_t)gkv_prng_below(&story->luck, kind >= 6 ? 4000 : 200);
    struct gkv_operation operation = {
        .cookie = number,
        .kind = GKV_OPERATION_GET,
        .key = gkv_history_key(key, text),
    };
    gkv_history_value(telling->has_other_values ? number + 1 : number, value, value_bytes);
    if (telling->has_ties || kind >= 4) {
        operation.kind = GKV_OPERATION_SET;
        operation.value = (struct gkv_bytes){.data = value, .count = value_bytes};
        operation.ttl_ms = kind == 6 ? TURN_MS / 2 + TURN_MS * gkv_prng_below(&story->luck, 3) : 0;
    } else if (kind == 3) {
        operation.kind = GKV_OPERATION_DELETE;
    }
    gkv_world_submit(&story->world, node, &operation);
}

/* Some deeds at one instant, at one node, of different keys; then let them end. */
static uint32_t ask_in_turn(struct story *story, const struct telling *telling, uint32_t number)
{
    const uint32_t node = (uint32_t)gkv_prng_below(&story->luck, story->node_count);
    const uint32_t first_key = (uint32_t)gkv_prng_below(&story->luck, KEY_COUNT);
    const uint32_t count = 1 + (uint32_t)gkv_prng_below(&story->luck, KEY_COUNT);
    for (uint32_t i = 0; i < count && number < DEED_COUNT; i++) {
        ask(story, telling, number++, node, (first_key + i) % KEY_COUNT);
    }
    run_to(story, story->world.now_ns + TURN_MS * MS);
    return number;
}

/* One deed, while others are under way. */
static uint32_t ask_in_a_race(struct story *story, const struct telling *telling, uint32_t number)
{
    const uint32_t node = (uint32_t)gkv_prng_below(&story->luck, story->node_count);
    const uint32_t key = (uint32_t)gkv_prng_below(&story->luck, 2);
    ask(story, telling, number, node, key);
    run_to(story, story->world.now_ns + gkv_prng_below(&story->luck, 2 * MS));
    return number + 1;
}

/* ---- What came of it ------------------------------------------------------------------------- */

static void look_into(struct story *story, uint32_t node, uint32_t key)
{
    static uint8_t value[GKV_SCENARIO_VALUE_BYTES_MAX];
    char text[16];
    const struct gkv_host *host = &story->world.hosts[node];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const uint64_t hash = gkv_hash(bytes.data, bytes.count, host->options.hash_seed);
    struct gkv_record record;
    if (!gkv_store_get(gkv_node_store(gkv_endpoint_node(host->endpoint)),
                       (struct gkv_key){bytes, hash}, 0, (struct gkv_buffer){value, sizeof(value)},
                       &record)) {
        return;
    }
    story->records[node][key] = (struct outcome){
        .error = record.is_tombstone ? GKV_ERROR_NOT_FOUND : GKV_OK,
        .version = record.version,
        .expire_ms = record.expire_ms,
        .value_hash = hash_of(record.value),
        .is_over = true,
    };
}

/* How many of the versions that clients were told come before this one. */
static void rank(const struct story *story, struct outcome *outcome)
{
    for (uint32_t i = 0; i < DEED_COUNT; i++) {
        outcome->rank += gkv_version_compare(story->outcomes[i].version, outcome->version) < 0;
    }
}

static void tell(struct story *story, uint64_t seed, const struct telling *telling)
{
    create(story, seed, telling);
    form(story, telling);
    uint32_t number = 0;
    while (telling->has_ties && number < TIE_DEED_COUNT) {
        /* Of one millisecond, mostly with one counter as well. */
        ask(story, telling, number++, 0, 0);
        ask(story, telling, number++, 1, 0);
        run_to(story, story->world.now_ns + TURN_MS * MS + 7 * MS);
    }
    while (number < DEED_COUNT) {
        number = telling->races ? ask_in_a_race(story, telling, number)
                                : ask_in_turn(story, telling, number);
    }
    run_to(story, story->world.now_ns + 3000 * MS); /* anti-entropy goes round */
    for (uint32_t i = 0; i < DEED_COUNT; i++) {
        assert_true(story->outcomes[i].is_over);
        rank(story, &story->outcomes[i]);
    }
    for (uint32_t node = 0; node < story->node_count; node++) {
        for (uint32_t key = 0; key < KEY_COUNT; key++) {
            look_into(story, node, key);
            rank(story, &story->records[node][key]);
        }
    }
    gkv_world_destroy(&story->world);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool is_same(const struct outcome *a, const struct outcome *b, bool is_renamed)
{
    return a->error == b->error && a->rank == b->rank && a->expire_ms == b->expire_ms &&
           a->value_hash == b->value_hash && a->is_over == b->is_over &&
           (is_renamed || gkv_version_compare(a->version, b->version) == 0);
}

static bool has_same_outcomes(const struct story *a, const struct story *b, bool is_renamed)
{
    for (uint32_t i = 0; i < DEED_COUNT; i++) {
        if (!is_same(&a->outcomes[i], &b->outcomes[i], is_renamed)) {
            return false;
        }
    }
    for (uint32_t node = 0; node < a->node_count; node++) {
        for (uint32_t key = 0; key < KEY_COUNT; key++) {
            if (!is_same(&a->records[node][key], &b->records[node][key], is_renamed)) {
                return false;
            }
        }
    }
    return a->node_count == b->node_count;
}

static bool has_same_words(const struct story *a, const struct story *b)
{
    return memcmp(a->said, b->said, sizeof(a->said)) == 0 &&
           memcmp(a->spoken, b->spoken, sizeof(a->spoken)) == 0;
}

/* ---- What makes no difference ---------------------------------------------------------------- */

/* Goal: in what portions bytes are received makes no difference to anything that is said.
 * Method: stories that race, with 1 .. 40 bytes at once, and with all that there are. */
static void test_portions(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= STORY_COUNT; seed++) {
        tell(&plain, seed, &(struct telling){.races = true});
        tell(&changed, seed, &(struct telling){.races = true, .receive_bytes_max = seed});
        assert_true(has_same_outcomes(&plain, &changed, false));
        assert_true(has_same_words(&plain, &changed));
    }
}

/* Goal: a TIMER before its time makes no difference to anything that is said.
 * Method: stories that race, where it comes up to 10 ms early, again and again until it is due. */
static void test_early_timers(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= STORY_COUNT; seed++) {
        tell(&plain, seed, &(struct telling){.races = true});
        tell(&changed, seed, &(struct telling){.races = true, .timer_early_ns_max = 10 * MS});
        assert_int_equal(plain.early_count, 0);
        assert_true(changed.early_count > 1000);
        assert_true(has_same_outcomes(&plain, &changed, false));
        assert_true(has_same_words(&plain, &changed));
    }
}

/* Goal: how writes to a stream are merged and torn makes no difference to what clients are told,
 * nor to what is held in the end.
 * Method: stories in turn, where at most 200 .. 8,000 bytes are under way, so that whole frames
 * wait and go together, and some pieces are torn at a drawn place. */
static void test_merged_and_torn(void **state)
{
    uint64_t merged_count = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= STORY_COUNT; seed++) {
        tell(&plain, seed, &(struct telling){.split_ppm = 0});
        tell(&changed, seed, &(struct telling){.window_bytes = 200 * seed, .split_ppm = 300000});
        merged_count += changed.merged_count;
        assert_true(has_same_outcomes(&plain, &changed, false));
    }
    assert_true(merged_count > 500);
}

/* Goal: what nodes are called makes no difference to what clients are told, nor to what is held,
 * but for who wrote a version.
 * Method: stories in turn, where all nodes own all keys, so that places in the ring do not matter;
 * a and b have each other's name, and c and d. */
static void test_renamed(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= STORY_COUNT; seed++) {
        tell(&plain, seed, &(struct telling){.all_own = true});
        tell(&changed, seed, &(struct telling){.all_own = true, .is_renamed = true});
        assert_true(has_same_outcomes(&plain, &changed, true));
        assert_false(has_same_outcomes(&plain, &changed, false));
        assert_false(has_same_words(&plain, &changed));
    }
}

/* ---- What does ------------------------------------------------------------------------------- */

/* Goal: a difference in what is said is seen, in when, and in what clients are told.
 * Method: timers that are late, other luck of the nodes, other values. */
static void test_differences_are_seen(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 5; seed++) {
        tell(&plain, seed, &(struct telling){.races = true});
        tell(&changed, seed, &(struct telling){.races = true, .timer_late_ns_max = MS});
        assert_false(has_same_words(&plain, &changed));
        tell(&changed, seed, &(struct telling){.races = true, .has_other_luck = true});
        assert_false(has_same_words(&plain, &changed));
        tell(&plain, seed, &(struct telling){.all_own = true});
        tell(&changed, seed, &(struct telling){.all_own = true, .has_other_values = true});
        assert_false(has_same_outcomes(&plain, &changed, true));
    }
}

/* Goal: names are seen where they do make a difference.
 * Method: two nodes set one key at one instant, again and again, and who wins is decided by a hash
 * of names: it is another one in about half of the stories. */
static void test_ties_depend_on_names(void **state)
{
    uint32_t differing_count = 0;
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        tell(&plain, seed, &(struct telling){.all_own = true, .has_ties = true});
        tell(&changed, seed,
             &(struct telling){.all_own = true, .has_ties = true, .is_renamed = true});
        differing_count += !has_same_outcomes(&plain, &changed, true);
    }
    assert_in_range(differing_count, 4, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portions),
        cmocka_unit_test(test_early_timers),
        cmocka_unit_test(test_merged_and_torn),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_differences_are_seen),
        cmocka_unit_test(test_ties_depend_on_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
