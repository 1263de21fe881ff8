#include <sys/socket.h>

#include "sim/scenario.h"
