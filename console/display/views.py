"""Figures and outcomes as people read them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date

from rich.console import Console
from rich.markup import escape

from console.display.tables import Grid
from pipeline_core.advice.few_purchases import few_purchases_in_words
from pipeline_core.configuration.places import LATEST
from pipeline_core.containers.ignored import endings_in_words
from pipeline_core.load.read_back import damaged_report, read_published_rows
from pipeline_core.messages import Outcome, Summary, Unreadable, undated_words, unlike_words
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.percent import percent
from pipeline_core.plural import counted
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import (
    kept_by_bucket,
    left_out_in_words,
    money_in_words,
    status_in_words,
    table_rows,
    units_in_words,
)
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage
from pipeline_core.transform.money import grouped
from pipeline_core.unprintable import plain

_ROWS_SHOWN = 40
_DAYS_SHOWN = 6
_PIPE_WIDTH = 140
_LONGEST_TEXT = 400


def output() -> Console:
    """stdout; wide enough in a pipe that nothing is cut."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(width=width, highlight=False, emoji=False)


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Iterable[int] = (),
    whole: Iterable[int] = (),
) -> Grid:
    """A plain table. Cells are text, not markup; what is longer than anybody reads is cut.
    Columns in ``numbers`` are right-aligned; theirs and those in ``whole`` are not folded."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    return Grid(list(headings), cells, frozenset(numbers), frozenset(whole))


def _cell(cell: object) -> str:
    text = plain("" if cell is None else str(cell))
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def money(number: str | None) -> str:
    """A decimal as ``grouped``, "?" if it is not known."""
    return "?" if number is None else grouped(number)


def count(number: int | None) -> str:
    """An integer with thousands separators, "?" if it is not known."""
    return "?" if number is None else f"{number:,}"


def size_of(octets: int) -> str:
    """Bytes as a person says them: 850 B, 12.3 MB."""
    size, unit = float(octets), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:  # noqa: PLR2004  (would be shown as 1,000)
            break
        size, unit = size / 1000, larger
    return f"{octets} B" if unit == "B" else f"{size:.1f} {unit}"


def time_span(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = max(round(seconds), 0)
    minutes, hours = whole // 60, whole // 3600
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def print_outcome(settings: Settings, outcome: Outcome) -> None:
    """The report, what was left out, and where the files are."""
    console = output()
    summary = outcome.summary
    if summary is None:
        return
    if outcome.state == "published":
        console.print(_report_table(settings, outcome.run_id))
    print_summary(console, summary)
    if outcome.state == "published":
        reports = open_storage(settings.reports)
        uri, followed = escape(reports.uri), reports.followed(LATEST)
        folder = LATEST if summary.as_of is None else f"runs/{outcome.run_id}"
        console.print(f"Reports: [bold]{uri}/{folder}/[/bold]", soft_wrap=True)
        if folder == LATEST != followed:
            told = f"That is a copy; programs that need it whole follow {uri}/{followed}."
            console.print(told, soft_wrap=True)


def as_of_words(as_of: date | None) -> str:
    """Words for a report of a time past, none for any other."""
    return "" if as_of is None else f" as of {as_of}"


def print_summary(console: Console, summary: Summary) -> None:
    """Figures of a run in a few lines."""
    events, totals, returns = summary.events, summary.totals, summary.returns
    back = "" if returns is None or not returns.events else _among_them(returns.events)
    archives = summary.archives.read + summary.archives.reused
    day_count = summary.days.read + summary.days.reused
    found = reconciled(summary)
    colour = "green" if summary.status == "complete" and not found.is_notable else "yellow"
    status = ", ".join(filter(None, (summary.status, status_in_words(found))))
    console.print(
        f"Run [bold]{summary.run_id}[/bold]{as_of_words(summary.as_of)} "
        f"is [{colour}]{status}[/{colour}]: "
        f"revenue [bold]{grouped(totals.total_revenue)}[/bold], "
        f"{counted(totals.units_sold, 'unit')}, {counted(totals.unique_customers, 'customer')}."
    )
    console.print(
        f"{counted(events.seen, 'event')} in {counted(archives, 'archive')} "
        f"({counted(day_count, 'day')}, {counted(summary.parts.read, 'part')}): "
        f"{events.counted:,} counted{back}, {events.not_purchase:,} not a purchase, "
        f"{events.rejected:,} rejected; "
        f"{summary.seconds:,.1f} s with the {summary.engine} engine."
    )
    if summary.allowed_drift:
        console.print(f"Published by --allow-drift: {escape(summary.allowed_drift)}")
    if summary.days.reused:
        console.print(
            f"Read {summary.bytes_read:,} of {summary.compressed_bytes:,} bytes; earlier runs, or "
            f"tries of this one, left {counted(summary.archives.reused, 'archive')} and "
            f"{counted(summary.days.reused, 'day')}."
        )
    if summary.archives.duplicate or summary.days.duplicate:
        console.print(
            f"Duplicates left out: {counted(summary.archives.duplicate, 'archive')}, "
            f"{counted(summary.days.duplicate, 'day')}."
        )
    if summary.allowed_empty:
        console.print(f"Published by --allow-incomplete: {escape(plain(summary.allowed_empty))}")
    if summary.ignored:
        console.print(f"Passed over without being read: {endings_in_words(summary.ignored)}.")
    if not found.is_all_sold:
        print_reconciliation(console, found)
    _print_sentence(console, unlike_words(summary))
    _print_sentence(console, undated_words(summary))
    _print_sentence(console, few_purchases_in_words(summary.events))
    print_unreadable(console, summary.unreadable, summary.unreadable_count)
    if summary.conflicting_days:
        names = escape(some(summary.conflicting_days, summary.conflicting_count))
        console.print(f"Days with different contents in two archives: {names}.")
    if summary.repeated_parts:
        places = [
            " > ".join(filter(None, (each.archive, each.day, each.part)))
            for each in summary.repeated_parts
        ]
        console.print(
            f"Several entries of one name, all counted: {escape(some(places, len(places)))}."
        )
    if summary.missing_days:
        days = [day.isoformat() for day in summary.missing_days]
        shown = some(days, summary.missing_count)
        console.print(f"Days missing between the first and the last: {shown}.")


def _among_them(returns: int) -> str:
    return f" ({counted(returns, 'return')} among them)"


def print_reconciliation(console: Console, found: Reconciliation) -> None:
    """All that was bought, as counted and as left out, and what would count of it."""
    rows = [
        (
            f"{row.words} ({row.code})" if row.code else row.words,
            f"{row.figures.purchases:,}",
            narrow(units_in_words(row.figures)),
            narrow(money_in_words(row.figures)),
            "" if row.share is None else percent(row.share),
        )
        for row in table_rows(found)
    ]
    headings = ["", "purchases", "units", "revenue", "%"]
    console.print(table(headings, rows, numbers=(1, 2, 3, 4)))
    _print_sentence(console, left_out_in_words(found))
    kept = kept_by_bucket(found)
    if kept is not None:
        takes = "subtracts" if found.returns_mode == "net" else "puts into returns.csv"
        more = kept.returned and f" and {takes} {grouped(kept.returned)} more that came back,"
        _print_sentence(
            console,
            f"`--unknown bucket` counts {grouped(kept.bought)} of that,{more or ''} under Unknown: "
            "guests, and products and customers of which something is not known.",
        )


def narrow(amount: str) -> str:
    """As narrow as a column wants it."""
    return amount.replace("at least ", "\u2265 ").replace("at most ", "\u2264 ")


def _print_sentence(console: Console, sentence: str) -> None:
    """Nothing if it is empty."""
    if sentence:
        console.print(escape(sentence), soft_wrap=True)


def some(names: Sequence[str], count: int) -> str:
    """How many there are, and the first of them."""
    more = ", ..." if count > min(len(names), _DAYS_SHOWN) else ""
    return f"{count:,} ({', '.join(map(plain, names[:_DAYS_SHOWN]))}{more})"


def print_unreadable(console: Console, places: Sequence[Unreadable], total: int) -> None:
    """Inputs that could not be read, ``total`` in all, if there are any."""
    if total:
        rows = [(u.archive, u.day, u.part, u.cause) for u in places[:_ROWS_SHOWN]]
        console.print(table(["unreadable archive", "day", "part", "cause"], rows))
        _more(console, total)


def _report_table(settings: Settings, run_id: str) -> Grid:
    name = "sales_report.csv"
    _, *rows = read_published_rows(settings.reports, run_id, name)
    try:
        shown = [
            (category, segment, grouped(revenue), f"{int(units):,}", f"{int(customers):,}")
            for category, segment, revenue, units, customers in rows[:_ROWS_SHOWN]
        ]
    except (ValueError, ArithmeticError) as error:  # a figure is none
        raise damaged_report(run_id, name) from error
    grid = table(["category", "segment", "revenue", "units", "customers"], shown, numbers=(2, 3, 4))
    if len(rows) > _ROWS_SHOWN:
        grid.caption = f"and {counted(len(rows) - _ROWS_SHOWN, 'more row')} in sales_report.csv"
    return grid


def _more(console: Console, total: int) -> None:
    if total > _ROWS_SHOWN:
        console.print(f"and {total - _ROWS_SHOWN:,} more, in summary.json")
