"""What is told of reports that were removed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline_core.load.removed_reports import RemovedReport


@pytest.mark.parametrize(
    ("kept", "told"),
    [(1, "only the newest is kept"), (2, "only the newest 2 are kept")],
)
def test_how_many_are_kept_is_told_of_one_as_of_one(kept: int, told: str) -> None:
    removed = RemovedReport(run_id="r1", removed_at=datetime(2024, 3, 1, tzinfo=UTC), kept=kept)
    assert f"on 2024-03-01: {told} (SALES_KEEP_REPORTS)." in removed.words
