"""docs/performance.md: generated tables between marks, so that the prose around them stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import click

from bench import PROJECT, tables
from bench.aims import aims
from bench.images import draw
from bench.results import Comparison, Days, Feeds, Growth
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


def show_growth(growth: Growth) -> None:
    """The curves, on the terminal."""
    click.echo(_growth(growth))


def show_feeds(feeds: Feeds) -> None:
    """The feeds, on the terminal."""
    click.echo(_feeds(feeds))


def show_days(days: Days) -> None:
    """The next day, on the terminal."""
    click.echo(_days(days))


def render(
    docs: Path,
    comparisons: dict[str, Comparison],
    growth: Growth | None,
    feeds: Feeds | None,
    days: Days | None,
) -> None:
    """Fills in what was measured; the rest of the page, and earlier figures, stay."""
    page, original = docs / _PAGE, PROJECT / "docs" / _PAGE
    text = (page if page.is_file() else original).read_text()
    large = comparisons.get("large")
    shown = {"small": "small", "large": "large", "tiny": "small"}
    pictured = "large" if large is not None else next(iter(comparisons), None)
    sections = {
        shown[name]: _comparison(result) + (_PICTURES if name == pictured else "")
        for name, result in comparisons.items()
    }
    if growth is not None:
        sections["growth"] = _growth(growth) + _GROWTH_PICTURES
    if feeds is not None:
        sections["feeds"] = _feeds(feeds)
    if days is not None:
        sections["days"] = _days(days)
    if any(each is not None for each in (large, growth, feeds, days)):
        sections["aims"] = _table(tables.AIMS, tables.aim_rows(aims(large, growth, feeds, days)))
    for name, section in sections.items():
        text = _filled(text, name, section)
    docs.mkdir(parents=True, exist_ok=True)
    page.write_text(text)
    draw(docs / "images", comparisons[pictured] if pictured else None, growth)


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
    if cores := tables.cores_text(result.figures):
        lines += [f"**Two cores:** {cores}", ""]
    lines += [f"**Left out:** {name}: {reason}.\n" for name, reason in result.skipped.items()]
    lines.append(f"**Machine:** {tables.machine_text(result.machine)}.")
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
    lines += [f"**Many small archives** ({tables.data_text(growth.chord.data)}):", ""]
    lines += [f"- {fact}" for fact in tables.chord_facts(growth)]
    lines += ["", f"**Distinct customers:** {tables.distinct_text(growth.distinct)}", ""]
    lines += [f"**Start-up:** `--help` takes {growth.help_seconds:.3f} s.", ""]
    lines.append(f"**Machine:** {tables.machine_text(growth.machine)}.")
    return "\n".join(lines)


def _feeds(feeds: Feeds) -> str:
    what = f"{tables.data_text(feeds.data)}. Median of {feeds.rounds} rounds, {feeds.measured_on}."
    rows = _table(tables.FEEDS, tables.feed_rows(feeds))
    return "\n".join([what, "", rows, "", f"**Machine:** {tables.machine_text(feeds.machine)}."])


def _days(days: Days) -> str:
    build = "" if days.before is None else f" The build before is that of {days.before}."
    what = f"Median of {days.rounds} rounds, builds and days in turn, {days.measured_on}.{build}"
    rows = _table(tables.DAYS, tables.day_rows(days))
    return "\n".join([what, "", rows, "", f"**Machine:** {tables.machine_text(days.machine)}."])


def _table(headings: Sequence[str], rows: tables.Rows) -> str:
    rules = ["---", *["--:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rules, *rows))
