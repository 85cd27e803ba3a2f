"""Reads customers and products from a folder: CSV, Parquet, or a folder of Parquet part files."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.dimensions.columns import holds_bytes, plain_type, some
from pipeline_core.dimensions.csv_table import read_csv_table
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import (
    as_text,
    check_ended_prices,
    find_columns,
    located_snapshot,
)
from pipeline_core.dimensions.source_table import Located
from pipeline_core.errors import ConfigError, InputError, RetryableError

# Folders of part files that hold more, or less, than the table: why, and what to do.
_NOT_JUST_PARTS = {
    "_delta_log": ("is a Delta table, of which some files are out of date", "Export it"),
    ".hoodie": ("is a Hudi table, of which some files are out of date", "Export it"),
    "_temporary": ("is being written, or was never finished", "Write it again"),
}
_CSV, _PARQUET = _ENDINGS = (".csv", ".parquet")
_SET_DIMENSIONS = (
    "Set SALES_DIMENSIONS (--dimensions) to the folder that has customers and products."
)


def read_folder(
    folder: Path, customers: DimensionTable = CUSTOMERS, products: DimensionTable = PRODUCTS
) -> Snapshot:
    """Customers and products from ``.csv`` or ``.parquet`` of a folder, which are called as the
    tables are; the latter may be a folder itself, of part files.

    Raises:
        ConfigError: a file or a column is missing, or of a kind or type that cannot be used, or a
            table is no file's name.
        InputError: a file is damaged, or a row cannot be used.
        RetryableError: a file cannot be read now.
    """
    with _reading(folder):
        check_folder(folder)
        return located_snapshot(
            _read(folder, customers), _read(folder, products), products.price_decimals
        )


def read_products(path: Path) -> Snapshot:
    """The products of one ``.csv`` or ``.parquet`` file, and no customer. Raises as
    ``read_folder``, and InputError if a row that has ended has no price."""
    nobody = pa.table({name: pa.nulls(0, pa.string()) for name in CUSTOMERS.ours})
    with _reading(path):
        is_parquet = path.suffix.lower() == _PARQUET
        read = _read_parquet if is_parquet else read_csv_table
        found = located_snapshot(Located(nobody, str(path)), read(path, PRODUCTS))
    check_ended_prices(found, str(path))
    return found


def check_folder(folder: Path) -> None:
    """Raises ConfigError if there is no such folder of customers and products."""
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ConfigError(f"{folder} {what}.", _SET_DIMENSIONS)


def _read(folder: Path, table: DimensionTable) -> Located:
    name = _file_name(folder, table)
    found = _called(folder, name)
    if not found:
        raise ConfigError(
            f"{folder} has neither {name}.csv nor {name}.parquet.",
            f"{_SET_DIMENSIONS} {_told_files(folder, table)}",
        )
    if len(found) > 1:
        raise ConfigError(
            f"{folder} has both {' and '.join(path.name for path in found)}.",
            "Keep the one that counts.",
        )
    [path] = found
    if path.suffix.lower() == _CSV:
        with _reading(path):
            return read_csv_table(path, table)
    return _read_parts(path, table) if path.is_dir() else _read_parquet(path, table)


def _called(folder: Path, name: str) -> list[Path]:
    """The tables of that name: as it is written, or if there is none, in other letter case."""
    exact = [folder / f"{name}{ending}" for ending in _ENDINGS]
    found = [path for path in exact if path.exists()]
    wanted = {path.name.casefold() for path in exact}
    return found or [path for path in sorted(folder.iterdir()) if path.name.casefold() in wanted]


def _file_name(folder: Path, table: DimensionTable) -> str:
    """Without its ending. Raises ConfigError for SQL, and for what leads out of the folder."""
    if table.is_select:
        raise ConfigError(
            f"{table.setting} is a SELECT, and {folder} a folder, which runs none.",
            "Name a file of the folder without its ending, or leave SALES_DIMENSIONS (--dimensions)"
            " out: then a database is read.",
        )
    if table.named in {"", ".."} or table.named != Path(table.named).name:
        raise ConfigError(
            f"{table.setting}: {table.named!r} is no file's name.",
            f"Name a file of {folder} without its ending, and its folder by SALES_DIMENSIONS "
            "(--dimensions).",
        )
    return table.named


def _told_files(folder: Path, table: DimensionTable) -> str:
    """Which there are instead."""
    paths = list(folder.iterdir())
    names = sorted({path.stem for path in paths if path.suffix.lower() in _ENDINGS})
    wanted = table.named.casefold()
    unread = sorted(path.name for path in paths if path.stem.casefold() == wanted)
    if names and unread:
        return f"{some(unread, str)} is not read: save it as .csv or .parquet."
    if names:
        return f"{table.setting} names one without its ending, of which it has: {some(names, str)}."
    others = some(sorted(path.name for path in paths), str) if paths else "nothing"
    return f"It holds no .csv and no .parquet, but {others}: save the tables as one of the two."


def _read_parts(folder: Path, table: DimensionTable) -> Located:
    """The part files of a folder as one table, in the order of their names."""
    tables: list[pa.Table] = []
    parts = _parts(folder)
    kinds: dict[str, pa.DataType] = {}
    for part in parts:
        located = _read_parquet(part, table)
        for field in located.table.schema:
            kind = plain_type(field.type)
            if not _is_like(kind, known := kinds.get(field.name, pa.null())):
                raise InputError(
                    f"{part}: the column {field.name} is of type {kind}, but {known} in the part "
                    "files before it.",
                    "Write the part files of one table with one schema.",
                )
            if pa.types.is_null(known):
                kinds[field.name] = kind
        tables.append(as_text(located).table)
    starts = [0, *accumulate(table.num_rows for table in tables)]

    def number(index: int) -> str:
        part = bisect(starts, index) - 1
        return f"{index - starts[part] + 1} of {parts[part].name}"

    return Located(pa.concat_tables(tables, promote_options="default"), str(folder), number)


def _parts(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir())
    for entry in entries:
        if entry.name in _NOT_JUST_PARTS:
            is_what, remedy = _NOT_JUST_PARTS[entry.name]
            raise ConfigError(f"{folder} {is_what}.", f"{remedy} as plain Parquet.")
    # What Spark writes beside them begins like that: _SUCCESS, .part-00000.parquet.crc.
    parts = [entry for entry in entries if not entry.name.startswith(("_", "."))]
    if not parts:
        raise InputError(f"{folder} holds no part file.", "Write the table again.")
    for part in parts:
        if part.is_dir():
            raise ConfigError(
                f"{folder} holds the folder {part.name}; partitions are not read.",
                "Write the part files straight into it.",
            )
    return parts


def _is_like(kind: pa.DataType, other: pa.DataType) -> bool:
    """Of one type, all text and bytes being one; a part without a value may have none."""
    if pa.types.is_null(kind) or pa.types.is_null(other):
        return True
    return kind == other or (holds_bytes(kind) and holds_bytes(other))


def _read_parquet(path: Path, table: DimensionTable) -> Located:
    import pyarrow.parquet as pq

    with _reading(path), pq.ParquetFile(path, pre_buffer=False) as file:
        names = file.schema_arrow.names
        places = find_columns(names, table, path)
        wanted = [names[place] for place in places.values()]
        found = file.read(columns=wanted, use_threads=False).select(wanted)
    return Located(found.rename_columns(list(places)), str(path), lambda index: str(index + 1))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Errors of files and of pyarrow become ours; those of pyarrow's OSErrors that have no number
    are of contents, not of the disk."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: the names of its columns are not UTF-8.", "Convert it to UTF-8."
        ) from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:
            raise _damaged(path, error) from error
        raise RetryableError(
            f"{path} cannot be read: {error}.", "Check that it exists, and that this user may."
        ) from error


def _damaged(path: Path, error: Exception) -> InputError:
    said = str(error).strip().partition("\n")[0].rstrip(".")
    return InputError(f"{path} cannot be used: {said}.", "Write it again.")
