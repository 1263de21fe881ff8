#include "sim/panic.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/panic.h"

/* The one thing that an assertion deep in the core must know and cannot be told. */
static gkv_panic_teller *teller;
static const void *teller_context;

void gkv_panic_watch(gkv_panic_teller *tell, const void *context)
{
    teller = tell;
    teller_context = context;
}

_Noreturn void gkv_panic(const char *expression, const char *file, int line)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s:%d: %s", file, line, expression);
    gkv_panic_teller *tell = teller;
    teller = NULL; /* an assertion in the report itself goes to stderr */
    if (tell == NULL) {
        (void)fprintf(stderr, "assertion failed: %s\n", text);
    } else {
        tell(teller_context, text);
    }
    (void)fflush(NULL);
    exit(GKV_PANIC_EXIT_STATUS);
}
