"""Every cell of a generated shop, taken apart: exact sums, and the events of the oracle."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ReturnsMode, UnknownMode
from pipeline_core.questions.explain import cell as summing
from pipeline_core.questions.explain import rows
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, Explanation
from pipeline_core.storage import open_storage
from tests.property.test_pipeline_equals_oracle import BATCH_SIZES, PROCESSES
from tests.support import oracle
from tests.support.oracle import Counted, OracleResult, Reject, compute
from tests.support.oracle_feed import Feed as OracleFeed
from tests.support.oracle_feed import date_of_day
from tests.support.run import run_local
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.whole_runs import whole_runs

ALL = 1_000_000
Sums = tuple[int, int, Decimal]


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(shop=shops(), returns=RETURNS, batch_size=BATCH_SIZES, processes=PROCESSES)
@whole_runs(60)
def test_explanations_equal_oracle(
    unknown: UnknownMode,
    shop: GeneratedShop,
    returns: ReturnsMode,
    batch_size: int,
    processes: int,
) -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        mock.patch.object(summing, "_LEAST_SUMMED_ROWS", 2),
        mock.patch.object(rows, "_LEAST_ROWS", batch_size),
    ):
        folder = Path(name)
        written = shop.write(folder / "shop")
        outcome = run_local(
            written,
            folder,
            processes=processes,
            unknown=unknown,
            returns=returns,
            batch_size=batch_size,
        )
        expected = compute(written.data, written.dimensions, unknown=unknown, returns=returns)
        known = oracle._read_dimensions(written.dimensions, OracleFeed())
        ledger = RunLedger(open_storage(str(folder / "state")), outcome.run_id)
        for cell in _cells(shop, expected, unknown):
            found = explain(ledger, cell, ALL)
            here = [each for each in expected.counted if _is_in(each, cell)]
            returned = [each for each in here if each.units < 0]
            if returns == "separate":
                assert found.returned is not None
                assert found.returned.units == -sum(each.units for each in returned)
                here = [each for each in here if each.units > 0]
            _check_counted(found, here)
            if cell.date is None:
                _check_left_out(found, known, expected.rejects, bucket=unknown == "bucket")
            _check_prices(found, known, here)


def _cells(shop: GeneratedShop, expected: OracleResult, unknown: UnknownMode) -> set[Cell]:
    """Those with sales, with and without their dates, and all that might have some."""
    unknowns = {"Unknown"} if unknown == "bucket" else set()
    categories = unknowns | {row[2] for row in shop.products if row[2]}
    segments = unknowns | {row[2] for row in shop.customers if row[2]}
    dated = {
        Cell(each.category, each.segment, date.fromisoformat(each.date))
        for each in expected.counted
        if each.date
    }
    return dated | {Cell(*labels) for labels in product(categories, segments)}


def _is_in(each: Counted, cell: Cell) -> bool:
    is_dated = cell.date is None or each.date == cell.date.isoformat()
    return is_dated and (each.category, each.segment) == (cell.category, cell.segment)


def _check_counted(found: Explanation, expected: list[Counted]) -> None:
    assert [
        (*_place(e), e.customer, e.product, e.quantity, e.revenue) for e in found.first_events
    ] == [
        (*each[:4], _shown(each.customer), _shown(each.product), each.units, each.revenue)
        for each in expected
    ]
    total = _sums(expected, lambda _: ()).get((), (0, 0, Decimal(0)))
    totals = found.totals
    assert (found.events, totals.units_sold, Decimal(totals.total_revenue)) == total
    buyers = {each.customer for each in expected if each.units > 0}
    assert totals.unique_customers == len(buyers - {None})
    for listed, names in (
        (found.archives, ["archive"]),
        (found.days, ["archive", "day"]),
        (found.parts, ["archive", "day", "part"]),
        (found.customers, ["customer"]),
    ):
        _check_listed(listed, names, expected)


def _check_prices(found: Explanation, known: oracle._Dimensions, expected: list[Counted]) -> None:
    """A product stands there once for each of its rows that counts."""
    sums: dict[tuple[str | None, ...], Sums] = defaultdict(lambda: (0, 0, Decimal(0)))
    for each in expected:
        row = oracle._of_day(known.products.get(each.product, []), each.date)
        price = oracle._money(row.price, known.decimals) if row else None
        key = (_shown(each.product), price, *((row.valid_from, row.valid_to) if row else ("", "")))
        events, units, revenue = sums[key]
        sums[key] = (events + 1, units + each.units, revenue + Decimal(each.revenue))
    rows = {
        (row.product, row.price, str(row.valid_from or ""), str(row.valid_to or "")): (
            *(row.events, row.units, Decimal(row.revenue)),
        )
        for row in found.products
    }
    assert len(rows) == len(found.products)
    assert rows == sums
    revenues = [Decimal(row.revenue) for row in found.products]
    assert revenues == sorted(revenues, reverse=True)


def _check_listed(listed: Sequence[Any], names: list[str], expected: list[Counted]) -> None:
    sums = {
        tuple(getattr(row, name) for name in names): (row.events, row.units, Decimal(row.revenue))
        for row in listed
    }
    assert len(sums) == len(listed)
    assert sums == _sums(expected, lambda each: tuple(_shown(getattr(each, n)) for n in names))
    revenues = [Decimal(row.revenue) for row in listed]
    assert revenues == sorted(revenues, reverse=True)


def _sums(
    counted: Iterable[Counted], key: Callable[[Counted], tuple[str | None, ...]]
) -> dict[tuple[str | None, ...], Sums]:
    sums: dict[tuple[str | None, ...], Sums] = defaultdict(lambda: (0, 0, Decimal(0)))
    for each in counted:
        events, units, revenue = sums[key(each)]
        sums[key(each)] = (events + 1, units + each.units, revenue + Decimal(each.revenue))
    return dict(sums)


def _check_left_out(
    found: Explanation, known: oracle._Dimensions, rejects: list[Reject], *, bucket: bool
) -> None:
    landed = list(_landed(found.cell, known, rejects, bucket=bucket))
    here = [(reject, told) for reject, told in landed if told]
    assert found.unplaced_events == len(landed) - len(here)
    events = {(each.reason, each.known): each.events for each in found.left_out}
    assert events == Counter((reject.reason, told) for reject, told in here)
    assert [(e.reason, *_place(e)) for e in found.first_left_out] == [
        tuple(reject[:5])
        for name in ("both", "category", "segment")
        for reject, told in here
        if told == name
    ]


def _landed(
    cell: Cell, dimensions: oracle._Dimensions, rejects: list[Reject], *, bucket: bool
) -> Iterator[tuple[Reject, str]]:
    """Rejects that the cell might have, with what is known of them: "" for nothing. A product
    without a price on the day has no category, and none is Unknown."""
    for reject in rejects:
        day = date_of_day(reject.day)
        event = reject.event if isinstance(reject.event, dict) else None
        category = segment = None
        if event is not None:
            one = event.get("product_id")
            rows = dimensions.products.get(one, []) if isinstance(one, str) else []
            thing = oracle._of_day(rows, day)
            is_gap = bool(rows) and thing is None
            category = _label(one, thing and thing.category, bucket=bucket and not is_gap)
            customer = event.get("customer_id")
            people = dimensions.customers.get(customer, []) if isinstance(customer, str) else []
            person = oracle._of_day(people, day)
            segment = _label(customer, person and person.segment, bucket=bucket)
            if bucket and (customer is None or customer == ""):
                segment = "Unknown"
        if category in (None, cell.category) and segment in (None, cell.segment):
            known = [name for name, v in (("category", category), ("segment", segment)) if v]
            yield reject, "both" if len(known) == 2 else "".join(known)


def _label(value: object, label: str | None, *, bucket: bool) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    return label or ("Unknown" if bucket else None)


def _place(event: Any) -> tuple[str, str, str, int]:
    return event.archive, event.day, event.part, event.position


def _shown(value: str | None) -> str | None:
    return None if value is None else value.encode("utf-8", "backslashreplace").decode()
