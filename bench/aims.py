"""What this project aims at, as ratios in one run on the large data, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import isfinite

from msgspec import Struct

from bench.results import (
    ARCHIVES,
    ARRAYS,
    CELERY_1,
    CELERY_2,
    COUNTS,
    CPP,
    EXPLAIN,
    GROUPS,
    GUNZIP,
    GZIPPED,
    HELP,
    INFLATE,
    LINES,
    NOW,
    ONE,
    ONE_PART,
    OPENED,
    OURS_1,
    OURS_2,
    QUESTIONS,
    RENAMED,
    RUNS,
    SMALL_PARTS,
    START,
    STEPS,
    VERIFY,
    Days,
    Figures,
    Growth,
    Measured,
    Scale,
    Trial,
    before_of,
    marginal,
)

_OURS = (OURS_1, OURS_2, CELERY_1, CELERY_2, ONE, SMALL_PARTS)
_HELP_SECONDS, _MIB = 0.3, 1 << 20
NOT_MEASURED, TOO_SMALL = "not measured", "too small to tell"
_Figure = Callable[[Figures], float]


class Aim(Struct, frozen=True):
    """One line of the table; ``found`` is None where it was not measured, ``before`` where the
    build before has no such figure."""

    what: str
    bar: str
    moonshot: str
    found: str | None
    before: str | None
    verdict: str


def aims(measured: Measured) -> list[Aim]:
    """Every aim, in order of weight."""
    large, small = (measured.comparisons.get(size) for size in ("large", "small"))
    return [
        *_side_by_side(large.figures if large else {}),
        *_small(small.figures if small else {}),
        *_against_before(measured.trials),
        *_grown(measured.growth),
        *_fed(measured.feeds.figures if measured.feeds else {}),
        *_daily(measured.days),
        *_scaled(measured.scale),
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
    two = "against two jobs"
    yield ratio(f"DuckDB, columns given, {two}, time", "duckdb", OURS_2, _wall).at_least(3.6, 4.5)
    yield ratio(f"Polars, its quicker way, {two}, time", quickest, OURS_2, _wall).at_least(4, 5)
    yield ratio(f"naive pandas {two}, time", "pandas", OURS_2, _wall).at_least(25, 30)
    yield ratio(f"naive pandas {two}, memory", "pandas", OURS_2, _memory).at_least(5)
    yield ratio(f"PySpark local[2] {two}, time", "pyspark", OURS_2, _wall).at_least(15)
    yield ratio(f"Dask {two}, time", "dask", OURS_2, _wall).at_least(15)
    what = "one job against the C++ floor, CPU time"
    yield ratio(what, OURS_1, CPP, _cpu).at_most(1.4, 1.15)
    yield ratio("one job against two, time", OURS_1, OURS_2, _wall).at_least(1.8, 1.9)
    what = f"Celery, 2 processes, {two}, time"
    yield ratio(what, CELERY_2, OURS_2, _wall).at_most(1.12, 1.05)
    what = "two jobs against DuckDB, columns given, memory"
    yield ratio(what, OURS_2, "duckdb", _memory).at_most(1, 0.6)


def _small(figures: dict[str, Figures]) -> Iterator[Aim]:
    what = "size small: DuckDB, columns given, against two jobs, time"
    yield _ratio(figures, what, "duckdb", OURS_2, _wall).at_least(1.2, 2)


def _against_before(trials: Mapping[str, Trial]) -> Iterator[Aim]:
    """The build before is 1."""
    found = {name: trial.figures for name, trial in trials.items()}
    archives, questions = found.get(ARCHIVES, {}), found.get(QUESTIONS, {})
    then = "against the build before"
    what = "small archives: CPU time an archive, two jobs"
    yield _progress(archives, f"{what}, {then}", OURS_2, _cpu).at_most(1 / 3, 1 / 5)
    what = "small archives: CPU time an archive, Celery, Redis and both sides included"
    yield _progress(archives, f"{what}, {then}", CELERY_2, _cpu).at_most(1 / 2, 1 / 3)
    starts = found.get(START, {})
    yield _progress(starts, f"start to `--help`, {then}, time", HELP, _wall).at_most(1, 1)
    what = f"start to the first archive opened, {then}, time"
    yield _progress(starts, what, OPENED, _wall).at_most(1 / 2, 1 / 3)
    seconds = starts[HELP].seconds if HELP in starts else None
    yield _Ratio("`--help`, seconds", seconds).at_most(_HELP_SECONDS)
    what = f"publishing 10,000 categories, 20 segments, {then}, time"
    yield _progress(found.get(GROUPS, {}), what, GROUPS, _wall).at_most(1 / 4, 1 / 8)
    for question in (VERIFY, EXPLAIN):
        for unit, figure in (("time", _wall), ("CPU time", _cpu)):
            what = f"`{question}` of the large data, {then}, {unit}"
            yield _progress(questions, what, question, figure).at_most(1 / 3, 1 / 6)
    what = "one large part against the same events in parts of 1 MiB, CPU time"
    yield _ratio(found.get(ONE_PART, {}), what, ONE, SMALL_PARTS, _cpu).at_most(1.1, 1)


def _grown(growth: Growth | None) -> Iterator[Aim]:
    events = growth.curves.get("events", []) if growth else []
    costs = [(p.scale, p.figures[OURS_1].cpu_seconds) for p in events if OURS_1 in p.figures]
    linear = marginal(costs) if len(costs) == 3 else None  # noqa: PLR2004  (1x, 4x, 16x)
    what = "a further event's CPU time, from 4x to 16x against from 1x to 4x"
    yield _Ratio(what, linear).at_most(1.1)
    merges = [(each.partials, each.seconds) for each in growth.publications] if growth else []
    what = "publishing a further partial, upper against lower end"
    yield _Ratio(what, marginal(merges) if merges else None).at_most(1.1)


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


def _scaled(scale: Scale | None) -> Iterator[Aim]:
    points = {point.archives: point for point in scale.points} if scale else {}
    is_whole = set(COUNTS) <= points.keys()
    for name, title in STEPS.items():
        costs = [
            (count, step.cost.cpu_seconds)
            for count in (COUNTS if is_whole else ())
            for step in points[count].steps
            if step.name == name
        ]
        if name == RUNS:  # reads nothing of an archive
            what = f"{title}: CPU time, with 100,000 archives against with 1,000"
            yield _Ratio(what, costs[-1][1] / costs[0][1] if costs else None).at_most(1.15)
            continue
        what = f"{title}: a further archive's CPU time, to 100,000 against to 10,000"
        yield _Ratio(what, marginal(costs) if costs else None).at_most(1.15)
    most = points[COUNTS[-1]] if is_whole else None
    peak = max(step.cost.largest_process for step in most.steps) / _MIB if most else None
    yield _Ratio("100,000 archives: the largest process, MiB", peak).at_most(400)
    largest = most.largest_file / _MIB if most else None
    yield _Ratio("100,000 archives: the largest file of state, MiB", largest).at_most(16)
    files = most.files / most.archives if most else None
    yield _Ratio("100,000 archives: files of state an archive", files).at_most(3)


def _ratio(
    figures: Mapping[str, Figures], what: str, over: str, under: str, get: _Figure
) -> _Ratio:
    """Of two contenders, and of the same two with ours of the build before."""

    def between(one: str, other: str) -> float | None:
        both = one in figures and other in figures and get(figures[other]) > 0
        return get(figures[one]) / get(figures[other]) if both else None

    then = [before_of(name) if name in _OURS else name for name in (over, under)]
    return _Ratio(what, between(over, under), between(*then))


def _progress(figures: Mapping[str, Figures], what: str, name: str, get: _Figure) -> _Ratio:
    """Of one of ours and the same of the build before, which is 1 by definition."""
    found = _ratio(figures, what, name, before_of(name), get).value
    return _Ratio(what, found, None if found is None else 1.0)


class _Ratio(Struct, frozen=True):
    what: str
    value: float | None
    before: float | None = None

    def at_least(self, bar: float, moonshot: float | None = None) -> Aim:
        return self._aim("≥", bar, moonshot)

    def at_most(self, bar: float, moonshot: float | None = None) -> Aim:
        return self._aim("≤", bar, moonshot)

    def _aim(self, sign: str, bar: float, moonshot: float | None) -> Aim:
        def reached(limit: float) -> bool:
            # As it is shown: 1.004 is 1.
            value = -1.0 if self.value is None else round(self.value, 2)
            return value >= limit if sign == "≥" else 0 <= value <= limit

        if self.value is None:
            verdict = NOT_MEASURED
        elif not isfinite(self.value):
            verdict = "-"
        elif moonshot is not None and reached(moonshot):
            verdict = "moonshot met"
        else:
            verdict = "met" if reached(bar) else "not met"
        return Aim(
            what=self.what,
            bar=f"{sign} {_number(bar)}",
            moonshot="-" if moonshot is None else f"{sign} {_number(moonshot)}",
            found=_shown(self.value),
            before=_shown(self.before),
            verdict=verdict,
        )


def _shown(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.2f}" if isfinite(value) else TOO_SMALL


def _number(limit: float) -> str:
    """A limit as people write it: 25, 1.15, 1/3."""
    if limit < 1 and (1 / limit).is_integer():
        return f"1/{1 / limit:.0f}"
    return f"{limit:g}"
