"""The results of a run without events that were sent before: each event counts once in the feed.

Archives are processed without knowing of each other, so their receipts count all that is in them;
later runs take these over. Which of their events an archive before has is known once all are
processed. Results with such events are then counted again, from extracts, with these left out, and
what comes out is kept for the next run: it counts again only where something else is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
import numpy as np

from pipeline_core.errors import ContractError, DamagedResult, EventsGone
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.logs import get_logger
from pipeline_core.messages import (
    ArchiveRef,
    EventPlace,
    Manifest,
    Memory,
    Receipt,
    StoredFile,
    UnlikeFirst,
)
from pipeline_core.processing.process import store_results, temporary_files
from pipeline_core.processing.recount import day_candidates, days_of, kept_extracts, recount
from pipeline_core.processing.rules import Rules, rules_of
from pipeline_core.processing.sent_twice import to_sent_twice, with_receipts
from pipeline_core.publication.find_sent_twice import (
    ByDay,
    KeyPlace,
    SentTwice,
    find_sent_twice,
)
from pipeline_core.reuse.cache import load_distinct, save_distinct
from pipeline_core.reuse.memory import decisive, rules_of_now
from pipeline_core.schemas import EVENT_KEY
from pipeline_core.transform.reports.plugins import report_identities

log = get_logger()


def distinct(
    ledger: RunLedger, manifest: Manifest, done: Sequence[Done]
) -> tuple[Sequence[Done], UnlikeFirst | None]:
    """The results (``done`` being in the order of the archives' names), and a record of those that
    are others now, for all who ask for the run's events later; and what was left out though it says
    something else than what it is taken for.

    Raises:
        ConfigError: this process does not have the reports of plug-ins as the run was planned.
        ResultsMissing: a file of keys is damaged; its archive is taken for not done.
        EventsGone: events that count otherwise now are neither kept nor in their archive.
        RetryableError: a storage does not answer, or there is no room for temporary files.
    """
    if not manifest.options.feed.event_id:
        return done, None
    again, sent_twice = _Recounting(ledger, manifest), find_sent_twice(ledger, done)
    receipts = {
        done[number].work.id: again.receipt(done[number], by_day)
        for number, by_day in sent_twice.by_result.items()
    }
    found = with_receipts(done, receipts)
    ledger.write_distinct(receipts)
    if manifest.options.as_of is None:
        by_key = {
            distinct_key(manifest, each.archive, each.receipt): receipts[each.work.id]
            for each in done
            if each.work.id in receipts
        }
        save_distinct(ledger.state, ledger.run_id, by_key)
    return found, _unlike_first(ledger, manifest, done, sent_twice)


def _unlike_first(
    ledger: RunLedger, manifest: Manifest, done: Sequence[Done], found: SentTwice
) -> UnlikeFirst | None:
    if found.again is None or found.first is None:
        return None
    again: EventPlace | None = None
    first: EventPlace | None = None
    try:
        again = _event_place(ledger, manifest, done[found.again.result], found.again)
        first = _event_place(ledger, manifest, done[found.first.result], found.first)
    except EventsGone as error:  # an example less
        log.warning("example_not_found", run_id=ledger.run_id, cause=error.message)
    places = {"again": again and str(again), "first": first and str(first)}
    log.warning("unlike_first", run_id=ledger.run_id, events=found.unlike, **places)
    return UnlikeFirst(found.unlike, again, first)


def _event_place(ledger: RunLedger, manifest: Manifest, done: Done, key: KeyPlace) -> EventPlace:
    row = key.row
    days = [day for day in days_of(ledger, [done]) if day.day.index == key.day]
    for _, candidates in day_candidates(ledger, manifest, days):
        for placed in candidates:
            table = placed.decoded.candidates
            keyed = np.flatnonzero(table[EVENT_KEY.name].is_valid().to_numpy())
            if row < len(keyed):
                position = table["position"][keyed[row]].as_py()
                return EventPlace(placed.archive, placed.day, placed.part, position)
            row -= len(keyed)
    raise ContractError(f"{done.archive.name} has fewer keys than its receipt names")


def distinct_key(by: Manifest | Memory, archive: ArchiveRef, receipt: Receipt) -> str:
    """Tells results apart by what decides them, but for what is left out. ``by`` is what they were
    made by, or remembered by. Customers and products are in it by the run that counted all of the
    result's events, in whose folder their sums are: as long as runs take these over, no change of
    customers and products has touched the events."""
    names = {day.index: day.name for day in archive.days}
    days = [(names.get(place), place, digest) for place, digest in receipt.day_digests.items()]
    identities = report_identities(by.report_plugins, by.options.returns)
    rules = (rules_of_now(), identities, decisive(by.options))
    sums = sorted(stored.identity for stored in receipt.partials.values())
    whole = msgspec.json.encode((*rules, sums, archive.name, days))
    return hashlib.sha256(whole).hexdigest()


class _Recounting:
    """Counts results again, or takes what was counted before."""

    def __init__(self, ledger: RunLedger, manifest: Manifest) -> None:
        self._ledger, self._manifest = ledger, manifest
        self._of_run = ledger.distinct() or {}
        self._kept = {} if manifest.reuse.full else load_distinct(ledger.state)
        self._rules: Rules | None = None
        self._extracts = kept_extracts(ledger, manifest)

    def receipt(self, done: Done, by_day: ByDay) -> Receipt:
        """What is left of a result without these of its events."""
        data, manifest = to_sent_twice(by_day), self._manifest
        digest = hashlib.sha256(data).hexdigest()
        key = distinct_key(manifest, done.archive, done.receipt)
        for known in (self._of_run.get(done.work.id), self._kept.get(key)):
            if known is not None and self._is_sound(known, digest):
                return _with_results_of(known, done.receipt)
        rows = sum(map(len, by_day.values()))
        stored = self._ledger.store("sent_twice", done.work, ".parquet", data, len(by_day))
        log.info(
            "counting_again",
            run_id=self._ledger.run_id,
            archive=done.archive.name,
            sent_twice=rows,
        )
        return self._counted(done, stored)

    def _counted(self, done: Done, sent_twice: StoredFile) -> Receipt:
        ledger, manifest = self._ledger, self._manifest
        if self._rules is None:
            self._rules = rules_of(ledger, manifest)
        receipt = msgspec.structs.replace(done.receipt, sent_twice=sent_twice)
        days = days_of(ledger, [done._replace(receipt=receipt)])
        counted = recount(ledger, manifest, self._rules, days, self._extracts)
        with temporary_files(), counted as result:
            result.keys.clear()  # they are as they were
            return _with_results_of(store_results(ledger, done.work, result, receipt), done.receipt)

    def _is_sound(self, known: Receipt, digest: str) -> bool:
        """Whether all that a receipt names is there, and this is what it leaves out."""
        if known.sent_twice is None or known.sent_twice.digest != digest:
            return False
        named = [known.sent_twice, *known.partials.values()]
        if known.rejects is not None:
            named.append(known.rejects)
        try:
            for stored in named:
                with self._ledger.opened(stored):
                    pass
        except DamagedResult as error:  # it is made again
            log.warning("damaged_result_ignored", cause=error.message)
            return False
        return True


def _with_results_of(known: Receipt, receipt: Receipt) -> Receipt:
    return msgspec.structs.replace(
        receipt,
        counts=known.counts,
        partials=known.partials,
        rejects=known.rejects,
        sent_twice=known.sent_twice,
    )
