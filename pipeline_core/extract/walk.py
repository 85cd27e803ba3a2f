"""Walks an archive: weekly zip -> daily zips -> parts -> windows of events."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, NamedTuple

from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart, UnreadableZip
from pipeline_core.extract.ignored import count_endings, endings_in_words
from pipeline_core.extract.meter import Meter, part_meter
from pipeline_core.extract.names import is_folder, is_junk, is_part, is_zip
from pipeline_core.extract.windows import Window, windows
from pipeline_core.extract.zips import entries, inflate, open_zip
from pipeline_core.messages import Limits


class Listing(NamedTuple):
    """What a zip holds: ``wanted`` entries with their place in the directory, in the order in which
    they count, and of all others but folders how many there are, by their ending."""

    wanted: list[tuple[int, zipfile.ZipInfo]]
    ignored: dict[str, int]


def open_archive(file: IO[bytes], limits: Limits) -> AbstractContextManager[zipfile.ZipFile]:
    """Raises UnreadableArchive if the file is not a zip or has too many entries."""
    return open_zip(file, "archive", limits.zip_entries, UnreadableArchive)


def archive_days(archive: zipfile.ZipFile) -> Listing:
    """The daily zips. Raises UnreadableArchive if there is something else instead."""
    return _listing(archive, is_zip, "the archive holds no daily zip", UnreadableArchive)


def day_bytes(
    archive: zipfile.ZipFile, day: zipfile.ZipInfo, meter: Meter, in_memory: int = 0
) -> Iterator[bytes | bytearray]:
    """The bytes of a daily zip, one of up to ``in_memory`` bytes at once. Raises UnreadableDay,
    or what the meter raises."""
    return inflate(archive, day, "day", UnreadableDay, meter, in_memory)


@contextmanager
def day_file(
    archive: zipfile.ZipFile, day: zipfile.ZipInfo, meter: Meter, in_memory: int
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


def open_day(file: IO[bytes], limits: Limits) -> AbstractContextManager[zipfile.ZipFile]:
    """Raises UnreadableDay if the file is not a zip or has too many entries."""
    return open_zip(file, "day", limits.zip_entries, UnreadableDay)


def day_parts(day: zipfile.ZipFile) -> Listing:
    """The parts. Raises UnreadableDay if there is something else instead."""
    return _listing(day, is_part, "the day holds no .json part", UnreadableDay)


def part_windows(
    day: zipfile.ZipFile, part: zipfile.ZipInfo, limits: Limits, meter: Meter, window_bytes: int
) -> Iterator[Window]:
    """The part's events in windows. Raises UnreadablePart, or what the meter raises."""
    blocks = inflate(day, part, "part", UnreadablePart, part_meter(limits, meter), window_bytes)
    return windows(blocks, window_bytes, limits.event_bytes)


def _listing(
    opened: zipfile.ZipFile,
    is_wanted: Callable[[str], bool],
    nothing: str,
    error: type[UnreadableZip],
) -> Listing:
    wanted, others = [], []
    for place, info in entries(opened, lambda name: not is_folder(name)):
        if is_wanted(info.filename):
            wanted.append((place, info))
        else:
            others.append(info.filename)
    ignored = count_endings(others)
    told = [] if wanted else [name for name in others if not is_junk(name)]
    if told:
        raise error(f"{nothing}, but {endings_in_words(count_endings(told))}", ignored=ignored)
    return Listing(wanted, ignored)
