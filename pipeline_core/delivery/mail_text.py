"""A headline as the two bodies of a mail, and as the text of a notification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline_core.delivery.headline import Headline

_HERE = Path(__file__).parent
# A notification is short: services take some thousand characters.
_CAUSES_TOLD = 3


def as_html(headline: Headline, notes: Sequence[str]) -> str:
    """One HTML text that asks for nothing."""
    return _environment().get_template("mail.html").render(of=headline, notes=notes)


def as_text(headline: Headline, notes: Sequence[str]) -> str:
    """The same, in lines."""
    return "\n".join(_lines(headline, notes)) + "\n"


def as_notification(headline: Headline) -> str:
    """The figures, the largest causes and what was left out, in lines."""
    return "\n".join(_short_lines(headline))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _lines(of: Headline, notes: Sequence[str]) -> Iterator[str]:
    yield of.about
    yield _status(of)
    yield ""
    yield from _columns([(each.label, each.amount, each.note) for each in of.figures])
    unit = f" ({of.currency})" if of.currency else ""
    if of.since:
        yield from ("", "WHAT CHANGED, AND WHY", "", of.since)
        if of.causes:
            yield f"Each cause with its revenue{unit} and units:"
        for each in of.causes:
            where = f", most in {each.where}" if each.where else ""
            yield f"- {each.revenue}, {each.units} units: {each.because}{where}"
        if of.no_causes:
            yield of.no_causes
    yield from ("", "WHAT WAS LEFT OUT", "")
    if of.all_sold:
        yield of.all_sold
    for row in of.left_out:
        purchases = f"{row.purchases} {'purchase' if row.purchases == '1' else 'purchases'}"
        units = f"{row.units} {'unit' if row.units == '1' else 'units'}"
        yield f"- {row.words}: {purchases}, {units}, {row.revenue}{unit}"
    yield from ("", f"The page of this report: {of.page}", *notes, f"Run {of.run_id}")


def _status(of: Headline) -> str:
    if of.is_complete:
        return " ".join(filter(None, ("The report is complete.", of.incomplete)))
    return f"THIS REPORT IS INCOMPLETE. {of.incomplete}"


def _columns(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for label, amount, note in rows:
        yield f"{label:<{first}}  {amount:>{second}}  {note}".rstrip()


def _short_lines(of: Headline) -> Iterator[str]:
    yield _status(of)
    for each in of.figures:
        yield f"{each.label}: {each.amount}{f' ({each.note})' if each.note else ''}"
    if of.since:
        yield of.since
    for cause in of.causes[:_CAUSES_TOLD]:
        yield f"- {cause.revenue}: {cause.because}"
    if len(of.causes) > _CAUSES_TOLD:
        yield "- and more, on the page"
    if of.all_sold:
        yield of.all_sold
    yield of.page
    yield f"Run {of.run_id}"
