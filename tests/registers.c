#include "tests/registers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct registers_case registers_good[] = {
    {"nothing happened", "", GKV_ZONES_LINEARIZABLE},
    {"a read before any write", "r0:1-2 w1:3-4", GKV_ZONES_LINEARIZABLE},
    {"one after the other", "w1:1-2 r1:3-4 w2:5-6 r2:7-8", GKV_ZONES_LINEARIZABLE},
    {"a read during a write sees it", "w1:1-10 r1:2-3 r1:11-12", GKV_ZONES_LINEARIZABLE},
    {"a read during a write does not", "w1:1-10 r0:2-3 r1:4-5", GKV_ZONES_LINEARIZABLE},
    {"two writes at once, either last", "w1:1-10 w2:1-10 r2:11-12 r2:13-14",
     GKV_ZONES_LINEARIZABLE},
    {"two writes at once, both seen", "w1:1-10 w2:1-10 r2:3-4 r1:5-6 r1:11-12",
     GKV_ZONES_LINEARIZABLE},
    {"reads at once may see old and new", "w1:1-2 w2:3-10 r2:4-8 r1:5-9", GKV_ZONES_LINEARIZABLE},
    {"a write in doubt is never seen", "w1:1-2 w2:3-? r1:10-11 r1:20-21", GKV_ZONES_LINEARIZABLE},
    {"a write in doubt is seen at last", "w1:1-2 w2:3-? r1:10-11 r2:20-21 r2:30-31",
     GKV_ZONES_LINEARIZABLE},
    {"a write in doubt comes after one that is not", "w1:1-? w2:3-4 r2:5-6 r1:7-8",
     GKV_ZONES_LINEARIZABLE},
    {"a write that failed is not seen", "w1:1-2 w2:3-x r1:5-6", GKV_ZONES_LINEARIZABLE},
    {"a read that was not answered saw anything", "w1:1-2 r7:3-? r1:5-6", GKV_ZONES_LINEARIZABLE},
    {"a delete is a write", "w1:1-2 w2:3-4 r2:5-6 w3:7-8 r3:9-10", GKV_ZONES_LINEARIZABLE},
    {"those that touch are at once", "w1:1-2 r0:2-3 r1:3-4", GKV_ZONES_LINEARIZABLE},
    {"a read that ends as its write begins", "r1:1-5 w1:5-9", GKV_ZONES_LINEARIZABLE},
    {"all at one time", "r2:5-5 w1:5-5 r1:5-5 w2:5-5 r0:5-5", GKV_ZONES_LINEARIZABLE},
    {"a backward zone that reaches out", "w1:1-2 r1:9-10 w2:3-9 r2:11-12", GKV_ZONES_LINEARIZABLE},
    {"a chain of overlaps", "w1:1-5 w2:4-8 w3:7-11 r2:6-9 r3:10-13 r3:14-15",
     GKV_ZONES_LINEARIZABLE},
};
const size_t registers_good_count = sizeof(registers_good) / sizeof(registers_good[0]);

const struct registers_case registers_bad[] = {
    {"a stale read after a write", "w1:1-2 w2:3-4 r1:5-6", GKV_ZONES_INSIDE},
    {"nothing found after a write", "w1:1-2 r0:3-4", GKV_ZONES_INSIDE},
    {"new, then old", "w1:1-2 w2:3-20 r2:5-6 r1:7-8", GKV_ZONES_INSIDE},
    {"new, then the initial value", "w1:1-20 r1:2-3 r0:4-5", GKV_ZONES_INSIDE},
    {"a read from the future", "r1:1-2 w1:3-4", GKV_ZONES_FUTURE},
    {"a read of a write in doubt, from the future", "r1:1-2 w1:3-?", GKV_ZONES_FUTURE},
    {"what nobody wrote", "w1:1-2 r9:3-4", GKV_ZONES_NEVER_WRITTEN},
    {"what failed", "w1:1-x r1:3-4", GKV_ZONES_FAILED_WRITE},
    {"a write in doubt is seen, then lost", "w1:1-2 w2:3-? r2:5-6 r1:7-8", GKV_ZONES_INSIDE},
    {"a write in doubt takes effect twice", "w1:1-? r1:2-3 w2:4-5 r2:6-7 r1:8-9",
     GKV_ZONES_OVERLAP},
    {"a tombstone resurrects", "w1:1-2 r1:3-4 w2:5-6 r2:7-8 r1:9-10", GKV_ZONES_OVERLAP},
    {"a delete that nobody read does not hide", "w1:1-2 w2:5-6 r1:9-10", GKV_ZONES_INSIDE},
    {"two readers disagree on the order", "w1:1-30 w2:1-30 r1:2-3 r2:4-5 r1:6-7 r2:8-9",
     GKV_ZONES_OVERLAP},
    {"back to the first after both", "w1:1-10 w2:1-10 r1:11-12 r2:13-14", GKV_ZONES_OVERLAP},
    {"one long after it was overwritten", "w1:1-2 w2:3-4 w3:5-6 r3:7-8 r2:9-10", GKV_ZONES_OVERLAP},
    {"lost in the middle", "w1:1-2 w2:3-4 r2:5-6 r0:7-8 r2:9-10", GKV_ZONES_OVERLAP},
    {"a write inside the time of another value", "w1:1-5 r1:4-6 w2:8-9 r1:12-14", GKV_ZONES_INSIDE},
    {"out of order in the list", "r1:5-6 w2:3-4 w1:1-2", GKV_ZONES_INSIDE},
};
const size_t registers_bad_count = sizeof(registers_bad) / sizeof(registers_bad[0]);

static uint64_t read_number(const char **text)
{
    char *rest;
    const uint64_t number = strtoull(*text, &rest, 10);
    assert_ptr_not_equal(rest, *text);
    *text = rest;
    return number;
}

static void read_character(const char **text, char expected)
{
    assert_int_equal(**text, expected);
    (*text)++;
}

static const char *read_operation(const char *text, struct gkv_register_operation *operation)
{
    assert_true(*text == 'w' || *text == 'r');
    operation->kind = *text++ == 'w' ? GKV_REGISTER_WRITE : GKV_REGISTER_READ;
    operation->write = (uint32_t)read_number(&text);
    read_character(&text, ':');
    operation->begin = read_number(&text);
    read_character(&text, '-');
    if (*text == '?' || *text == 'x') {
        operation->outcome = *text++ == '?' ? GKV_REGISTER_UNKNOWN : GKV_REGISTER_FAILED;
    } else {
        operation->end = read_number(&text);
        operation->outcome = GKV_REGISTER_OK;
    }
    return text;
}

struct gkv_register_history registers_read(const char *text,
                                           struct gkv_register_operation *operations)
{
    uint32_t count = 0;
    while (*text != '\0') {
        assert_true(count < REGISTERS_OPERATION_COUNT_MAX);
        operations[count] = (struct gkv_register_operation){.number = count + 1};
        text = read_operation(text, &operations[count++]);
        if (*text != '\0') {
            read_character(&text, ' ');
        }
    }
    return (struct gkv_register_history){operations, count};
}
