#!/bin/sh
# Usage: tests/scenarios.sh GRIDKV_SIM [FILE...]    by default, all of sim/scenarios
#
# Goal: what went wrong once does not again.
# Method: every scenario must be readable (else it is said which line is not), say that it passes, and
# pass, and each of its lines be carried out: one that is left out proves nothing. That those of planted
# bugs fail with their bug is for sim/mutants/gate.txt to ask.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
sim=$1
shift
test $# -gt 0 || set -- "$root"/sim/scenarios/*.scenario
failed=0
for file in "$@"; do
    if ! grep -q '^expect pass$' "$file"; then
        echo "$file: must expect pass"
        failed=1
    elif ! output=$(timeout 60 "$sim" replay "$file" 2>&1); then
        echo "$file: does not pass:"
        echo "$output" | head -n 20
        failed=1
    elif echo "$output" | grep '^left out:'; then
        echo "$file: is not carried out"
        failed=1
    fi
done
exit $failed
