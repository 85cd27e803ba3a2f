"""What only a few strange events have is proposed to nobody, whatever the tables are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline_core.configuration.places import Places
from pipeline_core.errors import ConfigError
from pipeline_core.inspection.inspect import inspect
from pipeline_core.inspection.proposal import proposals
from pipeline_core.messages import Feed, Options
from tests.support.archives import archive_zip, day_zip, part, purchase
from tests.support.known_tables import tables

BOUGHT = {"product_id": "p1", "quantity": 9}
ORDER = {"event_type": "purchase", "customer_id": "c1", "items": [BOUGHT]}
STRANGE = [
    {"context": {"event_type": "purchase", "items": [BOUGHT]}},
    {"context": {"type": "order", "items": [BOUGHT, {}], "customer_id": "c1"}},
    {"context": {"events": [{"event_type": "purchase", "customer_id": "c1", **BOUGHT}]}},
    {"items": [BOUGHT]},
]
RENAMED = "SALES_PRODUCT_COLUMNS=product_id=article,category=family,price=list price"


def usual(count: int = 300, **extra: object) -> list[dict[str, object]]:
    """A third of them are purchases."""
    return [
        {**purchase("c1", "p1", 1 + n % 3), **({} if n % 3 else extra)}
        if n % 3 == 0
        else {**purchase("c1", "p1", 1), "event_type": "view_product"}
        for n in range(count)
    ]


def with_strange(strange: dict[str, object]) -> list[dict[str, object]]:
    events = usual()
    events[7] = {**events[7], **strange}
    return events


def proposed(folder: Path, events: Sequence[object], **files: str) -> tuple[int | None, list[str]]:
    """How many would count by what is proposed, and the lines but those of places."""
    tables = {"customers": "customer_id,segment\nc1,VIP\n"} | files
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    (folder / "data").mkdir()
    days = {"2024-03-01.zip": day_zip({"a.json": part(events)})}
    (folder / "data" / "week.zip").write_bytes(archive_zip(days))
    places = Places(str(folder / "data"), "reports", "state", str(folder), "")
    found = inspect(places, Options())
    share = found.today if found.is_best else found.proposed
    lines = [f"{line.name}={line.value}" for line in found.lines[2:]]
    return None if share is None else share.counted, lines


@pytest.mark.parametrize("strange", STRANGE)
def test_renamed_columns_alone_are_proposed_for_a_dirty_feed(
    tmp_path: Path, strange: dict[str, object]
) -> None:
    goods = "article,family,list price\np1,Toys,9.95\np2,Toys,1.00\n"
    assert proposed(tmp_path, with_strange(strange), products=goods) == (100, [RENAMED])


@pytest.mark.parametrize("strange", STRANGE)
def test_nothing_is_proposed_for_a_dirty_feed_where_a_table_is_missing(
    tmp_path: Path, strange: dict[str, object]
) -> None:
    assert proposed(tmp_path, with_strange(strange)) == (100, [])


def test_an_order_of_items_beside_many_purchases_is_no_shop_s_way(tmp_path: Path) -> None:
    goods = "article,family,list price\np1,Toys,9.95\np2,Toys,1.00\n"
    assert proposed(tmp_path, [*usual(), ORDER], products=goods) == (100, [RENAMED])


def test_the_names_of_another_shop_are_found_beside_strange_events(tmp_path: Path) -> None:
    """So also where nothing counts by the names of today."""
    renamed = [
        {"kind": each["event_type"], "who": each["customer_id"], "sku": each["product_id"]}
        | {"qty": each["quantity"]}
        for each in usual()
    ]
    renamed[7] |= {"context": {"event_type": "purchase", "items": [BOUGHT]}}
    goods = "product_id,category,price\np1,Toys,9.95\n"
    counted, lines = proposed(tmp_path, renamed, products=goods)
    assert (counted, lines) == (
        100,
        ["SALES_FIELDS=event_type=kind,customer_id=who,product_id=sku,quantity=qty"],
    )


def test_one_order_of_items_among_many_views_is_found() -> None:
    views = [{"event_type": "view", "customer_id": "c001"}] * 400
    order = {**ORDER, "customer_id": "c001", "items": [{**BOUGHT, "product_id": "p001"}]}
    assert proposals([*views, order], tables())[0].feed == Feed(items="items[]")


def test_what_calls_one_purchase_a_test_is_not_proposed() -> None:
    events = usual(customer_id="c001", product_id="p001")
    events[0], events[3] = {**events[0], "test": True}, {**events[3], "test": False}
    assert proposals(events, tables())[0].feed == Feed()


def test_what_holds_no_tables_is_told_as_a_run_tells_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({}))
    (tmp_path / "tables").write_text("")
    places = Places(str(tmp_path / "data"), "reports", "state", str(tmp_path / "tables"), "")
    with pytest.raises(ConfigError, match="tables is a file, not a folder"):
        inspect(places, Options())
