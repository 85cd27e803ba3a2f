"""A path that a setting names and no event has stops the plan; one that is rare does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.extract.days import opened_day
from pipeline_core.messages import Feed, Limits
from pipeline_core.planning import event_sample
from pipeline_core.planning.feed_paths import FEW, MANY, check_feed_paths, unseen_paths
from pipeline_core.storage import open_archives
from tests.support.archives import Shop, archive_zip, day_zip, part, write_shop
from tests.support.recounted import feed_of
from tests.support.run import plan_local, run_local, shop_of, week

VIEW = {"event_type": "view", "user": {"id": "c1"}, "sku": "p1"}
BOUGHT = {"event_type": "purchase", "user": {"id": "c1"}, "sku": "p1", "qty": 1}
ORDER = {"event_type": "purchase", "user": {"id": "c1"}, "cart": {"lines": [{"sku": "p1"}]}}
RIGHT = "customer_id=user.id,product_id=sku,quantity=qty"


def refused(shop: Shop, folder: Path, **settings: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        plan_local(shop, folder, feed=feed_of(settings))
    return caught.value


def unseen(shop: Shop, **settings: str) -> list[str]:
    """Paths that a plan goes on without."""
    data = open_archives(str(shop.data), follow_links=False)
    names = [path.name for path in shop.data.iterdir()]
    return [each.named.path for each in unseen_paths(data, names, Limits(), feed_of(settings))]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SALES_FIELDS": "customer_id=userr.id"}, "SALES_FIELDS names userr.id, but none of 3 "),
        ({"SALES_FIELDS": "customer_id=userr.id"}, "in week.zip has it; they have user.id, "),
        ({"SALES_FIELDS": "product_id=SKU"}, "SALES_FIELDS names SKU, "),
        ({"SALES_FIELDS": "quantity=Qty"}, "has it; they have qty, "),
        ({"SALES_FIELDS": "quantity=Qty", "SALES_QUANTITY": "number:1"}, "they have qty, "),
        ({"SALES_FIELDS": "event_type=kind"}, "SALES_FIELDS names kind, "),
        ({"SALES_ONLY": "status=paid"}, "SALES_ONLY names status, "),
        ({"SALES_ITEMS": "cart.items[]"}, "SALES_ITEMS names cart.items[], "),
        ({"SALES_EVENT_ID": "messageId"}, "SALES_EVENT_ID names messageId, "),
        ({"SALES_PRICE_FIELD": "price"}, "SALES_PRICE_FIELD names price, "),
        ({"SALES_PRICE_FIELD": "lines[].price"}, "[] leads into lists in SALES_ITEMS only."),
        ({"SALES_EVENT_ID": "lines[]"}, "[] leads into lists in SALES_ITEMS only."),
        ({"SALES_PRICE_FIELD": "user..paid"}, "user..paid has an empty key beside a dot."),
        ({"SALES_EVENT_ID": "sku,user.idd"}, "SALES_EVENT_ID names user.idd, "),
        ({"SALES_EVENT_ID": "sku,order.id"}, "SALES_EVENT_ID names order.id, "),
        ({"SALES_RECORDS": "data.rows"}, "SALES_RECORDS names data.rows, but none of 1 part "),
    ],
)
def test_a_path_that_no_event_has_stops_the_plan(
    tmp_path: Path, settings: dict[str, str], said: str
) -> None:
    shop = shop_of(tmp_path, part([VIEW, BOUGHT, BOUGHT]))
    error = refused(shop, tmp_path, **settings)
    assert said in error.message
    assert f"Correct {next(iter(settings))}; `sales-pipeline inspect`" in error.remedy


def test_a_misspelt_path_stops_the_plan_also_where_nothing_is_a_purchase(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([VIEW]))
    assert "they have user.id" in refused(shop, tmp_path, SALES_FIELDS="customer_id=userId").message


def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    wrong = {"SALES_FIELDS": "product_id=SKU", "SALES_EVENT_ID": "messageId"}
    error = refused(shop_of(tmp_path, part([BOUGHT])), tmp_path, **wrong)
    assert "names SKU" in error.message
    assert "names messageId" in error.message
    assert "Correct SALES_FIELDS and SALES_EVENT_ID;" in error.remedy


def test_fields_in_lists_are_told_and_fields_of_items_are_found(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([ORDER]))
    error = refused(shop, tmp_path, SALES_FIELDS="product_id=skuu")
    assert "they have cart.lines[].sku, " in error.message
    right = feed_of({"SALES_FIELDS": "product_id=sku", "SALES_ITEMS": "cart.lines[]"})
    assert plan_local(shop, tmp_path, feed=right).archives


def test_the_arrays_of_an_envelope_are_told(tmp_path: Path) -> None:
    envelope = json.dumps({"users": [{}], "data": {"rows": [BOUGHT]}}).encode()
    error = refused(shop_of(tmp_path, envelope), tmp_path, SALES_RECORDS="data.row")
    assert "which SALES_RECORDS names, but at users, data.rows." in error.message
    right = feed_of({"SALES_RECORDS": "data.rows"})
    assert plan_local(shop_of(tmp_path / "2", envelope), tmp_path, feed=right).archives


@pytest.mark.parametrize(
    ("events", "settings"),
    [
        ([BOUGHT] * 9 + [{**VIEW, "event_type": "refund", "refund_id": "r"}], {}),
        ([BOUGHT] * 9 + [{**BOUGHT, "refund_id": None}], {}),
        ([BOUGHT] * (FEW - 1), {}),
        ([VIEW] * MANY, {}),
        ([BOUGHT], {"SALES_EVENT_ID": "", "SALES_ONLY": "refund_id!=r"}),
        ([], {}),
    ],
    ids=["of another type", "null", "too few to tell", "no purchase", "not equal", "no event"],
)
def test_a_path_that_may_be_rare_does_not(
    tmp_path: Path, events: Sequence[Any], settings: dict[str, str]
) -> None:
    shop = shop_of(tmp_path, part(events))
    known = {"SALES_EVENT_ID": "sku,refund_id", "SALES_FIELDS": RIGHT}
    assert plan_local(shop, tmp_path, feed=feed_of(known | settings)).archives


def test_what_nothing_proves_is_told_in_the_log(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    shop = shop_of(tmp_path, part([BOUGHT] * 9))
    plan_local(shop, tmp_path, feed=feed_of({"SALES_ONLY": "test!=true"}))
    assert "path_not_seen" in logged.text
    assert "SALES_ONLY names test, but none of 9 events" in logged.text


def test_a_few_of_many_purchases_prove_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where others are there that are not looked at."""
    monkeypatch.setattr(event_sample, "MOST_PARTS", 1)
    late = {**BOUGHT, "pieces": 1}
    for purchases, is_wrong in ((FEW - 1, False), (FEW, True)):
        shop = shop_of(tmp_path / f"{purchases}", part([BOUGHT] * purchases), part([late]))
        settings = {"SALES_FIELDS": "quantity=pieces"}
        if is_wrong:
            refused(shop, tmp_path / f"{purchases}", **settings)
        else:
            assert unseen(shop, **settings) == ["pieces"]


def test_the_archives_before_are_looked_at_as_well(tmp_path: Path) -> None:
    days = {
        "week_1.zip": week(part([{**BOUGHT, "order": "o"}])),
        "week_2.zip": week(part([BOUGHT])),
    }
    shop = write_shop(tmp_path / "shop", days)
    assert unseen(shop, SALES_EVENT_ID="order") == []


def test_nothing_is_read_where_no_setting_names_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, part([BOUGHT]))
    monkeypatch.setattr("pipeline_core.planning.feed_paths.open_archive", None)
    data = open_archives(str(shop.data), follow_links=False)
    check_feed_paths(data, ["week.zip"], Limits(), Feed(purchase_types=("buy",), numbers="number"))


def test_only_the_first_part_is_read_if_it_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = {f"2024-03-0{n}.zip": day_zip({"0.json": part([BOUGHT])}) for n in (1, 2, 3)}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    looked_at = []

    def noted(archive: Any, day: Any, *more: Any) -> Any:
        looked_at.append(day.name)
        return opened_day(archive, day, *more)

    monkeypatch.setattr(event_sample, "opened_day", noted)
    assert unseen(shop, SALES_FIELDS=RIGHT) == []
    assert looked_at == ["2024-03-01.zip"]


def test_what_a_run_read_by_is_not_looked_for_again(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([BOUGHT] * 3))
    feed = feed_of({"SALES_FIELDS": RIGHT})
    run_local(shop, tmp_path, feed=feed)
    (shop.data / "week_2.zip").write_bytes(week(part([{"event_type": "purchase"}])))
    (shop.data / "week.zip").unlink()
    assert plan_local(shop, tmp_path, feed=feed).archives
    refused(shop, tmp_path, SALES_FIELDS=f"{RIGHT},event_type=kind")


def test_archives_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    days = {"1.zip": week(part([BOUGHT])), "2.zip": week(b"[oops"), "3.zip": b"no zip"}
    shop = write_shop(tmp_path / "shop", days)
    assert plan_local(shop, tmp_path, feed=feed_of({"SALES_FIELDS": RIGHT})).archives


def test_what_cannot_be_read_or_has_no_event_takes_the_place_of_nothing_else(
    tmp_path: Path,
) -> None:
    whole = part([{**BOUGHT, "test": True}])
    bad = [b"[oops", b"[]"]
    days = {f"2024-03-{n:02}.zip": day_zip({"0.json": bad[n % 2]}) for n in range(1, 21)}
    days["2024-03-01.zip"] = day_zip({"0.json": part([BOUGHT] * FEW)})
    days["2024-03-02.zip"] = day_zip(
        {f"{n}.json": b"[oops" for n in range(20)} | {"8a.json": whole}
    )
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    assert unseen(shop, SALES_ONLY="test!=true") == []


def test_few_events_of_each_day_let_more_days_be_looked_at(tmp_path: Path) -> None:
    days = {f"2024-03-{n:02}.zip": day_zip({"0.json": part([BOUGHT])}) for n in range(1, 21)}
    days["2024-03-02.zip"] = day_zip({"0.json": part([{**BOUGHT, "test": True}])})
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    assert unseen(shop, SALES_ONLY="test!=true") == []


def test_archives_without_an_event_are_not_the_only_ones_looked_at(tmp_path: Path) -> None:
    empty = {f"week_{n}.zip": week((b"[oops", b"[]")[n % 2] + b" " * n) for n in range(2, 7)}
    shop = write_shop(tmp_path / "shop", {"week_1.zip": week(part([BOUGHT] * FEW)), **empty})
    refused(shop, tmp_path, SALES_FIELDS="product_id=SKU")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"SALES_PURCHASE_TYPES": "purchase,Veiw"},
            "SALES_PURCHASE_TYPES names Veiw, but none of 3 events looked at in week.zip has it at "
            "event_type; there they have view, purchase.",
        ),
        (
            {"SALES_RETURN_TYPES": "Veiw"},
            "SALES_RETURN_TYPES names Veiw, but none of 3 events looked at in week.zip has it at "
            "event_type; there they have view, purchase.",
        ),
        ({"SALES_ONLY": "paid=yes|Yes|true"}, "names Yes, but none of 3 events looked at in week."),
        ({"SALES_ONLY": "status=1|null|02"}, "there they have 1, null."),
    ],
)
def test_one_of_several_values_that_no_event_has_is_told_in_the_log(
    tmp_path: Path, logged: pytest.LogCaptureFixture, settings: dict[str, str], told: str
) -> None:
    bought = [{**BOUGHT, "paid": "yes", "status": 1}, {**BOUGHT, "paid": True, "status": None}]
    plan_local(shop_of(tmp_path, part([VIEW, *bought])), tmp_path, feed=feed_of(settings))
    assert logged.text.count("value_not_seen") == 1
    assert told in logged.text


def test_values_that_are_there_and_one_that_stands_alone_are_not_told(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    shop = shop_of(tmp_path, part([VIEW, {**BOUGHT, "price": 1.50}]))
    for settings in (
        {"SALES_PURCHASE_TYPES": "buy"},
        {"SALES_PURCHASE_TYPES": "purchase,view", "SALES_ONLY": "price=1.50|2.50"},
        {"SALES_ONLY": "sku!=p1|p2"},
    ):
        plan_local(shop, tmp_path, feed=feed_of(settings))
    assert "not_seen" not in logged.text
