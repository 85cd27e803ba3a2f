"""The coverage calendar: what became of each date between the first day and the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from pipeline_core.containers.entry_names import base_name, day_date
from pipeline_core.messages import ClosedDays, Manifest, Summary
from pipeline_core.page import CalendarDay, Coverage, DayState
from pipeline_core.reconciliation.unread_copies import unread_copies

DAYS = 1100
STATES: tuple[DayState, ...] = (
    "present",
    "duplicate",
    "conflicting",
    "unreadable",
    "missing",
    "closed",
)


class DayStates(Mapping[date, DayState]):
    """What became of each date, in the dates' order; a byte each, for there may be a million."""

    def __init__(self) -> None:
        self._states = bytearray(date.max.toordinal() + 1)  # the place among STATES, from 1
        self._covered = range(0)

    def note(self, day: date, state: DayState) -> None:
        """Of several states of a date, the one that matters most stays (see STATES)."""
        number = day.toordinal()
        self._states[number] = max(self._states[number], STATES.index(state) + 1)
        if number not in self._covered:
            covered = self._covered or range(number, number)
            self._covered = range(min(number, covered.start), max(number + 1, covered.stop))

    def __getitem__(self, day: date) -> DayState:
        found = self._states[day.toordinal()]
        if not found:
            raise KeyError(day)
        return STATES[found - 1]

    def __iter__(self) -> Iterator[date]:
        return (date.fromordinal(number) for number in self._covered if self._states[number])

    def __len__(self) -> int:
        covered = self._covered
        return len(covered) - self._states.count(0, covered.start, covered.stop)


def coverage(
    manifest: Manifest, summary: Summary, states: Mapping[date, DayState], undated: int
) -> Coverage:
    """Of days with these states, and so many without a date."""
    if not states:
        return Coverage(None, None, (), {}, undated)
    first, last = min(states), max(states)
    length = (last - first).days + 1
    counts: Counter[DayState] = Counter(states.values())
    closed = manifest.options.closed_days
    absent = length - len(states)
    counts["missing"] = absent if closed == ClosedDays() else min(absent, summary.missing_count)
    counts["closed"] = absent - counts["missing"]
    shown = min(length, DAYS)
    dates = (last - timedelta(days=age) for age in range(shown - 1, -1, -1))
    return Coverage(
        first,
        last,
        tuple(
            CalendarDay(each, states.get(each, "closed" if closed.has(each) else "missing"))
            for each in dates
        ),
        {state: counts[state] for state in STATES},
        undated,
    )


def day_states(manifest: Manifest, summary: Summary) -> tuple[DayStates, int]:
    """By date, of several states the one that matters most (see STATES); and how many days have no
    date in their names."""
    unread = {(place.archive, place.day) for place in summary.unreadable}
    unread |= {(copy.archive, copy.day) for copy in unread_copies(manifest, summary)}
    conflicting, undated = set(manifest.conflicting_days), 0
    states = DayStates()
    copied = () if manifest.counting() == len(manifest.archives) else manifest.archives
    originals = {archive.duplicate_of for archive in copied} - {None}
    looked_into = {each.name: each.days for each in copied if each.name in originals}
    for archive in manifest.archives:
        # Of copies, only the original was looked into.
        original = archive.duplicate_of
        for day in archive.days if original is None else looked_into.get(original, ()):
            state: DayState = "present"
            if (archive.name, day.name) in unread or (archive.name, None) in unread:
                state = "unreadable"
            elif base_name(day.name) in conflicting:
                state = "conflicting"
            elif original or day.duplicate_of:
                state = "duplicate"
            found = day_date(day.name)
            if found is None:
                undated += 1
            else:
                states.note(found, state)
    return states, undated
