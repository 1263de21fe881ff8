#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/told.h"

static struct told told;

#define ANOTHER 3 /* an id that no node has */

/* A says who accuses c, in boot 100 or another. Before that, a and b may have pinged c. */
struct talk {
    const char *name;
    uint64_t a_asked; /* the boot that it pinged; 0: none */
    uint64_t b_asked;
    uint64_t boot_id; /* of the suspect */
    uint32_t accuser;
    uint32_t confirmer_count;
    uint32_t confirmers[3];
    enum gkv_member_state state;
};

static const struct talk good[] = {
    {"one accuser", 100, 0, 100, 0, 0, {0}, GKV_MEMBER_SUSPECT},
    {"hearsay", 0, 100, 100, 1, 0, {0}, GKV_MEMBER_SUSPECT},
    {"two of them", 100, 100, 100, 0, 1, {1}, GKV_MEMBER_SUSPECT},
    {"of an earlier life", 101, 0, 100, 0, 0, {0}, GKV_MEMBER_SUSPECT},
    {"nobody is accused", 0, 0, 100, 0, 0, {0}, GKV_MEMBER_ALIVE},
};

static const struct talk bad[] = {
    {"the accuser never asked", 0, 100, 100, 0, 0, {0}, GKV_MEMBER_SUSPECT},
    {"it asked an earlier life", 99, 0, 100, 0, 0, {0}, GKV_MEMBER_SUSPECT},
    {"who confirms never asked", 100, 0, 100, 0, 1, {1}, GKV_MEMBER_SUSPECT},
    {"who confirms is the accuser", 100, 100, 100, 0, 1, {0}, GKV_MEMBER_SUSPECT},
    {"one confirms twice", 100, 100, 100, 0, 2, {1, 1}, GKV_MEMBER_SUSPECT},
    {"and not in a row", 100, 100, 100, 0, 3, {1, 2, 1}, GKV_MEMBER_SUSPECT},
    {"it accuses itself", 100, 100, 100, 2, 0, {0}, GKV_MEMBER_SUSPECT},
    {"it confirms itself", 100, 100, 100, 0, 1, {2}, GKV_MEMBER_SUSPECT},
    {"nobody accuses", 100, 100, 100, ANOTHER, 0, {0}, GKV_MEMBER_SUSPECT},
};

static struct gkv_node_id id_of(uint32_t node)
{
    return node == ANOTHER ? (struct gkv_node_id){{9}} : told.trial.ids[node];
}

static void ask(uint32_t node, uint64_t boot_id)
{
    struct gkv_message ping = {.kind = GKV_MESSAGE_PING};
    ping.as.gossip.about = (struct gkv_identity){told.trial.ids[2], boot_id};
    told_say(&told, node, 0, ping);
}

static bool is_rejected(const struct talk *talk, bool is_table)
{
    told_begin(&told, &gkv_check_accuser);
    ask(0, talk->a_asked);
    ask(1, talk->b_asked);
    struct gkv_update update = {
        .who = {.id = told.trial.ids[2], .boot_id = talk->boot_id},
        .state = talk->state,
        .accuser = id_of(talk->accuser),
        .confirmer_count = (uint8_t)talk->confirmer_count,
    };
    for (uint32_t i = 0; i < talk->confirmer_count; i++) {
        update.confirmers[i] = id_of(talk->confirmers[i]);
    }
    struct gkv_message message = {.kind = is_table ? GKV_MESSAGE_PUSH_PULL : GKV_MESSAGE_GOSSIP};
    if (is_table) {
        message.as.push_pull.updates = &update;
        message.as.push_pull.update_count = 1;
    } else {
        message.as.gossip.updates = &update;
        message.as.gossip.update_count = 1;
    }
    told_say(&told, 0, is_table ? 7 : 0, message);
    return told_is_rejected(&told);
}

/* Goal: suspicions whose accusers asked are accepted, as rumours and in tables. Method: a table of
 * them. */
static void test_accepts_who_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (is_rejected(&good[i], false) || is_rejected(&good[i], true)) {
            fail_msg("rejected: %s", good[i].name);
        }
    }
}

/* Goal: suspicions of nobody who asked, or that name one twice, are rejected. Method: likewise. */
static void test_rejects_who_did_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!is_rejected(&bad[i], false) || !is_rejected(&bad[i], true)) {
            fail_msg("accepted: %s", bad[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_who_asked),
        cmocka_unit_test(test_rejects_who_did_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
