"""The run of which a command tells where none is named."""

from __future__ import annotations

from console.display.terminal import note
from pipeline_core.ledger import RunLedger, newest_runs, nothing_yet, read_state
from pipeline_core.settings import Settings


def ledger_of(settings: Settings, run_id: str | None) -> RunLedger:
    """The ledger of the run, or of the newest if it is None.

    Raises:
        ConfigError: there is no run yet.
        RetryableError: the state storage does not answer.
    """
    state = read_state(settings.state)
    if run_id is None:
        run_id = next(newest_runs(state), None)
        if run_id is None:
            raise nothing_yet(settings.state, f"There is no run in {state.uri} yet.")
    return RunLedger(state, run_id)


def planned_ledger_of(settings: Settings, run_id: str | None) -> RunLedger:
    """As ``ledger_of``, but runs that failed before they were planned are no newest, unless there
    is no other: a note says so."""
    newest = ledger_of(settings, run_id)
    if run_id is None and _failed_unplanned(newest):
        for each in newest_runs(newest.state):
            ledger = RunLedger(newest.state, each)
            if not _failed_unplanned(ledger):
                note(
                    f"Run {newest.run_id} failed before it was planned; this is of {ledger.run_id}."
                )
                return ledger
    return newest


def _failed_unplanned(ledger: RunLedger) -> bool:
    outcome = ledger.outcome()
    has_failed = outcome is not None and outcome.state == "failed"
    return has_failed and ledger.planned() is None and not ledger.has_lost_plan()
