"""The directory of a zip, read from its end: which entries there are, and where.

Python's zipfile reads another directory in each version (names, overlaps, extra fields), and one
bad field of an entry that nobody wants costs it the whole zip. Layouts are those of APPNOTE.TXT
6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from msgspec import Struct

from pipeline_core.errors import InputError

_LOCAL = struct.Struct("<4sHHH16xHH")
_CENTRAL = struct.Struct("<4s2xHHH4xLLLHHH8xL")
_END = struct.Struct("<4sHHHHLLH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQHHLLQQQQ")
_EXTRA = struct.Struct("<HH")
_UNICODE_PATH = struct.Struct("<BL")
_LOCAL_SIGN, _CENTRAL_SIGN, _END_SIGN = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCATOR_SIGN, _END64_SIGN = b"PK\x06\x07", b"PK\x06\x06"
_RECORD = re.compile(b"PK(?:\x03\x04|\x01\x02)")

_LONGEST_COMMENT = 65_535
_TAIL = 1 << 16
_BLOCK = 1 << 20
_MAX_16, _MAX_32 = 0xFFFF, 0xFFFFFFFF
# Names, extra fields and comments together, on the average: what is held of a directory.
_MOST_BYTES_AN_ENTRY = 1024
_LEAST_DIRECTORY_LIMIT = 1 << 20

_IS_UTF8 = 0x800
# Every flag that a record may have (APPNOTE 4.4.4), the version that is the newest, and a method
# beyond which none was given out.
_KNOWN_FLAGS, _NEWEST_VERSION, _LAST_METHOD = 0x287F, 63, 99
_ZIP64_FIELD, _UNICODE_PATH_FIELD = 0x0001, 0x7075


class NoEndRecord(ValueError):
    """Of a zip that was cut off, or of what never was one."""


class Entry(Struct, frozen=True, gc=False):
    """One record of the directory. The name is a label, the sizes are what the zip declares."""

    name: str
    """As the writer meant it, with slashes of either kind."""
    index: int
    """The record's place in the directory, from 0."""
    method: int
    """Of compression, by APPNOTE's numbers."""
    flags: int
    """APPNOTE's general purpose bits."""
    crc: int
    """CRC-32 of the uncompressed bytes."""
    packed_size: int
    """Bytes in the file."""
    size: int
    """Uncompressed bytes."""
    offset: int
    """Of its local header in the file, in bytes; negative if it was cut off."""


class ZipBytes:
    """A file whose last bytes, where everything of a small directory is, are read once."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        self.tail_place = max(0, self.size - _TAIL)
        file.seek(self.tail_place)
        self.tail = file.read(self.size - self.tail_place)

    def read(self, place: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``place`` on. Raises ValueError before the beginning."""
        if place < 0:
            raise ValueError("it begins before the file")
        if place >= self.tail_place:
            begin = place - self.tail_place
            return self.tail[begin : begin + count]
        self._file.seek(place)
        return self._file.read(count)


@dataclass(frozen=True)
class _EndRecord:
    """What the end record says, or zip64's in its place; ``gaps`` are stretches of the file (from,
    to) around it that belong to no record."""

    count: int
    size: int
    offset: int
    place: int
    gaps: tuple[tuple[int, int], ...]


def read_directory(
    source: ZipBytes, what: str, max_entries: int, error: type[InputError]
) -> list[Entry]:
    """Every entry, in the order of the directory. Neither its length nor the count is believed.

    Raises:
        InputError: as ``error``, if there are more than ``max_entries``, or if records of another
            zip stand before the first entry or around the end.
        NoEndRecord, ValueError, OSError: this is no zip.
    """
    end = _find_end(source)
    start, gaps = _find_directory(source, end)
    limit = max(max_entries * _MOST_BYTES_AN_ENTRY, _LEAST_DIRECTORY_LIMIT)
    if end.size > limit:
        raise error(
            f"the {what} has a directory of {end.size} bytes, over the limit of {limit}: raise "
            f"SALES_MAX_ZIP_ENTRIES, which allows {_MOST_BYTES_AN_ENTRY} bytes for each entry"
        )
    entries = list[Entry]()
    # A prefix that the writer did not count, such as an unpacker, moves everything.
    for entry in _records(source.read(start, end.size), start - end.offset):
        if len(entries) == max_entries:
            raise error(f"the {what} has more than {max_entries} entries")
        entries.append(entry)
    if len(entries) & _MAX_16 != end.count & _MAX_16:
        raise ValueError(f"its directory has {len(entries)} entries, its end says {end.count}")
    first = min((entry.offset for entry in entries), default=start)
    for begin, stop in ((0, min(first, start)), *gaps):
        if _holds_records(source, begin, stop):
            raise error(
                f"the {what} holds records of another zip: two zips in one file, or one that is "
                "cut off"
            )
    return entries


def _find_end(source: ZipBytes) -> _EndRecord:
    place = _end_place(source)
    _, disk, _, _, count, size, offset, _ = _END.unpack(source.read(place, _END.size))
    short = _EndRecord(count, size, offset, place, ((place + _END.size, source.size),))
    end = _zip64_end(source, short) or short
    if disk not in (0, _MAX_16):
        raise ValueError("it is one piece of a zip in several files: join them")
    return end


def _end_place(source: ZipBytes) -> int:
    """Of the last end record whose comment ends with the file; if there is none, of the last."""
    found = -1
    for longest in (_TAIL, _END.size + _LONGEST_COMMENT):
        begin = max(0, source.size - longest)
        tail = source.read(begin, longest)
        place = len(tail)
        while (place := tail.rfind(_END_SIGN, 0, place)) >= 0:
            left = len(tail) - place - _END.size
            if left >= 0:
                if int.from_bytes(tail[place + 20 : place + 22], "little") == left:
                    return begin + place
                found = max(found, begin + place)
    if found < 0:
        raise NoEndRecord("it has no end record")
    return found


def _zip64_end(source: ZipBytes, short: _EndRecord) -> _EndRecord | None:
    place = short.place - _LOCATOR.size
    if place < 0 or source.read(place, 4) != _LOCATOR_SIGN:
        return None
    stated = _LOCATOR.unpack(source.read(place, _LOCATOR.size))[2]
    for begin in (place - _END64.size, stated):
        if 0 <= begin <= place - _END64.size and source.read(begin, 4) == _END64_SIGN:
            break
    else:
        raise ValueError("its zip64 end record is missing")
    fields = _END64.unpack(source.read(begin, _END64.size))
    length, (count, size, offset) = 12 + fields[1], fields[7:]
    pairs = [(short.count, count, _MAX_16), (short.size, size, _MAX_32)]
    pairs.append((short.offset, offset, _MAX_32))
    if begin + length > place or any(old not in (new, limit) for old, new, limit in pairs):
        raise ValueError("its two end records do not agree")
    return _EndRecord(count, size, offset, begin, (*short.gaps, (begin + length, place)))


def _find_directory(source: ZipBytes, end: _EndRecord) -> tuple[int, tuple[tuple[int, int], ...]]:
    """Its place, and all gaps: it ends where the end record begins, or is where that one says."""
    start = end.place - end.size
    if start >= 0 and (not end.size or source.read(start, 4) == _CENTRAL_SIGN):
        return start, end.gaps
    stop = end.offset + end.size
    if stop <= end.place and source.read(end.offset, 4) == _CENTRAL_SIGN:
        return end.offset, (*end.gaps, (stop, end.place))
    raise ValueError("its directory is not where its end record says")


def _records(directory: bytes, moved: int) -> Iterator[Entry]:
    place = index = 0
    while place < len(directory):
        if place + _CENTRAL.size > len(directory):
            raise ValueError(f"its directory is damaged at entry {index + 1}")
        (sign, _, flags, method, crc, packed, size, name, extra, comment, offset) = (
            _CENTRAL.unpack_from(directory, place)
        )
        place += _CENTRAL.size
        stop = place + name + extra + comment
        if sign != _CENTRAL_SIGN or stop > len(directory):
            raise ValueError(f"its directory is damaged at entry {index + 1}")
        raw = directory[place : place + name]
        if extra:
            fields = extra_fields(directory[place + name : place + name + extra])
            size, packed, offset = _zip64_values(fields.get(_ZIP64_FIELD), size, packed, offset)
            label = _unicode_path(fields.get(_UNICODE_PATH_FIELD), raw)
        else:
            label = None
        if label is None:
            label = _decoded(raw, flags)
        yield Entry(label, index, method, flags, crc, packed, size, offset + moved)
        place, index = stop, index + 1


def extra_fields(extra: bytes) -> dict[int, bytes]:
    """The first of each kind; what is behind a field that is longer than the rest is none."""
    fields: dict[int, bytes] = {}
    place = 0
    while place + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, place)
        place += _EXTRA.size
        if place + length > len(extra):
            break
        fields.setdefault(kind, extra[place : place + length])
        place += length
    return fields


def _zip64_values(field: bytes | None, *values: int) -> list[int]:
    """Size, packed size and offset, which are in the field where they are too large for the record
    (APPNOTE 4.5.3). One that is missing there stays as it is, and the entry will be unreadable."""
    place, found = 0, list[int]()
    for value in values:
        if value == _MAX_32 and field is not None and place + 8 <= len(field):
            value = int.from_bytes(field[place : place + 8], "little")
            place += 8
        found.append(value)
    return found


def _unicode_path(field: bytes | None, raw: bytes) -> str | None:
    """The name in UTF-8 (Info-ZIP, APPNOTE 4.6.9), unless it was made for another one."""
    if field is None or len(field) <= _UNICODE_PATH.size:
        return None
    if _UNICODE_PATH.unpack_from(field) != (1, zlib.crc32(raw)):
        return None
    try:
        return field[_UNICODE_PATH.size :].partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        return None


def _decoded(raw: bytes, flags: int) -> str:
    """Up to the first NUL. A name that says it is UTF-8 and isn't is read as if it did not: every
    byte is a character of code page 437."""
    raw = raw.partition(b"\0")[0]
    try:
        return raw.decode("utf-8" if flags & _IS_UTF8 else "cp437")
    except UnicodeDecodeError:
        return raw.decode("cp437")


def _holds_records(source: ZipBytes, begin: int, stop: int) -> bool:
    """Whether there is something that no program would mistake for anything but a local header or
    a record of a directory."""
    for place in range(begin, stop, _BLOCK):
        block = source.read(place, min(_BLOCK + _CENTRAL.size - 1, stop - place))
        if any(_is_record(block, found.start()) for found in _RECORD.finditer(block)):
            return True
    return False


def _is_record(block: bytes, place: int) -> bool:
    """Unpackers hold the four signature bytes in their code: what follows has to fit, too."""
    form = _LOCAL if block.startswith(_LOCAL_SIGN, place) else _CENTRAL
    if place + form.size > len(block):
        return False
    fields = form.unpack_from(block, place)
    version, flags, method = fields[1:4]
    name = fields[4] if form is _LOCAL else fields[7]
    return (
        version & 0xFF <= _NEWEST_VERSION
        and not flags & ~_KNOWN_FLAGS
        and method <= _LAST_METHOD
        and name > 0
    )
