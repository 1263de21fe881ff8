"""Network namespaces for tests of real processes.

Model     A run lives in mount, network and process namespaces of its own (unshare(1)), as root or,
          where the kernel lets users make them, as anybody. So nothing of two runs can collide, and
          however a run ends, the kernel ends its processes and takes its namespaces away.

              left bridge ======= trunk ======= right bridge      the run's own namespace
               |      |                          |      |
             peer   peer                       peer   peer        10.77.0.N, a namespace each
             door   door                       door   door        10.78.N.1 to the run, a link each

          Faults are made on the bridges and the trunk; a peer's carrier stays up, as behind a
          switch. Doors have links of their own: what goes over `peer` is what nodes say to each
          other, and a node that is cut off can still be asked.
Not here  Delay and loss (tc netem): a delay would only be added to what is measured.
"""
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys

SKIPPED = 77
APART = "--apart"

# /run is private here; `ip netns` keeps its names in it.
PREPARE = "mount -t tmpfs tmpfs /run && mkdir /run/netns"
PROBE = PREPARE + (" && ip netns add probe && ip link add name probe0 type bridge"
                   " && ip link add name probe1 type veth peer name probe2 netns probe")
UNSHARE = ["unshare", "--mount", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"]
NOBODY = "02:00:00:00:00:01"  # no link has this address: those that the system draws are random
PDEATHSIG = 1  # prctl(2): a signal at the parent's death
LIBC = ctypes.CDLL(None)


os.environ["PATH"] += ":/usr/sbin:/sbin"  # where ip is, and users do not look


class Failed(Exception):
    """What was expected did not come true."""


def ip(*arguments):
    """Run ip(8) and return what it prints."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def way_apart():
    """The unshare command that works here, or None and why there is none."""
    why = ""
    for command in (UNSHARE, UNSHARE + ["--user", "--map-root-user"]):
        try:
            done = subprocess.run([*command, "sh", "-c", PROBE], capture_output=True, text=True,
                                  check=False)
        except FileNotFoundError:
            return None, "unshare (util-linux) is not installed"
        if done.returncode == 0:
            return command, ""
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return None, why


def die_with_parent():
    """Between fork and exec: should our parent be killed, we are."""
    LIBC.prctl(PDEATHSIG, signal.SIGKILL)


def start_apart(command, tag, arguments):
    """Start this program again with `arguments`, in namespaces of its own. Returns the process."""
    program = f"{PREPARE} && exec \"$0\" \"$@\""
    return subprocess.Popen(
        [*command, "sh", "-c", program, sys.executable, "-B", *arguments, APART, tag],
        stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)


def processes_of(tag):
    """The processes, anywhere on this machine, that have a tag among their arguments."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if tag.encode() in words:
            found.append(int(pid))
    return found


def leftovers(tag):
    """What a run left behind: processes, and namespaces by name. Links go with their namespace."""
    left = [f"process {pid}" for pid in processes_of(tag)]
    if os.path.isdir("/run/netns"):
        left += [f"namespace {name}" for name in os.listdir("/run/netns") if tag in name]
    return left


def new_tag():
    return f"gkv{secrets.token_hex(4)}"


def tag_apart():
    """The tag of the run when we are apart, else None."""
    if APART not in sys.argv:
        return None
    at = sys.argv.index(APART)
    tag = sys.argv[at + 1]
    del sys.argv[at:at + 2]
    return tag


def run_apart(arguments):
    """Run this program apart and return when it ended well; exit with its status when not, and with
    77 and the reason where namespaces are not allowed."""
    command, why = way_apart()
    if command is None:
        print(f"SKIP: no network namespaces of our own here: {why}", file=sys.stderr)
        sys.exit(SKIPPED)
    tag = new_tag()
    child = start_apart(command, tag, arguments)

    def on_signal(number, _):
        child.kill()  # and with it all that is apart
        sys.exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    status = child.wait()
    left = leftovers(tag)
    if left:
        raise Failed(f"left behind: {', '.join(left)}")
    if status != 0:
        sys.exit(status)


class Network:
    """Two bridges, a trunk between them, and a namespace for each node."""

    def __init__(self, tag):
        self.tag = tag
        self.numbers = {}
        ip("link", "set", "lo", "up")
        for side in ("left", "right"):
            ip("link", "add", "name", side, "type", "bridge", "mcast_snooping", "0")
            ip("link", "set", side, "up")
        ip("link", "add", "name", "trunk", "type", "veth", "peer", "name", "trunk-end")
        ip("link", "set", "trunk", "master", "left", "up")
        ip("link", "set", "trunk-end", "master", "right", "up")

    def namespace(self, name):
        return f"{self.tag}-{self.numbers[name]}"

    def peer_address(self, name):
        return f"10.77.0.{self.numbers[name]}"

    def door_address(self, name):
        return f"10.78.{self.numbers[name]}.1"

    def add(self, name):
        """A namespace for a node, on the left."""
        number = self.numbers[name] = len(self.numbers) + 1
        space = self.namespace(name)
        ip("netns", "add", space)
        # Version 6 would talk by itself, and be counted.
        ip("netns", "exec", space, "sh", "-c",
           "for i in all default; do echo 1 >/proc/sys/net/ipv6/conf/$i/disable_ipv6 || true; done")
        ip("-n", space, "link", "set", "lo", "up")
        ip("link", "add", "name", f"peer{number}", "type", "veth",
           "peer", "name", "peer", "netns", space)
        ip("link", "add", "name", f"door{number}", "type", "veth",
           "peer", "name", "door", "netns", space)
        ip("link", "set", f"peer{number}", "master", "left", "up")
        ip("address", "add", f"10.78.{number}.2/30", "dev", f"door{number}")
        ip("link", "set", f"door{number}", "up")
        for link, address in (("peer", f"{self.peer_address(name)}/24"),
                              ("door", f"{self.door_address(name)}/30")):
            ip("-n", space, "address", "add", address, "dev", link)
            ip("-n", space, "link", "set", link, "up")

    def place(self, right):
        """The nodes of `right` go to the right bridge, the others to the left one."""
        for name, number in self.numbers.items():
            ip("link", "set", f"peer{number}", "master", "right" if name in right else "left")

    def cut(self):
        ip("link", "set", "trunk", "down")

    def join(self):
        ip("link", "set", "trunk", "up")

    def scatter(self, is_apart):
        """Nobody reaches anybody, or everybody does again, when all are on one bridge."""
        for number in self.numbers.values():
            ip("link", "set", f"peer{number}", "type", "bridge_slave",
               "isolated", "on" if is_apart else "off")

    def lose(self, name, peer, is_lost):
        """What a node sends to one peer goes where nobody is, or is lost no more."""
        if is_lost:
            change = ("replace", self.peer_address(peer), "lladdr", NOBODY, "nud", "permanent")
        else:
            change = ("delete", self.peer_address(peer))
        ip("-n", self.namespace(name), "neighbour", *change, "dev", "peer")

    def peer_bytes(self, name):
        """(received, sent) by a node from and to its peers, Ethernet headers included."""
        shown = ip("-n", self.namespace(name), "-s", "-j", "link", "show", "dev", "peer")
        figures = json.loads(shown)[0]["stats64"]
        return figures["rx"]["bytes"], figures["tx"]["bytes"]
