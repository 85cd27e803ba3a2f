"""process: one archive to its partials, its rejects and its receipt."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache

import msgspec

from pipeline_core.errors import NoTemporaryRoom
from pipeline_core.kept.extract_names import ExtractNames
from pipeline_core.kept.extracts import Extracts, extract_names, extracts_of
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import (
    AlreadyDone,
    OutOfTries,
    Worker,
    attempt,
    causes,
    is_out_of_tries,
    raise_too_costly,
)
from pipeline_core.ledger.heartbeat import lease_known_until
from pipeline_core.ledger.result_files import Stores
from pipeline_core.load.partials import partial_file
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, Attempt, Counts, Manifest, Receipt, Work
from pipeline_core.plural import counted
from pipeline_core.processing.count import count_events
from pipeline_core.processing.extraction import Extraction
from pipeline_core.processing.levels import Level
from pipeline_core.processing.rules import Rules, load_dimensions
from pipeline_core.storage import open_archives
from pipeline_core.storage.in_flight import begun
from pipeline_core.transform.lookup import Dimensions
from pipeline_core.transform.reports.plugins import reports_of

log = get_logger()


def process(state_uri: str, run_id: str, work: Work, worker: Worker) -> Receipt:
    """Processes one archive of a planned run; one that is done already is left alone.

    An archive that has ended its worker ``max_attempts`` times is quarantined: its receipt
    says that it could not be read, and why.

    Raises:
        ConfigError: this process does not have the reports of plug-ins as the run was planned.
        RetryableError: a storage does not answer.
        TooCostly: there is too little memory or time.
        WorkUnderWay: who is at it already may be the last who may try it.
        ContractError: there is no such archive in the run, or the state is damaged.
    """
    ledger = RunLedger(open_state(state_uri), run_id)
    manifest = manifest_of(state_uri, run_id)
    reports_of(
        manifest.report_plugins, manifest.options.returns
    )  # before it is tried: the archive is not to blame
    if (receipt := _done_in_ended_run(ledger, work)) is not None:
        return receipt
    try:
        return _attempted(ledger, manifest, work, worker)
    except AlreadyDone as before:
        return before.receipt
    except OutOfTries as out:
        receipt = _quarantine(ledger, manifest, work, out.ended)
        if is_out_of_tries(ledger, manifest.policy, work.id):
            return receipt
    # A person wanted it tried anew while this was written.
    ledger.discard_receipt(work)
    return process(state_uri, run_id, work, worker)


def _done_in_ended_run(ledger: RunLedger, work: Work) -> Receipt | None:
    """The receipt of a message that comes after the end: who made it left no record that stops
    another attempt. A run whose lease this process knows to hold is not asked."""
    if lease_known_until(ledger) is not None or ledger.outcome() is None:
        return None
    return ledger.receipt(work)


def _attempted(ledger: RunLedger, manifest: Manifest, work: Work, worker: Worker) -> Receipt:
    archive = manifest.archive(work.archive)
    started = time.monotonic()
    with (
        attempt(ledger, manifest.policy, work.id, worker, limited=True) as noted,
        raise_too_costly(worker, f"process {archive.name}"),
    ):
        made, behind = processed(ledger, manifest, archive, work, is_first=noted.number == 1)
        made = msgspec.structs.replace(made, attempt=noted.number, made_by=noted.began)
        receipt = ledger.create_receipt(work, made, behind)
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


def processed(
    ledger: RunLedger,
    manifest: Manifest,
    archive: ArchiveRef,
    work: Work,
    *,
    is_first: bool = False,
) -> tuple[Receipt, bytes]:
    """Processes the archive, stores the results and makes their receipt, which does not count
    yet, and what comes behind it. An attempt that ``is_first`` looks for no extract that was not
    there when this process saw the run first. Raises RetryableError."""
    started = time.monotonic()
    names = _extracts_there(ledger.state.uri, ledger.run_id) if is_first else None
    with begun(ledger.state, manifest.policy.requests) as begin:
        extracts = replace(extracts_of(ledger.state, manifest), names=names, begin=begin)
        extraction = _extraction(manifest, archive, work, extracts)
        with temporary_files(), count_events(extraction, _rules(ledger, manifest)) as result:
            return _store(ledger, work, extraction, result, started)


def _extraction(
    manifest: Manifest, archive: ArchiveRef, work: Work, extracts: Extracts
) -> Extraction:
    return Extraction(
        archive,
        open_archives(manifest.data, follow_links=manifest.options.follow_links),
        manifest.options,
        archive.planned_skip() if work.skip is None else frozenset(work.skip),
        work.share,
        extracts,
    )


def _rules(ledger: RunLedger, manifest: Manifest) -> Rules:
    dimensions = _dimensions(
        ledger.state.uri, manifest.dimensions_digest, manifest.customer_numbers
    )
    return Rules(dimensions, manifest.options, manifest.report_plugins)


@contextmanager
def temporary_files() -> Iterator[None]:
    """Makes errors of our temporary files ours; storages and zips have errors of their own."""
    try:
        yield
    except OSError as error:
        raise NoTemporaryRoom(
            f"Cannot write temporary files: {error.strerror or error}.",
            "Set TMPDIR to a folder with room.",
        ) from error


def _quarantine(ledger: RunLedger, manifest: Manifest, work: Work, ended: list[Attempt]) -> Receipt:
    """Leaves out an archive that would end one worker after the other."""
    archive = manifest.archive(work.archive)
    cause = f"quarantined after {counted(len(ended), 'attempt')}: {causes(ended)}"
    extraction = _extraction(manifest, archive, work, extracts_of(ledger.state, manifest))
    extraction.give_up(cause)
    log.error("archive_quarantined", run_id=ledger.run_id, archive=archive.name, cause=cause)
    with Level(_rules(ledger, manifest)) as nothing:
        receipt, behind = _store(ledger, work, extraction, nothing, time.monotonic())
    return ledger.create_receipt(work, msgspec.structs.replace(receipt, quarantined=True), behind)


@lru_cache(maxsize=2)
def manifest_of(state_uri: str, run_id: str) -> Manifest:
    """The run's manifest, read once per worker process: it never changes. Raises ConfigError if
    there is no such run."""
    return RunLedger(open_state(state_uri), run_id).manifest()


@lru_cache(maxsize=2)
def _extracts_there(state_uri: str, run_id: str) -> ExtractNames:
    """What extracts there were, once per worker process."""
    return extract_names(open_state(state_uri), manifest_of(state_uri, run_id).options)


@lru_cache(maxsize=2)
def _dimensions(state_uri: str, digest: str, customer_numbers: str | None) -> Dimensions:
    """The run's look-up tables, once per worker process."""
    return load_dimensions(open_state(state_uri), digest, customer_numbers)


def _store(
    ledger: RunLedger, work: Work, extraction: Extraction, result: Level, started: float
) -> tuple[Receipt, bytes]:
    file = ledger.result_file(work)
    receipt = store_results(file, work, result, receipt_of(ledger.run_id, work, extraction))
    receipt = msgspec.structs.replace(
        receipt,
        named_ids=result.named.stored(file, work, result.rules.dimensions),
        general_events=result.general,
        seconds=round(time.monotonic() - started, 6),
    )
    return receipt, file.behind


def receipt_of(run_id: str, work: Work, extraction: Extraction) -> Receipt:
    """What was found out of an archive that was extracted, whatever came of its events."""
    return Receipt(
        run_id=run_id,
        archive=extraction.archive.id,
        digest=extraction.digest,
        days=extraction.days,
        parts=extraction.parts,
        counts=Counts(),
        unreadable=tuple(extraction.unreadable),
        partials={},
        rejects=None,
        compressed_bytes=0 if work.share else extraction.archive.size,
        json_bytes=extraction.json_bytes,
        seconds=0.0,
        share=work.share,
        day_digests=extraction.day_digests,
        bytes_read=extraction.bytes_read,
        repeated_parts=extraction.repeated_parts,
        ignored=extraction.ignored,
    )


def store_results(files: Stores, work: Work, result: Level, receipt: Receipt) -> Receipt:
    """Stores partials, by report, and rejects and keys of events, if there are any; the receipt
    names them then."""
    partials = {}
    for report, table in result.partials().items():
        ending, data = partial_file(table)
        partials[report] = files.store(
            "partials", work, f".{report}.{ending}", data, table.num_rows
        )
    rejects = event_keys = None
    if result.rejects.rows:
        with result.rejects.saved() as content:
            rejects = files.store("rejects", work, ".csv", content, result.rejects.rows)
    if result.keys.rows:
        with result.keys.saved() as keys:
            event_keys = files.store("event_keys", work, ".arrow", keys, result.keys.rows)
    return msgspec.structs.replace(
        receipt,
        counts=result.counts(),
        partials=partials,
        rejects=rejects,
        event_keys=event_keys,
    )
