"""Reading extracts: a file of them at once or, of a far one of which few days are wanted, these."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from pipeline_core.extract.extracts import ExtractedDay, ExtractPlace, read_day
from pipeline_core.kept.extract_files import FULL_BYTES, LIST_BYTES, MOST_DAYS, FileStretch, spans
from pipeline_core.kept.extract_names import ExtractNames, days_in, is_of_one_day, short
from pipeline_core.logs import get_logger
from pipeline_core.machine.disk import temporary_file
from pipeline_core.storage import Storage

log = get_logger()

# Copies of far files that are held.
_MOST_OPEN = 4
# The first stretch of a file: all of a small one.
_FIRST_BYTES = 64 << 10
# A request is one block, so that none outlives the client's time-out on a slow line.
_BLOCK = 8 << 20
# It takes two requests to read a day by itself, and one to read all.
_FEW = 4


class FoundExtract(NamedTuple):
    """A sound extract of a day; ``place`` is there until other files are looked into. A file that
    ``is_full`` takes no more days."""

    name: str
    place: ExtractPlace
    day: ExtractedDay
    is_full: bool


@dataclass
class _OpenFile:
    """A file, of which all is at ``path``, or nothing yet."""

    days: dict[str, FileStretch]
    path: Path | None
    copies: ExitStack

    @property
    def is_full(self) -> bool:
        size = max((span.begin + span.size for span in self.days.values()), default=0)
        return size >= FULL_BYTES or len(self.days) >= MOST_DAYS


class ExtractReader:
    """Finds extracts in ``folder`` by the digests of the days' bytes. Those that are ``wanted`` say
    how a file is read; None is all. ``damaged`` are the names of files that are not sound."""

    def __init__(
        self, state: Storage, folder: str, names: ExtractNames, wanted: Collection[str] | None
    ) -> None:
        self.damaged: set[str] = set()
        self._not_sound: set[tuple[str, str]] = set()
        self._state, self._folder, self._names = state, folder, names
        self._wanted = None if wanted is None else frozenset(map(short, wanted))
        self._open: OrderedDict[str, _OpenFile] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.look_anew()

    def look_anew(self) -> None:
        """Forgets what it saw in files: some have been written since."""
        while self._open:
            self._open.popitem()[1].copies.close()
        self._not_sound.clear()
        self.damaged.clear()

    def find(self, archive: str, digest: str) -> FoundExtract | None:
        """The sound extract of a day of an archive, whatever file it is in. Raises
        RetryableError."""
        found = (self.sound(name, digest) for name in self._names.having(archive, digest))
        return next((each for each in found if each is not None), None)

    def sound(self, name: str, digest: str) -> FoundExtract | None:
        """The extract of a day in a file, if it is there and sound. Raises RetryableError."""
        place = None if (name, digest) in self._not_sound else self.place(name, digest)
        if place is None:
            return None
        try:
            day = read_day(place)
        except FileNotFoundError:  # another has replaced it since
            return None
        if day is not None:
            return FoundExtract(name, place, day, self._open[name].is_full)
        self.damaged.add(name)
        self._not_sound.add((name, digest))
        log.warning("damaged_extract_ignored", day=digest, file=self._key(name))
        return None

    def days(self, name: str) -> tuple[str, ...]:
        """Digests of the days that a file lists as it is now; none if it is gone, or its list is
        not sound."""
        if name in self._open:  # another may have written it since
            self._open.pop(name).copies.close()
        try:
            return tuple(self._opened(name).days)
        except FileNotFoundError:
            return ()

    def place(self, name: str, digest: str) -> ExtractPlace | None:
        """Where a day is in a file; None if it is not in it, or the file is gone or not sound."""
        try:
            file = self._opened(name)
            span = file.days.get(digest)
            if span is None:
                return None
            if file.path is None:
                return ExtractPlace(self._copied(name, span, file.copies), 0, span.size)
            return ExtractPlace(file.path, *span)
        except FileNotFoundError:
            return None

    def _opened(self, name: str) -> _OpenFile:
        if name not in self._open:
            if len(self._open) == _MOST_OPEN:
                self._open.popitem(last=False)[1].copies.close()
            self._open[name] = self._first_look(name)
        self._open.move_to_end(name)
        return self._open[name]

    def _first_look(self, name: str) -> _OpenFile:
        """One without a sound list has no days."""
        with ExitStack() as stack:
            if self._is_one_of_few(name):
                beginning = self._state.stretch(self._key(name), 0, _FIRST_BYTES)
                path = None
                if len(beginning) < _FIRST_BYTES:
                    path, target = stack.enter_context(temporary_file(self._state.uri))
                    target.write(beginning)
                    target.close()
            else:
                path = stack.enter_context(self._state.local_file(self._key(name)))
                with path.open("rb") as opened:
                    beginning = opened.read(LIST_BYTES)
            if is_of_one_day(name) and path is not None:
                days = {name.partition(".")[0]: FileStretch(0, path.stat().st_size)}
            else:
                days = self._listed(name, beginning)
            return _OpenFile(days, path, stack.pop_all())

    def _listed(self, name: str, beginning: bytes) -> dict[str, FileStretch]:
        listed = spans(beginning)
        if listed is None and name not in self.damaged:
            self.damaged.add(name)
            log.warning("damaged_extract_ignored", file=self._key(name), days=len(days_in(name)))
        return listed or {}

    def _is_one_of_few(self, name: str) -> bool:
        if self._wanted is None or not self._state.is_far:
            return False
        days = days_in(name)
        return _FEW * sum(day in self._wanted for day in days) <= len(days)

    def _copied(self, name: str, span: FileStretch, copies: ExitStack) -> Path:
        path, target = copies.enter_context(temporary_file(self._state.uri))
        end = span.begin + span.size
        for begin in range(span.begin, end, _BLOCK):
            target.write(self._state.stretch(self._key(name), begin, min(begin + _BLOCK, end)))
        target.close()
        return path

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}"
