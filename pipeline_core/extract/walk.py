"""Walks an archive: weekly zip -> daily zips -> parts -> windows of events."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

import msgspec

from pipeline_core.containers.cut import label
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.ignored import count_endings, endings_in_words
from pipeline_core.containers.meter import Meter, part_meter
from pipeline_core.containers.names import (
    base_name,
    day_label,
    is_junk,
    is_part,
    is_zip,
    without_slash,
)
from pipeline_core.containers.zips import OpenedZip, entries, inflate, open_zip
from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart, UnreadableZip
from pipeline_core.extract.windows import Window, windows
from pipeline_core.messages import Limits


class Listing(NamedTuple):
    """What a zip holds: ``wanted`` entries in the order in which they count, and of all others but
    folders how many there are, by their ending."""

    wanted: list[Entry]
    ignored: dict[str, int]


def open_archive(file: IO[bytes], limits: Limits) -> OpenedZip:
    """Raises UnreadableArchive if the file is not one zip or has too many entries."""
    return open_zip(file, "archive", limits, UnreadableArchive)


def archive_days(archive: OpenedZip) -> Listing:
    """The daily zips. Raises UnreadableArchive if there is something else instead."""
    return _listing(archive, is_zip, day_label, "the archive holds no daily zip", UnreadableArchive)


def day_bytes(
    archive: OpenedZip, day: Entry, meter: Meter, in_memory: int = 0
) -> Iterator[bytes | bytearray]:
    """The bytes of a daily zip, one of up to ``in_memory`` bytes at once. Raises UnreadableDay,
    or what the meter raises."""
    return inflate(archive, day, "day", UnreadableDay, meter, in_memory)


@contextmanager
def day_file(
    archive: OpenedZip, day: Entry, meter: Meter, in_memory: int
) -> Iterator[tuple[IO[bytes], str]]:
    """The bytes of a daily zip as a file, held in memory up to ``in_memory`` bytes and on the
    disk beyond, and their SHA-256.

    Raises:
        UnreadableDay: it cannot be inflated.
    """
    hashed = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=in_memory) as file:
        for block in day_bytes(archive, day, meter, in_memory):
            hashed.update(block)
            file.write(block)
        yield file, hashed.hexdigest()


def open_day(file: IO[bytes], limits: Limits) -> OpenedZip:
    """Raises UnreadableDay if the file is not one zip or has too many entries."""
    return open_zip(file, "day", limits, UnreadableDay)


def day_parts(day: OpenedZip) -> Listing:
    """The parts. Raises UnreadableDay if there is something else instead."""
    return _listing(day, is_part, label, "the day holds no .json part", UnreadableDay)


def part_windows(
    day: OpenedZip,
    part: Entry,
    meter: Meter,
    window_bytes: int,
    hasher: hashlib._Hash | None = None,
) -> Iterator[Window]:
    """The part's events in windows; ``hasher`` is fed with all bytes of it. Raises UnreadablePart,
    or what the meter raises."""
    metered = part_meter(day.limits, meter)
    blocks = inflate(day, part, "part", UnreadablePart, metered, window_bytes, once=True)
    if hasher is not None:
        blocks = _hashed(blocks, hasher)
    return windows(blocks, window_bytes, day.limits.event_bytes)


def _hashed(
    blocks: Iterator[bytes | bytearray], hasher: hashlib._Hash
) -> Iterator[bytes | bytearray]:
    for block in blocks:
        hasher.update(block)
        yield block


def _is_folder(entry: Entry) -> bool:
    """Whether a slash, or nothing, ends its name, and it holds no byte. One that does is no folder:
    somebody's events may be in it."""
    return not base_name(entry.name) and not (entry.size or entry.crc)


def _labelled(entry: Entry, label_of: Callable[[str], str]) -> Entry:
    """The entry, by a name of bounded length: records have it again and again."""
    shown = label_of(entry.name)
    return entry if shown is entry.name else msgspec.structs.replace(entry, name=shown)


def _listing(
    opened: OpenedZip,
    is_wanted: Callable[[str], bool],
    label_of: Callable[[str], str],
    nothing: str,
    error: type[UnreadableZip],
) -> Listing:
    wanted, others = [], []
    for entry in entries(opened):
        if is_wanted(entry.name):
            wanted.append(_labelled(entry, label_of))
        elif not _is_folder(entry):
            others.append(without_slash(entry.name))
    ignored = count_endings(others)
    told = [] if wanted else [name for name in others if not is_junk(name)]
    if told:
        raise error(f"{nothing}, but {endings_in_words(count_endings(told))}", ignored=ignored)
    return Listing(wanted, ignored)
