"""What an inspection found, for people."""

from __future__ import annotations

import click
from rich.console import Console
from rich.text import Text

from console.display.tables import Grid
from console.display.terminal import complain, note
from console.display.views import output, size_of, table
from pipeline_core.catalog.env_line import env_line
from pipeline_core.messages.inspection import Inspection, Match, Share
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

_FIELDS_SHOWN = 60
_NOTHING = "No settings were found that would count anything."
_DIFFERENCES = {
    "padded": "ids in the feed are padded differently",
    "prefixed": "ids in the feed are prefixed differently",
    "numbers": "ids in the feed are numbers",
    "case": "ids in the feed have other capitals",
    "blanks": "ids in the feed have other blanks",
}


def print_inspection(found: Inspection) -> None:
    """All of it, the proposal last."""
    console = output()
    _say(console, f"Archive {found.archive}: {counted(found.events, 'event')} sampled.")
    for grid in (_entries(found), _parts(found), _fields(found), _types(found)):
        if grid.rows:
            console.print(grid)
    _print_tables(console, found)
    _print_shares(console, found)
    for hint in found.hints:
        _say(console, f"Note: {hint}")
    click.echo("\nFor .env:\n")
    for line in found.lines:
        click.echo(f"# {plain(line.why)}\n{env_line(line.name, line.value)}")


def print_lines(found: Inspection) -> None:
    """The lines for ``.env`` alone; on stderr what was noted, and whether nothing would count."""
    for line in found.lines:
        click.echo(env_line(line.name, line.value))
    for hint in found.hints:
        note(f"Note: {hint}")
    if not found.counts:
        complain(_NOTHING, "`sales-pipeline inspect` shows what there is.")


def _say(console: Console, sentence: str) -> None:
    console.print(Text(plain(sentence)))


def _entries(found: Inspection) -> Grid:
    rows = [
        (
            f"in {'the archive' if each.level == 'archive' else 'days'}",
            each.kind,
            each.ending or "none",
            f"{each.entries:,}",
            size_of(each.bytes),
            each.example,
        )
        for each in found.entries
    ]
    return table(["where", "is", "ending", "entries", "size", "such as"], rows, numbers=(3, 4))


def _parts(found: Inspection) -> Grid:
    rows = [
        (
            each.day,
            each.part,
            each.cause or " ".join(filter(None, (each.shape, each.compression))),
            f"{each.events:,}",
        )
        for each in found.parts
    ]
    return table(["day", "part", "holds", "sampled"], rows, numbers=(3,))


def _fields(found: Inspection) -> Grid:
    rows = [
        (
            each.path,
            ", ".join(each.types),
            _percent(each.present, each.rows),
            f"{each.distinct:,}",
            ", ".join(each.examples),
        )
        for each in found.fields[:_FIELDS_SHOWN]
    ]
    grid = table(["field", "type", "present", "distinct", "examples"], rows, numbers=(2, 3))
    if len(found.fields) > _FIELDS_SHOWN:
        grid.caption = f"and {counted(len(found.fields) - _FIELDS_SHOWN, 'more field')}, in --json"
    return grid


def _types(found: Inspection) -> Grid:
    has_items = any(each.items is not None for each in found.type_values)
    rows = [
        (each.value, f"{each.events:,}", *([f"{each.items or 0:,}"] if has_items else []))
        for each in found.type_values
    ]
    headings = [found.type_field or "", "events", *(["items"] if has_items else [])]
    grid = table(headings, rows, numbers=(1, 2))
    if found.more_type_values:
        grid.caption = f"and {found.more_type_values:,} more, which are less common"
    return grid


def _print_tables(console: Console, found: Inspection) -> None:
    if found.tables_cause:
        _say(console, f"Customers and products: {found.tables_cause}")
    for each in found.tables:
        rows = [
            (c.name, c.type, c.looks, f"{c.distinct:,}", ", ".join(c.examples))
            for c in each.columns
        ]
        headings = [f"column of {plain(each.name)}", "type", "looks like", "distinct", "examples"]
        console.print(table(headings, rows, numbers=(3,)))
    for match in found.matches:
        _say(console, _matched(match))


def _print_shares(console: Console, found: Inspection) -> None:
    if found.today_cause is not None:
        _say(console, f"With today's settings a run would not begin: {found.today_cause}")
    _print_share(console, "Today's settings", found.today)
    if found.is_best:
        _say(console, "Nothing was found that would count more.")
    elif found.proposed is not None:
        _print_share(console, "The settings below", found.proposed)
    else:
        _say(console, _NOTHING)


def _percent(number: int, whole: int) -> str:
    """Rounded so that only all of them are 100 %."""
    return f"{100 * number // whole if whole else 0} %"


def _matched(match: Match) -> str:
    if match.difference is None:
        return f"{match.words}."
    return f"{match.words}; {_DIFFERENCES[match.difference]} ({match.example})."


def _print_share(console: Console, whose: str, share: Share) -> None:
    of, others = _percent(share.counted, share.events), share.events - (share.items or 0)
    if share.items is None:
        seen = f"{counted(others, 'event')} ({of})"
    elif not others:
        seen = f"{counted(share.items, 'item')} of orders ({of})"
    else:
        items, events = counted(share.items, "item"), counted(others, "event")
        seen = f"{share.events:,} ({of}): {items} of orders, and {events} without items"
    _say(console, f"{whose} would count {share.counted:,} of {seen}.")
    if share.reasons:
        heading = "events" if share.items is None else "items, events"
        rows = [(each.reason, f"{each.events:,}", each.example) for each in share.reasons]
        console.print(table(["left out", heading, "such as"], rows, numbers=(1,)))
