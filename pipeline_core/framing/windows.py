"""Cuts a part of any size into texts of bounded size, at event borders only."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.borders import event_borders, longest_line, value_borders, value_end
from pipeline_core.framing.kernel import Octets

BLANK = b" \t\n\r"
_NO_ITEMS = re.compile(rb"\[[ \t\n\r]*+\]")
# Of a part that comes in several blocks: what stays in a processor's cache is read most quickly.
_STREAMED = 1 << 20


class Shape(IntEnum):
    """How events stand in a text; the kernel has the same numbers."""

    ARRAY = 0
    """The items of a JSON array."""
    LINES = 1
    """JSON values, each line for itself."""
    VALUES = 2
    """JSON values one after another."""
    OPEN_ARRAY = 3
    """The items of a JSON array, the last one up to anywhere."""


class Ending:
    """Where the window of an OPEN_ARRAY ends: before the last item that has begun. Its text is cut
    when its reader has come there; so next to no byte is read for that alone.
    Raises UnreadablePart where a comma would end it before which no item stands."""

    def __init__(self, text: bytearray, offset: int = 0) -> None:
        self.cut = 0
        """The place of the comma that became a bracket, 0 if none did."""
        self.rest = b""
        """What followed it."""
        self._text = text
        self._offset = offset

    def before(self, item: int) -> bool:
        """Whether it ends before this item, all before which are legal. If not, it may be open."""
        if self._text.startswith((b"{", b"["), item) and not value_end(self._text, item):
            if (cut := self._text.rfind(b",", 0, item)) > 0:
                self._set(cut)
            return cut > 0
        return self.find() and self.cut < item

    def find(self) -> bool:
        """Ends it, by the nesting of all of its text. False if only one item has begun."""
        cut, _ = event_borders(self._text)
        if cut:
            self._set(cut)
        return cut > 0

    def _set(self, cut: int) -> None:
        self.cut, self.rest = cut, bytes(memoryview(self._text)[cut + 1 :])
        self._text[cut:] = b"]"
        _check_items(self._text, self._offset + cut)


@dataclass(frozen=True)
class Window:
    """Some consecutive events of a part; ``offset`` is its first byte's place in the part (after a
    byte-order mark and leading blanks). ``outside`` levels of objects are around an array. Lines
    are whole ones, but for the last of a part. With an ``ending``, the text is an OPEN_ARRAY until
    that is said."""

    text: Octets
    offset: int
    shape: Shape = Shape.ARRAY
    outside: int = 0
    ending: Ending | None = field(default=None, compare=False)

    @property
    def open_ending(self) -> Ending | None:
        """The ending that nobody said yet, if there is one."""
        return None if self.ending is None or self.ending.cut else self.ending


class _Pending:
    """Bytes that wait to be a window: as many as it has patience for, before it is looked for. A
    first block that is all there is may be a window as it is, so it is given more."""

    def __init__(self, size: int) -> None:
        self.length = 0
        self._first, self._size = size, min(size, _STREAMED)
        self._patience = self._size
        self._held: list[Octets] = []

    def with_next(self, block: Octets) -> bytearray | None:
        """All of them, the next block included; None if more are to be waited for."""
        patience = self._patience if self._held else self._first
        self._held.append(block)
        self.length += len(block)
        return None if self.length < patience else bytearray().join(self._held)

    def keep(self, held: list[Octets], patience: int = 0) -> None:
        """Waits with these, until there are as many as ``patience`` says."""
        self._held, self._patience = held, patience
        self.length = sum(map(len, held))

    def keep_behind(self, cut: int, rest: list[Octets]) -> None:
        """Waits with what is left behind a window of ``cut`` bytes."""
        self._held = rest
        self.length -= cut
        self._patience = max(self._size, self.length + self._size // 2)

    def whole(self) -> Octets:
        """All of them, not copied if they are one block."""
        return self._held[0] if len(self._held) == 1 else b"".join(self._held)


def array_windows(
    blocks: Iterable[Octets],
    size: int,
    max_event_bytes: int,
    offset: int = 0,
    *,
    outside: int = 0,
    behind: list[Octets] | None = None,
    are_open: bool = False,
) -> Iterator[Window]:
    """An array in windows of about ``size`` bytes, one window if it is a block of less than that;
    of several blocks in windows of a MiB at most.
    ``offset`` is the place of the first one. What follows the array's bracket is no more of it if
    there is a list for what is ``behind`` it in the last block that was taken.

    A cut replaces the comma between two events by ``]`` and ``[``, found by the nesting of
    the text so far, or by the reader if windows ``are_open``. Whether the text is JSON
    at all is for the decoder to say.

    Raises:
        UnreadablePart: more than ``max_event_bytes`` without a comma between two events (blanks
            included, so that the answer does not depend on ``size``).
    """
    first, waiting = offset, _Pending(size)
    for block in blocks:
        if (text := waiting.with_next(block)) is None:
            continue
        if behind is not None and value_end(text):
            waiting.keep([text])
            break
        ending = Ending(text, offset)
        window = Window(text, offset, outside=outside, ending=ending)
        if is_given := are_open and len(text) <= max_event_bytes:
            yield window
        else:
            ending.find()
        if not ending.cut:
            _check_gap(waiting.length - 2, max_event_bytes)  # the array's end may be there
            waiting.keep([text], min(2 * waiting.length, max_event_bytes + 2))
            continue
        waiting.keep_behind(ending.cut, [b"[", ending.rest])
        offset += ending.cut
        del text, ending  # while somebody works on the window, and it while the next one is made
        if not is_given:
            yield _checked(window, max_event_bytes)
        del window
    last = waiting.whole()
    if behind is not None:
        if not (end := value_end(last)):
            raise UnreadablePart("the part is cut off: its array has no end")
        behind.append(last[end:])
        last = last[:end]
    if offset > first and not last[1:].strip(BLANK).rstrip(b"]"):
        raise UnreadablePart(f"the part is not a JSON array: no event after byte {offset}")
    yield _checked(Window(last, offset, outside=outside), max_event_bytes)


def sequence_windows(
    blocks: Iterable[Octets], size: int, max_event_bytes: int, shape: Shape, offset: int = 0
) -> Iterator[Window]:
    """Lines, or values one after another, in windows of about ``size`` bytes, at least one. Raises
    as ``array_windows``, for a line or a value."""
    waiting = _Pending(size)
    for block in blocks:
        if (text := waiting.with_next(block)) is None:
            continue
        cut = text.rfind(b"\n") + 1 if shape is Shape.LINES else value_borders(text)[0]
        if not cut:
            offset += len(text)
            if shape is Shape.VALUES:  # blanks are no part of any
                text = text.lstrip(BLANK)
            offset -= len(text)
            _check_gap(len(text), max_event_bytes)
            waiting.keep([text], max(size, min(2 * len(text), max_event_bytes + 1)))
            continue
        waiting.keep_behind(cut, [bytes(memoryview(text)[cut:])])
        del text[cut:]
        window = Window(text, offset, shape)
        offset += cut
        del text
        yield _checked(window, max_event_bytes)
        del window
    yield _checked(Window(waiting.whole(), offset, shape), max_event_bytes)


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


def _check_items(text: Octets, comma: int) -> None:
    """Of a window that ends at a comma, which is that byte of the part."""
    if _NO_ITEMS.match(text):
        raise UnreadablePart(f"the part is not a JSON array: no event before byte {comma}")


def _check_gap(gap: int, max_event_bytes: int) -> None:
    if gap > max_event_bytes:
        raise UnreadablePart(f"an event is longer than the limit of {max_event_bytes} bytes")
