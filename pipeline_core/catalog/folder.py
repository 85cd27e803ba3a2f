"""Every table of a folder that may hold customers or products: columns, first rows, known ids."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline_core.catalog.tables import Column, Table
from pipeline_core.dimensions.columns import labels
from pipeline_core.dimensions.source_table import Located
from pipeline_core.errors import PipelineError

# Rows that are shown and judged by their looks; ids are looked for in all of them.
SAMPLE_ROWS = 1000
MOST_TABLES = 40
_BLOCK_ROWS = 65_536
_DELIMITERS = ",;\t|"
_LARGEST_CELL = 2**31 - 1


class Gathered:
    """A table under way: blocks of rows go in, what is kept of them comes out."""

    def __init__(
        self, name: str, columns: Sequence[tuple[str, str]], wanted: frozenset[str]
    ) -> None:
        self._name, self._columns, self._wanted = name, columns, wanted
        self._samples: list[list[str | None]] = [[] for _ in columns]
        self._found: list[set[str]] = [set() for _ in columns]

    def add(self, block: Sequence[Sequence[str | None]]) -> None:
        """Values of every column, in the order of the columns."""
        for sample, found, values in zip(self._samples, self._found, block, strict=True):
            sample.extend(values[: SAMPLE_ROWS - len(sample)])
            found.update(self._wanted.intersection(filter(None, values)))

    def table(self) -> Table:
        """What was kept."""
        return Table(
            self._name,
            tuple(
                Column(name, kind, tuple(sample), frozenset(found | set(filter(None, sample))))
                for (name, kind), sample, found in zip(
                    self._columns, self._samples, self._found, strict=True
                )
            ),
        )


def folder_tables(folder: Path, wanted: frozenset[str]) -> list[Table]:
    """Those of the ``.csv`` and ``.parquet`` files of a folder, by name, which can be read; of
    their ids the ``wanted`` ones are kept, wherever they stand."""
    found = []
    paths = [path for path in sorted(folder.iterdir()) if path.suffix in {".csv", ".parquet"}]
    for path in paths[:MOST_TABLES]:
        try:
            read = _csv_table if path.suffix == ".csv" else _parquet_table
            found.append(read(path, wanted))
        except (OSError, ValueError, csv.Error, PipelineError, pa.ArrowException):
            continue  # no table; a run that needs it says why
    return found


def _csv_table(path: Path, wanted: frozenset[str]) -> Table:
    csv.field_size_limit(_LARGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = _delimiter(file.readline())
        file.seek(0)
        rows = (row for row in csv.reader(file, delimiter=delimiter) if row)
        names = [name.strip() for name in next(rows, [])]
        gathered = Gathered(path.stem, [(name, "text") for name in names], wanted)
        while block := list(islice(rows, _BLOCK_ROWS)):
            whole = [row for row in block if len(row) == len(names)]
            gathered.add([list(values) for values in zip(*whole, strict=True)] if whole else [])
    return gathered.table()


def _delimiter(header: str) -> str:
    """The one that makes the most names of it."""
    return max(_DELIMITERS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _parquet_table(path: Path, wanted: frozenset[str]) -> Table:
    files = [path] if path.is_file() else _part_files(path)
    schema = pq.read_schema(files[0])
    gathered = Gathered(path.stem, [(field.name, str(field.type)) for field in schema], wanted)
    for file in files:
        with pq.ParquetFile(file, pre_buffer=False) as opened:
            for batch in opened.iter_batches(_BLOCK_ROWS, use_threads=False):
                gathered.add(list(_texts(pa.Table.from_batches([batch]), schema.names)))
    return gathered.table()


def _part_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if not path.name.startswith(("_", "."))]


def _texts(table: pa.Table, names: Iterable[str]) -> Iterator[list[str | None]]:
    """Columns as text; one that has none holds NULLs."""
    for name in names:
        try:
            yield labels(Located(table, ""), name).to_pylist()
        except PipelineError:  # a list, say: neither id, nor label, nor price
            yield [None] * table.num_rows
