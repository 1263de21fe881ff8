#!/bin/sh
# Usage: system.sh ROOT
#
# Keeps every system call of ROOT/io_posix that a simulated kernel answers behind the table of
# io_posix/system.h: no other file calls one by name, but for the program gridkvd.c, which uses the library
# from outside. Comments are blanked before the code is looked at.
set -eu
cd "$1"
find io_posix -name '*.[ch]' -type f 2>/dev/null | sort | xargs awk '
BEGIN {
    calls = "socket|socketpair|bind|listen|accept4?|connect|getsockname|getpeername|[gs]etsockopt|" \
            "fcntl|ioctl|recv|recvfrom|recvmsg|recvmmsg|send|sendto|sendmsg|sendmmsg|p?readv?|p?writev?|" \
            "shutdown|close|dup[23]?|pipe2?|poll|ppoll|select|pselect|epoll_[a-z0-9]+|eventfd|" \
            "timerfd_[a-z]+|kqueue|kevent|clock_gettime|gettimeofday|time|getaddrinfo|freeaddrinfo"
}
FNR == 1 { files++; in_comment = 0 }
FILENAME == "io_posix/system.c" || FILENAME == "io_posix/gridkvd.c" { next }
{
    code = $0
    gsub(/"([^"\\]|\\.)*"/, "", code)
    if (in_comment) { if (!sub(/^.*\*\//, "", code)) next; in_comment = 0 }
    gsub(/\/\*([^*]|\*[^\/])*\*\//, "", code)
    if (sub(/\/\*.*/, "", code)) in_comment = 1
    if (match(code, "(^|[^a-zA-Z0-9_>.*])(" calls ") *\\(")) {
        name = substr(code, RSTART, RLENGTH); gsub(/[^a-z0-9_]/, "", name)
        printf "%s:%d: system: %s belongs behind io_posix/system.h\n", FILENAME, FNR, name; bad = 1
    }
}
END { if (!files) { print "system: nothing to check: wrong folder?"; bad = 1 } exit bad }'
