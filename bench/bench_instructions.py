"""Usage: bench_instructions.py GRIDKVD [--build FOLDER]

Where the instructions of a get, a set and a quorum set go, by source file: callgrind counts them in
the programs of the benchmark "performance" and in bench_quorum; below them stand the nanoseconds of
the same programs without callgrind. Prints Markdown tables; bench/instructions.md says what they
mean. Each program runs twice, once with more operations than
the other: the difference is theirs alone, whatever it took to begin and to end. Builds FOLDER
(build/profile) first, as the preset release does, with debug information, by which instructions of
inlined functions are told apart. GRIDKVD is not used: every benchmark is called like this.
"""
import argparse
import collections
import os
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
CHUNK = 512      # operations of worker.c when it is given no time
MANY = 32        # and before them, when many are asked for together: it looks whether that can be
TURNS = 40       # that many chunks more in the second run
KEYS = "10000"
QUORUM = (640, 3200)  # operations in each of ROUNDS rounds
ROUNDS = 5
TURN_MS = 100
SHARE_MIN = 0.01      # of all, below which files are summed as the rest

WHAT = {
    "core/action": "what the core says, until the shim has heard it",
    "core/arena": "where a table lies in the node's memory",
    "core/atomic": "loads, stores and fences",
    "core/bucket": "the tags of a bucket",
    "core/cells": "keys and values of operations under way",
    "core/clients": "operations of clients",
    "core/entry": "an entry's head and parts",
    "core/hash": "XXH3 of keys and of what digests add up",
    "core/hlc": "version stamps",
    "core/index": "which bucket, which entry",
    "core/inplace": "may this node do it here; which slots are served",
    "core/marks": "a mark for who is to be told",
    "core/member": "whom an address or a number names",
    "core/node": "one event in, actions out",
    "core/overwrite": "a value in place of another",
    "core/pages": "where a unit of memory is",
    "core/pending": "the table of operations under way",
    "core/quorum": "who is asked, who has answered, what that means",
    "core/replica": "what an owner does with it",
    "core/scratch": "memory for one step",
    "bench/performance/rival_gridkv": "the benchmark itself, and a version from one counter",
    "core/seqlock": "a bucket's number, and its lock",
    "core/slots": "digests and counts of the key's slot",
    "core/step": "what a step hands around",
    "core/store": "find, judge, put, look again",
    "core/timer": "deadlines",
    "core/words": "compare the key, copy the value, word by word",
    "io_posix/clock": "the wall clock",
    "io_posix/errand": "do it here, or ask the loop",
    "io_posix/gridkv": "the call: its arguments",
    "io_posix/inside": "come in, go out: a handle that is closed waits",
    "io_posix/many": "sixteen at a time",
    "proto/codec": "which message it is",
    "proto/endpoint": "events and streams of a node",
    "proto/frame": "lengths and checks of frames",
    "proto/hot": "read and write the messages of operations",
    "proto/outbound": "what waits to be sent",
    "proto/queue": "bytes to be sent",
    "proto/stream": "one peer's stream",
    "bench/bench_quorum": "the benchmark itself",
    "memcpy": "bytes into messages, and out of them",
}


def fail(what):
    print(f"bench_instructions: {what}", file=sys.stderr)
    sys.exit(1)


def build(folder):
    for command in (["cmake", "--preset", "release", "-B", folder, "-DCMAKE_C_FLAGS=-g"],
                    ["cmake", "--build", folder, "--target", "rival_gridkv", "rival_api",
                     "bench_quorum"]):
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode != 0:
            fail(f"{' '.join(command)} failed")


def count(within, command, text):
    """Instructions in and below the function `within`, by source file."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        run = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
                              f"--toggle-collect={within}", *command],
                             input=text, capture_output=True, text=True)
        if run.returncode != 0:
            fail(f"{' '.join(command)} under callgrind: {run.stderr}")
        listing = subprocess.run(["callgrind_annotate", "--threshold=100", "--show-percs=no",
                                  "--auto=no", out], capture_output=True, text=True, check=True)
    counts = collections.Counter()
    for line in listing.stdout.splitlines():
        match = re.match(r"\s*([\d,]+)\s+(\S+?):(\S+)", line)
        if match:
            counts[name_of(match[2], match[3])] += int(match[1].replace(",", ""))
    return counts


def name_of(path, function):
    """core/store.c and core/store.h are one noun; what is not ours goes by its function."""
    place = re.search(r"\b(core|proto|io_posix|bench)/(.*)\.[ch]$", path)
    if place:
        return f"{place[1]}/{place[2]}"
    if "xxh" in path:
        return "core/hash"
    return re.sub(r"^_+|['@(].*$|_(sse|avx|evex|erms|unaligned).*$", "", function) or function


def timed(folder, program, work):
    """Nanoseconds per operation, the median of ROUNDS turns."""
    run = subprocess.run([os.path.join(folder, program), KEYS, "100"],
                         input=f"{work} 1 {TURN_MS}\n" * (ROUNDS + 1), capture_output=True,
                         text=True)
    if run.returncode != 0:
        fail(f"{program}: {run.stderr}")
    return statistics.median(float(line) for line in run.stdout.splitlines()[2:])


def per_operation(less, more, operations):
    return {name: (more[name] - less[name]) / operations for name in more
            if more[name] > less[name]}


def of_store(folder, program, within, work):
    """A rival's work of so many chunks, of 16 + 100 bytes."""
    runs = [count(within, [os.path.join(folder, program), KEYS, "100"], f"{work} 1 0\n" * turns)
            for turns in (1, 1 + TURNS)]
    if not any(runs[1].values()):
        fail(f"{within} of {program} is never called: was it inlined?")
    operations = TURNS * (CHUNK + (MANY if work == "get-many" else 0))
    return per_operation(*runs, operations), timed(folder, program, work)


def of_quorum(folder, work):
    runs = [count("run", [os.path.join(folder, "bench_quorum"), "64", str(operations), work], "")
            for operations in QUORUM]
    run = subprocess.run([os.path.join(folder, "bench_quorum"), "64", "64000", work],
                         capture_output=True, text=True)
    match = re.search(r"coordinator (\d+) ns, replica (\d+) ns", run.stdout)
    if run.returncode != 0 or not match:
        fail(f"bench_quorum: {run.stderr}")
    return (per_operation(*runs, ROUNDS * (QUORUM[1] - QUORUM[0])),
            int(match[1]) + 2 * int(match[2]))


def print_table(heads, results):
    columns = [column for column, _ in results]
    totals = [sum(column.values()) for column in columns]
    names = sorted({name for column in columns for name in column},
                   key=lambda name: -sum(column.get(name, 0) for column in columns))
    shown = [name for name in names
             if any(column.get(name, 0) >= SHARE_MIN * total
                    for column, total in zip(columns, totals))]
    print(f"| instructions | for | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    for name in shown:
        cells = [f"{column[name]:.0f}" if column.get(name, 0) >= 0.5 else "-"
                 for column in columns]
        print(f"| `{name}` | {WHAT.get(name, '')} | {' | '.join(cells)} |")
    rests = [total - sum(column.get(name, 0) for name in shown)
             for column, total in zip(columns, totals)]
    print(f"| the rest | | {' | '.join(f'{rest:.0f}' for rest in rests)} |")
    print(f"| **all** | | {' | '.join(f'**{total:.0f}**' for total in totals)} |")
    print(f"| *ns* | *timed with the caller's loop* | "
          f"{' | '.join(f'*{ns:.0f}*' for _, ns in results)} |\n", flush=True)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("gridkvd")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "profile"))
    folder = parser.parse_args().build
    build(folder)
    print("## One get, one set\n")
    print_table(("get, the store", "put, the store", "get, `gridkv.h`", "set, `gridkv.h`",
                 "one of 32 gets, `gridkv.h`"),
                (of_store(folder, "rival_gridkv", "rival_get", "get-zipf"),
                 of_store(folder, "rival_gridkv", "rival_set", "set-uniform"),
                 of_store(folder, "rival_api", "gridkv_get", "get-zipf"),
                 of_store(folder, "rival_api", "gridkv_set", "set-uniform"),
                 of_store(folder, "rival_api", "gridkv_get_many", "get-many")))
    print("## One operation of a quorum, at all three nodes together\n")
    print_table(("set", "get"), (of_quorum(folder, "set"), of_quorum(folder, "get")))


if __name__ == "__main__":
    main()
