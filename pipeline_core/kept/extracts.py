"""The cache of extracts: what runs leave of days to later ones, found by the days' bytes.

::

    kept/extracts/<rules>/<archive>/<days>.arrow    one an archive, or some of a large one
    kept/extracts/<rules>/<digest>.arrow            one a day, of an earlier version

Nothing here is needed: what is gone or torn is made again. Every file is written as a whole and its
name says what is in it, so runs at the same time may share them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile

import msgspec

from pipeline_core.errors import EventsGone, RetryableError
from pipeline_core.extract.version import EXTRACTION_VERSION
from pipeline_core.kept.extract_names import ExtractNames
from pipeline_core.kept.extract_reader import ExtractReader
from pipeline_core.logs import get_logger
from pipeline_core.messages import Feed, Manifest, Options
from pipeline_core.storage import Storage

log = get_logger()

EXTRACTS = "kept/extracts"
# Extracts of usual events take less than their archive.
EXTRACT_GROWTH = 8
# What a file system gives to a file, however little is in it.
_FILE_BLOCK = 4096
# One that may wait in memory for its turn to be written.
_SMALL = 1 << 20


@dataclass(frozen=True)
class Extracts:
    """The extracts of all runs. What is not ``used`` is made again, and kept if it ``is_kept``; of
    one archive up to ``most_bytes`` and EXTRACT_GROWTH times its own, in whole blocks of a disk:
    the smallest file takes one. None is no limit. Files are looked for among ``names``; ``begin``
    writes a small one, perhaps later, and ``note`` is told of each that is written. One that
    ``is_needed`` and cannot be written raises EventsGone."""

    state: Storage
    options: Options
    is_used: bool
    is_kept: bool
    most_bytes: int | None = None
    names: ExtractNames | None = None
    begin: Callable[[Callable[[], object]], object] = lambda write: write()
    note: Callable[[str], None] = lambda _: None
    is_needed: bool = False

    def room(self, archive_bytes: int, shares: int) -> int | None:
        """Bytes that may be kept of one of so many shares of an archive, in whole blocks."""
        if self.most_bytes is None:
            return None
        room = (self.most_bytes + EXTRACT_GROWTH * archive_bytes) // shares
        return room // _FILE_BLOCK * _FILE_BLOCK

    def reader(self, wanted: Collection[str] | None = None) -> ExtractReader:
        """Finds extracts; of days that are ``wanted``, if there are some only. To be closed."""
        names = self.names or extract_names(self.state, self.options)
        return ExtractReader(self.state, extracts_folder(self.options), names, wanted)

    def write(
        self,
        name: str,
        listed: bytes,
        days: SpooledTemporaryFile[bytes],
        in_memory: int,
        *,
        at_once: bool = False,
    ) -> bool:
        """Stores a file: what is ``listed`` before its days, and these, of up to ``in_memory``
        bytes without a file of its own. The run can do without, so a full disk is no reason to
        end. Returns whether it is known to be stored: a small one, unless ``at_once``, is not."""
        size = days.tell()
        days.seek(0)
        if size <= min(in_memory, _SMALL) and not at_once:
            self.begin(partial(self._write, name, listed + days.read()))
            return False
        if size <= in_memory:
            return self._write(name, listed + days.read())
        with NamedTemporaryFile(prefix="sales-") as named:
            named.write(listed)
            shutil.copyfileobj(days, named)
            named.flush()
            return self._write(name, Path(named.name))

    def forget(self, names: Iterable[str]) -> None:
        """Removes files that are damaged: what is sound in them is stored in others."""
        for name in names:
            try:
                self.state.remove(self._key(name))
            except RetryableError as error:
                log.warning("extract_not_removed", file=self._key(name), cause=error.message)

    def _write(self, name: str, content: bytes | Path) -> bool:
        try:
            if isinstance(content, bytes):
                self.state.write(self._key(name), content)
            else:
                self.state.store_file(self._key(name), content)
        except RetryableError as error:
            if self.is_needed:
                raise EventsGone(
                    f"Events that are read again cannot be kept: {error.message}", error.remedy
                ) from error
            log.warning("extract_not_kept", file=self._key(name), cause=error.message)
            return False
        self.note(name)
        return True

    def _key(self, name: str) -> str:
        return f"{extracts_folder(self.options)}/{name}"


def extracts_folder(options: Options) -> str:
    """Where extracts are that were made so. Limits decide what is readable, and the feed what is
    read, so they are the rules; the share of rejects is no matter of extraction."""
    decisive = msgspec.json.encode(msgspec.structs.replace(options.limits, reject_share=1.0))
    if options.feed != Feed():
        decisive += msgspec.json.encode(options.feed)
    rules = hashlib.sha256(decisive).hexdigest()[:8]
    return f"{EXTRACTS}/{EXTRACTION_VERSION}-{rules}"


def extract_names(state: Storage, options: Options) -> ExtractNames:
    """Names of the files of extracts that were made so, as they are when first looked for."""
    return ExtractNames(state, extracts_folder(options))


def bytes_on_disk(size: int) -> int:
    """What a file of ``size`` bytes takes: whole blocks, and of a day without events one, too."""
    return max(1, -(-size // _FILE_BLOCK)) * _FILE_BLOCK


def extracts_of(state: Storage, manifest: Manifest) -> Extracts:
    """Extracts as a run may use them."""
    reuse = manifest.reuse
    return Extracts(state, manifest.options, not reuse.full, reuse.keep, reuse.extract_bytes)
