#!/bin/sh
# Usage: planted.sh CLEAN NOUN...    as ctest -R store.planted -V calls it; CC is the compiler, or cc
#
# Goal: the interleaving test would notice an order too few. It is as good as the bugs it finds.
# Method: each planted/NAME.patch is applied to a copy of core/NOUN.c, their headers and this folder; the
# copy is built, and seeds are run from 1 to 50,000. One must fail; it must fail alike when it is replayed;
# and CLEAN, the program without the bug, must pass it. Prints the rows of the table in docs/concurrency.md:
# the bug, what it is, the first seed that finds it, and how.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
clean=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# build FOLDER NOUN...: FOLDER/interleave.
build() {
    copy=$1
    shift
    sources=
    for noun in "$@"; do
        sources="$sources $copy/core/$noun.c"
    done
    # shellcheck disable=SC2086
    "${CC:-cc}" -std=gnu11 -O1 -w -I"$copy/tests/interleave" -I"$copy" \
        "$copy"/tests/interleave/*.c $sources -o "$copy/interleave"
}

complain() {
    echo "$1"
    failed=1
}

for patch in "$root"/tests/interleave/planted/*.patch; do
    name=$(basename "$patch" .patch)
    copy=$work/$name
    mkdir -p "$copy/tests"
    cp -R "$root/core" "$copy/core"
    cp -R "$root/tests/interleave" "$copy/tests/interleave"
    if ! patch -d "$copy" -p1 -f --fuzz=0 -s --no-backup-if-mismatch <"$patch" >"$copy/log"; then
        complain "$name: the patch no longer applies"
        continue
    fi
    build "$copy" "$@"
    found=$("$copy/interleave" 1 50000 | grep '^FAIL') || { complain "$name: no seed finds it"; continue; }
    seed=$(echo "$found" | sed 's/^FAIL seed=\([0-9]*\): .*/\1/')
    again=$("$copy/interleave" "$seed" "$seed" | grep '^FAIL') || true
    test "$again" = "$found" || complain "$name: seed $seed fails otherwise again: $again"
    "$clean" "$seed" "$seed" >/dev/null || complain "$name: seed $seed fails without it as well"
    echo "| $name | $(sed -n '1s/^Plants: \(.*\)\.$/\1/p' "$patch") | $seed | ${found#*: } |"
done
exit $failed
