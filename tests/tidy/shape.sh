#!/bin/sh
# Usage: shape.sh ROOT
#
# Size limits and banned words of the C files under ROOT. Comments and strings are blanked before
# the code is looked at. It relies on the layout that .clang-format gives.
set -eu
cd "$1"
find core proto io_posix io_sim sim sim_posix fuzz bench tests examples -name '*.[ch]' -type f \
    ! -path 'tests/tidy/*' 2>/dev/null | sort | xargs awk '
function complain(what) { printf "%s:%d: shape: %s\n", FILENAME, FNR, what; bad = 1 }

# The line without comments, and with the insides of its strings and characters taken out.
function code_of(line,    out, i, c, two, quote) {
    if (!in_comment && line !~ /["\047]|\/\*|\/\//) return line
    out = ""; quote = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1); two = substr(line, i, 2)
        if (in_comment) { if (two == "*/") { in_comment = 0; i++ } }
        else if (quote != "") { if (c == "\\") i++; else if (c == quote) { quote = ""; out = out c } }
        else if (two == "/*") { in_comment = 1; i++ }
        else if (two == "//") break
        else { if (c == "\"" || c == "\047") quote = c; out = out c }
    }
    return out
}

# Is this word in the code, and not part of a longer one?
function has(words) { return code ~ ("(^|[^a-zA-Z0-9_])(" words ")([^a-zA-Z0-9_]|$)") }

# How many parameters the function has whose head was gathered in `head`.
function parameters(    i, c, depth, count) {
    count = 1; depth = 0
    for (i = 1; i <= length(head); i++) {
        c = substr(head, i, 1)
        if (c == "(") depth++
        else if (c == ")") depth--
        else if (c == "," && depth == 1) count++
    }
    return count
}

# Follow the braces: which of those that are open belong to an if, a loop or a switch?
function follow_braces(    i, c, before, control) {
    for (i = 1; i <= length(code); i++) {
        c = substr(code, i, 1)
        if (c == "{") {
            before = substr(code, 1, i - 1)
            control = opened && substr(code, i + 1) ~ /^ *$/ && before ~ /(\) |else |do )$/
            is_control[++braces] = control
            controls += control
            if (control && controls > 3) complain("nesting over 3")
        } else if (c == "}" && braces > 0) {
            controls -= is_control[braces--]
        }
    }
}

FNR == 1 { files++; in_comment = 0; opened = 0; braces = 0; controls = 0; head = "" }
{
    if (length($0) > 100) complain("line over 100 columns")
    if ($0 ~ /[ \t\r]$/) complain("trailing space")
    if ($0 ~ /\t/) complain("tab")
    if (FNR == 801) complain("file over 800 lines")
    if ($0 ~ /(^|[^A-Za-z])(FIXME|XXX)([^A-Za-z]|$)/) complain("leftover marker")
    if ($0 ~ /(^|[^A-Za-z])TODO([^A-Za-z(]|$|\([^#])/) complain("TODO without an issue, TODO(#12)")
    code = code_of($0)
    pure = FILENAME ~ /^(core|proto)\//
}
code ~ /^\{ *$/ {
    opened = FNR
    # The installed API (gridkv_*) hands over bytes as pointer and length, so it needs more.
    if (parameters() > 5 && head !~ /[ *]gridkv_[a-z_]*\(/) complain("over 5 parameters")
}
code ~ /^\} *$/ {
    if (opened && FNR - opened - 1 > 60) complain("body over 60 lines, opened at " opened)
    opened = 0
}
{ follow_braces() }
braces == 0 { head = (code ~ /^#|[;}] *$|^ *$/) ? "" : head code }
pure {
    if (has("goto")) complain("goto")
    if (has("float|double")) complain("floating point")
    if (has("errno")) complain("errno")
    if (code ~ /(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|free|alloca|rand|time|f?printf) ?\(/)
        complain("call out of a pure layer: " code)
}
(pure || FILENAME ~ /^io_sim\//) && code ~ /^[a-z_][^(]*( = .*|;)$/ && code !~ /(^| )(const|typedef|extern) / &&
code !~ /^(struct|enum|union) [a-z0-9_]+;$/ { complain("file-level variable must be const") }
END { if (!files) { print "shape: nothing to check: wrong folder?"; bad = 1 } exit bad }'
