"""What a mail and a notification say of a published run, in words. All of it is text: what comes
from the shop has no character that moves a cursor, turns text around or ends a header."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Manifest, Summary
from pipeline_core.messages.changes import Changes
from pipeline_core.page.coverage import coverage, day_states
from pipeline_core.page.numbers import Shown, apart, change, grouped, money, signed
from pipeline_core.page.plain_words import report_name, with_names
from pipeline_core.plural import counted
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import (
    left_out_in_words,
    money_in_words,
    revenue_share_in_words,
    table_rows,
    units_in_words,
)
from pipeline_core.unprintable import plain

_LONGEST = 200


@dataclass(frozen=True)
class Figure:
    """A headline figure: what it is of, how much, and its change or what else is said of it."""

    label: str
    amount: str
    note: str


@dataclass(frozen=True)
class HeadlineCause:
    """A cause of change: what it did, in money and units; where most; and why."""

    revenue: str
    units: str
    where: str
    because: str


@dataclass(frozen=True)
class HeadlineLeftOut:
    """A row of what was bought: why, and how much."""

    words: str
    purchases: str
    units: str
    revenue: str
    is_sum: bool


@dataclass(frozen=True)
class Headline:
    """A run in short."""

    run_id: str
    """The run."""
    about: str
    """Whose sales, and of when."""
    is_complete: bool
    """Whether the report is."""
    incomplete: str
    """What it lacks, in sentences; empty if nothing."""
    figures: tuple[Figure, ...]
    """Revenue, units, customers, purchases, and what is left out."""
    since: str
    """How revenue moved since the report before; empty if there is none."""
    causes: tuple[HeadlineCause, ...]
    """Why, the largest cause first."""
    no_causes: str
    """Why there are none, or none is known; empty if there are some."""
    all_sold: str
    """That nothing is left out, or how much is."""
    left_out: tuple[HeadlineLeftOut, ...]
    """What was bought, counted and left out; empty if all of it counts."""
    currency: str
    """Code or sign of the currency; empty if nobody said it."""
    page: str
    """Address or path of the report's page."""

    @property
    def subject(self) -> str:
        """All in one line."""
        status = "complete" if self.is_complete else "INCOMPLETE"
        return f"{self.about}: {status}, revenue {self.figures[0].amount}"


def headline_of(ledger: RunLedger, reports_url: str) -> Headline:
    """That of a published run; its page is at ``reports_url``, or where its files are.

    Raises:
        ConfigError: it is not published.
        RetryableError: the state storage does not answer.
    """
    manifest, summary = ledger.published()
    changes, currency = ledger.changes(), plain(manifest.options.currency)
    names = _names(ledger, changes)
    found = reconciled(summary)
    reports = (reports_url or manifest.reports).rstrip("/")
    return Headline(
        run_id=ledger.run_id,
        about=_about(manifest, summary),
        is_complete=summary.status == "complete",
        incomplete=" ".join(_incomplete(summary)),
        figures=tuple(_figures(summary, changes, currency)),
        since="" if changes is None else _since(changes, names, currency),
        causes=() if changes is None else tuple(_causes(changes, names)),
        no_causes="" if changes is None else _no_causes(changes, names),
        all_sold="No purchase was left out." if found.is_all_sold else left_out_in_words(found),
        left_out=() if found.is_all_sold else tuple(_left_out(summary)),
        currency=currency,
        page=f"{reports}/runs/{ledger.run_id}/index.html",
    )


def _about(manifest: Manifest, summary: Summary) -> str:
    shop = f" of {plain(manifest.options.shop)}" if manifest.options.shop else ""
    if summary.as_of is not None:
        return f"Sales report{shop} as of {summary.as_of}"
    covered = coverage(manifest, summary, *day_states(manifest, summary))
    if covered.first is None:
        return f"Sales report{shop}"
    dates = f"{covered.first}"
    if covered.last != covered.first:
        dates += f" to {covered.last}"
    return f"Sales report{shop}, {dates}"


def _incomplete(summary: Summary) -> Iterator[str]:
    if summary.status == "incomplete":
        if summary.allowed_empty:
            yield plain(summary.allowed_empty)
        if summary.unreadable_count:
            inputs = counted(summary.unreadable_count, "input")
            yield f"{inputs} could not be read, and what they hold is in no figure."
        elif not summary.allowed_empty:
            yield "More purchases were left out than the run's limit allows."
        yield "It was published because somebody allowed that."
    if summary.allowed_drift:
        yield plain(summary.allowed_drift)


def _figures(summary: Summary, changes: Changes | None, currency: str) -> Iterator[Figure]:
    totals, found = summary.totals, reconciled(summary)
    before = None if changes is None else changes.before
    less = ", less returns" if found.net else ""

    yield Figure(
        f"Revenue{less}",
        money(totals.total_revenue, currency),
        "" if before is None else _moved(totals.total_revenue, before.total_revenue),
    )
    yield Figure(
        f"Units sold{less}",
        grouped(totals.units_sold),
        "" if before is None else _moved(totals.units_sold, before.units_sold),
    )
    yield Figure(
        "Distinct customers",
        grouped(totals.unique_customers),
        "" if before is None else _moved(totals.unique_customers, before.unique_customers),
    )
    yield Figure("Purchases counted", grouped(found.counted.purchases), "")
    known = found.left_out.revenue is not None
    yield Figure(
        "Left out",
        _amount(money_in_words(found.left_out), currency),
        revenue_share_in_words(found) if known and found.left_out_events else "",
    )


def _moved(now: Shown, was: Shown) -> str:
    by = change(now, was)
    if by.direction == "same":
        return "unchanged"
    return f"{by.by} ({by.share})" if by.share else by.by


def _amount(words: str, currency: str) -> str:
    """What may begin with ``at least``, with the currency before its number."""
    said, blank, number = words.rpartition(" ")
    return (
        words if words == "unknown" else f"{said}{blank}{money(number.replace(',', ''), currency)}"
    )


def _names(ledger: RunLedger, changes: Changes | None) -> dict[str, str]:
    """What the runs that are told of are called."""
    names = {ledger.run_id: "this report"}
    if changes is not None:
        names[changes.since] = _name_of(RunLedger(ledger.state, changes.since))
    return names


def _name_of(before: RunLedger) -> str:
    try:
        outcome = before.outcome()
    except RetryableError:  # of its name alone
        outcome = None
    if outcome is None or outcome.summary is None:
        return "the report before"
    return report_name(outcome.summary.finished_at)


def _since(changes: Changes, names: dict[str, str], currency: str) -> str:
    now, was = changes.after.total_revenue, changes.before.total_revenue
    by, since = change(now, was), with_names(changes.since, names)
    if by.direction == "same":
        return f"Since {since} revenue is as it was: {money(now, currency)}."
    moved = "rose" if by.direction == "up" else "fell"
    share = f" ({by.share})" if by.share else ""
    return (
        f"Since {since} revenue {moved} by {money(apart(now, was), currency)}{share} "
        f"from {money(was, currency)} to {money(now, currency)}."
    )


def _causes(changes: Changes, names: dict[str, str]) -> Iterator[HeadlineCause]:
    for each in changes.causes:
        where = f"{_cut(each.category)} / {_cut(each.segment)}" if each.rows else ""
        because = _cut(with_names(each.because, names))
        yield HeadlineCause(signed(each.revenue), signed(each.units), where, because)
    if changes.others is not None and changes.others.count:
        more = f"{counted(changes.others.count, 'more cause')} together"
        yield HeadlineCause(signed(changes.others.revenue), signed(changes.others.units), "", more)


def _no_causes(changes: Changes, names: dict[str, str]) -> str:
    if changes.causes:
        return ""
    if changes.unknown:
        return f"What made it is not known: {plain(with_names(changes.unknown, names))}"
    return "No revenue and no units moved."


def _left_out(summary: Summary) -> Iterator[HeadlineLeftOut]:
    for row in table_rows(reconciled(summary)):
        words = f"{row.words[:1].upper()}{row.words[1:]}"
        of = row.figures
        yield HeadlineLeftOut(
            words, grouped(of.purchases), units_in_words(of), money_in_words(of), row.is_sum
        )


def _cut(text: str) -> str:
    text = plain(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
