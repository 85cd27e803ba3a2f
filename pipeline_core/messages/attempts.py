"""Who tried what, and what was sent to workers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.messages.work import Work


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at a piece of work. A running attempt past its ``expires_at`` is lost, most likely
    with its process."""

    number: int
    """Of the attempts at this work, from 1."""
    owner: str
    """The process that makes it, as host:pid."""
    host: str = ""
    """Mark of the host it is made on, which no other of that name has; empty if an earlier version
    made it."""
    task_id: str | None
    """Celery's id of the task; None in a local run."""
    retries: int
    """Celery's count of the task's retries."""
    started_at: datetime
    """When it began (UTC)."""
    expires_at: datetime
    """Until when it is taken for alive (UTC); whoever makes it keeps moving this on."""
    state: Literal["running", "done", "handed_back", "failed"] = "running"
    """What became of it; handed back is one whose process was asked to stop, or can do no
    work."""
    culpable: bool = False
    """Whether the work itself ended it, by memory or time: it counts as one of the tries."""
    cause: str = ""
    """What it failed of, for people; empty if it did not."""


class Dispatch(Struct, frozen=True, kw_only=True):
    """Work that was sent to workers together."""

    number: int
    """Of the run's dispatches, from 1."""
    sent_at: datetime
    """When it was written, just before the messages (UTC)."""
    sent_by: str
    """The process that sent it, as host:pid."""
    work: tuple[Work, ...]
    """What was sent; nothing if only the run's end was missing."""
    why: str = ""
    """What had happened, for people; empty of the first one."""
