"""A run that counts nothing is refused if there was something, or if the report before counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console.display.views import output, print_summary
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.resume import reopen
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.recounted import feed_of
from tests.support.run import (
    latest,
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    shop_of,
    summary,
    text,
    week,
)
from tests.support.verified import assert_agrees

VIEW = {"event_type": "view", "customer_id": "c1"}
CUSTOMERS = [("c1", "2020-01-01", "Retail")]
PRODUCTS = [("p1", "Pen", "Office", "0.10")]


def run(shop: Shop, folder: Path, **how: Any) -> Outcome:
    return run_local(shop, folder, publish_incomplete=False, **how)


def assert_refused(folder: Path, outcome: Outcome, *said: str) -> None:
    assert (outcome.state, outcome.status, outcome.exit_code) == ("refused", "incomplete", 1)
    for each in said:
        assert each in outcome.reason
    assert "--allow-incomplete" in outcome.remedy
    assert not latest(folder).exists() or latest(folder).resolve().name != outcome.run_id


REFUSED: dict[str, tuple[Sequence[object], list[str]]] = {
    "renamed fields": (
        [{"event_type": "purchase", "user": "c1", "sku": "p1", "qty": 1}] * 3,
        [
            "No event of 3 can be counted: 3 guest.",
            "For example week.zip > 2024-03-01.zip > 0.json, event 0, guest: "
            '{"event_type":"purchase","user":"c1","sku":"p1","qty":1}.',
        ],
    ),
    "numeric ids": ([purchase(1, 1)], ["1 invalid_customer_id.", '"customer_id":1']),
    "another type": (
        [purchase() | {"event_type": "Purchase"}] * 2 + [VIEW],
        [
            "No event of 3 can be counted: 3 not a purchase.",
            'The first events have the types "Purchase" (2), "view" (1).',
            'week.zip > 2024-03-01.zip > 0.json, event 0: {"event_type":"Purchase",',
        ],
    ),
    "no type": ([{"type": "purchase"}], ["1 invalid_event_type."]),
    "many reasons": (
        [VIEW] * 9
        + [purchase(quantity=0)] * 4
        + [purchase("x")] * 3
        + [purchase(product="x")] * 2
        + [5, {"event_type": 5}],
        [
            "No event of 20 can be counted: 4 invalid_quantity, 3 unknown_customer, "
            "2 unknown_product, 2 of other reasons, 9 not a purchase.",
            "0.json, event 9, invalid_quantity: {",
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_run_that_counts_none_of_its_events_is_refused(tmp_path: Path, case: str) -> None:
    events, said = REFUSED[case]
    shop = shop_of(tmp_path, part(events))
    outcome = run(shop, tmp_path)
    assert_refused(tmp_path, outcome, *said)
    assert not latest(tmp_path).exists()
    overruled = publish_local_again(tmp_path, outcome)
    assert (overruled.state, overruled.status, overruled.exit_code) == (
        "published",
        "incomplete",
        3,
    )
    assert summary(overruled).allowed_empty in outcome.reason
    assert text(tmp_path) == text_of_nothing(tmp_path)
    assert_agrees(tmp_path, overruled)
    assert rebuild(str(tmp_path / "state"), outcome.run_id).state == "as_published"


def publish_local_again(folder: Path, outcome: Outcome) -> Outcome:
    manifest = RunLedger(open_storage(str(folder / "state")), outcome.run_id).manifest()
    return publish_local(folder, manifest, allow_incomplete=True)


def text_of_nothing(folder: Path) -> str:
    return text(folder).partition("\n")[0] + "\n"


@pytest.mark.parametrize(
    ("customers", "products", "reason"),
    [([], PRODUCTS, "unknown_customer"), (CUSTOMERS, [], "unknown_product")],
)
def test_empty_dimensions_are_legal_until_a_purchase_needs_them(
    tmp_path: Path,
    customers: Sequence[tuple[str, str, str | None]],
    products: Sequence[tuple[str, str, str | None, str]],
    reason: str,
) -> None:
    tables: dict[str, Any] = {"customers": customers, "products": products}
    assert run(shop_of(tmp_path / "1", part([]), **tables), tmp_path / "1").exit_code == 0
    sold = shop_of(tmp_path / "2", sales(3), **tables)
    assert_refused(tmp_path / "2", run(sold, tmp_path / "2"), f"1 {reason}.")
    assert run(sold, tmp_path / "3", unknown="bucket").exit_code == 0


def test_nothing_of_nothing_is_complete(tmp_path: Path) -> None:
    for number, content in enumerate((archive_zip({}), week(part([])), week())):
        folder = tmp_path / str(number)
        shop = write_shop(folder / "shop", {"week.zip": content})
        first = run(shop, folder)
        assert (first.exit_code, first.status) == (0, "complete")
        assert run(shop, folder).exit_code == 0, "nor is the second"
        assert_agrees(folder, first)


def test_nothing_after_something_is_refused_and_the_report_stands(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(3))
    first = run(shop, tmp_path)
    before = text(tmp_path)
    (shop.data / "week.zip").write_bytes(week(days={"2024-03-01.zip": day_zip({".x": b""})}))
    (shop.data / "notes.txt").write_bytes(b"")
    second = run(shop, tmp_path)
    assert_refused(
        tmp_path,
        second,
        "There is no event; archives read: 1. "
        f"Run {first.run_id}, the last one published, counted 1 purchase. "
        "Passed over without being read: 1 .txt, 1 without an ending.",
    )
    assert text(tmp_path) == before
    third = run(shop, tmp_path)
    assert_refused(tmp_path, third, first.run_id)
    overruled = publish_local_again(tmp_path, third)
    assert (overruled.exit_code, overruled.status) == (3, "incomplete")
    assert_agrees(tmp_path, overruled)
    assert rebuild(str(tmp_path / "state"), third.run_id).state == "as_published"
    fourth = run(shop, tmp_path)
    assert (fourth.exit_code, fourth.status) == (0, "complete"), "as the report before"
    assert_agrees(tmp_path, fourth)


def test_what_was_counted_before_is_told_beside_the_reasons(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(3))
    first = run(shop, tmp_path)
    (shop.data / "week.zip").write_bytes(week(part([VIEW])))
    event = json.dumps(VIEW, separators=(",", ":"))
    said = f"event 0: {event}. Run {first.run_id}, the last one published, counted 1 purchase."
    assert_refused(tmp_path, run(shop, tmp_path), said)


def test_a_state_that_was_lost_does_not_let_nothing_replace_the_report_that_stands(
    tmp_path: Path,
) -> None:
    shop = shop_of(tmp_path, sales(3))
    first = run_local(shop, tmp_path)
    shutil.rmtree(tmp_path / "state")
    (shop.data / "week.zip").write_bytes(week(b"[]"))
    outcome = run_local(shop, tmp_path, publish_incomplete=False)
    assert_refused(tmp_path, outcome, f"Run {first.run_id}, the last one published, counted 1 ")
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "reports" / "latest" / "summary.json").write_bytes(b"{}")
    outcome = run_local(shop, tmp_path, publish_incomplete=False)
    assert_refused(tmp_path, outcome, f"runs/{first.run_id} counts, which stands, is not known.")


def test_a_report_of_which_nobody_knows_the_figures_is_not_replaced_by_nothing(
    tmp_path: Path,
) -> None:
    shop = shop_of(tmp_path, sales(3))
    first = run(shop, tmp_path)
    (tmp_path / "state" / "runs" / first.run_id / "outcome.json").unlink()
    (shop.data / "week.zip").write_bytes(archive_zip({}))
    said = f"What run {first.run_id} counted, the last one published, is gone from the state."
    assert_refused(tmp_path, run(shop, tmp_path), said)


ORDER = {"event_type": "purchase", "status": "done", "items": [{"sku": "p1"}]}


@pytest.mark.parametrize(
    ("events", "settings", "said"),
    [
        (
            [VIEW, {"event_type": "Sale"}],
            {"SALES_PURCHASE_TYPES": "sale,buy"},
            'types "view" (1), "Sale" (1). None of these is one that SALES_PURCHASE_TYPES names: '
            "sale, buy.",
        ),
        (
            [VIEW, ORDER, ORDER, {**ORDER, "status": None}],
            {"SALES_ONLY": "status=paid|sent"},
            'SALES_ONLY asks for status=paid|sent; purchases have "done" (2), null (1) there.',
        ),
        (
            [ORDER, {**ORDER, "items": [{"sku": "p1", "status": "open"}]}],
            {"SALES_ONLY": "status!=open|done", "SALES_ITEMS": "items[]"},
            'SALES_ONLY asks for status!=open|done; purchases have "done" (1), "open" (1) there.',
        ),
        (
            [{**ORDER, "items": []}, VIEW],
            {"SALES_ITEMS": "items[]"},
            "No purchase has items at items[], which SALES_ITEMS names.",
        ),
        (
            [{"event_type": 5}, VIEW, VIEW],
            {},
            "None of these is one that SALES_PURCHASE_TYPES names: purchase.",
        ),
    ],
)
def test_the_settings_that_left_events_out_are_named_with_what_is_there(
    tmp_path: Path, events: Sequence[object], settings: dict[str, str], said: str
) -> None:
    shop = shop_of(tmp_path, part([]), part(events[:1]), part(events[1:]))
    outcome = run(shop, tmp_path, feed=feed_of(settings))
    assert_refused(tmp_path, outcome, said)


def test_allowed_beforehand_it_is_incomplete(tmp_path: Path) -> None:
    outcome = run(shop_of(tmp_path, part([VIEW])), tmp_path, allow_incomplete=True)
    assert (outcome.exit_code, outcome.status) == (3, "incomplete")
    assert "1 not a purchase" in summary(outcome).allowed_empty
    assert json.loads(text(tmp_path, "summary.json"))["status"] == "incomplete"
    assert_agrees(tmp_path, outcome)


def test_one_counted_purchase_is_a_report(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([VIEW, purchase(), purchase("x")]))
    outcome = run(shop, tmp_path)
    assert (outcome.exit_code, summary(outcome).allowed_empty) == (0, "")


def test_as_of_runs_are_compared_with_none_but_count_something(tmp_path: Path) -> None:
    days = {
        "0.zip": day_zip({"0.json": sales(3)}),
        "2024-03-01.zip": day_zip({"0.json": part([])}),
        "2024-03-02.zip": day_zip({"0.json": part([VIEW])}),
        "2024-03-03.zip": day_zip({"0.json": sales(3)}),
    }
    shop = write_shop(tmp_path / "shop", {"week.zip": week(days=days)})
    assert run(shop, tmp_path).exit_code == 0
    empty = run(shop, tmp_path, as_of=date(2024, 3, 1))
    assert (empty.exit_code, empty.status) == (0, "complete")
    assert_agrees(tmp_path, empty)
    viewed = run(shop, tmp_path, as_of=date(2024, 3, 2))
    assert_refused(tmp_path, viewed, "1 not a purchase.", "> 2024-03-02.zip > 0.json")
    assert_agrees(tmp_path, publish_local_again(tmp_path, viewed))


def test_both_are_told_what_was_not_read_and_that_nothing_counts(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([VIEW]), b"{}")
    said = ["1 of the inputs could not be read, first week.zip", "No event of 1 can be counted"]
    assert_refused(tmp_path, run(shop, tmp_path), *said)


def test_an_example_of_rejects_that_are_not_kept_is_of_the_data(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([]), b"[oops", part([5, purchase("ü", note="\udc00")]))
    outcome = run(shop, tmp_path, reject_rows=0)
    assert_refused(tmp_path, outcome, '"purchase" (1)', "> 2.json, event 0: 5.")


def test_a_refusal_stands_without_an_example(tmp_path: Path) -> None:
    for spoil in ("changed", "gone"):
        folder = tmp_path / spoil
        shop = shop_of(folder, part([VIEW]))
        manifest = plan_local(shop, folder)
        process_local(folder, manifest)
        (shop.data / "week.zip").unlink()
        if spoil == "changed":
            (shop.data / "week.zip").write_bytes(week(sales(3)))
        outcome = publish_local(folder, manifest)
        assert outcome.reason == "No event of 1 can be counted: 1 not a purchase."


def test_a_long_event_is_cut(tmp_path: Path) -> None:
    outcome = run(shop_of(tmp_path, part([purchase("x", note="y" * 5000)])), tmp_path)
    assert "yyy…." in outcome.reason
    assert len(outcome.reason) < 500


def test_a_refused_run_that_is_resumed_is_refused_again(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([VIEW]))
    outcome = run(shop, tmp_path)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    manifest = reopen(ledger)
    process_local(tmp_path, manifest)
    assert publish_local(tmp_path, manifest).reason == outcome.reason


@pytest.mark.parametrize("table", ["products", "customers"])
def test_a_table_without_rows_is_named_with_its_place(tmp_path: Path, table: str) -> None:
    shop = shop_of(tmp_path, part([purchase()]))
    file = shop.dimensions / f"{table}.csv"
    file.write_text(file.read_text().splitlines()[0] + "\n")
    outcome = run(shop, tmp_path)
    place = f"which are read from {shop.dimensions / table}"
    assert_refused(tmp_path, outcome, f"1 unknown_{table[:-1]}", f"no row of {table}, {place}")


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-16", "iconv -f UTF-16"), ("latin-1", "iconv -f WINDOWS-1252")]
)
def test_text_in_another_encoding_is_told_how_to_convert_it(
    tmp_path: Path, encoding: str, said: str
) -> None:
    foreign = part([purchase("é")]).decode().replace("\\u00e9", "é").encode(encoding)
    shop = shop_of(tmp_path, part([purchase()]), foreign)
    outcome = run(shop, tmp_path)
    assert outcome.state == "refused"
    assert said in outcome.remedy
    assert outcome.remedy.index(said) < outcome.remedy.index("--allow-incomplete")


def test_next_to_no_purchase_is_a_warning(
    tmp_path: Path, logged: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = run(shop_of(tmp_path, part([purchase(), *[VIEW] * 1500])), tmp_path)
    assert outcome.state == "published"
    told = [each.getMessage() for each in logged.records if "few_purchases" in str(each.msg)]
    assert len(told) == 1
    assert "Of 1,501 events 1 is a purchase." in told[0]
    print_summary(output(), summary(outcome))
    assert "Of 1,501 events 1 is a purchase." in " ".join(capsys.readouterr().out.split())
