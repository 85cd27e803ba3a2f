"""Why something could not be read is told in words that say what it is."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import archives as build
from tests.support.archives import archive_zip, day_zip, packed_entry, write_shop
from tests.support.run import Place, run_local, sales, units, unreadable, week

JSON = sales(3)


def _tar(content: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        member = tarfile.TarInfo("a.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


# What stands where a zip, or a part, should be, and what is said of it.
OTHERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "zeros": (bytes(5000), "begins with zero bytes"),
    "gzip": (gzip.compress(JSON), "begins like gzip"),
    "bzip2": (bz2.compress(JSON), "begins like bzip2"),
    "xz": (lzma.compress(JSON), "begins like XZ"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\0", "begins like Zstandard"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "begins like 7-Zip"),
    "rar": (b"Rar!\x1a\x07\x01\0", "begins like RAR"),
    "tar": (_tar(JSON), "begins like tar"),
    "html": (b"\n<!DOCTYPE HTML><html><p>Sign in</p></html>", "begins like HTML"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?><Error/>', "begins like XML"),
    "tag": (b"<Error><Code>NoSuchKey</Code></Error>", "begins like HTML or XML"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\n", "begins like a Git LFS pointer"),
    **{
        encoding: (content.decode().encode(encoding), f"begins like text in {encoding[:6].upper()}")
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
        for content in (JSON,)
    },
    "utf-16": ("\ufeff[]".encode("utf-16-le"), "begins like text in UTF-16"),
    "utf-32": ("\ufeff[]".encode("utf-32-be"), "begins like text in UTF-32"),
}
# Of a zip that begins like one.
CUT_OFF = "begins like a zip and has no end: it was cut off"


def test_what_is_there_instead_of_archives_days_and_parts_is_named(tmp_path: Path) -> None:
    json, cut = (JSON, "begins like JSON"), (week(sales(1))[:60], CUT_OFF)
    zips = {**OTHERS, "json": json, "cut": cut, "other": (b"no zip", "has no end record")}
    parts = {
        **{name: other for name, other in OTHERS.items() if name not in {"gzip", "zstd"}},
        "zip": (day_zip({"a.json": JSON}), "begins like a zip"),
        "other": (b"oops", "does not begin with '[' or '{'"),
    }
    days = {f"{name}.zip": content for name, (content, _) in zips.items()}
    days["parts.zip"] = day_zip({f"{name}.json": content for name, (content, _) in parts.items()})
    days["sound.zip"] = day_zip({"a.json": sales(7)})
    archives = {f"{name}.zip": content for name, (content, _) in zips.items()}
    archives["week.zip"] = archive_zip(days)
    outcome = run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    assert units(outcome) == 7
    expected: dict[Place, str] = {}
    for name, (_, what) in zips.items():
        expected[f"{name}.zip", None, None] = f"the archive is not a zip: it {what}"
        expected["week.zip", f"{name}.zip", None] = f"the day is not a zip: it {what}"
    for name, (_, what) in parts.items():
        place = ("week.zip", "parts.zip", f"{name}.json")
        more = ", and would be [] without any" if name == "empty" else ""
        expected[place] = f"the part holds no JSON events: it {what}{more}"
    assert unreadable(outcome) == expected


NAMES = {
    zipfile.ZIP_STORED: "stored",
    zipfile.ZIP_DEFLATED: "Deflate",
    build.DEFLATE64: "Deflate64",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "LZMA",
    build.ZSTANDARD: "Zstandard",
}


@pytest.mark.parametrize("batch_size", [50_000, 1], ids=["whole", "in blocks"])
def test_damage_is_told_with_the_method(tmp_path: Path, batch_size: int) -> None:
    entries, causes = [], {}
    for method, name in NAMES.items():
        entry = packed_entry(f"{name}.json", sales(3) * 50, method)
        for what, data in {
            "cut off": entry.data[: len(entry.data) // 2],
            "damaged": entry.data[:9] + b"\xff" * len(entry.data[9:]),
        }.items():
            if (method, what) != (zipfile.ZIP_STORED, "damaged"):
                part = f"{name} {what}.json"
                entries.append(replace(entry, name=part, data=data))
                causes["week.zip", "2024-03-01.zip", part] = f"its {name} data are {what}"
    stored = packed_entry("wrong.json", sales(3))
    entries.append(replace(stored, crc=zlib.crc32(b"something else")))
    causes["week.zip", "2024-03-01.zip", "wrong.json"] = "bad CRC-32: it is damaged"
    archives = {"week.zip": week(days={"2024-03-01.zip": build.raw_zip(entries)})}
    shop = write_shop(tmp_path / "shop", archives)
    assert unreadable(run_local(shop, tmp_path, batch_size=batch_size)) == {
        place: f"the part cannot be inflated: {cause}" for place, cause in causes.items()
    }


@pytest.mark.parametrize("offset", [0xFFFFFF, 2**63 - 1, 2**64 - 1], ids=hex)
def test_an_entry_whose_place_is_none_is_told(tmp_path: Path, offset: int) -> None:
    extra = struct.pack("<HHQ", 1, 8, offset)
    entries = [packed_entry("a.json", sales(5)), replace(packed_entry("b.json", JSON), extra=extra)]
    day = bytearray(build.raw_zip(entries))
    struct.pack_into("<L", day, day.rindex(b"PK\1\2") + 42, min(offset, 0xFFFFFFFF))
    archives = {"week.zip": week(days={"2024-03-01.zip": bytes(day)})}
    outcome = run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    assert units(outcome) == 5
    assert unreadable(outcome) == {
        ("week.zip", "2024-03-01.zip", "b.json"): (
            "the part cannot be inflated: there is no local header where the directory says"
        )
    }


def test_a_record_of_the_directory_that_is_cut_off_is_told(tmp_path: Path) -> None:
    """As long as the end record says, and half a record too long for its entries."""
    body = build.raw_zip([packed_entry("a.json", sales(3))])
    end = body.rindex(b"PK\5\6")
    size = end - body.rindex(b"PK\1\2")
    longer = bytearray(body[:end] + b"PK\1\2half" + body[end:])
    struct.pack_into("<L", longer, end + 8 + 12, size + 8)
    days = {"2024-03-01.zip": bytes(longer)}
    shop = write_shop(tmp_path / "shop", {"week.zip": week(days=days)})
    assert unreadable(run_local(shop, tmp_path)) == {
        ("week.zip", "2024-03-01.zip", None): (
            "the day is not a zip: its directory is damaged at entry 2"
        )
    }
