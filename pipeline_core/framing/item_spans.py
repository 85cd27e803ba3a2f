"""Where the items of an order stand in its JSON, which is known to be legal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline_core.framing.borders import value_end
from pipeline_core.framing.strict_json import STRICT

Span = tuple[int, int]

_BLANKS = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[^ \t\n\r,\]}]++', re.DOTALL)


def item_spans(text: bytes, steps: Sequence[str]) -> list[Span]:
    """The first byte of every item of an order, and the one after its last; ``steps`` are the paths
    that lead from one list to the next."""
    level: list[Span] = [(_after_blanks(text, 0), len(text))]
    for step in steps:
        below: list[Span] = []
        for span in level:
            if text[span[0] : span[0] + 1] != b"{":
                below.append(span)
            elif (found := _at(text, span, step)) is not None:
                below += (value for _, value in _inside(text, found[0]))
        level = below
    return level


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
