"""An archive in shares gives the bytes that it gives as a whole, whatever is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.messages import Outcome
from pipeline_core.storage import open_storage
from tests.support import archives as build
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.extracts import extract_files, spoil_day
from tests.support.processes import local_environment, published_csvs, sales_pipeline
from tests.support.run import plan_local, process_local, publish_local, run_local, summary

DAYS = [f"events_2024-03-{number:02}.zip" for number in range(1, 8)]
BAD = {"event_type": "purchase", "customer_id": "c1", "product_id": "p1", "quantity": 0}


def _day(number: int) -> bytes:
    return day_zip({"1.json": part([purchase(quantity=number), BAD] * 20)})


def _shop(folder: Path, **days: bytes) -> Shop:
    """One archive of seven days, some of them replaced."""
    entries = {name: _day(number) for number, name in enumerate(DAYS, start=1)}
    return write_shop(folder, {"week.zip": archive_zip(entries | days)})


def _figures(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(summary(outcome), default=_plain))
    return found


def _plain(value: Any) -> Any:
    return (
        {
            name: getattr(value, name)
            for name in value.__struct_fields__
            if name not in ("run_id", "created_at", "finished_at", "seconds", "work_seconds")
        }
        if hasattr(value, "__struct_fields__")
        else str(value)
    )


def _compare(shop: Shop, folder: Path, **options: Any) -> Outcome:
    """The outcome, the same in shares and as a whole."""
    whole = run_local(shop, folder / "whole", **options)
    cut = run_local(shop, folder / "cut", processes=2, **options)
    assert published_csvs(folder / "cut") == published_csvs(folder / "whole")
    assert _figures(cut) == _figures(whole)
    return cut


def test_sound_days(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop")
    outcome = _compare(shop, tmp_path)
    assert summary(outcome).archives.read == 1
    assert summary(outcome).days.read == 7
    shares = plan_local(shop, tmp_path / "more", processes=2).planned_work()
    assert len(shares) == 4
    shown = sales_pipeline("show", env=local_environment(shop, tmp_path / "cut")).stdout
    slowest = shown.partition("slowest archives")[2]
    assert slowest.count("week.zip") == 1
    assert f"{summary(outcome).events.seen:,}" in slowest


@pytest.mark.parametrize("reject_rows", [0, 25, 1000])
def test_rejects_are_capped_as_ever(tmp_path: Path, reject_rows: int) -> None:
    _compare(_shop(tmp_path / "shop"), tmp_path, reject_rows=reject_rows)


def test_unreadable_day_and_part(tmp_path: Path) -> None:
    torn = build.truncated(_day(2))
    shop = _shop(
        tmp_path / "shop", **{DAYS[1]: torn, DAYS[5]: day_zip({"1.json": b"[1,", "2.json": b"[]"})}
    )
    outcome = _compare(shop, tmp_path)
    assert [place.day for place in summary(outcome).unreadable] == [DAYS[1], DAYS[5]]


def test_the_same_day_twice(tmp_path: Path) -> None:
    outcome = _compare(_shop(tmp_path / "shop", **{DAYS[6]: _day(1)}), tmp_path)
    assert (summary(outcome).days.read, summary(outcome).days.duplicate) == (6, 1)


def test_the_limit_of_an_archive_is_that_of_all_its_days(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop")
    used = summary(run_local(shop, tmp_path / "probe")).json_bytes
    for limit, unreadable in ((used, 0), (used - 1, 1), (used // 2, 1)):
        outcome = _compare(shop, tmp_path / str(limit), limits={"archive_bytes": limit})
        assert summary(outcome).archives.unreadable == unreadable


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(b"another")])
def test_an_archive_that_vanishes_or_changes_between_two_shares(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    shop = _shop(tmp_path / "shop")
    manifest = plan_local(shop, tmp_path, processes=2)
    process_local(tmp_path, manifest)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    ledger.discard_receipt(manifest.planned_work()[0])
    spoil(shop.data / "week.zip")
    process_local(tmp_path, manifest)
    found = summary(publish_local(tmp_path, manifest, allow_incomplete=True))
    assert found.events.seen == 0
    assert found.archives.unreadable == len(found.unreadable) == 1


def test_a_copy_counts_when_a_share_of_the_original_cannot_be_read(tmp_path: Path) -> None:
    week = archive_zip({name: _day(number) for number, name in enumerate(DAYS, start=1)})
    shop = write_shop(tmp_path / "shop", {"a.zip": week, "b.zip": week})
    manifest = plan_local(shop, tmp_path, processes=2)
    (shop.data / "a.zip").unlink()
    process_local(tmp_path, manifest)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    assert {each.archive.name for each in results(ledger, manifest).done} == {"a.zip", "b.zip"}
    found = summary(publish_local(tmp_path, manifest, allow_incomplete=True))
    assert (found.events.seen, found.archives.read, found.archives.unreadable) == (280, 1, 1)


def test_an_archive_that_only_a_later_share_opens_is_read(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop")
    planned = plan_local(shop, tmp_path / "planned", processes=2).planned_work()
    run_local(shop, tmp_path, processes=2)
    assert len(extract_files(tmp_path)) == len(planned) < 7, "one a share"
    spoil_day(tmp_path, hashlib.sha256(_day(7)).hexdigest())
    found = summary(run_local(shop, tmp_path, processes=2, unknown="bucket"))
    assert (found.days.read, found.days.reused) == (1, 6)
    assert (found.archives.read, found.archives.reused) == (1, 0)
    assert found.bytes_read == found.compressed_bytes == (shop.data / "week.zip").stat().st_size
