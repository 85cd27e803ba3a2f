"""Events that were sent twice count once, whatever overlaps, is sent again late, or is reused."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.storage import open_storage
from pipeline_core.verify import verify
from tests.contract.publication.test_changes import check_changes
from tests.support import archives as build
from tests.support.differences import diff
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check

SETTINGS = {"SALES_EVENT_ID": "event_type,ids.message,shop"}
FEED = feed_of(SETTINGS)
STEPS = 6
_DAYS = [*(f"export_2024-01-{day:02}.zip" for day in range(1, 7)), "export_late.zip"]


class Feeds:
    """Archives whose days hold some of the same events."""

    def __init__(self, data: Path, chance: random.Random) -> None:
        self.data, self.chance = data, chance

    def change(self) -> None:
        """Makes an archive, anew or instead of another; sends one again; calls one otherwise; or
        takes one away."""
        step = self.chance.choice(["make", "make", "make", "copy", "rename", "remove", "stay"])
        others = sorted(self.data.iterdir())
        other, name = self.chance.choice(others), self.data / f"{self.chance.randint(0, 9)}.zip"
        if step == "make":
            self.make(name)
        elif step == "copy":
            name.write_bytes(other.read_bytes())
        elif step == "rename":
            other.replace(name)
        elif step == "remove" and len(others) > 1:
            other.unlink()

    def make(self, archive: Path) -> None:
        """An archive of events of which others have some."""
        days = {
            day: {f"{n}.json": build.part(self._events()) for n in range(self.chance.randint(1, 2))}
            for day in self.chance.sample(_DAYS, self.chance.randint(1, 3))
        }
        zipped = {day: build.day_zip(parts) for day, parts in days.items()}
        archive.write_bytes(build.archive_zip(zipped))

    def _events(self) -> list[dict[str, Any]]:
        return [self._event() for _ in range(self.chance.randint(0, 12))]

    def _event(self) -> dict[str, Any]:
        chance = self.chance
        found = build.purchase(
            f"c{chance.randint(0, 9)}", f"p{chance.randint(0, 9)}", chance.choice([1, 2, 3, 0, "x"])
        )
        if chance.random() < 0.2:
            found["event_type"] = chance.choice(["view", 7])
        if chance.random() < 0.9:
            found["ids"] = {"message": chance.choice([chance.randint(0, 40), None, "7", 7])}
        if chance.random() < 0.5:
            found["shop"] = chance.choice(["a", None])
        return found


@pytest.mark.parametrize("seed", range(3))
def test_each_event_counts_where_it_comes_first(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    shop = build.write_shop(tmp_path / "shop", {}, CUSTOMERS, PRODUCTS)
    feeds, runs = Feeds(shop.data, chance), Runs(shop, tmp_path / "runs")
    for number in range(3):
        feeds.make(shop.data / f"{number}.zip")
    for step in range(STEPS):
        if step:
            feeds.change()
        summary = check(
            runs, feed=FEED, processes=chance.choice([1, 3]), keep=chance.random() < 0.8
        )
        _is_right(runs, summary)
        if step:
            diff(runs)
            changes = RunLedger(open_storage(_state(runs)), runs.last().name).changes()
            assert changes is not None
            check_changes(changes)
    assert rebuild(_state(runs), runs.last().name).state == "as_published"
    assert rebuild(_state(runs), "run-001").state == "as_published"


def _is_right(runs: Runs, summary: dict[str, Any]) -> None:
    """By the two other computations."""
    expected = compute(runs.shop.data, runs.shop.dimensions, feed=SETTINGS)
    published = runs.csvs()
    assert published["sales_report.csv"] == expected.sales_report
    assert published["daily_sales.csv"] == expected.daily_sales
    rows = [line.split(",", 5)[:5] for line in published["rejects.csv"].decode().splitlines()[1:]]
    assert rows == [[*each[:4], str(each.position)] for each in expected.rejects]
    assert {r: f for r, f in summary["rejected"].items() if f["events"]} == expected.summary[
        "rejected"
    ]
    found = verify(_state(runs), runs.last().name)
    assert found.difference is None


def _state(runs: Runs) -> str:
    return str(runs.folder / "state")
