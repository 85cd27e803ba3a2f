"""nothing counted: why a run that counts nothing is no report, in words, and with an example."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from pipeline_core.advice.empty_tables import empty_tables_in_words
from pipeline_core.configuration.places import LATEST
from pipeline_core.containers.ignored import endings_in_words
from pipeline_core.errors import InputError, RetryableError
from pipeline_core.extract.days import archive_days
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.walk import open_archive
from pipeline_core.framing.field_paths import MISSING, lookup
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger, published_before
from pipeline_core.ledger.results import Done
from pipeline_core.load.read_back import read_summary
from pipeline_core.load.rejects import Reject, parse_rejects
from pipeline_core.logs import get_logger
from pipeline_core.merging.stored_results import opened_result
from pipeline_core.messages import EventCounts, Feed, Manifest, Options, Summary
from pipeline_core.planning.event_sample import PartSample, holders, sampled_parts
from pipeline_core.storage import Storage, open_archives, open_storage

log = get_logger()

_REASONS_TOLD = 3
_VALUES_TOLD = 5
_LONGEST_VALUE = 40
_LONGEST_EVENT = 300


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
    said = f"No event of {events.seen:,} can be counted: {_reasons(summary)}."
    if found is None or events.not_purchase > events.rejected:
        found = " ".join(filter(None, (found, _of_data(manifest, done))))
    return " ".join(filter(None, (said, _empty_tables(ledger, manifest), found, before)))


def _empty_tables(ledger: RunLedger, manifest: Manifest) -> str:
    if manifest.customers is None or manifest.products is None:  # of an earlier version
        return ""
    snapshot = load_snapshot(ledger.state, manifest.dimensions_digest)
    return empty_tables_in_words(snapshot, manifest.customers, manifest.products)


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


def _of_data(manifest: Manifest, done: Sequence[Done]) -> str | None:
    """What the first events are that there are, and one of them, if the archive is still as it
    was: what is no purchase is kept nowhere else."""
    data = open_archives(manifest.data, follow_links=manifest.options.follow_links)
    for each in done:
        if each.receipt.counts.seen:
            try:
                sampled = _sampled(data, each, manifest.options)
            except (InputError, RetryableError, OSError) as error:
                # The refusal stands without.
                log.warning("example_not_found", archive=each.archive.name, cause=str(error))
                return None
            if sampled:
                return f"{_left_out(sampled, manifest.options.feed)}{_first(each, sampled[0])}"
    return None


def _sampled(data: Storage, done: Done, options: Options) -> list[PartSample]:
    """Parts that have events; none of an archive that is another one now."""
    name, feed = done.archive.name, options.feed
    with data.open(name) as file:
        opened = open_archive(file, options.limits)
        if data.stat(name).version != done.archive.version:
            return []
        days = archive_days(opened, name, feed).wanted
        counted = [day for day in days if day.index in done.receipt.day_digests]
        return [part for part in sampled_parts(opened, counted, feed) if part.events]


def _left_out(sampled: Sequence[PartSample], feed: Feed) -> str:
    """The types that there are, and what of the feed's settings says that they are no purchases."""
    steps = reading_of(feed).steps
    found = [
        holders(event, steps) for part in sampled for event in part.events if type(event) is dict
    ]
    if not found:
        return ""
    said = [f"The first events have the types {_values(found, feed.event_type)}."]
    bought = [each for each in found if _value(each, feed.event_type) in feed.taken_types]
    if not bought:
        types = ", ".join(feed.purchase_types)
        said.append(f"None of these is one that SALES_PURCHASE_TYPES names: {types}.")
    elif steps and all(len(each) == 1 for each in bought):
        said.append(f"No purchase has items at {feed.items}, which SALES_ITEMS names.")
    for each in feed.only if bought else ():
        found_there = _values(bought, each.path)
        said.append(f"SALES_ONLY asks for {each.text}; purchases have {found_there} there.")
    return " ".join([*said, ""])


def _values(found: Iterable[Sequence[Mapping[str, object]]], path: str) -> str:
    """The commonest, as JSON, with how often they are there; null also stands for nothing."""
    counts = Counter(json.dumps(_value(each, path), default=str)[:_LONGEST_VALUE] for each in found)
    return ", ".join(f"{name} ({count:,})" for name, count in counts.most_common(_VALUES_TOLD))


def _value(held: Sequence[Mapping[str, object]], path: str) -> object:
    """What an event, or the last of its items that has it, has there."""
    values = (lookup(each, path) for each in reversed(held))
    return next((value for value in values if value is not MISSING), None)


def _first(done: Done, part: PartSample) -> str:
    event = part.events[0]
    if not isinstance(event, str):
        event = json.dumps(event, ensure_ascii=False, separators=(",", ":"), default=str)
    event = event.encode(errors="backslashreplace").decode()
    return f"For example {done.archive.name} > {part.day} > {part.part}, event 0: {_cut(event)}."


def _cut(event: str) -> str:
    return event if len(event) <= _LONGEST_EVENT else f"{event[:_LONGEST_EVENT]}…"
