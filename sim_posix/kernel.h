/* A kernel that never was: processes, descriptors, streams, datagrams and time, behind
 * io_posix/system.h. Every call may be answered with anything that a real one may answer.
 *
 * Model     One machine per process, 10.0.0.1 and so on, one processor for all of them: a process
 *           runs until it waits (epoll_wait), each call takes GKV_KERNEL_CALL_NS. A process is a
 *           coroutine, or nobody: then the caller makes its calls (clients).
 *
 *   written ........ arrived ........ taken     a stream's direction: one ring at the receiver,
 *       |  under way    |  to be read   |       three positions that only grow; its bytes are
 *       +------ window bytes at most ---+       neither lost, nor doubled, nor reordered
 *
 *           A connection: SYN -> in the listener's backlog -> OPEN at the dialler, one latency
 *           each. A close with bytes unread resets, another one ends the stream behind its bytes.
 *           What is written to a stream that is gone is answered by a reset.
 * Bounds    GKV_KERNEL_FILE_COUNT_MAX files, GKV_KERNEL_DESCRIPTOR_COUNT_MAX descriptors per
 *           process.
 * Invariant A call names a descriptor that is open, of the right kind, and of the process that
 *           calls; what epoll is told agrees with what it knows; no stream that is watched is
 *           closed right after a call on it said EINTR or EAGAIN, and none is used when its connect
 *           failed. Else the kernel fails: "misuse". No descriptor is reported ready over and over
 *           without a call on it, and no process turns over and over: "spin".
 * Not here  What runs on it and what must hold: sim_posix/drill.h.
 */
#ifndef GKV_SIM_POSIX_KERNEL_H
#define GKV_SIM_POSIX_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/types.h"
#include "io_posix/system.h"
#include "io_sim/chance.h"
#include "sim_posix/coroutine.h"

#define GKV_KERNEL_PROCESS_COUNT_MAX 4
#define GKV_KERNEL_FILE_COUNT_MAX 512
#define GKV_KERNEL_DESCRIPTOR_COUNT_MAX 1024
#define GKV_KERNEL_CALL_NS 500
#define GKV_KERNEL_TURN_CALL_COUNT_MAX 100000 /* between two waits; more: it spins */
#define GKV_KERNEL_REPORT_COUNT_MAX 200       /* of one readiness, without a call on it; as above */
#define GKV_KERNEL_HURRY_COUNT_MAX 100        /* waits of no time in a row, told nothing */
#define GKV_KERNEL_WINDOW_NS (100 * GKV_NS_PER_MS)
#define GKV_KERNEL_WINDOW_IDLE_COUNT_MAX 1000 /* turns in a window that moved no stream's byte */
#define GKV_KERNEL_WINDOW_BUSY_COUNT_MAX 4000 /* and that did, less the calls that moved a part */
#define GKV_KERNEL_NONE UINT32_MAX

/* What goes wrong, in parts per million of the calls, packets or reports; 0: never. */
struct gkv_kernel_faults {
    uint32_t interrupt_ppm; /* EINTR */
    uint32_t again_ppm;     /* EAGAIN, though there is something */
    uint32_t short_ppm;     /* a part of what could be read or written */
    uint32_t break_ppm;     /* at a send: the connection is reset; half of them for one side only */
    uint32_t refuse_ppm;    /* a connect fails, at once or later */
    uint32_t hang_ppm;      /* a connect that never ends */
    uint32_t full_ppm;      /* EMFILE, ENFILE, ENOBUFS, ENOMEM: socket, accept, epoll_ctl */
    uint32_t abort_ppm;     /* ECONNABORTED: the peer has gone before the accept */
    uint32_t send_ppm;      /* a datagram is refused: ENOBUFS, EHOSTUNREACH, EPERM, ... */
    uint32_t lose_ppm;      /* datagrams on their way */
    uint32_t double_ppm;
    uint32_t spurious_ppm;  /* readiness of what is not ready */
    uint32_t late_ppm;      /* readiness that is not told now */
    uint32_t oversleep_ppm; /* a process that is woken up to 20 ms late */
    uint64_t jitter_ns;     /* on top of every latency, drawn each time */
};

enum gkv_kernel_kind {
    GKV_KERNEL_FREE = 0,
    GKV_KERNEL_SOCKET = 1, /* a stream that is neither listening nor connecting yet */
    GKV_KERNEL_LISTENER = 2,
    GKV_KERNEL_CONNECTING = 3,
    GKV_KERNEL_REFUSED = 4, /* a connect failed; the error waits */
    GKV_KERNEL_STREAM = 5,
    GKV_KERNEL_DATAGRAM = 6,
    GKV_KERNEL_QUEUE = 7, /* epoll */
    GKV_KERNEL_EVENT = 8, /* eventfd */
};

struct gkv_kernel_place {
    uint32_t process;
    uint32_t port;
};

/* Something under way to a file. */
struct gkv_kernel_packet {
    struct gkv_kernel_packet *next;
    uint64_t at_ns;
    uint64_t sent_ns;
    uint32_t kind;
    uint32_t file; /* whose serial was this */
    uint32_t serial;
    uint32_t from;                 /* the process that sent it */
    struct gkv_kernel_place place; /* a datagram's source and target port; a SYN's target */
    uint64_t position;             /* ARRIVE, END: up to which byte; FAIL: errno */
    uint32_t count;                /* of a datagram */
    uint8_t bytes[];
};

struct gkv_kernel_file {
    enum gkv_kernel_kind kind;
    uint32_t serial; /* of all files ever */
    uint32_t process;
    int fd; /* -1: in a backlog */
    bool is_nonblocking;
    struct gkv_kernel_place bound;

    /* Watched by the process's queue. */
    bool is_watched;
    uint32_t interest; /* EPOLLIN | EPOLLOUT */
    uint64_t token;
    uint32_t reported_events;
    uint32_t reported_count; /* the same, in a row, without a call */

    uint64_t counter; /* eventfd */

    /* Listeners: connections not accepted yet, oldest first, by index. */
    uint32_t backlog[32];
    uint32_t backlog_count;

    /* Datagrams not received yet. */
    struct gkv_kernel_packet *inbox;
    uint32_t inbox_count;

    /* Streams. */
    uint32_t peer; /* GKV_KERNEL_NONE: gone, or not ours any more */
    uint32_t peer_serial;
    uint32_t peer_process;
    uint8_t *ring;
    uint64_t written; /* by the peer */
    uint64_t arrived;
    uint64_t taken;
    uint64_t end;        /* the peer's last byte is before this; UINT64_MAX: it has not said so */
    bool is_shut;        /* we write no more */
    bool is_over;        /* reset or timed out */
    int error;           /* to be told once */
    uint64_t timeout_ns; /* TCP_USER_TIMEOUT; 0: none */
};

enum gkv_kernel_state {
    GKV_KERNEL_ABSENT = 0, /* no coroutine: the caller makes its calls */
    GKV_KERNEL_RUNNABLE = 1,
    GKV_KERNEL_WAITING = 2, /* in epoll_wait */
    GKV_KERNEL_OVER = 3,    /* its function has returned */
    GKV_KERNEL_STUCK = 4,   /* it spun; never resumed */
    GKV_KERNEL_KILLED = 5,  /* its files are closed; what it calls does nothing */
};

struct gkv_kernel_process {
    enum gkv_kernel_state state;
    struct gkv_coroutine *coroutine;
    uint32_t queue;      /* the file it waits for */
    uint64_t wake_ns;    /* at the latest */
    uint64_t held_ns;    /* it is stopped until then */
    int64_t wall_off_ms; /* how wrong its clock is */
    uint64_t mono_off_ns;
    uint32_t descriptor_limit;
    bool has_no_watches; /* epoll_ctl adds nothing: the system's limit is reached */
    uint32_t open_count;
    uint64_t call_count;
    uint64_t wait_count;
    uint64_t turn_call_count; /* since it last waited */
    uint32_t hurry_count;     /* waits in a row that were not to wait, and told nothing */
    uint64_t turn_byte_count; /* of streams, since it last waited */
    uint64_t window;          /* of time, by number, and the turns in it */
    uint64_t window_idle_count;
    uint64_t window_busy_count;
    uint64_t window_part_count; /* the kernel's, when it began */
    int again_fd;   /* of what the last call, to read, write or connect, said EINTR or so; or -1 */
    int closing_fd; /* and the one before this */
    int fd_last;
    uint32_t descriptors[GKV_KERNEL_DESCRIPTOR_COUNT_MAX]; /* files, or GKV_KERNEL_NONE */
};

/* How often each of these happened. */
struct gkv_kernel_tally {
    uint64_t interrupted, again, shortened, broken, refused, hung, full, aborted, unsent, lost,
        doubled, spurious, late, connected, connected_at_once, timed_out, resets;
};

struct gkv_kernel {
    const struct gkv_chance *chance;
    struct gkv_kernel_faults faults;
    uint64_t now_ns;
    uint64_t latency_ns;
    uint32_t window_bytes;
    int fd_first;            /* 0: somebody closed the standard streams */
    bool reuses_descriptors; /* the lowest free one, as POSIX says; else the one free for longest */
    uint32_t running;        /* the process that makes calls */
    uint32_t serial_next;
    uint32_t file_count;               /* none behind it is in use */
    struct gkv_kernel_packet *packets; /* by time */
    bool is_cut[GKV_KERNEL_PROCESS_COUNT_MAX][GKV_KERNEL_PROCESS_COUNT_MAX];
    uint64_t chain; /* over every call and its answer */
    uint64_t call_count;
    uint64_t part_count; /* reads and writes that moved a part: by a fault, or for a full window */
    struct gkv_kernel_tally tally;
    const char *failed_check; /* NULL: nothing failed */
    char failed_text[200];
    struct gkv_kernel_process processes[GKV_KERNEL_PROCESS_COUNT_MAX];
    struct gkv_kernel_file files[GKV_KERNEL_FILE_COUNT_MAX];
};

/* Make a quiet kernel, and let gkv_system point to it; latency, window and the like are the
 * caller's to change before the first call. NULL: no memory. */
struct gkv_kernel *gkv_kernel_create(const struct gkv_chance *chance);

/* gkv_system points to the real calls again. */
void gkv_kernel_destroy(struct gkv_kernel *kernel);

/* Run a function as a process, from the next gkv_kernel_run on. False: no memory. */
bool gkv_kernel_spawn(struct gkv_kernel *kernel, uint32_t process, void (*run)(void *argument),
                      void *argument);

/* End a process as by SIGKILL. */
void gkv_kernel_kill(struct gkv_kernel *kernel, uint32_t process);

/* The process is over or killed, and all is taken back: another one may begin. */
void gkv_kernel_bury(struct gkv_kernel *kernel, uint32_t process);

/* Run until then; false when something failed. */
bool gkv_kernel_run(struct gkv_kernel *kernel, uint64_t until_ns);

/* From now on, calls made outside of a coroutine are this process's. */
void gkv_kernel_act_as(struct gkv_kernel *kernel, uint32_t process);

/* shutdown(fd, SHUT_WR) of the process acting. */
void gkv_kernel_end_writing(struct gkv_kernel *kernel, int fd);

/* Something does not hold; the first one counts. text as printf's. */
void gkv_kernel_fail(struct gkv_kernel *kernel, const char *check, const char *text, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- Shared by kernel.c (processes, time), kernel_net.c, kernel_epoll.c and kernel_call.c ---- */

extern const struct gkv_system gkv_kernel_system;

/* Who answers the calls. */
void gkv_kernel_answer_with(struct gkv_kernel *kernel);

/* Inside a process: hand back until it is resumed. */
void gkv_kernel_yield(struct gkv_kernel *kernel);

/* A file that no descriptor names yet; NULL: too many. */
struct gkv_kernel_file *gkv_kernel_file_make(struct gkv_kernel *kernel, enum gkv_kernel_kind kind,
                                             uint32_t process);

/* Its last descriptor is closed. */
void gkv_kernel_file_close(struct gkv_kernel *kernel, struct gkv_kernel_file *file);

/* EPOLLIN and the like, asked for or not. */
uint32_t gkv_kernel_file_events(const struct gkv_kernel *kernel,
                                const struct gkv_kernel_file *file);

/* What of that its queue reports. */
uint32_t gkv_kernel_file_report(const struct gkv_kernel *kernel,
                                const struct gkv_kernel_file *file);

static inline uint32_t gkv_kernel_file_index(const struct gkv_kernel *kernel,
                                             const struct gkv_kernel_file *file)
{
    return (uint32_t)(file - kernel->files);
}

/* The file at the other end, while it can hear us; else NULL. */
struct gkv_kernel_file *gkv_kernel_peer(const struct gkv_kernel *kernel,
                                        const struct gkv_kernel_file *file);

/* Begin to connect; `at_once`: it is done when this returns, if anybody listens. */
void gkv_kernel_connect(struct gkv_kernel *kernel, struct gkv_kernel_file *file,
                        struct gkv_kernel_place target, bool at_once);

/* A connect that was begun fails with this error after a while. */
void gkv_kernel_refuse(struct gkv_kernel *kernel, struct gkv_kernel_file *file, int error);

/* How many bytes can be written to a stream now. */
uint64_t gkv_kernel_room(const struct gkv_kernel *kernel, const struct gkv_kernel_file *file);

/* Write what there is room for, or is said. Nobody there: it vanishes, and a reset comes back. */
void gkv_kernel_write(struct gkv_kernel *kernel, struct gkv_kernel_file *file, const void *bytes,
                      uint64_t count);

/* Take so many bytes that have arrived. */
void gkv_kernel_read(struct gkv_kernel *kernel, struct gkv_kernel_file *file, void *buffer,
                     uint64_t count);

/* The stream breaks, now or soon, for both sides or for one. */
void gkv_kernel_break(struct gkv_kernel *kernel, struct gkv_kernel_file *file);

void gkv_kernel_send_datagram(struct gkv_kernel *kernel, struct gkv_kernel_file *file,
                              struct gkv_kernel_place target, const struct msghdr *message);

/* What epoll_ctl answers: 0, or an errno. */
int gkv_kernel_watch_error(struct gkv_kernel *kernel, const struct gkv_kernel_file *file,
                           int change);

/* What epoll_wait reports; returns how many. */
int gkv_kernel_collect(struct gkv_kernel *kernel, struct epoll_event *events, int count);

/* It has nothing to tell to the process that runs. False: its time is over. Else it is held for a
 * little, at most until then, and asks again: what is told late is told within the wait. */
bool gkv_kernel_waits_on(struct gkv_kernel *kernel);

/* The process that runs waited so long at most, and was told so much: does it spin? */
void gkv_kernel_count_turn(struct gkv_kernel *kernel, int timeout_ms, int filled);

/* Packets whose time has come. */
void gkv_kernel_deliver(struct gkv_kernel *kernel);

/* Does it happen? */
static inline bool gkv_kernel_strikes(const struct gkv_kernel *kernel, const char *label,
                                      uint32_t ppm)
{
    return gkv_chance_happens(kernel->chance, label, ppm);
}

#endif
