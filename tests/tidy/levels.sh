#!/bin/sh
# Usage: levels.sh ROOT
#
# Keeps the include graph of ROOT/core a list of levels (ROOT/tests/tidy/levels.txt), so that it can
# be read, and tested, bottom up.
set -eu
cd "$1"
find core -name '*.[ch]' -type f 2>/dev/null | sort | xargs awk '
function noun(path) { sub(/^core\//, "", path); sub(/\.[ch]$/, "", path); return path }
FNR == NR { if ($1 ~ /^[0-9]+$/) for (i = 2; i <= NF; i++) level[$i] = $1; next }
FNR == 1 {
    files++; me = noun(FILENAME)
    if (!(me in level)) { printf "%s: levels: %s is not listed\n", FILENAME, me; bad = 1 }
}
/^[ \t]*#[ \t]*include[ \t]*"core\// {
    split($0, part, "\""); it = noun(part[2])
    if (it != me && (!(it in level) || level[it] + 0 >= level[me] + 0)) {
        printf "%s:%d: levels: %s (level %s) may not include %s (level %s)\n",
               FILENAME, FNR, me, level[me], it, level[it]
        bad = 1
    }
}
END { if (!files) { print "levels: nothing to check: wrong folder?"; bad = 1 } exit bad }
' tests/tidy/levels.txt
