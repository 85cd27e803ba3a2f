"""How the events of a part stand in it, told by its content: an array, lines, values one after
another, one event, or an envelope."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from pipeline_core.containers.file_types import LONGEST, describe_beginning
from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.borders import value_end
from pipeline_core.framing.envelope import (
    check_beginning,
    envelope_windows,
    first_records,
    is_envelope,
    whole_records,
)
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.strict_json import STRICT
from pipeline_core.framing.windows import BLANK, Shape, Window, array_windows, sequence_windows
from pipeline_core.messages import Feed, Limits

_LINE_END = re.compile(rb"[ \t\r]*+\n")
_NOT_BLANK = re.compile(rb"[^ \t\n\r]")
_MOST_BLANKS = 1 << 20
# By so many lines, or values, envelopes are told from events.
_MOST_FIRST = 100


def windows(
    blocks: Iterable[Octets], size: int, limits: Limits, feed: Feed, *, are_open: bool = False
) -> Iterator[Window]:
    """The events of a part in windows of about ``size`` bytes, in memory of about that much and of
    the longest event that there may be. If windows ``are_open``, ``decode`` says where each of
    an array ends.

    Raises:
        UnreadablePart: it is none of the shapes, or an event is over its limit.
    """
    following = _from_value(blocks)
    first = next(following)
    if is_array(first):
        blocks = chain([first], following)
        yield from array_windows(blocks, size, limits.event_bytes, are_open=are_open)
    else:
        yield from _Head(first, following, limits.event_bytes).windows(size, limits, feed)


def is_array(text: Octets) -> bool:
    """Whether an array begins there, in UTF-8."""
    return text[:1] == b"[" and text[1:2] != b"\0"


class _Head:
    """The first bytes of a part that is no array: as many as it takes to tell its shape."""

    def __init__(self, first: Octets, following: Iterator[Octets], most: int) -> None:
        self.text = first
        self._following = following
        self._most = most
        self._is_whole = False

    def windows(self, size: int, limits: Limits, feed: Feed) -> Iterator[Window]:
        """The part's windows; raises as they do."""
        if self.text[:1] != b"{":
            return self._lines(size, limits, feed, "it does not begin with '[' or '{'")
        end = self._first_end()
        try:
            if not end:
                return self._open(size, limits, feed)
            if not self._has_more(end):
                return self._single(self.text[:end], size, limits, feed)
            STRICT.decode(self.text[:end].decode())
        except (ValueError, RecursionError) as error:
            return self._lines(size, limits, feed, f"it is not JSON: {error}")
        is_line = b"\n" not in self.text[:end] and _LINE_END.match(self.text, end)
        return self._sequence(Shape.LINES if is_line else Shape.VALUES, size, limits, feed)

    def _sequence(self, shape: Shape, size: int, limits: Limits, feed: Feed) -> Iterator[Window]:
        are_envelopes = any(is_envelope(each, feed) for each in self._firsts(shape))
        blocks = chain([self.text], self._following)
        if are_envelopes:
            values = sequence_windows(blocks, size, self._most, Shape.VALUES)
            return (each for value in values for each in _opened(value, size, limits, feed))
        return sequence_windows(blocks, size, self._most, shape)

    def _firsts(self, shape: Shape) -> Iterator[Octets]:
        """The first lines, or values, that may be envelopes."""
        place = 0
        for _ in range(_MOST_FIRST):
            while not (end := self._end_of(shape, place)) and self._grow():
                pass
            end = end or self._end_of(shape, place)
            if not 0 < end <= self._most:
                return
            text = self.text[place:end]
            if b"[" in text:
                yield text.strip(BLANK)
            place = end

    def _end_of(self, shape: Shape, place: int) -> int:
        """Where the line or the value ends that begins there; 0 if it does not yet, and -1 if there
        is neither an object nor an array."""
        if shape is Shape.LINES:
            is_last = self._is_whole and place < len(self.text)
            return self.text.find(b"\n", place) + 1 or (len(self.text) if is_last else 0)
        first = _NOT_BLANK.search(self.text, place)
        if first is None:
            return 0
        return value_end(self.text, first.start()) if first[0] in b"[{" else -1

    def _single(self, text: Octets, size: int, limits: Limits, feed: Feed) -> Iterator[Window]:
        """Of a part that is one object."""
        records = whole_records(text, feed)
        if records is None:
            return sequence_windows([text], size, self._most, Shape.VALUES)
        return envelope_windows(text, records, [], size, limits, feed)

    def _open(self, size: int, limits: Limits, feed: Feed) -> Iterator[Window]:
        """Of an object that is not closed where an event would have to be."""
        if len(self.text) <= self._most:
            return self._lines(size, limits, feed, "it is cut off: its object has no end")
        records = first_records(self.text[: self._most + 1], feed)
        if records is None:
            return self._lines(size, limits, feed, _too_long(self._most))
        check_beginning(self.text, records)
        return envelope_windows(self.text, records, self._following, size, limits, feed)

    def _lines(self, size: int, limits: Limits, feed: Feed, cause: str) -> Iterator[Window]:
        """Of a part whose first line is bad, if one of the next is an object. Raises UnreadablePart
        else, for the ``cause`` unless its first bytes say more."""
        is_more = self.text[:1] != b"["  # else it is an array of another encoding
        while is_more:
            is_more = self._grow()
            lines = self.text[: self._most].split(b"\n")[1:]
            is_whole = self._is_whole and len(self.text) <= self._most
            if any(map(_is_object, lines if is_whole else lines[:-1])):
                return self._sequence(Shape.LINES, size, limits, feed)
        said = describe_beginning(bytes(self.text[:LONGEST]))
        is_known = said is not None and said != "begins like JSON"
        raise UnreadablePart(
            f"the part holds no JSON events: {f'it {said}' if is_known else cause}"
        )

    def _first_end(self) -> int:
        """The end of the first value, 0 if it has none as near as an event's has to be."""
        while not (end := value_end(self.text)) and self._grow():
            pass
        return end if end <= self._most else 0

    def _has_more(self, end: int) -> bool:
        """Whether something follows but blanks."""
        most = end + max(self._most, _MOST_BLANKS)
        while not self.text[end:most].strip(BLANK):
            if not self._grow(most):
                if len(self.text) > most:
                    raise UnreadablePart("there are too many blanks behind the first event")
                return False
        return True

    def _grow(self, most: int = 0) -> bool:
        """Takes about as much again. False if there is no more, or there are more bytes than
        ``most``, or than any event may have."""
        held, length, most = [self.text], len(self.text), most or self._most
        if length > most:
            return False
        most = min(2 * length, most + 1)
        while length < most:
            block = next(self._following, None)
            if block is None:
                self._is_whole = True
                break
            held.append(block)
            length += len(block)
        is_more = len(held) > 1
        self.text = b"".join(held) if is_more else self.text
        return is_more


def _opened(values: Window, size: int, limits: Limits, feed: Feed) -> Iterator[Window]:
    """The events of envelopes one after another. Raises UnreadablePart if anything else is there,
    or as ``envelope_windows``."""
    text, end = values.text, 0
    while (first := _NOT_BLANK.search(text, end)) is not None:
        start = first.start()
        byte = values.offset + start
        end = value_end(text, start) if first[0] == b"{" else 0
        if not end:
            raise UnreadablePart(f"the part is not envelopes one after another at byte {byte}")
        envelope = text[start:end]
        try:
            records = whole_records(envelope, feed)
        except (ValueError, RecursionError) as error:
            raise UnreadablePart(f"an envelope at byte {byte} is not JSON: {error}") from error
        if records is None:
            raise UnreadablePart(f"an event stands among envelopes at byte {byte}")
        yield from envelope_windows(envelope, records, [], size, limits, feed, byte)


def _too_long(most: int) -> str:
    return f"an event is longer than the limit of {most} bytes"


def _is_object(text: Octets) -> bool:
    if not text.lstrip(BLANK).startswith(b"{"):
        return False
    try:
        return isinstance(STRICT.decode(text.decode()), dict)
    except (ValueError, RecursionError):
        return False


def _from_value(blocks: Iterable[Octets]) -> Iterator[Octets]:
    """The blocks from the first value on, without byte-order mark and leading blanks: at least one,
    and of the first at least one byte.

    Raises:
        UnreadablePart: there is nothing else.
    """
    following, bom_open = iter(blocks), True
    head: Octets = b""
    for block in following:
        head = head + block if head else block
        if bom_open and len(head) < len(codecs.BOM_UTF8):
            continue
        if not head.startswith((b"[", b"{")):  # stripping copies
            head = (head.removeprefix(codecs.BOM_UTF8) if bom_open else head).lstrip(BLANK)
        bom_open = False
        if head:
            break
    head = head if head.startswith((b"[", b"{")) else head.lstrip(BLANK)
    if not head:
        raise UnreadablePart(
            "the part holds no JSON events: it is empty, and would be [] without any"
        )
    yield head
    yield from following
