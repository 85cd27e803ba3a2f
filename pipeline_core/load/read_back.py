"""What runs published, read back from the folder of reports."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, TypeVar

import msgspec

from pipeline_core.configuration.places import RUNS
from pipeline_core.errors import ConfigError
from pipeline_core.load.removed_reports import removed_report
from pipeline_core.machine.known_kinds import known
from pipeline_core.storage import Storage, open_storage

if TYPE_CHECKING:
    import pyarrow as pa

SUMMARY = "summary.json"

_Summary = TypeVar("_Summary")


def read_published(reports_uri: str, run_id: str, name: str) -> bytes:
    """The bytes of a file that a run published.

    Raises:
        ConfigError: it is gone.
        RetryableError: the storage does not answer.
    """
    reports, key = open_storage(reports_uri), f"{RUNS}/{run_id}/{name}"
    try:
        return reports.read(key)
    except FileNotFoundError:
        check_not_removed(reports, run_id)
        raise ConfigError(
            f"The report of run {run_id} is gone: there is no {key} in {reports.uri}.",
            _makes_again(run_id),
        ) from None


def check_not_removed(reports: Storage, run_id: str) -> None:
    """Raises ConfigError if the report of a run was removed."""
    removed = removed_report(reports, run_id)
    if removed is not None:
        raise ConfigError(
            removed.words,
            f"`sales-pipeline rebuild {run_id}` makes it again, until the next `gc`; or ask for a "
            "later run.",
        )


def read_published_rows(reports_uri: str, run_id: str, name: str) -> list[list[str]]:
    """The records of a CSV file that a run published, its header first. Raises as
    ``read_published`` does, and ConfigError if it is damaged."""
    data = read_published(reports_uri, run_id, name)
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise damaged_report(run_id, name) from error
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise damaged_report(run_id, name)
    return rows


def read_published_table(reports_uri: str, run_id: str, name: str) -> pa.Table:
    """The table in a Parquet file that a run published. Raises as ``read_published_rows`` does."""
    import pyarrow as pa  # most who read back have no need of it

    from pipeline_core.parquet import read_parquet

    data = read_published(reports_uri, run_id, name)
    try:
        return read_parquet(data)
    except (pa.ArrowException, OSError) as error:
        raise damaged_report(run_id, name) from error


def damaged_report(run_id: str, name: str = "") -> ConfigError:
    """That a run's report, or a file of it, is another than it was."""
    what = f"{RUNS}/{run_id}/{name} is not" if name else "files of it are gone, or not"
    return ConfigError(
        f"The report of run {run_id} is damaged: {what} what was published.",
        _makes_again(run_id),
    )


def _makes_again(run_id: str) -> str:
    return f"`sales-pipeline rebuild {run_id}` makes it again."


def read_summary(reports: Storage, folder: str, kind: type[_Summary]) -> _Summary:
    """What a summary.json says, as far as ``kind``, a struct with some of its fields, asks.

    Raises:
        FileNotFoundError: there is none in the folder.
        ValueError: it is damaged.
        RetryableError: the storage does not answer.
    """
    data = reports.read(f"{folder}/{SUMMARY}")
    try:
        return msgspec.json.decode(data, type=known(kind))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
