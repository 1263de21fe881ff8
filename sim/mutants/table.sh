#!/bin/sh
# Usage: table.sh RESULTS
#
# Writes docs/results/mutants.md: mutants.md.in, with the lines @summary@, @kills@ and @matrix@ replaced by
# what measure.sh left in the folder RESULTS: of several lines that say the same thing, the last. Bugs by other
# programs than gridkv-sim have neither seed nor size. A search without a find counts as longer than all others.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/sim/mutants/plant.sh"
results=$1
commit=$(cat "$results/commit" 2>/dev/null || echo unknown) # sim/mutants aside
machine=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
compiler=$(cc --version | head -n 1)

for name in $(names_of_all); do
    echo "$name $(cksum <"$(patch_of "$name")" | cut -d ' ' -f 1) $(program_of "$name") $(plants_of "$name")"
done >"$results/list"

# How many seeds it took, from each of the first seeds.
awk -v list="$results/list" -v sizes="$results/sizes" -v part="$results/part" '
function median(count,    i, j, t) {
    for (i = 1; i <= count; i++)
        for (j = i + 1; j <= count; j++)
            if (all[j] < all[i]) { t = all[i]; all[i] = all[j]; all[j] = t }
    return count == 0 ? "-" : all[int((count + 1) / 2)]
}
BEGIN {
    none = 1e9
    first_count = split("1 1000001 2000001", firsts, " ")
    while ((getline line < list) > 0) {
        split(line, word, " ")
        names[++name_count] = word[1]
        key[word[1]] = word[2]
        program[word[1]] = word[3]
        plants[word[1]] = substr(line, length(word[1] word[2] word[3]) + 4)
    }
    while ((getline line < sizes) > 0) {
        split(line, word, " ")
        if (key[word[1]] != word[2]) continue
        operations[word[1]] = word[3]
        events[word[1]] = word[4]
        replay_ms[word[1]] = word[5]
    }
}
key[$1] == $2 {
    check = $8
    for (i = 9; i <= NF; i++) check = check " " $i
    id = $1 SUBSEP $3
    if ($4 == 1) { seed[id] = $5; status[id] = $6; by[id] = check }
    few[id, $4] = $5 == "-" ? none : $5 - $4 + 1
}
END {
    kills = part ".kills"
    summary = part ".summary"
    printf "" > kills
    for (i = 1; i <= name_count; i++) {
        n = names[i]
        on = n SUBSEP "on"
        off = n SUBSEP "off"
        total = 0
        took = ""
        for (j = 1; j <= first_count && program[n] == "gridkv-sim"; j++) {
            if (!((on, firsts[j]) in few)) continue
            all[++total] = few[on, firsts[j]]
            took = took " " (all[total] == none ? "none" : all[total])
            if (all[total] == none) without++
            else if (all[total] > greatest) greatest = all[total]
        }
        m = median(total)
        printf "| %s | %s | %s |%s | %s | %s | %s | %s | %s | %s |\n", n, plants[n], \
            m == none ? "none" : m, took == "" ? " -" : took, by[on] == "" ? "not measured" : by[on] " (" status[on] ")", \
            by[off] == "" ? "not measured" : seed[off], by[off] == "" ? "-" : by[off] " (" status[off] ")", \
            operations[n] == "" ? "-" : operations[n], events[n] == "" ? "-" : events[n], \
            replay_ms[n] == "" ? "-" : replay_ms[n] >> kills
        if (by[on] == "" || by[off] == "") missing++
        else if (by[on] ~ /survives|no end|without the bug|not again/) lost_on = lost_on " " n
        else killed_on++
        if (by[off] ~ /survives|no end|without the bug|not again/) lost_off = lost_off " " n
        else if (by[off] != "") killed_off++
        if (m != "-") { medians[++median_count] = m; if (m != none && m > greatest_median) greatest_median = m }
        if (operations[n] > most_operations) most_operations = operations[n] + 0
    }
    for (j = 1; j <= median_count; j++) all[j] = medians[j]
    printf "- %d planted bugs. With assertions %d are killed, without %d.\n", name_count, killed_on, killed_off > summary
    printf "- Seeds to the first kill: median %s, greatest %d (of single searches; of the medians of three %d).\n", \
        median(median_count), greatest, greatest_median >> summary
    if (without > 0) printf "- **Searches that found nothing: %d**, which are no part of these greatest.\n", without >> summary
    if (most_operations == "") print "- Sizes after shrinking: not measured." >> summary
    else printf "- After shrinking: at most %d client operations.\n", most_operations >> summary
    if (lost_on != "") printf "- Survivors with assertions:%s.\n", lost_on >> summary
    if (lost_off != "") printf "- Survivors without assertions:%s.\n", lost_off >> summary
    if (missing > 0) printf "- **%d were not measured.**\n", missing >> summary
}' "$results/kills"

# Every family and every check that there is, whether a kill had to do with it or not.
{
    sed -n 's/^ *GKV_FAMILY_\([A-Z_]*\) = [0-9]*,$/\1/p' "$root/sim/family.h" | grep -v '^COUNT$' |
        tr '[:upper:]' '[:lower:]' | sed 's/^/fault /'
    sed -n 's/^ *\.name = "\([a-z]*\)",$/check \1/p' "$root"/sim/check*.c | sort
} >"$results/switches"
awk -v list="$results/list" -v switches="$results/switches" '
BEGIN { while ((getline line < list) > 0) { split(line, word, " "); key[word[1]] = word[2] } }
key[$1] == $2 {
    id = $1 SUBSEP $3 SUBSEP $4
    if (!(id in budget)) ids[++id_count] = id
    budget[id] = $6 == "-" ? $5 : 0
}
END {
    for (i = 1; i <= id_count; i++) {
        split(ids[i], word, SUBSEP)
        id = word[2] SUBSEP word[3]
        tried[id]++
        if (budget[ids[i]] > 0)
            lost[id] = lost[id] (lost[id] == "" ? "" : ", ") substr(word[1], 1, 2) " (" budget[ids[i]] ")"
    }
    while ((getline line < switches) > 0) {
        split(line, word, " ")
        id = word[1] SUBSEP word[2]
        said = lost[id]
        if (said == "") said = id in tried ? "none" : "-"
        printf "| %s `%s` | %d | %s |\n", word[1], word[2], tried[id], said
    }
}' "$results/matrix" >"$results/part.matrix"

while IFS= read -r line; do
    case $line in
    @summary@) cat "$results/part.summary" ;;
    @kills@) cat "$results/part.kills" ;;
    @matrix@) cat "$results/part.matrix" ;;
    @measured@) echo "Measured at commit $commit, on $(nproc) processors of ${machine:-an unknown machine}, with $compiler." ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$root/sim/mutants/mutants.md.in" >"$root/docs/results/mutants.md"
