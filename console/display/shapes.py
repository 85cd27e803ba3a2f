"""What ``--json`` prints, as far as no other module has a struct for it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from pipeline_core.messages import RunState, RunStatus

PlannedState = Literal["new", "changed", "unchanged", "duplicate", "unreadable"]


class PlannedArchive(Struct, frozen=True, kw_only=True):
    """An archive as a run would take it; ``cause`` says why it cannot be read."""

    name: str
    state: PlannedState
    bytes: int
    days: int
    duplicate_days: list[str]
    duplicate_of: str | None
    cause: str | None


class Planned(Struct, frozen=True, kw_only=True):
    """What a run would read. ``vanished`` archives counted in the last run;
    ``expected_seconds`` is null if no earlier run read anything; ``ignored`` are files beside the
    archives, and entries of archives that are no days, by their ending; ``missing_days`` are the
    last of ``missing_days_total``."""

    archives: list[PlannedArchive]
    vanished: list[str]
    bytes_to_read: int
    expected_seconds: float | None
    conflicting_days: tuple[str, ...]
    missing_days: tuple[date, ...]
    missing_days_total: int
    ignored: dict[str, int]


class ListedRun(Struct, frozen=True, kw_only=True):
    """A run in the history; figures are null if it has none. ``as_of`` is the last date of a
    report of a time past."""

    run_id: str
    state: RunState | Literal["unfinished"]
    status: RunStatus | None
    total_revenue: str | None
    events: int | None
    rejected: int | None
    seconds: float | None
    as_of: date | None
    reason: str | None


class UnfinishedRun(Struct, frozen=True):
    """A run that has no figures, and how many pieces of its work are processed."""

    run_id: str
    state: RunState | Literal["unfinished"]
    reason: str
    processed: int


class ListedReject(Struct, frozen=True, omit_defaults=True):
    """An event that was left out, and its place; ``is_cut``, which is there if true,
    says that this is the beginning of it."""

    reason: str
    archive: str
    day: str
    part: str
    position: int
    event: str
    is_cut: bool = False


class Backfilled(Struct, frozen=True, kw_only=True):
    """The run of one date; ``is_made`` unless it was there. ``total_revenue`` is null if it
    failed."""

    as_of: date
    run_id: str
    is_made: bool
    state: RunState
    status: RunStatus
    total_revenue: str | None


class Collected(Struct, frozen=True):
    """What ``gc`` removed, or would remove."""

    extracts: int
    merged: int
    results: int
    bytes: int
    dry_run: bool
