"""Builders of test input: parts, daily zips, weekly archives, whole shops, and damage and bombs."""

from __future__ import annotations

import csv
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED

Entries = Mapping[str, bytes] | Sequence[tuple[str, bytes]]

METHODS = (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA)
DEFLATE64 = 9  # a method zipfile has never known
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


def write_shop(
    folder: Path,
    archives: Mapping[str, bytes],
    customers: Sequence[tuple[str, str, str | None]] = (("c1", "2020-01-01", "Retail"),),
    products: Sequence[tuple[str, str, str | None, str]] = (("p1", "Pen", "Office", "0.10"),),
) -> Shop:
    """Write archives (file name -> bytes) and dimensions; None is an empty field, "" is quoted.

    A customer is (id, join_date, segment), a product (id, name, category, price as text).
    """
    shop = Shop(folder / "data", folder / "dimensions")
    shop.data.mkdir(parents=True)
    shop.dimensions.mkdir()
    for name, content in archives.items():
        (shop.data / name).write_bytes(content)
    for name, header, rows in (
        ("customers.csv", ("customer_id", "join_date", "segment"), customers),
        ("products.csv", ("product_id", "product_name", "category", "price"), products),
    ):
        text = "".join(",".join(map(_field, row)) + "\n" for row in (header, *rows))
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

    name: str
    data: bytes  # as it stands in the file
    size: int  # uncompressed, as declared
    crc: int
    method: int = ZIP_STORED
    flags: int = UTF8_NAME


def raw_zip(entries: Sequence[RawEntry], *, overlap: bool = False) -> bytes:
    """A zip of the entries, written by hand; with `overlap` all of them share the first's bytes."""
    body: list[bytes] = []
    directory: list[bytes] = []
    offset = here = 0
    for entry in entries:
        name = entry.name.encode()
        packed, size, extra = len(entry.data), entry.size, b""
        if max(packed, size) >= 0xFFFFFFFF:
            extra = struct.pack("<HHQQ", 1, 16, size, packed)
            packed = size = 0xFFFFFFFF
        common = struct.pack(
            "<HHHHHIIIHH",
            45,  # version needed
            entry.flags,
            entry.method,
            0,  # time
            0x21,  # date: 1980-01-01
            entry.crc,
            packed,
            size,
            len(name),
            len(extra),
        )
        if not (overlap and body):
            here = offset
            body.append(b"PK\3\4" + common + name + extra + entry.data)
            offset += len(body[-1])
        place = struct.pack("<HHHII", 0, 0, 0, 0, here)
        directory.append(b"PK\1\2" + struct.pack("<H", 45) + common + place + name + extra)
    return b"".join((*body, *directory, _zip_end(len(entries), sum(map(len, directory)), offset)))


def _zip_end(count: int, size: int, offset: int) -> bytes:
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    short = min(count, 0xFFFF)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, short, short, size, offset, 0)
    return end64 + locator + end if count >= 0xFFFF else end


def _deflated(name: str, content: bytes) -> RawEntry:
    squeeze = zlib.compressobj(wbits=-15)
    data = squeeze.compress(content) + squeeze.flush()
    return RawEntry(name, data, len(content), zlib.crc32(content), ZIP_DEFLATED)


def lying_zip(name: str, content: bytes, *, declared: int) -> bytes:
    """One deflated entry whose headers declare another size than it has; the CRC is true."""
    entry = _deflated(name, content)
    return raw_zip([RawEntry(name, entry.data, declared, entry.crc, entry.method)])


def encrypted_zip(name: str, content: bytes) -> bytes:
    """One entry that asks for a password."""
    salt = b"0123456789ab"
    crc = zlib.crc32(content)
    return raw_zip([RawEntry(name, salt + content, len(content), crc, flags=UTF8_NAME | ENCRYPTED)])


def unsupported_zip(name: str, content: bytes) -> bytes:
    """One entry compressed by a method that zipfile cannot read."""
    return raw_zip([RawEntry(name, content, len(content), zlib.crc32(content), DEFLATE64)])


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
    count = round(gib * GIB / len(block))
    squeeze = zlib.compressobj(9, wbits=-15)
    # A full flush forgets what came before, so one compressed block can stand many times.
    packed = squeeze.compress(block) + squeeze.flush(zlib.Z_FULL_FLUSH)
    data = packed * count + squeeze.compress(b"[]") + squeeze.flush()
    size = count * len(block) + 2
    crc = zlib.crc32(b"[]", _crc_of_repeated(block, count))
    return raw_zip(
        [RawEntry(name, data, size if declared is None else declared, crc, ZIP_DEFLATED)]
    )


def _crc_of_repeated(block: bytes, count: int) -> int:
    """crc32(block * count). A CRC is affine in its start value: learn the map once, iterate it."""
    origin = zlib.crc32(block, 0)
    columns = [zlib.crc32(block, 1 << bit) ^ origin for bit in range(32)]
    crc = 0
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
    return raw_zip([_deflated(name, content)] * entries, overlap=True)
