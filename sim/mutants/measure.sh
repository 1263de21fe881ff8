#!/bin/sh
# Usage: measure.sh all|kills|sizes|checks|faults|pin|table [NAME...]
#
# Goal: show that the generic seeds find every planted bug, by which check, how soon, and which kills
# would be lost without one family of faults or one check.
# Method: for each sim/mutants/NAME.patch, all of them by default:
#   kills   the bug is planted, and seeds are run up to the first that fails: from three first
#           seeds, and with assertions that do nothing from one. That seed must pass without the bug, and fail
#           alike when it is run again.
#   sizes   that seed is recorded, shrunk, and the shrunk run replayed, which must pass without the bug.
#   checks  without assertions: is it killed without the check that killed?
#   faults  and without each family of faults that is on in the killing seed? (Without any other, that
#           seed still fails: it is the same run up to there.) For both the killing seed is run first: if
#           it still fails, nothing is lost. Only else seeds are run from 1 on: five times as many as the
#           kill took, 100 at least, and GRIDKV_MUTANT_SEEDS at most.
#   pin     gate.txt names the first killing seed of each; its lines with files stay, and so do those of
#           bugs that were not measured or survive: the gate tells of these.
#   table   docs/results/mutants.md is written anew from mutants.md.in.
#
# What was measured is kept, a line each, in build/mutants/TREE/; whatever is there is not measured again,
# but for what test programs do, which takes no time,
# so that this can be stopped and started. TREE names what the sources hold: other sources, other lines. How
# far a stage is, and about how long it has to go, is said on stderr.
# Environment: GRIDKV_MUTANT_SEEDS (2000), GRIDKV_MUTANT_JOBS (all processors), GRIDKV_MUTANT_TRIES (1000,
# of the shrinker). Exit status 1 when a patch does not apply or build, a seed fails without its bug, a
# replay ends otherwise, or a bug survives.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/sim/mutants/plant.sh"
seeds=${GRIDKV_MUTANT_SEEDS:-2000}
jobs=${GRIDKV_MUTANT_JOBS:-$(nproc)}
tries=${GRIDKV_MUTANT_TRIES:-1000}
seconds_max=400 # for all seeds of one bug: what runs longer is stuck
first_seeds="1 1000001 2000001"

results=${GRIDKV_MUTANT_RESULTS:-} # set for the processes of a stage
if test -z "$results"; then
    tree=$(cd "$root" && cat core/*.[ch] proto/*.[ch] proto/*.proto io_sim/*.[ch] io_posix/*.[ch] sim/*.[ch] sim_posix/*.[ch] | cksum)
    results=$root/build/mutants/${tree% *}
    mkdir -p "$results"
    touch "$results/kills" "$results/sizes" "$results/matrix"
fi
scratch=$results/scratch.$$ # one bug may be tried in several processes
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$scratch"
is_old=yes # nothing had to be run

# A line begins with this: of another patch by the same name, nothing is known.
key_of() {
    printf '%s %s' "$1" "$(cksum <"$(patch_of "$1")" | cut -d ' ' -f 1)"
}

# search NAME BINARY FIRST COUNT OPTION...: sets found_seed, found_check, found_status, and report, a file.
# found_seed is - when none was told to fail: all passed if found_status is 0.
search() {
    is_old=no
    name=$1
    report=$scratch/report
    binary=$2
    last=$(($3 + $4 - 1))
    range=$3..$last
    found_check="survives $4"
    shift 4
    found_seed=-
    found_status=0
    timeout "$seconds_max" "$binary" "$(killer_of "$name")" --jobs 1 --seeds "$range" "$@" >"$report" 2>/dev/null ||
        found_status=$?
    if test "$found_status" -eq 124; then
        found_check="no end"
    elif test "$found_status" -ne 0; then
        found_check=$(sed -n 's/^FAIL \([^ ]*\).*/\1/p' "$report" | head -n 1)
        found_seed=$(sed -n 's/^FAIL [^ ]* seed=\([0-9]*\) .*/\1/p' "$report" | head -n 1)
        found_check=${found_check:-nothing told}
        found_seed=${found_seed:--}
    fi
}

# sound NAME BINARY CLEAN: the seed that was found passes without the bug, and fails alike again.
sound() {
    killer=$(killer_of "$1")
    if ! timeout "$seconds_max" "$3" "$killer" --seed "$found_seed" >/dev/null 2>&1; then
        found_check="$found_check, and without the bug"
        return 1
    fi
    test "$found_check" != crash || return 0 # its process died, perhaps because it did not end
    again=$(timeout "$seconds_max" "$2" "$killer" --seed "$found_seed" 2>/dev/null | grep -m 1 '^FAIL') || true
    if test "$again" != "$(grep -m 1 '^FAIL' "$report")"; then
        found_check="$found_check, but not again"
        return 1
    fi
}

# families_of SEED BINARY: those that are on, with commas. A run that is stopped at once says so; one that
# crashes does not.
families_of() {
    { "$2" run --seed "$1" --limit 1 2>/dev/null || true; } |
        sed -n 's/^profile: [a-z]*, with //p' | head -n 1 | tr ' ' ','
}

# kill_from NAME MODE FIRST: one line of kills.
kill_from() {
    key="$(key_of "$1") $2 $3"
    if grep "^$key " "$results/kills" | grep -q -v " survives" ||
        grep -q "^$key .* survives $seeds\$" "$results/kills"; then
        return 0
    fi
    search "$1" "$results/$1.$2/gridkv-sim" "$3" "$seeds"
    if test "$found_seed" != - && ! sound "$1" "$results/$1.$2/gridkv-sim" "$results/$2/gridkv-sim"; then
        found_seed=-
    fi
    families=
    if test "$found_seed" != - && test "$(killer_of "$1")" = run; then
        families=$(families_of "$found_seed" "$results/$2/gridkv-sim")
    fi
    echo "$key $found_seed $found_status ${families:--} $found_check" >>"$results/kills"
}

# kill_other NAME PROGRAM MODE: one line of kills, for a test program of which one test must fail.
kill_other() {
    is_old=no
    found_status=1
    found_check=$(verdict_of "$results/$1.$3/$2")
    case $found_check in
    *pass*)
        found_status=0
        found_check="survives: $found_check"
        ;;
    esac
    echo "$(key_of "$1") $3 1 - $found_status - $found_check" >>"$results/kills"
}

# plant_once NAME MODE: not again what is there already, whole, by the same patch; but always what has tests
# in it, for TREE does not name those.
plant_once() {
    stamp=$results/$1.$2/planted
    if test "$(program_of "$1")" != gridkv-sim || test "$(cat "$stamp" 2>/dev/null)" != "$(key_of "$1")"; then
        is_old=no
        plant "$1" "$results/$2" "$results/$1.$2" || return 1
        key_of "$1" >"$stamp"
    fi
}

one_kills() {
    program=$(program_of "$1")
    for mode in on off; do
        if ! plant_once "$1" "$mode"; then
            echo "$1: $why" >&2
            return 1
        fi
        if test "$program" != gridkv-sim; then
            kill_other "$1" "$program" "$mode"
            continue
        fi
        for first in $first_seeds; do
            kill_from "$1" "$mode" "$first"
            if test "$mode" = off || grep -q "^$(key_of "$1") on 1 - " "$results/kills"; then
                break
            fi
        done
    done
    ! { kill_of "$1" on && kill_of "$1" off; } | grep -q 'survives\|no end\|without the bug\|not again'
}

# Where the kill is, of the first seeds: "SEED STATUS FAMILIES CHECK".
kill_of() {
    sed -n "s/^$(key_of "$1") $2 1 //p" "$results/kills" | tail -n 1
}

one_sizes() {
    if grep -q "^$(key_of "$1") " "$results/sizes"; then
        return 0
    fi
    seed=$(kill_of "$1" on | cut -d ' ' -f 1)
    if test "${seed:--}" = - || test "$(killer_of "$1")" != run; then
        return 0
    fi
    is_old=no
    sim=$results/$1.on/gridkv-sim
    "$sim" run --seed "$seed" --out "$results/$1.gseed" >/dev/null 2>&1 || true
    "$sim" shrink "$results/$1.gseed" --tries "$tries" --time "${seconds_max}s" \
        --out "$results/$1.scenario" >"$results/$1.shrunk" 2>/dev/null || true
    after=$(sed -n 's/^after: operations=\([0-9]*\).* events=\([0-9]*\).*/\1 \2/p' "$results/$1.shrunk")
    status=0
    timeout "$seconds_max" "$results/on/gridkv-sim" replay "$results/$1.scenario" >/dev/null 2>&1 || status=$?
    if test -n "$after" && test "$status" -ne 14; then # "passed and should not have"
        echo "$1: without the bug, what it was shrunk to ends with status $status, not 14" >&2
        return 1
    fi
    before_ns=$(date +%s%N)
    "$sim" replay "$results/$1.scenario" >/dev/null 2>&1 || true
    echo "$(key_of "$1") ${after:-- -} $((($(date +%s%N) - before_ns) / 1000000))" >>"$results/sizes"
}

# without NAME fault|check WHAT: one line of matrix. It is written only if it is sure: all seeds passed, or
# one fails that passes without the bug.
without() {
    told=$(sed -n "s/^$(key_of "$1") $2 $3 //p" "$results/matrix" | tail -n 1)
    case $told in
    "") ;;
    *" - "*) test "${told%% *}" -lt "$budget" || return 0 ;; # lost, of as many seeds
    *) return 0 ;;
    esac
    search "$1" "$results/$1.off/gridkv-sim" "$seed" 1 "--no-$2" "$3"
    test "$found_status" -ne 0 || search "$1" "$results/$1.off/gridkv-sim" 1 "$budget" "--no-$2" "$3"
    if test "$found_status" -ne 0 && test "$found_seed" = -; then
        echo "$1 without $2 $3: $found_check, status $found_status" >&2
        return 1
    fi
    if test "$found_status" -ne 0 && ! timeout "$seconds_max" "$results/off/gridkv-sim" run \
        --seed "$found_seed" "--no-$2" "$3" >/dev/null 2>&1; then
        echo "$1 without $2 $3: seed $found_seed fails without the bug as well" >&2
        return 1
    fi
    echo "$(key_of "$1") $2 $3 $budget $found_seed $found_check" >>"$results/matrix"
}

# The kill that is tried again: sets families, check, and budget, the seeds that say whether it is lost:
# five times as many as it took, and 100 at least.
take_kill() {
    kill_of "$1" off >"$scratch/kill"
    read -r seed _ families check <"$scratch/kill" || return 1
    if test "$seed" = - || test "$(killer_of "$1")" != run; then
        return 1
    fi
    budget=$((5 * seed))
    test "$budget" -ge 100 || budget=100
    test "$budget" -le "$seeds" || budget=$seeds
}

# What is no check that can be switched off, such as a crash, cannot be tried without.
one_checks() {
    take_kill "$1" || return 0
    grep -q "^ *\.name = \"$check\",\$" "$root"/sim/check*.c || return 0
    without "$1" check "$check"
}

# one_faults NAME FAMILY
one_faults() {
    take_kill "$1" || return 0
    without "$1" fault "$2"
}

# tasks STAGE NAME...: a line each: a bug, or a bug and a family.
tasks() {
    stage=$1
    shift
    for name in "$@"; do
        if test "$stage" != faults; then
            echo "$name"
        elif take_kill "$name"; then
            echo "$families" | tr ',' '\n' | sed -n "/^-\$/!s/^/$name /p"
        fi
    done
}

# pins_of NAME: its lines of gate.txt.
pins_of() {
    kill_of "$1" on >"$scratch/kill"
    if ! read -r seed _ _ check <"$scratch/kill"; then
        check="survives"
    fi
    case $check in
    survives* | *"without the bug"* | *"not again"* | "no end") grep "^$1 " "$gate" || true ;;
    *)
        grep "^$1 [^ ]*[.]" "$gate" || true
        echo "$1 $seed $check"
        ;;
    esac
}

pin() {
    gate=$root/sim/mutants/gate.txt
    for name in $(names_of_all); do
        pins_of "$name"
    done | sort >"$results/pinned"
    cp "$results/pinned" "$gate"
}

# each STAGE NAME...: in as many processes as there are processors.
each() {
    tasks "$@" >"$results/tasks"
    : >"$results/done"
    GRIDKV_MUTANT_RESULTS=$results GRIDKV_MUTANT_BEGAN=$(date +%s) \
        xargs -P "$jobs" -L 1 "$0" "one_$1" <"$results/tasks"
}

# progress STAGE: a task has ended. What was measured before says nothing of how long the rest takes.
progress() {
    echo "$is_old" >>"$results/done"
    all=$(wc -l <"$results/tasks")
    ended=$(wc -l <"$results/done")
    new=$(grep -c no "$results/done") || true
    step=$((all / 40 + 1))
    test $((ended % step)) -eq 0 || test "$ended" -eq "$all" || return 0
    passed=$(($(date +%s) - GRIDKV_MUTANT_BEGAN))
    rest="?"
    test "$new" -eq 0 || rest=$((passed * (all - ended) / new))
    echo "$1: $ended of $all in $passed s, about $rest s to go" >&2
}

bases() {
    git -c safe.directory='*' -C "$root" rev-parse --short HEAD >"$results/commit" 2>/dev/null ||
        echo unknown >"$results/commit"
    for mode in on off; do
        # shellcheck disable=SC2046 # a list of programs
        base "$results/$mode" $mode $(for name in $(names_of_all); do program_of "$name"; done | sort -u)
    done
    "$results/off/gridkv-sim" run --seeds 1..50 >"$results/off.report" 2>/dev/null ||
        { cat "$results/off.report" >&2; exit 1; }
}

stage=${1:-}
test $# -eq 0 || shift
case $stage in
one_kills | one_sizes | one_checks | one_faults)
    result=0
    "$stage" "$@" || result=1
    progress "${stage#one_}"
    exit $result
    ;;
esac
wanted=${*:-$(names_of_all)}
failed=0
case $stage in
all)
    bases
    for stage in kills sizes checks faults; do
        # shellcheck disable=SC2086 # a list of names
        each $stage $wanted || failed=1
    done
    pin
    "$root/sim/mutants/table.sh" "$results"
    ;;
kills | sizes | checks | faults)
    bases
    # shellcheck disable=SC2086 # a list of names
    each "$stage" $wanted || failed=1
    ;;
pin) pin ;;
table) "$root/sim/mutants/table.sh" "$results" ;;
*)
    sed -n '2s/^# //p' "$0" >&2
    exit 2
    ;;
esac
echo "results: $results"
exit $failed
