"""The run of which a command tells where none is named."""

from __future__ import annotations

from pipeline_core.ledger import RunLedger, newest_runs, nothing_yet, open_state
from pipeline_core.settings import Settings


def ledger_of(settings: Settings, run_id: str | None) -> RunLedger:
    """The ledger of the run, or of the newest if it is None.

    Raises:
        ConfigError: there is no run yet.
        RetryableError: the state storage does not answer.
    """
    state = open_state(settings.state)
    if run_id is None:
        run_id = next(newest_runs(state), None)
        if run_id is None:
            raise nothing_yet(settings.state, f"There is no run in {state.uri} yet.")
    return RunLedger(state, run_id)
