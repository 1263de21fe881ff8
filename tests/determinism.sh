#!/bin/sh
# Usage: determinism.sh CMAKE ROOT FOLDER
#
# Goal: a seed gives the same run whatever compiled it, and wherever its memory and stack are.
# Method: build gridkv-sim in FOLDER with gcc -O0, gcc -O3 and clang, run seeds 1 to 5 in each, and
# compare the lines that hold a hash. Run the first build again without an environment, with a large
# one (it lies above the stack and moves it), in another folder under another name, and with memory
# that glibc fills with a pattern. Exit status 77, skipped, when there is no clang, and only after the
# two gcc builds agreed.
set -eu
cmake=$1
root=$2
folder=$3

# build NAME COMPILER FLAGS: leaves the hashes of all seeds in FOLDER/NAME.hashes.
build() {
    echo "== $1: $2 $3"
    "$cmake" -S "$root" -B "$folder/$1" -G Ninja -DCMAKE_C_COMPILER="$2" -DCMAKE_BUILD_TYPE=None \
        -DCMAKE_C_FLAGS="$3" -DGRIDKV_TESTS=OFF >"$folder/$1.log" 2>&1 &&
        "$cmake" --build "$folder/$1" --target gridkv-sim >>"$folder/$1.log" 2>&1 ||
        { cat "$folder/$1.log"; exit 1; }
    for seed in 1 2 3 4 5; do
        "$folder/$1/gridkv-sim" run --seed $seed >"$folder/$1.$seed.out" ||
            { echo "seed $seed fails"; cat "$folder/$1.$seed.out"; exit 1; }
        grep -i hash "$folder/$1.$seed.out" || { echo "seed $seed printed no hash"; exit 1; }
    done >"$folder/$1.hashes" || { cat "$folder/$1.hashes"; exit 1; }
    cat "$folder/$1.hashes"
}

# again NAME COMMAND...: the first build once more, started by COMMAND.
again() {
    name=$1
    shift
    for seed in 1 2 3 4 5; do
        "$@" run --seed $seed | grep hash
    done >"$folder/$name.hashes" || { echo "$name: a seed fails"; exit 1; }
    agree gcc-O0 "$name"
}

agree() {
    diff "$folder/$1.hashes" "$folder/$2.hashes" || { echo "$1 and $2 differ"; exit 1; }
}

mkdir -p "$folder"
build gcc-O0 gcc -O0
sim=$(cd "$folder/gcc-O0" && pwd)/gridkv-sim
again bare env -i "$sim"
again crowded env "CROWD=$(head -c 100000 /dev/zero | tr '\0' x)" "$sim"
again patterned env MALLOC_PERTURB_=165 GLIBC_TUNABLES=glibc.malloc.perturb=165 "$sim"
ln -f "$sim" "$sim-of-another-and-longer-name"
again elsewhere sh -c 'cd / && exec "$0" "$@"' "$sim-of-another-and-longer-name"
build gcc-O3 gcc -O3
agree gcc-O0 gcc-O3
test "$(sort -u "$folder/gcc-O0.hashes" | wc -l)" -gt 1 || { echo "every seed has one hash"; exit 1; }
command -v clang >/dev/null || { echo "no clang: skipped"; exit 77; }
build clang-O2 clang -O2
agree gcc-O0 clang-O2
echo "three builds agree"
