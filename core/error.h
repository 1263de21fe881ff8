/* The one list of errors, shared by the core, the shims and the installed API.
 *
 * Invariant A value, once released, keeps its number and its name for ever; new ones are appended.
 * Not here  What a peer did wrong: that is counted where it is seen (`drops`) and is no error of
 *           ours.
 */
#ifndef GKV_CORE_ERROR_H
#define GKV_CORE_ERROR_H

#define GKV_MUST_USE __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

enum gkv_error {
    GKV_OK = 0,
    GKV_ERROR_AGAIN = 1,          /* actions of the last step are left; nothing changed */
    GKV_ERROR_OPTION = 2,         /* an option is out of its range, or two contradict each other */
    GKV_ERROR_KEY_EMPTY = 3,      /* a key has no bytes */
    GKV_ERROR_KEY_TOO_LONG = 4,   /* a key is longer than GKV_KEY_BYTES_MAX */
    GKV_ERROR_VALUE_TOO_LONG = 5, /* a value is longer than options.value_bytes_max */
    GKV_ERROR_TTL = 6,            /* a time to live is out of its range */
    GKV_ERROR_NOT_FOUND = 7,      /* the key has no value (never set, deleted or expired) */
    GKV_ERROR_MEMORY = 8,         /* the store is full */
    GKV_ERROR_BUSY = 9,           /* too many operations in flight: try again after one completed */
    GKV_ERROR_NO_QUORUM = 10,     /* too few owners are reachable; nothing was written */
    GKV_ERROR_TIMEOUT = 11,       /* a get was not answered by enough owners before its deadline */
    GKV_ERROR_IN_DOUBT = 12,      /* a write was sent but not acknowledged by enough owners: it may
                                     take effect now, later, or never */
    GKV_ERROR_CLOCK_DRIFT = 13,   /* a clock is further from its peers than options.drift_ms_max */
    GKV_ERROR_CLOSED = 14,        /* the node is closed or closing */
    GKV_ERROR_ADDRESS = 15,       /* an address cannot be parsed or resolved */
    GKV_ERROR_ADDRESS_IN_USE = 16, /* another process listens on the address */
    GKV_ERROR_SYSTEM = 17,         /* the operating system refused a socket, a thread or memory */
    GKV_ERROR_NOT_READY = 18,      /* the node has not joined enough peers within the time given */
    GKV_ERROR_BUFFER = 19,         /* the caller's buffer is too small for the value */
    GKV_ERROR_MALFORMED = 20,      /* bytes are not a message; only proto/ returns it */
};

/* Short stable name, such as "KEY_EMPTY"; static storage, never NULL. Any thread. */
const char *gkv_error_name(enum gkv_error error);

/* One sentence that says what is wrong and what to change; static storage, never NULL. Any
 * thread. */
const char *gkv_error_text(enum gkv_error error);

#ifdef __cplusplus
}
#endif

#endif
