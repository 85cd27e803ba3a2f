"""process: one archive to its partials, its rejects and its receipt."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO

import msgspec
import structlog

from pipeline_core.errors import (
    RetryableError,
    UnreadableArchive,
    UnreadableDay,
    UnreadablePart,
)
from pipeline_core.extract.decode import decode
from pipeline_core.extract.meter import archive_meter, day_meter
from pipeline_core.extract.names import day_date
from pipeline_core.extract.walk import (
    archive_days,
    day_parts,
    open_archive,
    open_day,
    part_windows,
)
from pipeline_core.heap import keep_freed_memory
from pipeline_core.ledger import RunLedger, load_snapshot
from pipeline_core.ledger.attempts import Worker, attempt, causes, costs_told, spent
from pipeline_core.load.tables import to_parquet
from pipeline_core.messages import (
    ArchiveRef,
    Attempt,
    Manifest,
    Receipt,
    Tally,
    Unreadable,
    Work,
)
from pipeline_core.pipeline.accumulate import Accumulator, Chunk, Rules
from pipeline_core.storage import Storage, open_storage
from pipeline_core.transform.lookup import Dimensions, prepare

log = structlog.get_logger()


def process(state_uri: str, run_id: str, work: Work, worker: Worker) -> Receipt:
    """Processes one archive of a planned run; one that is done already is left alone.

    An archive that has ended its worker ``max_attempts`` times is quarantined: its receipt
    says that it could not be read, and why.

    Raises:
        RetryableError: a storage does not answer.
        TooCostly: there is too little memory or time.
        ContractError: there is no such archive in the run, or the state is damaged.
    """
    keep_freed_memory()
    ledger = RunLedger(open_storage(state_uri), run_id)
    done = ledger.receipt(work)
    if done is not None:
        return done
    manifest = manifest_of(state_uri, run_id)
    archive = manifest.archive(work.archive)
    ended = spent(ledger, work.id, worker, datetime.now(UTC))
    if len(ended) >= manifest.policy.max_attempts:
        return _quarantine(ledger, manifest, work, ended)
    started = time.monotonic()
    with (
        attempt(ledger, manifest.policy, work.id, worker),
        costs_told(worker, f"process {archive.name}"),
    ):
        receipt = _processed(ledger, manifest, archive, work)
    receipt = ledger.create_receipt(work, receipt)
    counts = receipt.counts
    log.info(
        "archive_processed",
        run_id=run_id,
        archive=archive.name,
        seen=counts.seen,
        counted=counts.counted,
        rejected=sum(figures.events for figures in counts.rejected.values()),
        unreadable=len(receipt.unreadable),
        seconds=round(time.monotonic() - started, 3),
    )
    return receipt


def _processed(ledger: RunLedger, manifest: Manifest, archive: ArchiveRef, work: Work) -> Receipt:
    started = time.monotonic()
    rules = Rules(_dimensions(ledger.state.uri, manifest.dimensions_digest), manifest.options)
    skip = archive.planned_skip() if work.skip is None else frozenset(work.skip)
    extraction = _Extraction(archive, rules, skip, work.share)
    try:
        extraction.run(manifest)
        return _store(ledger, work, extraction, started)
    except OSError as error:  # of our temporary files: storages and zips have errors of their own
        raise RetryableError(
            f"Cannot write temporary files: {error.strerror or error}.",
            "Set TMPDIR to a folder with room.",
        ) from error


def _quarantine(ledger: RunLedger, manifest: Manifest, work: Work, ended: list[Attempt]) -> Receipt:
    """Leaves out an archive that would end one worker after the other."""
    archive = manifest.archive(work.archive)
    cause = f"quarantined after {len(ended)} attempts: {causes(ended)}"
    rules = Rules(_dimensions(ledger.state.uri, manifest.dimensions_digest), manifest.options)
    extraction = _Extraction(archive, rules, frozenset(), work.share)
    extraction.give_up(cause)
    log.error("archive_quarantined", run_id=ledger.run_id, archive=archive.name, cause=cause)
    receipt = _store(ledger, work, extraction, time.monotonic())
    return ledger.create_receipt(work, msgspec.structs.replace(receipt, quarantined=True))


@lru_cache(maxsize=2)
def manifest_of(state_uri: str, run_id: str) -> Manifest:
    """The run's manifest, read once per worker process: it never changes. Raises ConfigError if
    there is no such run."""
    return RunLedger(open_storage(state_uri), run_id).manifest()


@lru_cache(maxsize=2)
def _dimensions(state_uri: str, digest: str) -> Dimensions:
    """The run's look-up tables, once per worker process."""
    snapshot = load_snapshot(open_storage(state_uri), digest)
    return prepare(snapshot.customers, snapshot.products, snapshot.scale)


@dataclass
class _Extraction:
    """One walk through an archive, or through the days of one of its shares."""

    archive: ArchiveRef
    rules: Rules
    skip: frozenset[int]
    share: int | None
    digest: str | None = None
    days: Tally = Tally()
    parts: Tally = Tally()
    json_bytes: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.result = Accumulator(self.rules)
        self.meter = archive_meter(self.rules.options.limits)

    def run(self, manifest: Manifest) -> None:
        """Reads everything that can be read; what cannot is in ``unreadable``."""
        try:
            with self.result.dropped_on_error():
                self._read(open_storage(manifest.data))
        except UnreadableArchive as error:
            self.give_up(error.message)

    def give_up(self, cause: str) -> None:
        """Takes the archive for unreadable: nothing of it counts."""
        self.unreadable = [Unreadable(self.archive.name, None, None, cause)]
        self.days = self.parts = Tally()
        self.result = Accumulator(self.rules)

    def _read(self, data: Storage) -> None:
        with ExitStack() as stack:
            try:
                path = stack.enter_context(data.local_file(self.archive.name))
                file = stack.enter_context(path.open("rb"))
                version = data.stat(self.archive.name).version
            except FileNotFoundError as error:
                raise UnreadableArchive("the archive vanished after the run was planned") from error
            if version != self.archive.version:
                raise UnreadableArchive("the archive changed after the run was planned")
            before = _version(file)
            if not self.share:  # that of one share is enough
                self.digest = hashlib.file_digest(file, "sha256").hexdigest()
            with open_archive(file, self.rules.options.limits) as opened:
                self._read_days(opened)
            if _version(file) != before:
                raise UnreadableArchive("the archive changed while it was read")

    def _read_days(self, opened: zipfile.ZipFile) -> None:
        for index, info in archive_days(opened):
            if self.share is not None and index not in self.archive.shares[self.share]:
                continue
            if index in self.skip:
                self.days += Tally(duplicate=1)
                continue
            day = _Day(self, info.filename)
            try:
                day.read(opened, info)
            except UnreadableDay as error:
                self._note(info.filename, None, error.message)
                self.days += Tally(unreadable=1)
                continue
            self.unreadable += day.unreadable
            self.days += Tally(read=1)
            self.parts += day.parts
            self.result.absorb(day.result)
        self.json_bytes = self.meter.used

    def _note(self, day: str | None, part: str | None, cause: str) -> None:
        self.unreadable.append(Unreadable(self.archive.name, day, part, cause))


class _Day:
    """One daily zip; dropped whole if it turns out to be unreadable."""

    def __init__(self, extraction: _Extraction, name: str) -> None:
        self.archive = extraction.archive.name
        self.rules = extraction.rules
        self.name = name
        self.meter = day_meter(self.rules.options.limits, extraction.meter)
        self.archive_meter = extraction.meter
        self.parts = Tally()
        self.unreadable: list[Unreadable] = []
        self.result = Accumulator(self.rules)

    def read(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        """Raises UnreadableDay, or UnreadableArchive if the archive's limit is passed."""
        limits, window_bytes = self.rules.options.limits, self.rules.window_bytes
        packed = day_meter(limits, self.archive_meter)
        with (
            self.result.dropped_on_error(),
            open_day(opened, info, limits, packed, window_bytes) as day,
        ):
            for part in day_parts(day):
                try:
                    part_result = self._read_part(day, part)
                except UnreadablePart as error:
                    self.unreadable.append(
                        Unreadable(self.archive, self.name, part.filename, error.message)
                    )
                    self.parts += Tally(unreadable=1)
                else:
                    self.parts += Tally(read=1)
                    self.result.absorb(part_result)

    def _read_part(self, day: zipfile.ZipFile, part: zipfile.ZipInfo) -> Accumulator:
        result = Accumulator(self.rules)
        options = self.rules.options
        limits, place = options.limits, (self.archive, self.name, day_date(self.name))
        with result.dropped_on_error():
            for window in part_windows(day, part, limits, self.meter, self.rules.window_bytes):
                for decoded in decode(window, limits.json_depth, options.batch_size):
                    result.add(Chunk(*place, part.filename, result.seen, decoded))
        return result


def _version(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _store(ledger: RunLedger, work: Work, extraction: _Extraction, started: float) -> Receipt:
    archive, result = extraction.archive, extraction.result
    counts, partials = result.counts(), result.partials()
    stored = {
        report: ledger.store(
            "partials", work, f".{report}.parquet", to_parquet(table), table.num_rows
        )
        for report, table in partials.items()
    }
    with result.rejects.saved() as content:
        rejects = ledger.store("rejects", work, ".csv", content, result.rejects.rows)
    result.rejects.close()
    return Receipt(
        run_id=ledger.run_id,
        archive=archive.id,
        digest=extraction.digest,
        days=extraction.days,
        parts=extraction.parts,
        counts=counts,
        unreadable=tuple(extraction.unreadable),
        partials=stored,
        rejects=rejects,
        compressed_bytes=0 if work.share else archive.size,
        json_bytes=extraction.json_bytes,
        share=work.share,
        general_events=result.general,
        seconds=round(time.monotonic() - started, 6),
    )
