#!/bin/sh
# Usage: sim/mutants/run.sh [NAME...]
#
# Goal: the generic seeds find a planted bug.
# Method: for each sim/mutants/NAME.patch (all of them by default), copy the tree, apply the patch,
# build gridkv-sim, run seeds 1..2000 up to the first failure, and run the line it prints again.
# Exit status 1 when a patch does not apply, no seed fails, or the replay ends otherwise.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${GRIDKV_MUTANT_SEEDS:-1..2000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

try() {
    name=$1
    patch=$root/sim/mutants/$name.patch
    tree=$work/$name
    head -n 1 "$patch"
    mkdir "$tree"
    (cd "$root" && tar cf - --exclude=./build --exclude=./.git .) | (cd "$tree" && tar xf -)
    if ! patch -d "$tree" -p1 --fuzz=0 -s <"$patch"; then
        echo "$name: the patch no longer applies"
        return 1
    fi
    if ! { cmake -S "$tree" -B "$tree/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DGRIDKV_TESTS=OFF && cmake --build "$tree/build" --target gridkv-sim; } \
        >"$work/$name.log" 2>&1; then
        tail -n 20 "$work/$name.log"
        echo "$name: does not build"
        return 1
    fi
    status=0
    "$tree/build/gridkv-sim" run --seeds "$seeds" >"$work/$name.out" 2>/dev/null || status=$?
    if test "$status" -eq 0; then
        echo "$name: SURVIVED seeds $seeds"
        return 1
    fi
    grep -m 1 '^FAIL' "$work/$name.out"
    seed=$(sed -n 's/^replay: gridkv-sim run --seed \([0-9]*\).*/\1/p' "$work/$name.out" | head -n 1)
    again=0
    "$tree/build/gridkv-sim" run --seed "$seed" >"$work/$name.again" || again=$?
    if test "$again" -ne "$status" ||
        test "$(grep -m 1 '^FAIL' "$work/$name.out")" != "$(grep -m 1 '^FAIL' "$work/$name.again")"
    then
        echo "$name: seed $seed ended with status $status, and with $again when replayed"
        return 1
    fi
    echo "$name: killed by seed $seed, status $status, and again when replayed"
    rm -rf "$tree"
}

if test $# -eq 0; then
    for patch in "$root"/sim/mutants/*.patch; do
        set -- "$@" "$(basename "$patch" .patch)"
    done
fi
failed=0
for name in "$@"; do
    try "$name" || failed=1
done
exit $failed
