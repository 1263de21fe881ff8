#!/bin/sh
# Usage: tests/plant.sh
#
# Goal: a bug that a test program must find is killed when one test fails and all others pass, and by
# nothing else, such as a program that dies.
# Method: programs that say what cmocka says, and what sim/mutants/plant.sh makes of it.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/sim/mutants/plant.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect VERDICT: of the program that stdin is.
expect() {
    { echo '#!/bin/sh'; cat; } >"$work/program"
    chmod +x "$work/program"
    verdict=$(verdict_of "$work/program")
    test "$verdict" = "$1" || { echo "expected '$1', and not '$verdict', of:"; cat "$work/program"; failed=1; }
}

expect passes <<'END'
test "$CMOCKA_MESSAGE_OUTPUT" = TAP && printf '1..2\nok 1 - test_a\nok 2 - test_b\n# ok - tests\n'
END
expect test_b <<'END'
printf '1..3\nok 1 - test_a\nnot ok 2 - test_b\n# 1 != 2\nok 3 - test_c\n# not ok - tests\n'
exit 1
END
expect '1 of 3 pass' <<'END'
printf '1..3\nok 1 - test_a\nnot ok 2 - test_b\nnot ok 3 - test_c\n'
exit 2
END
expect '1 of 3 pass' <<'END'
printf '1..3\nok 1 - test_a\nnot ok 2 - test_b\n'
kill -9 $$
END
expect '0 of 0 pass' <<'END'
exit 12
END
exit $failed
