"""What stands in a workbook, read by its XML: there is nothing in between that mends or rounds."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

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
