# Plant a bug and build a program with it. Sourced by gate.sh and measure.sh; needs $root.
#
# Nothing is copied and nothing is patched in place: of a clean build, only the files that a patch
# changes are compiled again, elsewhere, and linked before the clean libraries. The linker never looks
# into a library for what it has, so that the planted file stands in for the clean one. That takes half
# a second for each bug, and any number of them can be built at once.

names_of_all() {
    for patch in "$root"/sim/mutants/*.patch; do
        basename "$patch" .patch
    done
}

patch_of() {
    echo "$root/sim/mutants/$1.patch"
}

# Who must find it: "Killed by: NAME" below the first line, or else "run", the generic seeds. NAME is
# "posix", for gridkv-sim posix, or a test program.
killer_of() {
    killer=$(sed -n '1,3s/^Killed by: //p' "$(patch_of "$1")")
    echo "${killer:-run}"
}

program_of() {
    killer=$(killer_of "$1")
    case $killer in
    run | posix) echo gridkv-sim ;;
    *) echo "$killer" ;;
    esac
}

# verdict_of PROGRAM: what a test program comes to: "passes", the name of its one test that fails while all
# others pass, or how many pass. Only a name is a kill: a program that dies, or in which all goes wrong, may
# do so for any reason.
verdict_of() {
    { CMOCKA_MESSAGE_OUTPUT=TAP timeout 120 "$1"; } 2>/dev/null | awk '
    /^1\.\.[0-9]+$/ { count = substr($0, 4) }
    /^ok [0-9]+ - / { passed++ }
    /^not ok [0-9]+ - / { failed++; name = $NF }
    END {
        if (count > 0 && passed == count) print "passes"
        else if (failed == 1 && passed == count - 1) print name
        else printf "%d of %d pass\n", passed, count
    }'
}

# The text after "Plants: ".
plants_of() {
    sed -n '1s/^Plants: //p' "$(patch_of "$1")"
}

# base FOLDER on|off TARGET...: a clean release build in FOLDER. With "off", assertions do nothing.
base() {
    flags=
    if test "$2" = off; then
        mkdir -p "$1/quiet/core"
        sed 's/^#define GKV_ASSERT(expression).*/#define GKV_ASSERT(expression) GKV_MAYBE(expression)/' \
            "$root/core/panic.h" >"$1/quiet/core/panic.h"
        if cmp -s "$1/quiet/core/panic.h" "$root/core/panic.h"; then
            echo "core/panic.h: GKV_ASSERT is not where it was" >&2
            return 1
        fi
        flags="-iquote $1/quiet"
    fi
    folder=$1
    shift 2
    cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$flags" \
        -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >"$folder.log" 2>&1 &&
        cmake --build "$folder" --target "$@" >>"$folder.log" 2>&1 || { tail -n 20 "$folder.log" >&2; return 1; }
}

# command_of BASE PROGRAM END: the command of a clean build that ends so, to be run in BASE.
command_of() {
    ninja -C "$1" -t commands "$2" | grep -- "$3" | tail -n 1
}

# compile BASE PROGRAM FILE OUT: OUT/FILE instead of the clean one, into OUT/FILE.o.
compile() {
    line=$(command_of "$1" "$2" " -c $root/$3\$" |
        sed -e 's/ -M[DM][^ ]*//' -e 's/ -M[TF] [^ ]*//g' -e 's/ -o .*//')
    if test -z "$line"; then
        echo "$3: not a part of $2"
        return 1
    fi
    (cd "$1" && eval "$line -Werror -o '$4/$3.o' -c '$4/$3'")
}

# plant NAME BASE OUT: OUT/PROGRAM with the bug. False, and "why" says why, when the patch does not apply
# without fuzz, or what it changes does not compile without a warning.
plant() {
    program=$(program_of "$1")
    rm -rf "$3"
    objects=
    files=$(sed -n 's#^+++ b/##p' "$(patch_of "$1")")
    for file in $files; do
        mkdir -p "$3/$(dirname "$file")"
        cp "$root/$file" "$3/$file"
    done
    if ! patch -d "$3" -p1 -f --fuzz=0 -s --no-backup-if-mismatch <"$(patch_of "$1")" >"$3/log"; then
        why="the patch no longer applies"
        return 1
    fi
    for file in $files; do
        if ! compile "$2" "$program" "$file" "$3" >>"$3/log" 2>&1; then
            why="does not build: $(grep -m 1 'error\|not a part' "$3/log")"
            return 1
        fi
        objects="$objects $3/$file.o"
    done
    link=$(command_of "$2" "$program" " -o $program " | sed "s# -o $program # $objects -o $3/$program #")
    if ! (cd "$2" && eval "$link") >>"$3/log" 2>&1; then
        why="does not link: $(tail -n 1 "$3/log")"
        return 1
    fi
}
