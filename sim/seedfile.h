/* One run as a text file (.gseed): every draw by label and value, and how it ended.
 *
 * Model     A head of "name value" lines: the format's version first, then commit, seed, profile,
 *           families that are off and checks that are off (as bits), limit of events (0: none),
 *           check, status, hash, draws. Then lines of a label and the values of its draws in a
 *           row, "V" or "V*COUNT". The last line is "end".
 * Invariant What was written is read back the same but for the bounds, which are not kept.
 */
#ifndef GKV_SIM_SEEDFILE_H
#define GKV_SIM_SEEDFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/choice.h"
#include "sim/trial.h"

#define GKV_SEEDFILE_VERSION 3
#define GKV_SEEDFILE_TEXT_BYTES 64

struct gkv_seedfile {
    uint64_t seed;
    uint64_t off_mask;
    uint64_t check_off_mask;
    uint64_t event_count_max; /* then the run was ended as "limit"; 0: no limit */
    uint64_t chain[2];
    enum gkv_profile profile;
    enum gkv_trial_status status;
    char commit[GKV_SEEDFILE_TEXT_BYTES]; /* "-": not known */
    char check[GKV_SEEDFILE_TEXT_BYTES];  /* which failed; "-": none */
};

/* Head of a run that ended so. */
void gkv_seedfile_init(struct gkv_seedfile *head, const struct gkv_trial_summary *summary);

/* Does this head tell of a run that ended so, at the same state? */
bool gkv_seedfile_is_of(const struct gkv_seedfile *head, const struct gkv_trial_summary *summary);

/* False: the file cannot be written, or the recording is cut short. */
bool gkv_seedfile_write(FILE *file, const struct gkv_seedfile *head,
                        const struct gkv_recording *recording);

/* Where a file is wrong, and what stands there: a name of the head, a label, "draws" or "end". */
struct gkv_seedfile_error {
    uint32_t line;
    char field[GKV_SEEDFILE_TEXT_BYTES];
};

/* False: not a whole file of this version; error_out says where. */
bool gkv_seedfile_read(FILE *file, struct gkv_seedfile *head, struct gkv_recording *recording,
                       struct gkv_seedfile_error *error_out);

/* The recording in a file of this name, and its head. NULL: it cannot be read, which is said on
 * stderr. */
struct gkv_recording *gkv_seedfile_open(const char *name, struct gkv_seedfile *head);

#endif
