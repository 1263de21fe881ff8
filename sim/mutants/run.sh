#!/bin/sh
# Usage: sim/mutants/run.sh [NAME...]    these; by default the ones that gate.txt lists (sim.mutants)
#        sim/mutants/run.sh --all        every patch
#        sim/mutants/run.sh --table      every patch, with assertions and without; prints the table of
#                                        docs/results/mutants.md
#
# Goal: the generic seeds find a planted bug.
# Method: copy the tree once; for each sim/mutants/NAME.patch apply the patch, build gridkv-sim, run
# seeds 1..2000 (GRIDKV_MUTANT_SEEDS) up to the first failure, run that seed again, then without the
# patch, where it must pass, and take the patch out. What an assertion killed, --table runs again with
# assertions that do nothing: the checks must see it, too.
# Exit status 1 when any patch (run or not) does not apply, no seed fails, or a replay ends otherwise;
# with --table, survivors are rows and no failure.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${GRIDKV_MUTANT_SEEDS:-1..2000}
seconds_max=300 # for all seeds of one mutant: what runs longer is stuck
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# build LOG: gridkv-sim as the tree is now.
build() {
    if ! cmake --build "$tree/build" --target gridkv-sim >"$1" 2>&1; then
        tail -n 20 "$1" >&2
        return 1
    fi
}

# prepare NAME: a copy of the tree, built.
prepare() {
    tree=$work/$1
    mkdir "$tree"
    (cd "$root" && tar cf - --exclude=./build --exclude=./.git .) | (cd "$tree" && tar xf -)
    cmake -S "$tree" -B "$tree/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGRIDKV_TESTS=OFF \
        >"$tree/build.log" 2>&1 || { tail -n 20 "$tree/build.log" >&2; exit 1; }
    build "$tree/build.log" || exit 1
    cp "$tree/build/gridkv-sim" "$tree/gridkv-sim-clean"
}

# Without assertions and without a planted bug, the first seeds must pass.
turn_assertions_off() {
    sed 's/^#define GKV_ASSERT(expression).*/#define GKV_ASSERT(expression) GKV_MAYBE(expression)/' \
        "$tree/core/panic.h" >"$tree/panic.h"
    if cmp -s "$tree/panic.h" "$tree/core/panic.h"; then
        echo "core/panic.h: GKV_ASSERT is not where it was" >&2
        exit 1
    fi
    cp "$tree/panic.h" "$tree/core/panic.h"
    build "$tree/build.log" || exit 1
    cp "$tree/build/gridkv-sim" "$tree/gridkv-sim-clean"
    "$tree/build/gridkv-sim" run --seeds 1..50 >"$tree/off.out" 2>/dev/null ||
        { cat "$tree/off.out" >&2; exit 1; }
}

names_of_all() {
    for patch in "$root"/sim/mutants/*.patch; do
        basename "$patch" .patch
    done
}

# plant NAME [-R | --dry-run]
plant() {
    patch -d "$tree" -p1 -f --fuzz=0 -s --no-backup-if-mismatch ${2:+"$2"} <"$root/sim/mutants/$1.patch"
}

check_all() {
    for name in $(names_of_all); do
        if ! plant "$name" --dry-run; then
            echo "$name: the patch no longer applies" >&2
            failed=1
        fi
    done
}

# kill NAME: with the patch in. Sets killer_check, killer_seed and status; false: it survived, or the
# replay ended otherwise ("why" says so).
kill_mutant() {
    killer_check=none
    killer_seed=-
    status=0
    build "$tree/$1.log" || { why="does not build"; return 1; }
    if grep -q 'warning:' "$tree/$1.log"; then
        why="builds with warnings"
        return 1
    fi
    timeout "$seconds_max" "$tree/build/gridkv-sim" run --jobs 1 --seeds "$seeds" \
        >"$tree/$1.out" 2>/dev/null || status=$?
    if test "$status" -eq 0; then
        why="SURVIVED seeds $seeds"
        return 1
    fi
    if test "$status" -eq 124; then
        why="no end within $seconds_max s"
        return 1
    fi
    first=$(grep -m 1 '^FAIL' "$tree/$1.out")
    killer_check=$(echo "$first" | sed 's/^FAIL \([^ ]*\).*/\1/')
    killer_seed=$(echo "$first" | sed 's/.* seed=\([0-9]*\).*/\1/')
    # A seed that fails by itself tells nothing of the mutant.
    if ! timeout "$seconds_max" "$tree/gridkv-sim-clean" run --seed "$killer_seed" >/dev/null 2>&1
    then
        why="seed $killer_seed ($killer_check) fails without the planted bug as well"
        return 1
    fi
    again=0
    { timeout "$seconds_max" "$tree/build/gridkv-sim" run --seed "$killer_seed" \
        >"$tree/$1.again" 2>/dev/null; } 2>/dev/null || again=$?
    # A seed whose process died is told by the parent; the replay is that process.
    if test "$killer_check" = crash && test "$again" -ge 128; then
        return 0
    fi
    if test "$again" -ne "$status" || test "$first" != "$(grep -m 1 '^FAIL' "$tree/$1.again")"; then
        why="seed $killer_seed ended with status $status, and with $again when replayed"
        return 1
    fi
}

# try NAME: plant, kill, take out.
try() {
    plant "$1" || { why="the patch no longer applies"; return 1; }
    outcome=0
    kill_mutant "$1" || outcome=1
    plant "$1" -R
    return $outcome
}

say() {
    if try "$1"; then
        echo "$1: killed by seed $killer_seed, $killer_check, status $status, and again when replayed"
    else
        echo "$1: $why"
        failed=1
    fi
}

# judge NAME FILE: a row's half, "seed | check | status", into a file.
judge() {
    if try "$1"; then
        echo "$killer_seed | $killer_check | $status" >"$2"
    else
        echo "$1: $why" >&2
        case $why in
        SURVIVED*) echo "- | survives | $status" >"$2" ;;
        *) echo "- | $why | $status" >"$2" && failed=1 ;;
        esac
    fi
}

# judge_half 0|1: every other mutant, in a tree of its own. An assertion only looks, so that a run in
# which none fails is the same run without them: what a check killed, or nothing, is not run again.
judge_half() {
    prepare "half$1"
    names=$(names_of_all | awk "NR % 2 == $1")
    for name in $names; do
        judge "$name" "$work/$name.on"
    done
    turn_assertions_off
    for name in $names; do
        if grep -q '| assertion |' "$work/$name.on"; then
            judge "$name" "$work/$name.off"
        else
            cp "$work/$name.on" "$work/$name.off"
        fi
    done
    exit $failed
}

print_table() {
    (judge_half 0) &
    other=$!
    (judge_half 1) &
    wait $! || failed=1
    wait $other || failed=1
    echo '| mutant | plants | seed | check | status | seed, no assertions | check | status |'
    echo '|---|---|---|---|---|---|---|---|'
    for name in $(names_of_all); do
        plants=$(sed -n '1s/^Plants: //p' "$root/sim/mutants/$name.patch")
        echo "| $name | $plants | $(cat "$work/$name.on") | $(cat "$work/$name.off") |"
    done
}

failed=0
prepare on
check_all
case ${1:-} in
--table) print_table ;;
--all) for name in $(names_of_all); do say "$name"; done ;;
'') for name in $(cat "$root/sim/mutants/gate.txt"); do say "$name"; done ;;
*) for name in "$@"; do say "$name"; done ;;
esac
exit $failed
