#include <time.h>

#include "core/node.h"
#include "proto/seal.h"

static int counter = 0;
double gkv_ratio;

int gkv_sin(int a, int b, int c, int d, int e, int f)
{
    for (;;) {
        if (a) {
            while (b) {
                do {
                    goto out;
                } while (c);
            }
        }
    }
out: /* FIXME TODO */
    errno = malloc(3);
    return counter;
}
