"""CSV and Parquet files, the same bytes for the same table on every machine."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline_core.machine.disk import write_file

_FORMULA = frozenset("=+-@\t\r")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_HASHED = re.compile(r"-[0-9a-f]{16}", re.IGNORECASE)
_LONGEST_STEM = 80
_TEXT = pa.large_string()
_ROWS_AT_ONCE = 1 << 16
# Of more, Arrow writes small numbers with an exponent.
_MOST_DECIMALS = 6


def csv_line(values: Iterable[object], *, spreadsheet_safe: bool = False) -> str:
    """One RFC 4180 record with LF. (The csv module quotes differently in each Python version.)

    A spreadsheet runs a text that begins as a formula does; ``spreadsheet_safe`` puts a ' before
    it (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    if spreadsheet_safe:
        values = map(_no_formula, values)
    return ",".join(map(csv_field, values)) + "\n"


def write_csv(table: pa.Table, path: Path, *, spreadsheet_safe: bool = False) -> None:
    """The table with a header; decimals with their scale, dates as ISO, nulls empty."""
    with path.open("wb") as file:
        file.write(csv_line(table.schema.names).encode())
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            text, _ = _text_of(_records(batch, spreadsheet_safe=spreadsheet_safe))
            file.write(text)


def csv_lines(table: pa.Table, *, spreadsheet_safe: bool = False) -> Iterator[str]:
    """What ``write_csv`` writes, record by record."""
    yield csv_line(table.schema.names)
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        yield from _records(batch, spreadsheet_safe=spreadsheet_safe).to_pylist()


def _records(rows: pa.RecordBatch | pa.Table, *, spreadsheet_safe: bool) -> pa.Array:
    """The record of each row, as ``csv_line`` writes it: large_string of shape (rows,)."""
    fields = [_fields(column, spreadsheet_safe=spreadsheet_safe) for column in rows.columns]
    joined = pc.binary_join_element_wise(*fields, _separator(","))
    return pc.binary_join_element_wise(joined, _separator(""), _separator("\n"))


def _fields(column: pa.Array, *, spreadsheet_safe: bool) -> pa.Array:
    """Each value as ``csv_field`` writes it; what Arrow writes in another way, one by one."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = pc.fill_null(column.cast(_TEXT), "")
        if spreadsheet_safe:
            first = pc.utf8_slice_codeunits(texts, 0, 1)
            is_formula = pc.is_in(first, pa.array(sorted(_FORMULA), _TEXT))
            texts = pc.if_else(is_formula, _joined("'", texts), texts)
        needs = pc.match_substring_regex(texts, _NEEDS_QUOTES.pattern)
        if not pc.any(needs).as_py():
            return texts
        doubled = pc.replace_substring(texts, '"', '""')
        return pc.if_else(needs, _joined('"', doubled, '"'), texts)
    is_decimal = pa.types.is_decimal128(kind) and 0 <= kind.scale <= _MOST_DECIMALS
    if pa.types.is_integer(kind) or pa.types.is_date32(kind) or is_decimal:
        return pc.fill_null(column.cast(_TEXT), "")
    values = column.to_pylist()
    if spreadsheet_safe:
        values = list(map(_no_formula, values))
    return pa.array(map(csv_field, values), _TEXT)


def _joined(*texts: pa.Array | str) -> pa.Array:
    each = [_separator(text) if isinstance(text, str) else text for text in texts]
    return pc.binary_join_element_wise(*each, _separator(""))


def _separator(text: str) -> pa.Scalar:
    return pa.scalar(text, _TEXT)


def _text_of(records: pa.Array) -> tuple[memoryview, NDArray[np.int64]]:
    """All records as UTF-8, and where each begins in it, of shape (rows + 1,)."""
    _, offsets, data = records.buffers()
    starts = np.frombuffer(offsets, np.int64)[records.offset : records.offset + len(records) + 1]
    text = memoryview(data) if data is not None else memoryview(b"")
    return text[int(starts[0]) : int(starts[-1])], starts - starts[0]


def to_parquet(table: pa.Table) -> bytes:
    """A Parquet file of the table, typed, for every reader there is: not compressed. LZ4_RAW is
    unknown to Spark before 3.5 and to most readers in JavaScript, and Snappy's bytes may differ
    between processors. A report has a row a category and segment: there is little to save."""
    return _parquet(table, "none")


def to_partial(table: pa.Table) -> bytes:
    """The same, LZ4-compressed, for nobody but us. (Most are small, and are read as a whole:
    dictionaries, statistics and zstd's contexts would take longer to write than the rest.)"""
    return _parquet(table, "lz4")


def _parquet(table: pa.Table, codec: str) -> bytes:
    file = pa.BufferOutputStream()
    pq.write_table(table, file, compression=codec, use_dictionary=False, write_statistics=False)
    return bytes(file.getvalue())


def write_by_category(table: pa.Table, folder: Path, *, spreadsheet_safe: bool = False) -> None:
    """One CSV for each category of ``table``, rows in the table's order."""
    folder.mkdir()
    names, cuts, rows = _by_category(table)
    header = csv_line(table.schema.names).encode()
    records = [
        _records(batch, spreadsheet_safe=spreadsheet_safe)
        for batch in rows.to_batches(max_chunksize=_ROWS_AT_ONCE)
    ]
    text, starts = _text_of(pa.concat_arrays([pa.array([], _TEXT), *records]))
    for name, begin, end in zip(file_names(names), *_spans(starts[cuts]), strict=True):
        write_file(f"{folder}/{name}", header, text[begin:end])


def split_by_category(table: pa.Table) -> dict[str, pa.Table]:
    """The rows of each category, in the table's order; one pass finds all: there may be many."""
    names, cuts, rows = _by_category(table)
    return {
        name: rows.slice(begin, end - begin)
        for name, begin, end in zip(names, *_spans(cuts), strict=True)
    }


def _by_category(table: pa.Table) -> tuple[list[str], NDArray[np.int64], pa.Table]:
    """The categories, in the order of their first rows; where the rows of each begin and end, of
    shape (categories + 1,); and the rows, category by category."""
    encoded = table["category"].combine_chunks().dictionary_encode()
    places = encoded.indices.to_numpy()
    names = encoded.dictionary.to_pylist()
    cuts = np.concatenate(([0], np.cumsum(np.bincount(places, minlength=len(names)))))
    return names, cuts, table.take(pa.array(np.argsort(places, kind="stable")))


def _spans(cuts: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    return cuts[:-1].tolist(), cuts[1:].tolist()


def file_names(categories: Sequence[str]) -> list[str]:
    """A distinct ``.csv`` name for each category, safe on every file system.

    A category that is a plain ASCII word keeps its name; any other gets what is left of it and
    a part of its SHA-256, and so do those that differ in case only.
    """
    plain = [_stem(category) for category in categories]
    folded = Counter(stem.lower() for stem in plain)
    names = []
    for category, stem in zip(categories, plain, strict=True):
        if stem != category or folded[stem.lower()] > 1 or _HASHED.search(stem):
            stem = f"{stem}-{hashlib.sha256(category.encode()).hexdigest()[:16]}"
        names.append(f"{stem}.csv")
    return names


def _stem(category: str) -> str:
    stem = _NOT_IN_FILE_NAMES.sub("_", category)[:_LONGEST_STEM].strip("_-")
    return f"{stem}_" if _RESERVED.fullmatch(stem) else stem or "category"


def csv_field(value: object) -> str:
    """One field of a record: empty if None, quoted if it has to be."""
    if value is None:
        return ""
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _no_formula(value: object) -> object:
    """What a spreadsheet takes for a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value
