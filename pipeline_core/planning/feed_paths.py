"""feed_paths: whether the paths that settings name stand in the events, by the first of some."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
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
# Of which none need have an event.
_MOST_OPENED = 4 * MOST_ARCHIVES
# Purchases without a path that prove it wrong: of one that every purchase needs, and of one that
# most may lack.
FEW, MANY = 30, 200
_RECORDS = "SALES_RECORDS"
_RETURN_TYPES = "SALES_RETURN_TYPES"
_LIST = "[]"
_ALIKE = 0.9
_NAMES_TOLD, _LONGEST_NAME = 6, 120
_MOST_NAMES = 500
_FRACTION = re.compile(r"-?[0-9]+[.eE]")
_DEFAULT = Feed()


class NamedPath(NamedTuple):
    """A path that a setting names. ``may_lack`` if purchases without it are nothing unusual, and
    not ``is_needed`` if an event without it counts as it is meant to."""

    setting: str
    path: str
    may_lack: bool = False
    is_needed: bool = True


class NamedValue(NamedTuple):
    """One of several values that a setting takes at a path."""

    setting: str
    path: str
    value: str


class NotSeen(NamedTuple):
    """A path, or a value at one, that no event has of those that were looked at, in a sentence;
    ``is_wrong`` if they are enough to say that it is not one of the feed's."""

    named: NamedPath | NamedValue
    found: str
    is_wrong: bool


def check_feed_paths(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> None:
    """Tells in the log what ``unseen_paths`` finds; raises as it does."""
    for each in unseen_paths(data, names, limits, feed):
        named = each.named
        told = {"setting": named.setting, "path": named.path, "found": each.found}
        if isinstance(named, NamedValue):
            log.warning("value_not_seen", value=named.value, **told)
        else:
            log.warning("path_not_seen", **told)


def unseen_paths(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> list[NotSeen]:
    """The paths of the feed's settings, and of several values at one each, that were not seen in
    the newest of these archives, and are not known to be wrong. Nothing is read if no setting names
    any, and no more than it takes to see all.

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
    if feed.price is not None:
        yield NamedPath("SALES_PRICE_FIELD", feed.price)
    for each in feed.only:
        yield NamedPath("SALES_ONLY", each.path, is_needed=each.is_equal)
    if feed.items is not None:
        yield NamedPath("SALES_ITEMS", feed.items)
    for path in feed.event_id:
        yield NamedPath("SALES_EVENT_ID", path, len(feed.event_id) > 1)
    if feed.records is not None:
        yield NamedPath(_RECORDS, feed.records)


def _named_values(feed: Feed) -> Iterator[NamedValue]:
    """Where there is one value only, a run without it counts nothing, and says so: but not of
    returns."""
    taken = [("SALES_PURCHASE_TYPES", feed.event_type, feed.purchase_types)]
    taken += [("SALES_ONLY", each.path, each.values) for each in feed.only if each.is_equal]
    taken += [(_RETURN_TYPES, feed.event_type, feed.return_types)]
    for setting, path, values in taken:
        if len(values) > 1 or setting == _RETURN_TYPES:
            # The first events have numbers by their values, and not as they are written.
            told = (value for value in values if not _FRACTION.match(value))
            yield from (NamedValue(setting, path, value) for value in told)


def _look(data: Storage, names: Sequence[str], limits: Limits, feed: Feed) -> list[NotSeen]:
    look, opened = _Look(feed), 0
    for name in names[:_MOST_OPENED] if not look.has_seen_all else ():
        if len(look.archives) == MOST_ARCHIVES or (look.archives and not look.needs_more):
            break
        opened += 1
        try:
            with data.open(name) as file:
                archive = open_archive(file, limits)
                days = archive_days(archive, name, feed).wanted
                for part in sampled_parts(archive, days, feed):
                    look.add(name, part)
                    if look.has_seen_all:
                        return []
        except (InputError, FileNotFoundError):  # processing will say so
            look.is_whole = False
    look.is_whole &= opened == len(names)
    return look.verdicts()


class _Look:
    """What was looked at so far. ``unseen`` are paths that no event of it has, ``archives`` the
    names of those that have any."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._steps = reading_of(feed).steps
        self.unseen = list(_named(feed))
        self._unseen_values = list(_named_values(feed))
        self._values: dict[str, dict[str, None]] = {each.path: {} for each in self._unseen_values}
        self.archives: list[str] = []
        self.is_whole = True
        self._parts = self._events = self._purchases = 0
        self._no_records = ""
        self._names: dict[str, None] = {}

    @property
    def has_seen_all(self) -> bool:
        """Whether nothing is left to look for."""
        return not (self.unseen or self._unseen_values)

    @property
    def needs_more(self) -> bool:
        """Whether another archive is worth a look."""
        return bool(self._unseen_values) or any(each.is_needed for each in self.unseen)

    def add(self, archive: str, part: PartSample) -> None:
        """Takes the first events of a part."""
        self.is_whole &= part.is_whole
        self._parts += 1
        if part.is_envelope:
            self.unseen = [each for each in self.unseen if each.setting != _RECORDS]
        if self._feed.records and _RECORDS in (part.cause or ""):
            self._no_records = self._no_records or f"of {part.part} {part.cause}"
        if (part.events or self._no_records) and archive not in self.archives:
            self.archives.append(archive)
        for event in part.events:
            if isinstance(event, dict):
                self._add(event)

    def _add(self, event: Mapping[str, object]) -> None:
        found = holders(event, self._steps)
        self._events += 1
        self._purchases += any(
            lookup(each, self._feed.event_type) in self._feed.taken_types for each in found
        )
        self.unseen = [each for each in self.unseen if not self._has(found, each)]
        for path, values in self._values.items() if self._unseen_values else ():
            if len(values) < _MOST_NAMES:
                values |= dict.fromkeys(
                    filter(None, (_text_of(lookup(each, path)) for each in found))
                )
        self._unseen_values = [
            each for each in self._unseen_values if each.value not in self._values[each.path]
        ]
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
        """Of each path that was not seen, whether it is wrong, and the values that were not seen
        where there are others; nothing if there was no event."""
        unseen = [self._verdict(each) for each in self.unseen if self._events or self._no_records]
        return unseen + [
            self._told(each) for each in self._unseen_values if self._values[each.path]
        ]

    def _told(self, named: NamedValue) -> NotSeen:
        near = _by_likeness(named.value, self._values[named.path])
        return NotSeen(
            named,
            f"{named.setting} names {named.value}, but none of {counted(self._events, 'event')} "
            f"looked at in {', '.join(self.archives)} has it at {named.path}; there they have "
            f"{_listed(near)}.",
            is_wrong=False,
        )

    def _verdict(self, named: NamedPath) -> NotSeen:
        if named.setting == _RECORDS:
            found = self._no_records or (
                f"none of {counted(self._parts, 'part')} looked at in "
                f"{', '.join(self.archives)} is one object"
            )
            is_wrong = bool(self._no_records) or self.is_whole or self._parts >= FEW
            return NotSeen(named, f"SALES_RECORDS names {named.path}, but {found}.", is_wrong)
        near = _by_likeness(named.path, self._names)
        is_misspelt = bool(near) and _likeness(named.path, near[0]) >= _ALIKE
        may_lack = named.may_lack and not is_misspelt and self._has_holder(named.path)
        without = self._events if named.path == self._feed.event_type else self._purchases
        if self.is_whole:
            least = 0 if is_misspelt else FEW if may_lack else 1
        else:
            least = MANY if may_lack else FEW
        told = (
            f"{named.setting} names {named.path}, but none of {counted(self._events, 'event')} "
            f"looked at in {', '.join(self.archives)} has it; they have "
            f"{_listed(near) or 'no field'}.{_hint(named)}"
        )
        return NotSeen(named, told, named.is_needed and without >= least)

    def _has_holder(self, path: str) -> bool:
        """Whether what it would stand in is there: then others may well have it."""
        holder = path.rpartition(".")[0]
        return not holder or any(name.startswith(f"{holder}.") for name in self._names)


def _hint(named: NamedPath) -> str:
    """What is odd about the path itself: no key has to be, and few are so."""
    if named.setting != "SALES_ITEMS" and _LIST in named.path:
        return f" {_LIST} leads into lists in SALES_ITEMS only."
    keys = named.path.removesuffix(_LIST).split(".")
    return "" if all(keys) else f" {named.path} has an empty key beside a dot."


def _text_of(value: object) -> str | None:
    """As settings have it; None of what is no scalar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float | Decimal) else None


def _by_likeness(name: str, names: Iterable[str]) -> list[str]:
    """The names that there are, those that are most like it first."""
    return sorted(names, key=lambda each: (-_likeness(name, each), each))


def _listed(names: Sequence[str]) -> str:
    told = ", ".join(cut(each, _LONGEST_NAME) for each in names[:_NAMES_TOLD])
    return f"{told}, …" if len(names) > _NAMES_TOLD else told


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _bare(one), _bare(other)).ratio()


def _bare(path: str) -> str:
    return "".join(filter(str.isalnum, path)).casefold()
