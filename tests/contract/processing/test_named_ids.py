"""A receipt says which customers and products its events name, found or not, and on which days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.messages import NamedIds
from pipeline_core.processing.named_log import MOST_IN_RECEIPT
from pipeline_core.transform.ids import stable_hashes
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.successive import Runs

CUSTOMERS = [(f"c{n}", "2020-01-01", "Retail") for n in range(MOST_IN_RECEIPT + 9)]
PRODUCTS = [("p1", "Ball", "Toys", "1.00"), ("p2", "Bear", "Toys", "2.00")]


def _named(folder: Path, days: dict[str, bytes]) -> tuple[RunLedger, NamedIds]:
    shop = write_shop(folder / "shop", {"week_1.zip": archive_zip(days)}, CUSTOMERS, PRODUCTS)
    runs = Runs(shop, folder / "runs")
    runs.run()
    ledger = RunLedger(open_state(str(folder / "runs" / "state")), "run-001")
    (receipt,) = ledger.receipts()
    return ledger, receipt.named_ids


def _ids(*names: str) -> bytes:
    hashes = stable_hashes(pa.array([name.encode() for name in names], pa.large_binary()))
    return b"".join(each.to_bytes(8, "little") for each in sorted(hashes.tolist()))


def test_what_is_named_is_said_whatever_became_of_it(tmp_path: Path) -> None:
    day = [
        purchase("c1", "p1", 1),
        purchase("c1", "p7", 1),
        purchase("nobody", "p1", 1),
        purchase("c2", "p1", 0),
        purchase(None, "p2", 1),
        {**purchase("c3", "p3", 1), "event_type": "page_view"},
    ]
    other = day_zip({"part.json": part([purchase("c1", "p1", 2)])})
    days = {"events_2024-02-28.zip": day_zip({"part.json": part(day)}), "2024-03-02.zip": other}
    _, named = _named(tmp_path, days)
    assert named == NamedIds(
        first=date(2024, 2, 28),
        last=date(2024, 3, 2),
        customers=_ids("c1", "c2"),
        unknown_customers=_ids("nobody"),
        products=_ids("p1", "p2"),
        unknown_products=_ids("p7"),
    )


def test_a_day_without_a_date_is_said(tmp_path: Path) -> None:
    _, named = _named(tmp_path, {"day.zip": day_zip({"part.json": part([purchase("c1", "p1")])})})
    assert (named.first, named.last, named.undated) == (None, None, True)


def test_nothing_is_said_of_what_could_not_be_read(tmp_path: Path) -> None:
    broken = day_zip({"part-1.json": part([purchase("c1", "p1")])[:-1]})
    _, named = _named(tmp_path, {"events_2024-02-28.zip": broken})
    assert named == NamedIds()


def test_many_ids_are_in_a_file(tmp_path: Path) -> None:
    day = [purchase(customer, "p1", 1) for customer, *_ in CUSTOMERS]
    day += [purchase("nobody", "p1", 1)]
    days = {"events_2024-02-28.zip": day_zip({"part.json": part(day)})}
    ledger, named = _named(tmp_path, days)
    assert named.customers is None
    assert named.unknown_customers == _ids("nobody")
    assert named.file is not None
    rows = pa.ipc.open_stream(ledger.load(named.file)).read_all().to_pylist()
    assert len(rows) == named.file.rows == len(CUSTOMERS) + 2
    found = {(row["product"], row["known"]): set[int]() for row in rows}
    for row in rows:
        found[row["product"], row["known"]].add(row["id"])
    everybody = stable_hashes(pa.array([row[0].encode() for row in CUSTOMERS], pa.large_binary()))
    assert found[False, True] == set(everybody.tolist())
    assert {each.to_bytes(8, "little") for each in found[False, False]} == {_ids("nobody")}
    assert {each.to_bytes(8, "little") for each in found[True, True]} == {_ids("p1")}
