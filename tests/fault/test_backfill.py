"""A backfill that is killed again and again ends with the runs of an undisturbed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger, run_ids
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.fleet import kill_tree
from tests.support.processes import eventually, local_environment, sales_pipeline
from tests.support.starting import started
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, week

DAYS = range(2, 6)
RANGE = ["--from", "2024-01-02", "--to", "2024-01-05"]
# So many files of so many runs are there when the command is killed.
MOMENTS = [("manifest.json", 1), ("receipts/*.result", 3), ("outcome.json", 2)]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    archives = {"week_0.zip": week(1, 2, 3), "week_1.zip": week(4, 5, 6)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    return local_environment(shop, tmp_path)


def test_a_backfill_that_is_killed_and_repeated(env: dict[str, str], tmp_path: Path) -> None:
    runs = tmp_path / "state" / "runs"
    for pattern, count in MOMENTS:
        arguments = ("backfill", *RANGE, "--quiet")
        command = started("console.command", *arguments, env=env, start_new_session=True)
        eventually(
            lambda p=pattern, c=count: len(list(runs.glob(f"*/{p}"))) >= c,  # type: ignore[misc]
            pattern,
        )
        kill_tree(command)
        command.wait()
    done = sales_pipeline("backfill", *RANGE, "--json", env=env)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [each["as_of"] for each in told] == [f"2024-01-{n:02}" for n in reversed(DAYS)]
    assert {each["state"] for each in told} == {"published"}
    assert not all(each["is_made"] for each in told), "what was published stays"
    _check_against_single_runs(told, tmp_path)
    state = open_storage(env["SALES_STATE"])
    planned = [each for each in run_ids(state) if RunLedger(state, each).planned() is not None]
    assert sorted(planned) == sorted(each["run_id"] for each in told), "none was begun twice"
    assert not (tmp_path / "reports" / "latest").exists()


def _check_against_single_runs(told: list[dict[str, str]], folder: Path) -> None:
    for each in told:
        number = int(each["as_of"][-2:])
        archives = {
            f"week_{n}.zip": week(*days)
            for n, days in enumerate(([d for d in (1, 2, 3) if d <= number], range(4, number + 1)))
            if days
        }
        single = folder / f"single-{number}"
        runs = Runs(write_shop(single / "shop", archives, CUSTOMERS, PRODUCTS), single)
        runs.run()
        expected, found = runs.last(), folder / "reports" / "runs" / each["run_id"]
        names = sorted(path.relative_to(expected) for path in expected.rglob("*.csv"))
        assert names == sorted(path.relative_to(found) for path in found.rglob("*.csv"))
        for name in names:
            assert (found / name).read_bytes() == (expected / name).read_bytes(), (number, name)
