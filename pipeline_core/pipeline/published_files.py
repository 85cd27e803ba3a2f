"""Files of a published run beside those that it should have."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from pipeline_core.messages import Summary
from pipeline_core.parquet import read_parquet
from pipeline_core.storage import Storage

_PAGE_END = b"</html>"


class Wrong(NamedTuple):
    """Names of files, sorted: not there, not as they should be, and of no run."""

    missing: tuple[str, ...]
    different: tuple[str, ...]
    strange: tuple[str, ...]


def published_files(reports: Storage, key: str) -> set[str]:
    """Names of the files in the folder ``key``, at any depth."""
    prefix = f"{key}/"
    names = {file.key.removeprefix(prefix) for file in reports.files(key)}
    for folder in reports.folders(key):
        inner = published_files(reports, f"{prefix}{folder}")
        names |= {f"{folder}/{name}" for name in inner}
    return names


def compare_files(folder: Path, reports: Storage, key: str, standing: Collection[str]) -> Wrong:
    """What is wrong with the files ``standing`` in ``key``, by those in ``folder``.

    CSV files are compared by byte. Parquet and summary.json are by what they say, since other
    versions may write it otherwise; pages only have to be whole: they tell of other runs, too.
    """
    expected = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    there = sorted(expected & set(standing))
    return Wrong(
        tuple(sorted(expected - set(standing))),
        tuple(
            name
            for name in there
            if not _is_same(name, (folder / name).read_bytes(), reports.read(f"{key}/{name}"))
        ),
        tuple(sorted(set(standing) - expected)),
    )


def _is_same(name: str, expected: bytes, found: bytes) -> bool:
    if expected == found:
        return True
    if name.endswith(".html"):
        return found.rstrip().endswith(_PAGE_END)
    try:
        if name.endswith(".parquet"):
            one, other = map(read_parquet, (expected, found))
            return bool(one.equals(other))
        if name.endswith(".json"):
            said, says = (msgspec.json.decode(each, type=Summary) for each in (expected, found))
            return said == says
    except (pa.ArrowException, OSError, msgspec.DecodeError, UnicodeDecodeError):  # it is damaged
        return False
    return False
