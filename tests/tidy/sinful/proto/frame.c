#include "../core/node.h"
#include "io_posix/udp.h"

static float share;
