"""Machine profiles: how many processes and how much memory a run may take here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ProfileName = Literal["auto", "weak", "strong"]

_CGROUP = Path("/sys/fs/cgroup")
# Resident bytes of one worker beside its batches: interpreter, libraries, dimensions of a small
# shop, freed memory that is kept. tests/integration/test_memory.py measures a worker.
_WORKER_BASE_BYTES = 140 << 20
# A batch's events are assumed to be this long; see window_bytes in processing/rules.py.
EVENT_BYTES = 256
# Inflated blocks, the text they are joined to, two windows of it, their columns, and an extract
# that is made of them and written.
_BATCH_COPIES = 10


@dataclass(frozen=True)
class Machine:
    """What this process may use: whole cores and bytes of memory, container limits included."""

    cores: int
    memory_bytes: int


@dataclass(frozen=True)
class Profile:
    """``jobs`` worker processes, each holding batches of ``batch_size`` events."""

    jobs: int
    batch_size: int


def read_machine(cgroup: Path = _CGROUP) -> Machine:
    """Cores and memory of this machine or of the control group (v2) around it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota, period = (_cgroup_words(cgroup / "cpu.max") + ["max", "100000"])[:2]
    if quota != "max":
        cores = min(cores or 1, max(1, int(quota) // int(period)))
    memory = _physical_bytes()
    limit = (_cgroup_words(cgroup / "memory.max") + ["max"])[0]
    if limit != "max":
        memory = min(memory, int(limit))
    return Machine(cores=cores or 1, memory_bytes=memory)


def _physical_bytes() -> int:
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # takes longer to import than all else that settings need

    return int(psutil.virtual_memory().total)


def choose_profile(name: ProfileName, machine: Machine) -> Profile:
    """The profile ``name`` gives on ``machine``.

    ``weak`` is one process with small batches, ``strong`` one process a core with large
    ones; ``auto`` uses every core as far as a half of the memory carries it.
    """
    if name == "weak":
        return Profile(jobs=1, batch_size=10_000)
    if name == "strong":
        return Profile(jobs=machine.cores, batch_size=100_000)
    batch_size = 20_000
    affordable = machine.memory_bytes // 2 // worker_bytes(batch_size)
    if affordable < 1:
        return Profile(jobs=1, batch_size=10_000)
    return Profile(jobs=min(machine.cores, affordable), batch_size=batch_size)


def worker_bytes(batch_size: int) -> int:
    """Peak resident bytes to expect of one worker process."""
    return _WORKER_BASE_BYTES + _BATCH_COPIES * batch_size * EVENT_BYTES


def _cgroup_words(path: Path) -> list[str]:
    return path.read_text().split() if path.is_file() else []
