"""Which parts verify takes for certain, and that they come to what its definition says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pipeline_core.messages import Feed, Limits, Options
from pipeline_core.reread.certain import Uncertain
from pipeline_core.verify.certain_sales import CertainSales, is_plain
from pipeline_core.verify.counts import Count, Place
from pipeline_core.verify.judge import Customer, Product, Rules
from pipeline_core.verify.part import PartCounter
from tests.support.archives import part, purchase
from tests.support.recounted import feed_of

PLACE = Place("week.zip", "2024-03-01.zip", "a.json")
RULES = Rules(
    {
        "c1": [Customer("c1", "VIP", "", "")],
        "late": [Customer("late", "VIP", "2024-03-02", "")],
        "two": [Customer("two", "A", "", "2024-03-01"), Customer("two", "B", "2024-03-01", "")],
    },
    {"p1": [Product("Pens", Decimal("0.10"), "", "")], "p0": [Product(None, Decimal(1), "", "")]},
    scale=2,
    bucket=False,
)


def _certain(content: bytes, sold_on: str = "2024-03-01", **limits: int) -> Count:
    options = Options(limits=Limits(**limits))
    found = CertainSales(RULES, options).count(content, PLACE, sold_on)
    assert found == PartCounter(RULES, options, None).by_definition(content, PLACE, sold_on)
    return found


def _reasons(count: Count) -> list[tuple[str, str]]:
    return [(reject.reason, reject.position) for reject in count.rejects]


def test_sales_rejects_and_other_events_of_one_part() -> None:
    events: list[Any] = [
        purchase("c1", "p1", 3),
        {"event_type": "view"},
        {"event_type": None},
        {},
        {"event_type": ["purchase"]},
        purchase("nobody", "p1"),
        purchase("c1", "p0"),
        purchase("late", "p1"),
        purchase("two", "p1", 2**31 - 1),
        *(purchase("c1", "p1", quantity) for quantity in (0, -1, 2**31, 10**30, 1.5, "1", True)),
        {**purchase(), "product_id": {"id": "p1"}},
        {**purchase(), "customer_id": 5},
    ]
    found = _certain(part(events))
    assert (found.seen, found.not_purchase, found.counted) == (18, 1, 2)
    assert found.customers == {("Pens", "VIP"): {"c1"}, ("Pens", "B"): {"two"}}
    assert found.sales["2024-03-01", "Pens", "B"].revenue == (2**31 - 1) * Decimal("0.10")
    assert [position for _, position in _reasons(found)] == [
        str(place) for place in (2, 3, 4, 5, 6, 7, *range(9, 18))
    ]


def test_without_a_date_only_what_always_was_valid_is_certain() -> None:
    found = _certain(part([purchase("two", "p1"), purchase("c1", "p1")]), "")
    assert (found.counted, found.newest) == (2, 1)


@pytest.mark.parametrize("most", [90, 200, 16 << 20])
def test_pieces_are_counted_as_the_whole(most: int) -> None:
    events = [purchase("c1", "p1", number) for number in range(1, 50)]
    content = part([*events, purchase("nobody", "p1")]).replace(b"}, {", b"},{")
    content = content.replace(b", ", b",").replace(b": ", b":")
    found = _certain(content, event_bytes=most)
    assert (found.seen, found.counted) == (50, 49)
    assert _reasons(found) == [("unknown_customer", "49")]


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_nested_events_are_certain_up_to_the_limit_of_depth(depth: int) -> None:
    deep: Any = 1
    for _ in range(depth - 2):
        deep = [deep]
    content = part([{**purchase("c1", "p1"), "more": deep}] * 9)
    assert _certain(content, json_depth=depth).counted == 9
    if depth > 2:
        with pytest.raises(Uncertain):
            CertainSales(RULES, Options(limits=Limits(json_depth=depth - 1))).count(
                content, PLACE, ""
            )


SALE = json.dumps(purchase("c1", "p1")).encode()


@pytest.mark.parametrize(
    "content",
    [
        SALE,  # one object, or lines: they may be envelopes
        b"[" + SALE + b",]",
        b"[" + SALE + b"," + SALE + b",]",
        b"[" + SALE + b'],[{"a":{},' + SALE[1:] + b"]",
        b"[" + SALE + b",1]",
        b"[" + SALE.replace(b"c1", b"\\ud800") + b"]",
        b"[" + SALE.replace(b"c1", b"\xff") + b"]",
        b"[" + SALE.replace(b"}", b', "x": NaN}') + b"]",
        b"[" + SALE.replace(b"}", b', "x": 1e999}') + b"]",
        b"[" + SALE.replace(b"}", b', "x": %s, "x": 1}' % (b"[" * 300 + b"]" * 300)) + b"]",
        b"\xef\xbb\xbf\xef\xbb\xbf[" + SALE + b"]",
        b"",
    ],
)
@pytest.mark.parametrize("most", [2, len(SALE) + 9, 16 << 20])
def test_what_is_not_certain_is_left_to_the_definition(content: bytes, most: int) -> None:
    with pytest.raises(Uncertain):
        CertainSales(RULES, Options(limits=Limits(event_bytes=most))).count(content, PLACE, "")


@pytest.mark.parametrize(
    "settings",
    [
        {"SALES_ITEMS": "items[]"},
        {"SALES_IDS": "any"},
        {"SALES_QUANTITY": "number"},
        {"SALES_ONLY": "status=paid"},
        {"SALES_EVENT_ID": "id"},
        {"SALES_PRICE_FIELD": "price"},
        {"SALES_FIELDS": "customer_id=user.id"},
    ],
)
def test_feeds_that_need_more_than_whole_numbers_are_never_certain(
    settings: dict[str, str],
) -> None:
    assert is_plain(Feed())
    assert not is_plain(feed_of(settings))
