"""Cuts a part of any size into JSON arrays of bounded size, at event borders only."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline_core.containers.file_types import LONGEST, describe_beginning
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.kernel import Octets, kernel

_BLANK = b" \t\n\r"
_SLICE = 1 << 20
_DELTA = np.zeros(256, np.int8)
_DELTA[list(b"[{")] = 1
_DELTA[list(b"]}")] = -1
_STRUCTURAL = np.zeros(256, np.bool_)
_STRUCTURAL[list(b'[]{},"')] = True


@dataclass(frozen=True)
class Window:
    """A JSON array holding some consecutive events of a part; ``offset`` is its first byte's
    place in the part (after a byte-order mark and leading blanks)."""

    text: Octets
    offset: int


def windows(
    blocks: Iterable[Octets], size: int, max_event_bytes: int, offset: int = 0
) -> Iterator[Window]:
    """The part in windows of about ``size`` bytes; one window if it is no longer than that.
    ``offset`` is the place of the first one.

    A cut replaces the comma between two events by ``]`` and ``[``, found by the nesting of
    the text so far. Whether the text is JSON at all is for the decoder to say.

    Raises:
        UnreadablePart: not an array, or more than ``max_event_bytes`` without a comma between
            two events (blanks included, so that the answer does not depend on ``size``).
    """
    held, length, first, patience = list[Octets](), 0, offset, size
    for block in _from_bracket(blocks):
        held.append(block)
        length += len(block)
        if length < patience:
            continue
        text: Octets = b"".join(held)
        cut, _ = _borders(text)
        if not cut:
            _check_gap(length - 1, max_event_bytes)  # the array's end may be there
            held, patience = [text], min(2 * length, max_event_bytes + 2)
            continue
        window = Window(b"".join((memoryview(text)[:cut], b"]")), offset)
        held = [b"[", text[cut + 1 :]]
        length -= cut
        offset, patience = offset + cut, max(size, length + size // 2)
        del text  # while somebody works on the window, and it while the next one is made
        yield _checked(window, max_event_bytes)
        del window
    text = held[0] if len(held) == 1 else b"".join(held)
    if offset > first and not text[1:].strip(_BLANK).rstrip(b"]"):
        raise UnreadablePart(f"the part is not a JSON array: no event after byte {offset}")
    yield _checked(Window(text, offset), max_event_bytes)


def _borders(text: Octets) -> tuple[int, int]:
    """Place of the last comma between two events, 0 if there is none, and the longest way
    between two such commas, or one and an end of the text."""
    if kernel is not None:
        return kernel.event_borders(text)
    commas = Structure.of(text).event_commas
    ways = np.diff(commas, prepend=0, append=len(text) - 1)
    return int(commas[-1:].sum()), int(ways.max())


@dataclass(frozen=True)
class Structure:
    """Nesting of a JSON text: int64 positions of the commas between its array's items, and
    the deepest level (the array itself is level 1). Meaningless if the text is not JSON."""

    event_commas: NDArray[np.int64]
    depth: int

    @classmethod
    def of(cls, text: Octets) -> Structure:
        """One vectorised pass; escaped quotes are blanked first, so quotes just alternate."""
        if b"\\" in text:
            text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        commas, open_quotes, level, deepest = [], 0, 0, 0
        for start in range(0, len(text), _SLICE):
            octets = np.frombuffer(text[start : start + _SLICE], np.uint8)
            places = np.flatnonzero(_STRUCTURAL[octets])
            marks = octets[places]
            quotes = open_quotes + np.cumsum(marks == ord('"'))
            outside = quotes % 2 == 0
            depth = level + np.cumsum(np.where(outside, _DELTA[marks], 0))
            commas.append(start + places[(marks == ord(",")) & outside & (depth == 1)])
            if len(places):
                open_quotes, level = int(quotes[-1]) % 2, int(depth[-1])
                deepest = max(deepest, int(depth.max()))
        return cls(np.concatenate(commas), deepest)


def _from_bracket(blocks: Iterable[Octets]) -> Iterator[Octets]:
    """The blocks from the array's bracket on, without byte-order mark and leading blanks."""
    following, bom_open = iter(blocks), True
    head: Octets = b""
    for block in following:
        head = head + block if head else block
        if bom_open and len(head) < len(codecs.BOM_UTF8):
            continue
        if not head.startswith(b"["):  # stripping copies
            head = (head.removeprefix(codecs.BOM_UTF8) if bom_open else head).lstrip(_BLANK)
        bom_open = False
        if head:
            break
    head = head if head.startswith(b"[") else head.lstrip(_BLANK)
    _check_bracket(head)
    yield head
    yield from following


def _check_bracket(head: Octets) -> None:
    if not head:
        raise UnreadablePart("the part is not a JSON array: it is empty")
    if head[:1] != b"[" or head[1:2] == b"\0":
        raise UnreadablePart(
            f"the part is not a JSON array: it {_what_else(bytes(head[:LONGEST]))}"
        )


def _what_else(head: bytes) -> str:
    if head[:1] == b"{" and head[1:2] != b"\0":
        return "begins with '{': it is an object, not an array"
    return describe_beginning(head) or "does not begin with '['"


def _checked(window: Window, max_event_bytes: int) -> Window:
    if len(window.text) > max_event_bytes:
        _check_gap(_borders(window.text)[1], max_event_bytes)
    return window


def _check_gap(gap: int, max_event_bytes: int) -> None:
    if gap - 1 > max_event_bytes:
        raise UnreadablePart(f"an event is longer than the limit of {max_event_bytes} bytes")
