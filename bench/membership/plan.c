#include "bench/membership/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/panic.h"

#define PATH_BYTES 512
#define JOB_COUNT_MAX 16
#define READ_BYTES (64 * 1024)
#define NO_PIECE UINT32_MAX

/* ---- Pieces ---------------------------------------------------------------------------------- */

static struct piece *find(const struct plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->piece_count; i++) {
        if (strcmp(plan->pieces[i].name, name) == 0) {
            return (struct piece *)&plan->pieces[i];
        }
    }
    return NULL;
}

struct piece *plan_add(struct plan *plan, const struct piece *piece)
{
    struct piece *found = find(plan, piece->name);
    if (found != NULL) {
        GKV_ASSERT(found->measure == piece->measure);
        return found;
    }
    GKV_ASSERT(plan->piece_count < PLAN_PIECE_COUNT_MAX);
    plan->pieces[plan->piece_count] = *piece;
    return &plan->pieces[plan->piece_count++];
}

const struct numbers *plan_numbers(const struct plan *plan, const char *name)
{
    const struct piece *piece = find(plan, name);
    GKV_ASSERT(piece != NULL);
    GKV_ASSERT(piece->is_measured);
    return &piece->numbers;
}

uint32_t plan_repetitions(const struct plan *plan, uint32_t repetitions)
{
    const uint32_t wanted = (uint32_t)((uint64_t)repetitions * plan->effort / 100);
    return wanted > 0 ? wanted : 1;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* A hash of this program. */
static uint64_t hash_of_program(void)
{
    static uint8_t bytes[READ_BYTES];
    FILE *file = fopen("/proc/self/exe", "rb");
    uint64_t hash = 0;
    if (file == NULL) {
        return hash; /* another system: files of another build must be taken away by hand */
    }
    for (size_t count = fread(bytes, 1, sizeof(bytes), file); count > 0;
         count = fread(bytes, 1, sizeof(bytes), file)) {
        hash = gkv_hash128(bytes, count, hash).low;
    }
    fclose(file);
    return hash;
}

/* What a piece's numbers depend on. */
static uint64_t stamp_of(const struct plan *plan, const struct piece *piece)
{
    const uint64_t hash = hash_of_program() + plan->effort;
    return gkv_hash128(piece->name, strlen(piece->name), hash).low;
}

static void path_of(const struct piece *piece, const char *folder, const char *ending,
                    char path_out[PATH_BYTES])
{
    (void)snprintf(path_out, PATH_BYTES, "%s/%s%s", folder, piece->name, ending);
}

static void read_piece(const struct plan *plan, struct piece *piece, const char *folder)
{
    char path[PATH_BYTES];
    path_of(piece, folder, ".txt", path);
    piece->is_measured = numbers_read(&piece->numbers, path, stamp_of(plan, piece));
}

/* In a process of its own: measure, and leave the file. Written under another name first, so that
 * one that is there is whole. */
static bool measure_piece(const struct plan *plan, const struct piece *piece, const char *folder)
{
    char path[PATH_BYTES];
    char draft[PATH_BYTES];
    struct numbers numbers = {.values = NULL};
    piece->measure(piece, &numbers);
    path_of(piece, folder, ".txt", path);
    path_of(piece, folder, ".draft", draft);
    return numbers_write(&numbers, draft, stamp_of(plan, piece)) && rename(draft, path) == 0;
}

/* ---- Processes ------------------------------------------------------------------------------- */

struct crew {
    struct plan *plan;
    const char *folder;
    pid_t workers[JOB_COUNT_MAX]; /* 0: none */
    uint32_t busy_with[JOB_COUNT_MAX];
    uint32_t next; /* piece that nobody has looked at yet */
    uint32_t measured_count;
    bool has_failed;
};

/* The next piece that is not measured; NO_PIECE: none is left. */
static uint32_t next_piece(struct crew *crew)
{
    while (crew->next < crew->plan->piece_count) {
        const uint32_t index = crew->next++;
        if (!crew->plan->pieces[index].is_measured) {
            return index;
        }
    }
    return NO_PIECE;
}

static void begin(struct crew *crew, uint32_t worker, uint32_t index)
{
    const struct piece *piece = &crew->plan->pieces[index];
    (void)fflush(NULL);
    const pid_t process = fork();
    if (process == 0) {
        _exit(measure_piece(crew->plan, piece, crew->folder) ? 0 : 1);
    }
    crew->has_failed = crew->has_failed || process < 0;
    crew->workers[worker] = process < 0 ? 0 : process;
    crew->busy_with[worker] = index;
}

static void show_progress(const struct crew *crew, const struct piece *piece)
{
    fprintf(stderr, "%s%u of %u pieces: %s%s", isatty(STDERR_FILENO) ? "\r\033[K" : "",
            crew->measured_count, crew->plan->piece_count, piece->name,
            isatty(STDERR_FILENO) ? "" : "\n");
}

/* Wait for whoever is done first. */
static void await_one(struct crew *crew)
{
    int status = 0;
    const pid_t process = waitpid(-1, &status, 0);
    for (uint32_t i = 0; i < JOB_COUNT_MAX; i++) {
        if (process > 0 && crew->workers[i] == process) {
            struct piece *piece = &crew->plan->pieces[crew->busy_with[i]];
            crew->workers[i] = 0;
            read_piece(crew->plan, piece, crew->folder);
            if (status != 0 || !piece->is_measured) {
                fprintf(stderr, "bench_membership: %s failed\n", piece->name);
                crew->has_failed = true;
            }
            crew->measured_count += piece->is_measured;
            show_progress(crew, piece);
        }
    }
}

static uint32_t busy_count(const struct crew *crew)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < JOB_COUNT_MAX; i++) {
        count += crew->workers[i] != 0;
    }
    return count;
}

static void give_work(struct crew *crew, uint32_t job_count)
{
    for (uint32_t i = 0; i < job_count && !crew->has_failed; i++) {
        const uint32_t index = crew->workers[i] == 0 ? next_piece(crew) : NO_PIECE;
        if (index != NO_PIECE) {
            begin(crew, i, index);
        }
    }
}

bool plan_carry_out(struct plan *plan, const char *folder, uint32_t job_count)
{
    struct crew crew = {.plan = plan, .folder = folder};
    GKV_ASSERT(job_count >= 1 && job_count <= JOB_COUNT_MAX);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        perror(folder);
        return false;
    }
    for (uint32_t i = 0; i < plan->piece_count; i++) {
        read_piece(plan, &plan->pieces[i], folder);
        crew.measured_count += plan->pieces[i].is_measured;
    }
    give_work(&crew, job_count);
    while (busy_count(&crew) > 0) {
        await_one(&crew);
        give_work(&crew, job_count);
    }
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\n");
    }
    return !crew.has_failed;
}
