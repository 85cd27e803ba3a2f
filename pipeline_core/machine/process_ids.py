"""Whether two process ids are of one count, and two processes of one host: containers may share a
host name, each counts its processes from 1, and machines are cloned with their names."""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"


@cache
def process_id_space() -> str:
    """Sixteen hexadecimal digits that the processes of this machine, or of this container, have in
    common until it starts again; empty where no system tells, and host names must do."""
    try:
        return _digits(_BOOT.read_text() + os.readlink(_NAMESPACE))
    except OSError:
        return ""


@cache
def boot() -> str:
    """Sixteen hexadecimal digits that all processes of this machine have in common until it starts
    again, those of its containers included; empty where no system tells."""
    try:
        return _digits(_BOOT.read_text())
    except OSError:
        return ""


def host_mark() -> str:
    """Sixteen hexadecimal digits that the processes of one host have in common, a container for
    one, and no others."""
    return _digits(f"{socket.gethostname()} {boot()}")


def _digits(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:16]
