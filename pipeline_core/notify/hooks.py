"""Tells a webhook and a command of the shop's that a run is in trouble."""

from __future__ import annotations

import html
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

from pipeline_core.configuration.hook_command import program
from pipeline_core.logs import get_logger
from pipeline_core.messages import Outcome, Summary
from pipeline_core.notify.hook_process import run_command
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import in_one_line

log = get_logger()

Event = Literal["published", "failed", "refused", "incomplete", "recovered", "late", "undelivered"]

WEBHOOK_SECONDS = 10
_TRIES = 2


@dataclass(frozen=True)
class Hooks:
    """Who is told of which events. The URL is a secret: whoever has it can write there. Arguments
    of the command may be."""

    webhook_url: str | None = field(repr=False)
    command: str | None = field(repr=False)
    events: frozenset[Event]


NOBODY = Hooks(webhook_url=None, command=None, events=frozenset())


@dataclass(frozen=True)
class RunFigures:
    """A run's summary in short."""

    run_id: str
    """The run."""
    total_revenue: str
    """Revenue as decimal text."""
    units_sold: int
    """Units of all counted purchases."""
    unique_customers: int
    """Distinct customers; guests are none."""
    events_seen: int
    """Events that were read."""
    events_counted: int
    """Purchases that are in the report, and returns that are taken from it, or in their own."""
    returns_counted: int
    """Returns among the counted events."""
    events_rejected: int
    """Events that were left out."""
    unreadable: int
    """Number of inputs that could not be read."""
    ignored: int
    """Number of files and entries that were passed over."""
    left_out: str
    """What was bought, as counted and left out by reason, in money, for people; empty if nothing is
    left out."""
    left_out_share: str
    """Share (0 to 1) of all purchases and returns that is left out, with six decimals."""
    left_out_revenue_share: str
    """The same of the money of all sales, as far as it is known."""

    @classmethod
    def of(cls, summary: Summary) -> RunFigures:
        """Those of a summary."""
        totals, events, found = summary.totals, summary.events, reconciled(summary)
        return cls(
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
        )

    def in_words(self) -> str:
        """One sentence."""
        back = f" ({_counted(self.returns_counted, 'return')} among them)"
        counted = f"{self.events_counted:,} of {_counted(self.events_seen, 'event')} counted"
        left_out = [
            f"{counted}{back if self.returns_counted else ''}",
            f"{self.events_rejected:,} rejected",
        ]
        if self.unreadable:
            left_out.append(f"{_counted(self.unreadable, 'input')} unreadable")
        if self.ignored:
            left_out.append(f"{_counted(self.ignored, 'file')} passed over")
        figures = (
            f"Revenue {Decimal(self.total_revenue):,f}, {_counted(self.units_sold, 'unit')}, "
            f"{_counted(self.unique_customers, 'customer')}; {', '.join(left_out)}."
        )
        return f"{figures} {self.left_out}".rstrip()


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
    figures: RunFigures | None = None
    """The run's own figures, if it has some."""
    report: PublishedReport | None = None
    """What the run published, or else what stands."""

    def as_json(self) -> bytes:
        """One JSON object; ``text`` is what Slack and its like show, escaped as they ask: a name of
        ``<!channel>`` would ring everybody."""
        about = f"run {self.run_id}" if self.run_id else f"slot {self.slot}"
        head = f"Sales report, {about}: {self.event}."
        said = [head, self.reason, self.remedy, self._figures_in_words(), *self.changes]
        said.append(self._where())  # last: no full stop is taken for a part of it
        figures = self.figures or (self.report.figures if self.report else None)
        fields = {
            "text": html.escape(" ".join(filter(None, said)), quote=False),
            "event": self.event,
            "run_id": self.run_id,
            "reason": self.reason,
            "remedy": self.remedy,
            "at": self.at.isoformat(),
            "slot": self.slot,
            "changes": self.changes,
            "figures": asdict(figures) if figures else None,
            "report": self.report.page if self.report else None,
        }
        return json.dumps(fields).encode()

    def _figures_in_words(self) -> str:
        if self.figures is not None:
            return self.figures.in_words()
        if self.report is None:
            return ""
        stands = self.report.figures
        return f"The report of run {stands.run_id} stands. {stands.in_words()}"

    def _where(self) -> str:
        if self.report is None:
            return ""
        is_own = self.report.figures == self.figures
        return f"{'Report' if is_own else 'The report that stands'}: {self.report.page}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


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
            cause = type(error).__name__  # its text may hold the URL
    log.error(
        "webhook_not_told", run_id=notification.run_id, notice=notification.event, cause=cause
    )
    return False


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
