"""Inflates a zip entry in blocks of bounded size, whatever the compressed bytes ask for.

zipfile's own reader hands bzip2 and LZMA all they can inflate from its input at once, so a few
kilobytes may become gigabytes in memory; the decompressors below it can be told a length.
Deflated entries of a bounded size take libdeflate, which is several times as fast as zlib but
needs all of an entry at once; zlib has the last word on what libdeflate does not take.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

try:
    import deflate
except ImportError:  # there is no wheel for this platform
    HAS_LIBDEFLATE = False
else:
    HAS_LIBDEFLATE = True

_BLOCK = 1 << 20
_crc32 = deflate.crc32 if HAS_LIBDEFLATE else zlib.crc32
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LZMA_HEADER = struct.Struct("<2xHBL")
# xz's strongest preset asks for this much; a decoder must allocate what the header says.
_LARGEST_LZMA_DICTIONARY = 64 << 20


class _Decompressor(Protocol):
    """What bz2 and lzma have in common; zlib and stored entries are fitted to it below."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def inflated_blocks(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, whole_bytes: int
) -> Iterator[bytes | bytearray]:
    """Blocks of at most 1 MiB, or a single one of at most ``whole_bytes``; the CRC is checked
    at the end.

    Raises:
        zipfile.BadZipFile: the CRC is wrong; or what zipfile, zlib, bz2 and
            lzma raise on headers and bytes they cannot use.
    """
    archive.open(info).close()  # checks the headers, the method and the encryption flag
    file = archive.fp
    if file is None:
        raise ValueError("the zip is closed")
    file.seek(info.header_offset)
    _, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    place = info.header_offset + _LOCAL_HEADER.size + name + extra
    whole = None
    if info.compress_type == zipfile.ZIP_DEFLATED and info.file_size <= whole_bytes:
        whole = _whole(file, info, place)
    return _blocks(file, info, place) if whole is None else iter((whole,))


def _whole(file: IO[bytes], info: zipfile.ZipInfo, place: int) -> bytearray | None:
    """All bytes of a deflated entry; None unless everything about them is as declared."""
    # Deflate makes no entry much longer than it was: more would be read for nothing.
    if not HAS_LIBDEFLATE or info.compress_size > 2 * info.file_size + _BLOCK:
        return None
    file.seek(place)
    try:
        found: bytearray = deflate.deflate_decompress(file.read(info.compress_size), info.file_size)
    except deflate.DeflateError:
        return None
    return found if len(found) == info.file_size and _crc32(found) == info.CRC else None


def _blocks(file: IO[bytes], info: zipfile.ZipInfo, place: int) -> Iterator[bytes]:
    decompressor: _Decompressor | None = None
    left, crc = info.compress_size, 0
    while True:
        data = b""
        if decompressor is None or decompressor.needs_input:
            file.seek(place)  # other entries are read in between
            data = file.read(min(_BLOCK, left))
            place, left = place + len(data), left - len(data) if data else 0
        if decompressor is None:
            decompressor, data = _decompressor(info, data)
        block = decompressor.decompress(data, _BLOCK)
        crc = _crc32(block, crc)
        if block:
            yield block
        if decompressor.eof or (decompressor.needs_input and not left and not block):
            break
    if crc != info.CRC:
        raise zipfile.BadZipFile("bad CRC-32")


def _decompressor(info: zipfile.ZipInfo, data: bytes) -> tuple[_Decompressor, bytes]:
    """A decompressor, and what is left of the entry's first bytes for it."""
    if info.compress_type == zipfile.ZIP_STORED:
        return _Stored(), data
    if info.compress_type == zipfile.ZIP_DEFLATED:
        return _Deflate(), data
    if info.compress_type == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor(), data
    if info.compress_type == zipfile.ZIP_LZMA:
        return _lzma(data)
    raise NotImplementedError(f"compression method {info.compress_type}")


def _lzma(data: bytes) -> tuple[_Decompressor, bytes]:
    """Properties as in APPNOTE.TXT 5.8.8 and the LZMA specification."""
    size, packed, dictionary = _LZMA_HEADER.unpack_from(data)
    if dictionary > _LARGEST_LZMA_DICTIONARY:
        raise lzma.LZMAError(f"a dictionary of {dictionary} bytes takes too much memory")
    rest, lc = divmod(packed, 9)
    pb, lp = divmod(rest, 5)
    filters = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])
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
