"""The straight way into a zip that is as most are, a few calls an entry.

Its answers are those of ``directory.py`` and ``zip_entries.py``, which stay their definition:
whatever might be refused, or read in another way, has None here, and they say what it is.
"""

from __future__ import annotations

import struct

from pipeline_core.containers.codecs import STORED, Octets, crc32, inflated_whole, may_be_whole
from pipeline_core.containers.directory import Entry, extra_fields

_LOCAL = struct.Struct("<4s2xH18xHH")
_CENTRAL = struct.Struct("<4s4xHH4xLLLHHH8xL")
_END = struct.Struct("<4sHHHHLLH")
_LOCATOR_SIZE = 20
_LOCAL_SIGN, _CENTRAL_SIGN, _END_SIGN = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCATOR_SIGN = b"PK\x06\x07"
# Zip64's sizes, and the name in UTF-8.
_MEANT_OTHERWISE = {0x0001, 0x7075}
# What no entry is read with: encryption, and patches.
_REFUSED_FLAGS = 0x1 | 0x20 | 0x40
_LONGEST_DIRECTORY = 1 << 20


def plain_directory(tail: Octets | memoryview, size: int, most: int) -> list[Entry] | None:
    """Every entry, in the order of the directory, of a zip of ``size`` bytes whose last ones are
    ``tail``: up to ``most``, called by ASCII, with nothing before the first one, between the
    directory and the end record, or behind that. None if it may be otherwise."""
    end = len(tail) - _END.size
    if end < 0:
        return None
    sign, disk, _, _, count, length, offset, comment = _END.unpack_from(tail, end)
    place, locator = end - length, end - _LOCATOR_SIZE
    if (
        sign != _END_SIGN
        or disk
        or comment
        or not 0 < count <= most
        or not 0 < length <= _LONGEST_DIRECTORY
        or place < 0
        or offset != size - _END.size - length
        or (locator >= 0 and tail[locator : locator + 4] == _LOCATOR_SIGN)
    ):
        return None
    entries: list[Entry] = []
    first = size
    while place + _CENTRAL.size <= end:
        (sign, flags, method, crc, packed, whole, name, extra, note, begin) = _CENTRAL.unpack_from(
            tail, place
        )
        place += _CENTRAL.size
        raw = bytes(tail[place : place + name])
        place += name
        if sign != _CENTRAL_SIGN or not raw.isascii() or b"\0" in raw:
            return None
        if extra and _MEANT_OTHERWISE & extra_fields(bytes(tail[place : place + extra])).keys():
            return None
        place += extra + note
        entries.append(
            Entry(raw.decode("ascii"), len(entries), method, flags, crc, packed, whole, begin)
        )
        first = min(first, begin)
    return entries if place == end and len(entries) == count and not first else None


def plain_places(content: Octets | memoryview, entry: Entry) -> tuple[int, int, int] | None:
    """Where the entry begins in a zip that is ``content``, where its data do, and where they end.
    None if not all of that is in the zip, or its local header says that it cannot be read."""
    begin = entry.offset
    if begin < 0 or begin + _LOCAL.size > len(content):
        return None
    sign, flags, name, extra = _LOCAL.unpack_from(content, begin)
    place = begin + _LOCAL.size + name + extra
    end = place + entry.packed_size
    if sign != _LOCAL_SIGN or (flags | entry.flags) & _REFUSED_FLAGS or end > len(content):
        return None
    return begin, place, end


def plain_bytes(packed: memoryview, entry: Entry, most: int) -> Octets | memoryview | None:
    """All bytes of an entry of which ``packed`` are the data: a part of these if it is stored. None
    unless it holds something, of up to ``most`` bytes, and everything about them is as declared."""
    if not 0 < entry.size <= most:
        return None
    if entry.method == STORED:
        is_sound = len(packed) == entry.size and crc32(packed) == entry.crc
        return packed if is_sound else None
    return inflated_whole(packed, entry) if may_be_whole(entry) else None
