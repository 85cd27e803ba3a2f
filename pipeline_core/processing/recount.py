"""The events of a finished run again, as it counted them: from extracts, else from archives."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.containers.entry_names import day_date
from pipeline_core.errors import ConfigError, EventsGone, UnreadableArchive
from pipeline_core.extract.candidates import Decoded
from pipeline_core.extract.extracts import (
    ExtractedDay,
    ExtractPlace,
    read_candidates,
    read_rows,
)
from pipeline_core.kept.extract_reader import ExtractReader, FoundExtract
from pipeline_core.kept.extracts import Extracts, extract_names
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done, results
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, DayRef, Manifest
from pipeline_core.processing.count import count_events
from pipeline_core.processing.extraction import Extraction
from pipeline_core.processing.levels import Level
from pipeline_core.processing.lost_results import check_none_lost
from pipeline_core.processing.rules import Rules
from pipeline_core.processing.sent_twice import (
    Marking,
    distinct_results,
    load_sent_twice,
    mark_sent_twice,
)
from pipeline_core.processing.steps import Chunk, End
from pipeline_core.storage import open_archives

log = get_logger()


@dataclass(frozen=True)
class PlacedCandidates:
    """Some candidates of one part, in order; positions count the part's events from 0."""

    archive: str
    day: str
    date: date | None
    part: str
    decoded: Decoded


@dataclass(frozen=True)
class DayRows:
    """Some candidates of one day, in order, without their texts; positions count a part's events
    from 0. ``part``, int64 of shape (candidates,), are the places of their parts in ``parts``."""

    archive: str
    day: str
    date: date | None
    parts: list[str]
    part: NDArray[np.int64]
    candidates: pa.Table


@dataclass(frozen=True)
class CountedDay:
    """A day that counts in a run, and the SHA-256 of its bytes. ``sent_twice`` are rows of its
    keys, uint32 in order, of events that were sent before and so do not count; None if none
    was."""

    done: Done
    day: DayRef
    digest: str
    sent_twice: NDArray[np.uint32] | None = field(default=None, compare=False)


def run_rows(ledger: RunLedger, manifest: Manifest, dated: date | None = None) -> Iterator[DayRows]:
    """Every candidate that the run counted or rejected, in the order of archives, days and parts;
    of days with the date ``dated`` only, if there is one given. Days whose extracts are gone are
    extracted, and kept, again.

    Raises:
        ConfigError: the run is not processed.
        EventsGone: a day's extract is gone, and its archive has no such day any more.
        RetryableError: a storage does not answer.
    """
    counted_then = (
        counted
        for counted in counted_days(ledger, manifest)
        if dated is None or day_date(counted.day.name) == dated
    )
    for counted, found in _kept_days(ledger, manifest, counted_then, again=True):
        marking = Marking(counted.sent_twice)
        place = (counted.done.archive.name, counted.day.name, day_date(counted.day.name))
        names = [part.name for part in found[1].parts]
        for part, rows in read_rows(*found):
            yield DayRows(*place, names, part, marking.marked(rows))


def recount(
    ledger: RunLedger,
    manifest: Manifest,
    rules: Rules,
    days: Iterable[CountedDay],
    extracts: Extracts | None = None,
) -> AbstractContextManager[Level]:
    """Everything that is in ``days``. Whoever counts one archive after the other gives the same
    ``extracts``.

    Raises:
        EventsGone: a day's events are neither kept nor in its archive.
        RetryableError: a storage does not answer.
    """
    return count_events(_Days(ledger, manifest, days, extracts), rules)


@dataclass(frozen=True)
class _Days:
    """Days of a run, as a Source."""

    ledger: RunLedger
    manifest: Manifest
    days: Iterable[CountedDay]
    extracts: Extracts | None

    def extract(self) -> Generator[Chunk | End]:
        days = day_candidates(self.ledger, self.manifest, self.days, extracts=self.extracts)
        for day, candidates in days:
            for placed in candidates:
                place = (placed.archive, placed.day, day.day.index, placed.date, placed.part)
                yield Chunk(*place, 0, placed.decoded)
            yield End("part")  # all of them
            yield End("day")
        yield End("archive")


def counted_days(ledger: RunLedger, manifest: Manifest) -> list[CountedDay]:
    """In the order of archives and days. Raises ConfigError if the run is not processed, and
    DamagedResult if a result of it is lost, or its record of what was sent twice."""
    found = results(ledger, manifest)
    check_none_lost(ledger, manifest, found)
    if found.outstanding:
        raise ConfigError(
            f"Run {manifest.run_id} is not processed yet.",
            f"`sales-pipeline resume {manifest.run_id}` goes on with it.",
        )
    return days_of(ledger, distinct_results(ledger, manifest, found.done))


def days_of(ledger: RunLedger, results: Iterable[Done]) -> list[CountedDay]:
    """The days that count in these results. Raises DamagedResult if what of them was sent before
    is not known any more."""
    found = []
    for done in results:
        sent_twice = load_sent_twice(ledger, done.receipt)
        found += [
            CountedDay(
                done,
                day,
                done.receipt.day_digests[day.index],
                sent_twice.get(day.index),
            )
            for day in done.archive.days
            if day.index
            in done.receipt.day_digests  # else it does not count, or is another share's
        ]
    return found


def day_candidates(
    ledger: RunLedger,
    manifest: Manifest,
    days: Iterable[CountedDay],
    *,
    again: bool = True,
    extracts: Extracts | None = None,
) -> Iterator[tuple[CountedDay, Iterator[PlacedCandidates]]]:
    """Each of the days, one after the other, and every candidate of it, those that were sent before
    with that defect; unless archives may be read ``again``, of kept extracts only. Raises as
    ``run_rows`` does."""
    for counted, found in _kept_days(ledger, manifest, days, again=again, extracts=extracts):
        yield counted, _placed(counted, *found)


def _placed(
    counted: CountedDay, place: ExtractPlace, kept: ExtractedDay
) -> Iterator[PlacedCandidates]:
    archive, day = counted.done.archive, counted.day
    for part, decoded in mark_sent_twice(read_candidates(place, kept), counted.sent_twice):
        yield PlacedCandidates(archive.name, day.name, day_date(day.name), part.name, decoded)


def kept_extracts(ledger: RunLedger, manifest: Manifest) -> Extracts:
    """Extracts as whoever counts days of a run again may use them, and those that are made again,
    whose names are listed once."""
    names = extract_names(ledger.state, manifest.options)
    state, options = ledger.state, manifest.options
    return Extracts(state, options, is_used=True, is_kept=True, names=names, note=names.add)


def _kept_days(
    ledger: RunLedger,
    manifest: Manifest,
    days: Iterable[CountedDay],
    *,
    again: bool,
    extracts: Extracts | None = None,
) -> Iterator[tuple[CountedDay, tuple[ExtractPlace, ExtractedDay]]]:
    """The extracts of days, made again if they are gone, and that is allowed. Raises EventsGone."""
    wanted = list(days)
    extracts = extracts or kept_extracts(ledger, manifest)
    with extracts.reader({counted.digest for counted in wanted}) as reader:
        for counted in wanted:
            found = reader.find(counted.done.archive.name, counted.digest)
            if found is None:
                found = _made_again(manifest, extracts, reader, counted, again=again)
            yield counted, (found.place, found.day)


def _made_again(
    manifest: Manifest,
    extracts: Extracts,
    reader: ExtractReader,
    counted: CountedDay,
    *,
    again: bool,
) -> FoundExtract:
    archive = counted.done.archive.name
    day = f"The events of {archive} > {counted.day.name}"
    if not again:
        raise EventsGone(f"{day} are not kept.", "`sales-pipeline diff` reads the archive again.")
    unread = _extract_again(manifest, extracts, counted.done)
    reader.look_anew()
    found = reader.find(archive, counted.digest)
    if found is None:
        raise EventsGone(
            f"{day} are not kept any more, and the archive {as_it_is(unread)}.",
            f"Put the archive that was read back into {manifest.data}, or ask for a later run.",
        )
    return found


def as_it_is(unread: str | None) -> str:
    """What is wrong with an archive that has not what a run read: why it cannot be read now, if
    something stands there that cannot."""
    return "is not as it was" if unread is None else f"cannot be read any more: {unread}"


def _extract_again(manifest: Manifest, extracts: Extracts, done: Done) -> str | None:
    """Keeps what the archive has now: the digests of its days say whether they are the run's.
    Returns why it cannot be read, if it is there and cannot. Raises EventsGone if it cannot be
    kept."""
    log.info("extracting_again", run_id=manifest.run_id, archive=done.archive.name)
    data = open_archives(manifest.data, follow_links=manifest.options.follow_links)
    try:
        found = data.stat(done.archive.name)
    except FileNotFoundError:
        return None
    except UnreadableArchive as error:
        return error.message
    archive = ArchiveRef(id=done.archive.id, name=found.key, size=found.size, version=found.version)
    # Whichever days it has.
    options = msgspec.structs.replace(manifest.options, as_of=None)
    needed = replace(extracts, is_needed=True)
    again = Extraction(archive, data, options, frozenset(), None, needed)
    for _ in again.extract():
        pass
    return next((place.cause for place in again.unreadable if place.day is None), None)
