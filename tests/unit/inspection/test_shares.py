"""What settings count of a sample, what stands there twice, and what is said of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from console.display.inspection import print_inspection
from pipeline_core.configuration.places import Places
from pipeline_core.inspection.inspect import inspect
from pipeline_core.messages import Feed, Options
from pipeline_core.messages.inspection import Inspection
from tests.support import PROJECT
from tests.support.archives import archive_zip, day_zip, part, purchase
from tests.support.documents import blocks

Look = Callable[[Sequence[object], Feed], Inspection]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Inspects an archive of some events by the settings of today."""
    (tmp_path / "customers.csv").write_text("customer_id,segment\nc1,VIP\nc2,New\n")
    (tmp_path / "products.csv").write_text("product_id,category,price\np1,Toys,9.95\np2,Toys,1\n")
    places = Places(str(tmp_path / "data"), "reports", "state", str(tmp_path), "")
    (tmp_path / "data").mkdir()

    def _look(events: Sequence[object], feed: Feed) -> Inspection:
        days = {"2024-03-01.zip": day_zip({"a.json": part(events)})}
        (tmp_path / "data" / "week.zip").write_bytes(archive_zip(days))
        return inspect(places, Options(feed=feed))

    return _look


def lines(found: Inspection) -> dict[str, str]:
    return {line.name: line.value for line in found.lines}


def reasons(found: Inspection) -> dict[str, int]:
    return {each.reason: each.events for each in found.today.reasons}


VIEW = {"event_type": "view", "customer_id": "c1"}
SENT = [purchase("c1", "p1", n % 2 + 1, id=f"e{n}") for n in range(6)]


def test_what_was_sent_twice_counts_once_by_the_key_of_today(look: Look) -> None:
    found = look([*SENT, VIEW, *SENT[:2]], Feed(event_id=("id",)))
    assert (found.today.counted, found.today.counted_again, found.is_best) == (6, 0, True)
    assert reasons(found) == {"duplicate_event": 2, "not_a_purchase": 1}
    assert lines(found)["SALES_EVENT_ID"] == "id"
    assert found.hints == []


def test_a_key_that_calls_copies_what_differs_is_told_and_not_proposed(look: Look) -> None:
    lot = [purchase("c1", f"p{n % 2 + 1}", 1, order=n // 2, at=n) for n in range(6)]
    found = look([*lot, VIEW], Feed(event_id=("order",)))
    assert (found.today.counted, found.today.copies_differ) == (3, 3)
    assert reasons(found)["duplicate_event"] == 3
    assert found.proposed is not None
    assert (found.proposed.counted, "SALES_EVENT_ID" in lines(found)) == (6, False)
    assert found.hints == [
        "SALES_EVENT_ID=order takes 3 purchases for sent twice, but they differ from the first in "
        "customer, product or quantity: it is not what tells an event from all others."
    ]


def test_copies_that_differ_only_in_what_does_not_count_are_copies(look: Look) -> None:
    again = [{**each, "at": n} for n, each in enumerate([*SENT, *SENT])]
    found = look(again, Feed(event_id=("id",)))
    assert (found.today.counted, found.today.copies_differ, found.is_best) == (6, 0, True)
    assert found.hints == []


def test_items_of_one_order_are_no_copies_of_each_other(look: Look) -> None:
    sold = [{"product_id": f"p{n}", "quantity": 1} for n in (1, 2)]
    orders = [
        {"event_type": "purchase", "customer_id": "c1", "id": n, "items": sold} for n in range(3)
    ]
    events = [*orders, orders[0], VIEW]
    found = look(events, Feed(items="items[]", event_id=("id",), ids="any"))
    share = found.today
    assert (share.events, share.items, share.counted, share.copies_differ) == (9, 8, 6, 0)
    fewer = {**orders[0], "items": sold[:1]}
    assert look([*orders, fewer], Feed(items="items[]", event_id=("id",))).today.copies_differ == 1


def test_only_purchases_that_count_again_are_noted(look: Look) -> None:
    found = look([*SENT, *[VIEW] * 3], Feed())
    assert (found.is_best, found.hints) == (True, [])
    bare = [{key: each[key] for key in each if key != "id"} for each in SENT[:2]]
    found = look([*bare, *bare, VIEW], Feed())
    assert (found.today.counted, found.today.counted_again, found.is_best) == (4, 2, True)
    assert found.hints == [
        "Today's settings would count 2 purchases again: alike in every field, they stood there "
        "before. SALES_EVENT_ID names what tells an event from all others."
    ]


def test_a_key_is_proposed_where_only_that_is_missing(look: Look) -> None:
    found = look([*SENT, *SENT[:2], VIEW], Feed())
    assert (found.today.counted, found.is_best) == (8, False)
    assert found.proposed is not None
    assert (found.proposed.counted, lines(found)["SALES_EVENT_ID"]) == (6, "id")


def test_ids_that_are_padded_differently_have_a_remedy(look: Look) -> None:
    found = look([{**each, "customer_id": "0001"} for each in SENT], Feed())
    assert [hint for hint in found.hints if "anew" in hint] == []
    found = look([{**each, "product_id": "P1"} for each in SENT], Feed())
    assert "Files are read as they are: write products anew" in "".join(found.hints)


def test_events_and_items_are_told_apart(look: Look, capsys: pytest.CaptureFixture[str]) -> None:
    sold = [{"product_id": "p1", "quantity": n} for n in (1, 2)]
    order = {"event_type": "purchase", "customer_id": "c1", "items": sold}
    orders = [{**order, "at": n} for n in range(3)]
    print_inspection(look([*orders, VIEW], Feed(items="items[]")))
    said = " ".join(capsys.readouterr().out.split())
    assert "Archive week.zip: 4 events sampled." in said
    assert "event_type events items" in said
    assert "purchase 3 6 view 1 0" in said
    assert (
        "Today's settings would count 6 of 7 (85 %): 6 items of orders, and 1 event without items."
    ) in said
    assert "left out items, events such as" in said


def test_the_how_to_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    found = blocks(PROJECT / "docs" / "how-to" / "your-own-feed.md")
    made, command = found[0].text.split("sales-pipeline inspect ")
    subprocess.run(["sh", "-ec", made], check=True)
    assert command.split() == ["--data", "found/archives", "--dimensions", "found/tables"]
    places = Places("found/archives", "reports", "state", "found/tables", "")
    print_inspection(inspect(places, Options()))
    said = " ".join(capsys.readouterr().out.split())
    shown = [" ".join(each.text.split()) for each in found if each.kind == "text"]
    assert len(shown) >= 2
    assert [each for each in shown if each not in said] == []


def test_of_many_types_the_commonest_are_shown(
    look: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [{"event_type": f"t{n}"} for n in range(40)]
    print_inspection(look([*SENT, *others], Feed()))
    said = " ".join(capsys.readouterr().out.split())
    assert "purchase 6 t0 1" in said
    assert "and 11 more, which are less common" in said
