/* What happens to a node. The shim makes one event at a time and gives it to gkv_node_step. */
#ifndef GKV_CORE_EVENT_H
#define GKV_CORE_EVENT_H

#include <stdint.h>

#include "core/error.h"
#include "core/message.h"
#include "core/types.h"

enum gkv_operation_kind {
    GKV_OPERATION_GET = 1,
    GKV_OPERATION_SET = 2,
    GKV_OPERATION_DELETE = 3,
};

/* A client operation. key and value are borrowed until the step's actions are drained. */
struct gkv_operation {
    uint64_t cookie; /* the caller's; returned by the completion */
    enum gkv_operation_kind kind;
    struct gkv_bytes key;
    struct gkv_bytes value; /* SET */
    uint64_t ttl_ms;        /* SET: 0 is for ever */
    uint32_t timeout_ms;    /* 0: options.operation_timeout_ms */
};

enum gkv_event_kind {
    GKV_EVENT_TIMER = 1,       /* the deadline passed (early or late is harmless) */
    GKV_EVENT_MESSAGE = 2,     /* a peer said something */
    GKV_EVENT_OPERATION = 3,   /* a client asks */
    GKV_EVENT_STREAM_DOWN = 4, /* the stream to `address` could not be opened, or broke */
    GKV_EVENT_LEAVE = 5,       /* say goodbye: we become LEAVING, then LEFT, and tell */
};

struct gkv_event {
    enum gkv_event_kind kind;
    struct gkv_now now;
    union {
        struct {
            const struct gkv_message *message;
            struct gkv_address
                source; /* of the datagram; for a stream, where its dialler listens */
            enum gkv_channel channel;
        } arrival;
        struct gkv_operation operation;
        struct gkv_address address;
    } as;
};

#endif
