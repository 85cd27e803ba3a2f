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
import pyarrow.parquet as pq

_FORMULA = frozenset("=+-@\t\r")
_NEEDS_QUOTES = re.compile(r'[",\r\n]')
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)
_HASHED = re.compile(r"-[0-9a-f]{16}", re.IGNORECASE)
_LONGEST_STEM = 80


def csv_line(values: Iterable[object], *, spreadsheet_safe: bool = False) -> str:
    """One RFC 4180 record with LF. (The csv module quotes differently in each Python version.)

    A spreadsheet runs a text that begins as a formula does; ``spreadsheet_safe`` puts a ' before
    it (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    if spreadsheet_safe:
        values = (f"'{v}" if isinstance(v, str) and v[:1] in _FORMULA else v for v in values)
    return ",".join(map(csv_field, values)) + "\n"


def write_csv(table: pa.Table, path: Path, *, spreadsheet_safe: bool = False) -> None:
    """The table with a header; decimals with their scale, dates as ISO, nulls empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_lines(table, spreadsheet_safe=spreadsheet_safe))


def csv_lines(table: pa.Table, *, spreadsheet_safe: bool = False) -> Iterator[str]:
    """What ``write_csv`` writes, record by record."""
    yield csv_line(table.schema.names)
    for batch in table.to_batches(max_chunksize=10_000):
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            yield csv_line(row, spreadsheet_safe=spreadsheet_safe)


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
    found = split_by_category(table)
    for rows, name in zip(found.values(), file_names(list(found)), strict=True):
        write_csv(rows, folder / name, spreadsheet_safe=spreadsheet_safe)


def split_by_category(table: pa.Table) -> dict[str, pa.Table]:
    """The rows of each category, in the table's order; one pass finds all: there may be many."""
    encoded = table["category"].combine_chunks().dictionary_encode()
    places = encoded.indices.to_numpy()
    lengths = np.bincount(places)
    starts = np.cumsum(lengths) - lengths
    grouped = table.take(pa.array(np.argsort(places, kind="stable")))
    each = zip(encoded.dictionary.to_pylist(), starts, lengths, strict=True)
    return {category: grouped.slice(start, length) for category, start, length in each}


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
