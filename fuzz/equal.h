/* Whether two messages say the same, field by field. */
#ifndef GKV_FUZZ_EQUAL_H
#define GKV_FUZZ_EQUAL_H

#include <stdbool.h>

#include "core/message.h"

bool fuzz_messages_equal(const struct gkv_message *a, const struct gkv_message *b);

#endif
