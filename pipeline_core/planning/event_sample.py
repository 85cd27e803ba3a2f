"""The first events of parts, spread over an archive: what is looked at without being counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from pipeline_core.containers.directory import Entry
from pipeline_core.containers.meter import Meter, archive_meter, day_meter
from pipeline_core.containers.zip_entries import OpenedZip
from pipeline_core.errors import InputError
from pipeline_core.extract.days import ArchiveDay, opened_day
from pipeline_core.extract.event_values import event_values
from pipeline_core.extract.walk import part_windows
from pipeline_core.framing.field_paths import items_of
from pipeline_core.messages import Feed

_T = TypeVar("_T")

MOST_DAYS, MOST_PARTS = 8, 64
# Enough for some hundred events of the usual size.
WINDOW_BYTES = 1 << 16
# So many events need no others beside them.
ENOUGH_EVENTS = 200
# Windows: the first, and one that says that there are more.
_ENOUGH = 2


class PartSample(NamedTuple):
    """The first events of a part, objects as they are and anything else as its JSON. ``is_whole``
    if there are no others, neither in it nor in parts of the archive that are not looked at;
    ``cause`` is why the part, or its day, cannot be read."""

    day: str
    part: str
    events: list[dict[str, object] | str]
    is_whole: bool
    is_envelope: bool
    cause: str | None


def sampled_parts(
    archive: OpenedZip, days: Sequence[ArchiveDay], feed: Feed
) -> Iterator[PartSample]:
    """Up to MOST_PARTS of the parts of up to MOST_DAYS of the days; further ones in the place of
    what cannot be read or has no event, and while there are few events."""
    whole = archive_meter(archive.limits)
    of_day = MOST_PARTS // max(1, min(len(days), MOST_DAYS))
    looked_at = events = 0
    for number, day in enumerate(_spread_first(days, MOST_DAYS)):
        if number >= MOST_DAYS and (events >= ENOUGH_EVENTS or looked_at >= MOST_PARTS):
            break
        for sample in _of_day(archive, day, feed, whole, of_day, is_all=len(days) <= MOST_DAYS):
            looked_at += 1
            events += len(sample.events)
            yield sample


def _of_day(
    archive: OpenedZip, day: ArchiveDay, feed: Feed, whole: Meter, most: int, *, is_all: bool
) -> Iterator[PartSample]:
    """Up to ``most`` of its parts, and up to MOST_PARTS until there is an event."""
    meter, has_events = day_meter(archive.limits, whole), False
    try:
        with opened_day(archive, day, feed, whole, WINDOW_BYTES) as (opened, parts):
            is_all = is_all and len(parts.wanted) <= most
            for number, part in enumerate(_spread_first(parts.wanted, most)[:MOST_PARTS]):
                if number >= most and has_events:
                    break
                sample = _sample(opened, day.name, part, meter, feed, is_all=is_all)
                has_events = has_events or bool(sample.events)
                yield sample
    except InputError as error:
        yield _unreadable(day.name, "", error)


def _sample(
    opened: OpenedZip, day: str, part: Entry, meter: Meter, feed: Feed, *, is_all: bool
) -> PartSample:
    try:
        windows = list(islice(part_windows(opened, part, meter, WINDOW_BYTES, feed), _ENOUGH))
        events = list(event_values(windows[0], opened.limits.json_depth)) if windows else []
    except InputError as error:
        return _unreadable(day, part.name, error)
    return PartSample(
        day=day,
        part=part.name,
        events=events,
        is_whole=is_all and len(windows) < _ENOUGH,
        is_envelope=any(window.outside for window in windows),
        cause=None,
    )


def _unreadable(day: str, part: str, error: InputError) -> PartSample:
    return PartSample(day, part, [], is_whole=False, is_envelope=False, cause=error.message)


def holders(event: Mapping[str, object], steps: Sequence[str]) -> list[Mapping[str, object]]:
    """Where an event's fields may stand: in itself, and in its items, to which ``steps`` lead."""
    items = (items_of(event, steps) or ()) if steps else ()
    return [event, *(each for each in items if isinstance(each, dict))]


def spread(some: Sequence[_T], most: int) -> list[_T]:
    """Up to ``most`` of them, from the first to the last."""
    if len(some) <= most:
        return list(some)
    if most == 1:
        return [some[0]]
    return [some[place * (len(some) - 1) // (most - 1)] for place in range(most)]


def _spread_first(some: Sequence[_T], most: int) -> list[_T]:
    """All of them, ``spread`` ones first."""
    first = spread(range(len(some)), most)
    return [some[place] for place in dict.fromkeys([*first, *range(len(some))])]
