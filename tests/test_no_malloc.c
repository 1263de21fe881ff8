#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/prng.h"
#include "io_sim/world.h"

/* Linked with --wrap for these four, so that every call of them passes here. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *block, size_t bytes);
void __real_free(void *block);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *block, size_t bytes);
void __wrap_free(void *block);

static uint64_t call_count;

void *__wrap_malloc(size_t bytes)
{
    call_count++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    call_count++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *block, size_t bytes)
{
    call_count++;
    return __real_realloc(block, bytes);
}

void __wrap_free(void *block)
{
    call_count++;
    __real_free(block);
}

#define NODE_COUNT 5
#define EVENT_COUNT 100000
#define KEY_COUNT 200

struct scene {
    struct gkv_world world;
    struct gkv_prng luck;
    uint64_t complete_count;
    uint64_t asked_count;
};

static uint64_t draw(void *context, const char *label, uint64_t bound)
{
    struct scene *scene = context;
    (void)label;
    return gkv_prng_below(&scene->luck, bound);
}

static void observe(void *context, const struct gkv_observation *observation)
{
    struct scene *scene = context;
    if (observation->kind == GKV_OBSERVE_OUTPUT &&
        observation->output->kind == GKV_OUTPUT_COMPLETE) {
        scene->complete_count++;
    }
}

static void create(struct scene *scene)
{
    struct gkv_world_options options = {.node_count = NODE_COUNT, .life_count_max = 3};
    gkv_options_init(&options.node);
    options.node.memory_limit_bytes = 2 * 1024 * 1024;
    options.node.value_bytes_max = 4096;
    options.node.member_count_max = 16;
    options.node.operation_count_max = 256;
    options.node.operation_memory_bytes = 256 * 1024;
    options.node.seeds[0] = gkv_host_address(0);
    options.node.seed_count = 1;
    memset(scene, 0, sizeof(*scene));
    gkv_prng_init(&scene->luck, 1, 0);
    const struct gkv_chance chance = {.draw = draw, .context = scene};
    const struct gkv_observer observer = {.observe = observe, .context = scene};
    assert_int_equal(gkv_world_create(&scene->world, &options, &chance, &observer), GKV_OK);
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        for (uint32_t j = 0; j < NODE_COUNT; j++) {
            *gkv_world_link(&scene->world, i, j) = (struct gkv_link){
                .latency_ns = 1000000,
                .jitter_ns = 1000000,
                .loss_ppm = 50000,
                .duplicate_ppm = 20000,
                .split_ppm = 100000,
                .break_ppm = 2000,
            };
        }
    }
}

static void ask(struct scene *scene, uint32_t node)
{
    uint8_t key[8] = "key-000";
    uint8_t value[300] = {0};
    const uint32_t number = (uint32_t)gkv_prng_below(&scene->luck, KEY_COUNT);
    key[4] = (uint8_t)('0' + number / 100);
    key[5] = (uint8_t)('0' + number / 10 % 10);
    key[6] = (uint8_t)('0' + number % 10);
    const uint64_t kind = gkv_prng_below(&scene->luck, 3);
    struct gkv_operation operation = {
        .cookie = ++scene->asked_count,
        .kind = kind == 0   ? GKV_OPERATION_SET
                : kind == 1 ? GKV_OPERATION_GET
                            : GKV_OPERATION_DELETE,
        .key = {.data = key, .count = 7},
    };
    if (kind == 0) {
        operation.value = (struct gkv_bytes){.data = value, .count = sizeof(value)};
        operation.ttl_ms = gkv_prng_below(&scene->luck, 2) * 1000;
    }
    gkv_world_submit(&scene->world, node, &operation);
}

/* Goal: nothing is allocated or freed after a node is made, neither by the node nor by the codec
 * under it, whatever happens: traffic, loss, broken streams, crashes and restarts.
 * Method: five nodes, 100,000 events, with malloc, calloc, realloc and free counted. The simulated
 * world allocates nothing either, so the count must stand still. */
static void test_nothing_is_allocated_after_init(void **state)
{
    static struct scene scene;
    (void)state;
    create(&scene);
    assert_true(call_count > 0); /* the wrapping works */

    const uint64_t before = call_count;
    for (uint32_t i = 0; i < NODE_COUNT; i++) {
        gkv_world_boot(&scene.world, i);
    }
    for (uint64_t turn = 0; scene.world.event_count < EVENT_COUNT; turn++) {
        const uint32_t node = (uint32_t)gkv_prng_below(&scene.luck, NODE_COUNT);
        if (scene.world.hosts[node].is_up) {
            ask(&scene, node);
        }
        if (turn == 2000) {
            gkv_world_crash(&scene.world, 1, 0);
        }
        if (turn == 3000) {
            gkv_world_boot(&scene.world, 1);
        }
        const uint64_t until_ns = scene.world.now_ns + 1000000;
        while (gkv_world_step(&scene.world, until_ns)) {
        }
    }
    const uint64_t after = call_count;
    assert_true(scene.complete_count > 1000);
    assert_int_equal(after, before);
    gkv_world_destroy(&scene.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_allocated_after_init),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
