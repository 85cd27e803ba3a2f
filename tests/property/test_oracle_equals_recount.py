"""The two second computations, which share nothing, say the same of any shop's feed."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pipeline_core.messages import Options, ReturnsMode, UnknownMode
from pipeline_core.verify.counts import Lost
from pipeline_core.verify.recount import Recount
from pipeline_core.verify.tables import tables
from tests.support.feed_strategies import GeneratedFeed, feeds
from tests.support.oracle import OracleResult, compute
from tests.support.recounted import feed_of, recounted
from tests.support.strategies import RETURNS
from tests.support.whole_runs import whole_runs


def _check(expected: OracleResult, recount: Recount, scale: int, returns: ReturnsMode) -> None:
    count = recount.total
    found = tables(count, scale, returns)
    for published, rows in (
        (expected.sales_report, found.sales),
        (expected.daily_sales, found.daily),
        (expected.returns, found.returns),
    ):
        read = list(csv.reader(io.StringIO(published.decode(), newline="")))[1:]
        assert rows is None or read == [list(row) for row in rows]
    assert sorted(tuple(place) for place in expected.unreadable) == sorted(
        tuple(name or "" for name in place) for place in count.unreadable
    )
    assert [(*each[:4], str(each.position)) for each in expected.rejects] == [
        tuple(each) for each in count.rejects
    ]
    summary = expected.summary
    assert summary["events"] == {
        "seen": count.seen,
        "counted": count.counted,
        "not_purchase": count.not_purchase,
        "rejected": sum(lost.events for lost in count.rejected.values()),
    }
    assert summary["ignored"] == count.ignored
    assert summary["archives"] == {
        "read": recount.read,
        "duplicate": recount.duplicate,
        "unreadable": recount.broken,
    }
    assert summary["days"]["read"] == count.days_read
    assert summary["days"]["duplicate"] == count.days_duplicate
    assert summary["parts"]["read"] == count.parts_read
    assert count.rejected.keys() == summary["rejected"].keys()
    for reason, said in summary["rejected"].items():
        _check_lost(count.rejected[reason], said, scale)


def _check_lost(lost: Lost, said: dict[str, Any], scale: int) -> None:
    counts = lost.events, lost.unknown_units, lost.unknown_revenue
    assert counts == (said["events"], said["unknown_units"], said["unknown_revenue"])
    assert lost.units == (said["units"] or 0)
    assert said["revenue"] is None or f"{lost.revenue:.{scale}f}" == said["revenue"]
    assert (lost.returns is None) == (said["returns"] is None)
    if lost.returns is not None:
        _check_lost(lost.returns, said["returns"], scale)


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(generated=feeds(), returns=RETURNS)
@whole_runs(100)
def test_oracle_equals_recount(
    unknown: UnknownMode, generated: GeneratedFeed, returns: ReturnsMode
) -> None:
    with tempfile.TemporaryDirectory() as name:
        written = generated.shop.write(Path(name) / "shop")
        expected = compute(
            written.data,
            written.dimensions,
            unknown=unknown,
            returns=returns,
            feed=generated.settings,
        )
        options = Options(unknown=unknown, returns=returns, feed=feed_of(generated.settings))
        _check(expected, *recounted(written.data, written.dimensions, options), returns)
