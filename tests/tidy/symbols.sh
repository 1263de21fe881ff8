#!/bin/sh
# Usage: symbols.sh ARCHIVE ALLOWED_FILE [LOWER_ARCHIVE]
#
# Fails unless the archive is pure:
#   1. every undefined symbol is defined by the archive itself or by the one below it, or is named
#      in ALLOWED_FILE,
#   2. every defined global symbol starts with gkv_,
#   3. it holds no writable data (no global state).
# What a shared library does inside (protobuf-c, say) is not seen here; tests/test_no_malloc.c is
# for that.
set -eu
archive=$1
allowed=$2
lower=${3:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: "${NM:=nm}" "${OBJDUMP:=objdump}"

"$NM" -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$work/defined"
"$NM" -u "$archive" 2>/dev/null | awk '$1 ~ /^[Uwv]$/ { print $2 }' |
    grep -vx '_GLOBAL_OFFSET_TABLE_' | sort -u >"$work/undefined" || true # made by the linker
sed 's/[[:space:]]*#.*//; /^$/d' "$allowed" | sort -u >"$work/allowed"
: >"$work/lower"
test -z "$lower" || "$NM" -g --defined-only "$lower" | awk 'NF == 3 { print $3 }' >"$work/lower"
sort -u "$work/defined" "$work/allowed" "$work/lower" >"$work/known"

test -s "$work/defined" || { echo "symbols: $archive defines nothing: wrong file?"; exit 1; }

bad=0
for symbol in $(comm -23 "$work/undefined" "$work/known"); do
    echo "symbols: $symbol is used but not allowed in:"
    "$NM" -A -u "$archive" 2>/dev/null | awk -v s="$symbol" '$NF == s { print "    " $1 }'
    bad=1
done
for symbol in $(grep -v '^gkv_' "$work/defined" || true); do
    echo "symbols: $symbol is global but does not start with gkv_"
    bad=1
done
# .data.rel.ro is constant once loaded: tables of pointers in position-independent code.
"$OBJDUMP" -h "$archive" | awk '
    /file format/ { file = $1 }
    $2 ~ /^\.(data|bss|tdata|tbss)/ && $2 !~ /^\.data\.rel\.ro/ && $3 !~ /^0+$/ {
        print "symbols: writable data (" $2 ", 0x" $3 " bytes) in " file; bad = 1 }
    END { exit bad }' || bad=1
exit $bad
