"""The records of a zip: where its directory is, and what entries it names.

Layouts are those of PKWARE's APPNOTE. zipfile is not asked: what it takes for a zip, and which
names it finds there, differs from one version of Python to the next.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import IO, NamedTuple

_BLOCK = 1 << 16
_CENTRAL = b"PK\x01\x02"
_END_BYTES, _END64_BYTES, _LOCATOR_BYTES, _FIELD_BYTES = 22, 56, 20, 4
_LONG = 0xFFFFFFFF  # in its place there are eight bytes elsewhere
# Disk, entries, bytes and place of the directory: where in the end record, and how long.
_END_FIELDS = ((4, 2), (10, 2), (12, 4), (16, 4))
# What a record may say: versions, flags and methods that were given out.
_NEWEST_VERSION, _NO_FLAGS, _LAST_METHOD = 63, 0xD780, 99


class Entry(NamedTuple):
    """A record of the directory; ``place`` is its number there, ``begin`` where its local header
    is in the file."""

    name: str
    place: int
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    begin: int


class _End(NamedTuple):
    """What is said about the directory: it ends before ``stop``; ``free`` are stretches that no
    record takes."""

    stop: int
    number: int
    size: int
    offset: int
    free: list[tuple[int, int]]


def directory_of(file: IO[bytes], limit: int) -> list[Entry]:
    """All entries. Raises ValueError, or struct.error, if there are more than ``limit``, or this is
    no zip, or another one is beside it."""
    stop, count, size, offset, free = _end(file)
    if size > max(1 << 20, 1024 * limit):
        raise ValueError("its directory is too long")
    start = stop - size
    if start < 0 or (size and bytes_at(file, start, 4) != _CENTRAL):
        start = offset
        free.append((start + size, stop))
    directory = bytes_at(file, start, size)
    if start + size > stop or not directory.startswith(_CENTRAL[:size]):
        raise ValueError("there is no directory")
    entries = _entries(directory, start - offset)
    if len(entries) > limit or (len(entries) - count) % (1 << 16):
        raise ValueError(f"it has more than {limit} entries, or others than its end record says")
    free.append((0, min([start, *(entry.begin for entry in entries)])))
    if any(_holds_record(file, *stretch) for stretch in free):
        raise ValueError("there is another zip, or a piece of one, in the file")
    return entries


def _end(file: IO[bytes]) -> _End:
    length = file.seek(0, 2)
    end = _end_record(file, length)
    disk, count, size, offset = (_number(file, end + at, n) for at, n in _END_FIELDS)
    if disk not in (0, 0xFFFF):
        raise ValueError("it is a piece of a zip in several files")
    free = [(end + _END_BYTES, length)]
    stop = _zip64_record(file, end)
    if stop == end:
        return _End(end, count, size, offset, free)
    short = ((count, 0xFFFF), (size, _LONG), (offset, _LONG))
    count, size, offset = long = [_number(file, stop + at, 8) for at in (32, 40, 48)]
    if any(one not in (other, most) for (one, most), other in zip(short, long, strict=True)):
        raise ValueError("there are two end records, which do not agree")
    free.append((stop + 12 + _number(file, stop + 4, 8), end - _LOCATOR_BYTES))
    return _End(stop, count, size, offset, free)


def bytes_at(file: IO[bytes], place: int, count: int) -> bytes:
    """Up to so many bytes from a place on."""
    file.seek(place)
    return file.read(count)


def _number(file: IO[bytes], place: int, count: int) -> int:
    return int.from_bytes(bytes_at(file, place, count), "little")


def _end_record(file: IO[bytes], length: int) -> int:
    first = max(0, length - 22 - 0xFFFF)
    tail = bytes_at(file, first, length - first)
    places = [found.start() for found in re.finditer(b"PK\5\6", tail[: max(0, len(tail) - 18)])]
    if not places:
        raise ValueError("there is no end record")
    for at in reversed(places):
        if at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
            return first + at
    return first + places[-1]


def _zip64_record(file: IO[bytes], end: int) -> int:
    """Its place, or that of the other end record if there is none."""
    stop = end - _LOCATOR_BYTES
    if stop < 0 or bytes_at(file, stop, 4) != b"PK\x06\x07":
        return end
    for place in (stop - _END64_BYTES, _number(file, stop + 8, 8)):
        if 0 <= place <= stop - _END64_BYTES and bytes_at(file, place, 4) == b"PK\x06\x06":
            if place + 12 + _number(file, place + 4, 8) > stop:
                break
            return place
    raise ValueError("there is no zip64 end record")


def _entries(directory: bytes, moved: int) -> list[Entry]:
    entries: list[Entry] = []
    rest = memoryview(directory)
    while rest:
        if rest[:4].tobytes() != _CENTRAL:
            raise ValueError("the directory is damaged")
        flags, method = struct.unpack_from("<HH", rest, 8)
        crc, packed, size, name, extra, comment = struct.unpack_from("<IIIHHH", rest, 16)
        begin = struct.unpack_from("<I", rest, 42)[0]
        if len(rest) < 46 + name + extra + comment:
            raise ValueError("the directory is cut off")
        label, fields = bytes(rest[46 : 46 + name]), _fields(bytes(rest[46 + name :][:extra]))
        numbers, large = [size, packed, begin], fields.get(1, b"")
        for at, number in enumerate(numbers):
            if number == _LONG and len(large[:8]) == 8:  # noqa: PLR2004
                numbers[at], large = int.from_bytes(large[:8], "little"), large[8:]
        size, packed, begin = numbers
        text = _label(label, fields.get(0x7075, b""), is_utf8=bool(flags & 0x800))
        entries.append(Entry(text, len(entries), method, flags, crc, packed, size, begin + moved))
        rest = rest[46 + name + extra + comment :]
    return entries


def _fields(extra: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while len(extra) >= _FIELD_BYTES:
        kind, length = struct.unpack_from("<HH", extra)
        if len(extra) < 4 + length:
            break
        if kind not in found:
            found[kind] = extra[4 : 4 + length]
        extra = extra[4 + length :]
    return found


def _label(name: bytes, unicode_path: bytes, *, is_utf8: bool) -> str:
    """The name that counts: that of the Unicode path field, if it was made for this one."""
    spellings = [(name, "cp437")]
    if is_utf8:
        spellings.insert(0, (name, "utf-8"))
    made_for_this = b"\1" + struct.pack("<I", zlib.crc32(name))
    if unicode_path.startswith(made_for_this) and unicode_path != made_for_this:
        spellings.insert(0, (unicode_path.removeprefix(made_for_this), "utf-8"))
    for spelling, encoding in spellings:
        try:
            return spelling.split(b"\0")[0].decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("code page 437 has every byte")


def _holds_record(file: IO[bytes], begin: int, stop: int) -> bool:
    """Whether a local header or a record of a directory, and not only its first bytes."""
    for start in range(begin, stop, _BLOCK):
        block = bytes_at(file, start, min(_BLOCK + 45, stop - start))
        for sign, length, ahead, name_at in ((b"PK\3\4", 30, 4, 26), (b"PK\1\2", 46, 6, 28)):
            at = block.find(sign)
            while at >= 0:
                if at + length <= len(block):
                    version, flags, method = struct.unpack_from("<HHH", block, at + ahead)
                    name = struct.unpack_from("<H", block, at + name_at)[0]
                    fits = version % 256 <= _NEWEST_VERSION and method <= _LAST_METHOD
                    if fits and name and not flags & _NO_FLAGS:
                        return True
                at = block.find(sign, at + 1)
    return False
