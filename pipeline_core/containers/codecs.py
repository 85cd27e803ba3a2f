"""Inflates a zip entry in blocks of bounded size, whatever the compressed bytes ask for.

zipfile's own reader hands bzip2 and LZMA all they can inflate from its input at once, so a few
kilobytes may become gigabytes in memory; the decompressors below it can be told a length.
Deflated entries of a bounded size take libdeflate, which is several times as fast as zlib but
needs all of an entry at once; larger ones ISA-L, which is as fast. zlib has the last word on what
these do not take.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Protocol

from pipeline_core.containers.directory import Entry
from pipeline_core.containers.zstandard_frames import ZstandardFrames
from pipeline_core.messages import Limits

try:
    import deflate
except ImportError:  # there is no wheel for this platform
    HAS_LIBDEFLATE = False
else:
    HAS_LIBDEFLATE = True

try:
    from isal import igzip_lib
except ImportError:
    HAS_ISAL = False
else:
    HAS_ISAL = True

Octets = bytes | bytearray

# What comes of bytes that are not sound.
DAMAGE = (zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, OverflowError)

STORED, DEFLATED, DEFLATE64, BZIP2, LZMA, ZSTANDARD = 0, 8, 9, 12, 14, 93
_NAMES = {
    STORED: "stored",
    DEFLATED: "Deflate",
    DEFLATE64: "Deflate64",
    BZIP2: "bzip2",
    LZMA: "LZMA",
    ZSTANDARD: "Zstandard",
}
# APPNOTE 4.4.5: those that no zip of today should have, or that few programs read.
_METHODS = {
    **dict.fromkeys((2, 3, 4, 5), "Reduce"),
    1: "Shrink",
    6: "Implode",
    10: "PKWARE Implode",
    16: "IBM z/OS CMPSC",
    18: "IBM TERSE",
    19: "IBM LZ77",
    20: "an early Zstandard",
    94: "MP3",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
}

_BLOCK, _PIECE = 1 << 18, 1 << 16  # what stays in a processor's cache
crc32 = deflate.crc32 if HAS_LIBDEFLATE else zlib.crc32
_LZMA_HEADER = struct.Struct("<2xHBL")
_LEAST_LZMA_DICTIONARY = 4096
# Deflate64 makes at most 65,538 bytes of 18 bits, and inflate64 gives back all at once.
_DEFLATE64_PIECE = 256


class _Decompressor(Protocol):
    """What bz2 and lzma have in common; the others are fitted to it below."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflated_blocks(
    file: IO[bytes], entry: Entry, place: int, whole_bytes: int, limits: Limits
) -> Iterator[bytes | bytearray]:
    """Blocks of at most 256 KiB of the data at ``place``, or a single one of at most
    ``whole_bytes``; the CRC is checked at the end.

    Raises:
        ValueError: the CRC is wrong, or nobody reads the method; or what is in ``DAMAGE``.
    """
    whole = None
    if entry.size <= whole_bytes and may_be_whole(entry):
        file.seek(place)
        whole = inflated_whole(file.read(entry.packed_size), entry)
    if whole is not None:
        return iter((whole,))
    if HAS_ISAL and entry.method == DEFLATED:
        return _quick_blocks(file, entry, place, limits)
    return _blocks(file, entry, place, limits)


def may_be_whole(entry: Entry) -> bool:
    """Whether libdeflate may take it: Deflate makes none much longer than it was."""
    is_short = entry.packed_size <= 2 * entry.size + _BLOCK
    return HAS_LIBDEFLATE and entry.method == DEFLATED and is_short


def inflated_whole(packed: Octets | memoryview, entry: Entry) -> bytearray | None:
    """All bytes of such an entry; None unless everything about them is as declared."""
    try:
        found: bytearray = deflate.deflate_decompress(packed, entry.size)
    except deflate.DeflateError:
        return None
    return found if len(found) == entry.size and crc32(found) == entry.crc else None


def _quick_blocks(file: IO[bytes], entry: Entry, place: int, limits: Limits) -> Iterator[bytes]:
    """Of a deflated entry by ISA-L and, if it does not take it, from there on by zlib."""
    made = 0
    with suppress(igzip_lib.IsalError, ValueError):  # type: ignore[arg-type]
        quick = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
        for block in _blocks(file, entry, place, limits, quick):
            made += len(block)
            yield block
        return
    for block in _blocks(file, entry, place, limits):
        known = min(made, len(block))
        made -= known
        if known < len(block):
            yield block[known:]


def _blocks(
    file: IO[bytes],
    entry: Entry,
    place: int,
    limits: Limits,
    decompressor: _Decompressor | None = None,
) -> Iterator[bytes]:
    left, crc, made = entry.packed_size, 0, 0
    while True:
        data = b""
        if decompressor is None or decompressor.needs_input:
            file.seek(place)  # other entries are read in between
            data = file.read(min(_BLOCK if entry.method == STORED else _PIECE, left))
            place, left = place + len(data), left - len(data) if data else 0
        if decompressor is None:
            decompressor, data = _decompressor(entry, data, limits.dictionary_bytes)
        try:
            block = decompressor.decompress(data, _BLOCK)
        except (zlib.error, lzma.LZMAError, OSError) as cause:
            raise _damaged(entry.method) from cause
        crc, made = crc32(block, crc), made + len(block)
        if block:
            yield block
        if decompressor.eof or (decompressor.needs_input and not left and not block):
            break
    if crc != entry.crc and made < entry.size and not decompressor.eof:
        raise _damaged(entry.method, "cut off")
    if crc != entry.crc:
        raise ValueError("bad CRC-32: it is damaged")


def _damaged(method: int, how: str = "damaged") -> ValueError:
    """The libraries' own words are numbers, or nothing that a reader could do something with."""
    return ValueError(f"its {_NAMES[method]} data are {how}")


def _decompressor(entry: Entry, data: bytes, dictionary_bytes: int) -> tuple[_Decompressor, bytes]:
    """A decompressor, and what is left of the entry's first bytes for it."""
    if entry.method == STORED:
        return _Stored(), data
    if entry.method == DEFLATED:
        return _Deflate(), data
    if entry.method == DEFLATE64:
        return _Deflate64(), data
    if entry.method == BZIP2:
        return bz2.BZ2Decompressor(), data
    if entry.method == LZMA:
        return _lzma(entry, data, dictionary_bytes)
    if entry.method == ZSTANDARD:
        return ZstandardFrames(dictionary_bytes), data
    name = _METHODS.get(entry.method, "an unknown method")
    raise ValueError(f"{name} ({entry.method}) is not supported: zip it again with Deflate")


def _lzma(entry: Entry, data: bytes, dictionary_bytes: int) -> tuple[_Decompressor, bytes]:
    """Properties as in APPNOTE 5.8.8 and the LZMA specification. A decoder never looks back
    further than to the beginning, so it needs no dictionary that is larger than the entry."""
    if len(data) < _LZMA_HEADER.size:
        raise _damaged(LZMA, "cut off")
    size, packed, dictionary = _LZMA_HEADER.unpack_from(data)
    needed = max(min(dictionary, entry.size), _LEAST_LZMA_DICTIONARY)
    if needed > dictionary_bytes:
        raise ValueError(
            f"its dictionary of {needed} bytes is over the limit of {dictionary_bytes}: raise "
            "SALES_MAX_DICTIONARY_BYTES, or zip it again with Deflate"
        )
    rest, lc = divmod(packed, 9)
    pb, lp = divmod(rest, 5)
    filters = {"id": lzma.FILTER_LZMA1, "dict_size": needed, "lc": lc, "lp": lp, "pb": pb}
    try:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
    except lzma.LZMAError as cause:
        raise _damaged(LZMA) from cause
    return decompressor, data[4 + size :]


class _Stored:
    """Stored bytes are their own; the end of the data is their end."""

    eof = False
    needs_input = True

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:  # noqa: ARG002
        return data


class _Deflate:
    """zlib keeps what did not fit aside, where bz2 and lzma keep it inside."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-zlib.MAX_WBITS)
        self._more = False

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._more

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        block = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full block may leave output inside zlib although all input is consumed.
        self._more = bool(self._inner.unconsumed_tail) or len(block) == max_length
        return block


class _Deflate64:
    """inflate64 takes no length: it gets little at once, and what comes of it waits here."""

    def __init__(self) -> None:
        import inflate64  # takes a while, and is rarely needed

        self._inner = inflate64.Inflater()
        self._data = self._made = memoryview(b"")

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof) and not self._made

    @property
    def needs_input(self) -> bool:
        return not self._data and not self._made

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            self._data = memoryview(data)
        blocks, left = list[memoryview](), max_length
        while left:
            if not self._made and (self._inner.eof or not self._data):
                break
            if not self._made:
                piece, self._data = self._data[:_DEFLATE64_PIECE], self._data[_DEFLATE64_PIECE:]
                self._made = memoryview(self._inflated(piece))
            blocks.append(self._made[:left])
            self._made, left = self._made[left:], left - len(blocks[-1])
        return b"".join(blocks)

    def _inflated(self, piece: memoryview) -> bytes:
        try:
            return bytes(self._inner.inflate(piece))
        except ValueError as cause:
            raise _damaged(DEFLATE64) from cause
