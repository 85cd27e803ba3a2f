"""CSV that a spreadsheet opens, and one file a category."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline_core.load.tables import csv_line, split_by_category, write_by_category


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_marked(first: str) -> None:
    formula = f'{first}cmd|"/c calc"!A0'
    safe = csv_line([formula], spreadsheet_safe=True)
    assert safe.lstrip('"').startswith(f"'{first}")
    assert csv_line([formula]).lstrip('"').startswith(first), "verbatim unless asked for"


def test_numbers_and_plain_texts_stay() -> None:
    values = ["Office", "a=b", "", None, Decimal("-1.50"), -3]
    assert csv_line(values, spreadsheet_safe=True) == csv_line(values) == "Office,a=b,,,-1.50,-3\n"


def test_a_category_has_its_rows_in_their_order(tmp_path: Path) -> None:
    table = pa.table({"category": ["b", "a", "b", "a", "c"], "units": [1, 2, 3, 4, 5]})
    write_by_category(table, tmp_path / "by_category")
    found = {path.name: path.read_text() for path in (tmp_path / "by_category").iterdir()}
    assert found == {
        "a.csv": "category,units\na,2\na,4\n",
        "b.csv": "category,units\nb,1\nb,3\n",
        "c.csv": "category,units\nc,5\n",
    }


def test_no_category_is_searched_for() -> None:
    """A pass over all rows for each would take a processor half a minute."""
    names = [f"Category {n % 20_000}" for n in range(200_000)]
    table = pa.table({"category": names, "units": range(len(names))})
    started = time.process_time()
    found = split_by_category(table)
    assert time.process_time() - started < 5
    assert found["Category 7"]["units"].to_pylist() == list(range(7, 200_000, 20_000))
