"""What decoding gives: candidate purchases of a window, and their JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Raw
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut_bytes
from pipeline_core.extract.candidate_rows import CandidateRows, TableRows
from pipeline_core.extract.scan import NOT_AN_OBJECT
from pipeline_core.framing.kernel import kernel
from pipeline_core.framing.strict_json import STRICT, strict_items
from pipeline_core.framing.windows import Shape, Window

_BLANK_BYTES = b" \t\n\r"
_STRING_OR_BLANKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\n\r]+')

_raws = msgspec.json.Decoder(list[Raw])


class Decoded(NamedTuple):
    """``seen`` events at consecutive ``positions`` of a window, from its ``first`` on; all items of
    an order have one position. ``not_purchase`` are something else; ``rows`` are the rest, in
    order, positions counted from ``first``. ``spans``, int64 of shape (rows, 2), are their places
    in the window's text, None if nobody knows them yet. ``general`` events were decoded by the
    general tier."""

    window: Window
    first: int
    positions: int
    seen: int
    not_purchase: int
    rows: CandidateRows
    spans: NDArray[np.int64] | None
    general: int

    @property
    def candidates(self) -> pa.Table:
        """The rows as a table."""
        return self.rows.table

    def only(self, rows: NDArray[np.int64]) -> Decoded:
        """The same with some of its rows, in order."""
        taken = self.candidates.take(pa.array(rows))
        spans = None if self.spans is None else self.spans[rows]
        return self._replace(rows=TableRows(taken), spans=spans)


def event_texts(
    decoded: Decoded, rows: NDArray[np.int64], most_bytes: int | None = None
) -> list[str]:
    """The JSON of some candidates, of an item its order's with no other item, blanks outside
    strings removed, everything else verbatim (so it stays one line), and bad lines as they stand;
    of one that is still longer than ``most_bytes`` the beginning, marked with the bytes that it has
    with its blanks. Bytes that are no UTF-8 are replaced."""
    found = decoded.candidates.select(["defect", "item"]).take(pa.array(rows))
    said = zip(*(column.to_pylist() for column in found.columns), strict=True)
    return [
        line_as_it_stands(text, most_bytes)
        if defect == NOT_AN_OBJECT and item is None and _is_bad_line(text)
        else in_one_line(text, most_bytes)
        for (defect, item), text in zip(said, _raw_texts(decoded, rows), strict=True)
    ]


def _is_bad_line(text: bytes) -> bool:
    """Of what is no object: whether it is no JSON, or one that is nested too deeply."""
    if text.startswith(b"{"):
        return b"\n" not in text
    try:
        STRICT.decode(text.decode())
    except (ValueError, RecursionError):
        return True
    return False


def line_as_it_stands(text: bytes, most_bytes: int | None = None) -> str:
    """A bad line, cut off as in ``event_texts``."""
    if not text.isascii():
        text = text.decode(errors="replace").encode()
    if most_bytes is not None and len(text) > most_bytes:
        return cut_bytes(text, most_bytes, len(text))
    return text.decode()


def in_one_line(text: bytes, most_bytes: int | None = None) -> str:
    """JSON without the blanks that are outside of strings, cut off as in ``event_texts``."""
    if not text.isascii():
        text = text.decode(errors="replace").encode()
    if most_bytes is not None and len(text) > most_bytes:
        return cut_bytes(_beginning(text, most_bytes), most_bytes, len(text))
    if len(text.translate(None, _BLANK_BYTES)) == len(text):
        return text.decode()
    return _STRING_OR_BLANKS.sub(lambda found: found[1] or b"", text).decode()


def _beginning(text: bytes, most_bytes: int) -> bytes:
    """More than ``most_bytes`` without blanks outside strings, or all that there is."""
    found, place = bytearray(), 0
    for each in _STRING_OR_BLANKS.finditer(text):
        found += text[place : each.start()]
        found += each[1] or b""
        place = each.end()
        if len(found) > most_bytes:
            return bytes(found)
    return bytes(found + text[place:])


def candidate_texts(decoded: Decoded) -> tuple[bytes, NDArray[np.int64]]:
    """The JSON of every candidate, verbatim, behind each other, and the length of each one."""
    if decoded.spans is not None and kernel is not None:
        spans = np.ascontiguousarray(decoded.spans)
        return kernel.gather(decoded.window.text, spans), spans[:, 1] - spans[:, 0]
    texts = list(_raw_texts(decoded, np.arange(decoded.candidates.num_rows)))
    return b"".join(texts), np.fromiter(map(len, texts), np.int64, len(texts))


def _raw_texts(decoded: Decoded, rows: NDArray[np.int64]) -> Iterator[bytes]:
    text = decoded.window.text
    if decoded.spans is not None:
        return (bytes(text[start:end]) for start, end in decoded.spans[rows].tolist())
    texts = item_texts(decoded.window)
    positions = decoded.first + decoded.candidates["position"].to_numpy()[rows]
    return (bytes(texts[position]) for position in positions.tolist())


def item_texts(window: Window) -> list[Any]:
    """The JSON of every event of an array, or of values, of which ``bytes`` are made."""
    if window.shape is Shape.ARRAY:
        try:
            return _raws.decode(window.text)
        except msgspec.DecodeError:  # lone surrogates
            pass
    text = window.text.decode()
    return [text[start:end].encode() for _, start, end in strict_items(window)]
