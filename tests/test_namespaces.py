"""Usage: test_namespaces.py GRIDKVD [STORY]

Goal: nodes that are processes of their own, on a network that can be cut, agree on who is there.
Method: five of them, each in a network namespace; kills, cuts, pauses; outcomes are asserted, not
speed (bench/bench_processes.py measures it). Exit status 77, with the reason, where the system does
not let us make namespaces.
"""
import fcntl
import selectors
import signal
import sys
import time

import namespaces
from namespaces import Failed
from processes import GIVEN_UP, LIMIT_S, Cluster

FIVE = "abcde"
SEEDS = "ab"
SMALLEST_PIPE = 4096
PAUSE_S = 0.3
BROKEN_PATH_S = 4.0  # longer than a suspicion lasts
OURS_LATE_S = 0.1  # when we were kept waiting so long ourselves, so were the nodes
STORIES = {}  # in their order


def story(function):
    STORIES[function.__name__] = function
    return function


def check(condition, what):
    if not condition:
        raise Failed(what)


@story
def crash_and_return(program, tag):
    """Goal: all survivors come to hold a killed node unreachable; started again, it is one of them.
    Method: three different nodes, one of them a seed of the others."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        for victim in "eac":
            cluster.crash(victim)
            cluster.revive(victim)


@story
def quick_restart(program, tag):
    """Goal: a node that is killed and started again before anybody missed it takes its own place,
    with nothing of its former life left. Method: two of them, one a seed; the boots that the others
    hold, and the listings."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        for victim in "ca":
            others = [name for name in FIVE if name != victim]
            boot = cluster.nodes["b"].boots[victim]
            cluster.kill(victim)
            cluster.start(victim)
            cluster.wait(lambda: all(cluster.nodes[name].boots[victim] > boot for name in others),
                         f"all to know {victim} anew")
            cluster.wait_for_one_view(f"{victim} in its own place")


@story
def partition_and_heal(program, tag):
    """Goal: after a cut of 3 from 2 there is one view again. Method: cut off different pairs, once
    with both seeds on one side, and once with one on each."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        for right in ("de", "ac"):
            cluster.partition(list(right), 1.0)


@story
def scatter_and_gather(program, tag):
    """Goal: five that were all alone find together again. Method: isolate every port of the bridge,
    until everybody holds everybody else unreachable."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        cluster.network.scatter(True)
        cluster.wait(lambda: cluster.all_see(FIVE, FIVE, "unreachable"), "each to be alone")
        cluster.network.scatter(False)
        cluster.wait_for_one_view("five loners to become one cluster")


@story
def no_direct_path(program, tag):
    """Goal: two that cannot talk to each other, while others reach both, are not declared
    unreachable (SWIM's indirect probes). Method: what they send to each other is lost, without an
    error; one of them is a seed."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        for lost in (True, False):
            cluster.network.lose("a", "c", lost)
            cluster.network.lose("c", "a", lost)
            events = cluster.watch(BROKEN_PATH_S)
            check(not any(event.state in GIVEN_UP for event in events),
                  f"without a path between a and c: {events}")
        cluster.wait_for_one_view("calm after a broken path")


@story
def leave_and_return(program, tag):
    """Goal: who leaves on SIGTERM ends with status 0, is known to have left, is never called
    unreachable, and may come back. Method: one node, which is no seed, then a seed."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        for name in "da":
            status = cluster.leave(name)
            check(status == 0, f"{name} ended with status {status}")
            cluster.wait(lambda: cluster.all_see(cluster.nodes, [name], "left"),
                         f"all to know that {name} left")
            check(not any(event.state in GIVEN_UP for event in cluster.heard),
                  f"{name} left, and was called unreachable\n{cluster.account()}")
            cluster.revive(name)


@story
def long_pause(program, tag):
    """Goal: one that stood still for so long that it was given up is alive again to all, and all to
    it, as the same process. Method: SIGSTOP until everybody else holds it unreachable."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        boots = {name: dict(cluster.nodes[name].boots) for name in FIVE}
        cluster.signal("b", signal.SIGSTOP)
        cluster.wait(lambda: cluster.all_see("acde", "b", "unreachable"), "all to give b up")
        cluster.signal("b", signal.SIGCONT)
        cluster.wait_for_one_view("b to be back")
        check(boots == {name: cluster.nodes[name].boots for name in FIVE}, "boots changed")


@story
def short_pause(program, tag):
    """Goal: a node that stands still for 300 ms is not declared unreachable, by nobody. Method:
    SIGSTOP and SIGCONT. A pause in which the machine kept us waiting as well proves nothing and is
    repeated."""
    with Cluster(program, tag, FIVE, SEEDS) as cluster:
        cluster.start_all()
        good_count = 0
        for attempt in range(12):
            cluster.late_s = 0.0
            events = cluster.stall(FIVE[attempt % 5], PAUSE_S, 2.0)
            if cluster.late_s > OURS_LATE_S:
                cluster.wait_for_one_view("calm on a busy machine")
                continue
            check(not any(event.state in GIVEN_UP for event in events),
                  f"a pause of {PAUSE_S} s: {events}")
            good_count += 1
            if good_count == 3:
                return
        print(f"short_pause: only {good_count} of 3 pauses count, the machine was busy")


@story
def clusters_meet(program, tag):
    """Goal: two clusters of one name, started apart, become one when they get a link, although
    neither had ever seen the other. Method: two nodes on each side, with a seed on each."""
    with Cluster(program, tag, "abcd", "ac") as cluster:
        cluster.network.place("cd")
        cluster.network.cut()
        for name in cluster.names:
            cluster.start(name)
        cluster.wait(lambda: cluster.sees("a", "b", "alive") and cluster.sees("b", "a", "alive")
                     and cluster.sees("c", "d", "alive") and cluster.sees("d", "c", "alive"),
                     "two clusters of two")
        check([len(cluster.listing(name)) for name in "abcd"] == [2, 2, 2, 2],
              "they met before there was a link")
        cluster.network.join()
        cluster.wait_for_one_view("two clusters to become one")


@story
def odd_name(program, tag):
    """Goal: a peer's name cannot forge a line or a field of another node's output. Method: one with
    a line's end, a space, a sign of percent and bytes beyond ASCII; every field is read."""
    odd = "b\ntime=1 state=left é%"
    with Cluster(program, tag, ["a", odd], ["a"]) as cluster:
        cluster.start_all()
        cluster.crash(odd)
        check({event.member for event in cluster.nodes["a"].events} == {odd}, "a tells of others")


@story
def stuck_reader(program, tag):
    """Goal: a node whose output nobody reads goes on, and counts the lines that it left out.
    Method: the smallest pipe, not read while the other node is killed and started again."""
    with Cluster(program, tag, "ab", "ab") as cluster:
        cluster.start_all()
        a = cluster.nodes["a"]
        fcntl.fcntl(a.process.stdout, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        cluster.selector.unregister(a.process.stdout)
        for state in ("unreachable", "alive", "unreachable"):
            if state == "alive":
                cluster.start("b")
            else:
                cluster.kill("b")
            until = time.monotonic() + LIMIT_S
            while state not in [m[3] for m in cluster.listing("a") if m[0] == "b"]:
                check(time.monotonic() < until, f"a never saw b {state}")
                time.sleep(0.02)
        check(cluster.ask("a", "PING") == "PONG", "a does not answer")
        cluster.selector.register(a.process.stdout, selectors.EVENT_READ, a)
        cluster.start("b")
        cluster.wait(lambda: any(event.lost > 0 for event in a.events), "a to tell of lost lines")


def two_at_once(program):
    """Goal: two runs on one machine do not collide. Method: the same story twice, side by side,
    with the same names and addresses."""
    command, _ = namespaces.way_apart()
    runs = [namespaces.start_apart(command, namespaces.new_tag(),
                                   [sys.argv[0], program, "clusters_meet"]) for _ in range(2)]
    statuses = [run.wait() for run in runs]
    check(statuses == [0, 0], f"side by side they ended with {statuses}")


def nothing_left_behind(program):
    """Goal: a run that is killed without a warning leaves no process and no namespace. Method: kill
    one when all its nodes are there."""
    tag = namespaces.new_tag()
    command, _ = namespaces.way_apart()
    run = namespaces.start_apart(command, tag, [sys.argv[0], program, "short_pause"])
    try:
        until = time.monotonic() + LIMIT_S
        while len(namespaces.processes_of(tag)) < len(FIVE) + 1:
            check(time.monotonic() < until and run.poll() is None, "the run did not come up")
            time.sleep(0.02)
    finally:
        run.kill()
        run.wait()
    until = time.monotonic() + LIMIT_S
    while (left := namespaces.leftovers(tag)):
        check(time.monotonic() < until, f"left behind: {', '.join(left)}")
        time.sleep(0.02)


def main():
    program = sys.argv[1]
    tag = namespaces.tag_apart()
    if tag is not None:
        STORIES[sys.argv[2]](program, tag)
        return
    for name in sys.argv[2:] or STORIES:
        begun = time.monotonic()
        namespaces.run_apart([sys.argv[0], program, name])
        print(f"{name}: held, {time.monotonic() - begun:.1f} s", flush=True)
    if len(sys.argv) == 2:
        for function in (two_at_once, nothing_left_behind):
            function(program)
            print(f"{function.__name__}: held", flush=True)


try:
    main()
except Failed as failure:
    sys.exit(f"FAILED: {failure}")
