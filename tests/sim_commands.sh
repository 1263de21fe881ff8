#!/bin/sh
# Usage: tests/sim_commands.sh GRIDKV-SIM
#
# Goal: the tool can be used by who did not write it: what is wrong on a command line is said with what
# to write instead, exit statuses are those of docs/simulator.md, and of several processes one failure
# is told.
# Method: run it, and look at its statuses and texts. A run fails here because --limit lets it.
set -u
sim=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# complain TEXT: what was expected, and what came.
complain() {
    echo "gridkv-sim $words: expected $1; it ended with status $status and printed:"
    cat "$work/out" "$work/err"
    failed=1
}

# expect STATUS TEXT WORD...: it ends so, and TEXT (of grep) is in what it prints.
expect() {
    wanted=$1
    text=$2
    shift 2
    words=$*
    status=0
    "$sim" "$@" >"$work/out" 2>"$work/err" || status=$?
    test "$status" -eq "$wanted" || complain "status $wanted"
    cat "$work/out" "$work/err" | grep -q -e "$text" || complain "'$text'"
}

expect 2 'usage: gridkv-sim COMMAND'
expect 0 'usage: gridkv-sim COMMAND' help
expect 2 "there is no command 'rum'" rum
expect 2 "there is no command 'rum'" help rum
for command in $("$sim" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    expect 0 "usage: gridkv-sim $command" help "$command"
    expect 0 'exit status: 0 pass' "$command" --help
done
expect 2 'usage: gridkv-sim replay FILE' replay
expect 2 'cannot be switched' explain run.gseed --no-fault cuts
expect 2 'which seeds?' run
expect 2 "there is no option '--sed'" run --sed 4
expect 2 'see: gridkv-sim help run' run --sed 4
expect 2 '--seed wants a word after it' run --seed
expect 2 "or 8 to 40 digits of a git commit, and not 'x'" run --seed x
expect 2 "or 8 to 40 digits of a git commit, and not 'c108ead'" run --seed c108ead
expect 2 "such as 1..500, and not '5..1'" run --seeds 5..1
expect 2 "such as 90s, 10m or 2h, and not '5d'" run --time 5d
expect 2 '--seeds goes without --time' run --seeds 1..2 --time 1s
expect 2 "no profile 'fast', but: swarm, lite" run --seed 1 --profile fast
expect 2 "knows no 'rain', but all, latency, " run --seed 1 --no-fault cuts,rain
expect 2 "knows no 'luck', but all, open, value, quorum" run --seed 1 --no-check luck
expect 2 'are of one run' run --seeds 1..2 --html page.html
expect 2 '--jobs goes up to 64' run --seeds 1..2 --jobs 65
expect 2 '--hashes goes with 10000000 seeds at most' run --seeds 1..10000001 --hashes
expect 2 '--trace wants chrome=FILE,.* and not' replay run.gseed --trace svg=x
expect 2 'two files are wanted, one of them a .gseed' convert run.gseed
expect 2 'one of the two files has to be a .gseed' convert run input

expect 0 'result=pass' run --seed 0x2
expect 0 '^seed=12648430 .*result=pass' run --seed 00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee
expect 0 'seeds=1..6 run=6 failed=0 .*result=pass' run --seeds 1..6 --profile lite --jobs 2
expect 0 'figures: seeds-per-core-hour=[1-9]' run --seeds 1..3 --profile lite
expect 0 'seeds=5..[0-9]* run=[1-9].*result=pass' run --time 1s --seed 5 --profile lite
expect 0 '{"kind":"runs",.*"result":"pass","status":0}' run --seeds 1..2 --profile lite --json
test ! -s "$work/err" || complain 'nothing on stderr, which is no terminal'

# A failure: the line to paste comes first, and one report alone, that of the lowest seed.
expect 11 '^FAIL limit seed=3 event=1[0-9]* ' run --seeds 3..40 --jobs 4 --limit 100 --no-fault cuts
line='replay: gridkv-sim run --seed 3 --no-fault cuts --limit 100'
head -n 1 "$work/out" | grep -q -e "^$line" || complain "'$line' first"
test "$(grep -c '^FAIL' "$work/out")" -eq 1 || complain 'one FAIL'
first=$(grep '^FAIL' "$work/out")
expect 11 '^FAIL limit' run --seed 3 --no-fault cuts --limit 100
test "$(grep '^FAIL' "$work/out")" = "$first" || complain "'$first' from the line to paste"
expect 11 '{"kind":"failure".*"replay":"gridkv-sim run --seed 3 --limit 100"' \
    run --seeds 3..9 --limit 100 --json

# A process that dies takes its seed with it: here, of a second of processor time.
words='run, whose worker is killed'
status=0
(ulimit -t 1 && "$sim" run --time 30s --seed 1 --jobs 1 --profile lite) >"$work/out" 2>"$work/err" ||
    status=$?
test "$status" -eq 12 || complain 'status 12'
seed=$(sed -n 's/^FAIL crash seed=\([0-9]*\) .*died, of signal [0-9]*$/\1/p' "$work/out")
grep -q -e "^replay: gridkv-sim run --seed $seed --profile lite" "$work/out" ||
    complain 'FAIL crash, and its replay'

# The same of io_posix: both processes die, one is told, and the last line names the seeds.
if test "$(uname)" = Linux; then
    expect 2 'which seeds?' posix
    expect 2 '--seeds goes without --seed' posix --seed 1 --seeds 1..2
    expect 2 'such as 1..500, and not' posix --seeds 5..1
    expect 2 "there is no option '--html'" posix --seed 1 --html page.html
    expect 0 '^seed=3 hash=[0-9a-f]* .*result=pass' posix --seed 3 --twice
    expect 0 '^seeds=3..6 run=4 failed=0 .*result=pass' posix --seeds 3..6 --jobs 2
    tail -n 1 "$work/out" | grep -q '^seeds=' || complain 'the seeds last'
    expect 0 '^seeds=5..[0-9]* run=[1-9].*result=pass' posix --time 1s --seed 5
    words='posix, whose workers are killed'
    status=0
    (ulimit -t 1 && "$sim" posix --time 30s --seed 1 --jobs 2) >"$work/out" 2>"$work/err" || status=$?
    test "$status" -eq 12 || complain 'status 12'
    test "$(grep -c '^FAIL' "$work/out")" -eq 1 || complain 'one FAIL'
    seed=$(sed -n 's/^FAIL crash seed=\([0-9]*\) .*died, of signal [0-9]*$/\1/p' "$work/out")
    grep -q -e "^replay: gridkv-sim posix --seed $seed" "$work/out" || complain 'FAIL crash, and its replay'
    grep -q '^seeds=1\.\..* failed=[12] .*result=assertion$' "$work/out" || complain 'the seeds, and assertion'
fi

# A small world in full, up to a time; draws that are typed in have to be those of a run.
expect 0 '^play 3: a sets and c gets at once: 1105 runs' exhaust --play 3
expect 0 '^play 3: .*: 1 runs, 1 losses' exhaust --play 3 --draws 0,0,1
expect 2 '--draws: number 3 is 9, and after those before it goes up to 1' exhaust --play 3 --draws 0,0,9,1
expect 2 '--draws has 12 numbers, and that run has 9 choices' exhaust --play 3 --draws 0,0,1,0,0,0,0,0,0,0,0,0
expect 2 '--draws wants numbers with commas, and a --play' exhaust --play 3 --draws 1,x
expect 2 '--draws wants numbers with commas, and a --play' exhaust --draws 1
expect 2 '--play goes up to 6' exhaust --play 7
expect 2 '--time wants a time' exhaust --time 0
expect 0 '^play 6: stopped by the time; that was not all of it, but about 0\.' exhaust --play 6 --time 1s

# A failure in words, of a seed and of its recording.
expect 2 'what? FILE.gseed, FILE.scenario, or --seed N' explain
expect 2 'what? FILE.gseed, FILE.scenario, or --seed N' explain --seed 3 run.gseed
expect 0 'Seed 3 passes' explain --seed 3
expect 11 "HERE 'limit' does not hold any more" explain --seed 3 --limit 150
expect 11 'wrote ' run --seed 3 --limit 150 --out "$work/run.gseed"
expect 11 "HERE 'limit' does not hold any more" explain "$work/run.gseed"
expect 11 '^as recorded' replay "$work/run.gseed"

# A file that cannot be written: what passed ends with 16, a failure keeps its status. Both what cannot be
# opened and what takes no byte.
none=$work/none/file
for option in "--out $none" "--html $none" "--trace history=$none" "--out $none --json"; do
    # shellcheck disable=SC2086 # two words and more
    expect 16 "gridkv-sim: cannot write $none" run --seed 3 $option
done
expect 16 '"result":"internal","status":16}' run --seed 3 --json --out "$none"
expect 11 '"result":"liveness","status":11}' run --seed 3 --json --out "$none" --limit 150
expect 11 "cannot write $none" run --seed 3 --limit 150 --html "$none"
expect 0 'wrote ' run --seed 3 --out "$work/run.gseed"
expect 16 "cannot write $none" replay "$work/run.gseed" --html "$none"
expect 16 "cannot write $none" replay "$work/run.gseed" --trace "shiviz=$work/x,chrome=$none"
if test -w /dev/full; then
    expect 16 'cannot write /dev/full' run --seed 3 --out /dev/full
    expect 16 'cannot write /dev/full' run --seed 3 --html /dev/full
    expect 16 'cannot write /dev/full' replay "$work/run.gseed" --trace history=/dev/full
    words='run --seed 3, to /dev/full'
    status=0
    "$sim" run --seed 3 >/dev/full 2>"$work/err" || status=$?
    test "$status" -eq 16 || complain 'status 16'
fi

# A name that does not fit into the line to paste is refused, not cut.
long=$(printf '%0900d' 0)
expect 2 'the name of a file may have 782 bytes' replay "$long"
expect 2 'the name of a file may have 782 bytes' shrink "$long"
expect 2 '--out is too long a name' shrink "$work/run.gseed" --out "$long"

# What a scenario asks for and does not get is said.
cat >"$work/vain.scenario" <<'END'
scenario 1
1.4s  c0 sets k0 at a
1.4s  c0 gets k0 at b
expect pass
END
expect 0 '^left out: 1 of 2 lines; the first, at 1.400000000s: c0 gets k0 at b' replay "$work/vain.scenario"
"$(dirname "$0")/scenarios.sh" "$sim" "$work/vain.scenario" >"$work/out" && complain 'a scenario that does nothing to be refused'

# Shrinking: a scenario that fails without any bug, since what READ sets takes longer than its time.
# Whatever stops it, the smallest so far is whole, in the file, and fails alike.
cat >"$work/wrong.scenario" <<'END'
scenario 1
keys 3
operation_timeout 100ms
latency 1ms
window_bytes 512
value_bytes 60000
value_bytes_max 61440

1.4s  c0 gets k2 at a
1.5s  cut a > b

expect open
END
small=$work/small.scenario
expect 0 "^replay: gridkv-sim replay $small" shrink "$work/wrong.scenario" --out "$small"
grep -q '^tries: [0-9]*$' "$work/out" || complain 'an end because nothing gets smaller'
expect 11 'as expected: open' replay "$small"
wanted=scenario,value_bytes,operation_timeout,latency,window_bytes,value_bytes_max,
test "$(sed '/^$/d; s/ [0-9].*$//' "$small" | tr '\n' ,)" = "${wanted}expect open," ||
    complain 'a head of five lines, and nothing else'
for limit in '--tries 0' '--tries 3' '--time 1s'; do
    rm -f "$small"
    # shellcheck disable=SC2086 # two words
    expect 0 "^replay: gridkv-sim replay $small" shrink "$work/wrong.scenario" $limit --out "$small"
    expect 11 'as expected: open' replay "$small"
done
test ! -e "$small.part" || complain 'no half of a file'
expect 0 'stopped by the limit' shrink "$work/wrong.scenario" --tries 3 --out "$small"
expect 16 "cannot write $work/none/small" shrink "$work/wrong.scenario" --out "$work/none/small"
expect 2 'such as 90s, 10m or 2h' shrink "$work/wrong.scenario" --time 5d
expect 11 'wrote ' run --seed 3 --limit 150 --out "$work/run.gseed"
expect 14 'does not fail as recorded, which was check limit' shrink "$work/run.gseed"

# Hashes do not depend on how many processes there are.
expect 0 '^3 [0-9a-f]\{32\}$' run --seeds 1..8 --hashes --profile lite --jobs 1
cp "$work/out" "$work/hashes"
expect 0 '^8 ' run --seeds 1..8 --hashes --profile lite --jobs 3
cmp -s "$work/out" "$work/hashes" || complain 'the same hashes in three processes'

# Determinism: against itself, against one that runs something else, and one that runs nothing.
expect 0 'seeds=1..6 builds=2 result=pass' determinism --seeds 1..6 --profile lite --against "$sim"
other="f() { '$sim' \"\$@\" --no-fault cuts; }; f"
expect 14 '^FAIL determinism seed=[1-9]' determinism --seeds 1..6 --against "$other"
line='replay: gridkv-sim determinism --seeds \([0-9]*\)\.\.\1 --against '
grep -q "^$line" "$work/out" || complain "'$line'"
expect 14 '^FAIL determinism seed=2: hash [0-9a-f]* here, and not run there' \
    determinism --seeds 2..3 --against false

# What is off fails nothing and changes nothing else: the run waits for it as before. (Seed 43 has
# differences to compare when all but the check store has settled.)
"$sim" run --seed 43 | sed -n 's/.* hash=\([0-9a-f]*\) .*/\1/p' >"$work/hash"
expect 0 "hash=$(cat "$work/hash") .*result=pass" run --seed 43 --no-check store
exit $failed
