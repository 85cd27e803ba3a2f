"""A table as its source has it, and what messages call its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

# What programs save unless they are told, where text is not in UTF-8.
AS_UTF8 = (
    "It is probably Windows-1252 or Latin-1, as programs of an office save it: save it as CSV "
    "UTF-8, or convert it by `iconv -f WINDOWS-1252 -t UTF-8`."
)
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Located:
    """A table, and where it and its rows stand."""

    # The columns that are needed, in their order, of any Arrow type.
    table: pa.Table
    # Its file, or its source and its name there.
    place: str
    # By the index in ``table``, what the row is called there; None where rows have no order.
    number: Callable[[int], str] | None = None

    def row(self, index: int, value: object = None) -> str:
        """Such as ``row 3``, or with the ``value`` that counts, ``row 3 ('VIP')``; where rows have
        no order, by all its values: ``row (NULL, 'VIP')``."""
        if self.number is not None:
            return f"row {self.number(index)}" + (f" ({shown(value)})" if value is not None else "")
        values = (value_of(column, index) for column in self.table.columns)
        return f"row ({', '.join(map(shown, values))})"


def value_of(column: pa.ChunkedArray, index: int) -> object:
    """A value as Python has it, or of a date that Python has not, its text."""
    try:
        return column[index].as_py()
    except (OverflowError, ValueError):
        return str(column[index].cast(pa.string()))


def shown(value: object) -> str:
    """A value of any row in quotes, bytes as text where they are UTF-8; None is ``NULL``."""
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:  # shown as the bytes they are
            return shortened(repr(value))
    return shortened(repr(value) if isinstance(value, str) else str(value))


def shortened(text: str) -> str:
    """No longer than a message bears."""
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    return f"{text[: _SHOWN_CHARACTERS - 3]}..."


def bad_byte(error: UnicodeDecodeError) -> str:
    """What is no UTF-8, such as ``byte 0xE9``."""
    return f"byte 0x{error.object[error.start]:02X}"
