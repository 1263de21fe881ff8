"""Usage: bench_processes.py GRIDKVD [--kills N] [--partitions N] [--pauses N] [--idle SECONDS]

Measures what five gridkvd processes, each in a network namespace, do when one is killed, when the
network is cut, when one stands still, and when nothing happens. Prints a Markdown table with the
mark beside each figure; bench/processes.md says what the rows mean. Without options, what
docs/results/processes.md shows. Exit status 77 where namespaces are not allowed.
"""
import argparse
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests"))

import namespaces  # noqa: E402  (the line above says where it is)
from namespaces import Failed  # noqa: E402
from processes import GIVEN_UP, Cluster  # noqa: E402

NAMES = "abcde"
SEEDS = "ab"
SETTLE_S = 10.0        # from meeting to the idle figures
SPREAD_S = 0.5         # drawn before a kill or pause, which come at any point of the nodes' rounds
PAUSE_S = 0.3
PAUSE_WATCH_S = 2.0    # after a pause: longer than a suspicion lasts
HOLD_S = (0, 2, 4, 8)  # partitions last so long after both sides have noticed, in turn

KNOWN_S_MARK = 1.0
ONE_VIEW_S_MARK = 10.0
CPU_PERCENT_MARK = 1.0
BYTES_MARK = 10000


def quantile(times, share):
    """The nearest rank; inf among the times are those that never came."""
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def seconds(value):
    return "never" if math.isinf(value) else f"{value:.3f} s"


def spread(times):
    return " / ".join(seconds(quantile(times, share)) for share in (0.5, 0.99, 1.0))


def verdict(holds):
    return "PASS" if holds else "MISSED"


def row(*cells):
    print(f"| {' | '.join(cells)} |", flush=True)


def note(text):
    print(f"bench_processes: {text}", file=sys.stderr, flush=True)


def false_alarms(events, is_true):
    """How often a node gave somebody up who was there; what it says of one whom it has given up,
    that it is evicted as well, or degraded no more, is not another time."""
    given_up = set()
    count = 0
    for event in events:
        who = (event.node, event.member, event.boot)
        if event.state not in GIVEN_UP:
            given_up.discard(who)
        elif who not in given_up:
            given_up.add(who)
            count += not is_true(event)
    return count


def attempt(cluster, what, function):
    """What a step returns, or None when it failed; then the cluster is made anew."""
    try:
        return function()
    except Failed as failure:
        note(f"{what}: {failure}")
        cluster.start_all()
        return None


def measure_kills(cluster, count, chance):
    suspected, first, known, back, alarm_count = [], [], [], [], 0
    for i in range(count):
        victim = NAMES[i % len(NAMES)]
        heard_count = len(cluster.heard)
        cluster.watch(chance.uniform(0, SPREAD_S))
        alarm_count += false_alarms(cluster.heard[heard_count:], lambda event: False)
        heard_count = len(cluster.heard)
        times = attempt(cluster, f"kill {i + 1}", lambda: cluster.crash(victim))
        known.append(max(times[1]) if times else math.inf)
        first.append(min(times[1]) if times else math.inf)
        if times:
            suspected += [] if times[0] is None else [times[0]]
            returned = attempt(cluster, f"return {i + 1}", lambda: cluster.revive(victim))
            back.append(math.inf if returned is None else returned)
        alarm_count += false_alarms(cluster.heard[heard_count:],
                                    lambda event: event.member == victim)
    never_count = sum(map(math.isinf, known))
    if suspected:
        row(f"{len(suspected)} kills: first suspected, p50 / p99 / max", spread(suspected), "", "")
    row(f"{count} kills: known to the first survivor, p50 / p99 / max", spread(first), "", "")
    p99 = quantile(known, 0.99)
    row("known to all four survivors, p50 / p99 / max", spread(known),
        f"p99 < {KNOWN_S_MARK} s", verdict(p99 < KNOWN_S_MARK))
    row("kills that all survivors came to know", f"{count - never_count} of {count}", "all",
        verdict(never_count == 0))
    row("living nodes declared unreachable meanwhile", str(alarm_count), "0",
        verdict(alarm_count == 0))
    if back:
        row(f"{len(back)} restarts: from exec to one view of five, p50 / p99 / max", spread(back),
            "all", verdict(not any(map(math.isinf, back))))
    return known


def measure_partitions(cluster, count, chance):
    noticed, one_view = [], []
    for i in range(count):
        right = chance.sample(NAMES, 2)
        times = attempt(cluster, f"partition {i + 1}",
                        lambda: cluster.partition(right, HOLD_S[i % len(HOLD_S)]))
        noticed.append(times[0] if times else math.inf)
        one_view.append(times[1] if times else math.inf)
        cluster.network.join()
    in_time_count = sum(time < ONE_VIEW_S_MARK for time in one_view)
    row(f"{count} partitions 3\\|2: known to all on both sides, p50 / p99 / max", spread(noticed),
        "", "")
    row("healed: one view of five, p50 / p99 / max", spread(one_view), "", "")
    row(f"healed in under {ONE_VIEW_S_MARK:.0f} s", f"{in_time_count} of {count}", "all",
        verdict(in_time_count == count))


def measure_pauses(cluster, count, chance):
    declared_count, suspected_count = 0, 0
    for i in range(count):
        cluster.watch(chance.uniform(0, SPREAD_S))
        events = attempt(cluster, f"pause {i + 1}", lambda: cluster.stall(
            NAMES[i % len(NAMES)], PAUSE_S, PAUSE_WATCH_S))
        states = {event.state for event in events or []}
        is_given_up = events is None or not states.isdisjoint(GIVEN_UP)  # None: a node ended
        declared_count += is_given_up
        suspected_count += "suspect" in states
        if is_given_up:
            attempt(cluster, f"after pause {i + 1}",
                    lambda: cluster.wait_for_one_view("one view after a pause"))
    row(f"{count} pauses of {PAUSE_S * 1000:.0f} ms: somebody was suspected",
        f"{suspected_count} of {count}", "", "")
    row("somebody was declared unreachable", f"{declared_count} of {count}", "0",
        verdict(declared_count == 0))


def measure_idle(cluster, span_s):
    cluster.watch(SETTLE_S)
    figures = cluster.idle(span_s)
    cpu = [100 * cpu for _, cpu, _, _ in figures]
    received = [figure[2] for figure in figures]
    sent = [figure[3] for figure in figures]
    row(f"idle for {span_s:.0f} s: processor time of a node, mean / max",
        f"{sum(cpu) / len(cpu):.2f} % / {max(cpu):.2f} % of a core",
        f"max <= {CPU_PERCENT_MARK:.0f} %", verdict(max(cpu) <= CPU_PERCENT_MARK))
    for name, rates in (("sent", sent), ("received", received)):
        row(f"{name} by a node, mean / max",
            f"{sum(rates) / len(rates) / 1000:.2f} / {max(rates) / 1000:.2f} KB/s",
            f"max <= {BYTES_MARK / 1000:.0f} KB/s", verdict(max(rates) <= BYTES_MARK))


def load():
    """How many processes wanted a processor in the last minute."""
    with open("/proc/loadavg", encoding="ascii") as file:
        return float(file.read().split()[0])


def take_arguments():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[0][len("Usage: "):])
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--partitions", type=int, default=20)
    parser.add_argument("--pauses", type=int, default=100)
    parser.add_argument("--idle", type=float, default=60)
    return parser.parse_args()


def measure(options, tag):
    load_before = load()
    chance = random.Random(1)
    print("| what | figure | mark | |")
    print("|---|---|---|---|")
    known = []
    with Cluster(options.program, tag, NAMES, SEEDS) as cluster:
        cluster.start_all()
        if options.idle > 0:
            measure_idle(cluster, options.idle)
        cluster.late_s = 0.0
        if options.kills > 0:
            known = measure_kills(cluster, options.kills, chance)
        if options.partitions > 0:
            measure_partitions(cluster, options.partitions, chance)
        if options.pauses > 0:
            measure_pauses(cluster, options.pauses, chance)
        late_ms = cluster.late_s * 1000
    if known:
        texts = ["never" if math.isinf(time) else f"{time * 1000:.0f}" for time in sorted(known)]
        print(f"\nEvery kill, ms until the last survivor knew: {', '.join(texts)}.")
    print(f"\nThe load was {load_before:.1f} before the run and {load():.1f} at its end, on "
          f"{os.cpu_count()} processors; the tool itself was\nkept waiting for a processor for "
          f"{late_ms:.0f} ms at most.")
    if load_before > 0.5:
        print("**Other work ran on this machine: these figures are provisional.**")


def main():
    tag = namespaces.tag_apart()
    options = take_arguments()
    if tag is None:
        namespaces.run_apart(sys.argv)
    else:
        measure(options, tag)


try:
    main()
except Failed as failure:
    sys.exit(f"FAILED: {failure}")
