"""Shares: the days of an archive that is too large for one process, for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from pipeline_core.messages import ArchiveRef, DayRef

# Pieces of work for each process, at which none waits long for the last one.
_PIECES_A_PROCESS = 2
# Cutting costs a little: what is only somewhat larger than a piece stays whole.
_WORTH_CUTTING = 1.5


def split_into_shares(
    archives: Sequence[ArchiveRef],
    processes: int,
    known: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType({}),
) -> tuple[ArchiveRef, ...]:
    """The archives, those with ``shares`` that are large beside what each process has to do.
    With more archives than processes, of about one size, there is none; nor if there are 0, for
    nobody said. ``known`` are done already, in these shares."""
    to_do = [a for a in archives if a.duplicate_of is None and a.name not in known]
    piece = sum(archive.size for archive in to_do) / (_PIECES_A_PROCESS * max(1, processes))
    large = {a.id for a in to_do if processes > 1 and a.size > _WORTH_CUTTING * piece}
    return tuple(
        msgspec.structs.replace(
            archive,
            shares=known[archive.name]
            if archive.name in known
            else _shares(archive.days, archive.size / piece)
            if archive.id in large
            else (),
        )
        for archive in archives
    )


def _shares(days: Sequence[DayRef], pieces: float) -> tuple[tuple[int, ...], ...]:
    """Consecutive days, so that their results follow each other as the days do, in shares of
    about one size."""
    goal = max(1, sum(day.size for day in days) / pieces)
    shares: list[list[int]] = []
    before = 0
    for day in days:
        # A day belongs to the piece in which its middle lies.
        if not shares or (before + day.size / 2) // goal > len(shares) - 1:
            shares.append([])
        shares[-1].append(day.index)
        before += day.size
    return tuple(map(tuple, shares)) if len(shares) > 1 else ()
