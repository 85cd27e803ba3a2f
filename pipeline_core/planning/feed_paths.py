"""feed_paths: whether the paths that settings name stand in the events, by the first of some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from pipeline_core.configuration.feed import OURS
from pipeline_core.containers.cut import cut
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.extract.days import archive_days
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.walk import open_archive
from pipeline_core.framing.field_paths import DEEPEST, MISSING, flat, items_of, lookup
from pipeline_core.logs import get_logger
from pipeline_core.messages import Feed, Limits
from pipeline_core.planning.archives import newest_first
from pipeline_core.planning.event_sample import PartSample, holders, sampled_parts
from pipeline_core.plural import counted
from pipeline_core.storage import Storage

log = get_logger()

MOST_ARCHIVES = 3
# Purchases without a path that prove it wrong: of one that every purchase needs, and of one that
# most may lack.
FEW, MANY = 30, 200
_RECORDS = "SALES_RECORDS"
_LIST = "[]"
_ALIKE = 0.9
_NAMES_TOLD, _LONGEST_NAME = 6, 120
_MOST_NAMES = 500
_DEFAULT = Feed()


class NamedPath(NamedTuple):
    """A path that a setting names. ``may_lack`` if purchases without it are nothing unusual, and
    not ``is_needed`` if an event without it counts as it is meant to."""

    setting: str
    path: str
    may_lack: bool = False
    is_needed: bool = True


class NotSeen(NamedTuple):
    """A path that no event has of those that were looked at, in a sentence; ``is_wrong`` if they
    are enough to say that it is not one of the feed's."""

    named: NamedPath
    found: str
    is_wrong: bool


def check_feed_paths(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> None:
    """Tells in the log what ``unseen_paths`` finds; raises as it does."""
    for each in unseen_paths(data, names, limits, feed):
        named = each.named
        log.warning("path_not_seen", setting=named.setting, path=named.path, found=each.found)


def unseen_paths(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> list[NotSeen]:
    """The paths of the feed's settings that were not seen in the newest of these archives, and are
    not known to be wrong. Nothing is read if no setting names one, and no more than it takes to see
    all.

    Raises:
        ConfigError: a path is wrong.
        RetryableError: the storage does not answer.
    """
    unseen = _look(data, newest_first(names), limits, feed)
    if wrong := [each for each in unseen if each.is_wrong]:
        raise ConfigError(
            " ".join(each.found for each in wrong),
            f"Correct {' and '.join(dict.fromkeys(each.named.setting for each in wrong))}; "
            "`sales-pipeline inspect` shows what the events hold, and proposes settings.",
        )
    return unseen


def _named(feed: Feed) -> Iterator[NamedPath]:
    for ours in OURS:
        path = getattr(feed, ours)
        if path != getattr(_DEFAULT, ours):
            may_lack = ours == "quantity" and feed.missing_quantity is not None
            yield NamedPath("SALES_FIELDS", path, may_lack)
    for each in feed.only:
        yield NamedPath("SALES_ONLY", each.path, is_needed=each.is_equal)
    if feed.items is not None:
        yield NamedPath("SALES_ITEMS", feed.items)
    for path in feed.event_id:
        yield NamedPath("SALES_EVENT_ID", path, len(feed.event_id) > 1)
    if feed.records is not None:
        yield NamedPath(_RECORDS, feed.records)


def _look(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> list[NotSeen]:
    look = _Look(feed)
    for number, name in enumerate(names[:MOST_ARCHIVES] if look.unseen else ()):
        if number and not any(each.is_needed for each in look.unseen):
            break
        look.archives.append(name)
        try:
            with data.open(name) as file:
                archive = open_archive(file, limits)
                days = archive_days(archive, name, feed).wanted
                for part in sampled_parts(archive, days, feed):
                    look.add(part)
                    if not look.unseen:
                        return []
        except (InputError, FileNotFoundError):  # processing will say so
            look.is_whole = False
    look.is_whole &= len(names) <= MOST_ARCHIVES
    return look.verdicts()


class _Look:
    """What was looked at so far. ``unseen`` are paths that no event of it has."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._steps = reading_of(feed).steps
        self.unseen = list(_named(feed))
        self.archives: list[str] = []
        self.is_whole = True
        self._parts = self._events = self._purchases = 0
        self._no_records = ""
        self._names: dict[str, None] = {}

    def add(self, part: PartSample) -> None:
        """Takes the first events of a part."""
        self.is_whole &= part.is_whole
        self._parts += 1
        if part.is_envelope:
            self.unseen = [each for each in self.unseen if each.setting != _RECORDS]
        if self._feed.records and _RECORDS in (part.cause or ""):
            self._no_records = self._no_records or f"of {part.part} {part.cause}"
        for event in part.events:
            if isinstance(event, dict):
                self._add(event)

    def _add(self, event: Mapping[str, object]) -> None:
        found = holders(event, self._steps)
        self._events += 1
        self._purchases += any(
            lookup(each, self._feed.event_type) in self._feed.purchase_types for each in found
        )
        self.unseen = [each for each in self.unseen if not self._has(found, each)]
        for each in found if self.unseen and len(self._names) < _MOST_NAMES else ():
            self._names |= dict.fromkeys(self._fields(each))

    def _fields(self, value: Mapping[str, object], before: str = "") -> Iterator[str]:
        """What there is, in lists as well; items are looked at by themselves."""
        for path, inside in flat(value):
            place = before + path
            yield place
            if isinstance(inside, list) and before.count(_LIST) < DEEPEST:
                for each in inside if f"{place}{_LIST}" != self._feed.items else ():
                    if isinstance(each, dict):
                        yield from self._fields(each, f"{place}{_LIST}.")

    def _has(self, found: Sequence[Mapping[str, object]], named: NamedPath) -> bool:
        if named.setting == _RECORDS:
            return False
        if named.setting != "SALES_ITEMS":
            return any(lookup(each, named.path) is not MISSING for each in found)
        *outer, last = self._steps
        lists = items_of(found[0], outer) or ()
        return any(isinstance(each, dict) and lookup(each, last) is not MISSING for each in lists)

    def verdicts(self) -> list[NotSeen]:
        """Of each path that was not seen, whether it is wrong; nothing if there was no event."""
        return [self._verdict(each) for each in self.unseen if self._events or self._no_records]

    def _verdict(self, named: NamedPath) -> NotSeen:
        if named.setting == _RECORDS:
            found = self._no_records or (
                f"none of {counted(self._parts, 'part')} looked at in "
                f"{', '.join(self.archives)} is one object"
            )
            is_wrong = bool(self._no_records) or self.is_whole or self._parts >= FEW
            return NotSeen(named, f"SALES_RECORDS names {named.path}, but {found}.", is_wrong)
        near = self._nearest(named.path)
        is_misspelt = bool(near) and _likeness(named.path, near[0]) >= _ALIKE
        may_lack = named.may_lack and not is_misspelt and self._has_holder(named.path)
        without = self._events if named.path == self._feed.event_type else self._purchases
        if self.is_whole:
            least = 0 if is_misspelt else FEW if may_lack else 1
        else:
            least = MANY if may_lack else FEW
        names = ", ".join(cut(each, _LONGEST_NAME) for each in near[:_NAMES_TOLD])
        names += ", …" if len(near) > _NAMES_TOLD else ""
        told = (
            f"{named.setting} names {named.path}, but none of {counted(self._events, 'event')} "
            f"looked at in {', '.join(self.archives)} has it; they have {names or 'no field'}."
        )
        return NotSeen(named, told, named.is_needed and without >= least)

    def _nearest(self, path: str) -> list[str]:
        """The fields that there are, those that are called most like it first."""
        return sorted(self._names, key=lambda name: (-_likeness(path, name), name))

    def _has_holder(self, path: str) -> bool:
        """Whether what it would stand in is there: then others may well have it."""
        holder = path.rpartition(".")[0]
        return not holder or any(name.startswith(f"{holder}.") for name in self._names)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _bare(one), _bare(other)).ratio()


def _bare(path: str) -> str:
    return "".join(filter(str.isalnum, path)).casefold()
