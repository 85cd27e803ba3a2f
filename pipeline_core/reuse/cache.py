"""What runs leave for later ones, beside extracts: what the last one found out, and merged results.

::

    kept/archives.json                           Memory: archives, their digests and receipts, or
                                                 the blocks that these are in
    kept/days.json                               Memory: the same of as-of runs, without receipts
    kept/distinct.json                           receipts without events that were sent before
    kept/merged/<key>.<digest>.msgpack           partials of neighbouring archives as one, by report
    kept/merged/<key>.all.msgpack                those of all archives, behind their own SHA-256

Nothing here is needed: what is gone, torn or of other rules is made again. Every file is written
as a whole and its name says what is in it, so runs at the same time may share them.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from pipeline_core.blocks.distinct import distinct_in_blocks, distinct_of
from pipeline_core.blocks.files import are_few
from pipeline_core.blocks.known import memory_in_blocks, with_known
from pipeline_core.errors import DamagedBlock, RetryableError
from pipeline_core.ledger.records import read_record
from pipeline_core.logs import get_logger
from pipeline_core.messages import DistinctReceipts, Memory, Receipt, to_json
from pipeline_core.storage import Storage

log = get_logger()

_FOLDER = "kept"
ARCHIVES = "kept/archives.json"
DAYS = "kept/days.json"
DISTINCT = "kept/distinct.json"
MERGED = "kept/merged"
_DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Kept:
    """What is kept, by keys of files and folders; None where to look for one costs next to
    nothing: it may be there."""

    keys: frozenset[str] | None

    def __contains__(self, key: object) -> bool:
        return self.keys is None or key in self.keys


def kept_names(state: Storage) -> Kept:
    """What there is right in the folder of what is kept, by one request. Raises RetryableError."""
    if not state.is_far:
        return Kept(None)
    inside = state.contents(_FOLDER)
    files = (stored.key for stored in inside.files)
    return Kept(frozenset((*files, *(f"{_FOLDER}/{name}" for name in inside.folders))))


def memory_digest(memory: Memory) -> str:
    """SHA-256 (hex) of what a run remembers, but for its id."""
    archives = () if memory.blocks else memory.archives
    return hashlib.sha256(to_json(replace(memory, run_id="", archives=archives))).hexdigest()


def save_memory(state: Storage, memory: Memory, key: str = ARCHIVES, known: str = "") -> None:
    """Replaces what was remembered, if anything but the run that found it out is another now:
    ``known`` is the digest of what the plan found there, if it looked. A run ends as well without:
    older memory costs the next one time, and no figure."""
    try:
        if are_few(memory.archives) and memory_digest(memory_in_blocks(state, memory, ())) == known:
            return
        before = read_record(state, key, Memory)
        kept = memory_in_blocks(state, memory, before.blocks if before is not None else ())
        if before is None or memory_digest(kept) != memory_digest(before):
            state.write(key, to_json(kept))
    except RetryableError as error:
        log.warning("results_not_remembered", key=key, cause=error.message)


def load_memory(state: Storage, key: str = ARCHIVES) -> Memory | None:
    """What the last run left under ``key``, or None if there is nothing that can be used."""
    found = read_record(state, key, Memory)
    return None if found is None else with_known(state, found)


def save_distinct(state: Storage, run_id: str, receipts: dict[str, Receipt]) -> None:
    """Replaces what was kept of receipts without events that were sent before. A run ends as well
    without."""
    try:
        before = read_record(state, DISTINCT, DistinctReceipts)
        earlier = before.blocks if before is not None else ()
        kept = distinct_in_blocks(state, run_id, receipts, earlier)
        if kept != before:
            state.write(DISTINCT, to_json(kept))
    except RetryableError as error:
        log.warning("results_not_remembered", key=DISTINCT, cause=error.message)


def load_distinct(state: Storage) -> dict[str, Receipt]:
    """These receipts, by all that decides them; none if some are lost."""
    found = read_record(state, DISTINCT, DistinctReceipts)
    with suppress(DamagedBlock):  # the log says so
        return distinct_of(state, found) if found is not None else {}
    return {}


def distinct_blocks(state: Storage) -> set[str]:
    """Keys of the blocks that these are in."""
    found = read_record(state, DISTINCT, DistinctReceipts)
    return {block.key for block in found.blocks} if found is not None else set()


def merged_digests(state: Storage) -> dict[str, str]:
    """What there is of merged partials: the key of what was merged, and the SHA-256 of the file.
    A run ends as well without."""
    try:
        return dict(merged_names(stored.key) for stored in state.files(MERGED))
    except RetryableError as error:
        log.warning("merged_not_used", cause=error.message)
        return {}


def merged_names(storage_key: str) -> tuple[str, str]:
    """The key and the digest in the name of a file of merged partials."""
    key, _, rest = storage_key.rsplit("/", 1)[1].partition(".")
    return key, rest.partition(".")[0]


def keep_merged(state: Storage, key: str, partials: dict[str, bytes]) -> str | None:
    """Keeps merged partials, by the report's name, and returns the digest of the file; None if it
    could not be written. A run ends as well without."""
    data = msgspec.msgpack.encode(partials)
    digest = hashlib.sha256(data).hexdigest()
    try:
        state.write(_merged_key(key, digest), data)
    except RetryableError as error:
        log.warning("merged_not_kept", key=key, cause=error.message)
        return None
    return digest


def load_merged(state: Storage, key: str, digest: str) -> dict[str, bytes] | None:
    """Merged partials, or None if they are gone or not those that were kept."""
    try:
        data = state.read(_merged_key(key, digest))
    except FileNotFoundError:
        return None
    if hashlib.sha256(data).hexdigest() != digest:
        log.warning("damaged_merged_ignored", key=key)
        return None
    return msgspec.msgpack.decode(data, type=dict[str, bytes])


def keep_together(state: Storage, key: str, partials: dict[str, bytes]) -> None:
    """Keeps the merged partials of all archives of a run, by the report's name. Their digest is in
    the file, so that whoever wants them need not ask which files there are. A run ends as well
    without."""
    data = msgspec.msgpack.encode(partials)
    try:
        state.write(_together_key(key), hashlib.sha256(data).digest() + data)
    except RetryableError as error:
        log.warning("merged_not_kept", key=key, cause=error.message)


def load_together(state: Storage, key: str) -> dict[str, bytes] | None:
    """These, or None if there are none, or not as they were kept."""
    try:
        found = state.read(_together_key(key))
    except (FileNotFoundError, RetryableError):
        return None
    digest, data = found[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
    if hashlib.sha256(data).digest() != digest:
        log.warning("damaged_merged_ignored", key=key)
        return None
    return msgspec.msgpack.decode(data, type=dict[str, bytes])


def _together_key(key: str) -> str:
    return f"{MERGED}/{key}.all.msgpack"


def _merged_key(key: str, digest: str) -> str:
    return f"{MERGED}/{key}.{digest}.msgpack"
