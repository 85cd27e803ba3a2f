"""A file of extracts: days of one archive, one behind the other.

::

    8 bytes      length of the list of its days, little-endian
    32 bytes     SHA-256 of the list
    list         JSON: SHA-256 of each day's bytes, and bytes of its extract
    extracts     in the order of the list, each with a SHA-256 of its own

The list comes first, so that one request reads it, and another one the day that is wanted.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline_core.machine.known_kinds import known

# A file ends behind the day with which it has so many: only a day of half of 16 MiB makes a larger.
FULL_BYTES = 8 << 20
# Their beginnings are the file's name, which a file system takes up to 255 bytes of.
MOST_DAYS = 31
# The list of so many days fits in.
LIST_BYTES = 4096

_HEAD = struct.Struct("<Q32s")
_MOST_A_DAY = 96


class ListedDay(Struct, frozen=True, array_like=True):
    """A day of the file."""

    digest: str
    """SHA-256 (hex) of its bytes."""
    size: int
    """Bytes of its extract."""


class FileStretch(NamedTuple):
    """Where an extract is in the file: so many bytes from ``begin`` on."""

    begin: int
    size: int


def list_of(days: Sequence[ListedDay]) -> bytes:
    """What stands before the extracts of ``days``."""
    listed = msgspec.json.encode(days)
    return _HEAD.pack(len(listed), hashlib.sha256(listed).digest()) + listed


def most_list_bytes(days: int) -> int:
    """No list of so many days is longer."""
    return _HEAD.size + _MOST_A_DAY * days


def spans(beginning: bytes) -> dict[str, FileStretch] | None:
    """By the days' digests, where each is in a file with such a beginning, of LIST_BYTES or more;
    None if its list is not sound."""
    if len(beginning) < _HEAD.size:
        return None
    length, digest = _HEAD.unpack_from(beginning)
    listed = beginning[_HEAD.size : _HEAD.size + length]
    if hashlib.sha256(listed).digest() != digest:
        return None
    found, begin = dict[str, FileStretch](), _HEAD.size + length
    for day in msgspec.json.decode(listed, type=known(tuple[ListedDay, ...])):
        found[day.digest] = FileStretch(begin, day.size)
        begin += day.size
    return found
