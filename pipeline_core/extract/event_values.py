"""Every event of a window as Python's values, for who looks at more than the purchases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline_core.extract.candidates import in_one_line, item_texts
from pipeline_core.extract.general_tier import is_deeper, lines, pieces
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.strict_json import EXACT, strict_items, values_of
from pipeline_core.framing.windows import Shape, Window

_values = msgspec.json.Decoder(list[Any])


def event_values(window: Window, json_depth: int) -> Iterator[dict[str, object] | str]:
    """Every event of a window that ``decode`` takes: an object as ``json.loads`` gives it, but for
    integers of more digits than Python reads, which are Decimals; of anything else its JSON, or
    the text of a line that is none.

    Raises:
        UnreadablePart: it is no such window.
    """
    if window.shape is Shape.LINES:
        for content, _, _ in lines(window):
            yield from _line_values(content, json_depth)
        return
    for piece in pieces(window):
        values = _array_values(piece) if piece.shape is Shape.ARRAY else None
        if values is None:
            values = [value for value, _, _ in strict_items(piece, EXACT)]
        if all(isinstance(value, dict) for value in values):
            yield from values
            continue
        texts = (in_one_line(bytes(text)) for text in item_texts(piece))
        for value, text in zip(values, texts, strict=True):
            yield value if isinstance(value, dict) else text


def _array_values(window: Window) -> list[Any] | None:
    try:
        return _values.decode(window.text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _line_values(content: Octets, json_depth: int) -> Iterator[dict[str, object] | str]:
    try:
        text = content.decode()
        found = [(value, text[a:b]) for value, a, b in values_of(text, EXACT)]
    except (ValueError, RecursionError):  # a bad line, which is one event
        found = []
    if not found or is_deeper(content, json_depth):
        yield in_one_line(bytes(content))
        return
    for value, text in found:
        yield value if isinstance(value, dict) else in_one_line(text.encode())
