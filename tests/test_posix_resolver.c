#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "core/types.h"
#include "io_posix/address.h"
#include "io_posix/resolver.h"
#include "io_posix/system.h"
#include "proto/address.h"

/* A system with a clock that goes on by 1 ms at each look, and with a name service of which every
 * answer is the test's: who asks waits for it. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t asked_count;
    uint32_t answered_count;
    uint64_t asked_ms;  /* when the newest question was asked */
    const char *answer; /* to the next question; NULL: there is no such name now */
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Atomic uint64_t clock_ms;

static int look_at_clock(clockid_t id, struct timespec *at)
{
    (void)id;
    const uint64_t ms = atomic_fetch_add(&clock_ms, 1);
    *at = (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    return 0;
}

static int answer_of(const char *text, const char *port, struct addrinfo **found)
{
    if (text == NULL) {
        return EAI_AGAIN;
    }
    struct sockaddr_in *address = calloc(1, sizeof(*address));
    *found = calloc(1, sizeof(**found));
    if (address == NULL || *found == NULL) {
        abort();
    }
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)atoi(port));
    (void)inet_pton(AF_INET, text, &address->sin_addr);
    (*found)->ai_addr = (struct sockaddr *)address;
    (*found)->ai_addrlen = sizeof(*address);
    return 0;
}

static int ask(const char *host, const char *port, const struct addrinfo *hints,
               struct addrinfo **found)
{
    (void)hints;
    (void)pthread_mutex_lock(&names.mutex);
    names.asked_count++;
    names.asked_ms = atomic_load(&clock_ms);
    (void)pthread_cond_broadcast(&names.changed);
    while (names.answered_count < names.asked_count) {
        (void)pthread_cond_wait(&names.changed, &names.mutex);
    }
    const char *text = strcmp(host, "seed.example") == 0 ? names.answer : NULL;
    (void)pthread_mutex_unlock(&names.mutex);
    return answer_of(text, port, found);
}

static void free_answer(struct addrinfo *found)
{
    free(found->ai_addr);
    free(found);
}

/* Answer the question that is open, or the first one. Returns how long after it the next one was
 * asked, in ms; by then the answer has been taken in. */
static uint64_t answer(const char *text)
{
    (void)pthread_mutex_lock(&names.mutex);
    while (names.asked_count == names.answered_count) {
        (void)pthread_cond_wait(&names.changed, &names.mutex);
    }
    const uint64_t before_ms = names.asked_ms;
    names.answer = text;
    names.answered_count++;
    (void)pthread_cond_broadcast(&names.changed);
    while (names.asked_count == names.answered_count) {
        (void)pthread_cond_wait(&names.changed, &names.mutex);
    }
    const uint64_t pause_ms = names.asked_ms - before_ms;
    (void)pthread_mutex_unlock(&names.mutex);
    return pause_ms;
}

static void check_means(struct gkv_resolver *resolver, const struct gkv_address *alias,
                        const char *expected)
{
    struct gkv_address address;
    char text[64] = "nothing";
    if (gkv_resolver_translate(resolver, alias, &address)) {
        (void)gkv_address_text(&address, text);
    }
    assert_string_equal(text, expected);
}

/* Goal: a seed's name means what it was last said to mean: nothing before there was an answer, then
 * the address, that one as well while there is no answer, and another one when the name has moved.
 * Without an answer it is asked again after a second, else after ten.
 * Method: a name service and a clock of our own; the real clock is far ahead of it, so that nobody
 * waits. The thread may outlive the test, so the system stays ours. */
static void test_name_moves(void **state)
{
    (void)state;
    static struct gkv_system system;
    system = *gkv_system;
    system.clock_gettime = look_at_clock;
    system.getaddrinfo = ask;
    system.freeaddrinfo = free_answer;
    gkv_system = &system;

    struct gkv_resolver *resolver = gkv_resolver_create();
    assert_non_null(resolver);
    struct gkv_address alias;
    assert_int_equal(gkv_resolver_add(resolver, "seed.example:7000", &alias), GKV_OK);
    assert_true(gkv_resolver_is_alias(&alias));
    check_means(resolver, &alias, "nothing");
    assert_int_equal(gkv_resolver_start(resolver), GKV_OK);
    assert_in_range(answer(NULL), 1000, 1100);
    check_means(resolver, &alias, "nothing");
    assert_in_range(answer("10.0.0.1"), 10000, 10100);
    check_means(resolver, &alias, "10.0.0.1:7000");
    assert_in_range(answer(NULL), 1000, 1100);
    check_means(resolver, &alias, "10.0.0.1:7000");
    assert_in_range(answer("10.0.0.2"), 10000, 10100);
    check_means(resolver, &alias, "10.0.0.2:7000");
    gkv_resolver_release(resolver);
    (void)pthread_mutex_lock(&names.mutex);
    names.answered_count++;
    (void)pthread_cond_broadcast(&names.changed);
    (void)pthread_mutex_unlock(&names.mutex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
