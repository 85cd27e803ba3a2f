"""Compares runs, and holds what that says against the two published CSV files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, Protocol

from pipeline_core.diff import Difference, chosen_runs, difference
from pipeline_core.storage import open_storage
from tests.support.successive import Runs


class Row(NamedTuple):
    revenue: Fraction = Fraction(0)
    units: int = 0
    customers: int = 0


class Change(Protocol):
    @property
    def revenue(self) -> str: ...
    @property
    def units(self) -> int: ...


def diff(runs: Runs, before: str | None = None, after: str | None = None) -> Difference:
    """The difference of two runs; it adds up."""
    state = open_storage(str(runs.folder / "state"))
    found = difference(state, *chosen_runs(state, before, after))
    check_sums(runs, found)
    return found


def check_sums(runs: Runs, found: Difference) -> None:
    """Every row that differs between the reports is there, with causes that add up exactly."""
    old, new = (_report(runs, run.run_id) for run in (found.before, found.after))
    cells = {(cell.category, cell.segment): cell for cell in found.cells}
    assert len(cells) == len(found.cells)
    for key in old.keys() | new.keys() | cells.keys():
        was, is_now = old.get(key, Row()), new.get(key, Row())
        if key not in cells:
            assert was == is_now, f"{key} changed, and nobody says so"
            continue
        cell = cells[key]
        for figures, row in ((cell.before, was), (cell.after, is_now)):
            assert (Fraction(figures.revenue), figures.units, figures.customers) == row
        change = (is_now.revenue - was.revenue, is_now.units - was.units)
        assert (Fraction(cell.revenue), cell.units) == change
        assert _sum(cell.causes) == change
        assert cell.causes or was != is_now
    assert (Fraction(found.revenue), found.units) == _sum(found.cells) == _sum(found.kinds)


def causes(found: Difference) -> dict[tuple[str, str], list[tuple[str, str, str, int]]]:
    """Kind, name, revenue and units of every cause, by category and segment."""
    return {
        (cell.category, cell.segment): [
            (cause.kind.value, cause.name, cause.revenue, cause.units) for cause in cell.causes
        ]
        for cell in found.cells
    }


def _report(runs: Runs, run_id: str) -> dict[tuple[str, str], Row]:
    path = runs.folder / "reports" / "runs" / run_id / "sales_report.csv"
    with path.open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return {
        (category, segment): Row(Fraction(revenue), int(units), int(customers))
        for category, segment, revenue, units, customers in rows
    }


def _sum(changes: Sequence[Change]) -> tuple[Fraction, int]:
    revenue = sum((Fraction(change.revenue) for change in changes), Fraction(0))
    return revenue, sum(change.units for change in changes)
