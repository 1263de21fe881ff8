/* A script as text (.scenario), to be read, kept and written by people.
 *
 * Model     Lines: "scenario 1" first; then the head, "name value" where it is not benign; then
 *           what happens, "1.301s  c0 sets k0 at a" in order of time; "expect pass" or "expect
 *           CHECK" at the end. "#" begins a comment. One table of patterns both writes and reads,
 *           so that what is written can be read back.
 * Bounds    GKV_SCRIPT_TEXT_LINE_BYTES per line.
 * Invariant A script that was read is settled (sim/script.h).
 */
#ifndef GKV_SIM_SCRIPT_TEXT_H
#define GKV_SIM_SCRIPT_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/script.h"

#define GKV_SCRIPT_TEXT_VERSION 1
#define GKV_SCRIPT_TEXT_LINE_BYTES 200

/* Where a text is wrong, why, and what to write instead. */
struct gkv_script_error {
    uint32_t line;
    char text[300];
};

/* False: the file cannot be written, or the script is cut short. */
bool gkv_script_write(FILE *file, const struct gkv_script *script);

/* False: error_out says why. */
bool gkv_script_read(FILE *file, struct gkv_script *script, struct gkv_script_error *error_out);

/* One line without its time, as in a file. */
void gkv_script_line_text(const struct gkv_script *script, const struct gkv_script_line *line,
                          char text[GKV_SCRIPT_TEXT_LINE_BYTES]);

#endif
