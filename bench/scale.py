"""What the bookkeeping of runs costs as archives grow in number, and not in what is in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from bench.contenders import clean_environment
from bench.machine import look_around
from bench.meter import measure
from bench.results import COUNTS, RUNS, STEPS, TINY_COUNTS, Cost, Scale, ScalePoint, Step
from bench.simulated import write_shop

_TURNS = 2
# Before what is measured; the first run in which nothing is new notes digests in its plan.
_UNMEASURED = {"publish": ("receipts",), "again": ("again",)}


def measure_scale(folder: Path, say: Callable[[str], None], *, tiny: bool = False) -> Scale:
    """Each step of a run, with so many archives; every one in a process of its own. But for the
    most, in turn before these and behind them, so that a machine that becomes slower meanwhile
    bends no curve."""
    counts, machine = TINY_COUNTS if tiny else COUNTS, look_around()
    few = [*counts[:-1] * _TURNS]
    seen: dict[int, list[ScalePoint]] = {count: [] for count in counts}
    for turn, count in enumerate([*few, counts[-1], *few[::-1]]):
        seen[count].append(_point(folder / f"{turn}", count, say))
    return Scale(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        points=[_middle(points) for points in seen.values()],
    )


def _middle(points: Sequence[ScalePoint]) -> ScalePoint:
    """With the medians of what each step cost, and its largest process."""
    steps = []
    for same in zip(*(point.steps for point in points), strict=True):
        costs = [step.cost for step in same]
        cost = Cost(
            seconds=median(each.seconds for each in costs),
            cpu_seconds=median(each.cpu_seconds for each in costs),
            largest_process=max(each.largest_process for each in costs),
        )
        steps.append(replace(same[0], cost=cost))
    return replace(points[0], steps=steps)


def _point(folder: Path, count: int, say: Callable[[str], None]) -> ScalePoint:
    say(f"{count:,} archives")
    write_shop(folder, count)
    steps = []
    for name in STEPS:
        for other in _UNMEASURED.get(name, ()):
            _step(folder, other)
        before = _state_bytes(folder)
        os.sync()  # or this step waits for, and is charged, what the one before it wrote
        cost = _step(folder, name)
        steps.append(Step(name, cost, _state_bytes(folder) - before))
    log = (folder / "progress.log").read_text().split()
    sizes = [path.stat().st_size for path in _state_files(folder)]
    return ScalePoint(
        archives=count,
        steps=steps,
        progress_bytes=int(log[-1]),
        largest_file=max(sizes),
        files=len(sizes),
    )


def _step(folder: Path, name: str) -> Cost:
    command = [sys.executable, "-m", "bench.simulated", name, str(folder)]
    if name == RUNS:
        command = [sys.executable, "-m", "console.command", "runs", "--state", f"{folder}/state"]
    log = folder / f"{name}.log"
    return measure(command, log, env=clean_environment())


def _state_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "state").rglob("*") if path.is_file()]


def _state_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in _state_files(folder))
