/* Three nodes, one of which is killed and comes back, seen through their Redis doors.
 *
 * Usage: gridkv-demo PATH_OF_GRIDKVD
 *
 * Exit status 0: every step held; 1: one did not; 2: it could not be run. It ends within a minute,
 * uses ports that the system gives it, and stops every process that it started, whatever happens.
 */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1 /* processes, signals and clocks, in spite of -std=c11 */
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#define NODE_COUNT 3
#define KEY_COUNT 300
#define TOTAL_S 58 /* then the demo gives up by itself */
#define STEP_S 15  /* the longest wait for one thing to come true */
#define REPLY_S 5
#define TEXT_BYTES 32768
#define ITEM_COUNT 64
#define ADDRESS_BYTES 64
/* Of one member in GKV.MEMBERS: name, id, boot, state, incarnation, address, well or degraded. */
#define MEMBER_ITEM_COUNT 7

struct node {
    const char *name;
    volatile pid_t pid; /* 0: not running; read by a signal handler */
    int fd;             /* to its door; -1: not connected */
    char address[ADDRESS_BYTES];
    char door[ADDRESS_BYTES];
};

/* One reply, its elements flattened. Texts are terminated. */
struct reply {
    char text[TEXT_BYTES];
    const char *items[ITEM_COUNT];
    int item_count;
    bool is_error;
};

static struct node nodes[NODE_COUNT] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
static struct reply reply; /* of the last command */
static char problem[256];  /* why the step under way did not hold */

static double now_s(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&span, NULL);
}

/* ---- Processes ---------------------------------------------------------------------- */

static void kill_all(void)
{
    for (int i = 0; i < NODE_COUNT; i++) {
        if (nodes[i].pid > 0) {
            kill(nodes[i].pid, SIGKILL);
        }
    }
}

static void on_signal(int number)
{
    static const char late[] = "demo: not over in time: FAILED\n";
    kill_all();
    if (number == SIGALRM) {
        const ssize_t ignored = write(STDERR_FILENO, late, sizeof(late) - 1);
        (void)ignored;
    }
    _exit(1);
}

static void run_child(const struct node *node, const char *program, int out_fd)
{
    char *arguments[16];
    int count = 0;
    arguments[count++] = (char *)(uintptr_t)program;
    arguments[count++] = "--id";
    arguments[count++] = (char *)(uintptr_t)node->name;
    arguments[count++] = "--listen";
    arguments[count++] = (char *)(uintptr_t)node->address;
    arguments[count++] = "--resp";
    arguments[count++] = (char *)(uintptr_t)node->door;
    for (int i = 0; i < NODE_COUNT; i++) {
        if (&nodes[i] != node && nodes[i].pid > 0) {
            arguments[count++] = "--seed-addr";
            arguments[count++] = nodes[i].address;
        }
    }
    arguments[count] = NULL;
#if defined(__linux__)
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the demo itself be killed */
#endif
    dup2(out_fd, STDOUT_FILENO);
    execv(program, arguments);
    fprintf(stderr, "demo: cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

/* Read the one line that gridkvd prints when it listens. */
static bool read_start_line(struct node *node, int fd)
{
    char line[256];
    size_t count = 0;
    const double until_s = now_s() + REPLY_S;
    while (count + 1 < sizeof(line) && memchr(line, '\n', count) == NULL) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        const double left_s = until_s - now_s();
        if (left_s <= 0 || poll(&ready, 1, (int)(left_s * 1000) + 1) <= 0) {
            return false;
        }
        const ssize_t more = read(fd, line + count, sizeof(line) - 1 - count);
        if (more <= 0) {
            return false;
        }
        count += (size_t)more;
    }
    line[count] = '\0';
    return sscanf(line, "gridkvd %*[^:]: listening on %63[^,], resp on %63s", node->address,
                  node->door) == 2;
}

static bool start_node(struct node *node, const char *program)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return false;
    }
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        run_child(node, program, ends[1]);
    }
    close(ends[1]);
    node->pid = pid > 0 ? pid : 0;
    const bool started = pid > 0 && read_start_line(node, ends[0]);
    close(ends[0]);
    if (!started) {
        snprintf(problem, sizeof(problem), "node %s did not start", node->name);
    }
    return started;
}

/* Send a signal and wait for the end. Returns the exit status as waitpid gives it, -1: it stays. */
static int end_node(struct node *node, int number)
{
    int status = -1;
    kill(node->pid, number);
    const double until_s = now_s() + REPLY_S;
    while (now_s() < until_s) {
        if (waitpid(node->pid, &status, WNOHANG) == node->pid) {
            node->pid = 0;
            break;
        }
        pause_ms(5);
    }
    if (node->fd >= 0) {
        close(node->fd);
        node->fd = -1;
    }
    return node->pid == 0 ? status : -1;
}

/* ---- A minimal Redis client --------------------------------------------------------- */

static bool connect_node(struct node *node)
{
    if (node->fd >= 0) {
        return true;
    }
    const char *colon = strrchr(node->door, ':');
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(colon == NULL ? "0" : colon + 1)),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const struct timeval limit = {.tv_sec = REPLY_S};
    if (fd < 0) {
        return false;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return false;
    }
    node->fd = fd;
    return true;
}

/* Receive until at least `wanted` bytes from `*count` on are there. */
static bool receive_to(int fd, size_t wanted, size_t *count)
{
    while (*count < wanted) {
        const ssize_t more =
            wanted < TEXT_BYTES ? recv(fd, reply.text + *count, TEXT_BYTES - 1 - *count, 0) : -1;
        if (more <= 0) {
            return false;
        }
        *count += (size_t)more;
    }
    return true;
}

/* Read one element's first line at `at`: returns where the next one starts, 0 when there is
 * none. */
static size_t read_line(int fd, size_t at, size_t *count)
{
    for (size_t end = at;; end++) {
        if (!receive_to(fd, end + 2, count)) {
            return 0;
        }
        if (reply.text[end] == '\r' && reply.text[end + 1] == '\n') {
            reply.text[end] = '\0';
            return end + 2;
        }
    }
}

/* Read a whole reply. Arrays only add to how many elements are to come. */
static bool read_reply(int fd)
{
    size_t count = 0;
    size_t at = 0;
    reply.item_count = 0;
    reply.is_error = false;
    for (long left = 1; left > 0; left--) {
        const size_t next = read_line(fd, at, &count);
        if (next == 0 || reply.item_count == ITEM_COUNT) {
            return false;
        }
        const char kind = reply.text[at];
        const long number = strtol(reply.text + at + 1, NULL, 10);
        const char *item = reply.text + at + 1;
        at = next;
        if (kind == '*') {
            left += number > 0 ? number : 0;
            continue;
        }
        if (kind == '$' && number < 0) {
            item = NULL;
        } else if (kind == '$') {
            if (!receive_to(fd, next + (size_t)number + 2, &count)) {
                return false;
            }
            item = reply.text + next;
            at = next + (size_t)number + 2;
            reply.text[at - 2] = '\0';
        }
        reply.is_error = reply.is_error || kind == '-';
        reply.items[reply.item_count++] = item;
    }
    return true;
}

/* Ask a node: true when it answered, and not with an error. */
static bool ask(struct node *node, const char *command, const char *key, const char *value)
{
    const char *words[] = {command, key, value};
    char text[512];
    const int word_count = key == NULL ? 1 : value == NULL ? 2 : 3;
    size_t bytes = (size_t)snprintf(text, sizeof(text), "*%d\r\n", word_count);
    for (int i = 0; i < word_count; i++) {
        bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "$%zu\r\n%s\r\n",
                                  strlen(words[i]), words[i]);
    }
    if (!connect_node(node) || send(node->fd, text, bytes, 0) != (ssize_t)bytes ||
        !read_reply(node->fd)) {
        if (node->fd >= 0) {
            close(node->fd);
            node->fd = -1;
        }
        snprintf(problem, sizeof(problem), "node %s does not answer %s", node->name, command);
        return false;
    }
    if (reply.is_error) {
        snprintf(problem, sizeof(problem), "node %s answers %s %s: %s", node->name, command,
                 key == NULL ? "" : key, reply.items[0]);
    }
    return !reply.is_error;
}

/* ---- What is looked at -------------------------------------------------------------- */

/* The state of a member in a node's table, "?" when it is not listed. */
static const char *state_of(struct node *node, const char *name)
{
    if (!ask(node, "GKV.MEMBERS", NULL, NULL)) {
        return "?";
    }
    for (int i = 0; i + MEMBER_ITEM_COUNT <= reply.item_count; i += MEMBER_ITEM_COUNT) {
        if (strcmp(reply.items[i], name) == 0) {
            return reply.items[i + 3];
        }
    }
    return "?";
}

/* Wait until every running node but `about` itself sees it in this state. */
static bool wait_for_state(const char *about, const char *state)
{
    const double until_s = now_s() + STEP_S;
    for (int i = 0; i < NODE_COUNT;) {
        if (nodes[i].pid == 0 || strcmp(state_of(&nodes[i], about), state) == 0) {
            i++;
        } else if (now_s() > until_s) {
            snprintf(problem, sizeof(problem), "node %s does not see %s as %s", nodes[i].name,
                     about, state);
            return false;
        } else {
            pause_ms(10);
        }
    }
    return true;
}

static void key_of(int i, char key_out[32])
{
    snprintf(key_out, 32, "demo:%d", i);
}

static void value_of(int i, int round, char value_out[64])
{
    snprintf(value_out, 64, "value %d of round %d", i, round);
}

static bool write_keys(struct node *node, int round)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        char value[64];
        key_of(i, key);
        value_of(i, round, value);
        if (!ask(node, "SET", key, value)) {
            return false;
        }
    }
    return true;
}

static bool read_keys(struct node *node, int round)
{
    for (int i = 0; i < KEY_COUNT; i++) {
        char key[32];
        char value[64];
        key_of(i, key);
        value_of(i, round, value);
        if (!ask(node, "GET", key, NULL)) {
            return false;
        }
        if (reply.items[0] == NULL || strcmp(reply.items[0], value) != 0) {
            snprintf(problem, sizeof(problem), "%s through node %s is \"%.60s\", not \"%.60s\"",
                     key, node->name, reply.items[0] == NULL ? "" : reply.items[0], value);
            return false;
        }
    }
    return true;
}

/* What a node holds, as one number in hexadecimal; false when it does not say. */
static bool digest_of(struct node *node, char digest_out[64])
{
    if (!ask(node, "INFO", NULL, NULL)) {
        return false;
    }
    const char *line = strstr(reply.items[0], "store_digest:");
    return line != NULL && sscanf(line, "store_digest:%63[0-9a-fA-F]", digest_out) == 1;
}

/* Anti-entropy runs once a second per peer, so what the killed node missed takes a few of them. */
static bool wait_for_equal_stores(void)
{
    const double until_s = now_s() + STEP_S;
    while (now_s() < until_s) {
        char digests[NODE_COUNT][64] = {{0}};
        bool equal = true;
        for (int i = 0; i < NODE_COUNT; i++) {
            equal = digest_of(&nodes[i], digests[i]) && equal;
            equal = equal && strcmp(digests[i], digests[0]) == 0;
        }
        if (equal) {
            return true;
        }
        pause_ms(50);
    }
    snprintf(problem, sizeof(problem), "the stores still differ");
    return false;
}

/* ---- The steps ---------------------------------------------------------------------- */

static const char *gridkvd;

static bool step_start(void)
{
    for (int i = 0; i < NODE_COUNT; i++) {
        strcpy(nodes[i].address, "127.0.0.1:0");
        strcpy(nodes[i].door, "127.0.0.1:0");
        if (!start_node(&nodes[i], gridkvd)) {
            return false;
        }
    }
    return true;
}

static bool step_meet(void)
{
    return wait_for_state("a", "alive") && wait_for_state("b", "alive") &&
           wait_for_state("c", "alive");
}

static bool step_write(void)
{
    return write_keys(&nodes[0], 1);
}

static bool step_read(void)
{
    return read_keys(&nodes[2], 1);
}

static bool step_kill(void)
{
    return end_node(&nodes[1], SIGKILL) != -1;
}

static bool step_read_without(void)
{
    return read_keys(&nodes[0], 1) && read_keys(&nodes[2], 1);
}

static bool step_notice(void)
{
    return wait_for_state("b", "unreachable");
}

static bool step_write_without(void)
{
    return write_keys(&nodes[2], 2) && read_keys(&nodes[0], 2) && read_keys(&nodes[2], 2);
}

static bool step_restart(void)
{
    return start_node(&nodes[1], gridkvd);
}

static bool step_return(void)
{
    return wait_for_state("b", "alive");
}

static bool step_compare(void)
{
    return read_keys(&nodes[0], 2) && read_keys(&nodes[1], 2) && read_keys(&nodes[2], 2);
}

static bool step_stop(void)
{
    for (int i = 0; i < NODE_COUNT; i++) {
        const int status = end_node(&nodes[i], SIGTERM);
        if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            snprintf(problem, sizeof(problem), "node %s did not stop with status 0", nodes[i].name);
            return false;
        }
    }
    return true;
}

struct step {
    const char *text;
    bool (*run)(void);
};

static const struct step steps[] = {
    {"start nodes a, b and c on free ports of loopback", step_start},
    {"each sees the other two alive", step_meet},
    {"write 300 keys through a", step_write},
    {"read them all through c", step_read},
    {"kill b with SIGKILL", step_kill},
    {"read every key through a and through c, at once", step_read_without},
    {"a and c see b as unreachable", step_notice},
    {"write every key anew through c, read through a and c", step_write_without},
    {"start b again, empty", step_restart},
    {"every node sees b alive again", step_return},
    {"read every key through a, b and c", step_compare},
    {"the stores of a, b and c are equal", wait_for_equal_stores},
    {"stop all three with SIGTERM: exit status 0", step_stop},
};

static bool run_steps(void)
{
    const double begun_s = now_s();
    const size_t count = sizeof(steps) / sizeof(steps[0]);
    bool all_held = true;
    printf("  %-56s %8s  %s\n", "step", "took", "result");
    for (size_t i = 0; i < count && all_held; i++) {
        const double step_begun_s = now_s();
        problem[0] = '\0';
        const bool held = steps[i].run();
        printf("  %-56s %6.3f s  %s\n", steps[i].text, now_s() - step_begun_s,
               held ? "held" : "FAILED");
        if (!held) {
            printf("    %s\n", problem);
        }
        fflush(stdout);
        all_held = held;
    }
    printf("demo: %s, %.1f s\n", all_held ? "every step held" : "a step FAILED", now_s() - begun_s);
    return all_held;
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 2 || access(arguments[1], X_OK) != 0) {
        fprintf(stderr, "usage: %s PATH_OF_GRIDKVD\n", arguments[0]);
        return 2;
    }
    gridkvd = arguments[1];
    for (int i = 0; i < NODE_COUNT; i++) {
        nodes[i].fd = -1;
    }
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct sigaction action = {.sa_handler = on_signal};
        sigaction(numbers[i], &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    atexit(kill_all);
    alarm(TOTAL_S);
    return run_steps() ? 0 : 1;
}
