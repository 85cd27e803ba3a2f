"""CSV that a spreadsheet opens: a text stays a text."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline_core.load.tables import csv_line


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_marked(first: str) -> None:
    formula = f'{first}cmd|"/c calc"!A0'
    safe = csv_line([formula], spreadsheet_safe=True)
    assert safe.lstrip('"').startswith(f"'{first}")
    assert csv_line([formula]).lstrip('"').startswith(first), "verbatim unless asked for"


def test_numbers_and_plain_texts_stay() -> None:
    values = ["Office", "a=b", "", None, Decimal("-1.50"), -3]
    assert csv_line(values, spreadsheet_safe=True) == csv_line(values) == "Office,a=b,,,-1.50,-3\n"
