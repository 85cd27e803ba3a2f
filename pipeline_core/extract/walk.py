"""Opens an archive, its daily zips, and the parts of a day as windows of events."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import IO, NamedTuple

import msgspec

from pipeline_core.containers.cut import label
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import (
    base_name,
    is_junk,
    is_left_out,
    is_part,
    without_slash,
)
from pipeline_core.containers.ignored import count_endings, endings_in_words
from pipeline_core.containers.meter import Meter, part_meter
from pipeline_core.containers.packed_parts import packing, unpacked
from pipeline_core.containers.zip_entries import (
    Held,
    OpenedZip,
    counted,
    entries,
    inflate,
    open_zip,
    whole_entry,
)
from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart, UnreadableZip
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.shapes import is_array, windows
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed, Limits

NO_PART = "the day holds no part"


class Listing(NamedTuple):
    """What a zip holds: ``wanted`` entries in the order in which they count, and of all others but
    folders how many there are, by their ending; and the ``others`` that neither a setting nor their
    name leaves out."""

    wanted: list[Entry]
    ignored: dict[str, int]
    others: Sequence[Entry] = ()


def open_archive(source: IO[bytes] | Held, limits: Limits) -> OpenedZip:
    """Raises UnreadableArchive if it is not one zip or has too many entries."""
    return open_zip(source, "archive", limits, UnreadableArchive)


def day_bytes(
    archive: OpenedZip, day: Entry, meter: Meter, in_memory: int = 0
) -> Iterator[bytes | bytearray]:
    """The bytes of a daily zip, one of up to ``in_memory`` bytes at once. Raises UnreadableDay,
    or what the meter raises."""
    return inflate(archive, day, "day", UnreadableDay, meter, in_memory)


@contextmanager
def day_source(
    archive: OpenedZip, day: Entry, meter: Meter, in_memory: int
) -> Iterator[tuple[IO[bytes] | Held, str]]:
    """The bytes of a daily zip, held in memory up to ``in_memory`` bytes and in a file beyond, and
    their SHA-256.

    Raises:
        UnreadableDay: it cannot be inflated.
    """
    if (whole := whole_entry(archive, day, meter, in_memory)) is not None:
        content, _ = whole
        meter.add(len(content))
        yield content, hashlib.sha256(content).hexdigest()
        return
    hashed = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=in_memory) as file:
        for block in day_bytes(archive, day, meter, in_memory):
            hashed.update(block)
            file.write(block)
        yield file, hashed.hexdigest()


def open_day(source: IO[bytes] | Held, limits: Limits) -> OpenedZip:
    """Raises UnreadableDay if it is not one zip or has too many entries."""
    return open_zip(source, "day", limits, UnreadableDay)


def day_parts(day: OpenedZip, feed: Feed) -> Listing:
    """The parts. Raises UnreadableDay if there is something else instead."""
    found = listing(day, is_part_of, feed, NO_PART, UnreadableDay)
    return Listing([labelled(entry, label) for entry in found.wanted], found.ignored)


def is_part_of(name: str, feed: Feed) -> bool:
    """Whether an entry of this name is a part, if it is not left out."""
    return is_part(name, feed.parts)


def part_windows(
    day: OpenedZip,
    part: Entry,
    meter: Meter,
    window_bytes: int,
    feed: Feed,
    hasher: PartHash | None = None,
    content: PartHash | None = None,
    *,
    are_open: bool = False,
) -> Iterator[Window]:
    """The part's events in windows; ``hasher`` follows all bytes of it, packed if they are, and
    ``content`` what they are unpacked. That counts, but packed they are no more than that may be,
    either. Most parts are one window, as they are; if others ``are_open``, ``decode``
    says where each of an array ends. Raises UnreadablePart, or what the meter raises."""
    metered = part_meter(day.limits, meter)
    blocks = inflate(
        day, part, "part", UnreadablePart, metered, window_bytes, once=True, is_counted=False
    )
    if hasher is not None:
        blocks = hasher.follow(blocks, metered)
    first = next(blocks, b"")
    longest = min(window_bytes - 1, day.limits.event_bytes)
    is_whole = len(first) == part.size <= longest and content is None
    if is_whole and is_array(first) and packing(first) is None:
        metered.add(len(first))
        for _ in blocks:  # there is none; what is at its end is looked at
            pass
        yield Window(first, 0)
        return
    found = unpacked(chain((first,), blocks), day.limits, "part", UnreadablePart, window_bytes)
    if content is not None:
        found = content.follow(found, metered)
    yield from windows(counted(found, metered), window_bytes, day.limits, feed, are_open=are_open)


class PartHash:
    """Follows the bytes of a part, as they are in its zip, or unpacked."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._blocks: Iterator[Octets] = iter(())
        self._is_whole = False

    def follow(self, blocks: Iterator[Octets], meter: Meter) -> Iterator[Octets]:
        """The same blocks. What nobody asks for is counted by ``meter``."""
        self._blocks, self._meter = self._followed(blocks), meter
        return self._blocks

    def digest(self) -> bytes | None:
        """Their SHA-256; those that nobody asked for are read for it. None if they cannot be had.
        Raises what the meter raises of the levels above."""
        with suppress(UnreadablePart):
            for block in self._blocks:
                self._meter.add(len(block))
        return self._hash.digest() if self._is_whole else None

    def _followed(self, blocks: Iterator[Octets]) -> Iterator[Octets]:
        for block in blocks:
            self._hash.update(block)
            yield block
        self._is_whole = True


def _is_folder(entry: Entry) -> bool:
    """Whether a slash, or nothing, ends its name, and it holds no byte. One that does is no folder:
    somebody's events may be in it."""
    return not base_name(entry.name) and not (entry.size or entry.crc)


def labelled(entry: Entry, label_of: Callable[[str], str]) -> Entry:
    """The entry, by a name of bounded length: records have it again and again."""
    shown = label_of(entry.name)
    return entry if shown is entry.name else msgspec.structs.replace(entry, name=shown)


def listing(
    opened: OpenedZip,
    is_wanted: Callable[[str, Feed], bool],
    feed: Feed,
    nothing: str,
    error: type[UnreadableZip],
) -> Listing:
    """Entries that are wanted, and not left out by SALES_IGNORE. Raises ``error`` with ``nothing``
    if there is something else instead."""
    wanted: list[Entry] = []
    others: list[Entry] = []
    names: list[str] = []
    left_out: list[str] = []
    for entry in entries(opened):
        name = entry.name
        if _is_folder(entry):
            continue
        is_left = is_left_out(name, feed.ignore)
        if not is_left and is_wanted(name, feed):
            wanted.append(entry)
            continue
        names.append(name := without_slash(name))
        if is_junk(name):
            continue
        if is_left:
            left_out.append(name)
        else:
            others.append(msgspec.structs.replace(entry, name=name))
    if not names:
        return Listing(wanted, {})
    ignored = count_endings(names)
    told = [*left_out, *(other.name for other in others)]
    if told and not wanted:
        held = endings_in_words(count_endings(told))
        why = f", of which SALES_IGNORE leaves out {len(left_out):,}" if left_out else ""
        raise error(f"{nothing}, but {held}{why}", ignored=ignored)
    return Listing(wanted, ignored, others)
