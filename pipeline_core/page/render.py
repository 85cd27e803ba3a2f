"""The page of a run as one self-contained HTML text.

Everything that comes from the shop is text: templates escape it, the charts' data is JSON in
which no tag can end, and the page's own policy allows the page's own script and style by their
digests and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path

import msgspec
from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup

from pipeline_core.messages import is_subtracted, undated_words, unlike_words
from pipeline_core.page.bars import axis_of
from pipeline_core.page.compared import beside, compared
from pipeline_core.page.data import (
    CalendarDay,
    Page,
    ShownGroups,
)
from pipeline_core.page.numbers import (
    apart,
    change,
    grouped,
    money,
    percent,
    plus,
    share,
    signed,
)
from pipeline_core.page.plain_words import plain
from pipeline_core.page.shown_periods import PeriodCells, PeriodSales
from pipeline_core.reconciliation.reasons import reason_words
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import (
    kept_by_bucket,
    left_out_in_words,
    revenue_share_in_words,
    share_in_words,
    status_in_words,
    table_rows,
)

_HERE = Path(__file__).parent
_LONGEST_NAME = 120
_LISTED = 100
_SCRIPTS = ("shared.js", "charts.js", "periods.js", "table.js")
# What Plot puts into every chart of its class `chart`; a test in a browser sees any other.
_CHART_STYLE = """\
:where(.chart) {
  --plot-background: white;
  display: block;
  height: auto;
  height: intrinsic;
  max-width: 100%;
}
:where(.chart text),
:where(.chart tspan) {
  white-space: pre;
}"""


def render_index(page: Page) -> str:
    """index.html of a run."""
    return (
        environment()
        .get_template("index.html")
        .render(
            page=page,
            summary=page.summary,
            currency=page.currency,
            before=page.earlier[0] if page.earlier else None,
            missing=list(_spans(page.summary.missing_days)),
            months=list(_months(page.coverage.days)),
            charts=_charts(page),
            listed=_LISTED,
            **assets(is_index=True),
        )
    )


class _BytecodeCache(FileSystemBytecodeCache):
    """Compiled templates beside their sources, as Python keeps its modules: compiling them takes
    longer than everything else the page needs."""

    def __init__(self) -> None:
        super().__init__(str(_HERE / "templates" / "__pycache__"))

    def dump_bytecode(self, bucket: Bucket) -> None:
        # Where nothing may be written, or nothing fits, they are compiled each time.
        with suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)


@cache
def environment() -> Environment:
    """Templates, and what they may ask for."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        bytecode_cache=_BytecodeCache(),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(grouped=grouped, shown=shown_name, percent=percent)
    environment.filters.update(signed=signed, money=_money, share=share, axis=axis_of)
    environment.filters.update(plain=_plain)
    environment.globals.update(beside=beside, compared=compared)
    environment.globals.update(apart=apart, change=change, plus=plus)
    environment.globals.update(undated_words=undated_words, unlike_words=unlike_words)
    environment.globals.update(
        reconciled=reconciled,
        is_subtracted=is_subtracted,
        table_rows=table_rows,
        status_in_words=status_in_words,
        kept_by_bucket=kept_by_bucket,
        left_out_in_words=left_out_in_words,
        share_in_words=share_in_words,
        revenue_share_in_words=revenue_share_in_words,
        reason_words=reason_words,
    )
    return environment


@pass_context
def _money(context: Context, figure: object) -> str:
    """A figure in the currency of the page."""
    return money(figure, context["currency"])


@pass_context
def _plain(context: Context, text: str) -> str:
    """What another room says of runs, by the names of the page."""
    return plain(text, context["page"])


@cache
def assets(*, is_index: bool) -> dict[str, object]:
    """Style and scripts as they stand, and the policy that allows these and nothing else."""
    style = common_style() + _text("page.css") + (_text("index.css") if is_index else "")
    scripts = [_text("vendor/plot.min.js"), *map(_text, _SCRIPTS)] if is_index else []
    policy = [
        "default-src 'none'",
        f"style-src {_sources([style, _CHART_STYLE] if is_index else [style])}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if is_index:
        policy.insert(1, f"script-src {_sources(scripts)}")
    return {
        "style": Markup(style),  # noqa: S704  (ours)
        "scripts": [Markup(script) for script in scripts],  # noqa: S704
        "policy": Markup("; ".join(policy)),  # noqa: S704
    }


def common_style() -> str:
    """Colours and type of every page of ours, as CSS."""
    return _text("common.css")


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _sources(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _charts(page: Page) -> Markup:
    """JSON for the script: no ``<`` stands in it, so that nothing in it ends the element."""
    over = page.over_time
    data = {
        "run": page.summary.run_id,
        "currency": page.currency,
        "covers": (page.coverage.first, page.coverage.last),
        "decimals": len(page.summary.totals.total_revenue.partition(".")[2]),
        "steps": {
            step: [_period(each) for each in periods]
            for step, periods in (("month", over.months), ("week", over.weeks), ("day", over.days))
        },
        "cells": {key: _cells(each) for key, each in over.cells.items()},
        "names": {
            "categories": [(shown_name(each.name), each.page) for each in page.categories.shown],
            "segments": [shown_name(each.name) for each in page.segments.shown],
        },
        "categories": _bars(page.category_bars, "categories"),
        "segments": _bars(page.segment_bars, "segments"),
    }
    text = msgspec.json.encode(data).decode()
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  (see above)


def _period(of: PeriodSales) -> tuple[str, str, str, str | None, int, int]:
    """Key, first date, name, revenue and units; and with what its rows can be compared: 1 is the
    period before, 2 that of a year before."""
    others = [other is not None and of.has_ended for other in (of.before, of.year_before)]
    compared = sum(bit * is_there for bit, is_there in zip((1, 2), others, strict=True))
    name = "" if of.revenue is None else of.name  # of each day in years without one
    return of.key, of.first.isoformat(), name, of.revenue, of.units, compared


def _cells(of: PeriodCells) -> str:
    """Its rows with semicolons in between; the last one, of three numbers, are the others."""
    return ";".join(" ".join(map(str, row)) for row in (*of.rows, *filter(None, [of.folded])))


def _bars(groups: ShownGroups, what: str) -> list[tuple[str, str, int]]:
    """Name, revenue and units of each; the last may be all others."""
    bars = [
        (shown_name(each.name), each.figures.revenue, each.figures.units) for each in groups.shown
    ]
    if groups.folded:
        rest = groups.folded
        bars.append((f"{rest.count:,} other {what}", rest.figures.revenue, rest.figures.units))
    return bars


def shown_name(name: str) -> str:
    """A name as the page has it: whole, unless it is very long."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _months(days: Iterable[CalendarDay]) -> Iterator[tuple[date, list[list[CalendarDay | None]]]]:
    """Each month's first date, and its weeks from Monday on, None where there is no day."""
    for first, of in groupby(days, key=lambda day: day.date.replace(day=1)):
        shown = list(of)
        cells: list[CalendarDay | None] = [None] * shown[0].date.weekday()
        cells += shown
        cells += [None] * (-len(cells) % 7)
        yield first, [cells[start : start + 7] for start in range(0, len(cells), 7)]


def _spans(days: Sequence[date]) -> Iterator[str]:
    """Days in a row as one span each."""
    for first, last in _runs(days):
        yield str(first) if first == last else f"{first} to {last}"


def _runs(days: Sequence[date]) -> Iterable[tuple[date, date]]:
    if not days:
        return []
    breaks = [n for n, (one, two) in enumerate(pairwise(days), 1) if two - one > timedelta(days=1)]
    edges = [0, *breaks, len(days)]
    return [(days[start], days[end - 1]) for start, end in pairwise(edges)]
