#!/bin/sh
# Usage: layers.sh ROOT
#
# Checks every #include under ROOT against ROOT/tests/tidy/layers.txt. Includes of ours are written
# from the repository root ("core/hlc.h"), so that the line itself shows which layer is used.
set -eu
cd "$1"
find core proto io_posix io_sim sim sim_posix fuzz bench tests examples -name '*.[ch]' -type f \
    ! -path 'tests/tidy/*' 2>/dev/null | sort |
xargs awk '
FNR == NR { sub(/#.*/, ""); for (i = 2; i <= NF; i++) { may[$1, $i] = 1; known[$1] = 1 } next }
FNR == 1  { files++ }
/^[ \t]*#[ \t]*include/ {
    ours = ($0 ~ /"/); split($0, part, /[<">]/); name = part[2]
    layer = FILENAME; sub(/\/.*/, "", layer)
    folder = name; sub(/\/.*/, "/", folder)
    ok = may[layer, name] || may[FILENAME, name] || (!ours && may[layer, "*"])
    if (ours && name ~ /\// && may[layer, folder]) ok = 1
    if (!known[layer] || name ~ /\.\./) ok = 0
    if (!ok) { printf "%s:%d: layers: %s may not include %s\n", FILENAME, FNR, layer, name; bad = 1 }
}
END { if (!files) { print "layers: nothing to check: wrong folder?"; bad = 1 } exit bad }
' tests/tidy/layers.txt
