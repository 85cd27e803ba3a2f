"""plan: what is there, what of it is new, and the frozen customers and products."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import read_database, read_folder
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.extract.meter import archive_meter, day_meter
from pipeline_core.extract.names import base_name, day_date, is_dated_up_to, is_text, is_zip
from pipeline_core.extract.walk import archive_days, day_bytes, open_archive
from pipeline_core.ledger import RunLedger, run_ids, save_snapshot
from pipeline_core.logs import structlog
from pipeline_core.messages import ArchiveRef, DayRef, Limits, Manifest, Options, Policy, Reuse
from pipeline_core.pipeline.reuse import (
    known_archives,
    note_days,
    recall,
    recall_days,
    reusable,
    reuse_receipts,
    rules_of_now,
)
from pipeline_core.pipeline.shares import shared_out
from pipeline_core.places import Places
from pipeline_core.storage import Storage, StoredObject, absolute_uri, open_storage

log = structlog.get_logger()

_REUSE = Reuse()
_RUN_TIME = "%Y%m%dT%H%M%S%fZ"
_RUN_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{6}", re.ASCII)


@dataclass(frozen=True)
class Survey:
    """The archives by name, and the days that two of them hold with different bytes. ``listed``
    are all archives with all their days, also those after ``as_of``, before any are compared."""

    archives: tuple[ArchiveRef, ...]
    conflicting_days: tuple[str, ...]
    listed: tuple[ArchiveRef, ...]


def plan(
    places: Places,
    options: Options,
    policy: Policy,
    engine: str,
    run_id: str,
    processes: Callable[[], int] = lambda: 1,
    reuse: Reuse = _REUSE,
) -> Manifest:
    """Writes the manifest of a run and returns it, or the one that was written before. Archives
    that are as the last run left them get their receipts at once. An archive for which some of
    so many ``processes`` would wait is cut into shares.

    Raises:
        ConfigError: there is no data folder, or no day up to ``options.as_of``, or customers or
            products cannot be used.
        InputError: a product has no valid price, or an archive a name that no JSON can hold.
        RetryableError: a storage or the database does not answer.
    """
    started = datetime.now(UTC)
    state = open_storage(places.state)
    ledger = RunLedger(state, run_id)
    if (planned := ledger.planned()) is not None:
        return planned
    open_storage(places.reports)  # a wrong place shows now, not after the work
    data = absolute_uri(places.data)
    memory, seen = (None, None) if reuse.full else (recall(state, data), recall_days(state, data))
    known_before = known_archives(memory), known_archives(seen)
    found = survey(open_storage(places.data), options.limits, *known_before, as_of=options.as_of)
    dimensions_digest = save_snapshot(state, read_dimensions(places))
    known = reusable(memory, found.archives, options, dimensions_digest)
    planned = Manifest(
        run_id=run_id,
        created_at=started,
        engine=engine,
        data=data,
        reports=absolute_uri(places.reports),
        options=options,
        policy=policy,
        dimensions_digest=dimensions_digest,
        archives=shared_out(found.archives, processes(), known),
        conflicting_days=found.conflicting_days,
        reuse=reuse,
        rules=rules_of_now(),
    )
    manifest = ledger.create_manifest(planned)
    if manifest is planned:
        reuse_receipts(ledger, manifest, known)
        if options.as_of is not None:
            note_days(state, manifest, found.listed)
    log.info("run_planned", run_id=run_id, archives=len(manifest.archives), unchanged=len(known))
    return manifest


def new_run_id(now: datetime, state: Storage | None = None) -> str:
    """Sorts by time of planning, and differs for two runs planned in one second.

    It sorts behind every run of ``state``, also if the clock was ahead when that was planned:
    the newest run by id is the one that `latest` shows.
    """
    known = [] if state is None else run_ids(state)
    newest = max(filter(_RUN_ID.fullmatch, known), default="")
    if newest > f"{now:{_RUN_TIME}}":
        ahead = datetime.strptime(newest.partition("-")[0], _RUN_TIME).replace(tzinfo=UTC)
        now = ahead + timedelta(microseconds=1)
    return f"{now:{_RUN_TIME}}-{secrets.token_hex(3)}"


def read_dimensions(places: Places) -> Snapshot:
    """Customers and products of now. Raises as the two sources do."""
    if places.dimensions is not None:
        return read_folder(Path(places.dimensions))
    return read_database(places.database_url)


def survey(
    data: Storage, limits: Limits, *known: Mapping[str, ArchiveRef], as_of: date | None = None
) -> Survey:
    """Lists archives and days, from the zips' directories; marks what was there before. Those
    that are as they were when they became ``known`` are not opened. With ``as_of``, only days
    dated so far are there, and archives that have one, or cannot be read.

    Contents are read only where size and CRC say that two days or two archives may be the
    same; bytes, not names, decide. The first by name keeps what is in two.
    """
    stored = [file for file in data.files() if is_zip(file.key)]
    if not stored and not data.files() and not data.folders():
        raise ConfigError(
            f"There is nothing in {data.uri}.",
            "Set SALES_DATA (--data) to the folder of the weekly archives.",
        )
    for file in stored:
        if not is_text(file.key):
            raise InputError(
                f"The name of the archive {file.key!r} is not UTF-8.", f"Rename it in {data.uri}."
            )
    listed = [
        next(filter(None, (_untouched(each.get(file.key), file) for each in known)), None)
        or _look_into(data, file, limits)
        for file in stored
    ]
    archives = _numbered(listed if as_of is None else _up_to(as_of, listed, data))
    archives = _mark_duplicate_archives(data, archives)
    archives = _mark_duplicate_days(data, archives, limits)
    return Survey(tuple(archives), _conflicting_days(archives), tuple(listed))


def missing_days(days: Iterable[str]) -> tuple[date, ...]:
    """Dates inside the covered range for which there is no day, from the days' names."""
    dates = {found for name in days if (found := day_date(name)) is not None}
    if not dates:
        return ()
    first, length = min(dates), (max(dates) - min(dates)).days
    covered = (first + timedelta(days=number) for number in range(length))
    return tuple(day for day in covered if day not in dates)


def _untouched(known: ArchiveRef | None, file: StoredObject) -> ArchiveRef | None:
    if known is None or (known.size, known.version) != (file.size, file.version):
        return None
    return known


def _numbered(archives: Iterable[ArchiveRef]) -> list[ArchiveRef]:
    return [
        msgspec.structs.replace(archive, id=f"{number:05d}")
        for number, archive in enumerate(archives)
    ]


def _up_to(as_of: date, archives: Sequence[ArchiveRef], data: Storage) -> list[ArchiveRef]:
    """What there was on a date, by the names of the days. Raises ConfigError if that is nothing."""
    cut = [
        msgspec.structs.replace(
            archive, days=tuple(day for day in archive.days if is_dated_up_to(as_of, day.name))
        )
        for archive in archives
    ]
    found = [archive for archive in cut if archive.days or archive.unreadable]
    if not found:
        dates = (day_date(day.name) for archive in archives for day in archive.days)
        first = min(filter(None, dates), default=None)
        raise ConfigError(
            f"No day in {data.uri} is dated {as_of} or before.",
            f"The first is of {first}." if first else "No name of a day there holds a date.",
        )
    return found


def _look_into(data: Storage, file: StoredObject, limits: Limits) -> ArchiveRef:
    archive = ArchiveRef(id="", name=file.key, size=file.size, version=file.version)
    try:
        with (
            data.open(file.key) as opened,
            open_archive(opened, limits) as archive_zip,
        ):
            days = tuple(
                DayRef(info.filename, index, info.file_size, info.CRC)
                for index, info in archive_days(archive_zip)
            )
    except InputError as error:
        return msgspec.structs.replace(archive, unreadable=error.message)
    return msgspec.structs.replace(archive, days=days)


def _mark_duplicate_archives(data: Storage, archives: Sequence[ArchiveRef]) -> list[ArchiveRef]:
    sizes = defaultdict(list)
    for archive in archives:
        sizes[archive.size].append(archive.name)
    first_with: dict[str, str] = {}
    marked = []
    for archive in archives:
        if len(sizes[archive.size]) > 1:
            digest = archive.digest or _digest(data, archive.name)
            first = first_with.setdefault(digest, archive.name)
            archive = msgspec.structs.replace(
                archive, digest=digest, duplicate_of=None if first == archive.name else first
            )
        marked.append(archive)
    return marked


def _digest(data: Storage, name: str) -> str:
    with data.local_file(name) as path, path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mark_duplicate_days(
    data: Storage, archives: Sequence[ArchiveRef], limits: Limits
) -> list[ArchiveRef]:
    alike: dict[tuple[int, int], int] = defaultdict(int)
    for _, day in _days(archives):
        alike[day.size, day.crc] += 1
    suspects = {key for key, count in alike.items() if count > 1}
    first_with: dict[str, tuple[str, int]] = {}
    marked = []
    for archive in archives:
        found = [day for day in archive.days if (day.size, day.crc) in suspects]
        if found and archive.duplicate_of is None:
            unknown = {day.index for day in found if day.digest is None}
            digests = _day_digests(data, archive, unknown, limits) if unknown else {}
            days = []
            for day in archive.days:
                digest, place = digests.get(day.index, day.digest), (archive.name, day.index)
                if digest is not None:
                    first = first_with.setdefault(digest, place)
                    day = msgspec.structs.replace(
                        day, digest=digest, duplicate_of=None if first == place else first[0]
                    )
                days.append(day)
            archive = msgspec.structs.replace(archive, days=tuple(days))
        marked.append(archive)
    return marked


def _day_digests(
    data: Storage, archive: ArchiveRef, wanted: set[int], limits: Limits
) -> dict[int, str]:
    """SHA-256 by directory place; days that cannot be inflated are left out."""
    digests = {}
    with data.open(archive.name) as file, open_archive(file, limits) as opened:
        for index, info in archive_days(opened):
            if index not in wanted:
                continue
            hasher = hashlib.sha256()
            try:
                for block in day_bytes(opened, info, day_meter(limits, archive_meter(limits))):
                    hasher.update(block)
            except InputError:  # noted with its place when the archive is processed
                continue
            digests[index] = hasher.hexdigest()
    return digests


def _conflicting_days(archives: Sequence[ArchiveRef]) -> tuple[str, ...]:
    """Base names of days that stand, with different bytes, in two archives."""
    holders: dict[str, set[str]] = defaultdict(set)
    contents: dict[str, set[object]] = defaultdict(set)
    for archive, day in _days(archives):
        holders[base_name(day.name)].add(archive.name)
        contents[base_name(day.name)].add(day.digest or (archive.name, day.index))
    # Two holders and two contents: whichever holder has which, some two of them differ.
    return tuple(
        sorted(name for name in holders if len(holders[name]) > 1 and len(contents[name]) > 1)
    )


def _days(archives: Sequence[ArchiveRef]) -> Iterable[tuple[ArchiveRef, DayRef]]:
    return (
        (archive, day)
        for archive in archives
        if archive.duplicate_of is None
        for day in archive.days
    )
