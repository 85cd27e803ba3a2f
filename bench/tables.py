"""Measured figures as rows of text, for the terminal and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.aims import Aim
from bench.results import (
    ARRAYS,
    CPP,
    CPP_TWICE,
    OURS_2,
    STEPS,
    Comparison,
    DataFacts,
    Days,
    Distinct,
    Feeds,
    Figures,
    Machine,
    Point,
    Scale,
    StoreRequests,
    Trial,
    before_of,
)

Rows = list[Sequence[str]]

COMPARISON = (
    *("contender", "time", "CPU", "memory", "seconds", "quickest to slowest"),
    *("CPU seconds", "MiB", "events/s", "JSON MB/s"),
)
FEEDS = ("feed", "time", "CPU", "seconds", "CPU seconds", "MiB")
DAYS = ("build", "archives", "events", "alone: CPU s", "with changes: CPU s", "ratio")
AIMS = ("what", "bar", "moonshot", "measured", "build before", "")
TRIAL = ("what", "time", "CPU", "seconds", "quickest to slowest", "CPU seconds", "MiB")
SCALE = (
    "archives",
    "what",
    "seconds",
    "CPU seconds",
    "CPU ms an archive",
    "largest process, MiB",
    "kB written",
)
FLEET = ("what", "build", "round trip", "requests", "an archive", "kB", "seconds")
_ASKED = {
    "plan": "`plan`",
    "first": "first run, sent, processed and published",
    "again": "a run with nothing new",
    "unchanged": "the same with `--if-changed`",
    "idle": "the reconciler, idle, a minute",
    "stalled": "following a run that stands still, a minute",
}
CURVE = ("size", "events", "archives", "customers")
_CONTENDER_AT = ("s", "CPU s", "MiB")


def comparison_rows(result: Comparison) -> Rows:
    """Ratios first; above 1 the contender takes more than this project with two jobs."""
    base = baseline(result.figures)
    return [
        (
            each.title,
            _over(each.seconds, base.seconds),
            _over(each.cpu_seconds, base.cpu_seconds),
            _over(each.peak_bytes, base.peak_bytes),
            f"{each.seconds:.2f}",
            "{:.2f}-{:.2f}".format(*each.spread),
            f"{each.cpu_seconds:.2f}",
            _mib(each.peak_bytes),
            f"{result.data.events / each.seconds:,.0f}",
            f"{result.data.json_bytes / 1e6 / each.seconds:,.0f}",
        )
        for each in sorted(result.figures.values(), key=lambda each: each.seconds)
    ]


def feed_rows(feeds: Feeds) -> Rows:
    """Ratios first; above 1 a feed takes more than arrays do."""
    base = feeds.figures[ARRAYS]
    return [
        (
            each.title,
            _over(each.seconds, base.seconds),
            _over(each.cpu_seconds, base.cpu_seconds),
            f"{each.seconds:.2f}",
            f"{each.cpu_seconds:.2f}",
            _mib(each.peak_bytes),
        )
        for each in feeds.figures.values()
    ]


def day_rows(days: Days) -> Rows:
    """A build and a size a row."""
    return [
        (
            day.build,
            f"{day.archives:,}",
            f"{day.events:,}",
            f"{day.alone.cpu_seconds:.2f}",
            f"{day.changed.cpu_seconds:.2f}",
            f"{day.ratio:.2f}",
        )
        for day in days.days
    ]


def trial_rows(trial: Trial) -> Rows:
    """Ratios first, to the same of the build before; below 1 this build takes less."""
    rows: Rows = []
    for name, each in trial.figures.items():
        then = trial.figures.get(before_of(name))
        ratios = ("-", "-")
        if then is not None:
            ratios = (
                _over(each.seconds, then.seconds),
                _over(each.cpu_seconds, then.cpu_seconds),
            )
        rows.append(
            (
                each.title,
                *ratios,
                f"{each.seconds:.3f}",
                "{:.3f}-{:.3f}".format(*each.spread),
                f"{each.cpu_seconds:.3f}",
                _mib(each.peak_bytes) if each.peak_bytes else "-",
            )
        )
    return rows


def fleet_rows(fleet: StoreRequests) -> Rows:
    """A kind, a round trip and a build a row."""
    order = list(_ASKED)
    return [
        (
            _ASKED[each.what],
            "before" if each.build else "now",
            f"{1000 * each.delay:.0f} ms",
            f"{each.requests:,}",
            f"{each.requests / fleet.archives:.1f}" if each.seconds else "-",
            f"{each.size / 1e3:,.0f}",
            f"{each.seconds:.1f}" if each.seconds else "-",
        )
        for each in sorted(fleet.asked, key=lambda each: (order.index(each.what), each.delay))
    ]


def scale_rows(scale: Scale) -> Rows:
    """A number of archives and a step a row."""
    return [
        (
            f"{point.archives:,}",
            STEPS[step.name],
            f"{step.cost.seconds:.1f}",
            f"{step.cost.cpu_seconds:.1f}",
            f"{1000 * step.cost.cpu_seconds / point.archives:.2f}",
            f"{step.cost.largest_process / (1 << 20):,.0f}",
            f"{step.written / 1e3:,.0f}",
        )
        for point in scale.points
        for step in point.steps
    ]


def aim_rows(aims: Sequence[Aim]) -> Rows:
    """An aim a row."""
    return [
        (aim.what, aim.bar, aim.moonshot, aim.found or "-", aim.before or "-", aim.verdict)
        for aim in aims
    ]


def curve_rows(points: Sequence[Point]) -> tuple[Sequence[str], Rows]:
    """Headings and a row a size, with three columns a contender."""
    titles = [
        figures.title.removeprefix("sales-pipeline, ") for figures in points[0].figures.values()
    ]
    headings = [*CURVE, *(f"{title}: {unit}" for title in titles for unit in _CONTENDER_AT)]
    rows: Rows = []
    for point in points:
        facts = point.data
        row = [f"{point.scale}x", f"{facts.events:,}", f"{facts.archives:,}"]
        row.append(f"{facts.customers:,}")
        for each in point.figures.values():
            row += [f"{each.seconds:.2f}", f"{each.cpu_seconds:.2f}", _mib(each.peak_bytes)]
        rows.append(row)
    return headings, rows


def better_elsewhere(result: Comparison) -> list[str]:
    """Where a peer needs less than this project with two jobs; floors are no peers."""
    base = baseline(result.figures)
    found = []
    for each in result.figures.values():
        if each.title.startswith(("sales-pipeline", "floor")):
            continue
        less = []
        if each.seconds < base.seconds:
            less.append(f"time ({each.seconds:.2f} s against {base.seconds:.2f} s)")
        if each.cpu_seconds < base.cpu_seconds:
            less.append(f"CPU time ({each.cpu_seconds:.2f} s against {base.cpu_seconds:.2f} s)")
        if each.peak_bytes < base.peak_bytes:
            less.append(f"memory ({_mib(each.peak_bytes)} against {_mib(base.peak_bytes)} MiB)")
        if less:
            found.append(f"{each.title} takes less {', less '.join(less)}.")
    return found


def against_before(figures: Mapping[str, Figures]) -> list[str]:
    """What ours take of what the same of the build before take."""
    return [
        f"{each.title}: {_over(each.seconds, then.seconds)} of the time, "
        f"{_over(each.cpu_seconds, then.cpu_seconds)} of the CPU time, "
        f"{_over(each.peak_bytes, then.peak_bytes)} of the memory."
        for name, each in figures.items()
        for then in (figures.get(before_of(name)),)
        if then is not None
    ]


def archive_facts(trial: Trial) -> list[str]:
    """What one of many small archives costs."""
    return [
        f"{each.title}: {1000 * each.cpu_seconds / trial.archives:.2f} ms of CPU time and "
        f"{1000 * each.seconds / trial.archives:.2f} ms of time an archive."
        for each in trial.figures.values()
    ]


def distinct_text(found: Distinct) -> str:
    """What very many distinct customers cost."""
    return (
        f"{found.partials} partials that name {found.found:,} of {found.customers:,} customers in "
        f"{found.groups} groups are merged in {found.seconds:.1f} s and "
        f"{_mib(found.peak_bytes)} MiB beyond the partials' own memory."
    )


def cores_text(figures: dict[str, Figures]) -> str | None:
    """How much more two cores do than one, by a program that shares nothing with itself."""
    if CPP not in figures or CPP_TWICE not in figures:
        return None
    gain = 2 * figures[CPP].seconds / figures[CPP_TWICE].seconds
    return (
        f"the C++ floor, run twice at once, does {gain:.2f} times the work of one; that is what "
        "this machine's two cores give together."
    )


def data_text(facts: DataFacts) -> str:
    """One sentence about what was read."""
    return (
        f"{facts.events:,} events in {facts.archives:,} archives ({facts.parts:,} parts), "
        f"{facts.json_bytes / 1e6:,.0f} MB of JSON in {facts.zip_bytes / 1e6:,.1f} MB of zips; "
        f"{facts.customers:,} customers, {facts.products:,} products"
    )


def machine_text(machine: Machine) -> str:
    """One sentence about where."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    return (
        f"{machine.cpu}, {machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GiB, "
        f"{machine.system}; load before: {machine.load}; {versions}"
    )


def baseline(figures: dict[str, Figures]) -> Figures:
    """This project with two jobs, or whoever is there."""
    return figures.get(OURS_2) or next(iter(figures.values()))


def _over(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "-"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f}"
