/* Two threads write a few values and mark them, and a third, the loop, sends what is marked.
 *
 * Model     What was sent last of each value is, in the end, what was written last: no mark is
 *           lost, nor comes before its value, however small the ring. Marks of one thread come in
 *           their order, and once. The loop sleeps when there is none, and is woken by one of those
 *           that put the next; a mark that lies there while it sleeps is a failure.
 */
#ifndef GKV_TESTS_INTERLEAVE_MARKS_H
#define GKV_TESTS_INTERLEAVE_MARKS_H

#include <stdint.h>

/* Returns what went wrong, or NULL. The same seed, the same trial. */
const char *interleave_marks_trial(uint64_t seed, uint64_t *steps_out);

#endif
