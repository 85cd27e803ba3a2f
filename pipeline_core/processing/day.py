"""One day of an archive: its parts, from its zip or from the extract that an earlier run left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence

from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import base_name, day_date
from pipeline_core.containers.meter import Meter, day_meter
from pipeline_core.containers.zip_entries import OpenedZip
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.candidates import Decoded
from pipeline_core.extract.days import LooseDigest
from pipeline_core.extract.decode import decode
from pipeline_core.extract.extracts import (
    ExtractedDay,
    ExtractPlace,
    ExtractWriter,
    read_candidates,
)
from pipeline_core.extract.walk import Listing, PartHash, part_windows
from pipeline_core.messages import Options, Tally, Unreadable
from pipeline_core.processing.repeated_entries import DayNames, packed_otherwise
from pipeline_core.processing.rules import window_bytes
from pipeline_core.processing.steps import Chunk, End


class Day:
    """A day of an archive, by its name, its directory place and its digest, empty until that is
    known; and what is found out of it while it is extracted: ``parts`` by what became of them,
    directory places of ``counted_parts``, and the first of ``unreadable`` ones; of entries that are
    no parts, how many are ``ignored``, by their ending."""

    def __init__(
        self, archive: str, name: str, index: int, digest: str, options: Options, meter: Meter
    ) -> None:
        self.archive = archive
        self.name = name
        self.index = index
        self.digest = digest
        self.date = day_date(name)
        self.options = options
        self.meter = day_meter(options.limits, meter)
        self.parts = Tally()
        self.counted_parts: list[int] = []
        self.ignored: dict[str, int] = {}
        self.unreadable: list[Unreadable] = []
        self.names = DayNames(archive, name)

    def extract_parts(
        self, opened: OpenedZip, parts: Listing, writer: ExtractWriter | None, *, is_loose: bool
    ) -> Generator[Chunk | End]:
        """Reads the ``parts``, which are in ``opened``, and tells ``writer`` of them. The digest of
        loose ones is found out on the way. Raises UnreadableDay, or UnreadableArchive if the
        archive's limit is passed."""
        self.ignored = parts.ignored
        loose = LooseDigest(self.name) if is_loose else None
        alike, twins = _alike(parts.wanted), packed_otherwise([each.name for each in parts.wanted])
        for part in parts.wanted:
            cause = digest = None
            hasher = PartHash() if is_loose or part.index in alike else None
            content = PartHash() if part.name in twins else None
            try:
                yield from self._extract_events(opened, part, hasher, content, writer)
            except UnreadablePart as error:
                cause = error.message
            if hasher is not None and (is_loose or cause is None):
                digest = hasher.digest()
            if loose is not None:
                loose.add(part, digest)
            is_sound = cause is None
            if is_sound and content is not None:
                digest = content.digest()
            copy = is_sound and digest is not None and self.names.is_copy(part.name, digest)
            if is_sound and not copy:
                self.counted_parts.append(part.index)
            yield End("part", counts=is_sound and not copy)
            self._count_part(part.name, cause, copy=copy)
            if writer is not None:
                writer.end_part(part.name, cause, copy=copy)
        if loose is not None:
            self.digest = loose.hexdigest()

    def extract_again(self, place: ExtractPlace, kept: ExtractedDay) -> Generator[Chunk | End]:
        """What an earlier run extracted."""
        self.ignored = kept.ignored
        for part in kept.parts:
            self._count_part(part.name, part.cause, copy=part.copy)
        for part, decoded in read_candidates(place, kept):
            yield self._chunk(part.name, 0, decoded)
        yield End("part")  # all of them

    def _extract_events(
        self,
        opened: OpenedZip,
        part: Entry,
        hasher: PartHash | None,
        content: PartHash | None,
        writer: ExtractWriter | None,
    ) -> Generator[Chunk | End]:
        first, options = 0, self.options
        depth, rows, feed = options.limits.json_depth, options.batch_size, options.feed
        held = window_bytes(options)
        for window in part_windows(
            opened, part, self.meter, held, feed, hasher, content, are_open=True
        ):
            for decoded in decode(window, depth, rows, feed):
                if writer is not None:
                    writer.add(decoded, first)
                yield self._chunk(part.name, first, decoded)
                first += decoded.positions
                del decoded
            del window  # while the next one is made

    def _chunk(self, part: str, first: int, decoded: Decoded) -> Chunk:
        return Chunk(self.archive, self.name, self.index, self.date, part, first, decoded)

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


def _alike(parts: Sequence[Entry]) -> frozenset[int]:
    """Directory places of those that may be copies: another has the base name, size and CRC."""
    if len(parts) == 1:
        return frozenset()
    looks = [(base_name(part.name), part.size, part.crc) for part in parts]
    counts = Counter(looks)
    return frozenset(
        part.index for part, look in zip(parts, looks, strict=True) if counts[look] > 1
    )


def unreadable_place(archive: str, day: str | None, part: str | None, cause: str) -> Unreadable:
    """The place of what cannot be read, with a cause of bounded length."""
    return Unreadable(archive, day, part, cut(cause, LONGEST_CAUSE))
