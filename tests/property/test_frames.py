"""The notebook's face gives the run's reports to the byte, and those of the slow computation."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.configuration.places import Places
from pipeline_core.frames import DataTransformer, DimensionLoader, EventExtractor, Limits
from pipeline_core.frames.dimensions import snapshot_of
from pipeline_core.messages import Feed, ReturnsMode, UnknownMode
from pipeline_core.planning.sources import read_dimensions
from tests.support.feed_strategies import GeneratedFeed, feeds
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.run import latest, rejects, run_local, summary
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.whole_runs import whole_runs

_BATCH_SIZES = st.sampled_from([1, 3, 50_000])
_LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "part_bytes": st.integers(2, 2000),
        "day_bytes": st.integers(100, 4000),
        "archive_bytes": st.integers(200, 8000),
        "event_bytes": st.integers(1, 1000),
        "json_depth": st.integers(2, 12),
        "zip_entries": st.integers(1, 4),
    },
)
_PLACE = ["archive", "day", "part", "position"]


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(shop=shops(), batch_size=_BATCH_SIZES, lookups=_BATCH_SIZES)
@whole_runs(50)
def test_frames_equal_the_run_and_the_oracle(
    unknown: UnknownMode, shop: GeneratedShop, batch_size: int, lookups: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = shop.write(folder / "shop")
        outcome = run_local(written, folder, unknown=unknown)
        expected = compute(written.data, written.dimensions, unknown=unknown)

        events = EventExtractor(written.data)
        tables = DimensionLoader(written.dimensions)
        transformer = DataTransformer(
            tables.customers(), tables.products(), unknown=unknown, batch_size=lookups
        )
        reports = transformer.transform(events.batches(batch_size))

        for report, by_oracle in (
            ("sales_report", expected.sales_report),
            ("daily_sales", expected.daily_sales),
        ):
            published = (latest(folder) / f"{report}.csv").read_bytes()
            said = reports[report].to_csv(index=False)
            assert said is not None
            assert said.encode() == published == by_oracle
            reports[report].to_csv(folder / "saved.csv", index=False)
            assert (folder / "saved.csv").read_bytes() == published
        assert transformer.counts == summary(outcome).events
        assert list(_places(transformer.rejected)) == [
            tuple(reject[:5]) for reject in expected.rejects
        ]
        assert events.unreadable == list(summary(outcome).unreadable)
        assert events.ignored == summary(outcome).ignored


@pytest.mark.usefixtures("paths_taken_as_set")
@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(generated=feeds(), returns=RETURNS, batch_size=_BATCH_SIZES)
@whole_runs(60)
def test_frames_of_any_feed_equal_the_run(
    unknown: UnknownMode, generated: GeneratedFeed, returns: ReturnsMode, batch_size: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = generated.shop.write(folder / "shop")
        feed_read = feed_of(generated.settings)
        outcome = run_local(written, folder, unknown=unknown, returns=returns, feed=feed_read)
        feed = {
            each.removeprefix("SALES_").lower(): text for each, text in generated.settings.items()
        }
        events = EventExtractor(written.data, feed=feed)
        tables = DimensionLoader(written.dimensions)
        is_paid = "SALES_PRICE_FIELD" in generated.settings
        decimals = int(generated.settings.get("SALES_PRICE_DECIMALS", "2")) if is_paid else None
        transformer = DataTransformer(
            tables.customers(),
            tables.products(),
            unknown=unknown,
            returns=returns,
            price_decimals=decimals,
        )
        reports = transformer.transform(events.batches(batch_size))
        assert ("returns" in reports) == (returns == "separate")
        for report in reports:
            said = reports[report].to_csv(index=False)
            assert said is not None
            assert said.encode() == (latest(folder) / f"{report}.csv").read_bytes()
        assert transformer.counts == summary(outcome).events
        left_out = transformer.rejected.to_dict("records")
        assert [_place_in_file(row) for row in left_out] == [
            [row[column] for column in ("reason", *_PLACE)] for row in rejects(folder)
        ]
        assert events.unreadable == list(summary(outcome).unreadable)
        assert events.ignored == summary(outcome).ignored


def _place_in_file(row: dict[Any, Any]) -> list[str]:
    """As rejects.csv has it."""
    *others, position = (str(row[column]) for column in ("reason", *_PLACE))
    item = row.get("item")
    return [*others, position if item is None else f"{position}/{item}"]


@given(shop=shops(), limits=_LIMITS)
@whole_runs(30)
def test_limits_leave_out_what_a_run_leaves_out(
    shop: GeneratedShop, limits: dict[str, Any]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = shop.write(folder / "shop")
        outcome = run_local(written, folder, limits=limits)
        events = EventExtractor(written.data, limits=Limits(**limits))
        tables = DimensionLoader(written.dimensions)
        transformer = DataTransformer(tables.customers(), tables.products())
        said = transformer.transform(events.to_frame())["sales_report"].to_csv(index=False)
        assert said is not None
        assert said.encode() == (latest(folder) / "sales_report.csv").read_bytes()
        assert transformer.counts == summary(outcome).events
        assert events.unreadable == list(summary(outcome).unreadable)


@given(shop=shops(), batch_size=_BATCH_SIZES)
@whole_runs(30)
def test_a_frame_holds_each_event_as_json_reads_it(shop: GeneratedShop, batch_size: int) -> None:
    """By those that were left out, whose text the run publishes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = shop.write(folder / "shop")
        run_local(written, folder)
        frame = EventExtractor(written.data).to_frame().set_index(_PLACE)
        batches = list(EventExtractor(written.data).batches(batch_size))
        assert all(len(batch) == batch_size for batch in batches[:-1])
        assert sum(map(len, batches)) == len(frame)
        text = (latest(folder) / "rejects.csv").read_bytes().decode()
        for row in csv.DictReader(io.StringIO(text, newline="")):
            place = row["archive"], row["day"], row["part"], int(row["position"])
            found = frame.loc[[place]].to_dict("records")
            event = _read(row["event"])
            assert any(_is_same(each, event) for each in found), (place, event)


@given(shop=shops())
@whole_runs(30)
def test_frames_of_dimensions_are_the_snapshot(shop: GeneratedShop) -> None:
    with tempfile.TemporaryDirectory() as name:
        written = shop.write(Path(name) / "shop")
        tables = DimensionLoader(str(written.dimensions))
        frozen = read_dimensions(Places("", "", "", str(written.dimensions), ""), Feed())
        again = snapshot_of(tables.customers(), tables.products())
        assert again.digest == frozen.digest
        nobody = snapshot_of(tables.customers().iloc[:0], tables.products())
        assert (nobody.customers.num_rows, nobody.scale) == (0, frozen.scale)


def _places(rejected: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    columns = ["reason", *_PLACE]
    return rejected[columns].itertuples(index=False, name=None)


def _read(text: str) -> object:
    # Python refuses ints of over 4,300 digits.
    return json.loads(text, parse_int=lambda digits: digits if len(digits) > 4300 else int(digits))


def _is_same(row: dict[Any, Any], event: object) -> bool:
    if not isinstance(event, dict):
        return bool(_read(row["not_an_object"]) == event) if row["not_an_object"] else False
    ours = {*_PLACE, "reason", "not_an_object"}
    for field, value in event.items():
        text = field.encode(errors="backslashreplace").decode()
        is_plain = text == field and field not in ours and not field.startswith("event.")
        found = row[field if is_plain else f"event.{text}"]
        if found != value and str(found) != str(value):
            return False
    return row["not_an_object"] is None
