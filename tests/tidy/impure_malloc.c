#include <stdlib.h>

void *gkv_sin_malloc(void);

void *gkv_sin_malloc(void)
{
    return malloc(3);
}
