"""Hosts on one machine: each has a network, a name and an address, and a cable to a bridge.

All of it is inside of a world of its own, namespaces of networks, mounts and process ids: nothing
of it is seen from outside, and the system ends and removes all of it with the world's first
process, which ends with the tests' however these do.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from tests.support import PROJECT
from tests.support.processes import eventually

# The world's first process: it takes in orphans, as such a process must.
_FIRST = """
import signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("there", flush=True)
sys.stdin.read()
"""
_WORLD = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
_NAMES_ITSELF = ("unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"')
_NETWORK = "10.77.0"
_BRIDGE = """
set -e
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
"""
_HOST = """
set -e
ip netns add {name}
ip link add to-{name} type veth peer name eth0 netns {name}
ip link set to-{name} master br0 up
ip -n {name} addr add {address}/24 dev eth0
ip -n {name} link set lo up
ip -n {name} link set eth0 up
"""
_TOOLS = ("ip", "unshare", "nsenter", "mount", "hostname")


@dataclass
class Host:
    """One of them: processes are started on it, its cable is pulled, and it is killed."""

    world: World
    name: str
    address: str

    def start(
        self,
        *command: str,
        env: Mapping[str, str],
        stdin: int | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.Popen[Any]:
        """A process of this host."""
        return subprocess.Popen(
            [*self.world.inside("ip", "netns", "exec", self.name), *_NAMES_ITSELF, self.name]
            + list(command),
            env=dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
            cwd=cwd or PROJECT,
        )

    def run(
        self, *command: str, env: Mapping[str, str], timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """A command of this host, to its end."""
        process = self.start(*command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            kill_inside(process)
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def cut_off(self) -> None:
        """Pulls the cable: nobody answers, and nobody says so."""
        self.world.do("ip", "link", "set", f"to-{self.name}", "down")

    def connect(self) -> None:
        """Plugs it in again."""
        self.world.do("ip", "link", "set", f"to-{self.name}", "up")

    def cannot_reach(self, address: str) -> None:
        """From here there is no way to an address any more."""
        self.world.do("ip", "-n", self.name, "route", "add", "unreachable", f"{address}/32")

    def can_reach(self, address: str) -> None:
        """There is one again."""
        self.world.do("ip", "-n", self.name, "route", "del", "unreachable", f"{address}/32")

    def add_address(self, address: str) -> None:
        """One more."""
        self.world.do("ip", "-n", self.name, "addr", "add", f"{address}/24", "dev", "eth0")

    def kill(self) -> None:
        """The power is gone."""
        self.cut_off()
        pids = self.world.do("ip", "netns", "pids", self.name).split()
        if pids:
            self.world.do("kill", "-KILL", *pids)


class World:
    """The bridge, and what is on it. Raises OSError or CalledProcessError where that is not
    allowed."""

    def __init__(self) -> None:
        self._first = subprocess.Popen(
            [*_WORLD, sys.executable, "-c", _FIRST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hosts: dict[str, Host] = {}
        try:
            assert self._first.stdout is not None
            if self._first.stdout.readline() != "there\n":
                raise OSError("no namespaces are allowed here")
            (inner,) = psutil.Process(self._first.pid).children()
            self._pid = inner.pid
            self.do("sh", "-c", _BRIDGE)
        except BaseException:
            self.close()
            raise

    def inside(self, *command: str) -> list[str]:
        """The command line of a process in the world, on no host."""
        return ["nsenter", "--target", str(self._pid), "--net", "--mount", "--pid", "--", *command]

    def do(self, *command: str) -> str:
        """What such a command says."""
        line = self.inside(*command)
        done = subprocess.run(line, check=True, capture_output=True, text=True, timeout=30)
        return done.stdout

    def host(self, name: str) -> Host:
        """A new one of that name, or the one that is there, with its cable plugged in."""
        if name not in self.hosts:
            address = f"{_NETWORK}.{10 + len(self.hosts)}"
            self.do("sh", "-c", _HOST.format(name=name, address=address))
            self.hosts[name] = Host(self, name, address)
        self.hosts[name].connect()
        return self.hosts[name]

    def small_disk(self, folder: Path, size: str) -> None:
        """A file system of so many bytes, as mount has it, that only this world sees there."""
        self.do("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))

    def close(self) -> None:
        """Ends all of it."""
        if self._first.stdin is not None:
            with suppress(BrokenPipeError):
                self._first.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._first.wait(10)
        self._first.kill()
        self._first.wait()
        if self._first.stdout is not None:
            self._first.stdout.close()


def kill_inside(process: subprocess.Popen[Any]) -> None:
    """Kills a process that a host was given, with all that it started."""
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(process.pid)
        for each in (*first.children(recursive=True), first):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


def signal_inside(process: subprocess.Popen[Any], signum: signal.Signals) -> None:
    """Sends a signal to the program itself, and not to what brought it there."""

    def program() -> int | None:
        found = psutil.Process(process.pid)
        while found.name() in {"nsenter", "ip", "unshare", "sh", "hostname"}:
            children = found.children()
            if not children:
                return None
            found = children[0]
        return found.pid

    os.kill(eventually(program, "the program"), signum)


def missing_for_hosts() -> str:
    """Why there can be no hosts here, in a sentence; empty if there can."""
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"there is no {', '.join(missing)} here: install iproute2 and util-linux"
    try:
        World().close()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no process may have a network of its own here (root may): {error}"
    return ""
