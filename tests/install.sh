#!/bin/sh
# Usage: install.sh CMAKE ROOT BUILD
#
# Goal: what is installed can be used with cc and pkg-config alone, or from CMake, from any prefix, and
# shows no name but the public ones.
# Method: install into BUILD/consumer/first, move it, and compile, link and run a program there. The
# first block of C in README.md must compile and run as it stands.
set -eu
cmake=$1
root=$2
build=$3
work=$build/consumer

rm -rf "$work"
mkdir -p "$work/app"
"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
mv "$work/first" "$work/prefix"
pc=$(find "$work/prefix" -name gridkv.pc)
library=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="${pc%/*}" LD_LIBRARY_PATH="$library"
cd "$work/app"

cat >app.c <<'C'
#include <gridkv.h>
#include <stdio.h>

int main(void)
{
    return puts(gkv_error_name(GKV_ERROR_KEY_EMPTY)) < 0;
}
C
cat >CMakeLists.txt <<'C'
cmake_minimum_required(VERSION 3.16)
project(app C)
find_package(gridkv REQUIRED)
add_executable(app app.c)
target_link_libraries(app gridkv::gridkv)
C

# shellcheck disable=SC2046 # the flags are words
cc app.c -o with-pkg-config $(pkg-config --cflags --libs gridkv)
test "$(./with-pkg-config)" = KEY_EMPTY
echo "cc and pkg-config: ok"

"$cmake" -S . -B cmake -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" >cmake.log 2>&1 &&
    "$cmake" --build cmake >>cmake.log 2>&1 || { cat cmake.log; exit 1; }
test "$(cmake/app)" = KEY_EMPTY
echo "find_package: ok"

awk '/^```/ { if (on) exit; on = /^```c$/; next } on' "$root/README.md" >readme.c
test -s readme.c || { echo "README.md has no block of C"; exit 1; }
# shellcheck disable=SC2046
cc -Wall -Wextra -Werror readme.c -o readme $(pkg-config --cflags --libs gridkv)
test "$(./readme)" = "OK: hello"
echo "the program in README.md: ok"

if test -e "$library/libgridkv.so"; then
    nm -D --defined-only "$library/libgridkv.so" | awk '{ print $3 }' >exports
    grep -qx gkv_error_text exports || { echo "gkv_error_text is not exported"; exit 1; }
    if grep -vE '^(gridkv_[a-z0-9_]+|gkv_error_name|gkv_error_text)$' exports; then
        echo "the names above must not be exported"
        exit 1
    fi
    echo "exports: ok"
fi
