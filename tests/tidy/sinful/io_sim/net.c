#include <stdio.h>

#include "io_posix/udp.h"

static int packets;
