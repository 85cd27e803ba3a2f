"""Whatever happens between two runs: the causes add up to the difference of their reports."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Limits
from pipeline_core.storage import open_storage
from tests.contract.publication.test_changes import check_changes
from tests.property.test_reuse import a_world
from tests.support.differences import diff
from tests.support.whole_runs import seeds

STEPS = 25


@pytest.mark.parametrize("seed", seeds(4))
def test_causes_add_up_after_any_steps(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    world = a_world(tmp_path, chance, dated=False)
    runs = world.runs
    runs.run()
    for _ in range(STEPS):
        for _ in range(chance.randint(1, 3)):
            world.step()
        runs.run(
            unknown=chance.choice(["reject", "reject", "bucket"]),
            returns=chance.choice(["reject", "reject", "net", "separate"]),
            limits=chance.choice([Limits(), Limits(), Limits(event_bytes=110)]),
        )
        diff(runs)
        changes = RunLedger(open_storage(str(runs.folder / "state")), runs.last().name).changes()
        assert changes is not None
        check_changes(changes)
    diff(runs, "run-001")
