/* Processes that the benchmark starts and asks: a line to their standard input, a line of numbers
 * from their standard output.
 *
 * Bounds    Whoever is started dies with the benchmark. A line is at most CHILD_LINE_BYTES long.
 */
#ifndef BENCH_PERFORMANCE_CHILD_H
#define BENCH_PERFORMANCE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define CHILD_LINE_BYTES 512

/* Which of the processors that this process may use. */
enum child_place {
    CHILD_ANYWHERE = 1,
    CHILD_FIRST = 2,
    CHILD_LAST = 3,
};

struct child {
    pid_t pid; /* 0: there is none */
    FILE *to;
    FILE *from;
};

/* Is there such a program, in that folder or in PATH? */
bool child_has_program(const char *folder, const char *name);

/* Start a program with these arguments, the last of which is NULL. Looked for in PATH when its name
 * has no slash. False: it cannot; whether there is such a program is known only when it speaks. */
bool child_start(struct child *child, enum child_place place, const char *const *arguments);

/* Its next line; false: there is none, and there will be none. */
bool child_hear(struct child *child, char line_out[CHILD_LINE_BYTES]);

/* Send a line, and hear up to `count` numbers: how many came. 0: it said "-", or is gone. */
uint32_t child_ask(struct child *child, const char *line, double *numbers_out, uint32_t count);

/* End it: its input ends, and it is told to; waits for it. Nothing when there is none. */
void child_stop(struct child *child);

/* A figure of /proc/PID/status in bytes, such as "VmRSS"; 0: there is none. */
uint64_t child_memory_bytes(const struct child *child, const char *name);

/* A port of loopback that nobody uses now. 0: none. */
uint16_t child_free_port(void);

/* Wait until somebody listens there; false: nobody does within 10 s. */
bool child_wait_for_port(uint16_t port);

#endif
