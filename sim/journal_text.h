/* What a message is about, in few words.
 *
 * Not here  The names that exporters use: sim/journal.h.
 */
#ifndef GKV_SIM_JOURNAL_TEXT_H
#define GKV_SIM_JOURNAL_TEXT_H

#include "sim/journal.h"

/* The number that a value begins with (sim/history.h), or GKV_HISTORY_NONE. */
uint32_t gkv_journal_value_number(struct gkv_bytes value);

/* Fill kind, key and text from a decoded message. */
void gkv_journal_describe(struct gkv_journal_message *entry, const struct gkv_message *message);

#endif
