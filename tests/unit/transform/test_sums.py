"""What is compiled adds up what enriching and aggregating come to, or hands it back."""

from __future__ import annotations

import threading
from datetime import date
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from pipeline_core.errors import ContractError
from pipeline_core.extract.candidate_rows import Columns, TableRows
from pipeline_core.extract.candidates import Decoded
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import Options
from pipeline_core.schemas import CANDIDATES, CUSTOMERS, PRODUCTS
from pipeline_core.transform.lookup import Dimensions, prepare
from pipeline_core.transform.money import MAX_PRICE_MINOR, to_minor
from pipeline_core.transform.sums import IS_COMPILED, SalesSums
from tests.support.added_up import Day, counted_in_both_ways, days_of, dimensions_of, options_of

if IS_COMPILED:
    from pipeline_core.transform import _sums

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="nothing is compiled")

DAY = date(2024, 3, 1)


def dimensions(price: int = 250, begins: date | None = None) -> Dimensions:
    """One customer, c, and one product, p."""
    customers = [[b"c"], ["VIP"], [begins], [None]]
    products = [[b"p"], ["Toys"], [price], [None], [None]]
    bought_by, offered = (
        pa.Table.from_arrays(
            [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
        )
        for columns, schema in ((customers, CUSTOMERS), (products, PRODUCTS))
    )
    return prepare(bought_by, offered, 2)


def sums_of(known: Dimensions) -> SalesSums:
    assert known.sum_rules is not None
    return SalesSums(known.sum_rules)


def bought(*quantities: int, customer: bytes | None = b"c") -> TableRows:
    count = len(quantities)
    columns = [
        range(count),
        [None] * count,
        [0] * count,
        [False] * count,
        [customer] * count,
        [b"p"] * count,
        quantities,
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, CANDIDATES, strict=True)]
    return TableRows(pa.Table.from_arrays(arrays, schema=CANDIDATES))


def add(sums: SalesSums, rows: TableRows, day: date | None = DAY) -> list[int]:
    found: list[int] = sums.add(day, rows.first, rows.count, rows.columns).tolist()
    return found


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_of_counting_come_to_the_same(seed: int) -> None:
    choose = Random(seed)  # noqa: S311
    for _ in range(5):
        days = days_of(choose)
        counted_in_both_ways(days, days, dimensions_of(choose), options_of(choose))


def test_what_is_certain_is_added_and_the_rest_handed_back() -> None:
    sums = sums_of(dimensions())
    assert add(sums, bought(2, 0, 3, -1)) == [1, 3]
    assert add(sums, bought(2, 1, customer=b"somebody")) == [0, 1]
    sold = sums.sold()
    assert (sold.by_day.units.tolist(), sold.by_day.purchases.tolist()) == ([5], [2])
    assert sold.by_product.revenue_lo.tolist() == [5 * 250]
    assert (sold.buyers.tolist(), sold.buyer_ends.tolist()) == ([0], [1])


def test_without_a_date_that_would_have_decided_all_are_handed_back() -> None:
    known = dimensions(begins=date(2024, 1, 1))
    assert add(sums_of(known), bought(1, 2), None) == [0, 1]
    assert add(sums_of(known), bought(1, 2)) == []
    assert add(sums_of(known), bought(1, 2), date(2023, 12, 31)) == [0, 1]
    assert add(sums_of(dimensions()), bought(1, 2), None) == []


def test_no_sum_wraps() -> None:
    sums = sums_of(dimensions(MAX_PRICE_MINOR))
    most = 2**31 - 1
    rows = bought(*[most] * 2000)
    added = sum(rows.count - len(add(sums, rows)) for _ in range(2))
    sold = sums.sold().by_day
    hi, lo = sold.revenue_hi.item(), sold.revenue_lo.item()
    assert 0 < added < 4000
    assert to_minor(hi, lo) == added * most * MAX_PRICE_MINOR
    other = sums_of(dimensions(MAX_PRICE_MINOR))
    with pytest.raises(ContractError, match="other rules"):
        sums.absorb(other)
    twin = SalesSums(sums._rules)
    add(twin, rows)
    sums.absorb(twin)
    third = SalesSums(sums._rules)
    add(third, rows)
    with pytest.raises(ContractError, match="too large"):
        sums.absorb(third)


def test_sums_of_parts_may_be_as_large_as_those_of_rows() -> None:
    rows = bought(*[2**31 - 1] * 400)  # of two parts: more than what one adds up
    options = Options(batch_size=1)  # so that each part is added up by itself
    window, spans = Window(bytes(1000), 0, Shape.LINES), np.zeros((rows.count, 2), np.int64)
    part = [Decoded(window, 0, rows.count, rows.count, 0, rows, spans, 0)], True
    days = [Day(DAY, [part, part], counts=True)]
    counted = counted_in_both_ways(days, days, dimensions(MAX_PRICE_MINOR), options)
    [sold] = counted.partials["sales_report"]
    revenue = to_minor(sold["revenue_hi"], sold["revenue_lo"])
    assert revenue == 2 * rows.count * (2**31 - 1) * MAX_PRICE_MINOR


@pytest.mark.parametrize("secret", [1, 5, 2**63 + 1, 2**64 // 3, 2**64 // 7, 2**64 - 1])
@pytest.mark.parametrize("apart", [1, 7, 1000, 1 << 22, 1 << 38])
def test_no_secret_lays_neighbours_into_heaps(secret: int, apart: int) -> None:
    keys, bits, stretch = 4096, 13, 64  # half of the places are taken
    places = [_sums.place_of_key(secret, bits, key * apart) for key in range(keys)]
    taken = np.bincount(np.array(places) // stretch, minlength=2**bits // stretch)
    assert len(taken) == 2**bits // stretch
    assert taken.max() < 1.25 * stretch  # on an average, half of it


def test_columns_that_are_shorter_than_they_say_are_refused() -> None:
    rows = bought(*range(1, 20))
    columns = rows.columns
    assert columns is not None
    sums = sums_of(dimensions())
    for name in Columns._fields[:3] + Columns._fields[4:5] + Columns._fields[7:8]:
        short = columns._replace(**{name: bytes(memoryview(getattr(columns, name)))[:1]})
        with pytest.raises(ValueError, match="shorter"):
            sums.add(DAY, 0, rows.count, short)
    beyond = np.full(20, 1000, np.int64)
    with pytest.raises(ValueError, match="do not fit"):
        sums.add(DAY, 0, rows.count, columns._replace(customer_offsets=beyond))
    for first, count in ((-1, 1), (1, 1000), (2**62, 2**62), (0, -1)):
        with pytest.raises(ValueError, match="shorter"):
            sums.add(DAY, first, count, columns)
    assert sums.sold().by_day.units.tolist() == []


def test_so_many_labels_that_keys_would_not_fit_are_not_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline_core.transform.sums._sums.MOST_GROUPS", 1)
    assert dimensions().sum_rules is None


def test_two_calls_never_have_the_same_sums_at_once() -> None:
    sums, rows, turns = sums_of(dimensions()), bought(*[1] * 5000), 50
    columns = rows.columns
    refused: list[str] = []

    def add_all() -> None:
        for _ in range(turns):
            try:
                sums.add(DAY, rows.first, rows.count, columns)
            except ValueError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=add_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refused) <= {"the sums are in another call"}
    assert sums.sold().by_day.units.tolist() == [(3 * turns - len(refused)) * rows.count]
