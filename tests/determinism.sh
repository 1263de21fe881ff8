#!/bin/sh
# Usage: tests/determinism.sh SEEDS [FOLDER] [--asan]
#        such as tests/determinism.sh 1..500 --asan
#
# Goal: a seed gives the same run whatever compiled it, and wherever its memory and stack are.
# Method: build gridkv-sim in FOLDER (build/determinism) with gcc -O0, gcc -O3, clang, and with --asan
# with gcc's address and undefined behaviour sanitizers. The command `determinism` runs the seeds twice
# in the first of them, and compares each hash with the other builds'; with the same build without an
# environment, with a large one (it lies above the stack and moves it), in another folder under another
# name, and with memory that glibc fills with a pattern. Exit status 77, skipped, when there is no
# clang, and only after the others agreed.
set -eu
cmake=${CMAKE:-cmake}
root=$(cd "$(dirname "$0")/.." && pwd)
seeds=$1
shift
folder=$root/build/determinism
builds="gcc-O0 gcc-O3"
for word in "$@"; do
    case $word in
    --asan) builds="$builds gcc-asan" ;;
    *) folder=$word ;;
    esac
done
if command -v clang >/dev/null; then
    builds="$builds clang-O2"
fi

# build NAME: the compiler and its flags are in the name.
build() {
    flags=-${1#*-}
    test "$1" != gcc-asan || flags='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
    echo "== ${1%%-*} $flags"
    "$cmake" -S "$root" -B "$folder/$1" -G Ninja -DCMAKE_C_COMPILER="${1%%-*}" \
        -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS="$flags" -DGRIDKV_TESTS=OFF >"$folder/$1.log" 2>&1 &&
        "$cmake" --build "$folder/$1" --target gridkv-sim >>"$folder/$1.log" 2>&1 ||
        { cat "$folder/$1.log"; exit 1; }
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
for name in $builds; do
    build "$name"
done
sim=$folder/gcc-O0/gridkv-sim
ln -f "$sim" "$sim-of-another-and-longer-name"
set -- --against "env -i '$sim'" --against "CROWD=\$(head -c 100000 /dev/zero | tr '\\0' x) '$sim'" \
    --against "MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.perturb=165 '$sim'" \
    --against "cd / && '$sim-of-another-and-longer-name'"
for name in $builds; do
    test "$name" = gcc-O0 || set -- "$@" --against "'$folder/$name/gridkv-sim'"
done
"$sim" determinism --seeds "$seeds" "$@"
"$sim" run --seeds 1..5 --hashes >"$folder/hashes"
test "$(cut -d ' ' -f 2 "$folder/hashes" | sort -u | wc -l)" -eq 5 ||
    { echo "some seeds have one hash"; exit 1; }
command -v clang >/dev/null || { echo "no clang: skipped"; exit 77; }
