"""Whether two process ids are of one count: containers may share a host name, and each counts its
processes from 1."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"


@cache
def process_id_space() -> str:
    """Sixteen hexadecimal digits that the processes of this machine, or of this container, have in
    common until it starts again; empty where no system tells, and host names must do."""
    try:
        told = _BOOT.read_text() + os.readlink(_NAMESPACE)
    except OSError:
        return ""
    return hashlib.sha256(told.encode()).hexdigest()[:16]
