"""What a run is doing, archive by archive, for those who watch it. Nothing is written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from pipeline_core.fitness.records import workers_aside
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import is_alive, is_lost
from pipeline_core.messages import ArchiveRef, Attempt, Manifest, Outcome, Receipt, RunStatus
from pipeline_core.messages.outcome import RunState
from pipeline_core.running.lock import is_moving
from pipeline_core.running.lost_work import fate, is_silent, waiting_words
from pipeline_core.running.speed import Throughput, is_reused
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage

Phase = Literal["planning", "processing", "publishing", "stopped", "published", "refused", "failed"]
# retried: an attempt was lost or failed; another is under way, or will be.
ArchiveState = Literal[
    "waiting",
    "running",
    "retried",
    "done",
    "reused",
    "duplicate",
    "unreadable",
    "quarantined",
]


_CAUSES_TOLD = 5
# Between two archives nobody has one for a moment.
_MOMENT = timedelta(seconds=3)


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
    status: RunStatus
    """Whether it is complete."""
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
    """Whether it is complete; null until it has an outcome."""
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
    workers_aside: tuple[str, ...] = ()
    """Workers that take no work because they could do none, and why, a sentence each, for people;
    of a run under way."""
    counts: dict[ArchiveState, int] = {}
    """Number of archives in each state."""
    archives: tuple[ArchiveProgress, ...] = ()
    """The archives, by name."""
    next_run_at: datetime | None = None
    """When the schedule starts the next run (UTC), where `serve` is asked; null if none is at
    work."""
    last_ended: EndedRun | None = None
    """How the newest run that has ended did, where `serve` is asked; null if none has."""


class Watch:
    """Looks at a run again and again; what cannot change is read once."""

    def __init__(self, state: Storage, run_id: str) -> None:
        self._ledger = RunLedger(ReadOnlyStorage(state), run_id)
        self._manifest: Manifest | None = None
        self._receipts: dict[str, Receipt] = {}
        self._heard_at = datetime.now(UTC)

    def look(self) -> RunProgress:
        """The run now.

        Raises:
            RetryableError: the state storage does not answer.
        """
        now = datetime.now(UTC)
        outcome = self._ledger.outcome()
        self._manifest = self._manifest or self._ledger.planned()
        if self._manifest is None:
            return RunProgress(
                run_id=self._ledger.run_id,
                phase=_phase(outcome, planned=False, ready=False, moving=is_moving(self._ledger)),
                reason=outcome.reason if outcome else "",
                remedy=outcome.remedy if outcome else "",
                looked_at=now,
            )
        return self._planned(self._manifest, outcome, now)

    def _planned(self, manifest: Manifest, outcome: Outcome | None, now: datetime) -> RunProgress:
        sizes = {work.id: size for work, size in manifest.planned_sizes().items()}
        is_heard = self._read_receipts()
        ids = {archive.id for archive in manifest.archives}
        attempts = {  # planning and publishing are attempted, too
            work_id: number
            for work_id, number in self._ledger.attempt_counts().items()
            if work_id.partition("-")[0] in ids
        }
        pieces = _pieces_by_archive((*sizes, *self._receipts, *attempts))
        latest = {} if outcome else self._latest(attempts.keys() - self._receipts.keys())
        fates = self._fates(manifest, latest, now)
        archives = tuple(
            _archive(each, pieces[each.id], self._receipts, attempts, latest, fates, now)
            for each in manifest.archives
        )
        running = {
            work_id: attempt for work_id, attempt in latest.items() if is_alive(attempt, now)
        }
        heard = {work_id: each for work_id, each in running.items() if work_id not in fates}
        if heard or is_heard:
            self._heard_at = now
        done = sizes.keys() & self._receipts.keys()
        throughput = Throughput(self._receipts, sizes)
        is_pause = not fates and now - self._heard_at < _MOMENT
        processes = len(heard) or int(is_pause and len(done) < len(sizes))
        is_waiting = outcome is None and not processes and len(done) < len(sizes)
        return RunProgress(
            run_id=manifest.run_id,
            phase=_phase(
                outcome,
                planned=True,
                ready=len(done) == len(sizes) and not running,
                moving=bool(running) or is_moving(self._ledger),
            ),
            status=outcome.status if outcome else None,
            reason=outcome.reason if outcome else "",
            remedy=outcome.remedy if outcome else "",
            engine=manifest.engine,
            created_at=manifest.created_at,
            looked_at=now,
            work_unit=manifest.work_unit,
            pieces=len(sizes),
            pieces_done=len(done),
            events=sum(each.counts.seen for each in self._receipts.values()),
            events_per_second=throughput.events_per_second(processes),
            bytes_per_second=throughput.bytes_per_second(processes),
            left_seconds=throughput.seconds_left(sizes, done, heard, now, processes),
            waiting_for=waiting_words(fates.values()) if is_waiting else "",
            workers=tuple(sorted({attempt.owner for attempt in heard.values()})),
            workers_aside=() if outcome else workers_aside(self._ledger.state, now),
            counts=dict(Counter(each.state for each in archives)),
            archives=archives,
        )

    def _fates(
        self, manifest: Manifest, latest: dict[str, Attempt], now: datetime
    ) -> dict[str, str]:
        """What becomes of work whose worker is silent or lost, in words, by the work's id."""
        lease = manifest.policy.lease
        lost = [work_id for work_id, each in latest.items() if is_lost(each, now)]
        sent = self._ledger.dispatches() if lost else ()
        return {
            work_id: fate(each, lease, sent, now)
            for work_id, each in latest.items()
            if work_id in lost or is_silent(each, lease, now)
        }

    def _read_receipts(self) -> bool:
        """Whether there is a new one. One that turns out to be damaged is discarded by those who
        work, and made again."""
        there = self._ledger.receipt_ids()
        for gone in self._receipts.keys() - there:
            del self._receipts[gone]
        if new := there - self._receipts.keys():
            self._receipts |= self._ledger.receipts_of(new)
        return bool(new)

    def _latest(self, work_ids: Iterable[str]) -> dict[str, Attempt]:
        found = {work_id: self._ledger.attempts(work_id) for work_id in work_ids}
        return {work_id: attempts[-1] for work_id, attempts in found.items() if attempts}


def _phase(outcome: Outcome | None, *, planned: bool, ready: bool, moving: bool) -> Phase:
    if outcome is not None:
        return outcome.state
    if not moving:
        return "stopped"
    if not planned:
        return "planning"
    return "publishing" if ready else "processing"


def _pieces_by_archive(work_ids: Iterable[str]) -> dict[str, list[str]]:
    """Ids of work by the archive's id, which they begin with."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for work_id in dict.fromkeys(work_ids):
        found[work_id.partition("-")[0]].append(work_id)
    return found


def _archive(
    archive: ArchiveRef,
    pieces: list[str],
    receipts: dict[str, Receipt],
    attempts: dict[str, int],
    latest: dict[str, Attempt],
    fates: dict[str, str],
    now: datetime,
) -> ArchiveProgress:
    done = [receipts[each] for each in pieces if each in receipts]
    running = [latest[each] for each in pieces if each in latest and is_alive(latest[each], now)]
    ended = {
        each: f"{latest[each].owner}: {latest[each].cause}"
        for each in pieces
        if each in latest and (latest[each].state == "failed" or is_lost(latest[each], now))
    }
    again = bool(ended) or any(attempt.number > 1 for attempt in running)
    told = ended | {each: fates[each] for each in pieces if each in fates}
    return ArchiveProgress(
        name=archive.name,
        state=_state(done, is_running=bool(running), again=again, pieces=len(pieces)),
        size=archive.size,
        pieces=max(len(pieces), 1),
        pieces_done=len(done),
        attempts=max((attempts.get(each, 0) for each in pieces), default=0),
        workers=tuple(sorted(attempt.owner for attempt in running)),
        since=min((attempt.started_at for attempt in running), default=None),
        events=sum(receipt.counts.seen for receipt in done),
        cause=_cause(archive, done, told.values()),
    )


def _state(done: list[Receipt], *, is_running: bool, again: bool, pieces: int) -> ArchiveState:
    """A copy of another archive has no pieces, unless that one could not be read."""
    if any(receipt.quarantined for receipt in done):
        return "quarantined"
    if again:
        return "retried"
    if is_running or 0 < len(done) < pieces:
        return "running"
    if not done:
        return "waiting" if pieces else "duplicate"
    if any(place.day is None for receipt in done for place in receipt.unreadable):
        return "unreadable"
    return "reused" if is_reused(done) else "done"


def _cause(archive: ArchiveRef, done: list[Receipt], troubles: Iterable[str]) -> str:
    if archive.duplicate_of is not None:
        return f"same as {archive.duplicate_of}"
    causes = [place.cause for receipt in done for place in receipt.unreadable]
    causes += troubles
    told = list(dict.fromkeys(causes))
    more = [f"and {len(told) - _CAUSES_TOLD} more"] if len(told) > _CAUSES_TOLD else []
    return "; ".join([*told[:_CAUSES_TOLD], *more])
