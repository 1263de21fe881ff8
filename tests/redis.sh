#!/bin/sh
# Usage: redis.sh GRIDKVD
#
# Goal: redis-cli and redis-benchmark can use a three-node cluster through its doors without an error.
# Method: three processes on ports that the system gives them; set through one and get through another;
# 100,000 pipelined sets and gets; then SIGTERM to each, which must end with status 0. A fourth process
# is a cache: more is set than it holds, and it refuses nothing.
set -eu
gridkvd=$1
command -v redis-benchmark >/dev/null || { echo "redis-tools is not installed"; exit 77; }
work=$(mktemp -d)
pids=
stop() {
    # shellcheck disable=SC2086 # a list of process ids
    test -z "$pids" || kill $pids 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT

# start NAME [SEED]: run a node and wait for the line that says where it listens.
start() {
    name=$1
    shift
    "$gridkvd" --id "$name" --listen 127.0.0.1:0 --resp 127.0.0.1:0 "$@" >"$work/$name" &
    pids="$pids $!"
    for _ in $(seq 300); do
        test -s "$work/$name" && return 0
        sleep 0.1
    done
    echo "$name did not start"
    exit 1
}
address_of() { sed -n 's/.*listening on \([^,]*\),.*/\1/p' "$work/$1"; }
port_of() { sed -n 's/.*resp on .*:\([0-9]*\)$/\1/p' "$work/$1"; }

start a
start b --seed-addr "$(address_of a)"
start c --seed-addr "$(address_of a)"
for name in a b c; do
    for _ in $(seq 300); do
        redis-cli -p "$(port_of $name)" info gridkv >"$work/info"
        grep -q '^reachable:3' "$work/info" && break
        sleep 0.1
    done
    grep -q '^reachable:3' "$work/info" || { echo "$name never saw three nodes"; exit 1; }
done

expect() {
    got=$(redis-cli -p "$1" $2)
    test "$got" = "$3" || { echo "redis-cli $2: got '$got', want '$3'"; exit 1; }
}
expect "$(port_of a)" "set a 1" OK
expect "$(port_of b)" "get a" 1
expect "$(port_of c)" "del a" 1
expect "$(port_of a)" "exists a" 0

redis-benchmark -p "$(port_of a)" -t set,get -n 100000 -P 16 -q >"$work/bench" 2>&1 ||
    { cat "$work/bench"; exit 1; }
tr '\r' '\n' <"$work/bench" | grep -E 'per second' | tail -n 2
if grep -i error "$work/bench"; then
    exit 1
fi
expect "$(port_of b)" "get key:__rand_int__" VXK

start cache --cluster cache --memory-mb 1 --level eventual --memory-policy evict \
    --replicas 1 --write-quorum 1 --read-quorum 1
redis-benchmark -p "$(port_of cache)" -t set -n 20000 -r 20000 -d 100 -P 16 -q >"$work/bench" 2>&1 ||
    { cat "$work/bench"; exit 1; }
if grep -i error "$work/bench"; then
    exit 1
fi
redis-cli -p "$(port_of cache)" info stats | grep -q '^evicted_keys:[1-9]' ||
    { echo "the cache evicted nothing"; exit 1; }

# shellcheck disable=SC2086
kill $pids
for pid in $pids; do
    wait "$pid" || { echo "a node ended with status $?"; exit 1; }
done
pids=
