#!/bin/sh
# Usage: gate.sh BUILD       the test sim.mutants, with the clean build in BUILD
#        gate.sh BUILD NAME  one planted bug of it
#
# Goal: what kills planted bugs goes on to do so. It is CI's canary as well: each of these runs is
# expected to fail, and the test fails when one of them passes.
# Method: gate.txt has a line for each, "NAME SEED CHECK" (or "NAME FILE CHECK", a file of sim/scenarios).
# The bug is planted and that run must fail by that check; without the bug it must pass. "NAME - TEST" is of
# a bug for a test program: that test of it must fail, and no other. When seeds have
# changed their meaning since, the first of seeds 1..1000 that fails is taken, and a note asks for it to
# be pinned. Bugs that gate.txt does not list are built only: no patch may rot.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/sim/mutants/plant.sh"
clean=$(cd "$1" && pwd)
gate=$root/sim/mutants/gate.txt

# run BINARY WORD...: the report; the first line that begins with FAIL, if any, in "first".
run() {
    first=$(timeout 120 "$@" 2>/dev/null | grep -m 1 '^FAIL') || true
}

# killed NAME BINARY RUN CHECK
killed() {
    killer=$(killer_of "$1")
    shift
    case $2 in
    -)
        verdict=$(verdict_of "$1")
        test "$verdict" = "$3"
        return
        ;;
    *.*) run "$1" replay "$root/sim/scenarios/$2" ;;
    *) run "$1" "$killer" --seed "$2" ;;
    esac
    test "$(echo "$first" | cut -d ' ' -f 2)" = "$3"
}

# passes NAME RUN: without the bug.
passes() {
    killer=$(killer_of "$1")
    shift
    case $1 in
    -) test "$(verdict_of "$clean/$killer")" = passes ;;
    *.*) timeout 60 "$clean/gridkv-sim" replay "$root/sim/scenarios/$1" 2>/dev/null | grep -q 'result=pass' ;;
    *) timeout 60 "$clean/gridkv-sim" "$killer" --seed "$1" >/dev/null 2>&1 ;;
    esac
}

# one NAME: every line of gate.txt that begins so.
one() {
    out=$clean/mutants/$1
    plant "$1" "$clean" "$out" || { echo "$1: $why"; return 1; }
    sim=$out/$(program_of "$1")
    result=0
    grep "^$1 " "$gate" >"$out/lines" || echo "$1: builds"
    while read -r name what check; do
        if ! killed "$name" "$sim" "$what" "$check"; then
            search_again "$name" "$what" || { result=1; continue; }
        fi
        if ! passes "$name" "$what"; then
            echo "$name: $what fails without the bug as well"
            result=1
            continue
        fi
        test "$what" != - || what=$killer
        echo "$name: $what fails by $check"
    done <"$out/lines"
    return $result
}

# search_again NAME RUN: for a seed. Sets "what" and "check".
search_again() {
    case $2 in
    -)
        echo "$1: where $check alone should fail: $verdict"
        return 1
        ;;
    *.*)
        echo "$1: $2 does not fail by $check"
        return 1
        ;;
    esac
    run "$sim" "$(killer_of "$1")" --jobs 1 --seeds 1..1000
    if test -z "$first"; then
        echo "$1: seed $2 does not fail by $check any more, and seeds 1..1000 pass"
        return 1
    fi
    check=$(echo "$first" | cut -d ' ' -f 2)
    what=$(echo "$first" | sed 's/.* seed=\([0-9]*\).*/\1/')
    echo "$1: seed $2 does not kill it any more: pin \"$1 $what $check\" in sim/mutants/gate.txt"
}

if test $# -gt 1; then
    one "$2"
    exit
fi
test -x "$clean/gridkv-sim" || { echo "$clean: no gridkv-sim" >&2; exit 1; }
for name in $(cut -d ' ' -f 1 "$gate"); do
    test -f "$(patch_of "$name")" || { echo "gate.txt: there is no $name"; exit 1; }
done
names_of_all | xargs -P "$(nproc)" -n 1 "$0" "$clean"
