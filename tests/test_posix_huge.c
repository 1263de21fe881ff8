#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <cmocka.h>

#include "io_posix/gridkv.h"
#include "io_posix/huge.h"

#define MIB ((size_t)1024 * 1024)
#define READY_MS 30000 /* a limit for failure, never waited out */
#define EMPTY_BYTES_MAX (50 * MIB)

/* A figure of this process, in bytes: the sum of what its mappings say. */
static size_t figure(const char *name)
{
    char line[256];
    size_t sum = 0;
    FILE *file = fopen("/proc/self/smaps", "r");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            sum += (size_t)strtoul(line + strlen(name), NULL, 10) * 1024;
        }
    }
    (void)fclose(file);
    return sum;
}

/* Does this system give huge pages to who asks, now? */
static bool has_huge_pages(void)
{
#ifdef MADV_HUGEPAGE
    const size_t bytes = 16 * MIB;
    const size_t before = figure("AnonHugePages:");
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 1, bytes);
    const bool has = figure("AnonHugePages:") >= before + 8 * MIB;
    (void)munmap(memory, bytes);
    return has;
#else
    return false;
#endif
}

static struct gridkv *open_node(uint32_t huge_pages)
{
    struct gridkv_options options;
    gridkv_options_init(&options);
    options.node_name = "a";
    options.replica_count = 1;
    options.write_quorum = 1;
    options.read_quorum = 1;
    options.huge_pages = huge_pages;
    struct gridkv *kv = NULL;
    assert_int_equal(gridkv_open(&options, &kv, NULL, 0), GKV_OK);
    return kv;
}

/* 32 MB of records. */
static void fill(struct gridkv *kv)
{
    static const char value[1000];
    for (uint32_t i = 0; i < 32000; i++) {
        assert_int_equal(gridkv_set(kv, &i, sizeof(i), value, sizeof(value), 0), GKV_OK);
    }
}

static size_t told_bytes(struct gridkv *kv)
{
    struct gridkv_stats stats = {0};
    for (int i = 0; i < READY_MS && stats.store_used_bytes == 0; i++) {
        assert_int_equal(gridkv_stats(kv, &stats, sizeof(stats)), GKV_OK);
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return (size_t)stats.huge_page_bytes;
}

/* Goal: records lie on huge pages where the system has them, and the node says so; where it is told
 * not to, none do. Method: what the system says of our mappings, before and after 32 MB. */
static void test_store_lies_on_huge_pages(void **state)
{
    (void)state;
    if (!has_huge_pages()) {
        skip();
    }
    size_t before = figure("AnonHugePages:");
    struct gridkv *kv = open_node(0);
    fill(kv);
    assert_true(figure("AnonHugePages:") > before + 16 * MIB);
    assert_in_range(told_bytes(kv), 32 * MIB, 64 * MIB);
    gridkv_close(kv);

    before = figure("AnonHugePages:");
    kv = open_node(GRIDKV_NONE);
    fill(kv);
    assert_true(figure("AnonHugePages:") < before + 8 * MIB);
    assert_int_equal(told_bytes(kv), 0);
    gridkv_close(kv);
}

/* Goal: a node without data stays small, and what it maps does not change while it is used. Method:
 * what is resident, with default options; the size of all mappings around 32 MB of sets. */
static void test_empty_is_small(void **state)
{
    (void)state;
    const size_t before = figure("Rss:");
    struct gridkv *kv = open_node(0);
    assert_int_equal(gridkv_set(kv, "k", 1, "v", 1, 0), GKV_OK);
    const size_t resident = figure("Rss:");
    assert_true(resident < before + EMPTY_BYTES_MAX);
    const size_t mapped = figure("Size:");
    fill(kv);
    assert_true(figure("Size:") < mapped + 16 * MIB);
    gridkv_close(kv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_lies_on_huge_pages),
        cmocka_unit_test(test_empty_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
