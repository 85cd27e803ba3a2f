"""What a run need not do again: archives whose results would come out as the last run left them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipeline_core.blocks.in_order import InOrder
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ContractError
from pipeline_core.kept.snapshots import (
    load_customer_numbers,
    load_snapshot,
    save_customer_numbers,
)
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, Known, Memory, Options, ReportPlugin
from pipeline_core.reuse.changed_rows import changed_customers, changed_products
from pipeline_core.reuse.customer_numbers import kept_numbers
from pipeline_core.reuse.memory import decisive, is_of_rules_of_now
from pipeline_core.reuse.touched import touched
from pipeline_core.storage import Storage
from pipeline_core.transform.reports.plugins import report_identities
from pipeline_core.valid_ranges import distinct_ids

log = get_logger()

# Of an archive, as its manifest has them.
Shares = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class TakenOver:
    """Archives whose receipts would come out the same, by name, with the shares that they have:
    same bytes, days that count, rules, those of plug-ins included, and rows of the customers and
    products that they name. ``customer_numbers`` are those by which these receipts count customers,
    as a manifest has them."""

    shares: dict[str, Shares]
    customer_numbers: str | None


def taken_over(
    state: Storage,
    memory: Memory | None,
    archives: Iterable[ArchiveRef],
    options: Options,
    snapshot: Snapshot,
    report_plugins: tuple[ReportPlugin, ...],
) -> TakenOver:
    """Those of ``archives`` that need no work. Numbers of customers that these runs have not used
    yet are stored beside the ``snapshot``, which is stored already.

    Raises:
        RetryableError: the state does not answer.
    """
    nothing = TakenOver({}, None)
    if memory is None:
        return nothing
    known = _unchanged(memory, archives, options, report_plugins)
    digest = snapshot.digest
    try:
        numbers = load_customer_numbers(state, memory.dimensions_digest, memory.customer_numbers)
        if not known or memory.dimensions_digest == digest:
            return TakenOver(known, memory.customer_numbers) if known else nothing
        before = load_snapshot(state, memory.dimensions_digest)
    except ContractError as error:  # everything is counted again, from extracts
        log.warning("results_not_reused", cause=error.message)
        return nothing
    if is_all_touched(before, snapshot, report_plugins):
        return nothing
    left = _untouched(state, memory, known, before, snapshot)
    if not left:
        return nothing
    found = kept_numbers(distinct_ids(before.customers), numbers, distinct_ids(snapshot.customers))
    return TakenOver(left, save_customer_numbers(state, digest, found))


def _unchanged(
    memory: Memory,
    archives: Iterable[ArchiveRef],
    options: Options,
    report_plugins: tuple[ReportPlugin, ...],
) -> dict[str, Shares]:
    """By name, archives with the bytes, the days that count and the rules of their receipts."""
    if (
        not is_of_rules_of_now(memory)
        or memory.report_plugins != report_plugins
        or decisive(memory.options) != decisive(options)
    ):
        return {}
    there = InOrder(archives, lambda archive: archive.name)
    return {
        known.archive.name: known.archive.shares
        for known in memory.archives
        if (archive := there.of_name(known.archive.name)) is not None
        and archive.version == known.archive.version
        and archive.duplicate_of is None
        and archive.planned_skip() == known.archive.planned_skip()
        # None is after `as_of`, and none was called otherwise by an earlier version.
        and _day_names(archive) == _day_names(known.archive)
        and _has_all_reports(known, options)
    }


def is_all_touched(
    before: Snapshot, after: Snapshot, report_plugins: tuple[ReportPlugin, ...]
) -> bool:
    """Whether money has other decimals; or there are other labels, whose numbers a report of a
    plug-in may have kept."""
    if before.scale != after.scale:
        return True
    pairs = (
        (before.customers["segment"], after.customers["segment"]),
        (before.products["category"], after.products["category"]),
    )
    return bool(report_plugins) and any(
        set(one.unique().to_pylist()) != set(other.unique().to_pylist()) for one, other in pairs
    )


def _untouched(
    state: Storage,
    memory: Memory,
    known: Mapping[str, Shares],
    before: Snapshot,
    after: Snapshot,
) -> dict[str, Shares]:
    """Those of the archives whose events name no row that is another now."""
    named = [
        (each.archive.name, receipt.named_ids)
        for each in memory.archives
        if each.archive.name in known
        for _, receipt in each.done
    ]
    is_touched = touched(
        state,
        [each for _, each in named],
        changed_customers(before, after),
        changed_products(before, after),
    )
    again = {name for (name, _), is_one in zip(named, is_touched, strict=True) if is_one}
    log.info("dimensions_changed", unchanged=len(known), touched=len(again))
    return {name: each for name, each in known.items() if name not in again}


def _day_names(archive: ArchiveRef) -> list[str]:
    return [day.name for day in archive.days]


def _has_all_reports(known: Known, options: Options) -> bool:
    """Whether there are results, also for reports that were added since."""
    names = report_identities((), options.returns).keys()
    return bool(known.done) and all(names <= receipt.partials.keys() for _, receipt in known.done)
