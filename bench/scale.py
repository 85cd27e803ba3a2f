"""What the bookkeeping of runs costs as archives grow in number, and not in what is in them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from msgspec.structs import replace

from bench.contenders import clean_environment
from bench.machine import look_around
from bench.meter import measure
from bench.results import COUNTS, RUNS, STEPS, TINY_COUNTS, Cost, Scale, ScalePoint, Step
from bench.simulated import write_shop

# Before what is measured; the first run in which nothing is new notes digests in its plan.
_UNMEASURED = {"publish": ("receipts",), "again": ("again",)}


def measure_scale(folder: Path, say: Callable[[str], None], *, tiny: bool = False) -> Scale:
    """Each step of a run, with so many archives; every one in a process of its own. But for the
    most, twice, before these and behind them, so that a machine that becomes slower meanwhile bends
    no curve."""
    counts, machine = TINY_COUNTS if tiny else COUNTS, look_around()
    before = [_point(folder / f"{count}", count, say) for count in counts]
    behind = [_point(folder / f"{count}-behind", count, say) for count in counts[-2::-1]]
    return Scale(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        points=[*map(_between, before, behind[::-1]), before[-1]],
    )


def _between(one: ScalePoint, other: ScalePoint) -> ScalePoint:
    """With the mean of what each step cost, and its larger peak."""
    steps = []
    for step, again in zip(one.steps, other.steps, strict=True):
        costs = step.cost, again.cost
        cost = Cost(
            seconds=fmean(each.seconds for each in costs),
            cpu_seconds=fmean(each.cpu_seconds for each in costs),
            peak_bytes=max(each.peak_bytes for each in costs),
        )
        steps.append(replace(step, cost=cost))
    return replace(one, steps=steps)


def _point(folder: Path, count: int, say: Callable[[str], None]) -> ScalePoint:
    say(f"{count:,} archives")
    write_shop(folder, count)
    steps = []
    for name in STEPS:
        for other in _UNMEASURED.get(name, ()):
            _step(folder, other)
        before = _state_bytes(folder)
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
    return measure(command, log, env=clean_environment(), memory=True)


def _state_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "state").rglob("*") if path.is_file()]


def _state_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in _state_files(folder))
