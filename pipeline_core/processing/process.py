"""process: one archive to its partials, its rejects and its receipt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import msgspec

from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger, load_snapshot, open_state
from pipeline_core.ledger.attempts import OutOfTries, Worker, attempt, causes, costs_told
from pipeline_core.load.tables import to_partial
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, Attempt, Manifest, Receipt, StoredFile, Work
from pipeline_core.plural import counted
from pipeline_core.processing.accumulate import Accumulator, Rules
from pipeline_core.processing.extraction import Extraction
from pipeline_core.processing.kept_extracts import extracts_of
from pipeline_core.storage import open_archives
from pipeline_core.transform.lookup import Dimensions, prepare

log = get_logger()


def process(state_uri: str, run_id: str, work: Work, worker: Worker) -> Receipt:
    """Processes one archive of a planned run; one that is done already is left alone.

    An archive that has ended its worker ``max_attempts`` times is quarantined: its receipt
    says that it could not be read, and why.

    Raises:
        RetryableError: a storage does not answer.
        TooCostly: there is too little memory or time.
        WorkUnderWay: who is at it already may be the last who may try it.
        ContractError: there is no such archive in the run, or the state is damaged.
    """
    ledger = RunLedger(open_state(state_uri), run_id)
    done = ledger.receipt(work)
    if done is not None:
        return done
    manifest = manifest_of(state_uri, run_id)
    try:
        return _attempted(ledger, manifest, work, worker)
    except OutOfTries as out:
        return _quarantine(ledger, manifest, work, out.ended)


def _attempted(ledger: RunLedger, manifest: Manifest, work: Work, worker: Worker) -> Receipt:
    archive = manifest.archive(work.archive)
    started = time.monotonic()
    with (
        attempt(ledger, manifest.policy, work.id, worker, limited=True) as noted,
        costs_told(worker, f"process {archive.name}"),
    ):
        made = processed(ledger, manifest, archive, work)
        made = msgspec.structs.replace(made, attempt=noted.number)
        receipt = ledger.create_receipt(work, made)
        if receipt is not made:  # another's counts, and says nothing of this attempt
            noted.done()
    counts = receipt.counts
    log.info(
        "archive_processed",
        run_id=ledger.run_id,
        archive=archive.name,
        seen=counts.seen,
        counted=counts.counted,
        rejected=sum(figures.events for figures in counts.rejected.values()),
        unreadable=receipt.unreadable_count,
        seconds=round(time.monotonic() - started, 3),
    )
    return receipt


def processed(ledger: RunLedger, manifest: Manifest, archive: ArchiveRef, work: Work) -> Receipt:
    """Processes the archive, stores the results and makes their receipt, which does not count
    yet. Raises RetryableError."""
    started = time.monotonic()
    rules = Rules(_dimensions(ledger.state.uri, manifest.dimensions_digest), manifest.options)
    skip = archive.planned_skip() if work.skip is None else frozenset(work.skip)
    extraction = Extraction(archive, rules, skip, work.share, extracts_of(ledger.state, manifest))
    with temporary_files():
        extraction.run(open_archives(manifest.data, follow_links=manifest.options.follow_links))
        return _store(ledger, work, extraction, started)


@contextmanager
def temporary_files() -> Iterator[None]:
    """Makes errors of our temporary files ours; storages and zips have errors of their own."""
    try:
        yield
    except OSError as error:
        raise RetryableError(
            f"Cannot write temporary files: {error.strerror or error}.",
            "Set TMPDIR to a folder with room.",
        ) from error


def _quarantine(ledger: RunLedger, manifest: Manifest, work: Work, ended: list[Attempt]) -> Receipt:
    """Leaves out an archive that would end one worker after the other."""
    archive = manifest.archive(work.archive)
    cause = f"quarantined after {counted(len(ended), 'attempt')}: {causes(ended)}"
    rules = Rules(_dimensions(ledger.state.uri, manifest.dimensions_digest), manifest.options)
    extraction = Extraction(
        archive, rules, frozenset(), work.share, extracts_of(ledger.state, manifest)
    )
    extraction.give_up(cause)
    log.error("archive_quarantined", run_id=ledger.run_id, archive=archive.name, cause=cause)
    receipt = _store(ledger, work, extraction, time.monotonic())
    return ledger.create_receipt(work, msgspec.structs.replace(receipt, quarantined=True))


@lru_cache(maxsize=2)
def manifest_of(state_uri: str, run_id: str) -> Manifest:
    """The run's manifest, read once per worker process: it never changes. Raises ConfigError if
    there is no such run."""
    return RunLedger(open_state(state_uri), run_id).manifest()


@lru_cache(maxsize=2)
def _dimensions(state_uri: str, digest: str) -> Dimensions:
    """The run's look-up tables, once per worker process."""
    snapshot = load_snapshot(open_state(state_uri), digest)
    return prepare(snapshot.customers, snapshot.products, snapshot.scale)


def _store(ledger: RunLedger, work: Work, extraction: Extraction, started: float) -> Receipt:
    extraction.result.counts()  # reduces what waits, and logs its rejects
    partials, rejects = store_results(ledger, work, extraction.result)
    seconds = round(time.monotonic() - started, 6)
    return receipt_of(ledger.run_id, work, extraction, partials, rejects, seconds)


def receipt_of(
    run_id: str,
    work: Work,
    extraction: Extraction,
    partials: dict[str, StoredFile],
    rejects: StoredFile | None,
    seconds: float,
) -> Receipt:
    """What a finished walk proves."""
    archive, result = extraction.archive, extraction.result
    return Receipt(
        run_id=run_id,
        archive=archive.id,
        digest=extraction.digest,
        days=extraction.days,
        parts=extraction.parts,
        counts=result.counts(),
        unreadable=tuple(extraction.unreadable),
        partials=partials,
        rejects=rejects,
        compressed_bytes=0 if work.share else archive.size,
        json_bytes=extraction.json_bytes,
        share=work.share,
        general_events=result.general,
        day_digests=extraction.day_digests,
        bytes_read=extraction.bytes_read,
        repeated_parts=extraction.repeated_parts,
        ignored=extraction.ignored,
        seconds=seconds,
    )


def store_results(
    ledger: RunLedger, work: Work, result: Accumulator
) -> tuple[dict[str, StoredFile], StoredFile | None]:
    """Stores partials, by report, and rejects, if there are any, for a receipt to name; closes the
    accumulator."""
    partials = {
        report: ledger.store(
            "partials", work, f".{report}.parquet", to_partial(table), table.num_rows
        )
        for report, table in result.partials().items()
    }
    rejects = None
    if result.rejects.rows:
        with result.rejects.saved() as content:
            rejects = ledger.store("rejects", work, ".csv", content, result.rejects.rows)
    result.rejects.close()
    return partials, rejects
