"""The items of an order in its JSON, which is known to be legal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline_core.framing.borders import value_end
from pipeline_core.framing.strict_json import STRICT

Span = tuple[int, int]

_BLANKS = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^ \t\n\r,\]}]++', re.DOTALL)
# The texts of an order's items, of its own and in all: what is around it is in each of them.
_MOST_TIMES = 32
_MOST_BYTES = 1 << 25


class _Excerpt(NamedTuple):
    """Where an item is, and what is around it but for the others in its lists."""

    before: tuple[Span, ...]
    place: Span
    behind: tuple[Span, ...]


def item_texts(text: bytes, steps: Sequence[str], numbers: Sequence[int]) -> list[bytes]:
    """The order's JSON with one of its items alone, for each of these ``numbers``; the items' own
    if that were too much. ``steps`` are the paths that lead from one list to the next."""
    order = _Excerpt((), (_after_blanks(text, 0), len(text)), ())
    items = list(_items(text, order, steps))
    chosen = [items[number] for number in numbers]
    spans = [(*item.before, item.place, *item.behind) for item in chosen]
    length = sum(end - start for each in spans for start, end in each)
    if length > min(_MOST_BYTES, _MOST_TIMES * len(text)):
        spans = [(item.place,) for item in chosen]
    return [b"".join(text[start:end] for start, end in each) for each in spans]


def _items(text: bytes, item: _Excerpt, steps: Sequence[str]) -> Iterator[_Excerpt]:
    """As ``items_of``."""
    start, end = item.place
    if not steps or text[start : start + 1] != b"{":
        yield item
        return
    found = _at(text, item.place, steps[0])
    opening = b"" if found is None else text[found[0] : found[0] + 1]
    if found is None or opening == b"n":  # null
        return
    inside, below = [found], steps[:0]  # something else in place of a list
    if opening == b"[":
        inside, below = [span for _, span in _inside(text, found[0])], steps[1:]
    if inside:
        before = (*item.before, (start, inside[0][0]))
        behind = ((inside[-1][1], end), *item.behind)
        for span in inside:
            yield from _items(text, _Excerpt(before, span, behind), below)


def _at(text: bytes, holder: Span, path: str) -> Span | None:
    """As ``lookup``."""
    members = dict(_inside(text, holder[0]))
    key, _, rest = path.partition(".")
    if path in members or key not in members or not rest:
        return members.get(path)
    inner = members[key]
    return _at(text, inner, rest) if text[inner[0] : inner[0] + 1] == b"{" else None


def _inside(text: bytes, start: int) -> Iterator[tuple[str, Span]]:
    """The values of an object by their keys, or of a list, or nothing."""
    opening = text[start : start + 1]
    place = _after_blanks(text, start + 1)
    while opening in (b"{", b"[") and text[place : place + 1] not in (b"}", b"]"):
        key = ""
        if opening == b"{":
            end = _end(text, place)
            key = str(STRICT.decode(text[place:end].decode()))
            place = _after_blanks(text, _after_blanks(text, end) + 1)
        end = _end(text, place)
        yield key, (place, end)
        place = _after_blanks(text, end)
        if text[place : place + 1] == b",":
            place = _after_blanks(text, place + 1)


def _end(text: bytes, place: int) -> int:
    if text[place : place + 1] in (b"{", b"["):
        return value_end(text, place)
    return _SCALAR.match(text, place).end()  # type: ignore[union-attr]


def _after_blanks(text: bytes, place: int) -> int:
    return _BLANKS.match(text, place).end()  # type: ignore[union-attr]
