"""What the report of a run says that the one published before it does not: found out once, just
before it is published, for its page and for those who are told of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import tee
from operator import eq

import msgspec

from pipeline_core.containers.entry_names import day_date
from pipeline_core.diff.causes import Cause
from pipeline_core.diff.days import ComparedDays, compare_days
from pipeline_core.diff.published_runs import PublishedRun, published_run
from pipeline_core.diff.purchases import gather, united_lists
from pipeline_core.diff.rules import changed_rules
from pipeline_core.diff.sentences import because
from pipeline_core.diff.steps import Named
from pipeline_core.diff.views import Amount, United, total
from pipeline_core.errors import ContractError, PipelineError, message_of
from pipeline_core.ledger import Past, RunLedger, published_ids
from pipeline_core.ledger.results import Done
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, Manifest, Summary
from pipeline_core.messages.changes import Changes, OtherCauses, TopCause
from pipeline_core.reuse.memory import decisive
from pipeline_core.transform.money import minor_of, to_text

log = get_logger()

_NAMED = 5
# The causes of more take a while, and memory that a worker may not have.
_MOST_PURCHASES = 500_000
# Nor are more days compared.
_MOST_DAYS = 150_000
_LONGEST_TEXT = 200
_CUT_OFF = "the search for it was cut off."


def note_changes(
    ledger: RunLedger,
    manifest: Manifest,
    summary: Summary,
    done: Sequence[Done],
    kept: Changes | None,
) -> Past:
    """Keeps with the run what changed since the newest published run that was planned before it,
    and returns it, with what is known of those. Nothing is kept of a first run, or of one of a time
    past, and what was ``kept`` stays.

    No publication is to fail for it, so it raises no error but RetryableError where the state says
    of no run whether it is published. What ends the process would end the
    next one, too: that the search was cut off is kept before it begins.
    """
    newest, ids = tee(published_ids(ledger.state, ledger.run_id))
    past = Past(ids, changes=kept)
    if kept is not None or manifest.options.as_of is not None:
        return past
    since = next(newest, None)
    if since is None:
        return past
    try:
        before = published_run(ledger.state, since)
        past = replace(past, newest=before.manifest, summary=before.summary)
        bare = _moved(before.summary, summary)
        after = PublishedRun(ledger, manifest, summary, done)
        past = replace(past, is_alike=_are_alike(before, after))
        if not past.is_alike:
            past = _noted(past, ledger, msgspec.structs.replace(bare, unknown=_CUT_OFF))
        past = _noted(past, ledger, _explained(bare, before, after))
    except Exception as error:  # see above
        log.warning("changes_not_found", run_id=ledger.run_id, cause=message_of(error))
    return past


def _noted(past: Past, ledger: RunLedger, changes: Changes) -> Past:
    ledger.write_changes(changes)
    return replace(past, changes=changes)


def _moved(was: Summary, is_now: Summary) -> Changes:
    before, after = was.totals, is_now.totals
    scale = max(len(each.total_revenue.partition(".")[2]) for each in (before, after))
    change = minor_of(after.total_revenue, scale) - minor_of(before.total_revenue, scale)
    return Changes(
        since=was.run_id,
        run_id=is_now.run_id,
        before=before,
        after=after,
        revenue=to_text(change, scale),
        units=after.units_sold - before.units_sold,
        customers=after.unique_customers - before.unique_customers,
    )


def _explained(bare: Changes, one: PublishedRun, other: PublishedRun) -> Changes:
    """With the causes, or why they are not known."""
    if _are_alike(one, other):
        scale = len(bare.revenue.partition(".")[2])
        return msgspec.structs.replace(bare, others=OtherCauses(0, to_text(0, scale), 0))
    number = sum(_days_counted(each.summary) for each in (one, other))
    if number > _MOST_DAYS:
        why = f"there are more than {_MOST_DAYS:,} days to compare."
        return msgspec.structs.replace(bare, unknown=why)
    try:
        united = united_lists(one, other)
        days = _days_to_read(one, other, united)
        if _purchases(days) > _MOST_PURCHASES:
            why = f"there are more than {_MOST_PURCHASES:,} purchases to look at."
            return msgspec.structs.replace(bare, unknown=why)
        gathered = gather(one, other, united, days, again=False)
        found: dict[Named, dict[int, Amount]] = defaultdict(dict)
        for effect in gathered.effects():
            found[effect.named][effect.cell] = effect.amount
        return _with_causes(bare, found, gathered.united, changed_rules(one, other))
    except (PipelineError, OSError, MemoryError) as error:
        log.warning("causes_not_found", run_id=bare.run_id, cause=message_of(error))
        return msgspec.structs.replace(bare, unknown=message_of(error))


def _are_alike(one: PublishedRun, other: PublishedRun) -> bool:
    """Whether both counted all of the same bytes by the same rules, customers and products: then
    nothing of either is read to say that there is no cause."""
    return (
        _decided_by(one) == _decided_by(other)
        and not (one.summary.unreadable_count or other.summary.unreadable_count)
        and _have_same_archives(one.manifest, other.manifest)
    )


def _decided_by(run: PublishedRun) -> tuple[object, ...]:
    manifest, summary = run.manifest, run.summary
    rules = manifest.rules, manifest.report_plugins, decisive(manifest.options)
    dimensions = manifest.dimensions_digest, manifest.customer_numbers
    return rules, dimensions, summary.events, summary.totals, summary.rejected


def _have_same_archives(one: Manifest, other: Manifest) -> bool:
    """Of very many, those that stand in the same blocks are the same; of all others, one after the
    other is compared."""
    if one.blocks and one.blocks == other.blocks:
        return True
    is_of_one_length = len(one.archives) == len(other.archives)
    return is_of_one_length and all(map(eq, map(_seen, one.archives), map(_seen, other.archives)))


def _seen(archive: ArchiveRef) -> tuple[object, ...]:
    of_file = archive.name, archive.size, archive.version
    return *of_file, archive.duplicate_of, archive.planned_skip()


def _days_counted(summary: Summary) -> int:
    return summary.days.read + summary.days.reused


def _days_to_read(one: PublishedRun, other: PublishedRun, united: United) -> ComparedDays:
    """Of days that both count, nothing changes unless the rows of customers and products that are
    valid then do, or what becomes of the unknown, or of returns; nor of a result that both have,
    for no change touched it."""
    days = compare_days(one, other)
    before, after = one.manifest.options, other.manifest.options
    if (before.unknown, before.returns) != (after.unknown, after.returns):
        return replace(days, stayed=days.recounted)
    changed = united.changed_times()
    stayed = [day for day in days.recounted if changed.hold(day_date(day.day.name))]
    return replace(days, stayed=stayed)


def _purchases(days: ComparedDays) -> int:
    """At most so many count in these days: all of their archives."""
    counted = [
        {day.done.work: day.done.receipt.counts.counted for day in of_run}
        for of_run in (
            [day for _, day in days.went],
            [*days.stayed, *(day for _, day in days.came)],
        )
    ]
    return sum(sum(archives.values()) for archives in counted)


def _with_causes(
    bare: Changes, found: dict[Named, dict[int, Amount]], united: United, rules: Named | None
) -> Changes:
    scale = united.scale
    causes = {named: total(cells.values()) for named, cells in found.items()}
    rest = Amount(minor_of(bare.revenue, scale), bare.units) - total(causes.values())
    if any(rest) and rules is None:
        raise ContractError(
            f"the causes do not add up to what changed since run {bare.since}, which was made by "
            "another version of this program, or changed since"
        )
    largest = {
        named: min(cells, key=lambda at: (cells[at].rank, at)) for named, cells in found.items()
    }
    ordered = sorted(
        causes,
        key=lambda named: (*causes[named].rank, *found[named][largest[named]].rank, named),
    )
    named = tuple(
        _top_cause(each, causes[each], scale, len(found[each]), *united.names(largest[each]))
        for each in ordered[:_NAMED]
    )
    if rules is not None and any(rest):
        named = (_top_cause(rules, rest, scale), *named)
    others = ordered[_NAMED:]
    of_others = total(causes[each] for each in others)
    return msgspec.structs.replace(
        bare,
        causes=named,
        others=OtherCauses(len(others), to_text(of_others.revenue, scale), of_others.units),
    )


def _top_cause(
    named: Named, amount: Amount, scale: int, rows: int = 0, category: str = "", segment: str = ""
) -> TopCause:
    revenue = to_text(amount.revenue, scale)
    cause = Cause(revenue=revenue, units=amount.units, **named._asdict())
    return TopCause(
        kind=cause.kind.value,
        because=_cut(because(cause)),
        revenue=revenue,
        units=amount.units,
        rows=rows,
        category=_cut(category),
        segment=_cut(segment),
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
