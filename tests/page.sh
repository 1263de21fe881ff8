#!/usr/bin/env bash
# Usage: tests/page.sh PAGE.html
#        tests/page.sh TEST_JOURNAL    the page that this program writes
#
# Goal: the page of a failed run shows it: the violation in view, arrows, lanes, filters that
# filter; every kind of message has a group, and every state of a member a colour.
# Method: open it in headless Chromium with #selftest, which makes the page write what it drew into
# its own document, and compare. Exit status 77 when there is no Chromium.
set -euo pipefail
page=$(realpath "$1")
made=''
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if test -z "$browser"; then
    echo "page: no chromium; skipped"
    exit 77
fi
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
case $page in
*.html) ;;
*)
    made=$page
    page=$profile/page.html
    "$made" "$page"
    ;;
esac
if grep -Eq '(src|href)="?(https?:)?//|@import|url\(' "$page"; then
    echo "page: asks for something else than itself"
    exit 1
fi
timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-background-networking \
    --disable-component-update --disable-sync --no-first-run --user-data-dir="$profile" \
    --window-size=1440,900 --dump-dom "file://$page#selftest" \
    >"$profile/dom" 2>"$profile/log" || {
    tail -n 5 "$profile/log"
    exit 1
}
result=$(sed -n 's/.*<pre id="selftest">\(.*\)<\/pre>.*/\1/p' "$profile/dom" | head -n 1)
echo "page: $result"

# value NAME: what the page says of it.
value() {
    printf '%s\n' "$result" | tr ' ' '\n' | sed -n "s/^$1=//p"
}
failed=0
expect() {
    if ! test "$@"; then
        echo "page: expected $*"
        failed=1
    fi
}
if test -z "$result"; then
    echo "page: its script did not reach the end"
    exit 1
fi
expect "$(value violation)" = visible
expect "$(value lanes)" -ge 2
expect "$(value arrows)" -ge 1
expect "$(value rows)" -ge 1
expect "$(value all_operations)" -ge 1
expect "$(value all_messages)" -ge "$(value arrows)"
expect "$(value without_membership)" -lt "$(value all_messages)"
expect "$(value without_a)" -lt "$(value all_messages)"
expect "$(value only_key)" -le "$(value all_messages)"
expect "$(value kinds_unpainted)" = none
expect "$(value states_unpainted)" = none
expect "$(value zoomed)" = true
expect "$(value hover)" != nothing
if test -n "$made"; then # that run is known: two nodes, a client, six messages, one cut, all states
    expect "$(value lanes)" -eq 3
    expect "$(value all_messages)" -eq 6
    expect "$(value all_lost)" -eq 1
    expect "$(value states)" -ge 6
    expect "$(value all_cuts)" -eq 1
    expect "$(value all_operations)" -eq 2
    expect "$(value guilty)" -eq 1
    expect "$(value without_membership)" -eq 1
    expect "$(value without_a)" -eq 0
    expect "$(value only_key)" -eq 1
fi
exit $failed
