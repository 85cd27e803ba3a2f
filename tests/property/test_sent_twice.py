"""Events that were sent twice count once, whatever overlaps, is sent again late, or is reused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Feed
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.storage import open_storage
from tests.contract.publication.test_changes import check_changes
from tests.support import archives as build
from tests.support.differences import diff
from tests.support.oracle import compute
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check

FEED = Feed(event_id=("event_type", "ids.message", "shop"))
STEPS = 6
_DAYS = [*(f"export_2024-01-{day:02}.zip" for day in range(1, 7)), "export_late.zip"]

_Event = dict[str, Any]
# Archive, day, part: its events.
_Tree = dict[str, dict[str, dict[str, list[_Event]]]]


class _Place(NamedTuple):
    """In the order in which events come first."""

    date: str
    archive: str
    day: str
    part: str
    position: int


class Feeds:
    """Archives whose days hold some of the same events."""

    def __init__(self, data: Path, chance: random.Random) -> None:
        self.data, self.chance, self.tree = data, chance, _Tree()

    def write(self, name: str) -> None:
        """Makes an archive of events of which others have some."""
        self.tree[name] = {
            day: {f"{part}.json": self._events() for part in range(self.chance.randint(1, 2))}
            for day in self.chance.sample(_DAYS, self.chance.randint(1, 3))
        }
        (self.data / name).write_bytes(
            build.archive_zip(
                {
                    day: build.day_zip({part: build.part(found) for part, found in parts.items()})
                    for day, parts in self.tree[name].items()
                }
            )
        )

    def remove(self, name: str) -> None:
        """Takes one away."""
        del self.tree[name]
        (self.data / name).unlink()

    def _events(self) -> list[_Event]:
        return [self._event() for _ in range(self.chance.randint(0, 12))]

    def _event(self) -> _Event:
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

    def sent_again(self) -> set[_Place]:
        """Places of purchases whose key an earlier one has."""
        firsts, found = set[str](), set[_Place]()
        for place, event in sorted(self._placed(), key=lambda each: each[0]):
            if event["event_type"] != "purchase":
                continue
            values = [event["event_type"], event.get("ids", {}).get("message"), event.get("shop")]
            key = json.dumps(values)
            if key in firsts:
                found.add(place)
            firsts.add(key)
        return found

    def _placed(self) -> Iterator[tuple[_Place, _Event]]:
        for archive, days in self.tree.items():
            for day, parts in days.items():
                dated = day[7:17] if day[7].isdigit() else "undated"
                for part, events in parts.items():
                    for position, event in enumerate(events):
                        yield _Place(dated, archive, day, part, position), event

    def without(self, folder: Path, places: set[_Place]) -> Path:
        """The same archives without these events."""
        folder.mkdir()
        kept: dict[tuple[str, str, str], list[_Event]] = {}
        for place, event in self._placed():
            if place not in places:
                kept.setdefault(place[1:4], []).append(event)
        for archive, days in self.tree.items():
            (folder / archive).write_bytes(
                build.archive_zip(
                    {
                        day: build.day_zip(
                            {part: build.part(kept.get((archive, day, part), [])) for part in parts}
                        )
                        for day, parts in days.items()
                    }
                )
            )
        return folder


@pytest.mark.parametrize("seed", range(3))
def test_each_event_counts_where_it_comes_first(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    shop = build.write_shop(tmp_path / "shop", {}, CUSTOMERS, PRODUCTS)
    feeds, runs = Feeds(shop.data, chance), Runs(shop, tmp_path / "runs")
    for number in range(3):
        feeds.write(f"{number}.zip")
    for step in range(STEPS):
        if step and chance.random() < 0.8:
            feeds.write(f"{chance.randint(0, 9)}.zip")
        if len(feeds.tree) > 1 and chance.random() < 0.3:
            feeds.remove(chance.choice(sorted(feeds.tree)))
        summary = check(
            runs, feed=FEED, processes=chance.choice([1, 3]), keep=chance.random() < 0.8
        )
        _is_as_by_hand(runs, feeds, summary, tmp_path / f"{step}")
        if step:
            diff(runs)
            changes = RunLedger(open_storage(_state(runs)), runs.last().name).changes()
            assert changes is not None
            check_changes(changes)
    assert rebuild(_state(runs), runs.last().name).state == "as_published"
    assert rebuild(_state(runs), "run-001").state == "as_published"


def _is_as_by_hand(runs: Runs, feeds: Feeds, summary: dict[str, Any], folder: Path) -> None:
    again = feeds.sent_again()
    expected = compute(feeds.without(folder, again), runs.shop.dimensions, unknown="reject")
    published = runs.csvs()
    assert published["sales_report.csv"] == expected.sales_report
    assert published["daily_sales.csv"] == expected.daily_sales
    rejects = [line.split(",", 5) for line in published["rejects.csv"].decode().splitlines()[1:]]
    assert [_placed(row) for row in rejects if row[0] == "duplicate_event"] == [
        place[1:] for place in sorted(again, key=lambda place: place[1:])
    ]
    assert summary["rejected"].get("duplicate_event", {"events": 0})["events"] == len(again)
    events = summary["events"]
    assert events["seen"] == events["counted"] + events["not_purchase"] + events["rejected"]


def _placed(row: Sequence[str]) -> tuple[str, str, str, int]:
    return row[1], row[2], row[3], int(row[4])


def _state(runs: Runs) -> str:
    return str(runs.folder / "state")
