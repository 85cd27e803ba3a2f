"""Notifications: the hooks of a shop learn how a run ended, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from pipeline_core.errors import PipelineError, message_of, reason_of
from pipeline_core.ledger import RunLedger, newest_published, slots
from pipeline_core.ledger.attempts import COMMAND, this_process
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Outcome, Summary
from pipeline_core.messages.changes import sentences
from pipeline_core.messages.notification import Event, Told
from pipeline_core.notify.hooks import (
    LONGEST_SECONDS,
    Hooks,
    Notification,
    PublishedReport,
    event_of,
    figures_of,
    notify_hooks,
)
from pipeline_core.plural import counted
from pipeline_core.running.told import heard, note_heard, telling
from pipeline_core.storage import Storage

log = get_logger()

# Runs of which this process has told that they failed, where no record could be made of it.
_told_without_record: set[str] = set()
# Archives that a sentence names.
_NAMED = 5


def notify_of_outcome(
    ledger: RunLedger, hooks: Hooks, outcome: Outcome | None = None, *, is_new: bool = False
) -> None:
    """Tells the hooks how the run ended, each event once, unless they know, it has not ended, or it
    is one of a time past, which somebody made by hand. What could not be told, or is being told by
    another process, is told again by whoever calls this next. The ``outcome`` is read unless the
    caller has it; if it ``is_new``, the caller made it just now, and nobody was told before."""
    outcome = outcome or ledger.outcome()
    if outcome is None or (not is_new and hooks.lineage is None and ledger.is_notified()):
        return
    if not is_of_interest(hooks, outcome):
        _note_all_heard(ledger, outcome)
        return
    manifest = ledger.planned()
    if manifest is not None and manifest.options.as_of is not None:
        return
    if hooks.lineage is not None:
        from pipeline_core.lineage.emit import emit_end  # Arrow, which most who look do not need

        emit_end(ledger, manifest, outcome, hooks.lineage)
        if ledger.is_notified():
            return
    found = [_of_outcome(ledger, manifest, outcome)]
    if outcome.state == "published" and _was_recovered(ledger):
        found.append(_of_recovery(ledger, manifest, found[0]))
    with telling(ledger, this_process(), LONGEST_SECONDS * len(found)) as is_ours:
        if not is_ours:
            return
        known = heard(ledger)
        for each in found:
            if known.is_complete or each.event in known.events or not notify_hooks(hooks, each):
                continue
            events = (*known.events, each.event)
            known = Told(is_complete=len(events) == len(found), events=events)
            note_heard(ledger, known)


def _note_all_heard(ledger: RunLedger, outcome: Outcome) -> None:
    if outcome.summary is not None and outcome.summary.as_of is None:
        note_heard(ledger, Told(is_complete=True, events=(event_of(outcome),)))


def is_of_interest(hooks: Hooks, outcome: Outcome) -> bool:
    """Whether a hook may want to hear of it, once more is known of the run."""
    wanted = hooks.events if hooks.webhook_url or hooks.command else frozenset()
    is_wanted = not wanted.isdisjoint((event_of(outcome), "recovered"))
    return outcome.summary is None or hooks.lineage is not None or is_wanted


def _of_outcome(ledger: RunLedger, manifest: Manifest | None, outcome: Outcome) -> Notification:
    event, summary = event_of(outcome), outcome.summary
    return Notification(
        event=event,
        run_id=ledger.run_id,
        reason=_reason(manifest, outcome),
        remedy=outcome.remedy,
        at=datetime.now(UTC),
        slot=slots.slot_of(ledger.state, ledger.run_id),
        changes=_changes(ledger, event),
        figures=figures_of(summary) if summary is not None else None,
        report=_report(ledger, manifest, outcome),
    )


def _of_recovery(
    ledger: RunLedger, manifest: Manifest | None, outcome: Notification
) -> Notification:
    names = _taken_up_again(ledger, manifest)
    return replace(
        outcome,
        event="recovered",
        reason=_recovery(ledger, names),
        remedy="",
        changes=(),
        archives=names,
    )


def of_delivery(ledger: RunLedger, reason: str, remedy: str) -> Notification:
    """A published run's report did not arrive somewhere."""
    outcome, manifest = ledger.outcome(), ledger.planned()
    summary = outcome.summary if outcome is not None else None
    return Notification(
        event="undelivered",
        run_id=ledger.run_id,
        reason=reason,
        remedy=remedy,
        at=datetime.now(UTC),
        slot=slots.slot_of(ledger.state, ledger.run_id),
        figures=figures_of(summary) if summary is not None else None,
        report=_report(ledger, manifest, outcome) if outcome is not None else None,
    )


def fail_and_notify(
    ledger: RunLedger, hooks: Hooks, error: BaseException, *, others_may: bool = False
) -> None:
    """Ends the run as failed and tells the hooks, even if the state storage is what is away: then
    the run is found, and ended, by whoever looks later, and a process tells of it once. Where that
    cannot be put on record and ``others_may`` do its work, it has not failed, and nobody is told.
    """
    try:
        from pipeline_core.publication.publish import fail

        fail(ledger.state.uri, ledger.run_id, error)
        notify_of_outcome(ledger, hooks)
    except (PipelineError, OSError) as trouble:
        log.error("failure_not_recorded", run_id=ledger.run_id, cause=message_of(trouble))
        if others_may or ledger.run_id in _told_without_record:
            return
        _told_without_record.add(ledger.run_id)
        reason, remedy = reason_of(error), getattr(error, "remedy", "")
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

    incomplete = what_is_incomplete(manifest, summary, summary.allowed_empty)
    return " ".join(filter(None, (incomplete, manifest.unpriced_words)))


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
    return PublishedReport(page, figures_of(summary))


def _changes(ledger: RunLedger, event: Event) -> tuple[str, ...]:
    """What a new report says that the last one did not."""
    changes = ledger.changes() if event in ("published", "incomplete") else None
    return () if changes is None else tuple(sentences(changes))


def _was_recovered(ledger: RunLedger) -> bool:
    return len(ledger.dispatches()) > 1 or len(ledger.attempts(COMMAND)) > 1


def _taken_up_again(ledger: RunLedger, manifest: Manifest | None) -> tuple[str, ...]:
    """Names of the archives that were begun, or sent, more than once."""
    if manifest is None:
        return ()
    counts = ledger.attempt_counts()
    again = {work.archive for dispatch in ledger.dispatches()[1:] for work in dispatch.work}
    again |= {work.archive for work in manifest.planned_work() if counts.get(work.id, 0) > 1}
    return tuple(sorted(manifest.archive(each).name for each in again))


def _recovery(ledger: RunLedger, names: tuple[str, ...]) -> str:
    causes = dict.fromkeys(each.why.rstrip(".") for each in ledger.dispatches() if each.why)
    why = f" ({'; '.join(causes)})" if causes else ""
    if not names:
        return f"It had stopped{why}, and was taken up again."
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED]) + (f" and {counted(more, 'other')}" if more > 0 else "")
    return f"It had stopped{why}, and was taken up again: {shown}."
