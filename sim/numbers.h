/* A number for each name, in the order in which they are first met: what is known of a name is then
 * a row of a table.
 *
 * Model     A hash table of names of 128 bits, such as versions, that doubles as it fills.
 * Bounds    GKV_NUMBERS_COUNT_MAX names. What finds no room must be said: sim/watch.h's
 *           gkv_watch_no_room. O(1).
 * Invariant At least half of the places are free. All zero is an empty one.
 */
#ifndef GKV_SIM_NUMBERS_H
#define GKV_SIM_NUMBERS_H

#include <stdint.h>

#define GKV_NUMBERS_COUNT_MAX 32768
#define GKV_NUMBERS_PLACE_COUNT (2 * GKV_NUMBERS_COUNT_MAX)
#define GKV_NUMBERS_NONE UINT32_MAX

struct gkv_numbers_name {
    uint64_t high;
    uint64_t low;
};

struct gkv_numbers {
    uint32_t count;
    uint32_t place_count; /* in use; a power of two, or 0 */
    /* From here on, what is not in use holds anything. */
    uint32_t places[GKV_NUMBERS_PLACE_COUNT]; /* number + 1; 0: free */
    struct gkv_numbers_name names[GKV_NUMBERS_COUNT_MAX];
};

/* Forget all names. */
void gkv_numbers_init(struct gkv_numbers *numbers);

/* The number of a name; GKV_NUMBERS_NONE when it has none. */
uint32_t gkv_numbers_find(const struct gkv_numbers *numbers, struct gkv_numbers_name name);

/* The same, and a new name gets the next number; GKV_NUMBERS_NONE when there is no room. */
uint32_t gkv_numbers_give(struct gkv_numbers *numbers, struct gkv_numbers_name name);

#endif
