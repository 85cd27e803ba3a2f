"""Looks at a run, again and again, without writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.fitness.records import unfit_workers
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import is_alive, is_lost
from pipeline_core.messages import ArchiveRef, Attempt, Manifest, Outcome
from pipeline_core.running.lock import is_moving
from pipeline_core.running.lost_work import fate, is_silent, waiting_words
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.watching.archive_states import WorkSeen, archive_of, works_by_archive
from pipeline_core.watching.processed import Processed, processed_by
from pipeline_core.watching.run_progress import (
    ARCHIVE_STATES,
    MOST_SHOWN,
    ArchiveProgress,
    ArchivesPage,
    ArchiveState,
    Phase,
    RunProgress,
)
from pipeline_core.watching.speed import Throughput

# Between two archives nobody has one for a moment.
_MOMENT = timedelta(seconds=3)


class Watch:
    """Looks at a run again and again; what cannot change is read once. Of an archive, no more is
    held than of its work, unless it is shown."""

    def __init__(self, state: Storage, run_id: str) -> None:
        self._ledger = RunLedger(ReadOnlyStorage(state), run_id)
        self._plan: _Plan | None = None
        self._done: dict[str, Processed] = {}
        self._heard_at = datetime.now(UTC)
        self._busy: dict[str, datetime] = {}
        self._seen: WorkSeen | None = None

    def look(self) -> RunProgress:
        """The run now.

        Raises:
            RetryableError: the state storage does not answer.
            DamagedBlock: a part of its plan is damaged.
        """
        now = datetime.now(UTC)
        # Before the outcome, which whoever ends a run writes first.
        is_held = is_moving(self._ledger)
        outcome = self._ledger.outcome()
        if self._plan is None and (manifest := self._ledger.planned()) is not None:
            self._plan = _Plan(manifest)
        if self._plan is None:
            return RunProgress(
                run_id=self._ledger.run_id,
                phase=_phase(outcome, planned=False, ready=False, moving=is_held),
                reason=outcome.reason if outcome else "",
                remedy=outcome.remedy if outcome else "",
                looked_at=now,
            )
        return self._planned(self._plan, outcome, now, is_held=is_held)

    def page(self, first: int) -> ArchivesPage | None:
        """Some archives as they were at the last look, from the one of a number (by name, from 0)
        on; None of a run that is not planned. Raises as ``look`` does."""
        if self._plan is None or self._seen is None:
            return None
        total = self._plan.archives
        return ArchivesPage(
            run_id=self._ledger.run_id,
            looked_at=self._seen.at,
            first=first,
            total=total,
            archives=self._shown(self._plan, self._seen, range(total)[first : first + MOST_SHOWN]),
        )

    def _planned(
        self, plan: _Plan, outcome: Outcome | None, now: datetime, *, is_held: bool
    ) -> RunProgress:
        sizes, manifest = plan.sizes, plan.manifest
        is_heard = self._read_receipts()
        attempts = {  # planning and publishing are attempted, too
            work_id: number
            for work_id, number in self._ledger.attempt_counts().items()
            if plan.has(archive_of(work_id))
        }
        latest = {} if outcome else self._latest(attempts)
        # Of what is published, records of attempts that were the only ones are gone.
        made = {work_id: each.attempt for work_id, each in self._done.items() if each.attempt}
        attempts = made | attempts
        fates = self._fates(manifest, latest, now)
        self._seen = WorkSeen(plan.works, self._done, attempts, latest, fates, now)
        running = {
            work_id: attempt for work_id, attempt in latest.items() if is_alive(attempt, now)
        }
        heard = {work_id: each for work_id, each in running.items() if work_id not in fates}
        if heard or is_heard:
            self._heard_at = now
        done = sizes.keys() & self._done.keys()
        throughput = Throughput(self._done, sizes)
        is_pause = not fates and now - self._heard_at < _MOMENT
        self._note_busy(heard, {latest[work_id].owner for work_id in fates}, now)
        is_left = outcome is None and len(done) < len(sizes)
        processes = max(len(heard), len(self._busy) or int(is_pause)) if is_left else len(heard)
        is_waiting = is_left and not processes
        states = self._states(plan, self._seen)
        unfit = () if outcome else unfit_workers(self._ledger.state, now)
        is_any_fit = not any(each.takes_work for each in unfit)  # one that cannot, as none else can
        return RunProgress(
            run_id=manifest.run_id,
            phase=_phase(
                outcome,
                planned=True,
                ready=len(done) == len(sizes) and not running,
                moving=bool(running) or is_held,
            ),
            status=outcome.status if outcome and outcome.state != "failed" else None,
            reason=outcome.reason if outcome else "",
            remedy=outcome.remedy if outcome else "",
            engine=manifest.engine,
            created_at=manifest.created_at,
            looked_at=now,
            work_unit=plan.work_unit,
            pieces=len(sizes),
            pieces_done=len(done),
            events=sum(each.events for each in self._done.values()),
            events_per_second=throughput.events_per_second(processes),
            bytes_per_second=throughput.bytes_per_second(processes),
            left_seconds=throughput.seconds_left(sizes, done, heard, now, processes),
            waiting_for=waiting_words(fates.values(), is_any_fit=is_any_fit) if is_waiting else "",
            workers=tuple(sorted({attempt.owner for attempt in heard.values()})),
            workers_lost=tuple(
                sorted({each.owner for each in latest.values() if is_lost(each, now)})
            ),
            workers_aside=tuple(f"{each.sentence}." for each in unfit),
            counts=dict(Counter(states)),
            archives=self._shown(plan, self._seen, _chosen(states)),
        )

    def _note_busy(
        self, heard: Mapping[str, Attempt], silent: Collection[str], now: datetime
    ) -> None:
        """Keeps who was at work a moment ago: between two archives a process has none."""
        busy = {each.owner: now for each in heard.values()}
        for owner, at in self._busy.items():
            if now - at < _MOMENT and owner not in silent:
                busy.setdefault(owner, at)
        self._busy = busy

    def _states(self, plan: _Plan, seen: WorkSeen) -> list[ArchiveState]:
        """By the archives' numbers."""
        unplanned = seen.unplanned()
        return [
            seen.state((*plan.works.get(archive_id, ()), *unplanned.get(archive_id, ())))
            for archive_id in map(_id, range(plan.archives))
        ]

    def _shown(
        self, plan: _Plan, seen: WorkSeen, numbers: Iterable[int]
    ) -> tuple[ArchiveProgress, ...]:
        unplanned = seen.unplanned()
        found = []
        for archive in plan.named(numbers):
            works = (*plan.works.get(archive.id, ()), *unplanned.get(archive.id, ()))
            found.append(seen.progress(archive, works))
        return tuple(found)

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
        for gone in self._done.keys() - there:
            del self._done[gone]
        if new := there - self._done.keys():
            for work_id, receipt in self._ledger.each_receipt(sorted(new)):
                self._done[work_id] = processed_by(receipt)
        return bool(new)

    def _latest(self, counts: Mapping[str, int]) -> dict[str, Attempt]:
        left = counts.keys() - self._done.keys()
        found = {each: self._ledger.attempts(each, counts[each]) for each in left}
        return {work_id: attempts[-1] for work_id, attempts in found.items() if attempts}


class _Plan:
    """A manifest, and what is asked of it at each look: ``sizes`` of the work by its id, and the
    ``works`` of each archive by the archive's id."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.archives = len(manifest.archives)
        self.work_unit = manifest.work_unit
        self.sizes = {work.id: size for work, size in manifest.planned_sizes().items()}
        self.works = works_by_archive(sorted(self.sizes))
        self._named: dict[int, ArchiveRef] = {}

    def has(self, archive_id: str) -> bool:
        return archive_id.isdecimal() and int(archive_id) < self.archives

    def named(self, numbers: Iterable[int]) -> Iterable[ArchiveRef]:
        """The archives of some numbers, without their days; those asked for last are held."""
        asked = list(numbers)
        self._named = {
            number: self._named.get(number)
            or msgspec.structs.replace(self.manifest.archives[number], days=())
            for number in asked
        }
        return self._named.values()


def _chosen(states: list[ArchiveState]) -> Iterable[int]:
    """Numbers of the archives that are shown: of many, those of which a person wants to know."""
    if len(states) <= MOST_SHOWN:
        return range(len(states))
    ranks = {state: rank for rank, state in enumerate(ARCHIVE_STATES)}
    return sorted(sorted(range(len(states)), key=lambda each: ranks[states[each]])[:MOST_SHOWN])


def _phase(outcome: Outcome | None, *, planned: bool, ready: bool, moving: bool) -> Phase:
    if outcome is not None:
        return outcome.state
    if not moving:
        return "stopped"
    if not planned:
        return "planning"
    return "publishing" if ready else "processing"


def _id(number: int) -> str:
    return f"{number:05d}"
