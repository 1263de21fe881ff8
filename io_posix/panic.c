/* The POSIX end of every GKV_ASSERT: one line, then a core dump. */
#include "core/panic.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void gkv_panic(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "gridkv: assertion failed: %s, at %s:%d; please report this\n",
                  expression, file, line);
    abort();
}
