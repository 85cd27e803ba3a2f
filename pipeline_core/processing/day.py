"""One day of an archive: its parts, from its zip or from the extract that an earlier run left."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import IO

from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.containers.meter import Meter, day_meter
from pipeline_core.containers.names import day_date
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.decode import decode
from pipeline_core.extract.extracts import ExtractedDay, ExtractWriter, read_candidates
from pipeline_core.extract.walk import day_parts, open_day, part_windows
from pipeline_core.extract.windows import Window
from pipeline_core.messages import Options, Tally, Unreadable
from pipeline_core.processing.repeated import DayNames
from pipeline_core.processing.rules import window_bytes
from pipeline_core.processing.steps import Chunk, End


class Day:
    """A daily zip of an archive, and what is found out of it while it is extracted: ``parts`` by
    what became of them, directory places of ``counted_parts``, and the first of ``unreadable``
    ones; of entries that are no parts, how many are ``ignored``, by their ending."""

    def __init__(self, archive: str, name: str, options: Options, meter: Meter) -> None:
        self.archive = archive
        self.name = name
        self.date = day_date(name)
        self.options = options
        self.meter = day_meter(options.limits, meter)
        self.parts = Tally()
        self.counted_parts: list[int] = []
        self.ignored: dict[str, int] = {}
        self.unreadable: list[Unreadable] = []
        self.names = DayNames(archive, name)

    def extract_parts(
        self, file: IO[bytes], writer: ExtractWriter | None
    ) -> Generator[Chunk | End]:
        """Reads the parts of its zip, and tells ``writer`` of them. Raises UnreadableDay, or
        UnreadableArchive if the archive's limit is passed."""
        day = open_day(file, self.options.limits)
        parts, self.ignored = day_parts(day)
        entries_of = Counter(part.name for part in parts)
        for part in parts:
            cause, copy = None, False
            hasher = hashlib.sha256() if entries_of[part.name] > 1 else None
            try:
                windows = part_windows(day, part, self.meter, window_bytes(self.options), hasher)
                yield from self._extract_events(part.name, windows, writer)
            except UnreadablePart as error:
                cause = error.message
            else:
                copy = hasher is not None and self.names.is_copy(part.name, hasher.digest())
                if not copy:
                    self.counted_parts.append(part.index)
            yield End("part", counts=cause is None and not copy)
            self._count_part(part.name, cause, copy=copy)
            if writer is not None:
                writer.end_part(part.name, cause, copy=copy)

    def extract_again(self, path: Path, kept: ExtractedDay) -> Generator[Chunk | End]:
        """What an earlier run extracted."""
        self.ignored = kept.ignored
        for part in kept.parts:
            self._count_part(part.name, part.cause, copy=part.copy)
        for part, decoded in read_candidates(path, kept):
            yield Chunk(self.archive, self.name, self.date, part.name, 0, decoded)
        yield End("part")  # all of them

    def _extract_events(
        self, part: str, windows: Iterable[Window], writer: ExtractWriter | None
    ) -> Generator[Chunk | End]:
        first = 0
        for window in windows:
            for decoded in decode(window, self.options.limits.json_depth, self.options.batch_size):
                if writer is not None:
                    writer.add(decoded, first)
                yield Chunk(self.archive, self.name, self.date, part, first, decoded)
                first += decoded.seen

    def _count_part(self, name: str, cause: str | None, *, copy: bool) -> None:
        if cause is not None:
            most = self.options.most_listed
            if most is None or len(self.unreadable) < most:
                self.unreadable.append(unreadable_place(self.archive, self.name, name, cause))
            self.parts += Tally(unreadable=1)
        elif copy:
            self.parts += Tally(duplicate=1)
        else:
            self.parts += Tally(read=1)
            self.names.note_read(name)


def unreadable_place(archive: str, day: str | None, part: str | None, cause: str) -> Unreadable:
    """The place of what cannot be read, with a cause of bounded length."""
    return Unreadable(archive, day, part, cut(cause, LONGEST_CAUSE))
