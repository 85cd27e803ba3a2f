"""Any shop's feed: the run, the slow and obvious computation and verify say the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.messages import ReturnsMode, UnknownMode
from tests.property.test_pipeline_equals_oracle import BATCH_SIZES, PROCESSES, check
from tests.support.feed_strategies import GeneratedFeed, feeds
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.run import latest, run_local
from tests.support.strategies import RETURNS
from tests.support.verified import assert_agrees
from tests.support.whole_runs import whole_runs

pytestmark = pytest.mark.usefixtures("paths_taken_as_set")

LIMITS_OF_A_PART = st.fixed_dictionaries(
    {},
    optional={
        "part_bytes": st.integers(2, 1500),
        "event_bytes": st.integers(20, 600),
        "json_depth": st.integers(2, 8),
        "zip_entries": st.integers(1, 6),
    },
)


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(generated=feeds(), returns=RETURNS, batch_size=BATCH_SIZES, processes=PROCESSES)
@whole_runs(80)
def test_any_feed_is_read_as_the_oracle_reads_it(
    unknown: UnknownMode,
    generated: GeneratedFeed,
    returns: ReturnsMode,
    batch_size: int,
    processes: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = generated.shop.write(folder / "shop")
        outcome = run_local(
            written,
            folder,
            feed=feed_of(generated.settings),
            unknown=unknown,
            returns=returns,
            batch_size=batch_size,
            processes=processes,
        )
        expected = compute(
            written.data,
            written.dimensions,
            unknown=unknown,
            returns=returns,
            feed=generated.settings,
        )
        check(expected, outcome, latest(folder))
        assert_agrees(folder, outcome)


@given(generated=feeds(), limits=LIMITS_OF_A_PART)
@whole_runs(80)
def test_verify_agrees_on_what_any_feed_may_cost(
    generated: GeneratedFeed, limits: dict[str, int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = generated.shop.write(folder / "shop")
        feed = feed_of(generated.settings)
        assert_agrees(folder, run_local(written, folder, feed=feed, limits=limits))
