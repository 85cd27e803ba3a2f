"""Events that were sent twice count once: which ones, how that is told, and what happens to it."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_core.diff.causes import CauseKind
from pipeline_core.errors import EventsGone, LostResult, ResultsMissing
from pipeline_core.ledger import RunLedger, result_files
from pipeline_core.ledger.results import results
from pipeline_core.messages import (
    DistinctReceipts,
    EventPlace,
    Feed,
    Outcome,
    StoredFile,
    UnlikeFirst,
)
from pipeline_core.publication import find_sent_twice as keys_read
from pipeline_core.publication.find_sent_twice import find_sent_twice
from pipeline_core.publication.publish import publish
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, Explanation
from pipeline_core.questions.range_report import range_sales
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.differences import diff
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import (
    latest,
    plan_local,
    process_local,
    publish_local,
    reasons,
    rejects,
    rows,
    run_local,
    summary,
    text,
    units,
)
from tests.support.successive import Runs
from tests.support.verified import assert_agrees, difference

FEED = Feed(event_id=("id",))
FIRST, SECOND = "2024-03-01.zip", "2024-03-02.zip"


def bought(sent_as: object, quantity: object = 1, **fields: object) -> dict[str, object]:
    return purchase("c1", "p1", quantity, id=sent_as, **fields)


def day(*events: object) -> bytes:
    return day_zip({"p.json": part(events)})


def shop_of(folder: Path, **archives: dict[str, bytes]) -> Shop:
    zipped = {f"{name}.zip": archive_zip(days) for name, days in archives.items()}
    return write_shop(folder / "shop", zipped)


def run(shop: Shop, folder: Path, **options: Any) -> Outcome:
    outcome = run_local(shop, folder, **{"feed": FEED, **options})
    assert_agrees(folder, outcome)
    return outcome


def ledger_of(folder: Path, run_id: str) -> RunLedger:
    return RunLedger(open_storage(str(folder / "state")), run_id)


def explained(folder: Path, run_id: str) -> Explanation:
    return explain(ledger_of(folder, run_id), Cell("Office", "Retail", None), 20)


def stored(folder: Path, kind: str) -> set[Path]:
    return set((folder / "state").glob(f"runs/*/{kind}/*"))


def results_behind(folder: Path) -> set[Path]:
    return set((folder / "state").glob("runs/*/receipts/*.result"))


def test_the_first_by_day_counts_whatever_the_archives_are_called(tmp_path: Path) -> None:
    late = {SECOND: day(bought(1, 5), bought(2, 3)), "undated.zip": day(bought(3, 9))}
    shop = shop_of(tmp_path, a=late, b={FIRST: day(bought(3, 1), bought(1, 2))})
    outcome = run(shop, tmp_path)
    assert rows(tmp_path, "daily_sales.csv") == [
        ["2024-03-01", "Office", "Retail", "0.30", "3"],
        ["2024-03-02", "Office", "Retail", "0.30", "3"],
    ]
    left_out = summary(outcome).rejected["duplicate_event"]
    assert (left_out.events, left_out.units, left_out.revenue) == (2, 14, "1.40")
    assert [(each["archive"], each["day"], each["position"]) for each in rejects(tmp_path)] == [
        ("a.zip", SECOND, "0"),
        ("a.zip", "undated.zip", "0"),
    ]


def test_events_without_any_of_the_fields_are_never_the_same(tmp_path: Path) -> None:
    none = purchase("c1", "p1", 1)
    view = bought(1, event_type="view", order={"id": 1})
    shop = shop_of(tmp_path, a={FIRST: day(none, none, bought(None), bought(None), view)})
    assert units(run(shop, tmp_path, feed=Feed(event_id=("id", "order.id")))) == 4


def test_an_event_that_was_sent_before_is_that_whatever_else_is_wrong_with_it(
    tmp_path: Path,
) -> None:
    sent_again = [bought(1, 0), bought(1, 4, customer_id="nobody"), bought(1, event_type=7), 5]
    outcome = run(shop_of(tmp_path, a={FIRST: day(bought(1), *sent_again)}), tmp_path)
    twice = ["duplicate_event", "duplicate_event"]
    assert reasons(tmp_path) == [*twice, "invalid_event_type", "not_an_object"]
    left_out = summary(outcome).rejected["duplicate_event"]
    assert (left_out.events, left_out.units, left_out.revenue) == (2, 4, "0.40")


def test_what_is_no_purchase_and_what_cannot_be_read_is_no_first_event(tmp_path: Path) -> None:
    broken = day_zip({"0.json": part([bought(1)])[:-1], "1.json": part([bought(1, 2)])})
    view = bought(1, event_type="view")
    outcome = run(shop_of(tmp_path, a={FIRST: day(view)}, b={SECOND: broken}), tmp_path)
    assert (units(outcome), summary(outcome).rejected) == (2, {})


def test_customers_are_those_of_events_that_count(tmp_path: Path) -> None:
    days = {FIRST: day(bought(1)), SECOND: day(bought(1, 3, customer_id="c2"), bought(2))}
    shop = shop_of(tmp_path, a=days)
    (shop.dimensions / "customers.csv").write_text("customer_id,segment\nc1,Retail\nc2,Retail\n")
    run(shop, tmp_path)
    assert rows(tmp_path) == [["Office", "Retail", "0.20", "2", "1"]]


def test_an_earlier_copy_moves_the_counting_and_only_what_changed_is_counted_again(
    tmp_path: Path,
) -> None:
    shop = shop_of(
        tmp_path,
        a={FIRST: day(bought(1, 2), bought(2, 2))},
        b={SECOND: day(bought(2, 2), bought(3, 3))},
    )
    runs = Runs(shop, tmp_path)
    runs.run(feed=FEED)
    before = stored(tmp_path, "partials")
    runs.run(feed=FEED)
    assert stored(tmp_path, "partials") == before
    earlier = archive_zip({"2024-02-29.zip": day(bought(1, 2), bought(3, 3))})
    (shop.data / "c.zip").write_bytes(earlier)
    told = runs.run(feed=FEED)
    assert (told["archives"]["reused"], told["totals"]["units_sold"]) == (2, 7)
    assert rows(tmp_path, "daily_sales.csv") == [
        ["2024-02-29", "Office", "Retail", "0.50", "5"],
        ["2024-03-01", "Office", "Retail", "0.20", "2"],
    ]
    found = diff(runs)
    assert {each.kind for each in found.kinds} == {CauseKind.NEW_ARCHIVE, CauseKind.SENT_TWICE}
    assert (found.units, found.revenue) == (0, "0.00")
    shutil.rmtree(tmp_path / "state" / "kept")
    (shop.data / "c.zip").unlink()
    assert runs.run(feed=FEED)["totals"]["units_sold"] == 7


@pytest.fixture
def overlapping(tmp_path: Path) -> Shop:
    return shop_of(
        tmp_path,
        a={FIRST: day(bought(1, 2)), SECOND: day(bought(2, 3), bought(1, 2))},
        b={SECOND: day(bought(2, 3), bought(3, 4))},
    )


def test_explain_and_the_report_of_a_range_count_what_the_run_did(
    overlapping: Shop, tmp_path: Path
) -> None:
    outcome = run(overlapping, tmp_path)
    found = explained(tmp_path, outcome.run_id)
    assert (found.totals.units_sold, found.events) == (9, 3)
    assert [(each.reason, each.events, each.units) for each in found.left_out] == [
        ("duplicate_event", 2, 5)
    ]
    ledger, second = ledger_of(tmp_path, outcome.run_id), date(2024, 3, 2)
    assert range_sales(ledger, second, second).report.totals.units_sold == 7


def test_a_run_of_a_time_past_knows_no_later_event(overlapping: Shop, tmp_path: Path) -> None:
    earlier = archive_zip({"2024-02-29.zip": day(bought(1, 2), bought(2, 3))})
    (overlapping.data / "c.zip").write_bytes(earlier)
    outcome = run(overlapping, tmp_path, as_of=date(2024, 3, 1))
    assert units(outcome) == 5
    assert summary(outcome).rejected["duplicate_event"].events == 1
    ledger, day_before = ledger_of(tmp_path, outcome.run_id), date(2024, 2, 29)
    assert range_sales(ledger, day_before, day_before).report.totals.units_sold == 5


def test_without_kept_extracts_archives_are_read_again(overlapping: Shop, tmp_path: Path) -> None:
    told = Runs(overlapping, tmp_path).run(feed=FEED, keep=False)
    assert told["totals"]["units_sold"] == 9


def test_events_that_are_gone_before_they_are_counted_again_are_told(
    overlapping: Shop, tmp_path: Path
) -> None:
    manifest = plan_local(overlapping, tmp_path, feed=FEED)
    process_local(tmp_path, manifest)
    shutil.rmtree(tmp_path / "state" / "kept")
    (overlapping.data / "b.zip").unlink()
    with pytest.raises(EventsGone, match=r"b\.zip > 2024-03-02\.zip"):
        publish_local(tmp_path, manifest)


@pytest.mark.parametrize("damage", [b"", b"torn"])
def test_an_archive_whose_keys_are_damaged_is_processed_again(
    overlapping: Shop, tmp_path: Path, damage: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_files, "MOST_BEHIND", 0)
    manifest = plan_local(overlapping, tmp_path, feed=FEED)
    process_local(tmp_path, manifest)
    min(stored(tmp_path, "event_keys")).write_bytes(damage)
    with pytest.raises(ResultsMissing):
        publish_local(tmp_path, manifest)
    process_local(tmp_path, manifest)
    assert units(publish_local(tmp_path, manifest)) == 9


@pytest.mark.parametrize("kind", ["partials", "rejects", "sent_twice"])
def test_what_was_counted_again_is_made_anew_if_it_is_damaged(
    overlapping: Shop, tmp_path: Path, kind: str
) -> None:
    first = run(overlapping, tmp_path)
    of_first = RunLedger(open_storage(str(tmp_path / "state")), first.run_id).distinct()
    assert of_first
    for receipt in of_first.values():
        named: dict[str, list[StoredFile | None]] = {
            "partials": [*receipt.partials.values()],
            "rejects": [receipt.rejects],
            "sent_twice": [receipt.sent_twice],
        }
        for each in named[kind]:
            assert each is not None
            (tmp_path / "state" / each.key).write_bytes(b"torn")
    assert units(run(overlapping, tmp_path)) == 9
    assert rebuild(str(tmp_path / "state"), first.run_id).state == "as_published"
    assert explained(tmp_path, first.run_id).totals.units_sold == 9


def test_a_lost_record_of_a_run_is_told_and_rebuilt(overlapping: Shop, tmp_path: Path) -> None:
    outcome = run(overlapping, tmp_path)
    (tmp_path / "state" / "runs" / outcome.run_id / "distinct.json").unlink()
    with pytest.raises(LostResult, match=f"rebuild {outcome.run_id}"):
        explained(tmp_path, outcome.run_id)
    for folder in ("partials", "rejects", "sent_twice"):
        shutil.rmtree(tmp_path / "state" / "runs" / outcome.run_id / folder)
    assert rebuild(str(tmp_path / "state"), outcome.run_id).state == "as_published"
    assert explained(tmp_path, outcome.run_id).totals.units_sold == 9


def test_of_many_archives_the_record_is_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_blocks_after_two(monkeypatch)
    weeks = {f"{n}.zip": {"2024-03-01.zip": day(bought("first", n))} for n in range(1, 7)}
    shop = shop_of(tmp_path / "shop", **weeks)
    state = open_storage(str(tmp_path / "state"))
    first = run(shop, tmp_path)
    assert units(first) == 1
    for key in (f"runs/{first.run_id}/distinct.json", "kept/distinct.json"):
        kept = msgspec.json.decode(state.read(key), type=DistinctReceipts)
        assert (len(kept.receipts), len(kept.blocks)) == (0, 3)
    collect_garbage(state, 1, 1)
    before = stored(tmp_path, "sent_twice")
    assert units(run(shop, tmp_path)) == 1
    assert stored(tmp_path, "sent_twice") == before, "nothing is counted again"
    (tmp_path / "state" / kept.blocks[0].key).unlink()
    (tmp_path / "state" / max(ledger_of(tmp_path, first.run_id).distinct_blocks())).unlink()
    with pytest.raises(LostResult, match=f"rebuild {first.run_id}"):
        explained(tmp_path, first.run_id)
    assert units(run(shop, tmp_path)) == 1


def test_what_no_later_run_can_use_is_removed_and_no_more(
    overlapping: Shop, tmp_path: Path
) -> None:
    runs = Runs(overlapping, tmp_path)
    for _ in range(3):
        runs.run(feed=FEED)
    state = open_storage(str(tmp_path / "state"))
    collect_garbage(state, 1)
    left = stored(tmp_path, "partials") | results_behind(tmp_path)
    assert runs.run(feed=FEED)["totals"]["units_sold"] == 9
    assert stored(tmp_path, "partials") | results_behind(tmp_path) == left
    (overlapping.data / "a.zip").unlink()
    runs.run(feed=FEED)
    collect_garbage(state, 1)
    assert results_behind(tmp_path) < left
    assert explained(tmp_path, runs.last().name).totals.units_sold == 7


def test_events_sent_twice_are_none_that_a_limit_of_rejects_means(
    overlapping: Shop, tmp_path: Path
) -> None:
    outcome = run(overlapping, tmp_path, limits={"reject_share": 0.01}, publish_incomplete=False)
    assert summary(outcome).status == "complete"


@pytest.mark.parametrize(
    ("fields", "sent_again"), [(("id",), 140), (("event_type",), 179), (("id", "customer_id"), 90)]
)
def test_it_makes_no_difference_how_keys_are_dealt_out(
    tmp_path: Path, fields: tuple[str, ...], sent_again: int
) -> None:
    events = [[bought((7 * number) % 40, customer_id=f"c{number % 3}") for number in range(90)]] * 2
    shop = shop_of(tmp_path, a={FIRST: day(*events[0])}, b={FIRST: day(*reversed(events[1]))})
    manifest = plan_local(shop, tmp_path, feed=Feed(event_id=fields))
    process_local(tmp_path, manifest)
    ledger = ledger_of(tmp_path, manifest.run_id)
    done = results(ledger, manifest).done
    whole = find_sent_twice(ledger, done)
    assert (
        sum(len(found) for by_day in whole.by_result.values() for found in by_day.values())
        == sent_again
    )
    for piece_keys in (1, 3, 64):
        other = find_sent_twice(ledger, done, piece_keys)
        assert {n: {d: f.tolist() for d, f in by.items()} for n, by in other.by_result.items()} == {
            n: {d: f.tolist() for d, f in by.items()} for n, by in whole.by_result.items()
        }
        assert (other.unlike, other.first, other.again) == (whole.unlike, whole.first, whole.again)


def test_verify_finds_a_copy_that_was_counted(
    overlapping: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def passed_over(*given: Any) -> Any:
        found = find_sent_twice(*given)
        _, *others = found.by_result.items()
        return found._replace(by_result=dict(others))

    monkeypatch.setattr("pipeline_core.publication.without_sent_twice.find_sent_twice", passed_over)
    found = difference(tmp_path, run_local(overlapping, tmp_path, feed=FEED))
    assert (found.place, found.published, found.recomputed) == (
        "sales_report.csv, row 2, total_revenue",
        "1.10",
        "0.90",
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("rejects.csv", "zip,p.json,1,", "zip,p.json,0,", "row 2, position"),
        ("daily_sales.csv", "0.70,7", "0.50,5", "row 3, total_revenue"),
        ("summary.json", '"events": 2', '"events": 1', "rejected.duplicate_event.events"),
    ],
)
def test_verify_finds_what_was_altered(
    overlapping: Shop, tmp_path: Path, name: str, old: str, new: str, place: str
) -> None:
    outcome = run(overlapping, tmp_path)
    published = latest(tmp_path) / name
    assert old in published.read_text()
    published.write_text(published.read_text().replace(old, new, 1))
    assert difference(tmp_path, outcome).place == f"{name}, {place}"


def lines_of_orders(count: int) -> list[dict[str, object]]:
    """Events of one order each two: the key is the order's, and they are its lines."""
    return [bought(number // 2, number + 1) for number in range(count)]


def test_a_key_that_does_not_tell_events_apart_refuses_the_run(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, a={FIRST: day(*lines_of_orders(21))}, b={SECOND: day(bought(0, 9))})
    outcome = run_local(shop, tmp_path, feed=FEED, publish_incomplete=False)
    assert outcome.state == "refused"
    said = (
        "11 of 11 events left out as sent twice differ from the first in customer, product or "
        f"quantity, such as a.zip > {FIRST} > p.json, event 1, from a.zip > {FIRST} > p.json, "
        "event 0. SALES_EVENT_ID=id does not tell events apart"
    )
    assert said in outcome.reason
    assert "`sales-pipeline inspect`" in outcome.remedy
    allowed = publish(str(tmp_path / "state"), outcome.run_id, allow_incomplete=True)
    assert (allowed.state, summary(allowed).status) == ("published", "incomplete")
    assert said.partition(" SALES_EVENT_ID")[0] in text(tmp_path, "index.html").replace("&gt;", ">")
    assert_agrees(tmp_path, allowed)
    assert (
        rebuild(ledger_of(tmp_path, outcome.run_id).state.uri, outcome.run_id).state
        == "as_published"
    )


@pytest.mark.parametrize(
    ("events", "unlike"),
    [
        (lines_of_orders(20), 10),
        ([*lines_of_orders(22), *[bought(0)] * 11], 11),
    ],
    ids=["few", "not most"],
)
def test_corrections_are_told_and_stop_nothing(
    tmp_path: Path, events: list[dict[str, object]], unlike: int
) -> None:
    outcome = run(shop_of(tmp_path, a={FIRST: day(*events)}), tmp_path, publish_incomplete=False)
    found = summary(outcome)
    assert (outcome.state, found.status) == ("published", "complete")
    assert found.unlike_first == UnlikeFirst(
        unlike,
        EventPlace("a.zip", FIRST, "p.json", 1),
        EventPlace("a.zip", FIRST, "p.json", 0),
    )


def test_what_differs_is_customer_product_or_quantity(tmp_path: Path) -> None:
    again = [
        bought(1, note="again"),
        bought(1, customer_id="c2"),
        bought(1, product_id="p2"),
        bought(1, 2),
    ]
    outcome = run(shop_of(tmp_path, a={FIRST: day(bought(1), *again)}), tmp_path)
    unlike = summary(outcome).unlike_first
    assert unlike is not None
    assert unlike.again is not None
    assert (unlike.events, unlike.again.position) == (3, 2)


def test_another_price_that_was_paid_differs_where_it_counts(tmp_path: Path) -> None:
    paid = [bought(1, price=price) for price in ("1.00", "1", "2.00")]
    shop = shop_of(tmp_path, a={FIRST: day(*paid)})
    assert summary(run(shop, tmp_path)).unlike_first is None
    unlike = summary(run(shop, tmp_path, feed=Feed(event_id=("id",), price="price"))).unlike_first
    assert unlike is not None
    assert unlike.again is not None
    assert (unlike.events, unlike.again.position) == (1, 2)


def test_an_order_is_compared_with_all_of_its_items_in_whatever_order(tmp_path: Path) -> None:
    one, two = {"product_id": "p1", "quantity": 1}, {"product_id": "p1", "quantity": 2}
    bought_by = {"event_type": "purchase", "customer_id": "c1"}
    feed = Feed(event_id=("id",), items="items[]")
    orders = [{**bought_by, "id": 1, "items": items} for items in ([one, two], [two, one])]
    less = {**bought_by, "id": 1, "items": [one]}
    days = {FIRST: day(orders[0]), SECOND: day({"event_type": "view"}, orders[1], less)}
    unlike = summary(run(shop_of(tmp_path, a=days), tmp_path, feed=feed)).unlike_first
    assert unlike == UnlikeFirst(
        1,
        EventPlace("a.zip", SECOND, "p.json", 2),
        EventPlace("a.zip", FIRST, "p.json", 0),
    )


def test_what_differs_is_the_same_by_any_number_of_workers_and_by_what_was_kept(
    tmp_path: Path,
) -> None:
    events = lines_of_orders(20)
    days = {f"2024-03-{n:02}.zip": day(*events[n * 4 : n * 4 + 7]) for n in (1, 2, 3)}
    shop = shop_of(tmp_path, a=days, b={FIRST: day(*reversed(events))})
    one = summary(run(shop, tmp_path)).unlike_first
    assert one is not None
    assert summary(run(shop, tmp_path)).unlike_first == one
    assert summary(run(shop, tmp_path / "2", processes=3)).unlike_first == one


def test_keys_of_an_earlier_version_say_nothing_of_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_contents(batch: Any) -> Any:
        return with_contents(batch.drop_columns(["content"]))

    with_contents = keys_read._with_contents
    monkeypatch.setattr(keys_read, "_with_contents", without_contents)
    outcome = run(shop_of(tmp_path, a={FIRST: day(*lines_of_orders(40))}), tmp_path)
    assert (units(outcome) > 0, summary(outcome).unlike_first) == (True, None)
