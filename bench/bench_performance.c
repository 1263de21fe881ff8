/* GridKV beside what one would use instead, and beside what the machine can do, in one run.
 *
 * Usage: bench_performance [--quick] [--rounds N] [--turn-ms MS] [--plots FOLDER] [PART]...
 *
 * Parts: stores, values, memory, eviction, servers, nodes; all of them when none is named. Prints
 * the page whose words are bench/performance.md, and writes its plots to FOLDER: without arguments
 * to docs/results/performance, which is the page's, else to performance.plots beside this program.
 * --quick: everything tiny, to see that it works. The programs that it starts lie beside it. Exit
 * status 1: something that has to be there could not be run, a rival among them; with --quick,
 * columns of rivals that are not there are empty.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/performance/child.h"
#include "bench/performance/tables.h"

#define PATH_BYTES 512
#define ROUND_COUNT_MIN 5
#define LOAD_MAX 0.5 /* processes that wanted a processor in the last minute */

struct part {
    const char *name;
    bool (*run)(struct bench *bench);
};

static const struct part parts[] = {{"stores", tables_stores},   {"values", tables_values},
                                    {"memory", tables_memory},   {"eviction", tables_eviction},
                                    {"servers", tables_servers}, {"nodes", tables_nodes}};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

enum option_id {
    OPTION_QUICK = 256,
    OPTION_ROUNDS,
    OPTION_TURN,
    OPTION_PLOTS
};

static const struct option options[] = {{"quick", no_argument, NULL, OPTION_QUICK},
                                        {"rounds", required_argument, NULL, OPTION_ROUNDS},
                                        {"turn-ms", required_argument, NULL, OPTION_TURN},
                                        {"plots", required_argument, NULL, OPTION_PLOTS},
                                        {NULL, 0, NULL, 0}};

static _Noreturn void refuse(void)
{
    (void)fprintf(stderr, "usage: bench_performance [--quick] [--rounds N] [--turn-ms MS] "
                          "[--plots FOLDER] "
                          "[stores|values|memory|eviction|servers|nodes]...\n");
    exit(2);
}

static uint32_t number_of(const char *text, uint32_t most)
{
    char *end = NULL;
    const unsigned long number = strtoul(text, &end, 10);
    if (*end != '\0' || number == 0 || number > most) {
        refuse();
    }
    return (uint32_t)number;
}

/* Returns the folder for plots; NULL: none was named. */
static const char *take_options(struct bench *bench, int argc, char **argv)
{
    const char *plots = NULL;
    for (int id = getopt_long(argc, argv, "", options, NULL); id != -1;
         id = getopt_long(argc, argv, "", options, NULL)) {
        if (id == OPTION_QUICK) {
            *bench = (struct bench){.is_quick = true, .round_count = 1, .turn_ms = 2};
        } else if (id == OPTION_ROUNDS) {
            bench->round_count = number_of(optarg, FIGURES_ROUND_COUNT_MAX);
        } else if (id == OPTION_TURN) {
            bench->turn_ms = number_of(optarg, 60000);
        } else if (id == OPTION_PLOTS) {
            plots = optarg;
        } else {
            refuse();
        }
    }
    return plots;
}

static double load_of_machine(void)
{
    double load = 0;
    return getloadavg(&load, 1) == 1 ? load : 0;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return optind == argc;
}

static void check_names(int argc, char **argv)
{
    for (int i = optind; i < argc; i++) {
        bool is_known = false;
        for (size_t part = 0; part < PART_COUNT; part++) {
            is_known |= strcmp(argv[i], parts[part].name) == 0;
        }
        if (!is_known) {
            refuse();
        }
    }
}

/* What a reader must know before a figure is read. */
static void print_terms(const struct bench *bench, double load)
{
    printf("Medians of %u rounds, in turns of %u ms; the load of the machine was %.1f before.\n\n",
           bench->round_count, bench->turn_ms, load);
    if (bench->is_quick || bench->round_count < ROUND_COUNT_MIN) {
        printf("**A short look: it shows that this runs, and its figures are no results.**\n\n");
    } else if (load > LOAD_MAX) {
        printf("**Other work ran on this machine: these figures are provisional.**\n\n");
    }
}

/* The folder that this program lies in. */
static const char *folder_of_programs(void)
{
    static char path[PATH_BYTES];
    const ssize_t count = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash = count > 0 ? strrchr(path, '/') : NULL;
    if (slash == NULL) {
        return ".";
    }
    *slash = '\0';
    return path;
}

/* What is not the page must leave the page's plots alone. */
static bool begin(struct bench *bench, const char *plots, bool is_page)
{
    static char beside[PATH_BYTES];
    (void)snprintf(beside, sizeof(beside), "%s/performance.plots", bench->programs);
    if (plots == NULL) {
        plots = is_page ? "docs/results/performance" : beside;
    }
    if (!page_begin(&bench->page, plots)) {
        return false;
    }
    bench->page.beside_head = "beside";
    bench->page.reasons = "What limits those that are missed, or were once: "
                          "[where the nanoseconds go](../performance.md).";
    return true;
}

/* Rivals, and the Debian packages that bring them. Those in processes of ours are built when the
 * package was there while CMake configured. */
static bool are_rivals_there(const struct bench *bench)
{
    static const struct {
        const char *program;
        const char *package;
    } rivals[] = {{"rival_urcu", "liburcu-dev"},
                  {"rival_ck", "libck-dev"},
                  {"redis-server", "redis-server"},
                  {"memcached", "memcached"}};
    bool are_there = true;
    for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
        if (!child_has_program(bench->programs, rivals[i].program)) {
            (void)fprintf(stderr, "bench_performance: there is no %s: ./dev bench installs %s\n",
                          rivals[i].program, rivals[i].package);
            are_there = false;
        }
    }
    return are_there;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.round_count = 7, .turn_ms = 200};
    const char *plots = take_options(&bench, argc, argv);
    const double load = load_of_machine();
    bench.programs = folder_of_programs();
    check_names(argc, argv);
    (void)signal(SIGPIPE, SIG_IGN); /* a rival that ends is left out, and its reason printed */
    if ((!are_rivals_there(&bench) && !bench.is_quick) || !begin(&bench, plots, argc == 1)) {
        return 1;
    }
    for (size_t part = 0; part < PART_COUNT; part++) {
        if (!is_wanted(parts[part].name, argc, argv)) {
            continue;
        }
        (void)fprintf(stderr, "bench_performance: %s\n", parts[part].name);
        if (!parts[part].run(&bench)) {
            (void)fprintf(stderr, "bench_performance: %s could not be run\n", parts[part].name);
            return 1;
        }
    }
    print_terms(&bench, load);
    page_end(&bench.page, stdout);
    return 0;
}
