"""Tells a webhook and a command of the shop's that a run is in trouble."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import get_args

import msgspec

from pipeline_core.configuration.hook_command import program
from pipeline_core.configuration.lineage_target import LineageTarget
from pipeline_core.logs import get_logger
from pipeline_core.messages import Outcome, Summary
from pipeline_core.messages.notification import Event, HookMessage, RunFigures
from pipeline_core.notify.hook_process import MOST_SECONDS, run_command
from pipeline_core.plural import counted
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import in_one_line

log = get_logger()

WEBHOOK_SECONDS = 10
_TRIES = 2
# How long all hooks together may take with one notification, and some more.
LONGEST_SECONDS = _TRIES * WEBHOOK_SECONDS + MOST_SECONDS + 10
_ARCHIVES_NAMED = 20
SLOT_FORMAT = "%Y%m%dT%H%M"


@dataclass(frozen=True)
class Hooks:
    """Who is told of which events. The URL is a secret: whoever has it can write there. Arguments
    of the command may be."""

    webhook_url: str | None = field(repr=False)
    command: str | None = field(repr=False)
    events: frozenset[Event]
    lineage: LineageTarget | None = None


NOBODY = Hooks(webhook_url=None, command=None, events=frozenset())


def figures_of(summary: Summary) -> RunFigures:
    """A summary in short."""
    totals, events, found = summary.totals, summary.events, reconciled(summary)
    return RunFigures(
        run_id=summary.run_id,
        total_revenue=totals.total_revenue,
        units_sold=totals.units_sold,
        unique_customers=totals.unique_customers,
        events_seen=events.seen,
        events_counted=events.counted,
        returns_counted=0 if summary.returns is None else summary.returns.events,
        events_rejected=events.rejected,
        unreadable=summary.unreadable_count,
        ignored=sum(summary.ignored.values()),
        left_out="" if found.is_all_sold else in_one_line(found),
        left_out_share=found.share,
        left_out_revenue_share=found.revenue_share,
        left_out_purchases=found.left_out.purchases,
        left_out_revenue=found.left_out.revenue,
        left_out_unknown_revenue=found.left_out.unknown_revenue,
    )


def figures_in_words(figures: RunFigures) -> str:
    """One sentence, and what was left out."""
    back = f" ({counted(figures.returns_counted, 'return')} among them)"
    read = f"{figures.events_counted:,} of {counted(figures.events_seen, 'event')} counted"
    left_out = [
        f"{read}{back if figures.returns_counted else ''}",
        f"{figures.events_rejected:,} rejected",
    ]
    if figures.unreadable:
        left_out.append(f"{counted(figures.unreadable, 'input')} unreadable")
    if figures.ignored:
        left_out.append(f"{counted(figures.ignored, 'file')} passed over")
    sold = (
        f"Revenue {Decimal(figures.total_revenue):,f}, {counted(figures.units_sold, 'unit')}, "
        f"{counted(figures.unique_customers, 'customer')}; {', '.join(left_out)}."
    )
    return f"{sold} {figures.left_out}".rstrip()


@dataclass(frozen=True)
class PublishedReport:
    """A published report."""

    page: str
    """Path or URI of its index.html."""
    figures: RunFigures
    """Figures of the run that published it."""


@dataclass(frozen=True)
class Notification:
    """What is told."""

    event: Event
    """What happened."""
    run_id: str
    """The run; empty if there is none."""
    reason: str
    """Why, for people."""
    remedy: str
    """What to do about it."""
    at: datetime
    """When it happened (UTC)."""
    slot: str | None = None
    """The time on the schedule, if the event is about one."""
    changes: tuple[str, ...] = ()
    """Sentences about a new report and the one before."""
    archives: tuple[str, ...] = ()
    """Names of the archives that it is about."""
    figures: RunFigures | None = None
    """The run's own figures, if it has some."""
    report: PublishedReport | None = None
    """What the run published, or else what stands."""

    def as_json(self) -> bytes:
        """One JSON object; ``text`` is what Slack and its like show, escaped as they ask: a name of
        ``<!channel>`` would ring everybody."""
        said = [self._head(), self.reason, self.remedy, self._figures_in_words(), *self.changes]
        said.append(self._where())  # last: no full stop is taken for a part of it
        message = HookMessage(
            text=html.escape(" ".join(filter(None, said)), quote=False),
            event=self.event,
            run_id=self.run_id,
            reason=self.reason,
            remedy=self.remedy,
            at=self.at.isoformat(),
            slot=self.slot,
            changes=self.changes,
            figures=self.figures or (self.report.figures if self.report else None),
            report=self.report.page if self.report else None,
            archives=self.archives[:_ARCHIVES_NAMED],
            archives_total=len(self.archives),
        )
        return msgspec.json.encode(message)

    def _head(self) -> str:
        about = f"run {self.run_id}" if self.run_id else ""
        due = f"scheduled for {_clock(self.slot)}" if self.slot else ""
        return f"{', '.join(filter(None, ('Sales report', about, due)))}: {self.event}."

    def _figures_in_words(self) -> str:
        if self.figures is not None:
            return figures_in_words(self.figures)
        if self.report is None:
            return ""
        stands = self.report.figures
        return f"The report of run {stands.run_id} stands. {figures_in_words(stands)}"

    def _where(self) -> str:
        if self.report is None:
            return ""
        is_own = self.report.figures == self.figures
        return f"{'Report' if is_own else 'The report that stands'}: {self.report.page}"


def _clock(slot: str) -> str:
    """A time on the schedule for people: ``2024-03-01 03:00``."""
    try:
        return f"{datetime.strptime(slot, SLOT_FORMAT):%Y-%m-%d %H:%M}"  # noqa: DTZ007
    except ValueError:
        return slot


def parse_events(text: str) -> frozenset[Event]:
    """Events from their names with commas between. Raises ValueError on an unknown one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    known: dict[str, Event] = {event: event for event in get_args(Event)}
    for name in names:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
    return frozenset(known[name] for name in names)


def event_of(outcome: Outcome) -> Event:
    """The event that an outcome is."""
    if outcome.state == "published" and outcome.status == "incomplete":
        return "incomplete"
    return outcome.state


def notify_hooks(hooks: Hooks, notification: Notification) -> bool:
    """Tells every hook that wants this event; whether all of them heard it. Raises nothing."""
    if notification.event not in hooks.events:
        return True
    told = [_post(hooks.webhook_url, notification)] if hooks.webhook_url else []
    told += [_run(hooks.command, notification)] if hooks.command else []
    return all(told)


def _post(url: str, notification: Notification) -> bool:
    import http.client  # most runs have nothing to tell
    import urllib.error
    import urllib.request

    cause = ""
    for _ in range(_TRIES):
        try:
            request = urllib.request.Request(  # noqa: S310  (the shop's own setting)
                url, notification.as_json(), {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):  # noqa: S310
                return True
        except urllib.error.HTTPError as error:
            cause = f"it answered {error.code}"
            error.close()
            break
        except (OSError, http.client.HTTPException, ValueError) as error:
            cause = _why(error)
    log.error(
        "webhook_not_told", run_id=notification.run_id, notice=notification.event, cause=cause
    )
    return False


def _why(error: Exception) -> str:
    """Without the text of the error, which may hold the URL."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"it does not answer within {WEBHOOK_SECONDS} s"
    said = cause.strerror if isinstance(cause, OSError) else None
    return said or "it cannot be asked, or does not answer as a web server does"


def _run(command: str, notification: Notification) -> bool:
    cause = run_command(command, notification.as_json())
    if cause is None:
        return True
    log.error(
        "command_not_told",
        run_id=notification.run_id,
        notice=notification.event,
        program=program(command),
        cause=cause,
    )
    return False
