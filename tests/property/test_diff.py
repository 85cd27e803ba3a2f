"""Whatever happens between two runs: the causes add up to the difference of their reports."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Limits
from pipeline_core.storage import open_storage
from tests.contract.publication.test_changes import check_changes
from tests.property.test_reuse import MUTATIONS, add_archive
from tests.support.archives import write_shop
from tests.support.differences import diff
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, week

STEPS = 25


@pytest.mark.parametrize("seed", range(4))
def test_causes_add_up_after_any_steps(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    archives = {f"week_{n}.zip": week(2 * n + 1, 2 * n + 2) for n in range(4)}
    runs = Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "runs")
    runs.run()
    for _ in range(STEPS):
        for _ in range(chance.randint(1, 3)):
            chance.choice(MUTATIONS)(runs, chance)
        if not any(runs.shop.data.iterdir()):
            add_archive(runs, chance)
        runs.run(
            unknown=chance.choice(["reject", "reject", "bucket"]),
            limits=chance.choice([Limits(), Limits(), Limits(event_bytes=110)]),
        )
        diff(runs)
        changes = RunLedger(open_storage(str(runs.folder / "state")), runs.last().name).changes()
        assert changes is not None
        check_changes(changes)
    diff(runs, "run-001")
