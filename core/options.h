/* What a node is told when it is made.
 *
 * Not here  Sockets, threads and texts: io_posix/gridkv.h, which fills this from its own options.
 */
#ifndef GKV_CORE_OPTIONS_H
#define GKV_CORE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/packer.h"
#include "core/types.h"

/* How strong an operation is. A property of the namespace; today a node has one. */
enum gkv_level {
    GKV_LEVEL_EVENTUAL = 1, /* acknowledged by write_quorum live owners; reads may be stale */
    GKV_LEVEL_QUORUM = 2,   /* a get that starts after a set returned OK sees it or newer */
};

/* What becomes of a write that finds the store full. */
enum gkv_memory_policy {
    GKV_MEMORY_REJECT = 1, /* it fails: GKV_ERROR_MEMORY */
    GKV_MEMORY_EVICT = 2,  /* what was not used for long makes room: a cache; only at EVENTUAL */
};

struct gkv_options {
    uint32_t struct_bytes; /* sizeof(struct gkv_options), set by gkv_options_init */

    /* Who we are. */
    struct gkv_name name;       /* 1 .. 63 bytes, unique in the cluster */
    struct gkv_address address; /* where peers reach us */
    uint64_t boot_id;           /* greater at every start: unix ms << 16 | 16 random bits */
    uint64_t seed[2];           /* all of the node's randomness */

    /* Whom we know. Seeds are asked again for ever, until a live member has their address. */
    struct gkv_address seeds[GKV_SEED_COUNT_MAX];
    uint32_t seed_count;

    /* Equal on every node of a cluster. */
    uint64_t cluster_hash;  /* of the cluster's name; a peer with another one is refused (proto) */
    uint64_t hash_seed;     /* seeds the ring's hash (and the store's) */
    enum gkv_level level;   /* default GKV_LEVEL_QUORUM */
    uint32_t replica_count; /* N, 1 .. 7, default 3 */
    uint32_t write_quorum;  /* W, 1 .. N, default 2; at QUORUM W > N/2 */
    uint32_t read_quorum;   /* R, 1 .. N, default 2; at QUORUM R + W > N */
    enum gkv_memory_policy memory_policy; /* default GKV_MEMORY_REJECT */
    /* Nobody serves before it knew so many members, itself included, in this life; default 1;
     * 1 .. member_count_max. So first nodes that start one by one do not each found a cluster. */
    uint32_t bootstrap_expect;

    /* Room. Everything is laid out at init from these. */
    uint64_t memory_limit_bytes;     /* the whole store: 1 MiB .. 128 GiB, default 64 MiB */
    uint32_t value_bytes_max;        /* 1 .. 16 MiB, default 1 MiB */
    uint32_t member_count_max;       /* 1 .. 1,024, default 64, we among them; 5 KiB each */
    uint32_t operation_count_max;    /* client operations in flight: 1 .. 65,536, default 4,096 */
    uint64_t operation_memory_bytes; /* their keys and values, >= 4 of the largest; 16 MiB */

    /* Time, in ms. */
    uint32_t operation_timeout_ms; /* default 2,000; 1 .. 3,600,000 */
    uint32_t probe_interval_ms;    /* between probes; default 100; 10 .. 60,000 */
    uint32_t probe_timeout_ms;     /* until helpers are asked; default 50; < probe_interval_ms */
    /* After the first ping, a second one; default 25; < probe_timeout_ms; 0: none. */
    uint32_t probe_repeat_ms;
    /* From asking helpers to suspecting; default 60; 1 .. 60,000. probe_targets times the whole of
     * a probe is at most 8 probe intervals. */
    uint32_t probe_indirect_timeout_ms;
    /* SUSPECT to UNREACHABLE, at the least, but for 2 x (log2 n - 1) gossip intervals that come on
     * top of it (core/suspicion.h): 40 ms for 3 nodes. Default 200; 10 .. 600,000. */
    uint32_t suspicion_timeout_ms;
    uint32_t gossip_interval_ms;    /* rumours under way; default 20; 5 .. 60,000 */
    uint32_t push_pull_interval_ms; /* the whole table; default 30,000; 10 .. 3,600,000 */
    /* One seed and one unreachable member are asked; default 1,000; 10 .. 3,600,000. */
    uint32_t reconnect_interval_ms;
    /* One that was evicted is asked half as often each time, down to this; default 8,000;
     * reconnect_interval_ms .. 3,600,000. */
    uint32_t reconnect_max_ms;
    uint32_t leave_ms; /* LEAVING to LEFT; default 100; 0 .. 60,000; 0: at once */
    /* LEFT to forgotten. Make it longer than anybody may be cut off: who missed the goodbye tells
     * of it as of a newcomer to whoever has forgotten it, and it keeps a place, unreachable, for
     * ever. Default 600,000; 1,000 .. 604,800,000. */
    uint32_t left_keep_ms;
    /* UNREACHABLE to EVICTED, and up to a fifth more; default 10,000; 0 .. 86,400,000; 0: never. */
    uint32_t evict_delay_ms;
    /* Others accuse a member in vain within so long, and it is DEGRADED until so long afterwards
     * (core/grey.h). Default 10,000; 0 .. 3,600,000; 0: nobody ever is. */
    uint32_t degraded_window_ms;
    /* DEGRADED to EVICTED; and one who was evicted must be well for so long to come back. Default
     * 30,000; 0 .. 86,400,000; 0: never. */
    uint32_t degraded_evict_ms;
    uint32_t sync_interval_ms; /* anti-entropy with one peer; default 1,000; 10 .. 3,600,000 */
    /* A deletion is remembered so long after its stamp at least, by the clock of each node. Default
     * 600,000; 1,000 .. 604,800,000. */
    uint32_t tombstone_keep_ms;
    uint32_t drift_ms_max; /* how far ahead a peer's clock may be; default 500; 1 .. 3,600,000 */

    /* Probing: how much (core/probe.h). */
    uint32_t probe_targets;   /* members probed per interval; default 2; 1 .. 8 */
    uint32_t probe_helpers;   /* asked to ping who does not answer; default 3; 0 .. 3 */
    uint32_t probe_by_stream; /* 1: and the stream to it is tried; default 1; 0, 1 */
    uint32_t probe_nacks;     /* 1: helpers say that they heard nothing; default 1; 0, 1 */
    /* Members told per gossip interval; default 3; 0 .. 3; 0: news rides on probes alone. */
    uint32_t gossip_fanout;

    /* Lifeguard: how slow nodes are kept from accusing others. */
    uint32_t health_max; /* probing slows down up to so many times; default 8; 1 .. 16; 1: never */
    /* A suspicion that nobody confirms lasts so many times longer; default 4; 1 .. 16; 1: no. */
    uint32_t suspicion_max_factor;
    /* So many others must find out by themselves for the least time; default 3; 0 .. 3; 0: none. */
    uint32_t suspicion_confirmations;
    /* Stepped so long after a timer was due, we did not run, and nobody else is to blame
     * (core/node.c). Default 40; 0 .. 60,000; 0: never. */
    uint32_t stall_ms;
    /* So many others must be heard before anybody is accused (core/witness.h). Default 2;
     * 0 .. 8. */
    uint32_t witness_count;
    /* For so long; then even who is alone accuses. So much is given back of a suspicion, too, for
     * silences and for what the suspect says (core/suspicion.h). Default 3,000; 0 .. 3,600,000. */
    uint32_t witness_patience_ms;
    /* Nobody is accused by a node that began less than this ago; default 1,000; 0 .. 3,600,000. */
    uint32_t startup_grace_ms;
    uint32_t last_chance; /* 1: a suspect is pinged before it is unreachable; default 1; 0, 1 */
    uint32_t buddy;       /* 1: who is suspect learns it from the next ping; default 1; 0, 1 */

    /* Records pushed by read repair: default 1,000; 0 .. 1,000,000; 0 is none. */
    uint32_t read_repair_per_second_max;

    /* Writes in place that the loop has not looked at (core/inplace.h), or the next greater power
     * of two: default 16,384; 1 .. 1,048,576; 8 bytes each, and none but at EVENTUAL with W = 1.
     * More of them are found by anti-entropy. */
    uint32_t mark_count_max;

    /* Values of so many bytes or more are kept packed in the store, where that saves an eighth
     * (core/packing.h), which none of less than 64 does; nobody but the store knows. Default 0:
     * none; 0 .. 16,777,216, and with a packer unless 0. */
    uint32_t value_compress_bytes;
    struct gkv_packer packer; /* default: none */

    /* Answers of owners elsewhere, kept to be given again (core/hotcache.h): bytes of
     * memory_limit_bytes. Default 0: none; 4,096 .. memory_limit_bytes - 1 MiB; only at
     * EVENTUAL. */
    uint64_t hot_cache_size;
    uint32_t hot_read_cache_ttl_ms; /* for so long; default 15; 1 .. 60,000 */
};

/* How far apart members are, and how steady: sets of times that fit together.
 * Between two nodes a death takes up to two and a half times as long. */
enum gkv_options_profile {
    GKV_OPTIONS_LAN = 1,    /* the defaults: a death is known to all in under a second */
    GKV_OPTIONS_STABLE = 2, /* in two; and hosts may stand still for a second */
    GKV_OPTIONS_WAN = 3,    /* in ten; and messages may take a quarter of a second each way */
};

/* Set every time of membership, and the timeouts that depend on distance, as a profile says; all
 * else stays. */
void gkv_options_profile(struct gkv_options *options, enum gkv_options_profile profile);

/* Fill every default. name, address, boot_id and seed stay zero: they have none. */
void gkv_options_init(struct gkv_options *options);

/* Check every range and every relation between options.
 * GKV_ERROR_OPTION  *reason_out (if not NULL) points to a static sentence that names the option,
 * its
 *                   range and what to change; set to NULL on GKV_OK. */
GKV_MUST_USE enum gkv_error gkv_options_check(const struct gkv_options *options,
                                              const char **reason_out);

/* The node id that belongs to a name: 128 bits of its hash. */
struct gkv_node_id gkv_node_id_of_name(const struct gkv_name *name);

/* Make a name from text_bytes bytes of text.
 * GKV_ERROR_OPTION  it is empty or longer than GKV_NAME_BYTES_MAX; name_out untouched. */
GKV_MUST_USE enum gkv_error gkv_name_from_text(const char *text, size_t text_bytes,
                                               struct gkv_name *name_out);

#endif
