"""CSV that a spreadsheet opens, and one file a category."""

from __future__ import annotations

import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.load.tables import (
    csv_line,
    csv_lines,
    split_by_category,
    write_by_category,
    write_csv,
)


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_marked(first: str) -> None:
    formula = f'{first}cmd|"/c calc"!A0'
    safe = csv_line([formula], spreadsheet_safe=True)
    assert safe.lstrip('"').startswith(f"'{first}")
    assert csv_line([formula]).lstrip('"').startswith(first), "verbatim unless asked for"


def test_numbers_and_plain_texts_stay() -> None:
    values = ["Office", "a=b", "", None, Decimal("-1.50"), -3]
    assert csv_line(values, spreadsheet_safe=True) == csv_line(values) == "Office,a=b,,,-1.50,-3\n"


_TEXTS = st.one_of(st.none(), st.text("a\"',\r\n=-@\té漢 ", max_size=4))
_DATES = st.one_of(st.none(), st.dates())


def _amounts(decimals: int) -> st.SearchStrategy[list[Decimal | None]]:
    minor = st.one_of(st.integers(-9, 9), st.integers(-(10**24), 10**24))
    return st.lists(
        st.one_of(st.none(), minor.map(lambda each: Decimal(each).scaleb(-decimals))),
        min_size=4,
        max_size=4,
    )


@settings(deadline=None)  # what Arrow loads when it is first asked takes a while
@given(
    texts=st.lists(_TEXTS, min_size=4, max_size=4),
    dates=st.lists(_DATES, min_size=4, max_size=4),
    amounts=st.sampled_from([0, 2, 6, 7, 18]).flatmap(
        lambda decimals: st.tuples(st.just(decimals), _amounts(decimals))
    ),
    safe=st.booleans(),
)
def test_columns_are_written_as_their_values_are(
    texts: list[str | None],
    dates: list[date | None],
    amounts: tuple[int, list[Decimal | None]],
    safe: bool,
) -> None:
    decimals, revenue = amounts
    columns = [
        pa.array(texts, pa.string()),
        pa.array(texts, pa.string()).dictionary_encode(),
        pa.array(dates, pa.date32()),
        pa.array(revenue, pa.decimal128(38, decimals)),
        pa.array([1, None, -1, 2**63 - 1], pa.int64()),
        pa.array([True, None, False, True]),
    ]
    table = pa.table(columns, names=["a,b", "b", "c", "d", "e", "f"])
    table = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    rows = zip(*(column.to_pylist() for column in columns), strict=True)
    expected = [csv_line(table.schema.names), *(csv_line(r, spreadsheet_safe=safe) for r in rows)]
    assert list(csv_lines(table, spreadsheet_safe=safe)) == expected
    with TemporaryDirectory() as folder:
        write_csv(table, path := Path(folder) / "table.csv", spreadsheet_safe=safe)
        assert path.read_bytes() == "".join(expected).encode()


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
