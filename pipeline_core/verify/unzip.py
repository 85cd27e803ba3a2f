"""Zips by zipfile, with the limits of a run; what cannot be read is one of three errors."""

from __future__ import annotations

import copy
import errno
import lzma
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from pipeline_core.errors import InputError, RetryableError, UnreadableZip

# zipfile inflates at once all that bzip2 or LZMA make of a block.
_BLOCK = 4096
_PACKED = r"\.(?:gz|bz2|xz|zst|lz4|lzma|br|z)"
_ENDING = re.compile(
    rf"(?s:.+?)(\.[0-9a-z_~+-]{{1,15}})?({_PACKED})|(?s:.+)(\.[0-9a-z_~+-]{{1,15}})"
)
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    RuntimeError,  # encrypted; NotImplementedError, for a method, is one too
)


@dataclass
class Allowance:
    """Bytes that a part, a day or an archive may still take, and of what it is a piece."""

    left: int
    over: InputError
    whole: Allowance | None = None

    def take(self, count: int) -> None:
        """Raises ``over`` of the level that has least left, if that is too little."""
        levels = [self]
        while (above := levels[-1].whole) is not None:
            levels.append(above)
        tightest = min(levels, key=lambda level: level.left)
        taken = min(count, tightest.left + 1)
        for level in levels:
            level.left -= taken
        if tightest.left < 0:
            raise tightest.over


@contextmanager
def opened_zip(file: IO[bytes], limit: int, error: type[InputError]) -> Iterator[zipfile.ZipFile]:
    """Raises ``error`` if the file is no zip, or has more than ``limit`` entries."""
    with _damage_as(error):
        opened = zipfile.ZipFile(file)
    with opened:
        if len(opened.infolist()) > limit:
            raise error(f"it has more than {limit} entries")
        yield opened


def wanted_entries(
    opened: zipfile.ZipFile, ending: str, others: list[str], error: type[UnreadableZip]
) -> list[tuple[int, zipfile.ZipInfo]]:
    """Entries with this ending and their places in the directory, by name, then place. ``others``
    get the endings of all others but folders. Raises ``error`` if there are only others, and not
    all of them are hidden or macOS's own."""
    wanted, is_empty = [], True
    for place, entry in enumerate(opened.infolist()):
        name = entry.filename
        if is_wanted(name, ending):
            wanted.append((place, entry))
        elif not name.endswith(("/", "\\")):
            others.append(ending_of(name))
            is_empty = is_empty and not is_wanted(name, "")
    if not wanted and not is_empty:
        raise error(f"it holds no {ending}", ignored=Counter(others))
    return sorted(wanted, key=lambda found: (found[1].filename, found[0]))


def is_wanted(name: str, ending: str) -> bool:
    """Whether a file counts: by its ending, in any case; not hidden, not macOS's own."""
    *folders, base = name.replace("\\", "/").split("/")
    if base.startswith(".") or "__MACOSX" in (*folders, base):
        return False
    return base.lower().endswith(ending)


def ending_of(name: str) -> str:
    """As ``summary.ignored`` has it: ``.json.gz`` of ``a.JSON.gz``, nothing of ``.a``."""
    found = _ENDING.fullmatch(name.replace("\\", "/").rpartition("/")[2].lower())
    return "".join(filter(None, found.groups())) if found else ""


def inflated(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, allowance: Allowance, error: type[InputError]
) -> Iterator[bytes]:
    """The bytes of an entry. Raises ``error`` if it is damaged or has another size than it
    declares, or what ``allowance`` raises."""
    size = entry.file_size
    if size > allowance.left:
        raise allowance.over
    # zipfile stops at the declared size: one byte more shows an entry that goes on.
    longer = copy.copy(entry)
    longer.file_size += 1
    seen = 0
    with _damage_as(error):
        stream = opened.open(longer)
    with stream:
        while True:
            with _damage_as(error):
                block = stream.read(_BLOCK)
            if not block:
                break
            seen += len(block)
            allowance.take(len(block))
            yield block
    if seen != size:
        raise error(f"it holds another number of bytes than the {size} it declares")


@contextmanager
def _damage_as(error: type[InputError]) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as cause:
        # EINVAL is a zip that asks for a place no file can have; any other is the disk's.
        if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
            raise RetryableError(f"Cannot read: {cause}.", "Check the storage.") from cause
        raise error(str(cause) or type(cause).__name__) from cause
