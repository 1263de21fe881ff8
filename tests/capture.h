/* What is printed to stdout, as text. */
#ifndef GKV_TESTS_CAPTURE_H
#define GKV_TESTS_CAPTURE_H

#include <stdint.h>

/* From here on, to capture_end. */
void capture_begin(void);

/* Lends what was printed since, until the next call; 16 KiB at most. */
const char *capture_end(void);

/* How many lines a text has. */
uint32_t capture_line_count(const char *text);

#endif
