"""Verifies what `run_local` published, in this process."""

from __future__ import annotations

from pathlib import Path

from pipeline_core.messages import Outcome
from pipeline_core.verify import Difference, Verification, verify


def verified(folder: Path, outcome: Outcome) -> Verification:
    return verify(str(folder / "state"), outcome.run_id)


def assert_agrees(folder: Path, outcome: Outcome) -> Verification:
    assert outcome.state == "published"
    found = verified(folder, outcome)
    assert found.difference is None, found.difference
    assert found.agrees
    assert outcome.summary is not None
    assert found.events == outcome.summary.events.seen
    return found


def difference(folder: Path, outcome: Outcome) -> Difference:
    found = verified(folder, outcome)
    assert not found.agrees
    assert found.difference is not None
    return found.difference
