"""What this project aims at, as ratios in one run on the large data, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import isfinite

from msgspec import Struct

from bench.results import (
    ARRAYS,
    CELERY_2,
    CPP,
    GUNZIP,
    GZIPPED,
    INFLATE,
    LINES,
    NOW,
    OURS_1,
    OURS_2,
    RENAMED,
    Comparison,
    Days,
    Feeds,
    Figures,
    Growth,
    marginal,
)

_HELP_SECONDS = 0.3
TOO_SMALL = "too small to tell"


class Aim(Struct, frozen=True):
    """One line of the table; ``found`` is None where it was not measured."""

    what: str
    wanted: str
    found: str | None
    met: bool


def aims(
    large: Comparison | None, growth: Growth | None, feeds: Feeds | None, days: Days | None
) -> list[Aim]:
    """Every aim, in order of weight."""
    return [
        *_side_by_side(large.figures if large else {}),
        *_grown(growth),
        *_fed(feeds.figures if feeds else {}),
        *_daily(days),
    ]


def _wall(each: Figures) -> float:
    return each.seconds


def _cpu(each: Figures) -> float:
    return each.cpu_seconds


def _memory(each: Figures) -> float:
    return each.peak_bytes


def _side_by_side(figures: dict[str, Figures]) -> Iterator[Aim]:
    ratio = partial(_ratio, figures)

    quickest = min(
        (name for name in ("polars", "polars-2") if name in figures),
        key=lambda name: figures[name].seconds,
        default="polars",
    )
    of_two = "against two jobs"
    yield ratio(f"naive pandas {of_two}, time", "pandas", OURS_2, _wall).at_least(20)
    yield ratio(f"naive pandas {of_two}, memory", "pandas", OURS_2, _memory).at_least(5)
    yield ratio(f"PySpark local[2] {of_two}, time", "pyspark", OURS_2, _wall).at_least(15)
    yield ratio(f"Dask {of_two}, time", "dask", OURS_2, _wall).at_least(15)
    yield ratio(f"Polars, its quicker way, {of_two}, time", quickest, OURS_2, _wall).at_least(6)
    yield ratio(f"DuckDB, columns given, {of_two}, time", "duckdb", OURS_2, _wall).at_least(3)
    yield ratio("one job against the C++ floor, CPU time", OURS_1, CPP, _cpu).at_most(2)
    yield ratio("one job against two, time", OURS_1, OURS_2, _wall).at_least(1.8)
    yield ratio("Celery, 2 processes, against two jobs, time", CELERY_2, OURS_2, _wall).at_most(1.1)


def _grown(growth: Growth | None) -> Iterator[Aim]:
    events = growth.curves.get("events", []) if growth else []
    costs = [(p.scale, p.figures[OURS_1].cpu_seconds) for p in events if OURS_1 in p.figures]
    linear = marginal(costs) if len(costs) == 3 else None  # noqa: PLR2004  (1x, 4x, 16x)
    what = "a further event's CPU time, from 4x to 16x against from 1x to 4x"
    yield _Ratio(what, linear).at_most(1.1)
    merges = [(each.partials, each.seconds) for each in growth.publications] if growth else []
    what = "publishing a further partial, upper against lower end"
    yield _Ratio(what, marginal(merges) if merges else None).at_most(1.1)
    found = growth.help_seconds if growth else None
    yield Aim(
        "`--help`, seconds",
        f"≤ {_HELP_SECONDS}",
        None if found is None else f"{found:.2f}",
        met=found is not None and found <= _HELP_SECONDS,
    )


def _fed(figures: dict[str, Figures]) -> Iterator[Aim]:
    ratio = partial(_ratio, figures)
    yield ratio("lines against arrays, one job, CPU time", LINES, ARRAYS, _cpu).at_most(1.1)
    what = "fields of other names against ours, one job, CPU time"
    yield ratio(what, RENAMED, ARRAYS, _cpu).at_most(1.05)
    costs = {name: each.cpu_seconds for name, each in figures.items()}
    more = None
    if {GZIPPED, ARRAYS, GUNZIP, INFLATE} <= costs.keys():
        allowed = costs[GUNZIP] - costs[INFLATE]
        more = (costs[GZIPPED] - costs[ARRAYS]) / allowed if allowed > 0 else float("nan")
    what = "what gzip in place of zip's deflate costs more, against unpacking alone, CPU time"
    yield _Ratio(what, more).at_most(1)


def _daily(days: Days | None) -> Iterator[Aim]:
    ratios = [day.ratio for day in (days.days if days else ()) if day.build == NOW]
    what = "the next day with changed customers and prices against without, CPU time, any history"
    yield _Ratio(what, max(ratios, default=None)).at_most(1.3)


def _ratio(
    figures: dict[str, Figures], what: str, over: str, under: str, get: Callable[[Figures], float]
) -> _Ratio:
    both = over in figures and under in figures and get(figures[under]) > 0
    return _Ratio(what, get(figures[over]) / get(figures[under]) if both else None)


class _Ratio(Struct, frozen=True):
    what: str
    value: float | None

    def at_least(self, limit: float) -> Aim:
        return Aim(self.what, f"≥ {limit:g}", self._found, self._known >= limit)

    def at_most(self, limit: float) -> Aim:
        return Aim(self.what, f"≤ {limit:g}", self._found, 0 <= self._known <= limit)

    @property
    def _known(self) -> float:
        return -1.0 if self.value is None or not isfinite(self.value) else self.value

    @property
    def _found(self) -> str | None:
        if self.value is None:
            return None
        return f"{self.value:.2f}" if isfinite(self.value) else TOO_SMALL
