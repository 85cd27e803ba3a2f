"""Opens zips of unknown origin and inflates their entries without believing their headers."""

from __future__ import annotations

import errno
from bisect import bisect, insort
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from pipeline_core.containers.codecs import DAMAGE, Octets, inflated_blocks
from pipeline_core.containers.directory import Entry, NoEndRecord, read_directory
from pipeline_core.containers.file_types import LONGEST, describe_beginning
from pipeline_core.containers.local_header import data_place
from pipeline_core.containers.meter import Meter
from pipeline_core.errors import InputError, RetryableError
from pipeline_core.messages import Limits


@dataclass(frozen=True)
class OpenedZip:
    """A zip of which the directory was read. ``inflated`` are the stretches of its file (from, to,
    whose name) that were given out once, in their order."""

    file: IO[bytes]
    entries: list[Entry]
    limits: Limits
    inflated: list[tuple[int, int, str]] = field(default_factory=list)


def open_zip(file: IO[bytes], what: str, limits: Limits, error: type[InputError]) -> OpenedZip:
    """Reads the directory.

    Raises:
        InputError: as ``error``, if it is not a zip, has more entries than ``limits`` allow, or
            holds records of another zip.
    """
    with _broken_as(error, f"the {what} is not a zip"):
        try:
            directory = read_directory(file, what, limits.zip_entries, error)
        except ValueError as cause:
            raise ValueError(_what_else(file, cause)) from cause
        return OpenedZip(file, directory, limits)


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
    found: dict[tuple[object, ...], Entry] = {}
    for entry in opened.entries:
        key = (entry.name, entry.offset, entry.packed_size, entry.size, entry.crc, entry.method)
        found.setdefault(key, entry)
    return sorted(found.values(), key=lambda entry: (entry.name, entry.index))


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


def _overlapped(others: list[tuple[int, int, str]], stretch: tuple[int, int, str]) -> str | None:
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
