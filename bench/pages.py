"""docs/performance.md: generated tables between marks, so that the prose around them stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from bench import PROJECT, tables
from bench.aims import NOT_MEASURED, aims
from bench.images import draw
from bench.results import (
    ARCHIVES,
    Comparison,
    Days,
    Feeds,
    Growth,
    Measured,
    Scale,
    StoreRequests,
    Trial,
)
from console.display.views import output, table

_PAGE = "performance.md"
_PICTURES = """

![Seconds of every contender](images/time.svg)

![Peak memory of every contender](images/memory.svg)"""
_GROWTH_PICTURES = """

![Time as data grows](images/growth-time.svg)

![Peak memory as data grows](images/growth-memory.svg)

![Time to publish many partials](images/publishing.svg)"""


def show(result: Comparison) -> None:
    """The figures, on the terminal."""
    console = output()
    rows = tables.comparison_rows(result)
    numbers = range(1, len(tables.COMPARISON))
    console.print(table(tables.COMPARISON, rows, numbers=numbers), soft_wrap=True)


def show_text(measured: Measured) -> None:
    """What is no comparison, as it stands in the page, on the terminal."""
    click.echo("\n\n".join(_sections(measured).values()))


def render(docs: Path, measured: Measured) -> None:
    """Fills in what was measured; the rest of the page, and earlier figures, stay."""
    page, original = docs / _PAGE, PROJECT / "docs" / _PAGE
    text = (page if page.is_file() else original).read_text()
    comparisons = measured.comparisons
    pictured = "large" if "large" in comparisons else next(iter(comparisons), None)
    shown = {"small": "small", "large": "large", "tiny": "small"}
    sections = {
        shown[name]: _comparison(result) + (_PICTURES if name == pictured else "")
        for name, result in comparisons.items()
    }
    sections |= _sections(measured)
    if "growth" in sections:
        sections["growth"] += _GROWTH_PICTURES
    if sections:
        sections["aims"] = _aims(text, measured)
    for name, section in sections.items():
        text = _filled(text, name, section)
    docs.mkdir(parents=True, exist_ok=True)
    page.write_text(text)
    draw(docs / "images", comparisons[pictured] if pictured else None, measured.growth)


def _sections(measured: Measured) -> dict[str, str]:
    found = {name: _trial(name, trial) for name, trial in measured.trials.items()}
    if measured.growth is not None:
        found["growth"] = _growth(measured.growth)
    if measured.feeds is not None:
        found["feeds"] = _feeds(measured.feeds)
    if measured.days is not None:
        found["days"] = _days(measured.days)
    if measured.scale is not None:
        found["scale"] = _scale(measured.scale)
    if measured.fleet is not None:
        found["fleet"] = _fleet(measured.fleet)
    return found


def _aims(text: str, measured: Measured) -> str:
    """What was not measured now keeps the row that the page has."""
    earlier = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    lines = _table(tables.AIMS, tables.aim_rows(aims(measured))).splitlines()
    for number, line in enumerate(lines):
        known = earlier.get(line.split(" | ")[0], "")
        if f"| {NOT_MEASURED} |" in line and known.count(" | ") == line.count(" | "):
            lines[number] = known
    return "\n".join(lines)


def _filled(text: str, name: str, section: str) -> str:
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- end of {name} -->"
    marked = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not marked.search(text):
        raise click.ClickException(f"{_PAGE} has no place for {name}: {begin} … {end}")
    return marked.sub(lambda _: f"{begin}\n{section}\n{end}", text)


def _comparison(result: Comparison) -> str:
    what = (
        f"{tables.data_text(result.data)}. Median of {result.rounds} rounds, interleaved, "
        f"{result.measured_on}. Time, CPU and memory are ratios: above 1, more than "
        "sales-pipeline with two jobs."
    )
    lines = [
        what,
        "",
        _table(tables.COMPARISON, tables.comparison_rows(result)),
        "",
    ]
    better = tables.better_elsewhere(result)
    lines += ["**Where others are better:** " + (" ".join(better) or "nowhere in this run."), ""]
    if then := tables.against_before(result.figures):
        lines += [f"**Against the build before:** {' '.join(then)}", ""]
    if cores := tables.cores_text(result.figures):
        lines += [f"**Two cores:** {cores}", ""]
    lines += _left_out(result.skipped)
    lines.append(f"**Machine:** {tables.machine_text(result.machine)}.")
    return "\n".join(lines)


def _trial(name: str, trial: Trial) -> str:
    what = f"{trial.data}. Median of {trial.rounds} rounds, in turn, {trial.measured_on}."
    if trial.before is not None:
        what += " Time and CPU are ratios to the build before; below 1, less than that takes."
    lines = [what, "", _table(tables.TRIAL, tables.trial_rows(trial)), ""]
    if name == ARCHIVES:
        lines += [*(f"- {fact}" for fact in tables.archive_facts(trial)), ""]
    lines += _left_out(trial.skipped)
    lines.append(f"**Machine:** {tables.machine_text(trial.machine)}.")
    return "\n".join(lines)


def _growth(growth: Growth) -> str:
    lines = [f"Median of {growth.rounds} rounds, {growth.measured_on}.", ""]
    for name, points in growth.curves.items():
        headings, rows = tables.curve_rows(points)
        lines += [f"**More {name}:**", "", _table(headings, rows), ""]
    rows = [
        (f"{each.partials:,}", f"{each.seconds:.2f}", f"{1000 * each.seconds / each.partials:.2f}")
        for each in growth.publications
    ]
    lines += ["**Publishing many partials:**", ""]
    lines += [_table(("partials", "seconds", "ms a partial"), rows), ""]
    lines += ["**A run with nothing new:**", ""]
    fresh: list[Sequence[str]] = [
        (f"{each.archives:,}", f"{each.seconds:.2f}", f"{each.cpu_seconds:.2f}")
        for each in growth.unchanged
    ]
    lines += [_table(("archives", "seconds", "CPU seconds"), fresh), ""]
    lines += [f"**Distinct customers:** {tables.distinct_text(growth.distinct)}", ""]
    lines.append(f"**Machine:** {tables.machine_text(growth.machine)}.")
    return "\n".join(lines)


def _feeds(feeds: Feeds) -> str:
    what = f"{tables.data_text(feeds.data)}. Median of {feeds.rounds} rounds, {feeds.measured_on}."
    rows = _table(tables.FEEDS, tables.feed_rows(feeds))
    return "\n".join([what, "", rows, "", f"**Machine:** {tables.machine_text(feeds.machine)}."])


def _days(days: Days) -> str:
    build = "" if days.before is None else f" The build before is {days.before}."
    what = f"Median of {days.rounds} rounds, builds and days in turn, {days.measured_on}.{build}"
    rows = _table(tables.DAYS, tables.day_rows(days))
    return "\n".join([what, "", rows, "", f"**Machine:** {tables.machine_text(days.machine)}."])


def _fleet(fleet: StoreRequests) -> str:
    before = "" if fleet.before is None else f" The build before is {fleet.before}."
    what = f"{fleet.archives} archives of 7 days, {fleet.measured_on}.{before}"
    rows = _table(tables.FLEET, tables.fleet_rows(fleet))
    machine = f"**Machine:** {tables.machine_text(fleet.machine)}."
    return f"{what}\n\n{rows}\n\n{machine}"


def _scale(scale: Scale) -> str:
    rows = _table(tables.SCALE, tables.scale_rows(scale))
    files = "; ".join(
        f"{point.archives:,} archives: {point.files / point.archives:.2f} files of state each, "
        f"the largest of {point.largest_file / 1e6:.1f} MB, and an answer of the progress of "
        f"{point.progress_bytes / 1e3:.1f} kB"
        for point in scale.points
    )
    machine = f"**Machine:** {tables.machine_text(scale.machine)}."
    return f"{scale.measured_on}.\n\n{rows}\n\n{files}.\n\n{machine}"


def _left_out(skipped: Mapping[str, str]) -> list[str]:
    return [f"**Left out:** {name}: {reason}.\n" for name, reason in skipped.items()]


def _table(headings: Sequence[str], rows: tables.Rows) -> str:
    rules = ["---", *["--:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rules, *rows))
