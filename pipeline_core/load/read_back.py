"""What runs published, read back from the folder of reports."""

from __future__ import annotations

import csv
import io
from typing import TypeVar

import msgspec

from pipeline_core.configuration.places import RUNS
from pipeline_core.errors import ConfigError
from pipeline_core.load.removed_reports import removed_report
from pipeline_core.storage import Storage, open_storage

SUMMARY = "summary.json"

_Summary = TypeVar("_Summary")


def read_published(reports_uri: str, run_id: str, name: str, remedy: str) -> bytes:
    """The bytes of a file that a run published.

    Raises:
        ConfigError: it is gone; ``remedy`` says what to do.
        RetryableError: the storage does not answer.
    """
    reports, key = open_storage(reports_uri), f"{RUNS}/{run_id}/{name}"
    try:
        return reports.read(key)
    except FileNotFoundError:
        check_not_removed(reports, run_id)
        raise ConfigError(
            f"The report of run {run_id} is gone: there is no {key} in {reports.uri}.", remedy
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


def read_published_rows(reports_uri: str, run_id: str, name: str, remedy: str) -> list[list[str]]:
    """The records of a CSV file that a run published, its header first. Raises as
    ``read_published`` does."""
    text = read_published(reports_uri, run_id, name, remedy).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def read_summary(reports: Storage, folder: str, kind: type[_Summary]) -> _Summary:
    """What a summary.json says, as far as ``kind``, a struct with some of its fields, asks.

    Raises:
        FileNotFoundError: there is none in the folder.
        ValueError: it is damaged.
        RetryableError: the storage does not answer.
    """
    data = reports.read(f"{folder}/{SUMMARY}")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
