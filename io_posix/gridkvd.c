/* gridkvd: a node as a process, with a Redis-protocol door. It uses what gridkv.h offers and no
 * more. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "io_posix/gridkv.h"

#define EXIT_USAGE 2
#define REASON_BYTES 512
#define NAME_TEXT_BYTES 256 /* a name of 63 bytes, each of them as %XX */
#define LINE_BYTES 1024

static const char usage[] =
    "usage: gridkvd --id NAME [OPTION]...\n"
    "Run a GridKV node.\n"
    "\n"
    "  --id NAME              name of this node, unique in its cluster\n"
    "  --listen HOST:PORT     where peers reach it, UDP and TCP; port 0: any (127.0.0.1:0)\n"
    "  --advertise HOST:PORT  what peers are told, if it is not where it listens\n"
    "  --seed-addr HOST:PORT  a peer to join; may be given up to 16 times\n"
    "  --resp HOST:PORT       where Redis clients reach it; port 0: any (no clients)\n"
    "  --cluster NAME         nodes of another cluster are refused (gridkv)\n"
    "  --level LEVEL          eventual or quorum (quorum)\n"
    "  --replicas N           copies of each key, 1 to 7 (3)\n"
    "  --write-quorum W       copies that acknowledge a write (2)\n"
    "  --read-quorum R        copies that answer a read (2)\n"
    "  --memory-mb M          of the store, everything counted (64)\n"
    "  --memory-policy POLICY when it is full: reject writes, or evict what was long not used;\n"
    "                         a cache, at level eventual only (reject)\n"
    "  --value-bytes-max B    longest value (1048576)\n"
    "  --value-compress-bytes B  values of B bytes and more are kept compressed, 0: none (0)\n"
    "  --hot-cache-kb K       of the store, for answers about keys of others; at level eventual\n"
    "                         only (0)\n"
    "  --hot-read-cache-ttl-ms T  they are given again for so long (15)\n"
    "  --profile PROFILE      lan, stable or wan: how near and steady nodes are (lan)\n"
    "  --bootstrap-expect N   serve nobody before so many nodes have met (1)\n"
    "  --insecure             listen beyond loopback, without encryption or authentication\n"
    "  --help, --version\n"
    "\n"
    "Standard output: a line with the addresses, then one for each change of a peer's state.\n"
    "SIGTERM or SIGINT: leave the cluster and exit with status 0.\n";

enum option_id {
    OPTION_ID = 256,
    OPTION_LISTEN,
    OPTION_ADVERTISE,
    OPTION_SEED,
    OPTION_RESP,
    OPTION_CLUSTER,
    OPTION_LEVEL,
    OPTION_REPLICAS,
    OPTION_WRITE_QUORUM,
    OPTION_READ_QUORUM,
    OPTION_MEMORY,
    OPTION_POLICY,
    OPTION_VALUE,
    OPTION_COMPRESS,
    OPTION_HOT_SIZE,
    OPTION_HOT_TTL,
    OPTION_PROFILE,
    OPTION_BOOTSTRAP,
    OPTION_INSECURE,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"id", required_argument, NULL, OPTION_ID},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"advertise", required_argument, NULL, OPTION_ADVERTISE},
    {"seed-addr", required_argument, NULL, OPTION_SEED},
    {"resp", required_argument, NULL, OPTION_RESP},
    {"cluster", required_argument, NULL, OPTION_CLUSTER},
    {"level", required_argument, NULL, OPTION_LEVEL},
    {"replicas", required_argument, NULL, OPTION_REPLICAS},
    {"write-quorum", required_argument, NULL, OPTION_WRITE_QUORUM},
    {"read-quorum", required_argument, NULL, OPTION_READ_QUORUM},
    {"memory-mb", required_argument, NULL, OPTION_MEMORY},
    {"memory-policy", required_argument, NULL, OPTION_POLICY},
    {"value-bytes-max", required_argument, NULL, OPTION_VALUE},
    {"value-compress-bytes", required_argument, NULL, OPTION_COMPRESS},
    {"hot-cache-kb", required_argument, NULL, OPTION_HOT_SIZE},
    {"hot-read-cache-ttl-ms", required_argument, NULL, OPTION_HOT_TTL},
    {"profile", required_argument, NULL, OPTION_PROFILE},
    {"bootstrap-expect", required_argument, NULL, OPTION_BOOTSTRAP},
    {"insecure", no_argument, NULL, OPTION_INSECURE},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

static _Noreturn void refuse(const char *what, const char *argument)
{
    (void)fprintf(stderr, "gridkvd: %s%s%s\n", what, argument == NULL ? "" : ": ",
                  argument == NULL ? "" : argument);
    exit(EXIT_USAGE);
}

/* A whole number of at most `most`; strtoull alone would take "-1", " 1" and "1x". */
static uint64_t number(const char *option, const char *text, uint64_t most)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > most) {
        (void)fprintf(stderr, "gridkvd: --%s wants a whole number from 0 to %llu, not \"%s\"\n",
                      option, (unsigned long long)most, text);
        exit(EXIT_USAGE);
    }
    return value;
}

static enum gridkv_level level_of(const char *text)
{
    if (strcmp(text, "eventual") == 0) {
        return GRIDKV_LEVEL_EVENTUAL;
    }
    if (strcmp(text, "quorum") != 0) {
        refuse("--level is eventual or quorum, not", text);
    }
    return GRIDKV_LEVEL_QUORUM;
}

static enum gridkv_memory_policy policy_of(const char *text)
{
    if (strcmp(text, "evict") == 0) {
        return GRIDKV_MEMORY_EVICT;
    }
    if (strcmp(text, "reject") != 0) {
        refuse("--memory-policy is reject or evict, not", text);
    }
    return GRIDKV_MEMORY_REJECT;
}

static enum gridkv_profile profile_of(const char *text)
{
    static const char *const names[] = {"lan", "stable", "wan"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            return (enum gridkv_profile)(GRIDKV_PROFILE_LAN + i);
        }
    }
    refuse("--profile is lan, stable or wan, not", text);
}

static void add_seed(struct gridkv_options *options, const char *address)
{
    if (options->seed_count == GRIDKV_SEED_COUNT_MAX) {
        refuse("--seed-addr was given over 16 times: leave one out", address);
    }
    options->seed_addresses[options->seed_count++] = address;
}

static void take_number(struct gridkv_options *options, int id, const char *text)
{
    switch (id) {
    case OPTION_REPLICAS:
        options->replica_count = (uint32_t)number("replicas", text, UINT32_MAX);
        break;
    case OPTION_WRITE_QUORUM:
        options->write_quorum = (uint32_t)number("write-quorum", text, UINT32_MAX);
        break;
    case OPTION_READ_QUORUM:
        options->read_quorum = (uint32_t)number("read-quorum", text, UINT32_MAX);
        break;
    case OPTION_MEMORY:
        options->memory_limit_bytes = number("memory-mb", text, UINT32_MAX) * 1024 * 1024;
        break;
    case OPTION_VALUE:
        options->value_bytes_max = (uint32_t)number("value-bytes-max", text, UINT32_MAX);
        break;
    case OPTION_COMPRESS:
        options->value_compress_bytes = (uint32_t)number("value-compress-bytes", text, UINT32_MAX);
        break;
    case OPTION_HOT_SIZE:
        options->hot_cache_size = number("hot-cache-kb", text, UINT32_MAX) * 1024;
        break;
    case OPTION_HOT_TTL:
        options->hot_read_cache_ttl_ms =
            (uint32_t)number("hot-read-cache-ttl-ms", text, UINT32_MAX);
        break;
    case OPTION_BOOTSTRAP:
        options->bootstrap_expect = (uint32_t)number("bootstrap-expect", text, UINT32_MAX);
        break;
    default:
        refuse("see gridkvd --help", NULL); /* getopt_long has said what it does not know */
    }
}

static void take_option(struct gridkv_options *options, int id, const char *argument)
{
    switch (id) {
    case OPTION_ID:
        options->node_name = argument;
        break;
    case OPTION_LISTEN:
        options->listen_address = argument;
        break;
    case OPTION_ADVERTISE:
        options->advertise_address = argument;
        break;
    case OPTION_SEED:
        add_seed(options, argument);
        break;
    case OPTION_RESP:
        options->resp_address = argument;
        break;
    case OPTION_CLUSTER:
        options->cluster_name = argument;
        break;
    case OPTION_LEVEL:
        options->level = level_of(argument);
        break;
    case OPTION_POLICY:
        options->memory_policy = policy_of(argument);
        break;
    case OPTION_PROFILE:
        options->profile = profile_of(argument);
        break;
    case OPTION_INSECURE:
        options->insecure = true;
        break;
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    case OPTION_VERSION:
        (void)puts("gridkvd " GRIDKV_VERSION);
        exit(EXIT_SUCCESS);
    default:
        take_number(options, id, argument);
        break;
    }
}

/* getopt_long's own messages start with the path of the program, and do not say what to do. */
static void take_arguments(struct gridkv_options *options, int count, char **arguments)
{
    opterr = 0;
    for (;;) {
        const int at = optind;
        const int id = getopt_long(count, arguments, ":", long_options, NULL);
        if (id == -1) {
            break;
        }
        if (id == ':') {
            refuse("an option wants a value (see gridkvd --help)", arguments[at]);
        }
        if (id == '?') {
            refuse("no such option, or a value it does not take (see gridkvd --help)",
                   arguments[at]);
        }
        take_option(options, id, optarg);
    }
    if (optind < count) {
        refuse("only options are understood (see gridkvd --help), not", arguments[optind]);
    }
    if (options->node_name == NULL) {
        refuse("--id is missing: give this node a name that is unique in its cluster", NULL);
    }
}

/* ---- Members: a line for each change, for operators and their tools --------------------- */

/* Whoever reads our output may be slow or stuck, and the node's thread must never wait for it: a
 * line that does not fit now is left out, and the next one tells how many were. */
struct journal {
    pthread_mutex_t mutex; /* held until the first line is out */
    const char *node_name;
    uint64_t lost_count; /* lines left out since the last one written */
};

/* A name as one word of printable characters: names come from peers. */
static const char *word_of(const char *name, char text_out[NAME_TEXT_BYTES])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t count = 0;
    for (const char *at = name; *at != '\0' && count + 4 < NAME_TEXT_BYTES; at++) {
        const unsigned char byte = (unsigned char)*at;
        if (byte > ' ' && byte < 0x7F && byte != '%') {
            text_out[count++] = *at;
            continue;
        }
        text_out[count++] = '%';
        text_out[count++] = digits[byte >> 4];
        text_out[count++] = digits[byte & 15];
    }
    text_out[count] = '\0';
    return text_out;
}

static int line_of(const struct journal *journal, const struct gridkv_member_event *event,
                   char line_out[LINE_BYTES])
{
    struct timespec mono;
    struct timespec wall;
    struct tm parts;
    char date[32];
    char node[NAME_TEXT_BYTES];
    char name[NAME_TEXT_BYTES];
    char accuser[NAME_TEXT_BYTES];
    (void)clock_gettime(CLOCK_MONOTONIC, &mono);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)gmtime_r(&wall.tv_sec, &parts);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
    return snprintf(line_out, LINE_BYTES,
                    "time=%s.%03ldZ mono=%lld.%06ld node=%s member=%s state=%s degraded=%s by=%s "
                    "address=%s incarnation=%" PRIu32 " boot=%" PRIu64 " reachable=%" PRIu32
                    " members=%" PRIu32 " lost=%" PRIu64 "\n",
                    date, wall.tv_nsec / 1000000, (long long)mono.tv_sec, mono.tv_nsec / 1000,
                    word_of(journal->node_name, node), word_of(event->name, name),
                    event->state_name, event->is_degraded ? "yes" : "no",
                    word_of(event->accuser, accuser), event->address, event->incarnation,
                    event->boot_id, event->reachable_count, event->member_count,
                    journal->lost_count);
}

/* A pipe that poll calls ready has room for PIPE_BUF bytes, so that a line goes as a whole. */
static void write_member(void *context, const struct gridkv_member_event *event)
{
    struct journal *journal = context;
    char line[LINE_BYTES];
    (void)pthread_mutex_lock(&journal->mutex);
    const int count = line_of(journal, event, line);
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    const bool has_room = poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
    if (has_room && write(STDOUT_FILENO, line, (size_t)count) == count) {
        journal->lost_count = 0;
    } else {
        journal->lost_count++;
    }
    (void)pthread_mutex_unlock(&journal->mutex);
}

/* Whoever starts us reads the first line to know where we are; members may be met before. */
static void write_addresses(const char *node_name, const struct gridkv *gridkv)
{
    const char *resp = gridkv_resp_address(gridkv);
    char name[NAME_TEXT_BYTES];
    (void)printf("gridkvd %s: listening on %s%s%s\n", word_of(node_name, name),
                 gridkv_address(gridkv), resp == NULL ? "" : ", resp on ",
                 resp == NULL ? "" : resp);
    (void)fflush(stdout);
}

int main(int argument_count, char **arguments)
{
    struct gridkv_options options;
    gridkv_options_init(&options);
    take_arguments(&options, argument_count, arguments);

    /* Blocked before the node's thread is made, so that only the sigwait below takes them. */
    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &stop, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* whoever read our first line may be gone */

    struct journal journal = {.mutex = PTHREAD_MUTEX_INITIALIZER, .node_name = options.node_name};
    options.on_member = write_member;
    options.member_context = &journal;
    (void)pthread_mutex_lock(&journal.mutex);

    struct gridkv *gridkv = NULL;
    char reason[REASON_BYTES];
    if (gridkv_open(&options, &gridkv, reason, sizeof(reason)) != GKV_OK) {
        refuse(reason, NULL);
    }
    write_addresses(options.node_name, gridkv);
    (void)pthread_mutex_unlock(&journal.mutex);

    int signal_number = 0;
    while (sigwait(&stop, &signal_number) != 0) {
    }
    gridkv_close(gridkv);
    return EXIT_SUCCESS;
}
