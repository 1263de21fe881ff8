#!/bin/sh
# An input of the fuzzer becomes a recording, and the recording an input again: all three are one run.
# usage: convert.sh GRIDKV_SIM INPUT...
set -eu
sim=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

hash_of() {
    sed -n 's/.* hash=\([0-9a-f]*\).*/\1/p' "$1"
}

for input in "$@"; do
    "$sim" convert "$input" "$folder/run.gseed" >"$folder/there"
    "$sim" convert "$folder/run.gseed" "$folder/input" >"$folder/back"
    "$sim" convert "$folder/input" "$folder/again.gseed" >"$folder/again"
    hash=$(hash_of "$folder/there")
    test -n "$hash"
    test "$hash" = "$(hash_of "$folder/back")"
    test "$hash" = "$(hash_of "$folder/again")"
    cmp "$folder/run.gseed" "$folder/again.gseed"
done
