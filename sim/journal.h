/* What happened in one run, kept for people: messages with both their ends, client operations,
 * faults and what members believed. The exporters (sim/trace_*.h, sim/page.h) read it.
 *
 * Model     An observer of the world. Datagrams are matched from sender to receiver by their bytes,
 *           oldest first; a second arrival is a copy. Frames of streams are what sim/overhear.h
 *           hears. Everything that happens takes the next `order`, which sorts what shares a
 *           nanosecond.
 * Bounds    All memory is taken by gkv_journal_create. Messages and marks: the newest stay;
 *           operations: the first stay, and later ones are counted.
 * Invariant A journal only looks: a run with one is the run without.
 * Not here  Choosing what is shown: the exporters.
 */
#ifndef GKV_SIM_JOURNAL_H
#define GKV_SIM_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/event.h"
#include "core/hlc.h"
#include "core/message.h"
#include "io_sim/world.h"
#include "sim/trial.h"

#define GKV_JOURNAL_TEXT_BYTES 56
#define GKV_JOURNAL_VERSION_BYTES 36
#define GKV_JOURNAL_SENTENCE_BYTES 600
#define GKV_JOURNAL_MESSAGE_COUNT 50000 /* what gkv_journal_attach asks for */
#define GKV_JOURNAL_MARK_COUNT 20000

struct gkv_journal_message {
    uint64_t send_ns;
    uint64_t arrival_ns;    /* GKV_NEVER: not yet, or never */
    uint64_t matter;        /* datagram: hash of its bytes; stream: its frame's number */
    uint32_t previous;      /* an older one whose matter lies in the same bucket */
    uint32_t send_order;    /* a copy's is its original's */
    uint32_t arrival_order; /* 0: not arrived */
    uint32_t key;           /* GKV_HISTORY_NONE: about none */
    uint32_t bytes;
    uint8_t from;
    uint8_t to;
    uint8_t kind; /* enum gkv_message_kind; NONE: HELLO */
    bool is_datagram;
    bool is_copy; /* the network doubled it */
    char text[GKV_JOURNAL_TEXT_BYTES];
};

struct gkv_journal_operation {
    uint64_t begin_ns;
    uint64_t end_ns; /* 0: open */
    uint64_t cookie;
    uint64_t ttl_ms;
    struct gkv_version version;
    uint32_t begin_order;
    uint32_t end_order;
    uint32_t key; /* GKV_HISTORY_NONE: not one of sim/history.h */
    uint32_t client;
    uint32_t node;
    uint32_t value; /* SET: written; GET: read; its number, or GKV_HISTORY_NONE */
    enum gkv_operation_kind kind;
    enum gkv_error error;
    bool is_lost; /* its node crashed with it */
};

enum gkv_mark_kind {
    GKV_MARK_BOOT = 1,
    GKV_MARK_CRASH = 2,
    GKV_MARK_LEAVE = 3,
    GKV_MARK_MEMBER = 4, /* node holds peer to be in `state` */
    GKV_MARK_CUT = 5,    /* nothing passes from node to peer any more */
    GKV_MARK_MEND = 6,
    GKV_MARK_CLOCK = 7, /* node's wall clock stepped */
    GKV_MARK_FAULT = 8, /* anything else; node GKV_HISTORY_NONE: the whole world */
};

struct gkv_journal_mark {
    uint64_t time_ns;
    uint32_t order;
    uint32_t node;
    uint32_t peer;
    enum gkv_mark_kind kind;
    enum gkv_member_state state;
    char text[GKV_JOURNAL_TEXT_BYTES];
};

/* How the run ended. */
struct gkv_journal_end {
    bool is_over;
    bool is_failure;
    uint64_t time_ns;
    uint32_t node;     /* GKV_HISTORY_NONE: none in particular */
    uint32_t key;      /* the same */
    const char *check; /* which failed; "" */
    char sentence[GKV_JOURNAL_SENTENCE_BYTES];
    char replay[GKV_TRIAL_LINE_BYTES]; /* the line to paste */
};

struct gkv_journal_options {
    uint32_t node_count;
    uint32_t client_count; /* at most GKV_SCENARIO_CLIENT_COUNT_MAX */
    uint32_t message_count_max;
    uint32_t operation_count_max;
    uint32_t mark_count_max;
    uint32_t value_bytes_max;          /* as the nodes' options say */
    const struct gkv_history *history; /* who asked: read as operations begin; NULL: client 0 */
};

struct gkv_journal;

/* GKV_ERROR_MEMORY: nothing is kept. */
GKV_MUST_USE enum gkv_error gkv_journal_create(struct gkv_journal **journal_out,
                                               const struct gkv_journal_options *options);
void gkv_journal_destroy(struct gkv_journal *journal);

/* A journal for a trial whose scenario is drawn; NULL when there is no memory. */
struct gkv_journal *gkv_journal_attach(const struct gkv_trial *trial);

/* Note what happened. world, if not NULL, is watched as well. */
void gkv_journal_observe(struct gkv_journal *journal, const struct gkv_observation *observation,
                         const struct gkv_world *world);

/* Ask the world which links were cut or mended and which clocks stepped since the last call. */
void gkv_journal_watch(struct gkv_journal *journal, const struct gkv_world *world);

/* Note a fault that nobody could observe. */
void gkv_journal_fault(struct gkv_journal *journal, uint64_t time_ns, const char *text);

/* Note that a link was cut or mended, or a clock stepped: for worlds that are not watched. */
void gkv_journal_link(struct gkv_journal *journal, uint64_t time_ns, uint32_t from, uint32_t to,
                      bool is_cut);
void gkv_journal_clock(struct gkv_journal *journal, uint64_t time_ns, uint32_t node,
                       int64_t step_ms);

/* The run is over. replay: the line to paste. */
void gkv_journal_finish(struct gkv_journal *journal, const struct gkv_verdict *verdict,
                        uint64_t seed, const char *replay);

/* ---- Reading ---- */

const struct gkv_journal_options *gkv_journal_options(const struct gkv_journal *journal);
const struct gkv_journal_end *gkv_journal_end(const struct gkv_journal *journal);

/* How many there are, oldest first, and how many are kept no more. */
uint32_t gkv_journal_message_count(const struct gkv_journal *journal);
uint32_t gkv_journal_operation_count(const struct gkv_journal *journal);
uint32_t gkv_journal_mark_count(const struct gkv_journal *journal);
uint32_t gkv_journal_left_out_count(const struct gkv_journal *journal);

const struct gkv_journal_message *gkv_journal_message(const struct gkv_journal *journal,
                                                      uint32_t index);
const struct gkv_journal_operation *gkv_journal_operation(const struct gkv_journal *journal,
                                                          uint32_t index);
const struct gkv_journal_mark *gkv_journal_mark(const struct gkv_journal *journal, uint32_t index);

/* From 0 on to here: the time of the last thing noted. */
uint64_t gkv_journal_last_ns(const struct gkv_journal *journal);

/* Not arrived, though others took less than the time since it was sent: lost. False: it arrived, or
 * may be under way. */
bool gkv_journal_is_lost(const struct gkv_journal *journal,
                         const struct gkv_journal_message *message);

/* "get", "set", "delete". */
const char *gkv_journal_operation_name(enum gkv_operation_kind kind);

/* "OK", "TIMEOUT" and so on; "LOST" when its node crashed, "OPEN" when it has not ended. */
const char *gkv_journal_result_name(const struct gkv_journal_operation *operation);

/* What became of it, as linearizability checkers ask: "ok", "fail" (it did nothing), or "info" (it
 * may have happened, or may still). */
const char *gkv_journal_status_name(const struct gkv_journal_operation *operation);

/* Milliseconds since the world's first day, counter, and the writer's last four digits:
 * "8123.0/9f3a"; "" when there is none. */
void gkv_journal_version_text(struct gkv_version version, char text[GKV_JOURNAL_VERSION_BYTES]);

/* "a boots", "c holds b suspect", "b -> c cut". */
void gkv_journal_mark_text(const struct gkv_journal_mark *mark, char text[GKV_JOURNAL_TEXT_BYTES]);

#endif
