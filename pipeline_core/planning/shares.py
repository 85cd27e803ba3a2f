"""Shares: the days of an archive that is too large for one process, for several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from pipeline_core.blocks.packed import held
from pipeline_core.messages import ArchiveRef, DayRef

# Pieces of work for each process, at which none waits long for the last one.
_PIECES_A_PROCESS = 2
# Cutting costs a little: what is only somewhat larger than a piece stays whole.
_WORTH_CUTTING = 1.5


def split_into_shares(
    archives: Sequence[ArchiveRef],
    processes: int,
    known: Mapping[str, tuple[tuple[int, ...], ...]] = MappingProxyType({}),
) -> Sequence[ArchiveRef]:
    """The archives, which have no shares yet, with ``shares`` of those that are large beside what
    each process has to do. With more archives than processes, of about one size, there is none; nor
    if there are 0, for nobody said. ``known`` are done already, in these shares."""
    to_do = sum(a.size for a in archives if a.duplicate_of is None and a.name not in known)
    piece = to_do / (_PIECES_A_PROCESS * max(1, processes))

    def shares_of(archive: ArchiveRef) -> tuple[tuple[int, ...], ...]:
        if archive.name in known:
            return known[archive.name]
        is_large = processes > 1 and archive.size > _WORTH_CUTTING * piece
        is_cut = is_large and archive.duplicate_of is None
        return _shares(archive.days, archive.size / piece) if is_cut else ()

    if not any(map(shares_of, archives)):
        return archives
    return held(
        ArchiveRef,
        (msgspec.structs.replace(archive, shares=shares_of(archive)) for archive in archives),
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
