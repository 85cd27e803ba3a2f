"""What becomes of each archive of a run, by what is done of its work and who is at it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline_core.ledger.attempts import is_alive, is_lost
from pipeline_core.messages import ArchiveRef, Attempt
from pipeline_core.watching.processed import Processed, is_reused
from pipeline_core.watching.run_progress import ArchiveProgress, ArchiveState

_CAUSES_TOLD = 5


@dataclass(frozen=True)
class WorkSeen:
    """The work of a run at one moment, by its id: what is ``done``, how often each was attempted,
    the newest attempt at what is not done, and the ``fates`` of that whose worker is silent or
    lost. ``planned`` is the work of each archive, by the archive's id."""

    planned: Mapping[str, Sequence[str]]
    done: Mapping[str, Processed]
    attempts: Mapping[str, int]
    latest: Mapping[str, Attempt]
    fates: Mapping[str, str]
    at: datetime

    def unplanned(self) -> dict[str, list[str]]:
        """The work that takes the place of other: of whole archives, and of copies."""
        return works_by_archive(
            each
            for each in dict.fromkeys((*self.done, *self.attempts))
            if each not in self.planned.get(archive_of(each), ())
        )

    def state(self, works: Sequence[str]) -> ArchiveState:
        """Of an archive of these works. A copy of another archive has none, unless that one could
        not be read."""
        done = [self.done[each] for each in works if each in self.done]
        if any(each.is_quarantined for each in done):
            return "quarantined"
        latest = [self.latest[each] for each in works if each in self.latest]
        running = [each for each in latest if is_alive(each, self.at)]
        if any(map(self._is_over, latest)) or any(each.number > 1 for each in running):
            return "retried"
        if running or 0 < len(done) < len(works):
            return "running"
        if not done:
            return "waiting" if works else "duplicate"
        if any(each.is_unreadable for each in done):
            return "unreadable"
        return "reused" if is_reused(done) else "done"

    def progress(self, archive: ArchiveRef, works: Sequence[str]) -> ArchiveProgress:
        """The archive of these works."""
        done = [self.done[each] for each in works if each in self.done]
        latest = {each: self.latest[each] for each in works if each in self.latest}
        running = [attempt for attempt in latest.values() if is_alive(attempt, self.at)]
        told = {
            each: f"{attempt.owner}: {attempt.cause}"
            for each, attempt in latest.items()
            if self._is_over(attempt)
        }
        told |= {each: self.fates[each] for each in works if each in self.fates}
        return ArchiveProgress(
            name=archive.name,
            state=self.state(works),
            size=archive.size,
            pieces=max(len(works), 1),
            pieces_done=len(done),
            attempts=max((self.attempts.get(each, 0) for each in works), default=0),
            workers=tuple(sorted(attempt.owner for attempt in running)),
            since=min((attempt.started_at for attempt in running), default=None),
            events=sum(each.events for each in done),
            cause=_cause(archive, done, told.values()),
        )

    def _is_over(self, attempt: Attempt) -> bool:
        return attempt.state == "failed" or is_lost(attempt, self.at)


def archive_of(work_id: str) -> str:
    """The archive's id, which that of its work begins with."""
    return work_id.partition("-")[0]


def works_by_archive(work_ids: Iterable[str]) -> dict[str, list[str]]:
    """Ids of work by the archive's id."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for work_id in work_ids:
        found[archive_of(work_id)].append(work_id)
    return found


def _cause(archive: ArchiveRef, done: Iterable[Processed], troubles: Iterable[str]) -> str:
    if archive.duplicate_of is not None:
        return f"same as {archive.duplicate_of}"
    causes = [cause for each in done for cause in each.causes]
    causes += troubles
    told = list(dict.fromkeys(causes))
    more = [f"and {len(told) - _CAUSES_TOLD} more"] if len(told) > _CAUSES_TOLD else []
    return "; ".join([*told[:_CAUSES_TOLD], *more])
