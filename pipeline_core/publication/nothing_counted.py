"""nothing counted: why a run that counts nothing is no report, in words, and with an example."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from pipeline_core.configuration.places import LATEST
from pipeline_core.containers.ignored import endings_in_words
from pipeline_core.containers.meter import archive_meter, day_meter
from pipeline_core.errors import InputError, RetryableError, UnreadablePart
from pipeline_core.extract.days import archive_days, opened_day
from pipeline_core.extract.values import event_values
from pipeline_core.extract.walk import open_archive, part_windows
from pipeline_core.framing.paths import MISSING, lookup
from pipeline_core.framing.windows import Window
from pipeline_core.ledger import RunLedger, published_before
from pipeline_core.ledger.results import Done
from pipeline_core.load.read_back import read_summary
from pipeline_core.load.rejects import Reject, parse_rejects
from pipeline_core.logs import get_logger
from pipeline_core.messages import EventCounts, Manifest, Options, Summary
from pipeline_core.publication.merge import opened_result
from pipeline_core.storage import Storage, open_archives, open_storage

log = get_logger()

_REASONS_TOLD = 3
_TYPES_TOLD = 3
_LONGEST_TYPE = 40
_LONGEST_EVENT = 300
# Enough for some hundred events of the usual size.
_LOOKED_AT_BYTES = 1 << 16


def nothing_counted(
    ledger: RunLedger, manifest: Manifest, summary: Summary, done: Sequence[Done]
) -> str:
    """What speaks against a report that counts nothing: there were events, or the newest report
    published before (and planned earlier) counts some. Empty if nothing does. A report of a time
    past is compared with none.

    Raises:
        ResultsMissing: the rejects that would be an example are damaged.
        RetryableError: the state storage does not answer.
    """
    events = summary.events
    if events.counted:
        return ""
    before = "" if manifest.options.as_of is not None else _report_before(ledger, manifest)
    if not events.seen:
        if not before:
            return ""
        archives = summary.archives.read + summary.archives.reused
        ignored = endings_in_words(summary.ignored)
        passed_over = f" Passed over without being read: {ignored}." if ignored else ""
        return f"There is no event; archives read: {archives:,}. {before}{passed_over}"
    found = _of_rejects(ledger, manifest, summary, done) if events.rejected else None
    said = [f"No event of {events.seen:,} can be counted: {_reasons(summary)}."]
    if found is None:
        found = _of_data(manifest, done)
    if found is not None:
        said.append(found)
    return " ".join(filter(None, (*said, before)))


def _report_before(ledger: RunLedger, manifest: Manifest) -> str:
    """That the report before counts something, or that nobody knows. A state that was lost, or
    that is another one's, knows of none: then it is the one that is to be seen."""
    run_id = published_before(ledger.state, ledger.run_id)
    if run_id is None:
        return _report_that_stands(open_storage(manifest.reports), ledger.run_id)
    outcome = RunLedger(ledger.state, run_id).outcome()
    if outcome is None or outcome.summary is None:
        return f"What run {run_id} counted, the last one published, is gone from the state."
    return _counted(run_id, outcome.summary.events.counted)


def _report_that_stands(reports: Storage, run_id: str) -> str:
    key = reports.pointed(LATEST)
    if key is None:
        return ""
    try:
        standing = read_summary(reports, key, _StandingReport)
    except (FileNotFoundError, ValueError):  # gone, or damaged
        return f"What the report at {reports.uri}/{key} counts, which stands, is not known."
    if standing.run_id >= run_id:
        return ""
    return _counted(standing.run_id, standing.events.counted)


class _StandingReport(Struct, frozen=True):
    """What is asked of a summary.json."""

    run_id: str
    """The run that published it."""
    events: EventCounts
    """Seen, counted and left out."""


def _counted(run_id: str, counted: int) -> str:
    if not counted:
        return ""
    return (
        f"Run {run_id}, the last one published, counted {counted:,} purchase{'s'[: counted - 1]}."
    )


def _reasons(summary: Summary) -> str:
    """The commonest, with their numbers."""
    ordered = sorted(summary.rejected.items(), key=lambda item: (-item[1].events, item[0]))
    told = [f"{lost.events:,} {reason}" for reason, lost in ordered[:_REASONS_TOLD]]
    if rest := sum(lost.events for _, lost in ordered[_REASONS_TOLD:]):
        told.append(f"{rest:,} of other reasons")
    if others := summary.events.not_purchase:
        told.append(f"{others:,} not a purchase")
    return ", ".join(told)


def _of_rejects(
    ledger: RunLedger, manifest: Manifest, summary: Summary, done: Sequence[Done]
) -> str | None:
    """An example of the commonest reason, or of another if the log of rejects ends before."""
    commonest = max(summary.rejected, key=lambda reason: summary.rejected[reason].events)
    first: Reject | None = None
    for reject in _rejects(ledger, done) if manifest.options.reject_rows else ():
        first = first or reject
        if reject.reason == commonest:
            first = reject
            break
    if first is None:
        return None
    place = f"{first.archive} > {first.day} > {first.part}, event {first.position}"
    return f"For example {place}, {first.reason}: {_cut(first.event)}."


def _rejects(ledger: RunLedger, done: Sequence[Done]) -> Iterator[Reject]:
    for each in done:
        if each.receipt.rejects is not None:
            with opened_result(ledger, each, each.receipt.rejects) as file:
                yield from parse_rejects(file)


class _Sample(NamedTuple):
    """The first events of a part; ``place`` is its archive, day and name."""

    place: tuple[str, str, str]
    events: list[dict[str, object] | str]


def _of_data(manifest: Manifest, done: Sequence[Done]) -> str | None:
    """The types of the first events that there are, and one of them, if the archive is still as
    it was: what is no purchase is kept nowhere else."""
    data = open_archives(manifest.data, follow_links=manifest.options.follow_links)
    for each in done:
        if each.receipt.counts.seen:
            try:
                sample = _sample(data, each, manifest.options)
            except (InputError, RetryableError, OSError) as error:
                # The refusal stands without.
                log.warning("example_not_found", archive=each.archive.name, cause=str(error))
                return None
            if sample is not None:
                return _in_words(sample, manifest.options.feed.event_type)
    return None


def _sample(data: Storage, done: Done, options: Options) -> _Sample | None:
    limits, feed = options.limits, options.feed
    archive, whole = done.archive, archive_meter(limits)
    with data.open(archive.name) as file:
        opened = open_archive(file, limits)
        if data.stat(archive.name).version != archive.version:
            return None
        for day in archive_days(opened, archive.name, feed).wanted:
            if day.index not in done.receipt.day_digests:
                continue
            meter = day_meter(limits, whole)
            with opened_day(opened, day, feed, whole, _LOOKED_AT_BYTES) as (inner, parts):
                for part in parts.wanted:
                    windows = part_windows(inner, part, meter, _LOOKED_AT_BYTES, feed)
                    if events := _first_events(windows, limits.json_depth):
                        return _Sample((archive.name, day.name, part.name), events)
    return None


def _first_events(windows: Iterator[Window], json_depth: int) -> list[dict[str, object] | str]:
    """None of a part that cannot be read."""
    try:
        return list(event_values(next(windows), json_depth))
    except UnreadablePart:  # the run's summary says why
        return []


def _in_words(sample: _Sample, event_type: str) -> str:
    types = Counter(
        json.dumps(_type_of(event, event_type), default=str)[:_LONGEST_TYPE]
        for event in sample.events
        if isinstance(event, dict)
    )
    told = ", ".join(f"{name} ({count:,})" for name, count in types.most_common(_TYPES_TOLD))
    said = f"The first events have the types {told}. " if told else ""
    event = sample.events[0]
    if not isinstance(event, str):
        event = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str)
    event = event.encode(errors="backslashreplace").decode()
    return f"{said}For example {' > '.join(sample.place)}, event 0: {_cut(event)}."


def _type_of(event: Mapping[str, object], event_type: str) -> object:
    found = lookup(event, event_type)
    return None if found is MISSING else found


def _cut(event: str) -> str:
    return event if len(event) <= _LONGEST_EVENT else f"{event[:_LONGEST_EVENT]}…"
