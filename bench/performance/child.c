#include "bench/performance/child.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STATUS_EXEC_FAILED 127
#define PATH_BYTES 512
#define WAIT_STEP_NS 20000000
#define WAIT_STEP_COUNT 500

static void pin(enum child_place place)
{
    cpu_set_t allowed;
    cpu_set_t one;
    CPU_ZERO(&one);
    if (place == CHILD_ANYWHERE || sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
        return;
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && (place == CHILD_LAST || CPU_COUNT(&one) == 0)) {
            CPU_ZERO(&one);
            CPU_SET(cpu, &one);
        }
    }
    (void)sched_setaffinity(0, sizeof(one), &one);
}

static _Noreturn void become(enum child_place place, const char *const *arguments, int in, int out)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    pin(place);
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(STATUS_EXEC_FAILED);
}

/* Ends are closed by exec, so that no child holds another's open. */
static bool make_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0;
}

bool child_has_program(const char *folder, const char *name)
{
    const char *path = getenv("PATH");
    char found[PATH_BYTES];
    (void)snprintf(found, sizeof(found), "%s/%s", folder, name);
    while (access(found, X_OK) != 0) {
        if (path == NULL || *path == '\0') {
            return false;
        }
        const size_t count = strcspn(path, ":");
        (void)snprintf(found, sizeof(found), "%.*s/%s", (int)count, path, name);
        path += count + (path[count] == ':');
    }
    return true;
}

bool child_start(struct child *child, enum child_place place, const char *const *arguments)
{
    int to[2];
    int from[2];
    *child = (struct child){0};
    if (!make_pipe(to) || !make_pipe(from)) {
        return false;
    }
    (void)fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        become(place, arguments, to[0], from[1]);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    *child = (struct child){.pid = pid, .to = fdopen(to[1], "w"), .from = fdopen(from[0], "r")};
    return pid > 0 && child->to != NULL && child->from != NULL;
}

bool child_hear(struct child *child, char line_out[CHILD_LINE_BYTES])
{
    return child->pid > 0 && fgets(line_out, CHILD_LINE_BYTES, child->from) != NULL;
}

uint32_t child_ask(struct child *child, const char *line, double *numbers_out, uint32_t count)
{
    char answer[CHILD_LINE_BYTES];
    if (child->pid <= 0 || fprintf(child->to, "%s\n", line) < 0 || fflush(child->to) != 0 ||
        !child_hear(child, answer)) {
        return 0;
    }
    uint32_t found_count = 0;
    const char *at = answer;
    while (found_count < count) {
        char *end = NULL;
        const double number = strtod(at, &end);
        if (end == at) {
            break;
        }
        numbers_out[found_count++] = number;
        at = end;
    }
    return found_count;
}

void child_stop(struct child *child)
{
    if (child->pid <= 0) {
        return;
    }
    (void)fclose(child->to);
    (void)kill(child->pid, SIGTERM);
    (void)waitpid(child->pid, NULL, 0);
    (void)fclose(child->from);
    *child = (struct child){0};
}

uint64_t child_memory_bytes(const struct child *child, const char *name)
{
    char path[64];
    char line[CHILD_LINE_BYTES];
    unsigned long long kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)child->pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            kib = strtoull(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib * 1024;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

uint16_t child_free_port(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof(address);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &bytes) != 0) {
        return 0;
    }
    (void)close(fd);
    return ntohs(address.sin_port);
}

static bool is_listening(uint16_t port)
{
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool is_there =
        fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
    (void)close(fd);
    return is_there;
}

bool child_wait_for_port(uint16_t port)
{
    for (uint32_t i = 0; i < WAIT_STEP_COUNT; i++) {
        if (is_listening(port)) {
            return true;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
    }
    return false;
}
