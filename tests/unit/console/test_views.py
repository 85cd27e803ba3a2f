"""Tables for people, on terminals of any width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from console.display.views import some, table


@pytest.mark.parametrize("width", [40, 50, 200])
def test_a_table_folds_texts_and_keeps_numbers_whole(width: int) -> None:
    file = io.StringIO()
    name = "events_2024_week_01.zip"
    grid = table(["archive", "day", "revenue"], [(name, name, "1,234,567.89")], numbers=(2,))
    Console(file=file, width=width).print(grid)
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any("1,234,567.89" in line for line in lines)
    below = next(number for number, line in enumerate(lines, start=1) if "──" in line)
    columns = [line.split() for line in lines[below:]]
    assert "".join(words[0] for words in columns if words) == name


@pytest.mark.parametrize("width", [12, 20, 30])
def test_a_row_too_wide_for_a_table_is_a_block(width: int) -> None:
    file = io.StringIO()
    name = "events_2024_week_01.zip"
    grid = table(
        ["archive", "run", "revenue", "note"],
        [(name, "20240301T0", "1,234,567.89", None)],
        numbers=(2,),
        whole=(1,),
    )
    Console(file=file, width=width).print(grid)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "1,234,567.89" in text
    assert "20240301T0" in text
    assert "note" not in text, "nothing is in it"
    assert name in "".join(text.replace("archive", "").split())


def test_a_text_longer_than_anybody_reads_is_cut() -> None:
    file = io.StringIO()
    Console(file=file, width=60).print(table(["event"], [("x" * 5000,)]))
    assert 0 < file.getvalue().count("x") < 500
    assert "…" in file.getvalue()


def test_cells_are_text() -> None:
    file = io.StringIO()
    Console(file=file, width=60, emoji=False).print(table(["[b]x"], [("[red]a[/red] :100:",)]))
    assert "[red]a[/red] :100:" in file.getvalue()


def test_a_number_of_names_has_its_thousands() -> None:
    assert some(["2024-03-02"], 1106) == "1,106 (2024-03-02, ...)"
