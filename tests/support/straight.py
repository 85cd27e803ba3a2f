"""Zips, as the straight way into them and as the careful one has them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from pipeline_core.containers import zip_entries
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.meter import archive_meter, day_meter, part_meter
from pipeline_core.containers.zip_entries import OpenedZip, entries, inflate, open_zip
from pipeline_core.errors import InputError, UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.extract import walk
from pipeline_core.extract.walk import PartHash, day_parts, day_source, open_day, part_windows
from pipeline_core.messages import Feed, Limits
from tests.support.archives import (
    day_zip,
    encrypted_zip,
    gzip_data,
    lying_zip,
    overlap_zip,
    packed_entry,
    packed_zip,
    raw_zip,
    zstandard_data,
)

LIMITS = Limits(zip_entries=20, part_bytes=1550, day_bytes=8000, event_bytes=900)
WINDOW, NARROW = 1600, 850
ARRAY = b'[{"event_type":"purchase"},{"event_type":"view"}]'
PARTS = {
    "1.json": ARRAY,
    "a/2.json": b"[" + b",".join([ARRAY] * 30) + b"]",
    "3.json": b'{"event_type":"view"}\n{"event_type":"view"}\n',
    "4.json": gzip_data(ARRAY),
    "5.json": zstandard_data(ARRAY),
    "6.json": b"\x5b\x2a\x4d\x18\3\0\0\0abc" + zstandard_data(ARRAY),
    "7.json": b"[\0" + bytes(20),
    "8.json": b'["' + b"x" * 900 + b'"]',
    "9.json": b"",
    "A.json": b'["' + b"x" * 1560 + b'"]',
    "B.json": (b"[" + b",".join([b'"x"'] * 212)).ljust(NARROW - 1) + b"]",
    "b/1.json": ARRAY,
    "c.txt": b"x",
}
DAY, STORED = day_zip(PARTS), packed_zip(PARTS, 0)
SOUND = (
    DAY,
    STORED,
    raw_zip([packed_entry(name, content) for name, content in PARTS.items()]),
    raw_zip([packed_entry(name, content) for name, content in PARTS.items()], zip64=True),
    raw_zip([packed_entry("1.json", ARRAY), packed_entry("1.json", ARRAY)]),
    raw_zip([packed_entry("1.json", ARRAY)], comment=b"PK\5\6" + bytes(18)),
    b"MZ" * 40 + DAY,
    overlap_zip(ARRAY, 3),
    lying_zip("1.json", ARRAY, declared=7),
    encrypted_zip("1.json", ARRAY),
    day_zip({"1.json": b"[1]"}) + DAY,
    raw_zip([replace(packed_entry("1.json", ARRAY, 0), size=7)]),
    day_zip({"1.json": ARRAY, "z.jsonPK\6\7" + "x" * 16: b"[]"}),
)


@contextmanager
def carefully() -> Iterator[None]:
    """While this is open, there is no straight way."""
    with (
        patch.object(zip_entries, "plain_directory", lambda *_: None),
        patch.object(zip_entries, "plain_places", lambda *_: None),
        patch.object(walk, "is_array", lambda *_: False),
    ):
        yield


def _entries(opened: OpenedZip) -> Iterator[object]:
    """What becomes of every entry, once and again, and of the meters."""
    outer = archive_meter(LIMITS)
    for entry in entries(opened):
        for most, once in ((WINDOW, True), (0, False), (WINDOW, False)):
            middle = day_meter(LIMITS, outer)
            meter = part_meter(LIMITS, middle)
            try:
                blocks = inflate(opened, entry, "part", UnreadablePart, meter, most, once=once)
                found: bytes | str = b"".join(blocks)
            except InputError as error:
                found = error.message
            yield entry, found, meter.used, middle.used, outer.used
    yield opened.inflated


def outcome_of_zip(source: bytes | io.BytesIO) -> list[object]:
    """What comes of every entry of a zip."""
    try:
        return list(_entries(open_zip(source, "day", LIMITS, UnreadableDay)))
    except InputError as error:
        return [type(error), error.message]


def outcome_of_day(archive: bytes, window: int, *, hashed: bool) -> list[object]:
    """What comes of the only day of an archive, and of its parts."""
    opened = open_zip(archive, "archive", LIMITS, UnreadableArchive)
    outer = archive_meter(LIMITS)
    seen: list[object] = []
    try:
        with day_source(opened, opened.entries[0], day_meter(LIMITS, outer), 5000) as (source, sha):
            inside = open_day(source, LIMITS)
            seen += [
                sha,
                *(_part(inside, each, window, hashed) for each in day_parts(inside, Feed()).wanted),
            ]
    except InputError as error:
        seen += [type(error), error.message]
    return [*seen, outer.used]


def _part(day: OpenedZip, part: Entry, window_bytes: int, hashed: bool) -> object:
    outer = archive_meter(LIMITS)
    middle = day_meter(LIMITS, outer)
    hasher = PartHash() if hashed else None
    windows: list[object] = []
    try:
        found = part_windows(day, part, middle, window_bytes, Feed(), hasher)
        windows.extend(replace(window, text=bytes(window.text)) for window in found)
    except InputError as error:
        windows.append(error.message)
    digest = hasher and hasher.digest()
    return windows, digest, middle.used, outer.used, list(day.inflated)
