/* GridKV: an embedded, leaderless, in-memory key-value store. Link it, point it at one peer, and
 * your processes share one store.
 *
 * Threads   Every function may be called from any thread at any time, but for gridkv_close, after
 *           which the handle is gone. Callbacks run on the node's own thread and must not block;
 *           they may start asynchronous operations, never blocking ones (those answer
 *           GKV_ERROR_BUSY there).
 *           At GRIDKV_LEVEL_EVENTUAL a blocking get of a key that this node owns is answered in the
 *           calling thread, which waits for nobody but a thread that writes to the same part of the
 *           store; with a write_quorum of 1 so are set and delete, which other owners then hear of
 *           within about a millisecond, and asynchronous ones of which nobody wants to know when
 *           they are done.
 * Memory    Keys and values given are copied before a call returns. What a call fills is the
 *           caller's.
 * Errors    enum gkv_error of core/error.h; gkv_error_text says what each means and what to change.
 */
#ifndef GRIDKV_H
#define GRIDKV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GRIDKV_VERSION "0.1.0"
#define GRIDKV_SEED_COUNT_MAX 16
#define GRIDKV_NONE UINT32_MAX /* an option that is 0, where a 0 is the default */

#if defined(__GNUC__)
#define GRIDKV_EXPORT __attribute__((visibility("default")))
#else
#define GRIDKV_EXPORT
#endif

struct gridkv; /* an open node */

enum gridkv_level {
    GRIDKV_LEVEL_EVENTUAL = 1,
    GRIDKV_LEVEL_QUORUM = 2,
};

/* What becomes of a write that finds the store full. */
enum gridkv_memory_policy {
    GRIDKV_MEMORY_REJECT = 1, /* it fails: GKV_ERROR_MEMORY */
    GRIDKV_MEMORY_EVICT = 2,  /* what was not used for long makes room: a cache. Only at
                                 GRIDKV_LEVEL_EVENTUAL; the same on all nodes of the cluster */
};

/* How far apart nodes are, and how steady their hosts: sets of times that fit together.
 * Between two nodes a death takes up to two and a half times as long. */
enum gridkv_profile {
    GRIDKV_PROFILE_LAN = 1,    /* a death is known to all in under a second */
    GRIDKV_PROFILE_STABLE = 2, /* in two; and hosts may stand still for a second */
    GRIDKV_PROFILE_WAN = 3,    /* in ten; and messages may take a quarter of a second each way */
};

enum gridkv_member_state {
    GRIDKV_MEMBER_ALIVE = 1,
    GRIDKV_MEMBER_SUSPECT = 2,     /* did not answer; still asked, and may deny it */
    GRIDKV_MEMBER_UNREACHABLE = 3, /* routed around; its place in the ring stays */
    GRIDKV_MEMBER_LEFT = 4,        /* gone by its own will */
    GRIDKV_MEMBER_LEAVING = 6,     /* about to go by its own will; answers until then */
    GRIDKV_MEMBER_EVICTED = 5,     /* unreachable for long; its place in the ring stays as well */
};

/* A peer's state changed, or our verdict that it is degraded, or it was started anew: no change
 * that lasts is left out. New fields are appended. Names come from peers: nobody has looked what is
 * in them. */
struct gridkv_member_event {
    char name[64];
    char address[64]; /* "127.0.0.1:7101" */
    enum gridkv_member_state state;
    const char *state_name; /* "unreachable"; lent for ever */
    char accuser[64];       /* suspect, unreachable: the member that said so first; "": unknown */
    uint32_t incarnation;
    uint64_t boot_id;         /* of the process: a restarted one has a greater one */
    uint32_t member_count;    /* that joined and did not leave, ourselves included */
    uint32_t reachable_count; /* of those */
    bool is_degraded; /* others accused it again and again, and it was there each time: neither well
                         nor dead */
    uint32_t coalesced_count; /* from the queue: earlier ones of this peer that nobody took */
};

/* On the node's own thread, as completions are; the event is lent until it returns. The first may
 * come before gridkv_open returns. */
typedef void (*gridkv_member_fn)(void *context, const struct gridkv_member_event *event);

/* On the node's own thread, after completions that came together, once for all of them, and when
 * what the node had to send is on its way. Who hands completions to another thread wakes it here:
 * woken by the first of them, it would be in the way of the rest. */
typedef void (*gridkv_batch_fn)(void *context);

/* Strings are borrowed by gridkv_open until it returns. Addresses are "host:port",
 * "[ipv6]:port". */
struct gridkv_options {
    uint32_t struct_bytes;         /* set by gridkv_options_init; new fields are appended */
    const char *node_name;         /* 1 .. 63 bytes, unique in the cluster; required */
    const char *cluster_name;      /* nodes of another one are refused; default "gridkv" */
    const char *listen_address;    /* UDP and TCP, same port; port 0: any; default "127.0.0.1:0" */
    const char *advertise_address; /* what peers are told; default NULL: the address bound */
    const char *seed_addresses[GRIDKV_SEED_COUNT_MAX]; /* peers to join; resolved again for ever */
    uint32_t seed_count;
    const char *resp_address;      /* the Redis-protocol door; default NULL: none */
    enum gridkv_level level;       /* default GRIDKV_LEVEL_QUORUM */
    uint32_t replica_count;        /* N, default 3 */
    uint32_t write_quorum;         /* W, default 2 */
    uint32_t read_quorum;          /* R, default 2 */
    uint64_t memory_limit_bytes;   /* of the store, everything counted; default 64 MiB */
    uint32_t value_bytes_max;      /* default 1 MiB */
    uint32_t member_count_max;     /* 1 .. 1,024, this node and the dead included; default 64 */
    uint32_t operation_timeout_ms; /* default 0: as the profile says; LAN 2,000, WAN 5,000 */
    bool insecure;                 /* allow listening beyond loopback, in clear; default false */
    gridkv_member_fn on_member;    /* told of each change of a peer's state; default NULL: nobody */
    void *member_context;
    enum gridkv_profile profile; /* default GRIDKV_PROFILE_LAN */
    uint32_t bootstrap_expect;   /* nobody serves before so many nodes have met; default 1 */

    /* From here on, and operation_timeout_ms: 0 is the default, which is the profile's; shown is
     * LAN's. GRIDKV_NONE is 0, where that says something. What is out of range is refused with its
     * range. Times in ms. */
    uint32_t gossip_interval_ms;      /* between messages that spread news of members; LAN 20 */
    uint32_t failure_timeout_ms;      /* a suspect may deny it for so long at the least; LAN 200 */
    uint32_t suspect_timeout_ms;      /* unreachable for so long: evicted; 10,000; NONE: never */
    uint32_t startup_grace_period_ms; /* a node accuses nobody so soon after its start; 1,000 */
    uint32_t degraded_window_ms; /* accused in vain by many within so long: degraded; 10,000; NONE:
                                    nobody ever is */
    uint32_t degraded_evict_ms;  /* degraded for so long: evicted; 30,000; NONE: never */
    uint32_t leave_ms;           /* from telling that we leave to having left; 100; NONE: at once */
    uint32_t left_keep_ms;       /* who has left is remembered for so long; 600,000: longer than
                                    anybody may be cut off who would tell that it is there */
    uint32_t probe_interval_ms;  /* members are pinged so often; 100 */
    uint32_t probe_timeout_ms; /* no answer for so long: others are asked to ping it as well; 50 */
    uint32_t probe_repeat_ms;  /* after the first ping, a second one; 25; NONE: no second one */
    uint32_t probe_indirect_timeout_ms; /* from asking others to suspecting it; 60 */
    uint32_t push_pull_interval_ms;     /* whole tables of members are exchanged so often; 30,000 */
    uint32_t reconnect_interval_ms; /* a seed and an unreachable member are asked so often; 1,000 */
    uint32_t reconnect_max_ms;      /* an evicted one ever more seldom, down to this; 8,000 */
    uint32_t stall_ms; /* we did not run for so long: nobody else is to blame; 40; NONE: never */
    /* Who hears nobody accuses nobody for so long, and a suspect is given so much time more for
     * what it says; 3,000; NONE: 0. */
    uint32_t witness_patience_ms;
    uint32_t sync_interval_ms;  /* stores are compared with one peer so often; 1,000 */
    uint32_t tombstone_keep_ms; /* a deletion is remembered for so long; 600,000 */
    uint32_t drift_ms_max;      /* how far ahead a peer's clock may be; 500 */

    /* How much, and whether at all (1; NONE: no). */
    uint32_t probe_targets;   /* members pinged per interval; 2 */
    uint32_t probe_helpers;   /* others who are asked to ping one that does not answer; 3 */
    uint32_t probe_by_stream; /* it is pinged by TCP as well; 1 */
    uint32_t probe_nacks;     /* others say as well that it does not answer them; 1 */
    uint32_t gossip_fanout;   /* members told per gossip interval; 3; NONE: news rides on pings */
    uint32_t health_max;      /* a slow node pings up to so many times slower; 8; 1: never */
    uint32_t suspicion_max_factor;       /* failure_timeout_ms times this while nobody else
                                            suspects it; 4; 1: no longer */
    uint32_t suspicion_confirmations;    /* so many others suspect it: no longer; 3 */
    uint32_t witness_count;              /* who hears fewer others accuses nobody; 2 */
    uint32_t last_chance;                /* a suspect is pinged before it is unreachable; 1 */
    uint32_t buddy;                      /* a suspect learns it from the next ping; 1 */
    uint32_t read_repair_per_second_max; /* records that reads may mend; 1,000 */

    enum gridkv_memory_policy memory_policy; /* default GRIDKV_MEMORY_REJECT */

    /* Values of so many bytes or more are kept compressed in this node's memory, by LZ4, where that
     * saves an eighth; every get returns them as they were, and other nodes and clients never see
     * the difference: each node may choose for itself. Default 0: none, since both set and get of
     * such a value take longer then. 1,024 is a good choice. Needs a library built with liblz4. */
    uint32_t value_compress_bytes;

    gridkv_batch_fn on_batch; /* told when completions have come; default NULL: nobody */
    void *batch_context;

    /* The node's thread looks so long for peers' answers before it sleeps, while it waits for some
     * and they come in time; us; 0 is the default, 50; GRIDKV_NONE: never. */
    uint32_t spin_us;

    /* Only at GRIDKV_LEVEL_EVENTUAL: a get of a key that other nodes own is answered with what they
     * answered this node, if it asked them less than hot_read_cache_ttl_ms ago (by the monotonic
     * clock, which stands still while a machine sleeps), and after the last write of the key that
     * was acknowledged at this node. Up to 60,000; default 0: 15. */
    uint32_t hot_read_cache_ttl_ms;
    /* Room for such answers, in bytes of memory_limit_bytes; about 200 and the value each. Default
     * 0: none are kept; 4,096 .. memory_limit_bytes - 1 MiB. */
    uint64_t hot_cache_size;

    /* 0, the default: the store lies on huge pages where the system gives them, so that reads of
     * many keys wait less for memory. Then what is resident grows by 2 MiB at a time. GRIDKV_NONE:
     * it does not. */
    uint32_t huge_pages;
};

/* Fill every default; node_name stays NULL. */
GRIDKV_EXPORT void gridkv_options_init(struct gridkv_options *options);

/* Start a node. On an error, reason (may be NULL; reason_bytes long) is filled with one line that
 * says what to change.
 * GKV_ERROR_OPTION, ADDRESS, ADDRESS_IN_USE, SYSTEM, MEMORY. */
GRIDKV_EXPORT enum gkv_error gridkv_open(const struct gridkv_options *options,
                                         struct gridkv **gridkv_out, char *reason,
                                         size_t reason_bytes);

/* Leave the cluster: peers are told that the node is leaving, and leave_ms later that it has left.
 * What is open then has 200 ms more to end; the rest completes as GKV_ERROR_CLOSED. Stop, free.
 * Calls that other threads are inside of return first. NULL is allowed; from a completion it is
 * ignored. */
GRIDKV_EXPORT void gridkv_close(struct gridkv *gridkv);

/* Wait until the node has met its peers and enough of them are reachable for reads and writes.
 * GKV_ERROR_NOT_READY  not within timeout_ms. GKV_ERROR_CLOSED, BUSY (in a completion). */
GRIDKV_EXPORT enum gkv_error gridkv_wait_ready(struct gridkv *gridkv, uint32_t timeout_ms);

/* The queue of member events, beside the callback: fill event_out with the next one, and wait for
 * it up to timeout_ms (0: do not). Of several callers one gets it. The queue begins with
 * gridkv_open and is never full: an event that nobody took in time is replaced by the next one of
 * the same peer, a peer that came and left meanwhile may be left out, and who left is told first.
 * It costs 1 KiB of memory at most per member_count_max. struct_bytes: sizeof(struct
 * gridkv_member_event) of the caller; fills at most that much, and nothing on an error.
 * GKV_ERROR_NOT_READY  none within timeout_ms. GKV_ERROR_CLOSED  also to who waits when the node is
 * closed. GKV_ERROR_BUSY  in a callback. */
GRIDKV_EXPORT enum gkv_error gridkv_member_next(struct gridkv *gridkv, uint32_t timeout_ms,
                                                struct gridkv_member_event *event_out,
                                                size_t struct_bytes);

/* Blocking operations. Errors: KEY_EMPTY, KEY_TOO_LONG, VALUE_TOO_LONG, TTL, MEMORY, BUSY,
 * NO_QUORUM, CLOCK_DRIFT, CLOSED; a set or delete also IN_DOUBT; a get also NOT_FOUND, TIMEOUT,
 * BUFFER. */

/* ttl_ms 0: for ever. */
GRIDKV_EXPORT enum gkv_error gridkv_set(struct gridkv *gridkv, const void *key, size_t key_bytes,
                                        const void *value, size_t value_bytes, uint64_t ttl_ms);

/* Copy the value to buffer. value_bytes_out (may be NULL) is its length, also with GKV_ERROR_BUFFER
 * (nothing is copied then). On other errors the buffer may have been written to. */
GRIDKV_EXPORT enum gkv_error gridkv_get(struct gridkv *gridkv, const void *key, size_t key_bytes,
                                        void *buffer, size_t buffer_bytes, size_t *value_bytes_out);

/* The same, with room of its own: the value is the caller's, to be given to gridkv_free; it has one
 * even of no bytes. Untouched on an error. Also GKV_ERROR_OPTION: value_out or value_bytes_out is
 * NULL. */
GRIDKV_EXPORT enum gkv_error gridkv_get_copy(struct gridkv *gridkv, const void *key,
                                             size_t key_bytes, void **value_out,
                                             size_t *value_bytes_out);
GRIDKV_EXPORT void gridkv_free(void *value);

/* One of many gets: key and buffer are given, the rest is filled as gridkv_get fills it. */
struct gridkv_read {
    const void *key;
    size_t key_bytes;
    void *buffer;
    size_t buffer_bytes;
    size_t value_bytes;   /* with GKV_OK and GKV_ERROR_BUFFER */
    enum gkv_error error; /* of this one */
};

/* One of many sets: error is filled, the rest is given. */
struct gridkv_write {
    const void *key;
    size_t key_bytes;
    const void *value;
    size_t value_bytes;
    uint64_t ttl_ms;
    enum gkv_error error; /* of this one */
};

/* Many operations in one call: sixteen at a time are under way at once, each for itself. Nothing is
 * said of their order, nor of two of one key. GKV_OK: all are answered, and each has an error of
 * its own. GKV_ERROR_CLOSED, BUSY (in a completion), SYSTEM: none was begun. */
GRIDKV_EXPORT enum gkv_error gridkv_get_many(struct gridkv *gridkv, struct gridkv_read *reads,
                                             size_t count);
GRIDKV_EXPORT enum gkv_error gridkv_set_many(struct gridkv *gridkv, struct gridkv_write *writes,
                                             size_t count);

/* GKV_OK also when there was nothing to delete. */
GRIDKV_EXPORT enum gkv_error gridkv_delete(struct gridkv *gridkv, const void *key,
                                           size_t key_bytes);

/* Asynchronous operations: checked and copied at once, completed exactly once on the node's thread,
 * unless the call itself returns an error (KEY_EMPTY, KEY_TOO_LONG, VALUE_TOO_LONG, TTL, BUSY,
 * MEMORY, CLOSED): then there is no completion. done may be NULL: nobody wants to know, and what
 * the calling thread can do alone (above) is done when the call returns, also before what was
 * called earlier and is under way. */
struct gridkv_completion {
    enum gkv_error error;
    const void *value; /* a get's; lent until the completion returns */
    size_t value_bytes;
    uint64_t expire_ms; /* a get's: ms since 1970, 0 never */
};
typedef void (*gridkv_completion_fn)(void *context, const struct gridkv_completion *completion);

GRIDKV_EXPORT enum gkv_error gridkv_set_async(struct gridkv *gridkv, const void *key,
                                              size_t key_bytes, const void *value,
                                              size_t value_bytes, uint64_t ttl_ms,
                                              gridkv_completion_fn done, void *context);
GRIDKV_EXPORT enum gkv_error gridkv_get_async(struct gridkv *gridkv, const void *key,
                                              size_t key_bytes, gridkv_completion_fn done,
                                              void *context);
GRIDKV_EXPORT enum gkv_error gridkv_delete_async(struct gridkv *gridkv, const void *key,
                                                 size_t key_bytes, gridkv_completion_fn done,
                                                 void *context);

/* A moment's figures. New fields are appended. */
struct gridkv_stats {
    uint64_t record_count; /* held here, tombstones included */
    uint64_t tombstone_count;
    uint64_t store_used_bytes;
    uint64_t store_limit_bytes;
    uint64_t operation_count;      /* coordinated by the node's thread, ever */
    uint64_t operation_open_count; /* now */
    uint64_t read_repair_count;
    uint64_t sync_round_count;
    uint32_t member_count;    /* that joined and did not leave, ourselves included */
    uint32_t reachable_count; /* of those */
    uint64_t refused_count;   /* frames and messages of peers, for any reason */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t degraded_count;   /* members that are neither well nor dead, in this node's view */
    uint64_t evicted_count;    /* records that made room for others, ever */
    uint64_t compressed_count; /* values that were stored compressed, ever */
    uint64_t hot_hit_count;    /* gets answered by the hot cache, ever */
    uint64_t huge_page_bytes;  /* of the store's memory, on huge pages when it is used; 0: none */
};

/* The figures as the node's thread last published them: at most 50 ms old. struct_bytes:
 * sizeof(struct gridkv_stats) of the caller; fills at most that much. Never waits for the node's
 * thread. */
GRIDKV_EXPORT enum gkv_error gridkv_stats(struct gridkv *gridkv, struct gridkv_stats *stats_out,
                                          size_t struct_bytes);

/* GKV_OK: the node's thread turned within the last 2 s and it is ready. GKV_ERROR_NOT_READY, CLOSED
 * otherwise. Never blocks. */
GRIDKV_EXPORT enum gkv_error gridkv_health(struct gridkv *gridkv);

/* The address bound, "127.0.0.1:7101" (for port 0), and the door's; NULL when there is none. Lent
 * until gridkv_close. */
GRIDKV_EXPORT const char *gridkv_address(const struct gridkv *gridkv);
GRIDKV_EXPORT const char *gridkv_resp_address(const struct gridkv *gridkv);

#ifdef __cplusplus
}
#endif

#endif
