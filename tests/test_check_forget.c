#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/node.h"
#include "sim/check.h"
#include "sim/choice.h"
#include "tests/talk.h"

/* Two nodes, really running; b's store is written by hand. b has forgotten a deletion of k1 whose
 * stamp was 100. What a asks of b, and b answers, is told to the check. */

#define ASKER 0
#define REPLICA 1
#define FORGOTTEN 100
#define TALK_COUNT_MAX 6

enum deed {
    END = 0,
    ASK,    /* a sends a write of k0 with that stamp, which is under way from now on */
    REPAIR, /* the same, and wants no answer */
    ARRIVE, /* all that is under way arrives, in one piece */
    SYNC,   /* b is sent records by anti-entropy, and has them in this piece */
    HOLD,   /* b holds k0 with that stamp */
    OK,     /* b answers all that it was asked with this */
    STALE,
    PASS, /* time passes */
    BOOT, /* b begins another life, and has forgotten nothing */
};

struct word {
    enum deed deed;
    uint64_t stamp;
};

struct talk {
    const char *name;
    struct word words[TALK_COUNT_MAX];
};

static const struct talk good[] = {
    {"refused", {{ASK, 90}, {ARRIVE, 0}, {STALE, 0}}},
    {"newer", {{ASK, 110}, {ARRIVE, 0}, {OK, 0}}},
    {"the same stamp, a greater writer", {{ASK, FORGOTTEN}, {ARRIVE, 0}, {OK, 0}}},
    {"held before", {{HOLD, 90}, {ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"it came in the same piece", {{SYNC, 0}, {ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"a repair before it", {{REPAIR, 90}, {ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"another life", {{BOOT, 0}, {ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"another life before its answer", {{ASK, 90}, {ARRIVE, 0}, {BOOT, 0}, {ARRIVE, 0}, {OK, 0}}},
};

static const struct talk bad[] = {
    {"stored", {{ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"just below", {{ASK, FORGOTTEN - 1}, {ARRIVE, 0}, {OK, 0}}},
    {"refused, then stored", {{ASK, 90}, {ARRIVE, 0}, {STALE, 0}, {ARRIVE, 0}, {OK, 0}}},
    {"records came before", {{SYNC, 0}, {PASS, 0}, {ASK, 90}, {ARRIVE, 0}, {OK, 0}}},
    {"a repair behind it", {{ASK, 90}, {REPAIR, 95}, {ARRIVE, 0}, {OK, 0}}},
};

static struct gkv_trial trial;
static uint64_t number; /* of the last frame that a sent */

static void begin(void)
{
    memset(&trial, 0, sizeof(trial));
    number = 0;
    gkv_choice_init(&trial.choice, 1);
    struct gkv_options *options = &trial.scenario.world.node;
    gkv_options_init(options);
    options->memory_limit_bytes = 2 * 1024 * 1024;
    options->value_bytes_max = GKV_SCENARIO_VALUE_BYTES_MAX;
    options->member_count_max = 16;
    options->operation_count_max = 64;
    options->operation_memory_bytes = 64 * 1024;
    trial.scenario.world.node_count = 2;
    trial.scenario.world.life_count_max = 2;
    trial.scenario.node_count = 2;
    trial.scenario.key_count = 2;
    const struct gkv_observer observer = {.observe = NULL};
    assert_int_equal(
        gkv_world_create(&trial.world, &trial.scenario.world, &trial.choice.chance, &observer),
        GKV_OK);
    gkv_check_name_nodes(&trial);
    gkv_world_boot(&trial.world, ASKER);
    gkv_world_boot(&trial.world, REPLICA);
}

static void hold(uint32_t key, uint64_t stamp, bool is_tombstone)
{
    char text[GKV_KEY_BYTES_MAX];
    const struct gkv_bytes bytes = gkv_history_key(key, text);
    const struct gkv_key name = {
        bytes, gkv_hash(bytes.data, bytes.count, trial.scenario.world.node.hash_seed)};
    const struct gkv_record record = {.version = {{stamp}, 1}, .is_tombstone = is_tombstone};
    struct gkv_node *node = gkv_endpoint_node(trial.world.hosts[REPLICA].endpoint);
    struct gkv_store *store = (struct gkv_store *)(uintptr_t)gkv_node_store(node);
    assert_int_equal(gkv_store_put(store, name, &record, NULL), GKV_STORE_STORED);
    if (is_tombstone) { /* long ago: forgotten by the next sweep over all slots */
        gkv_store_sweep(store, UINT32_MAX, 0, GKV_SLOT_COUNT);
        assert_int_equal(gkv_store_forgotten(store).hlc.packed, stamp);
    }
}

/* The handle of a frame's question; repairs have none. */
static uint64_t handle_of(uint64_t frame)
{
    return frame + 1000;
}

static void send(uint64_t stamp, bool is_repair)
{
    char text[GKV_KEY_BYTES_MAX];
    struct gkv_message message = {.kind = GKV_MESSAGE_WRITE};
    number++;
    message.as.write.operation = is_repair ? 0 : handle_of(number);
    message.as.write.key = gkv_history_key(0, text);
    message.as.write.record.version = (struct gkv_version){{stamp}, 2};
    gkv_check_forget.hear(
        &trial, &(struct gkv_heard){.node = ASKER, .number = number, .message = &message});
}

static void arrive(uint64_t frame, enum gkv_message_kind kind)
{
    const struct gkv_gist gist = {.from = ASKER, .kind = kind};
    gkv_check_forget.hear(&trial, &(struct gkv_heard){.time_ns = trial.world.now_ns,
                                                      .node = REPLICA,
                                                      .is_arrival = true,
                                                      .number = frame,
                                                      .gist = &gist});
}

static void answer(enum gkv_reply_status status)
{
    for (uint64_t frame = 1; frame <= number; frame++) {
        struct gkv_message message = {.kind = GKV_MESSAGE_WRITE_REPLY};
        message.as.write_reply.operation = handle_of(frame);
        message.as.write_reply.status = status;
        gkv_check_forget.hear(&trial, &(struct gkv_heard){.node = REPLICA, .message = &message});
    }
}

static void happen(struct word word)
{
    switch (word.deed) {
    case END:
        break;
    case ASK:
    case REPAIR:
        send(word.stamp, word.deed == REPAIR);
        break;
    case ARRIVE:
        for (uint64_t frame = 1; frame <= number; frame++) {
            arrive(frame, GKV_MESSAGE_WRITE);
        }
        break;
    case SYNC:
        arrive(UINT32_MAX, GKV_MESSAGE_SYNC_RECORDS);
        break;
    case HOLD:
        hold(0, word.stamp, false);
        break;
    case OK:
        answer(GKV_REPLY_OK);
        break;
    case STALE:
        answer(GKV_REPLY_STALE);
        break;
    case PASS:
        trial.world.now_ns++;
        break;
    case BOOT:
        gkv_world_crash(&trial.world, REPLICA, 0);
        gkv_world_boot(&trial.world, REPLICA);
        break;
    }
}

static bool is_rejected(const void *row)
{
    const struct talk *talk = row;
    begin();
    hold(1, FORGOTTEN, true);
    trial.world.now_ns = 1000;
    for (size_t i = 0; i < TALK_COUNT_MAX; i++) {
        happen(talk->words[i]);
    }
    gkv_world_destroy(&trial.world);
    return trial.verdict.status != GKV_TRIAL_PASS;
}

/* Goal: what is refused, newer or held before is accepted. Method: a table of talks. */
static void test_accepts_refusals(void **state)
{
    (void)state;
    talk_expect_accepted(good, sizeof(good), sizeof(good[0]), is_rejected);
}

/* Goal: an OK to what is older than what was forgotten is rejected. Method: a table of talks. */
static void test_rejects_what_comes_back(void **state)
{
    (void)state;
    talk_expect_rejected(bad, sizeof(bad), sizeof(bad[0]), is_rejected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_refusals),
        cmocka_unit_test(test_rejects_what_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
