/* A failed assertion is a finding: say which, and stop where a fuzzer or a debugger sees it. */
#include "core/panic.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void gkv_panic(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    abort();
}
