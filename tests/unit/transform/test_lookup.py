"""Rows by id and day, all at once, as a plain loop finds them one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from pipeline_core.schemas import PRODUCTS
from pipeline_core.transform.lookup import NOT_FOUND
from pipeline_core.transform.valid_rows import ValidRows

Range = tuple[date | None, date | None]
START = date(2023, 12, 25)  # so that a leap day is among the days


def table_of(rows: Sequence[tuple[str, date | None, date | None]]) -> pa.Table:
    ids, begins, ends = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {
        "product_id": pa.array([one.encode() for one in ids], pa.large_binary()),
        "category": pa.nulls(len(ids), pa.string()),
        "price_minor": pa.array([0] * len(ids), pa.int64()),
        "valid_from": pa.array(begins, pa.date32()),
        "valid_to": pa.array(ends, pa.date32()),
    }
    return pa.table(columns, schema=PRODUCTS)


def found(rows: ValidRows, asked: Sequence[tuple[str | None, date | None]]) -> np.ndarray:
    ids = [None if one is None else one.encode() for one, _ in asked]
    days = pa.array([day for _, day in asked], pa.date32())
    return rows.rows_of(pa.array(ids, pa.large_binary()), days)


def history(random_: random.Random) -> list[Range]:
    """Ranges of one id, in their order, that touch or leave gaps."""
    borders = sorted(random_.sample(range(100), random_.randint(1, 8)))
    days: list[date | None] = [START + timedelta(days=n) for n in borders]
    edges = [None, *days, None]
    spans = [(a, b) for a, b in pairwise(edges) if random_.random() < 0.8]
    return spans or [(None, None)]


@pytest.mark.parametrize("seed", range(5))
def test_a_loop_over_thousands_of_rows_finds_the_same(seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311
    ids = [f"p{n:04}" for n in range(1500)]
    rows = [(one, *span) for one in ids for span in history(random_)]
    assert len(rows) > 3000
    asked: list[tuple[str | None, date | None]] = [
        (
            random_.choice([*ids, "nobody", None]) if n % 10 == 0 else random_.choice(ids),
            None if n % 7 == 0 else START + timedelta(days=random_.randint(-2, 102)),
        )
        for n in range(20_000)
    ]
    lookup = ValidRows.of(table_of(rows))
    places: dict[str, list[int]] = {}
    for place, (one, _, _) in enumerate(rows):
        places.setdefault(one, []).append(place)
    for (asked_id, day), row in zip(asked, found(lookup, asked).tolist(), strict=True):
        own = places.get(asked_id or "", [])
        valid = [
            place
            for place in own
            if day is not None
            and (rows[place][1] or date.min) <= day < (rows[place][2] or date.max)
        ]
        expected = own[-1:] if day is None else valid
        if not own:
            assert row == NOT_FOUND
        elif expected:
            assert [row] == expected
            assert not lookup.is_gap[row]
            assert lookup.range_of(row) == rows[row][1:]
        else:
            assert lookup.is_gap[row]
            assert lookup.range_of(row) == (None, None)
        if own:
            assert lookup.number[row] == ids.index(asked_id or "")
            assert lookup.is_dated[row] == any(rows[place][1:] != (None, None) for place in own)


@pytest.mark.parametrize("day", [date.min, START - timedelta(days=1), date.max, None])
def test_days_at_the_ends_of_time(day: date | None) -> None:
    only = ValidRows.of(table_of([("a", START, START + timedelta(days=1))]))
    [row] = found(only, [("a", day)])
    assert only.is_gap[row] == (day is not None)
    open_ = ValidRows.of(table_of([("a", None, START), ("a", START, None), ("b", None, None)]))
    rows = found(open_, [("a", day), ("b", day)]).tolist()
    assert rows == [0 if day is not None and day < START else 1, 2]


def test_where_every_row_is_always_valid_a_row_is_an_ids_number() -> None:
    rows = ValidRows.of(table_of([("a", None, None), ("b", None, None)]))
    assert not rows.has_dates
    assert found(rows, [("b", START), ("a", None), ("c", START), (None, None)]).tolist() == [
        *(1, 0, NOT_FOUND, NOT_FOUND)
    ]
    assert rows.number.tolist() == [0, 1, NOT_FOUND]
    assert not rows.gaps(np.array([0, 1, NOT_FOUND])).any()


def test_of_nothing_nothing_is_found() -> None:
    assert found(ValidRows.of(table_of([])), [("a", START), (None, None)]).tolist() == [
        *(NOT_FOUND, NOT_FOUND)
    ]
