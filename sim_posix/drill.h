/* One seed: three hosts of io_posix on a made-up kernel that misbehaves, and what must hold.
 *
 * Model     FORM (a kind kernel, until all know each other), WORK (everything that the seed turned
 *           on goes wrong; clients through the API and through RESP), HEAL (a kind kernel again,
 *           until all is settled), READ (each key is set and read through each node, no faster than
 *           the streams carry), IDLE (nobody asks), STOP (the hosts leave and are unmade).
 *
 *   check     holds
 *   form, heal  the nodes find each other, and agree on what they hold, in time      liveness
 *   answer    every operation ends, in time; once all is well, each one succeeds     liveness
 *   once      no operation ends twice                                               safety
 *   value     sim_posix/deeds.h                                                     safety
 *   reply     RESP replies come in order and are whole                              safety
 *   wire      no peer was refused for what it sent: streams lose and double nothing  safety
 *   misuse, spin  sim_posix/kernel.h                                                safety
 *   idle      nobody turns without a reason                                         safety
 *   stop      a host that is asked to stop is over in time                          liveness
 *   leak      what was made is unmade: no descriptor is left, whichever way a host ended  safety
 *
 * Not here  The thread, the mailbox between threads, and names: tests/test_posix_*.c.
 */
#ifndef GKV_SIM_POSIX_DRILL_H
#define GKV_SIM_POSIX_DRILL_H

#include <stdint.h>

#include "sim/trial.h"
#include "sim_posix/kernel.h"

#define GKV_DRILL_TEXT_BYTES 240

struct gkv_drill_summary {
    uint64_t seed;
    uint64_t hash;
    uint64_t call_count;
    uint64_t simulated_ns;
    uint64_t draw_count;
    uint32_t operation_count;
    uint32_t done_count;
    enum gkv_trial_status status;
    const char *check; /* "" when it passed */
    char text[GKV_DRILL_TEXT_BYTES];
    struct gkv_kernel_tally tally;
};

/* Run it, to the end or up to the first thing that does not hold. */
struct gkv_drill_summary gkv_drill_run(uint64_t seed);

#endif
