"""Zips with the limits of a run; what cannot be read is one of three errors."""

from __future__ import annotations

import bz2
import errno
import lzma
import re
import struct
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import IO, Any

from pipeline_core.errors import InputError, RetryableError, UnreadableZip
from pipeline_core.messages import Limits
from pipeline_core.reread.directory import Entry, bytes_at, directory_of
from pipeline_core.reread.names import is_junk
from pipeline_core.reread.packed import zstandard_frames

_BLOCK = 1 << 16
_LITTLE = 256  # of Deflate64: what comes of it cannot be bounded otherwise
_PACKED = r"\.(?:gz|bz2|xz|zst|lz4|lzma|br|z)"
_ENDING = re.compile(
    rf"(?s:.+?)(\.[0-9a-z_~+-]{{1,15}})?({_PACKED})|(?s:.+)(\.[0-9a-z_~+-]{{1,15}})"
)
_DAMAGE = (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, OverflowError)
_ENCRYPTED_OR_PATCH = 0x1 | 0x20 | 0x40


@dataclass
class Opened:
    """A zip, and what of it was read once: where such stretches begin, in order, and end."""

    file: IO[bytes]
    entries: list[Entry]
    limits: Limits
    begins: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


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


def opened_zip(file: IO[bytes], limits: Limits, error: type[InputError]) -> Opened:
    """Raises ``error`` if the file is no zip, holds another one beside it, or has too many
    entries."""
    with _damage_as(error):
        return Opened(file, directory_of(file, limits.zip_entries), limits)


def wanted_entries(
    opened: Opened,
    is_wanted: Callable[[str], bool],
    others: list[Entry],
    error: type[UnreadableZip],
) -> list[Entry]:
    """Entries of wanted names, by these, then place; records that say the same are one. ``others``
    get all others but folders. Raises ``error`` if there are only others, and not
    all of them are hidden or macOS's own."""
    once = {entry._replace(place=0, flags=0): entry for entry in reversed(opened.entries)}
    wanted, is_empty = [], True
    for entry in once.values():
        if is_wanted(entry.name):
            wanted.append(entry)
        elif entry.size or entry.crc or (entry.name and not entry.name.endswith(("/", "\\"))):
            name = entry.name.rstrip("/\\")  # of a folder that holds bytes
            others.append(entry._replace(name=name))
            is_empty = is_empty and is_junk(name)
    if not wanted and not is_empty:
        raise error("it holds nothing that is looked for", ignored=endings_of(others))
    return sorted(wanted)


def endings_of(entries: Iterable[Entry]) -> Counter[str]:
    """How many there are, by their ending."""
    return Counter(ending_of(entry.name) for entry in entries)


def ending_of(name: str) -> str:
    """As ``summary.ignored`` has it: ``.json.gz`` of ``a.JSON.gz``, nothing of ``.a``."""
    found = _ENDING.fullmatch(name.replace("\\", "/").rpartition("/")[2].lower())
    return "".join(filter(None, found.groups())) if found else ""


def inflated(
    opened: Opened,
    entry: Entry,
    allowance: Allowance,
    error: type[InputError],
    *,
    once: bool = False,
) -> Iterator[bytes]:
    """The bytes of an entry. Raises ``error`` if it is damaged, has another size than it declares,
    or is to be read ``once`` and shares bytes with one that was; or what ``allowance`` raises."""
    if entry.size > allowance.left:
        raise allowance.over
    seen = crc = 0
    with _damage_as(error):
        begin = _data(opened.file, entry)
        stretch = (entry.begin, begin + entry.packed)
        number = bisect_left(opened.begins, stretch[1])
        if once and number and opened.ends[number - 1] > stretch[0]:
            raise ValueError("it shares its bytes with another entry")
        blocks = _inflated(entry, _packed(opened.file, begin, entry.packed), opened.limits)
    while seen <= entry.size:
        with _damage_as(error):
            block = next(blocks, None)
        if block is None:
            break
        seen, crc = seen + len(block), zlib.crc32(block, crc)
        if seen <= entry.size:
            allowance.take(len(block))
            yield block
    if (seen, crc) != (entry.size, entry.crc):
        raise error(f"it holds other bytes, or another number, than the {entry.size} it declares")
    if once:
        opened.begins.insert(number, stretch[0])
        opened.ends.insert(number, stretch[1])


def _data(file: IO[bytes], entry: Entry) -> int:
    """Where its data begin."""
    if entry.begin < 0:
        raise ValueError("it was cut off")
    header = bytes_at(file, entry.begin, 30)
    if header[:4] != b"PK\3\4":
        raise ValueError("there is no entry")
    flags, name, extra = (struct.unpack_from("<H", header, at)[0] for at in (6, 26, 28))
    if (flags | entry.flags) & _ENCRYPTED_OR_PATCH:
        raise ValueError("it is encrypted, or a patch")
    return entry.begin + 30 + int(name) + int(extra)


def _packed(file: IO[bytes], begin: int, left: int) -> Iterator[bytes]:
    while left and (block := bytes_at(file, begin, min(_BLOCK, left))):
        yield block
        begin, left = begin + len(block), left - len(block)


def _inflated(entry: Entry, packed: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    method = _METHODS.get(entry.method)
    if method is None:
        raise ValueError(f"nobody reads method {entry.method}")
    return method(entry, packed, limits.dictionary_bytes)


def _stored(_: Entry, packed: Iterator[bytes], __: int) -> Iterator[bytes]:
    return packed


def _bzip2(_: Entry, packed: Iterator[bytes], __: int) -> Iterator[bytes]:
    return _by(bz2.BZ2Decompressor(), packed)


def _by(decompressor: Any, packed: Iterator[bytes]) -> Iterator[bytes]:
    for block in packed:
        data = block
        while True:
            yield decompressor.decompress(data, _BLOCK)
            if decompressor.eof:
                return
            if decompressor.needs_input:
                break
            data = b""


def _deflated(_: Entry, packed: Iterator[bytes], __: int) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(-15)
    for block in packed:
        yield decompressor.decompress(block, _BLOCK)
        while decompressor.unconsumed_tail:
            yield decompressor.decompress(decompressor.unconsumed_tail, _BLOCK)
        if decompressor.eof:
            return
    while block := decompressor.decompress(b"", _BLOCK):
        yield block


def _deflated64(_: Entry, packed: Iterator[bytes], __: int) -> Iterator[bytes]:
    decompressor = import_module("inflate64").Inflater()
    for block in packed:
        for at in range(0, len(block), _LITTLE):
            if not decompressor.eof:
                yield decompressor.inflate(block[at : at + _LITTLE])


def _lzma(entry: Entry, packed: Iterator[bytes], limit: int) -> Iterator[bytes]:
    head = next(packed, b"")
    length, code, dictionary = struct.unpack_from("<HBI", head, 2)
    dictionary = max(4096, min(dictionary, entry.size))
    if dictionary > limit:
        raise ValueError(f"its dictionary takes more than {limit} bytes")
    settings = {"lc": code % 9, "lp": code // 9 % 5, "pb": code // 45, "dict_size": dictionary}
    decompressor = lzma.LZMADecompressor(
        lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **settings}]
    )
    yield from _by(decompressor, _chained(head[4 + length :], packed))


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _zstandard(_: Entry, packed: Iterator[bytes], limit: int) -> Iterator[bytes]:
    return zstandard_frames(packed, limit)


# By their numbers in APPNOTE.
_METHODS = {0: _stored, 8: _deflated, 9: _deflated64, 12: _bzip2, 14: _lzma, 93: _zstandard}


@contextmanager
def _damage_as(error: type[InputError]) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as cause:
        # EINVAL is a zip that asks for a place no file can have; any other is the disk's.
        if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
            raise RetryableError(f"Cannot read: {cause}.", "Check the storage.") from cause
        raise error(str(cause) or type(cause).__name__) from cause
