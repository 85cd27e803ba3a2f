"""Where a text may be cut: the borders of its events, and the ends of its values. What is found
means nothing if the text is not JSON; that is for the decoder to say."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from pipeline_core.framing.kernel import Octets, kernel

_SLICE = 1 << 20
_DELTA = np.zeros(256, np.int8)
_DELTA[list(b"[{")] = 1
_DELTA[list(b"]}")] = -1
_STRUCTURAL = np.zeros(256, np.bool_)
_STRUCTURAL[list(b'[]{},"')] = True


@dataclass(frozen=True)
class Structure:
    """Nesting of a JSON text: int64 positions of the commas between an array's items, and of what
    opens and closes its outermost values; and the deepest level (the outermost is level 1)."""

    event_commas: NDArray[np.int64]
    openings: NDArray[np.int64]
    closings: NDArray[np.int64]
    depth: int

    @classmethod
    def of(cls, text: Octets) -> Structure:
        """One vectorised pass; escaped quotes are blanked first, so quotes just alternate."""
        nothing = np.zeros(0, np.int64)
        if b"\\" in text:
            text = text.replace(b"\\\\", b"__").replace(b'\\"', b"__")
        commas, openings, closings = [nothing], [nothing], [nothing]
        open_quotes, level, deepest = 0, 0, 0
        for start in range(0, len(text), _SLICE):
            octets = np.frombuffer(text[start : start + _SLICE], np.uint8)
            places = np.flatnonzero(_STRUCTURAL[octets])
            marks = octets[places]
            quotes = open_quotes + np.cumsum(marks == ord('"'))
            outside = quotes % 2 == 0
            delta = np.where(outside, _DELTA[marks], 0)
            depth = level + np.cumsum(delta)
            commas.append(start + places[(marks == ord(",")) & outside & (depth == 1)])
            openings.append(start + places[(delta > 0) & (depth == 1)])
            closings.append(start + places[(delta < 0) & (depth <= 0)])
            if len(places):
                open_quotes, level = int(quotes[-1]) % 2, int(depth[-1])
                deepest = max(deepest, int(depth.max()))
        return cls(
            np.concatenate(commas), np.concatenate(openings), np.concatenate(closings), deepest
        )


def event_borders(text: Octets) -> tuple[int, int]:
    """Of an array: place of the last comma between two events, 0 if there is none, and the longest
    way between two such commas, or one and an end of the text."""
    if kernel is not None:
        return kernel.event_borders(text)
    commas = Structure.of(text).event_commas
    ways = np.diff(commas, prepend=0, append=len(text) - 1)
    return int(commas[-1:].sum()), int(ways.max())


def value_borders(text: Octets) -> tuple[int, int]:
    """Of values one after another: the end of the last object or array that is closed, 0 if none
    is, and the longest object or array."""
    if kernel is not None:
        return kernel.value_borders(text)
    structure = Structure.of(text)
    ends = structure.closings + 1
    starts = structure.openings
    last = int(ends[-1:].sum())
    lengths = np.append(ends, len(text))[: len(starts)] - starts
    return last, int(lengths.max(initial=0))


def longest_line(text: Octets) -> int:
    """The bytes of the longest line, without what ends it."""
    return max((len(line.removesuffix(b"\n")) for line in BytesIO(text)), default=0)


def value_end(text: Octets, start: int = 0) -> int:
    """The end of the object or array that begins at ``start``, 0 if it is not closed."""
    if kernel is not None:
        return kernel.value_end(text, start)
    ends = Structure.of(text[start:]).closings
    return start + int(ends[0]) + 1 if len(ends) else 0
