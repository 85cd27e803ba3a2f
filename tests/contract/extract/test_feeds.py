"""A shop's own feed, from its zips to its reports, and what is said of it afterwards."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from pipeline_core.diff.compare import difference
from pipeline_core.messages import Condition, Feed
from pipeline_core.storage import open_storage
from tests.contract.questions.test_explain import explained
from tests.support.archives import archive_zip, day_zip, write_shop
from tests.support.run import reasons, rejects, run_local, sales, summary, text, units

DAY = "2024-03-01.zip"
FEED = Feed(
    event_type="type",
    customer_id="user.id",
    product_id="sku",
    quantity="n",
    purchase_types=("order", "sale"),
    items="cart.lines[]",
    only=(Condition("test", False, ("true",)),),
    numbers="number",
    missing_quantity=1,
)


def order(*lines: object, kind: str = "order", **fields: object) -> dict[str, object]:
    return {"type": kind, "user": {"id": "c1"}, "cart": {"lines": list(lines)}, **fields}


ORDERS = [
    order({"sku": "p1", "n": "2.0"}, {"sku": "p1"}),
    order({"sku": "nothing", "n": 5}, {"sku": "p1", "n": 0}, 7),
    order({"sku": "p1", "n": 100}, test=True),
    order({"sku": "p1", "n": 100}, kind="view"),
    order(),
    order({"sku": "p1", "n": 3}, kind="sale"),
]


def test_orders_in_lines_become_a_report(tmp_path: Path) -> None:
    lines = "\n".join(map(json.dumps, ORDERS)) + "\nnot json\n"
    days = {DAY: day_zip({"1.jsonl.gz": gzip.compress(lines.encode())})}
    shop = write_shop(tmp_path / "shop", {"a.zip": archive_zip(days)})
    outcome = run_local(shop, tmp_path, feed=FEED)
    assert units(outcome) == 6
    events = summary(outcome).events
    assert (events.seen, events.counted, events.not_purchase, events.rejected) == (10, 3, 3, 4)
    alone = '{"type":"order","user":{"id":"c1"},"cart":{"lines":['
    expected = [
        ("unknown_product", "1/0", alone + '{"sku":"nothing","n":5}]}}'),
        ("invalid_quantity", "1/1", alone + '{"sku":"p1","n":0}]}}'),
        ("not_an_object", "1/2", alone + "7]}}"),
        ("not_an_object", "6", "not json"),
    ]
    assert [
        (each["reason"], each["position"], each["event"]) for each in rejects(tmp_path)
    ] == expected
    found = explained(tmp_path)
    assert [(each.position, each.item, each.quantity) for each in found.first_events] == [
        (0, 0, 2),
        (0, 1, 1),
        (5, 0, 3),
    ]
    report = text(tmp_path)
    again = run_local(shop, tmp_path, feed=FEED, reject_event_bytes=4)  # from the kept extracts
    assert summary(again).days.reused == 1
    assert text(tmp_path) == report
    assert [each["position"] for each in rejects(tmp_path)] == [each[1] for each in expected]
    assert rejects(tmp_path)[0]["event"].startswith('{"ty… (cut')


def test_another_feed_reads_again_and_is_the_cause_of_what_changed(tmp_path: Path) -> None:
    content = sales(2).replace(b"[", b"[" + sales(5)[1:-1].replace(b"purchase", b"sale") + b",")
    shop = write_shop(
        tmp_path / "shop", {"a.zip": archive_zip({DAY: day_zip({"1.json": content})})}
    )
    one = run_local(shop, tmp_path)
    assert units(one) == 2
    other = run_local(shop, tmp_path, feed=Feed(purchase_types=("sale",)))
    assert units(other) == 5
    assert summary(other).days.read == 1
    again = run_local(shop, tmp_path, feed=Feed(purchase_types=("sale",)))
    assert summary(again).archives.reused == 1
    found = difference(open_storage(str(tmp_path / "state")), one.run_id, other.run_id)
    (cell,) = found.cells
    assert {cause.kind.value for cause in cell.causes} == {"changed_feed"}
    assert cell.units == 3


@pytest.mark.parametrize("batch_size", [1, 7, 50_000])
def test_batches_do_not_show(tmp_path: Path, batch_size: int) -> None:
    envelope = {"page": 1, "data": {"orders": ORDERS * 20}, "next": None}
    days = {DAY: day_zip({"1.json": json.dumps(envelope).encode()})}
    shop = write_shop(tmp_path / "shop", {"a.zip": archive_zip(days)})
    outcome = run_local(shop, tmp_path, feed=FEED, batch_size=batch_size)
    assert reasons(tmp_path) == ["unknown_product", "invalid_quantity", "not_an_object"] * 20
    assert rejects(tmp_path)[-1]["position"] == "115/2"
    assert units(outcome) == 120
