/* One run spelled out: the cluster, and what happens in it at which time.
 *
 * Model     A script is what a recording of draws (sim/choice.h) leads to: every operation that a
 *           client asked, every fault that struck, and every piece of luck of a single message,
 *           each with its time. A line that is taken out does not move the others, which is what a
 *           shrinker needs, and what a person who reads it expects.
 * Bounds    GKV_SCRIPT_LINE_COUNT_MAX lines; a longer run says that it is cut short.
 * Invariant Lines are in the order of their times.
 * Not here  Its text: sim/script_text.h. Writing one down, and carrying it out: sim/clerk.h.
 */
#ifndef GKV_SIM_SCRIPT_H
#define GKV_SIM_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/choice.h"
#include "sim/scenario.h"

#define GKV_SCRIPT_LINE_COUNT_MAX (UINT32_C(1) << 19)
#define GKV_SCRIPT_LABEL_COUNT_MAX 64
#define GKV_SCRIPT_CHECK_BYTES 64
#define GKV_SCRIPT_TIME_NS_MIN (1000 * GKV_NS_PER_MS) /* when a world begins */

enum gkv_script_kind {
    GKV_SCRIPT_SET = 1,       /* client, key, node, count: bytes; value: ttl in ms, 0: none */
    GKV_SCRIPT_GET = 2,       /* client, key, node */
    GKV_SCRIPT_DELETE = 3,    /* client, key, node */
    GKV_SCRIPT_BOOT = 4,      /* node */
    GKV_SCRIPT_UPTIME = 5,    /* node; what its monotonic clock had counted before, ns */
    GKV_SCRIPT_MEND = 6,      /* node, to */
    GKV_SCRIPT_CRASH = 7,     /* node; value: ns until its peers' streams end */
    GKV_SCRIPT_LEAVE = 8,     /* node */
    GKV_SCRIPT_PAUSE = 9,     /* node; value: ns */
    GKV_SCRIPT_SUSPEND = 10,  /* node; value: ns that its monotonic clock does not count */
    GKV_SCRIPT_SLOW = 11,     /* node; value: ns for every input, 0: none any more */
    GKV_SCRIPT_STEP = 12,     /* node; value: ms, signed */
    GKV_SCRIPT_DRIFT = 13,    /* node; value: ppm, signed */
    GKV_SCRIPT_CUT = 14,      /* node, to */
    GKV_SCRIPT_STALL = 15,    /* node, to; value: ns for which nothing arrives */
    GKV_SCRIPT_LATENCY = 16,  /* node, to; value: ns */
    GKV_SCRIPT_RATE = 17,     /* node, to; value: bytes per second, 0: any number */
    GKV_SCRIPT_RESETS = 18,   /* node, to; value: 1 if streams end at a cut, 0 if they wait */
    GKV_SCRIPT_SEVER = 19,    /* count: which end of a stream; value: ns until the other knows */
    GKV_SCRIPT_IDLE_CUT = 20, /* node, to; all through IDLE, whenever that is */
    GKV_SCRIPT_LOSS = 21,     /* node; when LOSS begins, whenever that is */
    GKV_SCRIPT_OUTSIDER = 22, /* node; value: which way it is away; when HEAL begins */
    GKV_SCRIPT_HEAL = 23,     /* WORK lasts at least until then */
    GKV_SCRIPT_LUCK = 24,     /* label, node, to, count: how often asked before at this instant */
    GKV_SCRIPT_READ_GET = 25, /* key, node; in READ, in the order of the lines, whenever that is */
    GKV_SCRIPT_READ_SET = 26, /* key, node; the same */
};

struct gkv_script_line {
    uint64_t time_ns;
    uint64_t value;
    enum gkv_script_kind kind;
    uint32_t label;
    uint32_t count;
    uint32_t key;
    uint16_t client;
    uint8_t node;
    uint8_t to;      /* the node again where there is but one */
    uint32_t unused; /* zero, so that equal lines are equal memory */
};

struct gkv_script {
    struct gkv_scenario scenario;
    struct gkv_script_line *lines;
    uint32_t line_count;
    uint32_t label_count;
    bool is_cut_short;
    char check[GKV_SCRIPT_CHECK_BYTES]; /* that is expected to fail; "": none */
    char labels[GKV_SCRIPT_LABEL_COUNT_MAX][GKV_CHOICE_LABEL_BYTES];
};

/* NULL: no memory. */
struct gkv_script *gkv_script_create(void);
void gkv_script_destroy(struct gkv_script *script);
void gkv_script_clear(struct gkv_script *script);
void gkv_script_copy(struct gkv_script *to, const struct gkv_script *from);
void gkv_script_copy_head(struct gkv_script *to, const struct gkv_script *from); /* no lines */

void gkv_script_add(struct gkv_script *script, const struct gkv_script_line *line);

/* The number of a label, or GKV_SCRIPT_LABEL_COUNT_MAX; _label adds it if it is new and fits. */
uint32_t gkv_script_find_label(const struct gkv_script *script, const char *label);
uint32_t gkv_script_label(struct gkv_script *script, const char *label);

/* Asked by a client in WORK, at its time; and in READ. */
static inline bool gkv_script_is_operation(enum gkv_script_kind kind)
{
    return kind <= GKV_SCRIPT_DELETE;
}

static inline bool gkv_script_is_reading(enum gkv_script_kind kind)
{
    return kind == GKV_SCRIPT_READ_GET || kind == GKV_SCRIPT_READ_SET;
}

/* Something that went wrong with a node, a clock or the ways between nodes. */
bool gkv_script_is_fault(enum gkv_script_kind kind);

/* ---- The head: fields of the scenario that a script sets ---- */

enum gkv_script_unit {
    GKV_SCRIPT_NUMBER = 1,
    GKV_SCRIPT_DURATION = 2, /* kept in ns here, whatever the field counts */
    GKV_SCRIPT_FLAG = 3,
    GKV_SCRIPT_LEVEL = 4,
};

struct gkv_script_field {
    const char *name;
    enum gkv_script_unit unit;
    uint32_t offset; /* in the scenario */
    uint32_t bytes;
    uint64_t scale; /* the field counts so many ns, or is one number */
    uint64_t least;
    uint64_t most;
    uint64_t benign; /* what it is when the script does not say */
};

/* Field `index`, or NULL after the last. */
const struct gkv_script_field *gkv_script_field(uint32_t index);
uint64_t gkv_script_field_read(const struct gkv_script_field *field,
                               const struct gkv_scenario *scenario);
void gkv_script_field_write(const struct gkv_script_field *field, struct gkv_scenario *scenario,
                            uint64_t value);

/* Fill in what follows from the head and the lines. NULL, or what is wrong with it. */
const char *gkv_script_settle(struct gkv_script *script);

#endif
