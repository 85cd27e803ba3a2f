"""Days that count in one run and not in the other, and why. Digests decide what is the same day,
so a day that counts elsewhere now, or in an archive of another name, has not changed. One of which
other events were sent before has: of it, other events count; and so has one of another date, on
which other prices may be valid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from pipeline_core.containers.entry_names import day_date, is_dated_up_to
from pipeline_core.diff.causes import CauseKind
from pipeline_core.diff.published_runs import PublishedRun
from pipeline_core.messages import Feed, Limits
from pipeline_core.processing.recount import CountedDay


class Origin(NamedTuple):
    """Why a day counts in one run only; an archive, or a day of it."""

    kind: CauseKind
    archive: str = ""
    day: str = ""


@dataclass(frozen=True)
class ComparedDays:
    """``stayed`` are the second run's, of which both counted the same events, ``recounted`` those
    of them that it did not take over as the first one left them; those that ``went`` are the
    first's, those that ``came`` the second's."""

    stayed: list[CountedDay]
    recounted: list[CountedDay]
    went: list[tuple[Origin, CountedDay]]
    came: list[tuple[Origin, CountedDay]]


def compare_days(before: PublishedRun, after: PublishedRun) -> ComparedDays:
    """Raises ConfigError if one of the runs is not processed any more."""
    had, has = before.days(), after.days()
    redated = _redated(had, has)
    is_same_reading = _reading(before) == _reading(after)
    waiting: dict[tuple[str, bytes], list[CountedDay]] = defaultdict(list)
    for day in had if is_same_reading else ():
        waiting[_events(day)].append(day)
    stayed, recounted, came = [], [], []
    for day in has:
        if day.digest not in redated and waiting[_events(day)]:
            stayed.append(day)
            if _results(waiting[_events(day)].pop()) != _results(day):
                recounted.append(day)
        else:
            came.append(day)
    went = [day for left in waiting.values() for day in left] if is_same_reading else had
    is_gone = _Absence(after, has, before, CauseKind.VANISHED_ARCHIVE, CauseKind.UNREADABLE)
    is_new = _Absence(before, had, after, CauseKind.NEW_ARCHIVE, CauseKind.READABLE)
    return ComparedDays(
        stayed,
        recounted,
        [(redated.get(day.digest) or is_gone.origin(day), day) for day in went],
        [(redated.get(day.digest) or is_new.origin(day), day) for day in came],
    )


def _redated(had: Iterable[CountedDay], has: Iterable[CountedDay]) -> dict[str, Origin]:
    """By digest, the days that both runs count and that have another date in the second."""
    dates = {day.digest: day_date(day.day.name) for day in had}
    return {
        day.digest: Origin(CauseKind.REDATED_DAY, day.done.archive.name, day.day.name)
        for day in has
        if day.digest in dates and dates[day.digest] != day_date(day.day.name)
    }


def _events(day: CountedDay) -> tuple[str, bytes]:
    """Which of them count: those of its bytes, but for what was sent before."""
    return day.digest, b"" if day.sent_twice is None else day.sent_twice.tobytes()


def _results(day: CountedDay) -> set[str]:
    """The sums that it is in: each belongs to the run that made it."""
    return {stored.identity for stored in day.done.receipt.partials.values()}


class _Absence:
    """Why days of ``other`` do not count in ``run``."""

    def __init__(
        self,
        run: PublishedRun,
        days: Iterable[CountedDay],
        other: PublishedRun,
        absent: CauseKind,
        unreadable: CauseKind,
    ) -> None:
        self._inputs, self._other_inputs = run.summary.inputs, other.summary.inputs
        self._digests = {day.digest for day in days}
        self._broken = {(place.archive, place.day) for place in run.summary.unreadable}
        (feed, limits), (other_feed, other_limits) = _reading(run), _reading(other)
        self._rules: CauseKind | None = None
        if feed != other_feed:
            self._rules = CauseKind.CHANGED_FEED
        elif limits != other_limits:
            self._rules = CauseKind.CHANGED_LIMITS
        self._absent, self._unreadable = absent, unreadable
        self._as_of = run.manifest.options.as_of

    def origin(self, day: CountedDay) -> Origin:
        archive, name = day.done.archive.name, day.day.name
        if self._as_of is not None and not is_dated_up_to(self._as_of, name):
            return Origin(CauseKind.LATER_DAY, archive, name)
        if self._rules and (day.digest in self._digests or self._has_same(archive)):
            return Origin(self._rules)
        if day.digest in self._digests:
            return Origin(CauseKind.SENT_TWICE, archive, name)
        if archive not in self._inputs:
            return Origin(self._absent, archive)
        if (archive, None) in self._broken:
            return Origin(self._unreadable, archive)
        is_broken = (archive, name) in self._broken
        kind = self._unreadable if is_broken else CauseKind.CORRECTED_ARCHIVE
        return Origin(kind, archive, name)

    def _has_same(self, archive: str) -> bool:
        digest = self._inputs.get(archive)
        return digest is not None and digest == self._other_inputs.get(archive)


def _reading(run: PublishedRun) -> tuple[Feed, Limits]:
    """What decides which events a day has."""
    options = run.manifest.options
    return options.feed, msgspec.structs.replace(options.limits, reject_share=1.0)
