"""The figures of a run, counted again from its archives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import IO, NamedTuple

from pipeline_core.errors import UnreadableArchive
from pipeline_core.messages import Options
from pipeline_core.verify.archive import ArchiveReader, DayFound
from pipeline_core.verify.counts import Count, Place
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.waiting import Waiting


class ArchiveFound(NamedTuple):
    """What an archive comes to by itself, whatever others hold: its days, and its entries that are
    none, by ending."""

    days: list[DayFound]
    ignored: Counter[str]


class Recount:
    """The archives of a run, taken in the order of their names. Bytes decide what is a duplicate:
    the first of equal archives, or days, that can be read counts. ``told`` hears events and bytes
    of each part. Events that are known by SALES_EVENT_ID count with ``finish``; then it is to be
    closed."""

    def __init__(self, rules: Rules, options: Options, told: Callable[[int, int], None]) -> None:
        self.total = Count(options.reject_rows)
        self.read = self.duplicate = self.broken = 0
        self._archives_read: set[str] = set()
        self._archives_broken: set[str] = set()
        self._days_read: set[str] = set()
        self._waiting = Waiting(rules.feed) if rules.feed.event_id else None
        self._reader = ArchiveReader(rules, options, told, self._waiting)

    def take(self, name: str, file: IO[bytes], digest: str) -> None:
        """Counts an archive; ``digest`` is the SHA-256 (hex) of its bytes."""
        if digest in self._archives_read:
            self.duplicate += 1
            return
        days, ignored = set[str](), Counter[str]()
        found = self._reader.days(
            name, file, lambda content: content in self._days_read or content in days, ignored
        )
        try:
            self._include(name, digest, days, found, ignored)
        except UnreadableArchive as error:
            if self.leave_out(name, digest):
                self.total.ignored.update(error.ignored)

    def take_found(self, name: str, digest: str, found: ArchiveFound) -> None:
        """Counts an archive by what it comes to by itself."""
        if digest in self._archives_read:
            self.duplicate += 1
        else:
            self._include(name, digest, set(), found.days, found.ignored)

    def _include(
        self,
        name: str,
        digest: str,
        days: set[str],
        found: Iterable[DayFound],
        ignored: Counter[str],
    ) -> None:
        """Takes the days that count, if all could be read that had to be: ``days`` gets the SHA-256
        of those that are not known yet."""
        count = Count(self.total.most_rejects)
        for day, is_opened, counted, inner in found:
            if is_opened and (day.content in self._days_read or day.content in days):
                count.days_duplicate += 1
            else:
                if is_opened:
                    days.add(day.content)
                if counted is not None:
                    count.include(counted)
                else:
                    count.unreadable.append(Place(name, day.entry))
                count.ignored.update(inner)
            count.days.append(day)
        count.ignored.update(ignored)
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

    def finish(self) -> None:
        """Counts the events that wait: each is there now. Raises OSError if the disk is full."""
        if self._waiting is not None:
            for event in self._waiting.decided(self.total.waiting):
                self.total.take(event)

    def close(self) -> None:
        """Drops temporary files."""
        if self._waiting is not None:
            self._waiting.close()
