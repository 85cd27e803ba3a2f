"""Cuts a part of any size into texts of bounded size, at event borders only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.borders import event_borders, longest_line, value_borders, value_end
from pipeline_core.framing.kernel import Octets

BLANK = b" \t\n\r"


class Shape(IntEnum):
    """How events stand in a text; the kernel has the same numbers."""

    ARRAY = 0
    """The items of a JSON array."""
    LINES = 1
    """JSON values, each line for itself."""
    VALUES = 2
    """JSON values one after another."""


@dataclass(frozen=True)
class Window:
    """Some consecutive events of a part; ``offset`` is its first byte's place in the part (after a
    byte-order mark and leading blanks). ``outside`` levels of objects are around an array. Lines
    are whole ones, but for the last of a part."""

    text: Octets
    offset: int
    shape: Shape = Shape.ARRAY
    outside: int = 0


def array_windows(
    blocks: Iterable[Octets],
    size: int,
    max_event_bytes: int,
    offset: int = 0,
    *,
    outside: int = 0,
    behind: list[Octets] | None = None,
) -> Iterator[Window]:
    """An array in windows of about ``size`` bytes; one window if it is no longer than that.
    ``offset`` is the place of the first one. What follows the array's bracket is no more of it if
    there is a list for what is ``behind`` it in the last block that was taken.

    A cut replaces the comma between two events by ``]`` and ``[``, found by the nesting of
    the text so far. Whether the text is JSON at all is for the decoder to say.

    Raises:
        UnreadablePart: more than ``max_event_bytes`` without a comma between two events (blanks
            included, so that the answer does not depend on ``size``).
    """
    held, length, first, patience = list[Octets](), 0, offset, size
    for block in blocks:
        held.append(block)
        length += len(block)
        if length < patience:
            continue
        text: Octets = b"".join(held)
        if behind is not None and value_end(text):
            held = [text]
            break
        cut, _ = event_borders(text)
        if not cut:
            _check_gap(length - 2, max_event_bytes)  # the array's end may be there
            held, patience = [text], min(2 * length, max_event_bytes + 2)
            continue
        window = Window(b"".join((memoryview(text)[:cut], b"]")), offset, outside=outside)
        held = [b"[", text[cut + 1 :]]
        length -= cut
        offset, patience = offset + cut, max(size, length + size // 2)
        del text  # while somebody works on the window, and it while the next one is made
        yield _checked(window, max_event_bytes)
        del window
    text = held[0] if len(held) == 1 else b"".join(held)
    if behind is not None:
        if not (end := value_end(text)):
            raise UnreadablePart("the part is cut off: its array has no end")
        behind.append(text[end:])
        text = text[:end]
    if offset > first and not text[1:].strip(BLANK).rstrip(b"]"):
        raise UnreadablePart(f"the part is not a JSON array: no event after byte {offset}")
    yield _checked(Window(text, offset, outside=outside), max_event_bytes)


def sequence_windows(
    blocks: Iterable[Octets], size: int, max_event_bytes: int, shape: Shape, offset: int = 0
) -> Iterator[Window]:
    """Lines, or values one after another, in windows of about ``size`` bytes, at least one. Raises
    as ``array_windows``, for a line or a value."""
    held, length, patience = list[Octets](), 0, size
    for block in blocks:
        held.append(block)
        length += len(block)
        if length < patience:
            continue
        text: Octets = b"".join(held)
        cut = text.rfind(b"\n") + 1 if shape is Shape.LINES else value_borders(text)[0]
        if not cut:
            if shape is Shape.VALUES:  # blanks are no part of any
                text = text.lstrip(BLANK)
            offset, length = offset + length - len(text), len(text)
            _check_gap(length, max_event_bytes)
            held, patience = [text], max(size, min(2 * length, max_event_bytes + 1))
            continue
        window = Window(text[:cut], offset, shape)
        held = [text[cut:]]
        length -= cut
        offset, patience = offset + cut, max(size, length + size // 2)
        del text
        yield _checked(window, max_event_bytes)
        del window
    text = held[0] if len(held) == 1 else b"".join(held)
    yield _checked(Window(text, offset, shape), max_event_bytes)


def _checked(window: Window, max_event_bytes: int) -> Window:
    if len(window.text) > max_event_bytes:
        _check_gap(_longest_event(window), max_event_bytes)
    return window


def _longest_event(window: Window) -> int:
    if window.shape is Shape.LINES:
        return longest_line(window.text)
    if window.shape is Shape.VALUES:
        return value_borders(window.text)[1]
    return event_borders(window.text)[1] - 1


def _check_gap(gap: int, max_event_bytes: int) -> None:
    if gap > max_event_bytes:
        raise UnreadablePart(f"an event is longer than the limit of {max_event_bytes} bytes")
