"""verdict: whether a run may be published, and if not, why, and who may overrule that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline_core.advice.few_purchases import few_purchases_in_words
from pipeline_core.advice.unreadable_inputs import how_to_mend
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.logs import get_logger
from pipeline_core.messages import Allowance, Manifest, Summary, Verdict, unlike_words
from pipeline_core.plural import counted
from pipeline_core.publication.drift import drift
from pipeline_core.publication.nothing_counted import nothing_counted

log = get_logger()

# So many events that are not like the first are corrections, whatever share of the copies they are.
_MOST_CORRECTIONS = 10
_INSPECT = "`sales-pipeline inspect` shows what the events hold, and proposes settings. "


def judge(ledger: RunLedger, manifest: Manifest, summary: Summary, done: Sequence[Done]) -> Verdict:
    """Published, or refused for everything that neither is in order nor was allowed.

    Raises:
        ResultsMissing: a stored result is damaged.
        RetryableError: the state storage does not answer.
    """
    options, reasons = manifest.options, dict[Allowance, str]()
    if few := few_purchases_in_words(summary.events):
        log.warning("few_purchases", run_id=manifest.run_id, cause=few)
    empty = nothing_counted(ledger, manifest, summary, done)
    if not options.allow_incomplete:
        reasons["incomplete"] = what_is_incomplete(manifest, summary, empty)
    moved = drift(ledger.state, manifest, summary)
    if not options.allow_drift:
        reasons["drift"] = moved
    needs = tuple(need for need, reason in reasons.items() if reason)
    now = datetime.now(UTC)
    if not needs:
        return Verdict(state="published", finished_at=now, drift=moved, empty=empty)
    mend = how_to_mend(each.cause for each in summary.unreadable)
    allowing = " ".join(f"--allow-{need}" for need in needs)
    return Verdict(
        state="refused",
        finished_at=now,
        reason=" ".join(reasons[need] for need in needs),
        remedy=(
            f"{_INSPECT if empty or is_wrong_key(summary) else ''}{f'{mend} ' if mend else ''}"
            "Mend the input and run again, or "
            f"`sales-pipeline publish {manifest.run_id} {allowing}`."
        ),
        needs=needs,
        drift=moved,
        empty=empty,
    )


def too_many_rejects(manifest: Manifest, summary: Summary) -> bool:
    """Whether more of the purchases were rejected than the run's limit allows."""
    purchases = summary.bad_events + summary.events.counted
    return summary.bad_events > manifest.options.limits.reject_share * purchases


def is_wrong_key(summary: Summary) -> bool:
    """Whether most of what was left out as sent twice says something else than what it is taken
    for: then its key is no event's."""
    unlike = 0 if summary.unlike_first is None else summary.unlike_first.events
    return unlike > _MOST_CORRECTIONS and 2 * unlike > summary.sent_twice


def what_is_incomplete(manifest: Manifest, summary: Summary, empty: str) -> str:
    """For people, in sentences; ``empty`` are those of ``nothing_counted``. Empty if nothing is."""
    left_out = _what_is_left_out(manifest, summary)
    return " ".join(filter(None, (left_out, _wrong_key(manifest, summary), empty)))


def _what_is_left_out(manifest: Manifest, summary: Summary) -> str:
    unreadable = summary.unreadable
    if summary.unreadable_count:
        first = unreadable[0]
        place = " > ".join(name for name in (first.archive, first.day, first.part) if name)
        return (
            f"{summary.unreadable_count} of the inputs could not be read, first {place}: "
            f"{first.cause}."
        )
    if too_many_rejects(manifest, summary):
        bad = summary.bad_events
        return (
            f"{bad:,} of {counted(bad + summary.events.counted, 'purchase')} had to be rejected, "
            f"more than the limit of {manifest.options.limits.reject_share:.2%}."
        )
    return ""


def _wrong_key(manifest: Manifest, summary: Summary) -> str:
    if not is_wrong_key(summary):
        return ""
    fields = ",".join(manifest.options.feed.event_id)
    return (
        f"{unlike_words(summary)} SALES_EVENT_ID={fields} does not tell events apart: name fields "
        "that only copies of one event share."
    )
