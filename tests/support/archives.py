"""Builders of test input: parts, daily zips, weekly archives, whole shops, and damage and bombs."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import struct
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED

Entries = Mapping[str, bytes] | Sequence[tuple[str, bytes]]

METHODS = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)
DEFLATE64, ZSTANDARD = 9, 93  # methods that zipfile does not know, or not before Python 3.14
PPMD = 98  # one that nobody here knows
UTF8_NAME = 0x800
ENCRYPTED = 0x1
GIB = 2**30


@dataclass(frozen=True)
class Shop:
    """Where `write_shop` put things."""

    data: Path
    dimensions: Path


# --- sound input ---------------------------------------------------------------------------------


def purchase(
    customer: object = "c1", product: object = "p1", quantity: object = 1, **extra: object
) -> dict[str, object]:
    """A purchase event."""
    return {
        "event_type": "purchase",
        "customer_id": customer,
        "product_id": product,
        "quantity": quantity,
        **extra,
    }


def part(events: Sequence[object], *, indent: int | None = None, bom: bool = False) -> bytes:
    """The events as one JSON array."""
    text = json.dumps(events, indent=indent)
    return text.encode("utf-8-sig" if bom else "utf-8")


def deep_part(depth: int) -> bytes:
    """A valid part, `depth` arrays inside one another (the part's own array counts)."""
    return b"[" * depth + b"]" * depth


def day_zip(parts: Entries, *, compression: int = ZIP_DEFLATED) -> bytes:
    """A zip of the entries, in order; a sequence may repeat a name, "name/" is a folder."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as opened, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, content in parts.items() if isinstance(parts, Mapping) else parts:
            opened.writestr(zipfile.ZipInfo(name), content, compression)
    return target.getvalue()


def archive_zip(days: Entries, *, compression: int = ZIP_DEFLATED) -> bytes:
    """A weekly archive of daily zips."""
    return day_zip(days, compression=compression)


VALIDITY = ("valid_from", "valid_to")


def write_shop(
    folder: Path,
    archives: Mapping[str, bytes],
    customers: Sequence[Sequence[str | None]] = (("c1", "2020-01-01", "Retail"),),
    products: Sequence[Sequence[str | None]] = (("p1", "Pen", "Office", "0.10"),),
) -> Shop:
    """Write archives (file name -> bytes) and dimensions; None is an empty field, "" is quoted.

    A customer is (id, join_date, segment), a product (id, name, category, price as text); all of
    either may have valid_from and valid_to behind.
    """
    shop = Shop(folder / "data", folder / "dimensions")
    shop.data.mkdir(parents=True)
    shop.dimensions.mkdir()
    for name, content in archives.items():
        (shop.data / name).write_bytes(content)
    for name, header, rows in (
        ("customers.csv", ("customer_id", "join_date", "segment", *VALIDITY), customers),
        ("products.csv", ("product_id", "product_name", "category", "price", *VALIDITY), products),
    ):
        width = max(map(len, rows), default=len(header) - len(VALIDITY))
        text = "".join(",".join(map(_field, row)) + "\n" for row in (header[:width], *rows))
        (shop.dimensions / name).write_bytes(text.encode())
    return shop


def _field(value: str | None) -> str:
    if value is None:
        return ""
    target = io.StringIO()
    csv.writer(target, lineterminator="", quoting=csv.QUOTE_ALL).writerow([value])
    return target.getvalue()


# --- damage --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RawEntry:
    """A zip entry, every header field as told, true or not."""

    name: str | bytes
    data: bytes  # as it stands in the file
    size: int  # uncompressed, as declared
    crc: int
    method: int = ZIP_STORED
    flags: int = UTF8_NAME
    extra: bytes = b""  # of the directory only
    local_name: bytes | None = None  # the directory's, if it is not another
    local_extra: bytes = b""

    def listed(self, offset: int) -> bytes:
        """Its record in the directory."""
        fields, extra = self._fields(name_bytes(self), self.extra)
        place = struct.pack("<HHHII", 0, 0, 0, 0, offset)
        record = b"PK\1\2" + struct.pack("<H", 45) + fields + place
        return record + name_bytes(self) + extra

    def local(self) -> bytes:
        """Its local header and its data."""
        name = name_bytes(self) if self.local_name is None else self.local_name
        fields, extra = self._fields(name, self.local_extra)
        return b"PK\3\4" + fields + name + extra + self.data

    def _fields(self, name: bytes, extra: bytes) -> tuple[bytes, bytes]:
        packed, size = len(self.data), self.size
        if max(packed, size) >= 0xFFFFFFFF:
            extra = struct.pack("<HHQQ", 1, 16, size, packed) + extra
            packed = size = 0xFFFFFFFF
        version, date = 45, 0x21  # 1980-01-01
        numbers = (version, self.flags, self.method, 0, date, self.crc, packed, size)
        return struct.pack("<HHHHHIIIHH", *numbers, len(name), len(extra)), extra


def raw_zip(
    entries: Sequence[RawEntry],
    *,
    overlap: bool = False,
    comment: bytes = b"",
    zip64: bool = False,
) -> bytes:
    """A zip of the entries, written by hand; with `overlap` all of them share the first's bytes,
    with `zip64` the end record has nothing to say (as Go's, if it needs a second one)."""
    body, directory = list[bytes](), list[bytes]()
    offset = here = 0
    for entry in entries:
        if not (overlap and body):
            here = offset
            body.append(entry.local())
            offset += len(body[-1])
        directory.append(entry.listed(here))
    end = zip_end(len(entries), sum(map(len, directory)), offset, comment, zip64=zip64)
    return b"".join((*body, *directory, end))


def name_bytes(entry: RawEntry) -> bytes:
    """Its name as it stands in the directory."""
    return entry.name.encode() if isinstance(entry.name, str) else entry.name


def zip_end(
    count: int, size: int, offset: int, comment: bytes = b"", *, zip64: bool = False
) -> bytes:
    """The end record of a directory, behind one of zip64 where it takes that."""
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    short = min(count, 0xFFFF)
    said = (0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1) if zip64 else (short, short, size, offset)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, *said, len(comment)) + comment
    return end64 + locator + end if zip64 or count >= 0xFFFF else end


def packed_entry(name: str | bytes, content: bytes, method: int = ZIP_DEFLATED) -> RawEntry:
    """An entry that is as it says, compressed by any method that a zip is read in."""
    return RawEntry(name, _PACKERS[method](content), len(content), zlib.crc32(content), method)


def packed_zip(entries: Entries, method: int) -> bytes:
    """As `day_zip`, also by methods that zipfile does not write."""
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    return raw_zip([packed_entry(name, content, method) for name, content in pairs])


def _deflate(content: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(content) + squeeze.flush()


def _deflate64(content: bytes) -> bytes:
    import inflate64

    squeeze = inflate64.Deflater()
    return bytes(squeeze.deflate(content) + squeeze.flush())


def _lzma(content: bytes) -> bytes:
    return lzma_data(content, 1 << 20)


def lzma_data(content: bytes, dictionary: int, *, claimed: int | None = None) -> bytes:
    """As a zip's LZMA entry, made with one size of dictionary and perhaps claiming another."""
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "preset": 0}]
    raw = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=filters)
    data = raw.compress(content) + raw.flush()
    properties = bytes([(2 * 5 + 0) * 9 + 3]) + struct.pack("<L", claimed or dictionary)
    return struct.pack("<BBH", 9, 4, len(properties)) + properties + data


def zstandard_data(content: bytes, *, window_log: int = 20, frames: int = 1) -> bytes:
    """Zstandard frames, each of which needs such a window."""
    zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    options = {zstd.CompressionParameter.window_log: window_log}
    packed = list[bytes]()
    for piece in _pieces(content, frames):
        squeeze = zstd.ZstdCompressor(options=options)
        packed.append(squeeze.compress(piece) + squeeze.flush())
    return b"".join(packed)


def gzip_data(content: bytes, *, members: int = 1) -> bytes:
    """Gzip of such a number of members."""
    return b"".join(gzip.compress(each, 1, mtime=0) for each in _pieces(content, members))


def _pieces(content: bytes, count: int) -> list[bytes]:
    size = max(1, -(-len(content) // count))
    return [content[at : at + size] for at in range(0, size * count, size)]


_PACKERS: dict[int, Callable[[bytes], bytes]] = {
    ZIP_STORED: bytes,
    ZIP_DEFLATED: _deflate,
    DEFLATE64: _deflate64,
    ZIP_BZIP2: bz2.compress,
    ZIP_LZMA: _lzma,
    ZSTANDARD: zstandard_data,
}


def lying_zip(name: str, content: bytes, *, declared: int) -> bytes:
    """One deflated entry whose headers declare another size than it has; the CRC is true."""
    return raw_zip([replace(packed_entry(name, content), size=declared)])


def encrypted_zip(name: str, content: bytes) -> bytes:
    """One entry that asks for a password."""
    salt = b"0123456789ab"
    crc = zlib.crc32(content)
    return raw_zip([RawEntry(name, salt + content, len(content), crc, flags=UTF8_NAME | ENCRYPTED)])


def unsupported_zip(name: str, content: bytes) -> bytes:
    """One entry compressed by a method that is not read."""
    return raw_zip([RawEntry(name, content, len(content), zlib.crc32(content), PPMD)])


def truncated(content: bytes) -> bytes:
    """The first half: a download that broke off."""
    return content[: len(content) // 2]


def flipped(content: bytes, *, entry: int = 0) -> bytes:
    """The zip with a flipped byte in the middle of an entry's data: its CRC no longer fits."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        info = opened.infolist()[entry]
    name_length, extra_length = struct.unpack_from("<HH", content, info.header_offset + 26)
    start = info.header_offset + 30 + name_length + extra_length
    damaged = bytearray(content)
    damaged[start + info.compress_size // 2] ^= 0xFF
    return bytes(damaged)


# --- bombs ---------------------------------------------------------------------------------------


def bomb(gib: float = 6, *, name: str = "part.json", declared: int | None = None) -> bytes:
    """A daily zip of one valid, empty part: `gib` GiB of spaces, then `[]`. About 1 MiB a GiB.

    `declared` is the size in the headers, if it shall be a lie.
    """
    block = b" " * 2**20
    entry = repeated_entry(name, b"", block, round(gib * GIB / len(block)), b"[]")
    return raw_zip([entry if declared is None else replace(entry, size=declared)])


def repeated_entry(name: str, head: bytes, block: bytes, count: int, tail: bytes) -> RawEntry:
    """A deflated entry of `head`, so many times `block`, and `tail`, for the price of one block."""
    squeeze = zlib.compressobj(9, wbits=-15)

    def packed(piece: bytes) -> bytes:
        # A full flush forgets what came before, so one compressed block can stand many times.
        return squeeze.compress(piece) + squeeze.flush(zlib.Z_FULL_FLUSH)

    data = packed(head) + packed(block) * count + squeeze.compress(tail) + squeeze.flush()
    size = len(head) + count * len(block) + len(tail)
    crc = zlib.crc32(tail, _crc_of_repeated(block, count, zlib.crc32(head)))
    return RawEntry(name, data, size, crc, ZIP_DEFLATED)


def _crc_of_repeated(block: bytes, count: int, crc: int) -> int:
    """crc32(block * count, crc). A CRC is affine in its start value: learn the map once, iterate
    it."""
    origin = zlib.crc32(block, 0)
    columns = [zlib.crc32(block, 1 << bit) ^ origin for bit in range(32)]
    for _ in range(count):
        start, crc = crc, origin
        for bit, column in enumerate(columns):
            if start >> bit & 1:
                crc ^= column
    return crc


def crowded_zip(entries: int = 100_000, *, suffix: str = ".json", content: bytes = b"[]") -> bytes:
    """A zip of very many tiny entries."""
    crc = zlib.crc32(content)
    return raw_zip([RawEntry(f"{n}{suffix}", content, len(content), crc) for n in range(entries)])


def overlap_zip(content: bytes, entries: int, *, name: str = "part.json") -> bytes:
    """A zip whose entries are all one and the same stretch of bytes: a bomb without nesting."""
    return raw_zip([packed_entry(name, content)] * entries, overlap=True)
