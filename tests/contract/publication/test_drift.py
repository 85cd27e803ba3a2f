"""A run that moved too far from the last published one: refused, told, and overruled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from pipeline_core import pipeline
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import DriftLimits, Manifest, Outcome, Verdict, to_json
from pipeline_core.running.resume import reopen
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, day_zip, part, purchase, write_shop
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
    units,
    week,
)

TENTH = Decimal("0.1")
REVENUE = DriftLimits(revenue_change=TENTH)
BROKEN = b"[oops"
BAD = {"event_type": "purchase", "quantity": 0}


def _run(shop: Shop, folder: Path, limits: DriftLimits = REVENUE, **options: Any) -> Outcome:
    return run_local(shop, folder, publish_incomplete=False, drift=limits, **options)


def _processed(shop: Shop, folder: Path, limits: DriftLimits = REVENUE) -> Manifest:
    manifest = plan_local(shop, folder, drift=limits)
    process_local(folder, manifest)
    return manifest


def _shop(folder: Path, number: int, sold: int, *parts: bytes) -> Shop:
    """Sells so many units, 0.10 each, in one purchase."""
    return shop_of(folder / str(number), sales(sold), *parts)


def _of_days(folder: Path, *days: int, sold: int = 1) -> Shop:
    names = [f"2024-03-{day:02}" for day in days]
    found = {f"{name}.zip": day_zip({"0.json": sales(sold, timestamp=name)}) for name in names}
    return write_shop(folder, {"week.zip": week(days=found)})


def _of_events(folder: Path, counted: int, rejected: int = 0) -> Shop:
    return shop_of(folder, part([purchase()] * counted + [BAD] * rejected))


def _of_customers(folder: Path, *ids: str) -> Shop:
    return shop_of(folder, sales(), customers=[(each, "2020-01-01", "Retail") for each in ids])


def _of_products(folder: Path, *ids: str) -> Shop:
    return shop_of(folder, sales(), products=[(each, "Pen", "Office", "0.10") for each in ids])


def _is_shown(folder: Path, outcome: Outcome) -> bool:
    return latest(folder).resolve().name == outcome.run_id


@pytest.mark.parametrize(
    ("sold", "is_published"), [(91, True), (90, True), (89, False), (110, True), (111, False)]
)
def test_revenue(tmp_path: Path, sold: int, is_published: bool) -> None:
    first = _run(_shop(tmp_path, 1, 100), tmp_path)
    second = _run(_shop(tmp_path, 2, sold), tmp_path)
    assert second.status == "complete"
    assert second.exit_code == (0 if is_published else 1)
    assert _is_shown(tmp_path, second if is_published else first)


@pytest.mark.parametrize(("counted", "is_published"), [(91, True), (90, True), (89, False)])
def test_purchases(tmp_path: Path, counted: int, is_published: bool) -> None:
    limits = DriftLimits(purchases_change=TENTH)
    _run(_of_events(tmp_path / "1", 100), tmp_path, limits)
    second = _run(_of_events(tmp_path / "2", counted), tmp_path, limits)
    assert (second.exit_code == 0) == is_published
    assert ("Counted purchases are 89, 11.0 % less than 100" in second.reason) != is_published


@pytest.mark.parametrize(("rejected", "is_published"), [(11, True), (12, True), (13, False)])
def test_share_of_rejects(tmp_path: Path, rejected: int, is_published: bool) -> None:
    limits = DriftLimits(reject_share_rise=TENTH)
    _run(_of_events(tmp_path / "1", 98, 2), tmp_path, limits)
    second = _run(_of_events(tmp_path / "2", 100 - rejected, rejected), tmp_path, limits)
    assert (second.exit_code == 0) == is_published
    assert ("13.00 % of purchases are rejected, 11.0 points" in second.reason) != is_published


@pytest.mark.parametrize(
    ("days", "is_published"),
    [((1, 3, 4, 6, 7), True), ((1, 3, 5, 6, 8), True), ((1, 3, 5, 6, 9), False)],
)
def test_new_missing_days(tmp_path: Path, days: Sequence[int], is_published: bool) -> None:
    limits = DriftLimits(new_missing_days=2)
    _run(_of_days(tmp_path / "1", 1, 3, 4, 5, 6), tmp_path, limits)
    second = _run(_of_days(tmp_path / "2", *days), tmp_path, limits)
    assert (second.exit_code == 0) == is_published
    told = "New missing days: 3 (2024-03-04, 2024-03-07, 2024-03-08), 4 in all and 1 in run"
    assert (told in second.reason) != is_published


@pytest.mark.parametrize(
    ("ids", "is_published"),
    [("c1 c2 c3 c4", True), ("c1 c2 c3 c8 c9", True), ("c1 c2 c8 c9", False)],
)
def test_customers_that_are_gone(tmp_path: Path, ids: str, is_published: bool) -> None:
    limits = DriftLimits(customers_gone=Decimal("0.25"), products_gone=Decimal(0))
    _run(_of_customers(tmp_path / "1", "c1", "c2", "c3", "c4"), tmp_path, limits)
    second = _run(_of_customers(tmp_path / "2", *ids.split()), tmp_path, limits)
    assert (second.exit_code == 0) == is_published
    assert ("Customers gone: 2 of 4 in run" in second.reason) != is_published


@pytest.mark.parametrize(
    ("ids", "is_published"),
    [("p1 p2 p3 p4", True), ("p1 p2 p3 p8 p9", True), ("p1 p2 p8 p9", False)],
)
def test_products_that_are_gone(tmp_path: Path, ids: str, is_published: bool) -> None:
    limits = DriftLimits(products_gone=Decimal("0.25"), customers_gone=Decimal(0))
    _run(_of_products(tmp_path / "1", "p1", "p2", "p3", "p4"), tmp_path, limits)
    second = _run(_of_products(tmp_path / "2", *ids.split()), tmp_path, limits)
    assert (second.exit_code == 0) == is_published
    assert ("Products gone: 2 of 4 in run" in second.reason) != is_published


def test_the_first_run_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert (
        _run(_shop(tmp_path, 1, 100), tmp_path, DriftLimits(revenue_change=Decimal(0))).reason == ""
    )


def test_the_refusal_says_everything(tmp_path: Path) -> None:
    first = _run(_shop(tmp_path, 1, 100), tmp_path)
    limits = DriftLimits(revenue_change=TENTH, purchases_change=TENTH, new_missing_days=0)
    second = _run(_of_days(tmp_path / "2", 1, 3, sold=300), tmp_path, limits)
    assert (second.state, second.status, second.exit_code) == ("refused", "complete", 1)
    assert second.reason == (
        f"Total revenue is 60.00, 500.0 % more than 10.00 in run {first.run_id}; "
        "the limit is 10 %. "
        f"Counted purchases are 2, 100.0 % more than 1 in run {first.run_id}; the limit is 10 %. "
        f"New missing days: 1 (2024-03-02), 1 in all and 0 in run {first.run_id}; the limit is 0."
    )
    assert second.remedy.endswith(f"`sales-pipeline publish {second.run_id} --allow-drift`.")
    assert summary(second).totals.total_revenue == "60.00", "for `show`"


def test_the_next_run_is_compared_with_the_last_published_one(tmp_path: Path) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    assert _run(_shop(tmp_path, 2, 50), tmp_path).exit_code == 1
    again = _run(_shop(tmp_path, 3, 50), tmp_path)
    assert again.exit_code == 1, "two wrong days in a row do not make it right"
    assert pipeline.publish(str(tmp_path / "state"), again.run_id, allow_drift=True).exit_code == 0
    assert _run(_shop(tmp_path, 4, 50), tmp_path).exit_code == 0
    assert _run(_shop(tmp_path, 5, 100), tmp_path).exit_code == 1


def test_a_person_overrules_it_without_the_archives(tmp_path: Path) -> None:
    first = _run(_shop(tmp_path, 1, 100), tmp_path)
    before = {path: path.read_bytes() for path in latest(tmp_path).rglob("*") if path.is_file()}
    shop = _shop(tmp_path, 2, 50)
    manifest = _processed(shop, tmp_path)
    refused = publish_local(tmp_path, manifest)
    assert _is_shown(tmp_path, first)
    assert {path: path.read_bytes() for path in before} == before
    assert [path.name for path in (tmp_path / "reports" / "runs").iterdir()] == [first.run_id]
    rmtree(shop.data)
    assert publish_local(tmp_path, manifest) == refused
    assert publish_local(tmp_path, manifest, allow_incomplete=True) == refused
    published = publish_local(tmp_path, manifest, allow_drift=True)
    assert (published.state, published.status, published.exit_code) == ("published", "complete", 0)
    assert _is_shown(tmp_path, published)
    said = json.loads(text(tmp_path, "summary.json"))
    assert said["status"] == "complete"
    assert said["allowed_drift"] == refused.reason
    assert text(tmp_path, "index.html").count("50.0 % less") == 2, "as a banner, and in the facts"
    assert publish_local(tmp_path, manifest) == published


@pytest.mark.parametrize(
    ("incomplete", "drift", "exit_code"), [(True, False, 1), (False, True, 1), (True, True, 3)]
)
def test_an_incomplete_run_that_drifts_needs_both(
    tmp_path: Path, incomplete: bool, drift: bool, exit_code: int
) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    manifest = _processed(_shop(tmp_path, 2, 50, BROKEN), tmp_path)
    refused = publish_local(tmp_path, manifest)
    assert "1.json" in refused.reason
    assert "50.0 % less" in refused.reason
    assert refused.remedy.endswith("--allow-incomplete --allow-drift`.")
    ended = publish_local(tmp_path, manifest, allow_incomplete=incomplete, allow_drift=drift)
    assert ended.exit_code == exit_code
    assert ended == refused or exit_code == 3
    assert summary(refused).allowed_drift == ""
    if exit_code == 3:
        assert summary(ended).allowed_drift.startswith("Total revenue is 5.00, 50.0 % less")


@pytest.mark.parametrize(
    ("incomplete", "drift", "exit_code"),
    [(False, False, 1), (True, False, 1), (False, True, 1), (True, True, 3)],
)
def test_options_of_the_run_allow_each_its_own(
    tmp_path: Path, incomplete: bool, drift: bool, exit_code: int
) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    shop = _shop(tmp_path, 2, 50, BROKEN)
    ended = _run(shop, tmp_path, allow_incomplete=incomplete, allow_drift=drift)
    assert ended.exit_code == exit_code
    assert ("50.0 %" in summary(ended).allowed_drift) == (exit_code == 3)
    assert ("--allow-incomplete" in ended.remedy) == (not incomplete)
    assert ("--allow-drift" in ended.remedy) == (not drift)


def test_an_incomplete_run_that_does_not_drift_needs_no_more_than_before(tmp_path: Path) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    manifest = _processed(_shop(tmp_path, 2, 100, BROKEN), tmp_path)
    assert publish_local(tmp_path, manifest).exit_code == 1
    assert publish_local(tmp_path, manifest, allow_drift=True).exit_code == 1
    assert publish_local(tmp_path, manifest, allow_incomplete=True).exit_code == 3


def test_a_refusal_of_an_earlier_version_is_for_being_incomplete(tmp_path: Path) -> None:
    manifest = _processed(_shop(tmp_path, 1, 100, BROKEN), tmp_path)
    publish_local(tmp_path, manifest)
    record = tmp_path / "state" / "runs" / manifest.run_id / "verdict.json"
    fields = json.loads(record.read_bytes())
    assert fields.pop("needs") == ["incomplete"]
    record.write_text(json.dumps(fields))
    assert publish_local(tmp_path, manifest).exit_code == 1
    assert publish_local(tmp_path, manifest, allow_drift=True).exit_code == 1
    assert publish_local(tmp_path, manifest, allow_incomplete=True).exit_code == 3


def test_a_run_is_compared_with_one_that_was_planned_before_it(tmp_path: Path) -> None:
    """However late it is published, and whatever was published since."""
    _run(_shop(tmp_path, 1, 100), tmp_path)
    older, drifting = (
        _processed(_shop(tmp_path, n, sold), tmp_path) for n, sold in ((2, 95), (3, 50))
    )
    newer = _run(_shop(tmp_path, 4, 50), tmp_path, allow_drift=True)
    assert publish_local(tmp_path, older).exit_code == 0
    assert publish_local(tmp_path, drifting).exit_code == 1
    reopen(RunLedger(open_storage(str(tmp_path / "state")), drifting.run_id))
    assert publish_local(tmp_path, drifting).exit_code == 1, "resumed"
    assert _is_shown(tmp_path, newer)


def test_what_was_decided_once_does_not_change_with_what_is_published_later(tmp_path: Path) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    between = _processed(_shop(tmp_path, 2, 50), tmp_path)
    manifest = _processed(_shop(tmp_path, 3, 50), tmp_path)
    refused = publish_local(tmp_path, manifest)
    assert publish_local(tmp_path, between, allow_drift=True).exit_code == 0
    (tmp_path / "state" / "runs" / manifest.run_id / "outcome.json").unlink()
    assert publish_local(tmp_path, manifest) == refused, "another publisher, later"


def test_the_last_published_run_was_incomplete(tmp_path: Path) -> None:
    first = _run(_shop(tmp_path, 1, 50, BROKEN), tmp_path, allow_incomplete=True)
    second = _run(_shop(tmp_path, 2, 100), tmp_path)
    assert second.exit_code == 1
    assert second.reason.endswith(f"the limit is 10 %. Run {first.run_id} is incomplete.")


def test_unknown_was_another(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(100), sales(100, customer="nobody"))
    first = run_local(shop, tmp_path)
    second = run_local(shop, tmp_path, unknown="bucket", publish_incomplete=False, drift=REVENUE)
    assert (units(first), units(second)) == (100, 200)
    assert second.reason.endswith(
        f"Purchases of whom or what nobody knows are left out in run {first.run_id}, and "
        "counted as Unknown in this one."
    )


def test_decimals_of_the_currency_were_others(tmp_path: Path) -> None:
    def priced(number: int, price: str, sold: int) -> Shop:
        products = [("p1", "Pen", "Office", price)]
        return shop_of(tmp_path / str(number), sales(sold), products=products)

    limits = DriftLimits(revenue_change=Decimal(0))
    first = _run(priced(1, "1", 100), tmp_path, limits)
    assert summary(first).totals.total_revenue == "100"
    assert _run(priced(2, "1.000", 100), tmp_path, limits).exit_code == 0
    third = _run(priced(3, "1.0", 101), tmp_path, limits)
    assert "Total revenue is 101.0, 1.0 % more than 100.000 in run" in third.reason


def test_no_revenue_before(tmp_path: Path) -> None:
    _run(shop_of(tmp_path / "1", part([])), tmp_path)
    assert _run(shop_of(tmp_path / "2", part([])), tmp_path).exit_code == 0
    assert (
        "Total revenue is 0.10, after 0.00 in run" in _run(_shop(tmp_path, 3, 1), tmp_path).reason
    )


def test_figures_that_are_gone_are_no_reason_to_believe(tmp_path: Path) -> None:
    first = _run(_shop(tmp_path, 1, 100), tmp_path)
    (tmp_path / "state" / "runs" / first.run_id / "outcome.json").unlink()
    manifest = _processed(_shop(tmp_path, 2, 100), tmp_path)
    refused = publish_local(tmp_path, manifest)
    assert refused.exit_code == 1
    assert f"The figures of run {first.run_id}" in refused.reason
    assert publish_local(tmp_path, manifest, allow_drift=True).exit_code == 0


def test_a_snapshot_that_is_gone_is_no_reason_to_believe(tmp_path: Path) -> None:
    limits = DriftLimits(customers_gone=Decimal(1))
    first = _run(_of_customers(tmp_path / "1", "c1", "c2"), tmp_path, limits)
    rmtree(tmp_path / "state" / "dimensions" / summary(first).dimensions_digest)
    refused = _run(_of_customers(tmp_path / "2", "c1"), tmp_path, limits)
    assert refused.exit_code == 1
    assert "What is gone from customers and products is not known" in refused.reason
    assert _run(_of_customers(tmp_path / "3", "c1"), tmp_path, REVENUE).exit_code == 0, (
        "nobody asks"
    )


def test_without_limits_nothing_is_read_or_refused(tmp_path: Path) -> None:
    first = _run(_shop(tmp_path, 1, 100), tmp_path, DriftLimits())
    rmtree(tmp_path / "state" / "runs" / first.run_id)
    assert _run(_shop(tmp_path, 2, 1), tmp_path, DriftLimits()).exit_code == 0


def test_verdicts_say_what_they_need(tmp_path: Path) -> None:
    _run(_shop(tmp_path, 1, 100), tmp_path)
    second = _run(_shop(tmp_path, 2, 50), tmp_path)
    record = (tmp_path / "state" / "runs" / second.run_id / "verdict.json").read_bytes()
    expected = Verdict(
        state="refused",
        finished_at=summary(second).finished_at,
        reason=second.reason,
        remedy=second.remedy,
        needs=("drift",),
        drift=second.reason,
    )
    assert record == to_json(expected)
