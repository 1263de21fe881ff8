/* A few core nodes in one process, under virtual time: messages are passed as structs, copied
 * whole, with a fixed delay. What test_node, test_quorum and test_repair share. No codec, no faults
 * but cut links and a filter: the simulator has the rest.
 */
#ifndef GKV_TESTS_NODES_H
#define GKV_TESTS_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/node.h"

#define NODES_COUNT_MAX 5
#define NODES_COOKIE_COUNT 65536
#define NODES_DELAY_NS UINT64_C(200000)

/* A message under way, with copies of all that it points to. */
struct nodes_packet {
    struct nodes_packet *next; /* in order of arrival */
    uint64_t arrive_ns;
    uint32_t from;
    uint32_t to;
    enum gkv_channel channel;
    struct gkv_message message;
    void *parts[2 * GKV_SYNC_RECORD_COUNT_MAX + 1];
    uint32_t part_count;
};

/* What became of an operation. */
struct nodes_completion {
    uint32_t count; /* of completions: 1 when all is well */
    uint64_t at_ns;
    struct gkv_result result; /* value points to a copy */
};

struct nodes {
    uint32_t count;
    uint64_t now_ns;
    int64_t wall_offset_ms[NODES_COUNT_MAX];
    bool is_cut[NODES_COUNT_MAX][NODES_COUNT_MAX]; /* from, to */
    /* Asked of every packet before it is put under way; false drops it. NULL: all pass. */
    bool (*filter)(struct nodes *nodes, const struct nodes_packet *packet);
    uint64_t sent_count[GKV_MESSAGE_KIND_COUNT];
    struct gkv_node *node[NODES_COUNT_MAX];
    struct nodes_packet *packets;
    uint64_t cookie; /* of the last operation */
    struct nodes_completion *completions;
};

/* The options that the tests start from: 3 nodes' defaults, small memory. */
struct gkv_options nodes_options(void);

/* Start `count` nodes that have the first one as a seed, and run until all have met. */
struct nodes *nodes_start(uint32_t count, const struct gkv_options *options);
void nodes_stop(struct nodes *nodes);

struct gkv_now nodes_now(const struct nodes *nodes, uint32_t index);
struct gkv_address nodes_address(uint32_t index);

/* The member index of node `of` in the table of node `at`. */
uint16_t nodes_member(const struct nodes *nodes, uint32_t at, uint32_t of);

/* Let virtual time pass. */
void nodes_run_ms(struct nodes *nodes, uint64_t ms);
void nodes_run_until_ns(struct nodes *nodes, uint64_t until_ns);

/* Cut or mend both ways between a node and all others. */
void nodes_isolate(struct nodes *nodes, uint32_t index, bool is_cut);

/* Hand an operation to a node; returns its cookie. */
uint64_t nodes_submit(struct nodes *nodes, uint32_t index, const struct gkv_operation *operation);
uint64_t nodes_set(struct nodes *nodes, uint32_t index, const char *key, const char *value);
uint64_t nodes_get(struct nodes *nodes, uint32_t index, const char *key);
uint64_t nodes_delete(struct nodes *nodes, uint32_t index, const char *key);

/* The completion of a cookie; asserts that there is exactly one. */
const struct gkv_result *nodes_result(const struct nodes *nodes, uint64_t cookie);

/* Hand a message to a node, as if from node `from`. */
void nodes_deliver(struct nodes *nodes, uint32_t from, uint32_t to,
                   const struct gkv_message *message);

/* Write a record straight into a node's replica, by a WRITE that wants no answer. */
void nodes_plant(struct nodes *nodes, uint32_t index, const char *key,
                 const struct gkv_record *record);

struct gkv_bytes nodes_text(const char *text);

#endif
