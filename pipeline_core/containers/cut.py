"""Texts that strangers wrote, cut to a length: marked as cut, and never inside a character."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

# Of an entry's name, in bytes of UTF-8: as long as the key of an object may be.
LONGEST_NAME = 1024
# Of the cause why something could not be read, in bytes of UTF-8.
LONGEST_CAUSE = 1024
_KEPT_OF_NAME = 480
_MARK = re.compile(r"… \(cut, \d+ bytes in all\)\Z")
_SHORT = 4  # bytes that a character may take


def cut_bytes(text: bytes, most: int, whole: int | None = None) -> str:
    """UTF-8 as text, and of one that is longer its first ``most`` bytes and how long it is, or the
    ``whole`` of which it is the beginning: JSON never ends in such a mark."""
    if len(text) <= most:
        return text.decode()
    size = len(text) if whole is None else whole
    return f"{text[:most].decode(errors='ignore')}… (cut, {size} bytes in all)"


def is_cut(event: str) -> bool:
    """Whether the text of an event was cut by ``cut_bytes``."""
    return _MARK.search(event) is not None


def cut(text: str, most: int) -> str:
    """The same of a text."""
    return text if len(text) * _SHORT <= most else cut_bytes(text.encode(), most)


class CutName(NamedTuple):
    """What is kept of a name over LONGEST_NAME: its first and its last characters, and 32 hex
    digits of its SHA-256."""

    begin: str
    digest: str
    end: str


def cut_name(name: str) -> CutName | None:
    """None of a name that is short enough."""
    if len(name) * _SHORT <= LONGEST_NAME:
        return None
    text = name.encode()
    if len(text) <= LONGEST_NAME:
        return None
    begin, end = (
        piece.decode(errors="ignore") for piece in (text[:_KEPT_OF_NAME], text[-_KEPT_OF_NAME:])
    )
    return CutName(begin, hashlib.sha256(text).hexdigest()[:32], end)


def label(name: str) -> str:
    """An entry's name, to show and to tell it from others: of one over LONGEST_NAME its beginning,
    its SHA-256 and its end. That of a label is itself."""
    cut = cut_name(name)
    return name if cut is None else "…".join(cut)
