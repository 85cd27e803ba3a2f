"""A run that is made only if there is something new."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pipeline_core.ledger import RunLedger, last_publication
from pipeline_core.logs import get_logger
from pipeline_core.messages import Outcome
from pipeline_core.planning.unchanged import unchanged_run
from pipeline_core.retry import call_with_retries
from pipeline_core.running.looks import last_look, note_look
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage

log = get_logger()


def standing_run(
    settings: Settings, ledger: RunLedger, as_of: date | None = None
) -> Outcome | None:
    """How the published run ended that stands, if the run of ``ledger`` is to be made only if
    something is new, and nothing is; None if the run is to be made. That somebody looked is on
    record; of the run of ``ledger`` nothing is.

    A run of a time past, and one that reads everything, is made in any case.

    Raises:
        PipelineError: as ``plan`` does.
    """
    if not settings.if_changed or settings.full or as_of is not None:
        return None
    order = settings.order(ledger.run_id, settings.chosen_engine(), lambda: 1)
    found = call_with_retries(lambda: unchanged_run(order))
    if found is not None:
        note_look(ledger.state, found.run_id, datetime.now(UTC))
        log.info("nothing_new", since_run=found.run_id)
    return found


def fresh_at(state: Storage) -> datetime | None:
    """When the newest report was published, or found to have nothing new beside it since; None if
    nothing is published."""
    published_at, look = last_publication(state), last_look(state)
    if published_at is None or look is None:
        return published_at
    return max(published_at, look.at)
