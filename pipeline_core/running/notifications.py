"""Notifications: the hooks of a shop learn how a run ended, once."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline_core.errors import PipelineError, message_of
from pipeline_core.ledger import RunLedger, slots
from pipeline_core.ledger.attempts import COMMAND
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Outcome, Summary
from pipeline_core.messages.changes import sentences
from pipeline_core.notify.hooks import (
    Event,
    Hooks,
    Notification,
    PublishedReport,
    RunFigures,
    event_of,
    notify_hooks,
)
from pipeline_core.publication.latest import newest_published
from pipeline_core.storage import Storage

log = get_logger()


def notify_of_outcome(ledger: RunLedger, hooks: Hooks) -> None:
    """Tells the hooks how the run ended, unless they know, it has not ended, or it is one of a time
    past, which somebody made by hand. One that could not be told is told again by whoever calls
    this next; two at once may tell it twice."""
    outcome = ledger.outcome()
    if outcome is None or ledger.is_notified():
        return
    manifest = ledger.planned()
    if manifest is not None and manifest.options.as_of is not None:
        return
    events: list[Event] = [event_of(outcome)]
    if outcome.state == "published" and _was_recovered(ledger):
        events.append("recovered")
    summary, report = outcome.summary, _report(ledger, manifest, outcome)
    told = [
        notify_hooks(
            hooks,
            Notification(
                event=event,
                run_id=ledger.run_id,
                reason=_recovery(ledger) if event == "recovered" else _reason(manifest, outcome),
                remedy=outcome.remedy,
                at=datetime.now(UTC),
                changes=_changes(ledger, event),
                figures=RunFigures.of(summary) if summary is not None else None,
                report=report,
            ),
        )
        for event in events
    ]
    if all(told):
        ledger.mark_notified()


def fail_and_notify(ledger: RunLedger, hooks: Hooks, error: BaseException) -> None:
    """Ends the run as failed and tells the hooks, even if the state storage is what is away:
    then the run is found, and ended, by whoever looks later."""
    try:
        from pipeline_core.publication.publish import fail

        fail(ledger.state.uri, ledger.run_id, error)
        notify_of_outcome(ledger, hooks)
    except (PipelineError, OSError) as trouble:
        log.error("failure_not_recorded", run_id=ledger.run_id, cause=message_of(trouble))
        reason, remedy = message_of(error), getattr(error, "remedy", "")
        notify_hooks(
            hooks, Notification("failed", ledger.run_id, reason, remedy, datetime.now(UTC))
        )


def notify_of_late_slot(state: Storage, hooks: Hooks, slot: str, run_id: str) -> None:
    """Tells the hooks, once, that the slot's run is not published in time; ``run_id`` is empty
    if it did not even start."""
    report = _standing(state)
    if not slots.mark_late(state, slot):
        return
    reason = f"Run {run_id} is not published yet" if run_id else "No run was started"
    late = Notification(
        event="late",
        run_id=run_id,
        reason=f"{reason} for {slot}.",
        remedy="Look at the workers' logs and at `sales-pipeline doctor`.",
        at=datetime.now(UTC),
        slot=slot,
        report=report,
    )
    if not notify_hooks(hooks, late):
        slots.unmark_late(state, slot)


def _reason(manifest: Manifest | None, outcome: Outcome) -> str:
    """Why the run was not published, or what is incomplete although it was."""
    summary = outcome.summary
    if outcome.state != "published" or manifest is None or summary is None:
        return outcome.reason
    from pipeline_core.publication.verdict import what_is_incomplete

    return what_is_incomplete(manifest, summary, summary.allowed_empty)


def _report(
    ledger: RunLedger, manifest: Manifest | None, outcome: Outcome
) -> PublishedReport | None:
    """What the run published, or else the report that stands."""
    if outcome.state == "published" and outcome.summary is not None and manifest is not None:
        return _published(manifest, outcome.summary)
    return _standing(ledger.state)


def _standing(state: Storage) -> PublishedReport | None:
    """The report that `latest` shows, as far as it is known."""
    newest = newest_published(state)
    if newest is None:
        return None
    ledger = RunLedger(state, newest)
    manifest, outcome = ledger.planned(), ledger.outcome()
    if manifest is None or outcome is None or outcome.summary is None:
        return None
    return _published(manifest, outcome.summary)


def _published(manifest: Manifest, summary: Summary) -> PublishedReport:
    page = f"{manifest.reports.rstrip('/')}/runs/{manifest.run_id}/index.html"
    return PublishedReport(page, RunFigures.of(summary))


def _changes(ledger: RunLedger, event: Event) -> tuple[str, ...]:
    """What a new report says that the last one did not."""
    changes = ledger.changes() if event in ("published", "incomplete") else None
    return () if changes is None else tuple(sentences(changes))


def _was_recovered(ledger: RunLedger) -> bool:
    return len(ledger.dispatches()) > 1 or len(ledger.attempts(COMMAND)) > 1


def _recovery(ledger: RunLedger) -> str:
    causes = dict.fromkeys(dispatch.why for dispatch in ledger.dispatches() if dispatch.why)
    if not causes:
        return "It had stopped, and was taken up again."
    return f"Missing work was sent again: {'; '.join(causes)}."
