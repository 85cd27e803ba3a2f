"""The figures of a run, counted again from its archives, one part at a time."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, NamedTuple

from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.messages import Options
from pipeline_core.verify.directory import Entry
from pipeline_core.verify.events import events_of
from pipeline_core.verify.judge import Reject, Rules, judge
from pipeline_core.verify.names import base_name, iso_date, shown_day, shown_part
from pipeline_core.verify.unzip import Allowance, Opened, inflated, opened_zip, wanted_entries

_IN_MEMORY_BYTES = 64 << 20


class Place(NamedTuple):
    """Where something is; None below the level that is meant."""

    archive: str
    day: str | None = None
    part: str | None = None


class RejectRow(NamedTuple):
    """A row of rejects.csv without the event."""

    reason: str
    archive: str
    day: str
    part: str
    position: int


class Day(NamedTuple):
    """A day in an archive. ``content`` is the SHA-256 of its bytes, or unlike any other if they
    cannot be inflated; ``entry`` is its name with folders, ``sold_on`` the date in that (ISO) or
    empty."""

    archive: str
    name: str
    content: str
    entry: str
    sold_on: str


@dataclass
class Amount:
    """What some events add up to."""

    events: int = 0
    units: int = 0
    revenue: Decimal = Decimal(0)

    def add(self, events: int, units: int, revenue: Decimal) -> None:
        """Takes more."""
        self.events += events
        self.units += units
        self.revenue += revenue


@dataclass
class Count:
    """What a part, a day, an archive or a run comes to. ``sales`` are by date (ISO, or empty),
    category and segment, ``customers`` the ids by category and segment. Of ``rejects`` the first
    ``most_rejects`` are kept."""

    most_rejects: int
    seen: int = 0
    counted: int = 0
    not_purchase: int = 0
    parts_read: int = 0
    days_read: int = 0
    days_duplicate: int = 0
    sales: dict[tuple[str, str, str], Amount] = field(default_factory=dict)
    customers: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    rejected: dict[str, Amount] = field(default_factory=dict)
    rejects: list[RejectRow] = field(default_factory=list)
    unreadable: list[Place] = field(default_factory=list)
    repeated: list[Place] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    days: list[Day] = field(default_factory=list)

    def include(self, inner: Count) -> None:
        """Takes over what a finished inner level came to."""
        self.seen += inner.seen
        self.counted += inner.counted
        self.not_purchase += inner.not_purchase
        self.parts_read += inner.parts_read
        self.days_read += inner.days_read
        self.days_duplicate += inner.days_duplicate
        for group, sold in inner.sales.items():
            amount = self.sales.setdefault(group, Amount())
            amount.add(sold.events, sold.units, sold.revenue)
        for pair, customers in inner.customers.items():
            self.customers.setdefault(pair, set()).update(customers)
        for reason, lost in inner.rejected.items():
            amount = self.rejected.setdefault(reason, Amount())
            amount.add(lost.events, lost.units, lost.revenue)
        self.rejects += inner.rejects[: self.most_rejects - len(self.rejects)]
        self.unreadable += inner.unreadable
        self.repeated += inner.repeated
        self.ignored.update(inner.ignored)
        self.days += inner.days


class Recount:
    """The archives of a run, taken in the order of their names. Bytes decide what is a duplicate:
    the first of equal archives, or days, that can be read counts. ``told`` hears events and bytes
    of each part."""

    def __init__(self, rules: Rules, options: Options, told: Callable[[int, int], None]) -> None:
        self.total = Count(options.reject_rows)
        self.read = self.duplicate = self.broken = 0
        self._rules, self._options, self._limits = rules, options, options.limits
        self._told = told
        self._archives_read: set[str] = set()
        self._archives_broken: set[str] = set()
        self._days_read: set[str] = set()

    def take(self, name: str, file: IO[bytes], digest: str) -> None:
        """Counts an archive; ``digest`` is the SHA-256 (hex) of its bytes."""
        if digest in self._archives_read:
            self.duplicate += 1
            return
        days: set[str] = set()
        try:
            count = self._archive(name, file, days)
        except UnreadableArchive as error:
            if self.leave_out(name, digest):
                self.total.ignored.update(error.ignored)
            return
        self.read += 1
        self._archives_read.add(digest)
        self._days_read |= days
        self.total.include(count)

    def leave_out(self, name: str, digest: str | None) -> bool:
        """Notes an archive that cannot be read; False for a copy of such a one, which is a
        duplicate still."""
        if digest in self._archives_broken:
            self.duplicate += 1
            return False
        self.broken += 1
        self.total.unreadable.append(Place(name))
        if digest is not None:
            self._archives_broken.add(digest)
        return True

    def _archive(self, name: str, file: IO[bytes], days: set[str]) -> Count:
        """Raises UnreadableArchive. ``days`` gets the SHA-256 of those that count here."""
        count = Count(self._options.reject_rows)
        allowance = Allowance(
            self._limits.archive_bytes, UnreadableArchive("the archive is over its limit of bytes")
        )
        opened = opened_zip(file, self._limits, UnreadableArchive)
        others: list[str] = []
        days_inside = wanted_entries(opened, ".zip", others, UnreadableArchive)
        count.ignored.update(others)
        for entry in days_inside:
            if not self._is_there(entry.name):
                continue
            content = f"entry {entry.place} of {name}"
            shown, sold_on = shown_day(entry.name), iso_date(entry.name)
            try:
                with self._day_file(opened, entry) as (day_file, content):
                    if content in self._days_read or content in days:
                        count.days_duplicate += 1
                    else:
                        days.add(content)
                        allowance.take(entry.size)
                        place = Place(name, shown)
                        count.include(self._day(day_file, place, sold_on, allowance))
            except UnreadableDay as error:
                count.ignored.update(error.ignored)
                count.unreadable.append(Place(name, shown))
            count.days.append(Day(name, base_name(shown), content, shown, sold_on))
        return count

    def _is_there(self, day: str) -> bool:
        """Whether a day is none of those that an as-of run did not know."""
        as_of = self._options.as_of
        return as_of is None or "" < iso_date(day) <= as_of.isoformat()

    @contextmanager
    def _day_file(self, opened: Opened, entry: Entry) -> Iterator[tuple[IO[bytes], str]]:
        """A day and the SHA-256 of its bytes. Raises UnreadableDay."""
        allowance = Allowance(
            self._limits.day_bytes, UnreadableDay("the day is over its limit of bytes")
        )
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            hasher = hashlib.sha256()
            for block in inflated(opened, entry, allowance, UnreadableDay):
                file.write(block)
                hasher.update(block)
            yield file, hasher.hexdigest()

    def _day(self, file: IO[bytes], place: Place, sold_on: str, archive: Allowance) -> Count:
        """Raises UnreadableDay, or UnreadableArchive if the archive's limit is passed."""
        count = Count(self._options.reject_rows, days_read=1)
        allowance = Allowance(
            self._limits.day_bytes, UnreadableDay("the day's parts are over its limit"), archive
        )
        opened = opened_zip(file, self._limits, UnreadableDay)
        others: list[str] = []
        parts = wanted_entries(opened, ".json", others, UnreadableDay)
        count.ignored.update(others)
        read: set[tuple[str, bytes]] = set()
        for entry in parts:
            shown = shown_part(entry.name)
            part = place._replace(part=shown)
            own = Allowance(
                self._limits.part_bytes, UnreadablePart("the part is too large"), allowance
            )
            try:
                content = b"".join(inflated(opened, entry, own, UnreadablePart, once=True))
                found = self._part(content, part, sold_on)
            except UnreadablePart:
                count.unreadable.append(part)
                continue
            if (same := (shown, hashlib.sha256(content).digest())) not in read:
                read.add(same)
                count.include(found)
                self._told(found.seen, entry.size)
        names = Counter(name for name, _ in read)
        count.repeated += [place._replace(part=name) for name, n in names.items() if n > 1]
        return count

    def _part(self, content: bytes, place: Place, sold_on: str) -> Count:
        """Raises UnreadablePart."""
        archive, day, part = place.archive, place.day or "", place.part or ""
        count = Count(self._options.reject_rows, parts_read=1)
        for position, event in enumerate(events_of(content, self._limits)):
            count.seen += 1
            found = judge(event, self._rules)
            if found is None:
                count.not_purchase += 1
            elif isinstance(found, Reject):
                lost = count.rejected.setdefault(found.reason.value, Amount())
                lost.add(1, found.units, found.revenue)
                if len(count.rejects) < count.most_rejects:
                    row = RejectRow(found.reason.value, archive, day, part, position)
                    count.rejects.append(row)
            else:
                count.counted += 1
                sold = count.sales.setdefault((sold_on, found.category, found.segment), Amount())
                sold.add(1, found.units, found.revenue)
                buyers = count.customers.setdefault((found.category, found.segment), set())
                if found.customer is not None:
                    buyers.add(found.customer)
        return count
