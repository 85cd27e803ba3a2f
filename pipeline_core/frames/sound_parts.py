"""What of a folder counts, found as a run finds it, and then read for its events.

A part, a day or an archive that turns out to be unreadable counts for nothing, and whether it is
shows at its end. So everything is read twice: once by the very walk of a run, which notes what is
sound, and once for the events. Neither holds more than a window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline_core.containers.ignored import merge_endings
from pipeline_core.containers.meter import archive_meter, day_meter
from pipeline_core.errors import InputError, UnreadableArchive
from pipeline_core.extract.days import archive_days, opened_day
from pipeline_core.extract.walk import open_archive, part_windows
from pipeline_core.framing.windows import Window
from pipeline_core.kept.extracts import Extracts
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.machine.profile import EVENT_BYTES
from pipeline_core.messages import ArchiveRef, Manifest, Options, Receipt, Unreadable, Work
from pipeline_core.planning.survey import survey
from pipeline_core.processing.count import count_events
from pipeline_core.processing.extraction import Extraction
from pipeline_core.processing.process import receipt_of, store_results, temporary_files
from pipeline_core.processing.rules import Rules
from pipeline_core.processing.sent_twice import Marking
from pipeline_core.publication.find_sent_twice import find_sent_twice
from pipeline_core.publication.summary import first_unreadable
from pipeline_core.schemas import CUSTOMERS, PRODUCTS
from pipeline_core.storage import Storage, open_archives, open_storage
from pipeline_core.transform.lookup import prepare

_RUN_ID = "none"  # no run is planned

# Archive, day and part, by name.
PartPlace = tuple[str, str, str]


@dataclass(frozen=True)
class SoundParts:
    """What counts of ``data``, by archive in the order of their names: directory places of parts
    by that of their day. ``unreadable`` are up to ``options.most_listed``; ``ignored`` are entries
    that are not read, by their ending. ``sent_twice`` are rows of a day's keys, by archive and day,
    of events that were sent before."""

    data: Storage
    options: Options
    parts: tuple[tuple[ArchiveRef, dict[int, frozenset[int]]], ...]
    unreadable: tuple[Unreadable, ...]
    ignored: dict[str, int]
    sent_twice: dict[tuple[str, int], NDArray[np.int64]]


class SoundPart(NamedTuple):
    """A part that counts; its day's ``marking`` wants all candidates of the day."""

    place: PartPlace
    windows: Iterator[Window]
    marking: Marking


@dataclass
class _ReadReceipts:
    """What a run would find in its ledger, and the parts that count, by the work's id."""

    known: dict[str, Receipt] = field(default_factory=dict)
    parts: dict[str, dict[int, frozenset[int]]] = field(default_factory=dict)

    def receipt(self, work: Work) -> Receipt | None:
        return self.known.get(work.id)

    def receipts_of(self, work_ids: Iterable[str], requests: int = 0) -> Mapping[str, Receipt]:  # noqa: ARG002
        return dict(self.each_receipt(work_ids))

    def receipt_ids(self) -> AbstractSet[str]:
        return self.known.keys()

    def each_receipt(
        self,
        work_ids: Iterable[str],
        requests: int = 0,  # noqa: ARG002
    ) -> Iterator[tuple[str, Receipt]]:
        return ((each, self.known[each]) for each in work_ids if each in self.known)


def find_sound_parts(folder: str, options: Options) -> SoundParts:
    """Reads every archive once.

    Raises:
        ConfigError: there is no archive, or no day up to ``options.as_of``.
        RetryableError: the storage does not answer.
    """
    data = open_archives(folder, follow_links=options.follow_links)
    found = survey(data, options.limits, options.feed, as_of=options.as_of)
    manifest = Manifest(
        run_id=_RUN_ID,
        created_at=datetime.now(UTC),
        engine="local",
        data=data.uri,
        reports="",
        options=options,
        dimensions_digest="",
        archives=found.archives,
    )
    receipts = _ReadReceipts()
    with temporary_files(), TemporaryDirectory(prefix="sales-") as state:
        ledger = RunLedger(open_storage(state), _RUN_ID)
        while work := (counting := results(receipts, manifest)).outstanding:
            for each in work:
                archive = manifest.archive(each.archive)
                known = _extracted(archive, options, each, data, ledger)
                receipts.known[each.id], receipts.parts[each.id] = known
        sent_twice = (
            find_sent_twice(ledger, counting.done).by_result if options.feed.event_id else {}
        )
    return SoundParts(
        data=data,
        options=options,
        parts=tuple((each.archive, receipts.parts[each.work.id]) for each in counting.done),
        unreadable=first_unreadable(
            [place for each in counting.done for place in each.receipt.unreadable],
            options.most_listed,
        ),
        ignored=merge_endings([found.ignored, *(each.receipt.ignored for each in counting.done)]),
        sent_twice={
            (counting.done[number].archive.name, day): rows
            for number, by_day in sent_twice.items()
            for day, rows in by_day.items()
        },
    )


def _extracted(
    archive: ArchiveRef, options: Options, work: Work, data: Storage, ledger: RunLedger
) -> tuple[Receipt, dict[int, frozenset[int]]]:
    """Reads an archive as a run does; ``ledger`` keeps the keys of its events."""
    skip = archive.planned_skip() if work.skip is None else frozenset(work.skip)
    no_extracts = Extracts(data, options, is_used=False, is_kept=False)
    extraction = Extraction(archive, data, options, skip, None, no_extracts)
    if not options.feed.event_id:
        for _ in extraction.extract():
            pass
        return receipt_of(_RUN_ID, work, extraction), extraction.counted_parts
    nobody = Rules(prepare(CUSTOMERS.empty_table(), PRODUCTS.empty_table(), 0), options, ())
    with count_events(extraction, nobody) as result:
        receipt = store_results(ledger, work, result, receipt_of(_RUN_ID, work, extraction))
    return receipt, extraction.counted_parts


def sound_windows(sound: SoundParts, batch_size: int) -> Iterator[SoundPart]:
    """Every part that counts; its windows hold ``batch_size`` events or so.

    Raises:
        InputError: an archive changed meanwhile.
        RetryableError: the storage does not answer.
    """
    for archive, days in sound.parts:
        if any(days.values()):
            yield from _archive_windows(sound, archive, days, batch_size * EVENT_BYTES)


def _archive_windows(
    sound: SoundParts, archive: ArchiveRef, days: dict[int, frozenset[int]], window_bytes: int
) -> Iterator[SoundPart]:
    limits = sound.options.limits
    with ExitStack() as stack, temporary_files():
        try:
            file = stack.enter_context(sound.data.fetched(archive.name))
            is_same = sound.data.stat(archive.name).version == archive.version
        except (FileNotFoundError, UnreadableArchive):  # it became a link that leads out
            is_same = False
        if not is_same:
            raise InputError(
                f"{archive.name} changed while its events were read.",
                "Read it again when nothing writes there.",
            )
        opened, meter = open_archive(file, limits), archive_meter(limits)
        feed = sound.options.feed
        for day in archive_days(opened, archive.name, feed).wanted:
            wanted = days.get(day.index)
            if not wanted:
                continue
            marking = Marking(sound.sent_twice.get((archive.name, day.index)))
            with opened_day(opened, day, feed, meter, window_bytes) as (inner, parts):
                parts_meter = day_meter(limits, meter)
                for part in parts.wanted:
                    if part.index in wanted:
                        windows = part_windows(
                            inner, part, parts_meter, window_bytes, sound.options.feed
                        )
                        yield SoundPart((archive.name, day.name, part.name), windows, marking)
