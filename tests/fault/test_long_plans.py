"""A plan that takes longer than a worker may: it goes on where it stopped, or says what helps."""

from __future__ import annotations

from tests.support.fleet import Fleet
from tests.support.processes import eventually

LIMITS = {
    "SALES_TASK_SOFT_TIME_LIMIT": "6",
    "SALES_TASK_TIME_LIMIT": "25",
    "SALES_MAX_ATTEMPTS": "2",
}


def test_a_plan_goes_on_where_its_time_was_up(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.plan_fault("look", "sleep 1.5")  # twelve seconds for all
    ships.worker(concurrency=1, **LIMITS)
    ships.send("workers.start_run", slot=ships.slot())
    eventually(lambda: ships.run_ids() and ships.ledger().outcome(), "the end of the run", 120)
    assert ships.csvs() == expected
    tried = ships.ledger().attempts("plan")
    assert len(tried) > 2
    assert [each.state for each in tried] == ["failed"] * (len(tried) - 1) + ["done"]
    assert not any(each.culpable for each in tried)
    assert "There was not enough time to plan the run" in tried[0].cause
    assert not list(ships.folder.glob("state/kept/surveyed/*")), "nothing stays of it"


def test_a_plan_that_gets_no_further_ends_and_says_what_helps(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.plan_fault("look", "sleep 60")
    ships.worker(concurrency=1, **LIMITS | {"SALES_TASK_SOFT_TIME_LIMIT": "3"})
    ships.send("workers.start_run", slot=ships.slot())
    eventually(lambda: ships.run_ids() and ships.ledger().outcome(), "the end of the run", 120)
    outcome = ships.ledger().outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert "2 attempts to plan the run failed" in outcome.reason
    assert "not enough time" in outcome.reason
    assert "resume" not in outcome.remedy
    assert "`sales-pipeline run`" in outcome.remedy
    ships.lift_fault("look")
    done = ships.run()  # what the remedy says
    assert done.returncode == 0, done.stderr
    assert ships.csvs() == expected
