"""Opens zips of unknown origin and inflates their entries without believing their headers."""

from __future__ import annotations

import errno
import io
from bisect import bisect, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import IO

from pipeline_core.containers.codecs import DAMAGE, Octets, inflated_blocks
from pipeline_core.containers.directory import Entry, NoEndRecord, ZipBytes, read_directory
from pipeline_core.containers.file_types import LONGEST, describe_beginning
from pipeline_core.containers.local_header import data_place
from pipeline_core.containers.meter import Meter
from pipeline_core.containers.plain_zip import plain_bytes, plain_directory, plain_places
from pipeline_core.errors import InputError, RetryableError
from pipeline_core.messages import Limits

Held = Octets | memoryview
Stretch = tuple[int, int, str]
"""From, to, and whose name."""


@dataclass(frozen=True)
class OpenedZip:
    """A zip of which the directory was read, of a file or of bytes in memory. ``inflated`` are the
    stretches of it that were given out once, in their order."""

    source: IO[bytes] | Held
    entries: list[Entry]
    limits: Limits
    inflated: list[Stretch] = field(default_factory=list)

    @cached_property
    def file(self) -> IO[bytes]:
        """The zip as a file."""
        return _as_file(self.source)

    @cached_property
    def content(self) -> memoryview | None:
        """All bytes of a zip in memory."""
        return memoryview(self.source) if isinstance(self.source, Held) else None


def _as_file(source: IO[bytes] | Held) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, Held) else source


def open_zip(
    source: IO[bytes] | Held, what: str, limits: Limits, error: type[InputError]
) -> OpenedZip:
    """Reads the directory.

    Raises:
        InputError: as ``error``, if it is not a zip, has more entries than ``limits`` allow, or
            holds records of another zip.
    """
    with _broken_as(error, f"the {what} is not a zip"):
        directory = None
        if isinstance(source, Held):
            directory = plain_directory(source, len(source), limits.zip_entries)
        if directory is None:
            directory = _read_directory(_as_file(source), what, limits, error)
        return OpenedZip(source, directory, limits)


def _read_directory(
    file: IO[bytes], what: str, limits: Limits, error: type[InputError]
) -> list[Entry]:
    try:
        zipped = ZipBytes(file)
        plain = plain_directory(zipped.tail, zipped.size, limits.zip_entries)
        return plain or read_directory(zipped, what, limits.zip_entries, error)
    except ValueError as cause:
        raise ValueError(_what_else(file, cause)) from cause


def _what_else(file: IO[bytes], cause: ValueError) -> str:
    """What a file is that is no zip."""
    file.seek(0)
    head = file.read(LONGEST)
    if not head.startswith(b"PK"):
        told = describe_beginning(head)
        return str(cause) if told is None else f"it {told}"
    if isinstance(cause, NoEndRecord):
        return "it begins like a zip and has no end: it was cut off"
    return str(cause)


def entries(opened: OpenedZip) -> list[Entry]:
    """By name, and then by place in the directory; one that is listed more than once is one."""
    found = opened.entries  # by their places
    if len({entry.name for entry in found}) < len(found):
        different: dict[tuple[object, ...], Entry] = {}
        for entry in found:
            key = (entry.name, entry.offset, entry.packed_size, entry.size, entry.crc, entry.method)
            different.setdefault(key, entry)
        found = list(different.values())
    return sorted(found, key=attrgetter("name"))


def whole_entry(
    opened: OpenedZip, entry: Entry, meter: Meter, most: int, *, once: bool = False
) -> tuple[Held, Stretch] | None:
    """All bytes of an entry of a zip in memory, and its stretch, if everything about them is sound
    and they are no more than ``most``: see ``plain_zip.py``. None is for ``inflate`` to say. They
    are neither counted nor, if they are inflated ``once``, noted."""
    content = opened.content
    if content is None or entry.size > meter.limit:
        return None
    places = plain_places(content, entry)
    if places is None:
        return None
    begin, place, end = places
    stretch = begin, end, entry.name
    if once and _overlapped(opened.inflated, stretch) is not None:
        return None
    found = plain_bytes(content[place:end], entry, most)
    return None if found is None else (found, stretch)


def inflate(
    opened: OpenedZip,
    entry: Entry,
    what: str,
    error: type[InputError],
    meter: Meter,
    whole_bytes: int,
    *,
    once: bool = False,
    is_counted: bool = True,
) -> Iterator[Octets]:
    """The bytes of an entry in blocks; CRC checked. One of up to ``whole_bytes`` may come as a
    single block. ``meter`` counts them as they appear, unless that is the caller's business. What
    is inflated ``once`` shares no byte of the file with another that was.

    Raises:
        InputError: as ``error``, if the entry cannot be inflated or is not as long as declared;
            that of ``meter`` if it is longer than all that may be counted.
    """
    whole = whole_entry(opened, entry, meter, whole_bytes, once=once)
    if whole is None:
        yield from _inflate_in_blocks(
            opened, entry, what, error, meter, whole_bytes, once=once, is_counted=is_counted
        )
        return
    content, stretch = whole
    if is_counted:
        meter.add(len(content))
    yield bytes(content) if isinstance(content, memoryview) else content
    if once:
        insort(opened.inflated, stretch)


def _inflate_in_blocks(
    opened: OpenedZip,
    entry: Entry,
    what: str,
    error: type[InputError],
    meter: Meter,
    whole_bytes: int,
    *,
    once: bool,
    is_counted: bool,
) -> Iterator[Octets]:
    if entry.size > meter.limit:
        raise meter.error(f"the {meter.what} holds more than the limit of {meter.limit} bytes")
    seen = 0
    with _broken_as(error, f"the {what} cannot be inflated"):
        place = data_place(opened.file, entry)
        stretch = (entry.offset, place + entry.packed_size, entry.name)
        if once and (other := _overlapped(opened.inflated, stretch)) is not None:
            raise error(f"the {what} shares its bytes with {other}, which was read before")
        blocks = inflated_blocks(opened.file, entry, place, whole_bytes, opened.limits)
    while True:
        with _broken_as(error, f"the {what} cannot be inflated"):
            block = next(blocks, b"")
        if not block:
            break
        seen += len(block)
        if seen > entry.size:
            break
        if is_counted:
            meter.add(len(block))
        yield block
    if seen != entry.size:
        held = "more" if seen > entry.size else seen
        raise error(
            f"the {what} cannot be inflated: it declares {entry.size} bytes, it holds {held}"
        )
    if once:
        insort(opened.inflated, stretch)


def counted(blocks: Iterable[Octets], meter: Meter) -> Iterator[Octets]:
    """The blocks, counted as they pass. Raises what ``meter`` raises."""
    for block in blocks:
        meter.add(len(block))
        yield block


def _overlapped(others: list[Stretch], stretch: Stretch) -> str | None:
    """The name of one of ``others``, none of which overlap, that overlaps the stretch."""
    place = bisect(others, stretch)
    for begin, end, name in others[max(0, place - 1) : place + 1]:
        if begin < stretch[1] and stretch[0] < end:
            return name
    return None


@contextmanager
def _broken_as(error: type[InputError], message: str) -> Iterator[None]:
    try:
        yield
    except DAMAGE as cause:
        # The disk, not the bytes; but it is bytes that ask for a place no file can have.
        if isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL):
            raise RetryableError(f"Cannot read: {cause}.", "Check the storage.") from cause
        raise error(f"{message}: {str(cause) or type(cause).__name__}") from cause
