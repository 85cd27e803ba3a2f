"""Which as-of runs a backfill makes, of which dates."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.configuration.places import Places
from pipeline_core.errors import ConfigError
from pipeline_core.messages import Options
from pipeline_core.planning.backfill import Backfill, Every, plan_backfill
from tests.support.archives import write_shop
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, week

FIRST, LAST = date(2024, 1, 1), date(2024, 1, 28)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Two weeks, from Monday the 1st to Sunday the 14th."""
    archives = {"week_0.zip": week(*range(1, 8)), "week_1.zip": week(*range(8, 15))}
    return Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "runs")


def planned(
    runs: Runs, first: date = FIRST, last: date = LAST, every: Every = "day", **options: Any
) -> Backfill:
    state, reports = (str(runs.folder / name) for name in ("state", "reports"))
    places = Places(str(runs.shop.data), reports, state, str(runs.shop.dimensions), "")
    return plan_backfill(places, Options(allow_incomplete=True, **options), first, last, every)


def test_days_are_those_that_there_are_newest_first(runs: Runs) -> None:
    found = planned(runs)
    assert found.dates == tuple(date(2024, 1, number) for number in range(14, 0, -1))
    assert (found.first, found.last) == (date(2024, 1, 1), date(2024, 1, 14))


def test_a_week_ends_on_sunday_and_a_month_on_its_last_day(runs: Runs) -> None:
    assert planned(runs, every="week").dates == (date(2024, 1, 14), date(2024, 1, 7))
    with pytest.raises(ConfigError, match="No month ends"):
        planned(runs, every="month")
    (runs.shop.data / "week_5.zip").write_bytes(week(31))
    assert planned(runs, last=date(2024, 2, 29), every="month").dates == (date(2024, 1, 31),)


@pytest.mark.parametrize(
    ("first", "last"), [(date(2023, 12, 1), date(2023, 12, 31)), (date(2024, 1, 15), LAST)]
)
def test_a_range_without_a_day_says_which_there_are(runs: Runs, first: date, last: date) -> None:
    with pytest.raises(ConfigError, match="There are days from 2024-01-01 to 2024-01-14"):
        planned(runs, first, last)


def test_what_is_published_is_there(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 3))
    runs.run()
    found = planned(runs)
    assert {day: each.run_id for day, each in found.published.items()} == {
        date(2024, 1, 3): "run-001"
    }
    assert not found.stopped


def test_what_counts_otherwise_or_is_gone_is_not_there(runs: Runs, tmp_path: Path) -> None:
    runs.run(as_of=date(2024, 1, 3))
    assert not planned(runs, unknown="bucket").published
    assert planned(runs, batch_size=3).published
    other = Runs(runs.shop, runs.folder)
    other.shop.data.rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "shop" / "other")
    elsewhere = Runs(type(runs.shop)(tmp_path / "moved", runs.shop.dimensions), runs.folder)
    assert not planned(elsewhere).published
    (tmp_path / "moved").rename(runs.shop.data)
    assert planned(runs).published
    (runs.last() / "sales_report.csv").write_bytes(b"")
    assert not planned(runs).published
    shutil.rmtree(runs.last())
    assert not planned(runs).published


def test_one_that_stopped_is_gone_on_with(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 3))
    (runs.folder / "state" / "runs" / "run-001" / "outcome.json").unlink()
    found = planned(runs)
    assert [(day, each.run_id) for day, each in found.stopped.items()] == [
        (date(2024, 1, 3), "run-001")
    ]
    assert not found.published
