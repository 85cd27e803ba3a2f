"""A time on the schedule that nobody took up."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline_core.ledger import slots
from pipeline_core.running.schedule import Slot, last_slot, name_of
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage

# Within which beat's message, or that of the reconciler, is taken by a worker that is there.
_GRACE = timedelta(minutes=5)


def missed_slot(settings: Settings, state: Storage, now: datetime) -> Slot | None:
    """The newest time on the schedule at which a run should have begun minutes before ``now``
    (aware), if none did then or since; None also where nobody was seen to work by the schedule.
    Raises RetryableError."""
    since = slots.in_force_since(state, name_of(settings))
    if since is None:
        return None
    due = last_slot(settings.schedule, settings.timezone, now - _GRACE)
    newest = last_slot(settings.schedule, settings.timezone, now)
    if due.due <= datetime.fromisoformat(since):
        return None
    is_taken = any(slots.run_of(state, each.name) is not None for each in (due, newest))
    return None if is_taken else due
