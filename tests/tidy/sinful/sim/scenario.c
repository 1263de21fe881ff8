#include <time.h>

#include "io_posix/udp.h"
