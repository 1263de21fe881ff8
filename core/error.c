#include "core/error.h"

#include <stddef.h>

/* By value. A gap or a missing row reads as "UNKNOWN", which test_error.c refuses. */
static const struct {
    const char *name;
    const char *text;
} errors[] = {
    [GKV_OK] = {"OK", "no error"},
    [GKV_ERROR_AGAIN] = {"AGAIN", "drain the actions of the last step, then step again"},
    [GKV_ERROR_OPTION] = {"OPTION", "an option is out of its range; the reason names it"},
    [GKV_ERROR_KEY_EMPTY] = {"KEY_EMPTY", "the key is empty; give it at least one byte"},
    [GKV_ERROR_KEY_TOO_LONG] = {"KEY_TOO_LONG",
                                "the key is longer than 1,024 bytes; shorten or hash it"},
    [GKV_ERROR_VALUE_TOO_LONG] = {"VALUE_TOO_LONG", "the value is longer than value_bytes_max; "
                                                    "split it or raise the option on every node"},
    [GKV_ERROR_TTL] = {"TTL", "the time to live is over ten years; use 0 for no expiry"},
    [GKV_ERROR_NOT_FOUND] = {"NOT_FOUND", "the key has no value"},
    [GKV_ERROR_MEMORY] = {"MEMORY", "the memory limit is reached; delete keys, wait for expiry, or "
                                    "raise memory_limit_bytes"},
    [GKV_ERROR_BUSY] = {"BUSY", "too many operations are in flight; try again after one completed"},
    [GKV_ERROR_NO_QUORUM] = {"NO_QUORUM", "too few owners of the key are reachable and nothing was "
                                          "written; start more nodes or wait for them"},
    [GKV_ERROR_TIMEOUT] = {"TIMEOUT", "too few owners answered in time; try the get again"},
    [GKV_ERROR_IN_DOUBT] = {"IN_DOUBT", "the write was sent but not acknowledged in time; it may "
                                        "take effect now, later or never: read the key or repeat"},
    [GKV_ERROR_CLOCK_DRIFT] = {"CLOCK_DRIFT", "this node's clock is too far from its peers'; "
                                              "synchronise it (NTP) or raise drift_ms_max"},
    [GKV_ERROR_CLOSED] = {"CLOSED", "the node is closed or closing; open it again"},
    [GKV_ERROR_ADDRESS] = {"ADDRESS", "the address cannot be used; write host:port or [ipv6]:port"},
    [GKV_ERROR_ADDRESS_IN_USE] = {"ADDRESS_IN_USE", "another process listens on the address; stop "
                                                    "it or choose another port (0 for any)"},
    [GKV_ERROR_SYSTEM] = {"SYSTEM", "the system refused a socket, a thread or memory; raise the "
                                    "process's limits"},
    [GKV_ERROR_NOT_READY] = {"NOT_READY", "too few peers have been met; check the seed addresses "
                                          "and that the peers run"},
    [GKV_ERROR_BUFFER] = {"BUFFER", "the buffer is too small for the value; try again with the "
                                    "length that was returned"},
    [GKV_ERROR_MALFORMED] = {"MALFORMED", "the bytes are no message of this wire version"},
};

#define ERROR_COUNT (sizeof(errors) / sizeof(errors[0]))

const char *gkv_error_name(enum gkv_error error)
{
    const size_t index = (size_t)error;
    return index < ERROR_COUNT && errors[index].name != NULL ? errors[index].name : "UNKNOWN";
}

const char *gkv_error_text(enum gkv_error error)
{
    const size_t index = (size_t)error;
    return index < ERROR_COUNT && errors[index].text != NULL ? errors[index].text
                                                             : "unknown error number";
}
