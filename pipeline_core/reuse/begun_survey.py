"""What a plan that came to no end has seen of the archives: the next one goes on there.

::

    kept/surveyed/<time>-<random>.json    Surveyed: archives that were looked into, in some seconds

A plan of thousands of archives in a far storage takes long, and may be ended before. Files are
written while it lasts, not by a plan of a moment, and removed by a plan that comes to its end.
"""

from __future__ import annotations

import heapq
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby

import msgspec
from msgspec import Struct

from pipeline_core.blocks.packed import Packed
from pipeline_core.errors import RetryableError
from pipeline_core.extract.version import EXTRACTION_VERSION
from pipeline_core.ledger.records import read_record
from pipeline_core.logs import get_logger
from pipeline_core.messages import ArchiveRef, Feed, to_json
from pipeline_core.reuse.cache import Kept
from pipeline_core.storage import Storage

log = get_logger()

_FOLDER = "kept/surveyed"
_TIME = "%Y%m%dT%H%M%S%fZ"
_EVERY_SECONDS = 2.0


class Surveyed(Struct, frozen=True, kw_only=True):
    """Archives that a plan looked into, as it found them."""

    data: str
    """URI of the archives."""
    extraction: int
    """Version of how archives are read."""
    parts: tuple[str, ...]
    """Further entries that are parts, as they were set."""
    ignore: tuple[str, ...]
    """Patterns of entries that are passed over, as they were set."""
    archives: tuple[ArchiveRef, ...]
    """What was found, before archives were numbered and compared."""


class BegunSurvey:
    """Of one plan of the archives of ``data_uri``: what plans before it left, and what it leaves
    if it comes to no end."""

    def __init__(self, state: Storage, data_uri: str, feed: Feed, kept: Kept) -> None:
        self._state = state
        self._shape = Surveyed(
            data=data_uri,
            extraction=EXTRACTION_VERSION,
            parts=feed.parts,
            ignore=feed.ignore,
            archives=(),
        )
        there = state.files(_FOLDER) if _FOLDER in kept else ()
        self._keys = [stored.key for stored in there]
        self._new: dict[str, ArchiveRef] = {}
        self._written_at = time.monotonic()

    def known(self) -> Iterator[ArchiveRef]:
        """What plans before found, by name; nothing of other archives, or by other rules."""
        files = [Packed(ArchiveRef, sorted(self._in_file(key), key=_name)) for key in self._keys]
        # Of one archive, what was found last comes last.
        for _, found in groupby(heapq.merge(*files, key=_name), _name):
            *_, newest = found
            yield newest

    def _in_file(self, key: str) -> Sequence[ArchiveRef]:
        before = read_record(self._state, key, Surveyed)
        is_like = before is not None and msgspec.structs.replace(before, archives=()) == self._shape
        return before.archives if before is not None and is_like else ()

    def note(self, archive: ArchiveRef) -> ArchiveRef:
        """Returns an archive that was looked into, or compared with others by its contents; it is
        kept in a while, with all others since the last time."""
        if archive.unreadable is None:
            days = (msgspec.structs.replace(day, duplicate_of=None) for day in archive.days)
            plain = {"id": "", "duplicate_of": None, "days": tuple(days)}
            self._new[archive.name] = msgspec.structs.replace(archive, **plain)
        self._write_if_due()
        return archive

    @contextmanager
    def until_planned(self) -> Iterator[None]:
        """The plan: what is not written yet is if it is ended; if it ends well, nothing stays."""
        try:
            yield
        except BaseException:
            self._write_if_due()
            raise
        for key in self._keys:
            self._state.remove(key)

    def _write_if_due(self) -> None:
        now = time.monotonic()
        if not self._new or now - self._written_at < _EVERY_SECONDS:
            return
        self._written_at = now
        key = f"{_FOLDER}/{datetime.now(UTC):{_TIME}}-{secrets.token_hex(4)}.json"
        kept = msgspec.structs.replace(self._shape, archives=tuple(self._new.values()))
        try:
            self._state.write(key, to_json(kept))
        except RetryableError as error:  # the plan goes on without
            log.warning("survey_not_kept", cause=error.message)
            return
        self._keys.append(key)
        self._new.clear()


def _name(archive: ArchiveRef) -> str:
    return archive.name


def has_got_further(state: Storage, since: datetime) -> bool:
    """Whether a plan looked into archives since then, and what it found is kept. Raises
    RetryableError."""
    first = f"{_FOLDER}/{since:{_TIME}}"
    return any(stored.key > first for stored in state.files(_FOLDER))
