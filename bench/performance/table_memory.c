#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "bench/performance/child.h"
#include "bench/performance/tables.h"

#define PATH_BYTES 512
#define LINE_BYTES 64
#define PAYLOAD_BYTES 116

/* What rival.h's account says, and what the system says. */
struct account {
    double resident_bytes;
    double limit_bytes;
    double accounted_bytes;
    double record_count;
};

/* Start our store with so many keys, and ask it one thing. */
static bool ask_store(const struct bench *bench, const char *keys, const char *value_bytes,
                      const char *question, struct account *account_out)
{
    char path[PATH_BYTES];
    char line[CHILD_LINE_BYTES];
    double numbers[4];
    struct child child;
    (void)snprintf(path, sizeof(path), "%s/rival_gridkv", bench->programs);
    const char *const arguments[] = {path, keys, value_bytes, NULL};
    const bool is_answered = child_start(&child, CHILD_FIRST, arguments) &&
                             child_hear(&child, line) &&
                             child_ask(&child, question, numbers, 4) == 4;
    child_stop(&child);
    if (is_answered) {
        *account_out = (struct account){numbers[0], numbers[1], numbers[2], numbers[3]};
    }
    return is_answered;
}

static bool measure_overhead(struct bench *bench)
{
    struct account account;
    if (!ask_store(bench, bench->is_quick ? "4000" : "1000000", "100", "full", &account)) {
        return false;
    }
    const double overhead = account.limit_bytes / account.record_count - PAYLOAD_BYTES;
    fprintf(bench->page.body,
            "- A store of %.0f bytes, everything counted, took %.0f records of 16 and 100 bytes "
            "before it was full: %.1f bytes of overhead each.\n",
            account.limit_bytes, account.record_count, overhead);
    claim(&bench->page, &(struct claim){.what = "overhead per entry at 1 M entries",
                                        .beside = "",
                                        .unit = " bytes",
                                        .ours = overhead,
                                        .limit = 48});
    return true;
}

static bool measure_churn(struct bench *bench)
{
    struct account account;
    char question[LINE_BYTES];
    const uint64_t operation_count = bench->is_quick ? 20000 : 10000000;
    (void)snprintf(question, sizeof(question), "churn %" PRIu64, operation_count);
    if (!ask_store(bench, bench->is_quick ? "4000" : "1000000", "200", question, &account)) {
        return false;
    }
    const double difference =
        100 * fabs(account.resident_bytes - account.accounted_bytes) / account.accounted_bytes;
    fprintf(bench->page.body,
            "- After %" PRIu64 " overwrites with values of 1 to 400 bytes, %.0f records: %.1f MB "
            "accounted, %.1f MB resident.\n",
            operation_count, account.record_count, account.accounted_bytes / 1e6,
            account.resident_bytes / 1e6);
    claim(&bench->page, &(struct claim){.what = "resident beside accounted, after 10 M overwrites",
                                        .beside = "",
                                        .unit = " %",
                                        .ours = difference,
                                        .limit = 5});
    return true;
}

/* gridkvd with default options prints its line, and a second later is what it is without data. */
static bool measure_empty(struct bench *bench)
{
    char path[PATH_BYTES];
    char line[CHILD_LINE_BYTES];
    struct child child;
    (void)snprintf(path, sizeof(path), "%s/gridkvd", bench->programs);
    const char *const arguments[] = {path, "--id", "alone", "--resp", "127.0.0.1:0", NULL};
    const bool is_there = child_start(&child, CHILD_FIRST, arguments) && child_hear(&child, line);
    (void)sleep(1);
    const double bytes = (double)child_memory_bytes(&child, "VmRSS");
    child_stop(&child);
    fprintf(bench->page.body, "- A node without data, default options: %.1f MB resident.\n",
            bytes / 1e6);
    claim(&bench->page, &(struct claim){.what = "a node without data, resident",
                                        .beside = "",
                                        .unit = " MB",
                                        .ours = is_there ? bytes / 1e6 : NAN,
                                        .limit = 50});
    return is_there;
}

bool tables_memory(struct bench *bench)
{
    page_table(&bench->page, "T12", "our own memory");
    const bool is_measured =
        measure_overhead(bench) && measure_churn(bench) && measure_empty(bench);
    page_marks(&bench->page);
    return is_measured;
}
