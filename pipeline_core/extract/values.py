"""Every event of a window as Python's values, for who looks at more than the purchases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline_core.extract.decode import in_one_line, item_texts, pieces
from pipeline_core.extract.strict import EXACT, strict_items
from pipeline_core.extract.windows import Window

_values = msgspec.json.Decoder(list[Any])


def event_values(window: Window) -> Iterator[dict[str, object] | str]:
    """Every event of a window that ``decode`` takes: an object as ``json.loads`` gives it, but for
    integers of more digits than Python reads, which are Decimals; of anything else its JSON.

    Raises:
        UnreadablePart: it is no such window.
    """
    for piece in pieces(window):
        try:
            values: list[Any] = _values.decode(piece.text)
        except (msgspec.DecodeError, RecursionError):
            values = [value for value, _ in strict_items(piece, EXACT)]
        if all(isinstance(value, dict) for value in values):
            yield from values
            continue
        texts = (in_one_line(bytes(text)) for text in item_texts(piece))
        for value, text in zip(values, texts, strict=True):
            yield value if isinstance(value, dict) else text
