#include "bench/performance/contenders.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 512
#define NUMBER_BYTES 16
#define LINE_BYTES 64
#define OVERHEAD_BYTES_MAX 160 /* key, index and header of an entry, whoever's it is */

static const char *const programs[CONTENDER_COUNT] = {
    [CONTENDER_GRIDKV] = "rival_gridkv", [CONTENDER_V4A] = "rival_v4a",
    [CONTENDER_URCU] = "rival_urcu",     [CONTENDER_CK] = "rival_ck",
    [CONTENDER_CHAIN] = "rival_chain",   [CONTENDER_API] = "rival_api",
    [CONTENDER_LIMIT] = "rival_limit"};

const char *contender_name(enum contender contender)
{
    static const char *const names[CONTENDER_COUNT] = {[CONTENDER_GRIDKV] = "GridKV's store",
                                                       [CONTENDER_V4A] = "V4a",
                                                       [CONTENDER_URCU] = "liburcu rculfhash",
                                                       [CONTENDER_CK] = "ck_ht",
                                                       [CONTENDER_CHAIN] = "chains and mutex",
                                                       [CONTENDER_API] = "gridkv.h",
                                                       [CONTENDER_LIMIT] = "limit"};
    return names[contender];
}

static void start_one(struct child *child, const char *path, uint32_t key_count,
                      uint32_t value_bytes)
{
    char keys[NUMBER_BYTES];
    char bytes[NUMBER_BYTES];
    (void)snprintf(keys, sizeof(keys), "%u", key_count);
    (void)snprintf(bytes, sizeof(bytes), "%u", value_bytes);
    const char *const arguments[] = {path, keys, bytes, NULL};
    char line[CHILD_LINE_BYTES];
    if (!child_start(child, CHILD_ANYWHERE, arguments) || !child_hear(child, line) ||
        strcmp(line, "ready\n") != 0) {
        child_stop(child);
    }
}

bool contenders_fit(uint32_t key_count, uint32_t value_bytes)
{
    unsigned long long available_kib = 0;
    char line[LINE_BYTES];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file != NULL && available_kib == 0 && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "MemAvailable: %llu", &available_kib);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    const uint64_t wanted =
        (uint64_t)CONTENDER_COUNT * key_count * (value_bytes + OVERHEAD_BYTES_MAX);
    return wanted / 1024 < available_kib;
}

bool contenders_start(struct contenders *contenders, const struct bench *bench, uint32_t key_count,
                      uint32_t value_bytes)
{
    char path[PATH_BYTES];
    memset(contenders, 0, sizeof(*contenders));
    for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", bench->programs, programs[i]);
        if (access(path, X_OK) == 0) {
            start_one(&contenders->children[i], path, key_count, value_bytes);
        }
    }
    return contenders->children[CONTENDER_GRIDKV].pid > 0;
}

void contenders_stop(struct contenders *contenders)
{
    for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
        child_stop(&contenders->children[i]);
    }
}

static void measure_one(struct child *child, const struct bench *bench, const struct task *task,
                        struct figure *figure)
{
    char line[LINE_BYTES];
    double ns = NAN;
    (void)snprintf(line, sizeof(line), "%s %u %u", task->work, task->thread_count, bench->turn_ms);
    if (child_ask(child, line, &ns, 1) == 1 && figure != NULL) {
        figure_add(figure, ns);
    }
}

void contenders_measure(struct contenders *contenders, const struct bench *bench,
                        const struct task *tasks, uint32_t task_count, struct figure *figures_out)
{
    for (uint32_t round = 0; round <= bench->round_count; round++) {
        for (uint32_t task = 0; task < task_count; task++) {
            for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
                measure_one(&contenders->children[i], bench, &tasks[task],
                            round == 0 ? NULL : &figures_out[i * task_count + task]);
            }
        }
    }
}

void contenders_matrix(struct matrix *matrix, const char *corner)
{
    *matrix = (struct matrix){.corner = corner,
                              .row_count = CONTENDER_COUNT,
                              .our_row = CONTENDER_GRIDKV,
                              .limit_row = CONTENDER_LIMIT,
                              .limit_name = "the limit"};
    for (uint32_t i = 0; i < CONTENDER_COUNT; i++) {
        matrix->rows[i] = contender_name((enum contender)i);
    }
}
