#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/message.h"

typedef const char *namer(uint32_t value);

static const char *kind_name(uint32_t value)
{
    return gkv_message_kind_name((enum gkv_message_kind)value);
}

static const char *state_name(uint32_t value)
{
    return gkv_member_state_name((enum gkv_member_state)value);
}

static void expect_names(namer *name, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < count; i++) {
        assert_string_not_equal(name(i), "unknown");
        for (uint32_t j = 0; j < i; j++) {
            assert_string_not_equal(name(i), name(j));
        }
    }
    assert_string_equal(name(count), "unknown");
    assert_string_equal(name(UINT32_MAX), "unknown");
}

/* Goal: every kind of message and every state of a member has a name of its own, and any other
 * number, as a damaged message may hold, one that can be printed.
 * Method: ask for all of them, and for the next. */
static void test_names(void **state)
{
    (void)state;
    expect_names(kind_name, 0, GKV_MESSAGE_KIND_COUNT);
    expect_names(state_name, 1, GKV_MEMBER_STATE_COUNT);
    assert_string_equal(state_name(GKV_MEMBER_NONE), "unknown");
    assert_string_equal(kind_name(GKV_MESSAGE_PUSH_PULL), "PUSH_PULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
