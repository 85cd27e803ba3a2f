"""The cache of extracts: what runs leave of days to later ones, found by the days' bytes.

::

    kept/extracts/<rules>/<digest>.arrow         one a day, by its bytes' SHA-256

Nothing here is needed: what is gone or torn is made again. Every file is written as a whole and its
name says what is in it, so runs at the same time may share them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile

import msgspec

from pipeline_core.errors import RetryableError
from pipeline_core.extract.extracts import ExtractedDay, read_day
from pipeline_core.extract.version import EXTRACTION_VERSION
from pipeline_core.logs import get_logger
from pipeline_core.messages import Feed, Manifest, Options
from pipeline_core.storage import Storage

log = get_logger()

EXTRACTS = "kept/extracts"
# Extracts of usual events take less than their archive.
EXTRACT_GROWTH = 8
# What a file system gives to a file, however little is in it.
_FILE_BLOCK = 4096
# One that may wait in memory for its turn to be written; and of more nobody asks for a list.
_SMALL, _MOST_LISTED = 1 << 20, 3000
_ENDING = ".arrow"


@dataclass(frozen=True)
class Extracts:
    """The extracts of all runs. What is not ``used`` is made again, and kept if it ``is_kept``; of
    one archive up to ``most_bytes`` and EXTRACT_GROWTH times its own, in whole blocks of a disk:
    the smallest file takes one. None is no limit. Of those ``there``, if that is known, no other is
    looked for; ``begin`` writes a small one, perhaps later."""

    state: Storage
    options: Options
    is_used: bool
    is_kept: bool
    most_bytes: int | None = None
    there: frozenset[str] | None = None
    begin: Callable[[Callable[[], None]], None] = lambda write: write()

    def room(self, archive_bytes: int, shares: int) -> int | None:
        """Bytes that may be kept of one of so many shares of an archive, in whole blocks."""
        if self.most_bytes is None:
            return None
        room = (self.most_bytes + EXTRACT_GROWTH * archive_bytes) // shares
        return room // _FILE_BLOCK * _FILE_BLOCK

    @contextmanager
    def open(self, digest: str) -> Iterator[tuple[Path, ExtractedDay] | None]:
        """The sound extract of a day with such bytes, if there is one."""
        with ExitStack() as stack:
            path = self._file(digest, stack) if self.is_used else None
            day = read_day(path) if path is not None else None
            if path is not None and day is None:
                log.warning("damaged_extract_ignored", day=digest)
            yield None if path is None or day is None else (path, day)

    def keep(self, digest: str, file: SpooledTemporaryFile[bytes], in_memory: int) -> None:
        """Stores a finished extract, of up to ``in_memory`` bytes without a file of its own. The
        run can do without, so a full disk is no reason to end."""
        size = file.tell()
        file.seek(0)
        if size <= min(in_memory, _SMALL):
            self.begin(partial(self._write, digest, file.read()))
        elif size <= in_memory:
            self._write(digest, file.read())
        else:
            with NamedTemporaryFile(prefix="sales-") as named:
                shutil.copyfileobj(file, named)
                named.flush()
                self._write(digest, Path(named.name))

    def _write(self, digest: str, content: bytes | Path) -> None:
        try:
            if isinstance(content, bytes):
                self.state.write(self._key(digest), content)
            else:
                self.state.store_file(self._key(digest), content)
        except RetryableError as error:
            log.warning("extract_not_kept", day=digest, cause=error.message)

    def _file(self, digest: str, stack: ExitStack) -> Path | None:
        """A local path of the file for as long as ``stack`` is open, or None if there is none."""
        if self.there is not None and f"{digest}{_ENDING}" not in self.there:
            return None
        try:
            return stack.enter_context(self.state.local_file(self._key(digest)))
        except FileNotFoundError:
            return None

    def _key(self, digest: str) -> str:
        return extract_key(self.options, digest)


def extract_key(options: Options, digest: str) -> str:
    """Where the extract of a day with such bytes is. Limits decide what is readable, and the feed
    what is read, so they are the rules; the share of rejects is no matter of extraction."""
    decisive = msgspec.json.encode(msgspec.structs.replace(options.limits, reject_share=1.0))
    if options.feed != Feed():
        decisive += msgspec.json.encode(options.feed)
    rules = hashlib.sha256(decisive).hexdigest()[:8]
    return f"{EXTRACTS}/{EXTRACTION_VERSION}-{rules}/{digest}{_ENDING}"


def extracts_there(state: Storage, options: Options) -> frozenset[str] | None:
    """Names of the extracts of these rules; None if it is as well to ask for each. Raises
    RetryableError."""
    return state.names(extract_key(options, "").rpartition("/")[0], _MOST_LISTED)


def bytes_on_disk(size: int) -> int:
    """What a file of ``size`` bytes takes: whole blocks, and of a day without events one, too."""
    return max(1, -(-size // _FILE_BLOCK)) * _FILE_BLOCK


def extracts_of(state: Storage, manifest: Manifest) -> Extracts:
    """Extracts as a run may use them."""
    reuse = manifest.reuse
    return Extracts(state, manifest.options, not reuse.full, reuse.keep, reuse.extract_bytes)
