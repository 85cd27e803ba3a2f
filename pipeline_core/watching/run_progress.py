"""What a run is doing, archive by archive, for those who watch it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from pipeline_core.messages import RunStatus
from pipeline_core.messages.outcome import RunState

Phase = Literal["planning", "processing", "publishing", "stopped", "published", "refused", "failed"]
# In the order in which a person wants to know of them. Retried: an attempt was lost or failed;
# another is under way, or will be.
ArchiveState = Literal[
    "quarantined",
    "retried",
    "running",
    "unreadable",
    "waiting",
    "done",
    "reused",
    "duplicate",
]
ARCHIVE_STATES: tuple[ArchiveState, ...] = get_args(ArchiveState)
# Archives that are shown at once.
MOST_SHOWN = 500


class ArchiveProgress(Struct, frozen=True, kw_only=True):
    """One archive."""

    name: str
    """Its name in the place of data."""
    state: ArchiveState
    """What becomes of it now."""
    size: int
    """Bytes of its file."""
    pieces: int = 1
    """Number of pieces of work that it is; above 1 if its days are shared out."""
    pieces_done: int = 0
    """Number of them that are processed."""
    attempts: int = 0
    """Most attempts that were made at one of them."""
    workers: tuple[str, ...] = ()
    """Processes that have it now, as host:pid."""
    since: datetime | None = None
    """Since when the first of them has it (UTC); null if none has."""
    events: int = 0
    """Events that were read."""
    cause: str = ""
    """What is wrong with it, for people; empty if nothing is."""


class EndedRun(Struct, frozen=True, kw_only=True):
    """How a run ended."""

    run_id: str
    """The run."""
    state: RunState
    """What became of it."""
    status: RunStatus | None
    """Whether it is complete; null if it failed."""
    finished_at: datetime | None
    """When that was decided (UTC); null if it is not known."""
    reason: str = ""
    """Why it was refused or failed, for people; else empty."""
    remedy: str = ""
    """What to do about that; else empty."""


class RunProgress(Struct, frozen=True, kw_only=True):
    """A run at one moment. Rates are at the pace of the archives done so far, with as many
    processes as work now; null while nothing is known."""

    run_id: str
    """The run."""
    phase: Phase
    """What is done with it."""
    status: RunStatus | None = None
    """Whether it is complete; null until it has an outcome, and if it failed."""
    reason: str = ""
    """Why it was refused or failed, for people; else empty."""
    remedy: str = ""
    """What to do about that; else empty."""
    engine: str | None = None
    """What processes the archives: local or celery; null until it is planned."""
    created_at: datetime | None = None
    """When it was planned (UTC); null until it is."""
    looked_at: datetime
    """The moment (UTC)."""
    work_unit: str = "archives"
    """What ``pieces`` counts, for people."""
    pieces: int = 0
    """Number of pieces of work."""
    pieces_done: int = 0
    """Number of them that are processed."""
    events: int = 0
    """Events that were read."""
    events_per_second: float | None = None
    """Events a second."""
    bytes_per_second: float | None = None
    """Uncompressed bytes a second."""
    left_seconds: float | None = None
    """Seconds until all archives are done; null also while nobody works on them."""
    waiting_for: str = ""
    """Why nobody works although archives are left, for people; else empty."""
    workers: tuple[str, ...] = ()
    """Processes that have an archive now and show life, as host:pid."""
    workers_lost: tuple[str, ...] = ()
    """Processes that died at work which nobody has begun again, as host:pid."""
    workers_aside: tuple[str, ...] = ()
    """Workers that can do no work, and why, a sentence each, for people; of a run under way."""
    counts: dict[ArchiveState, int] = {}
    """Number of archives in each state."""
    archives: tuple[ArchiveProgress, ...] = ()
    """The archives, by name; of more than 500, so many: those that are quarantined or retried,
    running, or unreadable, then those that wait, then all others."""
    next_run_at: datetime | None = None
    """When the schedule starts the next run (UTC), where `serve` is asked; null if none is at
    work."""
    missed_run_at: datetime | None = None
    """When the schedule should have started a run that nothing started (UTC), where `serve` is
    asked; null if none is missed."""
    last_ended: EndedRun | None = None
    """How the newest run that has ended did, where `serve` is asked; null if none has."""


class ArchivesPage(Struct, frozen=True, kw_only=True):
    """Some archives of a run, as they were at one moment."""

    run_id: str
    """The run."""
    looked_at: datetime
    """The moment (UTC)."""
    first: int
    """Number of the first of them, by name, from 0."""
    total: int
    """Number of the run's archives."""
    archives: tuple[ArchiveProgress, ...] = ()
    """Up to 500 archives, by name."""
