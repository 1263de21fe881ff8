/* Writes down what happens in a trial as a script, or lets happen what a script says.
 *
 * Model     Both stand between the trial and its luck. Writing: operations, faults (what changed in
 *           links and clocks after each call, so that no family of faults has to know of it), and
 *           each draw of the world that was not benign, found again by its time, its label, whom
 *           it is about, and how often that was asked before at this instant. Reading: lines are
 *           carried out at their times by the functions that carry out what was drawn, and all
 *           draws without a line are benign.
 * Bounds    ASK_COUNT_MAX different questions at one instant; more are benign.
 * Invariant A run of a script that was written down is the run that it was written from, but for
 *           things due in one nanosecond.
 * Not here  Scripts: sim/script.h.
 */
#ifndef GKV_SIM_CLERK_H
#define GKV_SIM_CLERK_H

#include "sim/script.h"
#include "sim/trial.h"

/* What the trial's options ask for, after its scenario is drawn or taken over from the script; the
 * world's chance goes through it. False: no memory. */
bool gkv_clerk_open(struct gkv_trial *trial);
void gkv_clerk_close(struct gkv_trial *trial);

/* Is the trial to follow a script? */
static inline bool gkv_clerk_reads(const struct gkv_trial *trial)
{
    return trial->options != NULL && trial->options->script != NULL;
}

/* Let the script begin, if there is one. */
void gkv_clerk_begin(struct gkv_trial *trial);

/* WORK begins: links are from now on as the script says, which must be there. */
void gkv_clerk_begin_work(struct gkv_trial *trial);

/* Carry out the lines that are due: GKV_CALL_SCRIPT. */
void gkv_clerk_on_call(struct gkv_trial *trial);

/* When WORK ends at the latest; otherwise_ns where no script says. */
uint64_t gkv_clerk_work_end_ns(const struct gkv_trial *trial, uint64_t otherwise_ns);

/* The first line of a kind that happens in a phase and not at a time; NULL: there is none. */
const struct gkv_script_line *gkv_clerk_find(const struct gkv_trial *trial,
                                             enum gkv_script_kind kind);

/* READ, where the scenario reads by lines: what the script asks next, in its order; false: no more.
 */
bool gkv_clerk_has_reading(const struct gkv_trial *trial);
bool gkv_clerk_next_reading(struct gkv_trial *trial, struct gkv_deed *deed_out);

/* How many lines before a time were not carried out, and the first of them, if any: the client
 * still waited, the node was down, there was no such message. 0 where no script is read. */
uint32_t gkv_clerk_left_out(const struct gkv_trial *trial, uint64_t until_ns, uint32_t *first_out);

/* Write down: a line, whose time is now; an operation; a boot, crash, goodbye or pause in a call;
 * what has changed in links and clocks; the end of WORK. Nothing is done where nobody wants it
 * written. */
void gkv_clerk_write_line(struct gkv_trial *trial, const struct gkv_script_line *line);
void gkv_clerk_write_operation(struct gkv_trial *trial, const struct gkv_deed *deed);
void gkv_clerk_write_event(struct gkv_trial *trial, const struct gkv_observation *observation);
void gkv_clerk_write_changes(struct gkv_trial *trial);
void gkv_clerk_write_end(struct gkv_trial *trial);

#endif
