"""A cable that is slow and loses packets, laid in the place of a host's own: real packets come late
or never, and TCP sends them again. The kernel's netem would do the same; few kernels have it.

``python -m tests.support.slow_cable A B SECONDS LOSS`` is the cable, in the world of the hosts:
what it hears on one interface, it says on the other, so many seconds later, but for a share of it.
It says when it is laid, and at its end, as JSON, how many packets it carried and lost. With one
interface alone, it prepares that.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import json
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support import PROJECT
from tests.support.hosts import Host, kill_inside

_ALL_PROTOCOLS = 3
_OURS = socket.PACKET_OUTGOING
# Of a burst of a few MiB, none is lost but those that are meant to be.
_ROOM = 8 << 20
_SIOCETHTOOL = 0x8946
_SET_CHECKSUMS = 0x17
_LAID = "laid"
# What is heard on the host's end goes to a new one, whose other end is on the bridge.
_LAY = """
set -e
ip link set to-{name} nomaster
ip link add far-{name} type veth peer name by-{name}
ip link set far-{name} up
ip link set by-{name} master br0 up
"""
_TAKE_AWAY = """
ip link del far-{name}
ip link set to-{name} master br0
"""


@dataclass
class Carried:
    """Packets that a cable had, in both directions."""

    carried: int = 0
    lost: int = 0


@contextmanager
def slow_cable(host: Host, seconds: float, loss: float) -> Iterator[Carried]:
    """All that a host sends and receives comes so much later, each way, and a share of it never.
    How many packets that were is known afterwards."""
    world, counts = host.world, Carried()
    world.do("sh", "-c", _LAY.format(name=host.name))
    whole = (sys.executable, "-m", __spec__.name)
    for inside in (("ip", "netns", "exec", host.name, *whole, "eth0"), (*whole, f"by-{host.name}")):
        subprocess.run(world.inside(*inside), check=True, cwd=PROJECT)
    ends = (f"to-{host.name}", f"far-{host.name}", str(seconds), str(loss))
    cable = subprocess.Popen(
        world.inside(*whole, *ends),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert cable.stdout is not None
    try:
        assert cable.stdout.readline() == f"{_LAID}\n"
        yield counts
        told, _ = cable.communicate("", timeout=20)
        counts.carried, counts.lost = json.loads(told)
    finally:
        kill_inside(cable)
        cable.communicate()
        world.do("sh", "-c", _TAKE_AWAY.format(name=host.name))


def send_whole(interface: str) -> None:
    """Has the kernel send packets as they would go over a wire, with checksums and no larger than
    that takes, and not leave both to a card that is none."""
    value = ctypes.create_string_buffer(struct.pack("II", _SET_CHECKSUMS, 0))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request)


def _end(interface: str) -> socket.socket:
    found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
    found.bind((interface, 0))
    return found


def carry(interfaces: tuple[str, str], seconds: float, loss: float) -> Carried:
    """Until standard input ends."""
    first, second = (_end(each) for each in interfaces)
    other = {first: second, second: first}
    chance, count, told = random.Random(1), itertools.count(), Carried()  # noqa: S311
    waiting: list[tuple[float, int, socket.socket, bytes]] = []
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        for each in other:
            selector.register(each, selectors.EVENT_READ, each)
        sys.stdout.write(f"{_LAID}\n")
        sys.stdout.flush()
        while True:
            pause = max(waiting[0][0] - time.monotonic(), 0) if waiting else None
            for key, _ in selector.select(pause):
                here: socket.socket | None = key.data
                if here is None:
                    return told
                heard, (*_, kind, _, _) = here.recvfrom(1 << 16)
                if kind == _OURS:
                    continue
                if chance.random() < loss:
                    told.lost += 1
                    continue
                due = time.monotonic() + seconds
                heapq.heappush(waiting, (due, next(count), other[here], heard))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, there, packet = heapq.heappop(waiting)
                there.send(packet)
                told.carried += 1


if __name__ == "__main__":
    if len(sys.argv) == 2:
        send_whole(sys.argv[1])
    else:
        done = carry((sys.argv[1], sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
        sys.stdout.write(json.dumps([done.carried, done.lost]))
