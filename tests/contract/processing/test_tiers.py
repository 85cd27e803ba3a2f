"""With what is compiled and without it, an archive comes to the same: partials, rejects, counts and
the ids that its events name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.load.partials import read_partial
from pipeline_core.messages import Feed, Receipt
from pipeline_core.transform.sums import IS_COMPILED
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import published_csvs
from tests.support.run import plan_local, process_local, publish_local

CUSTOMERS = (
    ("c1", "2020-01-01", "Retail", None, None),
    ("c2", "2020-01-01", None, None, None),
    ("c3", "2020-01-01", "VIP", "2024-03-02", None),
    ("c4", "2020-01-01", "New", None, "2024-03-02"),
    ("c4", "2020-01-01", "VIP", "2024-03-02", None),
)
PRODUCTS = (
    ("p1", "Pen", "Office", "0.10", None, None),
    ("p2", "Box", None, "2", None, None),
    ("p3", "Cap", "Toys", "90071992547409.91", None, "2024-03-01"),
    ("p3", "Cap", "Office", "7.25", "2024-03-02", None),
)
BROKEN = b'[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":1},'


def _events() -> list[Any]:
    """Each customer with each product and quantity, and what is no sale."""
    bought = [
        purchase(customer, product, quantity, price=price)
        for customer in ("c1", "c2", "c3", "c4", "nobody", "", None, 7)
        for product in ("p1", "p2", "p3", "nothing", "")
        for quantity, price in ((1, "9.95"), (2**31 - 1, 5), (0, 1), (-2, 3), (1.5, None))
    ]
    return [
        *bought,
        purchase(note="\\u0041"),
        purchase("c\u0031", "p1"),
        {"event_type": "view"},
        {"event_type": 5},
        "no object",
    ]


def _shop(folder: Path) -> Shop:
    events = _events()
    sound, lines = part(events), b"\n".join(map(msgspec.json.encode, events)) + b"\n"
    escaped = sound.replace(b'"c3"', b'"c\\u0033"')
    days = {
        "2024-02-29.zip": day_zip({"0.json": sound, "1.jsonl": lines, "2.json": BROKEN}),
        "2024-03-01.zip": day_zip({"0.json": sound, "a/0.json": sound, "1.json": escaped}),
        "2024-03-02.zip": day_zip([("0.json", sound), ("0.json", sound), ("1.json", b"[]")]),
        "some day.zip": day_zip({"0.json": sound}),
        "2024-03-03.zip": b"no zip",
    }
    archives = {
        "a.zip": archive_zip(days),
        "b.zip": archive_zip({"2024-03-04.zip": days["some day.zip"]}),
    }
    return write_shop(folder, archives, CUSTOMERS, PRODUCTS)


def _found(folder: Path, run_id: str) -> tuple[list[Receipt], list[Any], dict[str, bytes]]:
    """Receipts without what is each run's own, what their files hold, and what was published."""
    ledger = RunLedger(open_state(str(folder / "state")), run_id)
    receipts, contents = list[Receipt](), list[Any]()
    for work in ledger.manifest().planned_work():
        receipt = ledger.receipt(work)
        assert receipt is not None
        for name, file in sorted(receipt.partials.items()):
            table = read_partial(ledger.load(file))
            keys = [field.name for field in table.schema if field.name in _KEYS]
            contents.append((name, table.sort_by([(key, "ascending") for key in keys]).to_pylist()))
        others = (receipt.rejects, receipt.event_keys, receipt.named_ids.file)
        contents += [None if other is None else ledger.load(other) for other in others]
        named = msgspec.structs.replace(receipt.named_ids, file=None)
        apart: dict[str, Any] = {
            "partials": {},
            "rejects": None,
            "event_keys": None,
            "named_ids": named,
            "made_by": None,
        }
        receipts.append(msgspec.structs.replace(receipt, seconds=0, general_events=0, **apart))
    return receipts, contents, published_csvs(folder)


_KEYS = ("date", "category", "segment", "product")


@pytest.mark.skipif(not IS_COMPILED, reason="nothing is compiled")
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"unknown": "bucket"},
        {"returns": "net", "feed": Feed(price="price")},
        {"returns": "separate", "unknown": "bucket", "feed": Feed(price="price")},
        {"batch_size": 3},
        {"feed": Feed(event_id=("customer_id", "quantity"))},
    ],
    ids=str,
)
def test_an_archive_comes_to_the_same_without_what_is_compiled(
    tmp_path: Path, options: dict[str, Any], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, run_id = _shop(tmp_path / "shop"), "20240401T000000Z-0000"
    found = []
    for tier in ("compiled", "plain"):
        folder = tmp_path / tier
        manifest = plan_local(shop, folder, run_id=run_id, **options)
        process_local(folder, manifest)
        publish_local(folder, manifest, allow_incomplete=True)
        found.append(_found(folder, run_id))
        for module in ("extract.candidates", "extract.feed_rules", "extract.scan"):
            monkeypatch.setattr(f"pipeline_core.{module}.kernel", None)
        monkeypatch.setattr("pipeline_core.transform.ids.IS_COMPILED", False)
        monkeypatch.setattr("pipeline_core.transform.sums.IS_COMPILED", False)
    compiled, plain = found
    assert compiled == plain
    counts = compiled[0][0].counts
    assert counts.counted > 0
    assert len(counts.rejected) > 3
