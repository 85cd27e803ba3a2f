"""Reads a table of CSV (RFC 4180): whole, or refused with the row that is wrong.

What has no quotes is cut up; all else is read by Python's reader, in strict mode. pyarrow's is
quicker than that, and takes a quote that does not end for a cell with the rest of the table in it,
and text after a closing quote for a part of the cell.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import TextIO

import pyarrow as pa

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.dimensions.source import find_columns
from pipeline_core.dimensions.source_table import AS_UTF8, Located, bad_byte, shortened
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.plural import counted

_BLOCK_ROWS = 65_536
_BLOCK_BYTES = 1 << 20
# Where cells do not end at each delimiter, or lines not at each line feed alone.
_UNLIKE_PLAIN = re.compile(rb'["\r]')
_LARGEST_CELL = 2**31 - 1
# UTF-32's begins like UTF-16's.
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# By their first bytes: files that were given another ending.
_OTHER_FILES = {
    b"PK\x03\x04": "a zip or a workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"\x1f\x8b": "packed by gzip",
    b"\x28\xb5\x2f\xfd": "packed by Zstandard",
    b"PAR1": "Parquet",
}
_AS_UTF8 = "Save it as CSV in UTF-8."
# What may stand between cells, and how it is called.
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_QUOTING = 'End that cell with a quote; write a quote that belongs to a cell as two ("").'


def read_csv_table(path: Path, table: DimensionTable) -> Located:
    """Its columns (binary, verbatim) under our names, other ones passed over. Between cells stands
    a comma, a semicolon, a tab or a bar: that with which the header has these columns. Rows are
    called by the line in which they begin, as an editor counts: the header is row 1. Empty lines
    are passed over.

    Raises:
        ConfigError: a column is missing, or the header has them with two delimiters.
        InputError: it is empty, a row has more or fewer cells than the header, a quote is amiss, or
            it is not in UTF-8 by its first line.
        OSError: it cannot be read.
    """
    mark = _byte_order_mark(path)
    delimiter = _delimiter(path, mark, table)
    return _read_plain(path, table, mark, delimiter) or _read_any(path, table, mark, delimiter)


def _read_plain(path: Path, table: DimensionTable, mark: bytes, delimiter: str) -> Located | None:
    """As ``_read_any``, in a fraction of the time: cut at the delimiters. None if a quote, an empty
    line or a lone carriage return is in it, or a row that is to be refused."""
    with _opened(path, mark) as text:
        names = _names(_rows(text, path, delimiter), path, table)
    found, between = find_columns(names, table, path), delimiter.encode()
    blocks: list[pa.Table] = []
    with path.open("rb") as file:
        file.seek(len(mark))
        while block := (file.read(_BLOCK_BYTES) + file.readline()).replace(b"\r\n", b"\n"):
            rows = block.removesuffix(b"\n").split(b"\n")
            if _UNLIKE_PLAIN.search(block) or not all(rows) or len(block) > _LARGEST_CELL:
                return None
            if {row.count(between) for row in rows} != {len(names) - 1}:
                return None
            behind_header = 0 if blocks else len(names)
            cells = between.join(rows).split(between)[behind_header:]
            columns = [cells[index :: len(names)] for index in found.values()]
            arrays = [pa.array(column, pa.binary()) for column in columns]
            blocks.append(pa.table(arrays, names=list(found)))
    return Located(pa.concat_tables(blocks), str(path), lambda index: str(index + 2))


def _read_any(path: Path, table: DimensionTable, mark: bytes, delimiter: str) -> Located:
    lines = array("q")
    blocks: list[pa.Table] = []
    cells: list[Sequence[str]] = []
    with _opened(path, mark) as file:
        rows = _rows(file, path, delimiter)
        names = _names(rows, path, table)
        found = find_columns(names, table, path)
        pick = itemgetter(*found.values())
        for line, row in rows:
            if len(row) != len(names):
                raise _misshapen(path, line, row, len(names), _DELIMITERS[delimiter])
            lines.append(line)
            cells.append(pick(row))
            if len(cells) == _BLOCK_ROWS:
                blocks.append(_block(cells, list(found)))
                cells = []
    blocks.append(_block(cells, list(found)))
    return Located(pa.concat_tables(blocks), str(path), lambda index: str(lines[index]))


def _delimiter(path: Path, mark: bytes, table: DimensionTable) -> str:
    """The one with which the header has the columns; if there is none, that which makes most
    names of it, for the refusal."""
    widths: dict[str, int] = {}
    fitting = []
    for delimiter in _DELIMITERS:
        with _opened(path, mark) as file:
            try:
                names = _names(_rows(file, path, delimiter), path, table)
            except _Misquoted:  # if it is amiss with each of them, it is said of the comma
                continue
        widths[delimiter] = len(names)
        stripped = [name.strip() for name in names]
        if set(table.wanted(stripped).values()) <= set(stripped):
            fitting.append(delimiter)
    if len(fitting) > 1:
        either = " or ".join(f"a {_DELIMITERS[each]}" for each in fitting)
        raise ConfigError(
            f"{path}: its header has the columns {', '.join(table.theirs())} whether {either} "
            "stands between cells.",
            "Name its other columns without such a character.",
        )
    return fitting[0] if fitting else max([",", *widths], key=lambda each: widths.get(each, 1))


@contextmanager
def _opened(path: Path, mark: bytes) -> Iterator[TextIO]:
    """Behind the mark. A character stands for a byte: bytes of other columns are of no account, and
    whether the rest is UTF-8 is for `as_text`."""
    with path.open(encoding="latin-1", newline="") as file:
        file.read(len(mark))
        yield file


def _byte_order_mark(path: Path) -> bytes:
    """UTF-8's, or nothing. Raises InputError if what comes first is no UTF-8."""
    with path.open("rb") as file:
        start = file.read(io.DEFAULT_BUFFER_SIZE)
    for mark, encoding in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            raise InputError(f"{path} is in {encoding}.", _AS_UTF8)
    for beginning, what in _OTHER_FILES.items():
        if start.startswith(beginning):
            raise InputError(f"{path} is {what}, not CSV.", _AS_UTF8)
    first, *_ = [*start.lstrip(b"\r\n").splitlines(), b""]
    if b"\0" in first:
        raise InputError(
            f"{path}: there are NUL bytes in its first line, as in UTF-16 or in what is no text.",
            _AS_UTF8,
        )
    return codecs.BOM_UTF8 if start.startswith(codecs.BOM_UTF8) else b""


def _rows(file: TextIO, path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, each after the line in which it begins."""
    csv.field_size_limit(_LARGEST_CELL)  # Python's own is 128 KiB
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise _misquoted(path, line, reader.line_num, error) from error


def _names(rows: Iterator[tuple[int, list[str]]], path: Path, table: DimensionTable) -> list[str]:
    """Those of the columns. Raises InputError if there are none, or they are not UTF-8."""
    line, cells = next(rows, (0, []))
    if not cells:
        raise InputError(
            f"{path} is empty.", f"Its first line names its columns: {','.join(table.theirs())}."
        )
    names = []
    for cell in cells:
        try:
            names.append(_bytes(cell).decode("utf-8"))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: the names of its columns are not UTF-8: {bad_byte(error)} in row {line}.",
                AS_UTF8,
            ) from error
    return names


def _bytes(cell: str) -> bytes:
    return cell.encode("latin-1")


def _block(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> pa.Table:
    by_column = zip(*cells, strict=True) if cells else [()] * len(columns)
    arrays = [pa.array(map(_bytes, column), pa.binary()) for column in by_column]
    return pa.table(arrays, names=list(columns))


def _misshapen(path: Path, line: int, row: Sequence[str], width: int, delimiter: str) -> InputError:
    """The refusal of a row that is no row of this table."""
    if len(row) == 1 and not row[0].strip():
        return InputError(f"{path}: row {line} has nothing but blanks.", "Remove it.")
    cells = counted(len(row), "cell")
    return InputError(
        f"{path}: row {line} has {cells}, and the header {width}: {_line(path, line)}.",
        f"Give it one cell for each column, in quotes if there is a {delimiter} in it, or remove "
        "it.",
    )


class _Misquoted(InputError):
    """A quote is amiss."""


def _misquoted(path: Path, line: int, last: int, error: csv.Error) -> _Misquoted:
    """The refusal of the row from ``line`` to ``last``, which is as far as was read."""
    if "unexpected end" in str(error):
        what = f"the quote that opens in row {line} does not end"
    elif line == last:
        what = f"text after a closing quote in row {line}"
    else:
        what = f"the quote that opens in row {line} ends in row {last}, with text after it"
    return _Misquoted(f"{path}: {what}: {_line(path, line)}.", _QUOTING)


def _line(path: Path, line: int) -> str:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return shortened("".join(islice(file, line - 1, line)).rstrip("\r\n"))
