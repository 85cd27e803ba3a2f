"""A run's rows as a workbook (.xlsx): numbers as numbers, texts as texts, nothing as a formula.

A spreadsheet's numbers are floats: 15 digits are safe, and more would be rounded without a word, so
that such an amount is a text.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.rows import PublishedRows, Row, Standing
from pipeline_core.delivery.tables import (
    COUNT,
    DAILY_SALES,
    DATE,
    MARK,
    MONEY,
    REJECTS_BY_REASON,
    RUNS,
    SALES_REPORT,
    TEXT,
)
from pipeline_core.errors import ConfigError, RetryableError

_SAFE_DIGITS = 15
_WIDTHS = {TEXT: 24, MONEY: 18, COUNT: 14, DATE: 12}
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
# Where a workbook keeps the properties that we set; more bytes than ours are none of ours.
_PROPERTIES, _MOST_BYTES = "docProps/custom.xml", 100_000
_PROPERTY = re.compile(r'<property [^>]*name="([^"]*)"[^>]*><vt:lpwstr>([^<]*)</vt:lpwstr>')
_RUN, _AS_OF = "sales-pipeline run", "sales-pipeline as of"
_MONTHS = {
    "month": DATE,
    "category": TEXT,
    "customer_segment": TEXT,
    "total_revenue": MONEY,
    "units_sold": COUNT,
}


def write_workbook(destination: Destination, published: PublishedRows) -> str | None:
    """Puts a run's workbook in the place of the one that stands there; does nothing, and returns
    the id of the newer run, if that is of one.

    Raises:
        ConfigError: another file has that name, it may not be written, or a sheet has no room for
            the rows.
        RetryableError: the disk is full, or fails.
    """
    path = Path(destination.path).resolve()  # of a link, what readers open by it
    with _disk_errors(path):
        _check_folder(path)
        if (newer := _newer(path, published)) is not None:
            return newer
        # Beside it: readers have the old one until the new one is whole.
        beside = path.with_name(f".{path.name}.{published.run_id}.{os.getpid()}.tmp")
        try:
            save_workbook(beside, published)
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            if (newer := _newer(path, published)) is not None:  # it was written meanwhile
                return newer
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return None


def try_out_workbook(destination: Destination) -> str:
    """Whether a workbook could be written; none is. Returns what was found, for people. Raises as
    ``write_workbook``."""
    import tempfile

    path = Path(destination.path).resolve()  # of a link, what readers open by it
    with _disk_errors(path):
        _check_folder(path)
        standing = _standing(path)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    return "can be written" + ("" if standing is None else f"; run {standing.run_id} stands there")


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (PermissionError, NotADirectoryError, FileNotFoundError) as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}.",
            "Let this user write there, or name another path in SALES_DELIVER (or --to).",
        ) from error
    except OSError as error:
        raise RetryableError(
            f"{path} cannot be written: {error.strerror}.", "See how the disk fares."
        ) from error


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent}.", "Make it, or name another one.")


def _newer(path: Path, published: PublishedRows) -> str | None:
    standing = _standing(path)
    if standing is None or not standing.is_newer_than(published.order):
        return None
    return standing.run_id


def _standing(path: Path) -> Standing | None:
    """The run of the workbook that stands there, or None if there is none. Raises ConfigError if
    it is not ours."""
    if not path.exists():
        return None
    try:
        with zipfile.ZipFile(path) as opened, opened.open(_PROPERTIES) as file:
            properties = file.read(_MOST_BYTES).decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError):
        properties = ""
    found = dict(_PROPERTY.findall(properties))
    if _RUN not in found:
        raise ConfigError(
            f"{path} is not of sales-pipeline, which touches nothing of others.",
            "Name another path, or move that file.",
        )
    as_of = found.get(_AS_OF)
    return Standing(found[_RUN], None if as_of is None else date.fromisoformat(as_of))


def save_workbook(path: Path, published: PublishedRows) -> None:
    """Writes a run's workbook. Raises ConfigError if a sheet has no room for the rows."""
    import xlsxwriter  # only who delivers a workbook needs it

    facts = published.facts
    with xlsxwriter.Workbook(str(path), _OPTIONS) as workbook:
        # The same run makes the same bytes.
        finished = datetime.fromisoformat(facts["finished_at"] or "")
        workbook.set_properties({"created": finished.replace(tzinfo=None), "comments": MARK})
        workbook.set_custom_property(_RUN, published.run_id, "text")
        if published.as_of is not None:
            workbook.set_custom_property(_AS_OF, published.as_of.isoformat(), "text")
        sheets = _Sheets(workbook, facts["total_revenue"] or "")
        for name, table in (("Report", SALES_REPORT), ("Daily", DAILY_SALES)):
            sheets.add(name, _without_run(table.columns), published.tables[table.name])
        sheets.add("Months", _MONTHS, _months(published.tables[DAILY_SALES.name]))
        rejects = _without_run(REJECTS_BY_REASON.columns)
        sheets.add("Left out", rejects, published.tables[REJECTS_BY_REASON.name])
        sheets.add_facts("Facts", facts)


def _without_run(columns: dict[str, str]) -> dict[str, str]:
    return {name: kind for name, kind in columns.items() if name != "run_id"}


def _months(days: Sequence[Row]) -> list[Row]:
    """Sums of the days by month; of days without a date, without a month."""
    revenue, units = defaultdict[Row, Decimal](Decimal), defaultdict[Row, int](int)
    for day, category, segment, money, sold, _ in days:
        key = (f"{day[:7]}-01" if day else None, category, segment)
        revenue[key] += Decimal(money or 0)
        units[key] += int(sold or 0)
    ordered = sorted(revenue, key=lambda key: tuple(each or "" for each in key))
    return [(*key, f"{revenue[key]:f}", str(units[key])) for key in ordered]


class _Sheets:
    """The sheets of a workbook, whose money has the decimals of ``total``."""

    def __init__(self, workbook: Any, total: str) -> None:
        self.workbook = workbook
        self.has_long_numbers = False
        decimals = len(total.partition(".")[2])
        shown = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        self._heading = workbook.add_format({"bold": True, "bottom": 1})
        self._formats = {
            kind: workbook.add_format({"num_format": form})
            for kind, form in ((MONEY, shown), (COUNT, "#,##0"), (DATE, "yyyy-mm-dd"))
        }

    def add(self, name: str, columns: dict[str, str], rows: Sequence[Row]) -> None:
        """A sheet with a frozen header and a filter. Raises ConfigError if there is no room."""
        sheet = self._begun(name, columns)
        sheet.autofilter(0, 0, len(rows), len(columns) - 1)
        for number, row in enumerate(rows, start=1):
            for column, (kind, value) in enumerate(zip(columns.values(), row, strict=False)):
                if value is not None:
                    _check(self._cell(sheet, (number, column), kind, value), name)

    def add_facts(self, name: str, facts: dict[str, str | None]) -> None:
        """A sheet of what the run says of itself, a line each."""
        sheet = self._begun(name, {"fact": TEXT, "value": TEXT})
        kinds = {each: kind for each, kind in RUNS.columns.items() if each != "is_current"}
        told = [(each, kind, facts[each]) for each, kind in kinds.items()]
        told = [each for each in told if each[2] is not None]
        if self.has_long_numbers:
            told.append(("note", TEXT, f"Numbers of more than {_SAFE_DIGITS} digits are texts."))
        for number, (fact, kind, value) in enumerate(told, start=1):
            _check(sheet.write_string(number, 0, fact), name)
            _check(self._cell(sheet, (number, 1), kind, value or ""), name)

    def _begun(self, name: str, columns: dict[str, str]) -> Any:
        sheet = self.workbook.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, (heading, kind) in enumerate(columns.items()):
            sheet.set_column(column, column, _WIDTHS[kind])
            _check(sheet.write_string(0, column, heading, self._heading), name)
        return sheet

    def _cell(self, sheet: Any, place: tuple[int, int], kind: str, value: str) -> int:
        """What XlsxWriter returns: 0 if the cell is written."""
        if kind == DATE:
            day = datetime.fromisoformat(value)
            return int(sheet.write_datetime(*place, day, self._formats[kind]))
        if kind in {MONEY, COUNT}:
            digits = Decimal(value).as_tuple().digits
            if len(digits) <= _SAFE_DIGITS:
                return int(sheet.write_number(*place, float(value), self._formats[kind]))
            self.has_long_numbers = True
        return int(sheet.write_string(*place, value))


def _check(written: int, sheet: str) -> None:
    if written:
        raise ConfigError(
            f"The sheet {sheet} has no room: a workbook holds 1,048,576 rows, and 32,767 "
            "characters in a cell.",
            "Deliver to a database instead.",
        )
