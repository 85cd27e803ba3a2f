"""Files of a published run beside those that it should have, and in their place."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import pyarrow as pa

from pipeline_core.messages import Summary
from pipeline_core.parquet import read_parquet
from pipeline_core.storage import Storage

FilesState = Literal["as_published", "damaged", "mended", "gone", "published_again"]

_BLOCK = 1 << 20
_PAGE_END = b"</html>"


class _Wrong(NamedTuple):
    """Names of files, sorted: not there, not as they should be, and of no run."""

    missing: tuple[str, ...]
    different: tuple[str, ...]
    strange: tuple[str, ...]


def repair_files(
    folder: Path, reports: Storage, key: str, *, dry_run: bool
) -> tuple[FilesState, tuple[str, ...]]:
    """Makes ``key`` have the files of ``folder`` and no others, unless it is a ``dry_run``; says
    how it was or is, and the names of those that were not right. Each is replaced as a whole: the
    others, which readers have beside it, are of the same run.

    Raises:
        RetryableError: the storage does not answer, or has no room.
    """
    standing = _files(reports, key)
    wrong = _compare(folder, reports, key, standing)
    names = (*wrong.missing, *wrong.different, *wrong.strange)
    if not names:
        return "as_published", ()
    if dry_run:
        return ("damaged" if standing else "gone"), names
    if not standing:
        with reports.publish_folder(key) as staging:
            shutil.copytree(folder, staging, dirs_exist_ok=True)
        wrong = _compare(folder, reports, key, _files(reports, key))
    for name in (*wrong.missing, *wrong.different):
        reports.store_file(f"{key}/{name}", folder / name)
    for name in wrong.strange:
        reports.remove(f"{key}/{name}")
    return ("mended" if standing else "published_again"), names


def _files(reports: Storage, key: str) -> set[str]:
    """Names of the files in the folder ``key``, at any depth."""
    prefix = f"{key}/"
    names = {file.key.removeprefix(prefix) for file in reports.files(key)}
    for folder in reports.folders(key):
        inner = _files(reports, f"{prefix}{folder}")
        names |= {f"{folder}/{name}" for name in inner}
    return names


def _compare(folder: Path, reports: Storage, key: str, standing: Collection[str]) -> _Wrong:
    """What is wrong with the files ``standing`` in ``key``, by those in ``folder``.

    CSV files are compared by byte. Parquet and summary.json are by what they say, since other
    versions may write it otherwise; pages only have to be whole: they tell of other runs, too.
    """
    expected = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    there = sorted(expected & set(standing))
    return _Wrong(
        tuple(sorted(expected - set(standing))),
        tuple(name for name in there if not _is_right(folder / name, reports, f"{key}/{name}")),
        tuple(sorted(set(standing) - expected)),
    )


def _is_right(path: Path, reports: Storage, key: str) -> bool:
    if path.suffix != ".csv":
        return _is_same(path.name, path.read_bytes(), reports.read(key))
    with path.open("rb") as expected, reports.fetched(key) as found:  # of any size
        while block := expected.read(_BLOCK):
            if found.read(len(block)) != block:
                return False
        return not found.read(1)


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
