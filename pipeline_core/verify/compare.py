"""Published files beside what they must hold: cell by cell, up to the first difference."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import IO

import msgspec
import pyarrow as pa
from msgspec import Struct

from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import Options, Summary
from pipeline_core.parquet import read_parquet
from pipeline_core.storage import Storage
from pipeline_core.verify.counts import RejectRow
from pipeline_core.verify.expected import Figures
from pipeline_core.verify.tables import DAILY_HEADER, REJECTS_HEADER, SALES_HEADER, Row, Tables

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NONE = "nothing"
# Of a row of rejects.csv: reason, three names, position, quotes, and the mark of a cut event.
_MOST_BYTES_BESIDE = 4 * 1024
_LARGEST_EVENT = 2**31 - 1


class Difference(Struct, frozen=True):
    """Where published and recomputed part."""

    place: str
    """A file and the place in it, or an archive."""
    published: str
    """What the run says there."""
    recomputed: str
    """What the other code makes of the archives there."""
    remedy: str
    """What to do about it."""


class Differs(Exception):
    """The first difference."""

    def __init__(self, place: str, published: object, recomputed: object, remedy: str = "") -> None:
        super().__init__(place)
        remedy = remedy or (
            "Run again with `--full`; if it comes back, one of the two computations is wrong."
        )
        self.difference = Difference(place, _text(published), _text(recomputed), remedy)


class Published:
    """The files of one published run. Every check raises Differs; ``cells`` counts what was
    compared."""

    def __init__(self, reports: Storage, folder: str, *, spreadsheet_safe: bool) -> None:
        self.cells = 0
        self._reports, self._folder, self._safe = reports, folder, spreadsheet_safe

    def summary(self) -> Summary:
        """summary.json."""
        data = self._read("summary.json")
        try:
            return msgspec.json.decode(data, type=known(Summary))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Differs("summary.json", f"cannot be read: {error}", "a summary") from error

    def check_tables(self, tables: Tables) -> None:
        """sales_report, and returns where there are any apart, as CSV and Parquet, a file a
        category, daily_sales.csv."""
        self._check_report("sales_report", tables.sales)
        self._check_categories([SALES_HEADER, *self._in_csv(tables.sales, 2)])
        daily = [DAILY_HEADER, *self._in_csv(tables.daily, 3)]
        self._compare("daily_sales.csv", daily, self._csv("daily_sales.csv"))
        if tables.returns is not None:
            self._check_report("returns", tables.returns)

    def _check_report(self, name: str, rows: list[Row]) -> None:
        report = [SALES_HEADER, *self._in_csv(rows, 2)]
        self._compare(f"{name}.csv", report, self._csv(f"{name}.csv"))
        self._compare(f"{name}.parquet", [SALES_HEADER, *rows], self._parquet(f"{name}.parquet"))

    def check_figures(self, expected: Figures, found: Figures) -> None:
        """Those of summary.json, by name."""
        for name in {**expected, **found}:
            self.cells += 1
            if expected.get(name) != found.get(name):
                raise Differs(f"summary.json, {name}", found.get(name), expected.get(name))

    def check_rejects(self, rejects: Sequence[RejectRow], options: Options) -> None:
        """Reasons and places in rejects.csv, row by row; it may end where it is full."""
        name, columns = "rejects.csv", REJECTS_HEADER[:-1]
        expected: Iterator[Row] = (
            (*(spreadsheet_text(cell, safe=self._safe) for cell in row[:-1]), row.position)
            for row in rejects
        )
        with ExitStack() as stack:
            try:
                path = stack.enter_context(self._reports.local_file(f"{self._folder}/{name}"))
            except FileNotFoundError:
                raise Differs(name, "no such file", "a file") from None
            found = csv_rows(stack.enter_context(path.open(encoding="utf-8", newline="")), name)
            if _is_full(path.stat().st_size, options):
                expected = _as_many(expected, path, name)
            self._compare(name, chain([columns], expected), (row[: len(columns)] for row in found))

    def _check_categories(self, report: Sequence[Row]) -> None:
        header, *rows = report
        left: dict[str, list[Row]] = {}
        for row in rows:
            left.setdefault(row[0], [header]).append(row)
        for stored in self._reports.files(f"{self._folder}/by_category"):
            name = stored.key.removeprefix(f"{self._folder}/")
            if not name.endswith(".csv"):  # its page
                continue
            found = list(self._csv(name))
            category = found[1][0] if len(found) > 1 and found[1] else ""
            self._compare(name, left.pop(category, []), iter(found))
        if left:
            raise Differs("by_category", "no file", f"a file of {min(left)}")

    def _in_csv(self, rows: Iterable[Row], texts: int) -> Iterator[Row]:
        """Rows as a CSV file has them; up to column ``texts`` they are texts of the shop's."""
        return (
            (*(spreadsheet_text(cell, safe=self._safe) for cell in row[:texts]), *row[texts:])
            for row in rows
        )

    def _compare(self, name: str, expected: Iterable[Row], found: Iterator[Row]) -> None:
        header: Row = ()
        for number, (should, row) in enumerate(zip_longest(expected, found), start=1):
            header = header or should
            self.cells += check_row(f"{name}, row {number}", header, should, row)

    def _csv(self, name: str) -> Iterator[Row]:
        return csv_rows(
            io.TextIOWrapper(io.BytesIO(self._read(name)), encoding="utf-8", newline=""), name
        )

    def _parquet(self, name: str) -> Iterator[Row]:
        try:
            table = read_parquet(self._read(name))
        except (pa.ArrowInvalid, OSError) as error:
            raise Differs(name, f"cannot be read: {error}", "a table") from error
        yield tuple(table.schema.names)
        for row in table.to_pylist():
            category, segment, revenue, *counts = row.values()
            yield category, segment, f"{revenue:f}", *map(str, counts)

    def _read(self, name: str) -> bytes:
        try:
            return self._reports.read(f"{self._folder}/{name}")
        except FileNotFoundError:
            raise Differs(name, "no such file", "a file") from None


def _is_full(size: int, options: Options) -> bool:
    """Whether one row more might have been too much: its names and its event are bounded."""
    if options.reject_bytes is None or options.reject_event_bytes is None:
        return False
    return size + 2 * (options.reject_event_bytes + _MOST_BYTES_BESIDE) > options.reject_bytes


def _as_many(expected: Iterator[Row], path: Path, name: str) -> Iterator[Row]:
    """As many as the file has below its header."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sum(1 for _ in csv_rows(file, name)) - 1
    return islice(expected, max(rows, 0))


def check_row(place: str, header: Row, should: Row | None, row: Row | None) -> int:
    """How many cells were compared. Raises Differs."""
    if should is None and row is None:
        return 0
    if should is None or row is None or len(should) != len(row):
        raise Differs(place, _line(row), _line(should))
    for column, expected, found in zip(header, should, row, strict=False):
        if expected != found:
            raise Differs(f"{place}, {column}", found, expected)
    return len(should)


def csv_rows(file: IO[str], name: str) -> Iterator[Row]:
    """Records of a CSV file. Raises Differs if it is none."""
    csv.field_size_limit(_LARGEST_EVENT)  # Python's own is 128 KiB
    try:
        for row in csv.reader(file, strict=True):
            yield tuple(row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise Differs(name, f"cannot be read: {error}", "a table") from error


def spreadsheet_text(text: str, *, safe: bool) -> str:
    """As SALES_SPREADSHEET_SAFE wants it."""
    return f"'{text}" if safe and text.startswith(_FORMULA) else text


def _line(row: Row | None) -> str:
    return "no such row" if row is None else ",".join(row)


def _text(value: object) -> str:
    if value is None:
        return _NONE
    return value if isinstance(value, str) else json.dumps(value)
