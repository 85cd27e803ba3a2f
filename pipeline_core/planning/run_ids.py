"""Ids of runs, which sort by the time of planning."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

from pipeline_core.ledger import is_vouched_run, run_ids
from pipeline_core.logs import get_logger
from pipeline_core.storage import Storage

log = get_logger()

_RUN_TIME = "%Y%m%dT%H%M%S%fZ"
# A clock that forgot the time says 1970; one that says more than this is none.
_FARTHEST_AHEAD = timedelta(days=36525)
_RUN_ID = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{6}", re.ASCII)


def new_run_id(now: datetime, state: Storage | None = None) -> str:
    """Sorts by time of planning, and differs for two runs planned in one second.

    It sorts behind every run of ``state``, also if the clock was ahead when that was planned:
    the newest run by id is the one that `latest` shows. What no clock shows, and what the state
    does not vouch for, is none of its runs.
    """
    known = [] if state is None else run_ids(state)
    for run_id in reversed(known):
        if not _RUN_ID.fullmatch(run_id):
            continue
        if state is None or run_id <= f"{now:{_RUN_TIME}}":
            break
        planned_at = _planned_at(run_id)
        if planned_at is None or planned_at - now > _FARTHEST_AHEAD:
            log.warning("run_of_no_clock_ignored", run_id=run_id, state=state.uri)
        elif is_vouched_run(state, run_id):
            now = planned_at + timedelta(microseconds=1)
            break
    return f"{now:{_RUN_TIME}}-{secrets.token_hex(3)}"


def _planned_at(run_id: str) -> datetime | None:
    """By its name; None if there is no such time."""
    try:
        return datetime.strptime(run_id.partition("-")[0], _RUN_TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
