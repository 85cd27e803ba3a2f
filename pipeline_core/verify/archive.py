"""An archive, its days and their parts, read again: one part at a time."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from pipeline_core.errors import InputError, UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.messages import Options
from pipeline_core.reread.directory import Entry
from pipeline_core.reread.names import (
    bare_name,
    base_name,
    folder_date,
    is_day,
    is_left_out,
    is_part,
    iso_date,
    loose_date,
    shown_day,
    shown_part,
)
from pipeline_core.reread.packed import LONGEST_SIGN, is_packed, unpacked
from pipeline_core.reread.unzip import (
    Allowance,
    Opened,
    endings_of,
    inflated,
    opened_zip,
    wanted_entries,
)
from pipeline_core.verify.counts import Count, Day, Place
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.part import PartCounter
from pipeline_core.verify.waiting import Waiting

_IN_MEMORY_BYTES = 64 << 20


class _Held(NamedTuple):
    """A day as an archive holds it: a zip, or parts that are in none, or only what ``is_no_part``
    in a folder of its date. ``name`` is as it is shown, ``sold_on`` its date (ISO) or empty."""

    name: str
    sold_on: str
    entries: list[Entry]
    is_zip: bool = False
    is_no_part: bool = False


class DayFound(NamedTuple):
    """What a day of an archive came to. Its content is known if it ``is_opened``; there is no
    ``counted`` of one that is not wanted, or cannot be read: ``ignored`` are entries of that, by
    ending."""

    day: Day
    is_opened: bool
    counted: Count | None
    ignored: Counter[str]


class ArchiveReader:
    """Reads archives; ``told`` hears events and bytes of each part."""

    def __init__(
        self,
        rules: Rules,
        options: Options,
        told: Callable[[int, int], None],
        waiting: Waiting | None = None,
    ) -> None:
        self._rules, self._options, self._limits = rules, options, options.limits
        self._told = told
        self._parts = PartCounter(rules, options, waiting)

    def days(
        self,
        name: str,
        file: IO[bytes],
        is_known: Callable[[str], bool],
        ignored: Counter[str],
    ) -> Iterator[DayFound]:
        """Days in the order in which they count; those whose content ``is_known`` by then are not
        counted. ``ignored`` gets the archive's entries that are none. Raises UnreadableArchive."""
        allowance = Allowance(
            self._limits.archive_bytes, UnreadableArchive("the archive is over its limit of bytes")
        )
        opened = opened_zip(file, self._limits, UnreadableArchive)
        others: list[Entry] = []
        entries = wanted_entries(opened, self._is_day_or_part, others, UnreadableArchive)
        ignored.update(endings_of(others))
        for held in self._days(entries, others, name):
            content, count, inner = f"entry {held.entries[0].place} of {name}", None, Counter[str]()
            is_opened = False
            try:
                with self._opened_day(opened, held, name) as (inside, content):
                    is_opened = True
                    if not is_known(content):
                        count = self._day(inside, held, Place(name, held.name), allowance)
            except UnreadableDay as error:
                inner.update(error.ignored)
            day = Day(name, base_name(held.name), content, held.name, held.sold_on, held.is_zip)
            yield DayFound(day, is_opened, count, inner)

    def _is_day_or_part(self, name: str) -> bool:
        return is_day(name, self._rules.feed) or is_part(name, self._rules.feed)

    def _days(self, entries: Sequence[Entry], others: Iterable[Entry], archive: str) -> list[_Held]:
        """By name. Parts of one date are a day, those without one a day of the archive's name; so
        is a folder of a date, without any part."""
        stem = archive[: -len(".zip")]
        days: list[_Held] = []
        loose: dict[str, _Held] = {}
        for entry in entries:
            if is_day(entry.name, self._rules.feed):
                shown = shown_day(entry.name)
                days.append(_Held(shown, iso_date(entry.name), [entry], is_zip=True))
            else:
                sold_on = loose_date(entry.name, stem)
                day = _Held(sold_on or shown_day(stem), sold_on, [])
                loose.setdefault(sold_on, day).entries.append(entry)
        there = {folder_date(entry.name) for entry in entries}
        there |= {"", *loose, *(day.sold_on for day in days)}
        for entry in sorted(others):
            sold_on = folder_date(entry.name)
            if sold_on not in there and not is_left_out(entry.name, self._rules.feed):
                day = _Held(sold_on, sold_on, [], is_no_part=True)
                loose.setdefault(sold_on, day).entries.append(entry)
        known = (day for day in (*days, *loose.values()) if self._is_there(day.sold_on))
        return sorted(known, key=lambda day: day.entries[0].name if day.is_zip else day.name)

    def _is_there(self, sold_on: str) -> bool:
        """Whether a day is none of those that an as-of run did not know."""
        as_of = self._options.as_of
        return as_of is None or "" < sold_on <= as_of.isoformat()

    @contextmanager
    def _opened_day(
        self, opened: Opened, day: _Held, archive: str
    ) -> Iterator[tuple[IO[bytes] | Opened, str]]:
        """Where its parts are, and the SHA-256 of its bytes. Raises UnreadableDay."""
        if not day.is_zip:
            yield opened, self._digest(opened, day, archive)
            return
        allowance = Allowance(
            self._limits.day_bytes, UnreadableDay("the day is over its limit of bytes")
        )
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            hasher = hashlib.sha256()
            for block in inflated(opened, day.entries[0], allowance, UnreadableDay):
                file.write(block)
                hasher.update(block)
            yield file, hasher.hexdigest()

    def _digest(self, opened: Opened, day: _Held, archive: str) -> str:
        """Of parts that are a day, in whatever folders of its date; unlike any other if one of them
        cannot be read."""
        found: set[bytes] = set()
        for entry in day.entries:
            part = hashlib.sha256()
            try:
                for block in inflated(opened, entry, self._allowance(None), UnreadablePart):
                    part.update(block)
            except UnreadablePart:
                return f"entry {entry.place} of {archive}"
            found.add(base_name(shown_part(entry.name)).encode() + b"\0" + part.digest())
        return hashlib.sha256(b"".join((day.sold_on.encode(), *sorted(found)))).hexdigest()

    def _allowance(self, day: Allowance | None) -> Allowance:
        over = UnreadablePart("the part is over its limit of bytes")
        return Allowance(self._limits.part_bytes, over, day)

    def _day(
        self, inside: IO[bytes] | Opened, day: _Held, place: Place, archive: Allowance
    ) -> Count:
        """Raises UnreadableDay, or UnreadableArchive if the archive's limit is passed."""
        count = Count(self._options.reject_rows, days_read=1)
        allowance = Allowance(
            self._limits.day_bytes, UnreadableDay("the day's parts are over its limit"), archive
        )
        parts = day.entries
        if day.is_no_part:
            raise UnreadableDay("it holds no part")
        if not isinstance(inside, Opened):
            archive.take(day.entries[0].size)
            inside = opened_zip(inside, self._limits, UnreadableDay)
            others: list[Entry] = []
            parts = wanted_entries(
                inside, lambda name: is_part(name, self._rules.feed), others, UnreadableDay
            )
            count.ignored.update(endings_of(others))
        read: set[tuple[str, bytes]] = set()
        names: dict[str, list[str]] = {}
        packings = Counter(map(bare_name, {base_name(shown_part(each.name)) for each in parts}))
        for entry in parts:
            shown = shown_part(entry.name)
            part = place._replace(part=shown)
            try:
                digest, content = self._content(inside, entry, allowance)
                found = self._parts.count(content, part, day.sold_on)
            except UnreadablePart:
                count.unreadable.append(part)
                continue
            bare = bare_name(base_name(shown))
            if packings[bare] > 1:
                digest = hashlib.sha256(content).digest()
            if (bare, digest) not in read:
                read.add((bare, digest))
                names.setdefault(bare_name(shown), []).append(shown)
                count.include(found)
                self._told(found.seen, entry.size)
        for name, held in names.items():
            if len(held) > 1:
                count.repeated.append(place._replace(part=name if len({*held}) > 1 else held[0]))
        return count

    def _content(self, opened: Opened, entry: Entry, day: Allowance) -> tuple[bytes, bytes]:
        """The SHA-256 of a part as it is stored, and its bytes. Raises UnreadablePart, or what
        ``day`` raises."""
        allowance = self._allowance(day)
        is_plain = not is_packed(self._beginning(opened, entry))
        stored = b"".join(
            inflated(
                opened,
                entry,
                allowance if is_plain else self._allowance(None),
                UnreadablePart,
                once=True,
            )
        )
        digest = hashlib.sha256(stored).digest()
        if is_plain:
            return digest, stored
        blocks: list[bytes] = []
        try:
            for block in unpacked(stored, self._limits.dictionary_bytes):
                allowance.take(len(block))
                blocks.append(block)
        except (ValueError, zlib.error) as error:
            raise UnreadablePart(str(error)) from error
        return digest, b"".join(blocks)

    def _beginning(self, opened: Opened, entry: Entry) -> bytes:
        """As many bytes as tell what packed a part, or none, if they cannot be read."""
        found = b""
        try:
            for block in inflated(opened, entry, self._allowance(None), UnreadablePart):
                found += block
                if len(found) >= LONGEST_SIGN:
                    break
        except InputError:  # whoever reads it says so
            return b""
        return found
