"""A cluster of gridkvd processes, each in its network namespace, and what can be done to it.

Model     Every node's own account is its standard output: a line for each change of a peer's state,
          with the system's monotonic clock. Times are taken from there, so that a slow reader of
          the lines measures nothing else. Listings (GKV.MEMBERS) through the doors confirm what the
          lines add up to.
Bounds    Every wait has a limit; Failed tells what was waited for and what each node says.
"""
import collections
import os
import selectors
import signal
import socket
import subprocess
import time
from urllib.parse import unquote

from namespaces import Failed, Network

PEER_PORT = 7000
DOOR_PORT = 6379
LIMIT_S = 30  # for failure; never waited out otherwise
START_S = 10
LINES_KEPT = 40

STATES = ("alive", "suspect", "unreachable", "evicted", "leaving", "left")
GIVEN_UP = ("unreachable", "evicted")  # one who is degraded is evicted from any other state

Event = collections.namedtuple("Event", "mono node member state degraded boot lost")


def words_of(stream, count):
    """Read `count` values in RESP2, arrays as lists."""
    values = []
    for _ in range(count):
        line = stream.readline().decode().rstrip()
        if line[:1] == "*":
            values.append(words_of(stream, int(line[1:])))
        elif line[:1] == "$":
            values.append(stream.read(int(line[1:]) + 2)[:-2].decode())
        elif line[:1] in (":", "+"):
            values.append(line[1:])
        else:
            raise Failed(f"the door answers \"{line}\"")
    return values


class Node:
    """A process, living or dead, and what it said."""

    def __init__(self, name, process):
        self.name = name
        self.process = process
        self.view = {}    # peer -> state, as its events say
        self.boots = {}   # peer -> boot
        self.events = []
        self.tail = collections.deque(maxlen=LINES_KEPT)
        self.unread = b""
        self.is_listening = False

    def take(self, data):
        """Take in what it printed; returns the events in it."""
        *lines, self.unread = (self.unread + data).split(b"\n")
        fresh = []
        for line in lines:
            text = line.decode(errors="replace")
            self.tail.append(text)
            self.is_listening |= ": listening on " in text
            if not text.startswith("time="):
                continue
            fields = dict(pair.split("=", 1) for pair in text.split(" "))
            event = Event(float(fields["mono"]), self.name, unquote(fields["member"]),
                          fields["state"], fields["degraded"] == "yes", int(fields["boot"]),
                          int(fields["lost"]))
            if event.state not in STATES:
                raise Failed(f"{self.name} says of {event.member} that it is \"{event.state}\"")
            self.view[event.member] = event.state
            self.boots[event.member] = event.boot
            fresh.append(event)
        self.events += fresh
        return fresh


class Cluster:
    """Processes on a network. With it as a context, all of them are ended on the way out."""

    def __init__(self, program, tag, names, seeds):
        self.program = program
        self.tag = tag
        self.names = list(names)
        self.seeds = list(seeds)
        self.network = Network(tag)
        self.nodes = {}
        self.heard = []  # every event of every node, also of those that are dead now
        self.selector = selectors.DefaultSelector()
        self.late_s = 0.0  # the longest that we ourselves were kept waiting for a processor
        for name in self.names:
            self.network.add(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in list(self.nodes):
            self.kill(name)

    # ---- Processes ----

    def start(self, name):
        """Start a node; returns when, by the monotonic clock."""
        command = ["ip", "netns", "exec", self.network.namespace(name), self.program,
                   "--id", name, "--cluster", self.tag, "--insecure",
                   "--listen", f"{self.network.peer_address(name)}:{PEER_PORT}",
                   "--resp", f"{self.network.door_address(name)}:{DOOR_PORT}"]
        for seed in self.seeds:
            if seed != name:
                command += ["--seed-addr", f"{self.network.peer_address(seed)}:{PEER_PORT}"]
        at = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        os.set_blocking(process.stdout.fileno(), False)
        node = self.nodes[name] = Node(name, process)
        self.selector.register(process.stdout, selectors.EVENT_READ, node)
        self.wait(lambda: node.is_listening, f"{name} to listen", START_S)
        return at

    def kill(self, name):
        """End a process that we started, with SIGKILL; returns when."""
        node = self.nodes.pop(name)
        at = time.monotonic()
        node.process.kill()
        self.selector.unregister(node.process.stdout)
        node.process.stdout.close()
        node.process.wait()
        return at

    def leave(self, name):
        """SIGTERM one, and wait for its end; returns its exit status."""
        node = self.nodes.pop(name)
        self.selector.unregister(node.process.stdout)
        node.process.terminate()
        with node.process:
            return node.process.wait(LIMIT_S)

    def signal(self, name, number):
        self.nodes[name].process.send_signal(number)

    # ---- What they say ----

    def pump(self, seconds):
        """Take in what is printed within so many seconds, or until something is."""
        before = time.monotonic()
        ready = self.selector.select(seconds)
        if not ready:
            self.late_s = max(self.late_s, time.monotonic() - before - seconds)
        for key, _ in ready:
            data = os.read(key.fd, 65536)
            if not data:
                node = key.data
                raise Failed(f"{node.name} ended with status {node.process.wait()}: "
                             + " | ".join(node.tail))
            self.heard += key.data.take(data)

    def watch(self, seconds):
        """Listen for so long; returns the events of that time."""
        heard_count = len(self.heard)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.pump(min(0.02, max(0.0, until - time.monotonic())))
        return self.heard[heard_count:]

    def wait(self, condition, what, seconds=LIMIT_S):
        until = time.monotonic() + seconds
        while not condition():
            left = until - time.monotonic()
            if left <= 0:
                raise Failed(f"waited {seconds} s for {what}\n{self.account()}")
            self.pump(min(left, 1.0))

    def account(self):
        """What each node says, for whoever has to find out what went wrong."""
        parts = []
        for node in self.nodes.values():
            parts.append(f"-- {node.name}: {node.view}")
            parts += list(node.tail)[-12:]
        return "\n".join(parts)

    def sees(self, name, peer, state):
        return self.nodes[name].view.get(peer) == state

    def all_see(self, names, peers, *states):
        return all(any(self.sees(name, peer, state) for state in states)
                   for name in names for peer in peers if peer != name)

    def since(self, name, peer):
        """When a node came to see a peer as it sees it now: given up is given up, in either way,
        and a line that tells of its being degraded is no other view."""
        since, newest = None, None
        for event in reversed(self.nodes[name].events):
            if event.member == peer:
                view = (event.boot, "given up" if event.state in GIVEN_UP else event.state)
                if since is not None and view != newest:
                    break
                newest, since = view, event.mono
        return since

    def last(self, names, peers):
        """When the last of `names` came to see one of `peers` as it does now; or the reverse."""
        return max(max(self.since(name, peer), self.since(peer, name))
                   for name in names for peer in peers)

    # ---- What their doors say ----

    def ask(self, name, command):
        """One command through a node's door."""
        try:
            where = (self.network.door_address(name), DOOR_PORT)
            with socket.create_connection(where, timeout=LIMIT_S) as door:
                door.sendall(command.encode() + b"\r\n")
                with door.makefile("rb") as stream:
                    return words_of(stream, 1)[0]
        except OSError as error:
            raise Failed(f"the door of {name}: {error}\n{self.account()}") from error

    def listing(self, name):
        """What a node holds of each member: (name, id, boot, state, address)."""
        return sorted((*member[:4], member[5]) for member in self.ask(name, "GKV.MEMBERS"))

    def complaint(self):
        """What keeps the listings from being one view: each node once, alive, and the same process
        to all. None when they are."""
        listings = [self.listing(name) for name in self.nodes]
        for name, listing in zip(self.nodes, listings):
            if [member[0] for member in listing] != sorted(self.nodes):
                return f"{name} lists {listing}"
            if any(member[3] != "alive" for member in listing):
                return f"{name} lists {listing}"
        is_one = all(listing == listings[0] for listing in listings)
        return None if is_one else f"listings differ: {listings}"

    def wait_for_one_view(self, what, seconds=LIMIT_S):
        """Until every node has told that it sees every other alive, and lists nobody else."""
        until = time.monotonic() + seconds
        self.wait(lambda: self.all_see(self.nodes, self.nodes, "alive"), what, seconds)
        while (complaint := self.complaint()) is not None:
            if time.monotonic() > until:
                raise Failed(f"waited {seconds} s for {what}: {complaint}\n{self.account()}")
            self.pump(0.05)

    # ---- What can be done to them ----

    def start_all(self):
        """From whatever is left of it to a new cluster of all."""
        for name in list(self.nodes):
            self.kill(name)
        for name in self.names:
            self.start(name)
        self.wait_for_one_view("the nodes to meet")

    def crash(self, victim):
        """SIGKILL one. Returns the seconds until somebody suspected it (None when nobody told so),
        and for each survivor until it gave it up."""
        heard_count = len(self.heard)
        at = self.kill(victim)
        survivors = list(self.nodes)
        self.wait(lambda: self.all_see(survivors, [victim], *GIVEN_UP),
                  f"{victim} to be given up by all")
        suspected = [event.mono - at for event in self.heard[heard_count:]
                     if event.member == victim and event.state == "suspect"]
        known = [self.since(name, victim) - at for name in survivors]
        return min(suspected, default=None), known

    def revive(self, victim):
        """Start a crashed one again. Returns the seconds until all saw all alive."""
        peers = list(self.nodes)
        at = self.start(victim)
        self.wait_for_one_view(f"{victim} to be back")
        return self.last(peers, [victim]) - at

    def partition(self, right, hold_s):
        """Cut `right` off, wait until both sides have noticed, hold for so long, heal. Returns the
        seconds until the last one had noticed, and from healing until all saw all alive, those on
        the same side included."""
        left = [name for name in self.nodes if name not in right]
        self.network.place(right)
        self.watch(1.0)  # the bridges learn where everybody is
        at = time.monotonic()
        self.network.cut()
        self.wait(lambda: self.all_see(left, right, *GIVEN_UP)
                  and self.all_see(right, left, *GIVEN_UP), "both sides to notice the cut")
        noticed = self.last(left, right)
        self.watch(hold_s)
        healed = time.monotonic()
        self.network.join()
        self.wait_for_one_view("one view after the cut")
        return noticed - at, max(event.mono for node in self.nodes.values()
                                 for event in node.events) - healed

    def stall(self, victim, seconds, then_s):
        """SIGSTOP one for so long, and watch for as long again as `then_s`. Returns the events."""
        self.signal(victim, signal.SIGSTOP)
        events = self.watch(seconds)
        self.signal(victim, signal.SIGCONT)
        return events + self.watch(then_s)

    def idle(self, seconds):
        """Leave them alone. Returns (name, CPU share of a core, bytes/s received, bytes/s sent)."""
        def look():
            return {name: (cpu_s(node.process.pid), *self.network.peer_bytes(name))
                    for name, node in self.nodes.items()}
        before, begun = look(), time.monotonic()
        while time.monotonic() < begun + seconds:
            self.pump(begun + seconds - time.monotonic())
        after, span = look(), time.monotonic() - begun
        return [(name, *((late - early) / span for early, late in zip(before[name], after[name])))
                for name in self.nodes]


def cpu_s(pid):
    """Processor time that a process has used, in seconds (proc(5): utime and stime)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
