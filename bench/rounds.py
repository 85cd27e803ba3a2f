"""Contenders in turn, round by round, on the same data; their reports must be the same."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import mkdtemp

import click

from bench.contenders import Contender, clean_environment
from bench.fleet import lead
from bench.meter import measure
from bench.results import Cost, Figures

# Category and segment -> revenue, units, customers, as they stand in the file.
Report = dict[tuple[str, str], tuple[str, str, str]]
_KEYS = ("category", "customer_segment")
_FIGURES = ("total_revenue", "units_sold", "unique_customers")


class ReportsDifferError(click.ClickException):
    """Two contenders did not find the same sales, so their speed means nothing."""


def compare(
    contenders: Sequence[Contender],
    data: Path,
    dimensions: Path,
    folder: Path,
    rounds: int,
    say: Callable[[str], None] = lambda _: None,
    *,
    warm_up: Path | None = None,
) -> dict[str, Figures]:
    """Each contender's figures. Round 0 warms up, watches memory and checks the reports; the
    other rounds are timed and otherwise left alone. Every second round runs backwards.

    ``warm_up`` has less data for round 0, where all of it would take too long; memory is that of
    these.

    Each run leaves what it made in a folder of its own, below ``folder``. Nothing is to be removed
    while anything is measured: for minutes, ext4 looks at every inode that was freed, one by one,
    whenever a file is created (``recently_deleted`` in Linux' fs/ext4/ialloc.c), which took longer
    than small archives do.

    Raises:
        ReportsDifferError: reports are not the same to the cent, the unit and the customer.
        ClickException: a contender failed.
    """
    costs, peaks = defaultdict[str, list[Cost]](list), dict[str, int]()
    first: tuple[str, Report] | None = None
    for number in range(rounds + 1):
        read = warm_up if warm_up and number == 0 else data
        first = None if number == 1 and warm_up else first
        for contender in contenders if number % 2 else reversed(contenders):
            place = contender.run or Path(mkdtemp(prefix=f"{contender.name}-", dir=folder))
            cost = _run(contender, read, dimensions, place, memory=number == 0)
            if number == 0:
                peaks[contender.name] = cost.peak_bytes
            else:
                costs[contender.name].append(cost)
            if contender.has_report:
                report = read_report(place / "reports")
                first = first or (contender.title, report)
                if report != first[1]:
                    raise ReportsDifferError(_difference(first, (contender.title, report)))
            say(f"round {number} of {rounds}: {contender.title}: {cost.seconds:.2f} s")
    return {
        each.name: Figures(each.title, costs[each.name], peaks[each.name]) for each in contenders
    }


def run_again(contender: Contender, data: Path, dimensions: Path, place: Path) -> Cost:
    """What a run on the state of the one before costs."""
    return _measured(contender, data, dimensions, place, memory=False)


def run_once(contender: Contender, data: Path, dimensions: Path, place: Path) -> None:
    """Runs a contender in a fresh folder and leaves its reports and state there."""
    _run(contender, data, dimensions, place, memory=False)


def read_report(folder: Path) -> Report:
    """The sales report a contender has published."""
    with (folder / "sales_report.csv").open(newline="") as file:
        return {
            (row[_KEYS[0]], row[_KEYS[1]]): (row[_FIGURES[0]], row[_FIGURES[1]], row[_FIGURES[2]])
            for row in csv.DictReader(file)
        }


def _run(contender: Contender, data: Path, dimensions: Path, place: Path, *, memory: bool) -> Cost:
    (place / "reports").mkdir(parents=True, exist_ok=True)
    return _measured(contender, data, dimensions, place, memory=memory)


def _measured(
    contender: Contender, data: Path, dimensions: Path, place: Path, *, memory: bool
) -> Cost:
    theirs = place
    if contender.places is not None:
        theirs = contender.places
        links = lead(theirs, data=data, reports=place / "reports", state=place / "state")
        data = links["data"]
    command = contender.command_for(data, dimensions, theirs)
    env = clean_environment() | contender.env
    return measure(command, place / "log", env=env, helpers=contender.helpers, memory=memory)


def _difference(one: tuple[str, Report], other: tuple[str, Report]) -> str:
    keys = sorted(one[1].keys() | other[1].keys())
    key = next(key for key in keys if one[1].get(key) != other[1].get(key))
    return (
        f"The reports of {one[0]} and {other[0]} differ, first at {', '.join(key)}: "
        f"{one[1].get(key)} against {other[1].get(key)}."
    )
