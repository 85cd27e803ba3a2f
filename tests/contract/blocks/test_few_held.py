"""Of very many archives, planning and publishing hold little at a time: bytes an archive, and
blocks, are counted."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline_core.blocks.packed import Packed
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done, results
from pipeline_core.merging import merge
from pipeline_core.messages import ArchiveRef, ClosedDays, DayRef, Feed, Limits
from pipeline_core.page import ShownGroups
from pipeline_core.page.coverage import DayStates
from pipeline_core.page.over_time import over_time
from pipeline_core.planning.survey import missing_days, survey
from pipeline_core.schemas import DAILY_SALES_PARTIAL
from pipeline_core.storage import Contents, StoredObject
from pipeline_core.storage.local import LocalStorage
from tests.support.archives import write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import plan_local, process_local, sales, week

FIRST = date(1200, 1, 1)


class _Listing(LocalStorage):
    """So many archives, of which none can be opened."""

    def __init__(self, root: Path, count: int) -> None:
        super().__init__(root)
        self._files = [StoredObject(f"{n:06}.zip", 1000 + n, f"v{n}") for n in range(count)]

    def contents(self, folder: str = "") -> Contents:
        assert not folder
        return Contents(files=list(self._files), folders=[], others={}, hidden=[])

    def known(self) -> Iterator[ArchiveRef]:
        """As the last run left them, with digests; two days are in two archives."""
        for number, file in enumerate(self._files):
            days = tuple(
                DayRef(
                    f"events_{FIRST + timedelta(days=7 * number + at)}.zip",
                    at,
                    800,
                    max(1, number * 7 + at),
                    f"{max(1, number * 7 + at):064}",
                )
                for at in range(7)
            )
            yield ArchiveRef(
                id="",
                name=file.key,
                size=file.size,
                version=file.version,
                days=days,
                digest="0" * 64,
            )


def _peak(function: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_plan_holds_little_of_each_archive(tmp_path: Path) -> None:
    count, found = 1_000, []
    listing = _Listing(tmp_path, count)
    peak = _peak(lambda: found.append(survey(listing, Limits(), Feed(), listing.known())))
    assert peak / count < 1_800, "its objects are some 5,000 bytes"
    (surveyed,) = found
    marked = [
        (archive.name, day.duplicate_of)
        for archive in surveyed.archives
        for day in archive.days
        if day.duplicate_of
    ]
    assert marked == [("000000.zip", "000000.zip")]
    assert surveyed.conflicting_days == ()
    assert missing_days(
        (day.name for each in surveyed.archives for day in each.days), ClosedDays()
    ) == ((), 0)


def test_blocks_are_merged_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_blocks_after_two(monkeypatch)
    monkeypatch.setattr(merge, "_ends_block", lambda name: int(name[5:7]) % 2 == 0)
    archives = {f"week {n:02}.zip": week(sales(n)) for n in range(1, 8)}
    manifest = plan_local(write_shop(tmp_path / "shop", archives), tmp_path)
    process_local(tmp_path, manifest)
    ledger = RunLedger(LocalStorage(tmp_path / "state"), manifest.run_id)
    done = _Counted(Done, results(ledger, manifest).done)
    ahead = []
    tables = merge._Blocks.tables

    def noted(self: Any, block: Any, found: Any) -> Iterator[Any]:
        ahead.append(done.taken - int(block.done[-1].archive.name[5:7]))
        return tables(self, block, found)

    monkeypatch.setattr(merge._Blocks, "tables", noted)
    merge.merge_results(ledger, manifest, done)
    assert len(ahead) == 4
    assert max(ahead) == 1, "of what is behind a block, the next result alone is looked at"


class _Counted(Packed[Done]):
    """Counts what is taken of it, each time that somebody goes over it."""

    taken = 0

    def __iter__(self) -> Iterator[Done]:
        self.taken = 0
        for each in super().__iter__():
            self.taken += 1
            yield each


def test_a_page_holds_little_of_each_date() -> None:
    count = 40_000
    states = DayStates()
    dates = [FIRST + timedelta(days=n) for n in range(count)]
    for each in dates:
        states.note(each, "present")
    columns = {
        "date": dates,
        "category": ["Art"] * count,
        "segment": ["VIP"] * count,
        **dict.fromkeys(("units", "revenue_hi", "revenue_lo", "purchases"), [1] * count),
    }
    partial = pa.table(columns, schema=DAILY_SALES_PARTIAL)
    nothing = ShownGroups((), None)
    peak = _peak(lambda: over_time(partial, states, ClosedDays(), 2, nothing, nothing))
    assert peak / count < 300, "as objects they were some 700 bytes"
