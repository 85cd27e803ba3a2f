"""What stands in a workbook, read by its XML: there is nothing in between that mends or rounds."""

from __future__ import annotations

import csv
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

_ALL_SHEETS = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheets(path: Path) -> dict[str, list[list[str | float | None]]]:
    """The rows of each sheet by its name; numbers are floats, texts are texts, dates are days since
    30 December 1899."""
    with zipfile.ZipFile(path) as opened:
        named = _parsed(opened.read("xl/workbook.xml")).iter(f"{_MAIN}sheet")
        return {
            each.attrib["name"]: _rows(opened.read(f"xl/worksheets/sheet{number}.xml"))
            for number, each in enumerate(named, start=1)
        }


def converted(path: Path, folder: Path) -> dict[str, list[list[str]]]:
    """Each sheet as LibreOffice converts it into ``folder``, numbers as they are and not as they
    are shown; skips the test where there is no LibreOffice."""
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("no LibreOffice here (Debian: libreoffice-calc-nogui)")
    subprocess.run(
        [program, "--headless", f"-env:UserInstallation=file://{folder}/profile"]
        + ["--convert-to", _ALL_SHEETS, "--outdir", str(folder), str(path)],
        check=True,
        capture_output=True,
        timeout=200,
    )
    found = {}
    for sheet in folder.glob(f"{path.stem}-*.csv"):
        with sheet.open(encoding="utf-8", newline="") as file:
            found[sheet.stem.removeprefix(f"{path.stem}-")] = list(csv.reader(file))
    return found


def has_formula(path: Path) -> bool:
    with zipfile.ZipFile(path) as opened:
        names = [name for name in opened.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f>" in opened.read(name) for name in names)


def _rows(xml: bytes) -> list[list[str | float | None]]:
    found = []
    for row in _parsed(xml).iter(f"{_MAIN}row"):
        cells: dict[int, str | float | None] = {}
        for cell in row.iter(f"{_MAIN}c"):
            column = ord(cell.attrib["r"][0]) - ord("A")
            cells[column] = _value(cell)
        found.append([cells.get(column) for column in range(max(cells) + 1)])
    return found


def _value(cell: Element) -> str | float | None:
    if cell.get("t") == "inlineStr":
        return "".join(each.text or "" for each in cell.iter(f"{_MAIN}t"))
    value = cell.find(f"{_MAIN}v")
    return None if value is None else float(value.text or "")


def _parsed(xml: bytes) -> Element:
    return fromstring(xml)  # noqa: S314  (ours)
