"""Limits are exact: what is at a limit is read, what is one over it is not."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.messages import Summary
from tests.support import archives as build
from tests.support.run import run_local, sales, summary, week
from tests.support.whole_runs import whole_runs

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_SETTINGS = whole_runs(60)


def _read(parts: dict[str, bytes], **limits: int) -> Summary:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        days = {"1.zip": build.day_zip(parts), "2.zip": build.day_zip({"0.json": sales(5)})}
        shop = build.write_shop(folder / "shop", {"week.zip": week(days=days)})
        return summary(run_local(shop, folder, limits=limits))


def _causes(found: Summary) -> list[str | None]:
    return [place.part or place.day for place in found.unreadable]


@_SETTINGS
@given(content=st.lists(_JSON, max_size=20).map(build.part), spare=st.integers(-3, 3))
def test_bytes_of_a_part(content: bytes, spare: int) -> None:
    floor = len(sales(5))
    limit = max(len(content) + spare, floor)
    found = _read({"it.json": content}, part_bytes=limit)
    assert _causes(found) == (["it.json"] if len(content) > limit else [])
    assert found.totals.units_sold >= 5


@_SETTINGS
@given(depth=st.integers(3, 80), limit=st.integers(3, 80))
def test_depth_of_a_part(depth: int, limit: int) -> None:
    found = _read({"it.json": build.deep_part(depth)}, json_depth=limit)
    assert _causes(found) == (["it.json"] if depth > limit else [])


@_SETTINGS
@given(entries=st.integers(1, 12), limit=st.integers(2, 12))
def test_entries_of_a_day(entries: int, limit: int) -> None:
    parts = {f"{n}.json": b"[%d]" % n for n in range(entries)}
    found = _read(parts, zip_entries=limit)
    assert _causes(found) == (["1.zip"] if entries > limit else [])
    assert found.totals.units_sold == 5
