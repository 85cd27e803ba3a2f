"""A few first events of a few parts, spread over an archive, and what else the archive holds."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import islice
from typing import Literal

import msgspec

from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import day_date, without_slash
from pipeline_core.containers.ignored import ending
from pipeline_core.containers.meter import Meter, archive_meter, day_meter, part_meter
from pipeline_core.containers.packed_parts import packing, unpacked
from pipeline_core.containers.zip_entries import OpenedZip, inflate
from pipeline_core.errors import InputError, UnreadablePart
from pipeline_core.extract.days import ArchiveDay, archive_days, opened_day
from pipeline_core.extract.event_values import event_values
from pipeline_core.extract.walk import open_archive, part_windows
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.inspection.rows import id_text, lists_of, view_of
from pipeline_core.messages import Feed, Limits
from pipeline_core.messages.inspection import EntryKind, Kind, PartFound
from pipeline_core.planning.event_sample import spread
from pipeline_core.storage import Storage

MOST_DAYS, MOST_PARTS = 4, 24
WINDOW_BYTES = 1 << 17
_PEEKED = 1 << 16
_LIST = "[]"
_EVERYTHING = Feed(parts=("*",))
_MOST_OF_AN_OBJECT = 4 << 20
# What an archive's entries are to a run: of a day that is loose, and of one that is not.
_KINDS: dict[bool, Kind] = {True: "part", False: "day"}
_SHAPES = {Shape.ARRAY: "array", Shape.LINES: "lines", Shape.VALUES: "values"}


@dataclass(frozen=True)
class ArchiveSample:
    """What was looked at of one archive: the first window of each of ``parts`` that can be read,
    and their events, objects as they are and anything else as its JSON."""

    archive: str
    entries: list[EntryKind] = field(default_factory=list)
    parts: list[PartFound] = field(default_factory=list)
    # With the date of its day.
    windows: list[tuple[Window, date | None]] = field(default_factory=list)
    events: list[dict[str, object] | str] = field(default_factory=list)
    # Paths of arrays of objects in parts that are one object and say nothing of which array it is.
    arrays: list[str] = field(default_factory=list)
    # Names of parts that are one object, sound, and have no such array.
    without_events: list[str] = field(default_factory=list)

    @cached_property
    def texts(self) -> list[str]:
        """The events' canonical JSON: those of equal texts are alike in every field."""
        return [json.dumps(event, sort_keys=True, default=str) for event in self.events]

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every text by which a field, or one of an item, might be looked up."""
        views = [view_of(self.events, items) for items in (None, *lists_of(self.events))]
        return frozenset(
            text
            for view in views
            for values in view.columns.values()
            for value in values
            if (text := id_text(value)) is not None
        )


def sampled(data: Storage, name: str, limits: Limits, feed: Feed) -> ArchiveSample:
    """The archive of this name, its parts found and taken apart as the feed says.

    Raises:
        UnreadableArchive: it cannot be read at all.
        FileNotFoundError: it is gone.
        RetryableError: the storage does not answer.
    """
    sample = ArchiveSample(name)
    with data.open(name) as file:
        archive = open_archive(file, limits)
        days = archive_days(archive, name, feed).wanted
        held = (day for day in days if not day.cause)
        known = {each.index: _KINDS[day.is_loose] for day in held for each in day.entries}
        sample.entries.extend(_kinds("archive", archive, known))
        whole = archive_meter(limits)
        inside: dict[tuple[str, str], EntryKind] = {}
        chosen = spread(days, MOST_DAYS)
        for day in chosen:
            meter = day_meter(limits, whole)
            try:
                with opened_day(archive, day, feed, whole, WINDOW_BYTES) as (opened, parts):
                    for part in _of_each_kind(parts.wanted, MOST_PARTS // len(chosen)):
                        _look_at(sample, day.name, opened, part, meter, feed)
                    if not day.is_loose:
                        found = dict.fromkeys((part.index for part in parts.wanted), _KINDS[True])
                        _add(inside, _kinds("day", opened, found))
            except InputError as error:
                sample.parts.append(PartFound(day.name, "", None, None, 0, error.message))
                _add(inside, _something_else(archive, day, whole))
        sample.entries.extend(inside.values())
    return sample


def something_else(data: Storage, name: str, limits: Limits) -> ArchiveSample:
    """What an archive holds in which there is neither a day nor a part. Raises as ``sampled``."""
    with data.open(name) as file:
        return ArchiveSample(name, _kinds("archive", open_archive(file, limits), {}))


def _something_else(archive: OpenedZip, day: ArchiveDay, meter: Meter) -> list[EntryKind]:
    """What a day holds that has no part, if it can be opened."""
    try:
        with opened_day(archive, day, _EVERYTHING, meter, WINDOW_BYTES) as (opened, _):
            return [] if day.is_loose else _kinds("day", opened, {})
    except InputError:
        return []


def _look_at(
    sample: ArchiveSample, name: str, day: OpenedZip, part: Entry, meter: Meter, feed: Feed
) -> None:
    """The first window of a part."""
    shape = packed = cause = None
    events = list[dict[str, object] | str]()
    try:
        packed = packing(next(_bytes(day, part, meter), b""))
        windows = part_windows(day, part, meter, WINDOW_BYTES, feed)
        first = next(windows)
        shape = _SHAPES[first.shape] if not first.outside else "envelope"
        if first.outside:  # whether it has another array shows behind the events
            for _ in islice(windows, _MOST_OF_AN_OBJECT // WINDOW_BYTES):
                pass
        events = list(event_values(first, day.limits.json_depth))
        sample.windows.append((first, day_date(name)))
        sample.events.extend(events)
    except InputError as error:
        cause = error.message
        whole = _object(day, part, meter)
        lists = lists_of([whole])
        sample.arrays.extend(path.removesuffix(_LIST) for path in lists if path.count(_LIST) == 1)
        if whole and not lists:
            sample.without_events.append(part.name)
    sample.parts.append(PartFound(name, part.name, shape, packed, len(events), cause))


def _bytes(day: OpenedZip, part: Entry, meter: Meter) -> Iterator[Octets]:
    """The part's bytes, packed if they are; they may be read again."""
    metered = part_meter(day.limits, meter)
    return inflate(day, part, "part", UnreadablePart, metered, _PEEKED)


def _object(day: OpenedZip, part: Entry, meter: Meter) -> dict[str, object]:
    """A part that is one object and not too large to look at; an empty one if it is none."""
    held = bytearray()
    try:
        for block in unpacked(_bytes(day, part, meter), day.limits, "part", UnreadablePart):
            held += block
            if len(held) > _MOST_OF_AN_OBJECT:
                return {}
        found = json.loads(held)
    except (InputError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _kinds(
    level: Literal["archive", "day"], opened: OpenedZip, known: Mapping[int, Kind]
) -> list[EntryKind]:
    """Entries by what a run takes them for (``known``, by place) and by ending, the most first."""
    groups: dict[tuple[Kind, str], list[Entry]] = defaultdict(list)
    for entry in opened.entries:
        if entry.size or without_slash(entry.name) == entry.name:
            groups[known.get(entry.index, "ignored"), ending(entry.name)].append(entry)
    kinds = [
        EntryKind(level, kind, how, len(group), sum(entry.size for entry in group), group[0].name)
        for (kind, how), group in groups.items()
    ]
    return sorted(kinds, key=lambda each: (each.kind == "ignored", -each.entries, each.ending))


def _add(known: dict[tuple[str, str], EntryKind], found: Iterable[EntryKind]) -> None:
    for each in found:
        key = each.kind, each.ending
        if (before := known.get(key)) is not None:
            entries, size = before.entries + each.entries, before.bytes + each.bytes
            each = msgspec.structs.replace(before, entries=entries, bytes=size)
        known[key] = each


def _of_each_kind(parts: Sequence[Entry], most: int) -> list[Entry]:
    """Some of each ending, and spread over those of one."""
    by_ending: dict[str, list[Entry]] = defaultdict(list)
    for part in parts:
        by_ending[ending(part.name)].append(part)
    each = max(1, most // max(1, len(by_ending)))
    chosen = [part for group in by_ending.values() for part in spread(group, each)]
    return sorted(chosen, key=lambda part: (part.name, part.index))[: max(most, len(by_ending))]
