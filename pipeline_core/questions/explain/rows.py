"""Candidates of several parts, days and archives together: a few tables in place of many small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.processing.recount import DayRows

_LEAST_ROWS = 50_000


@dataclass(frozen=True)
class PlacedRows:
    """Candidates in the order of archives, days and parts, and their ``dates`` (date32).
    ``place``, int64 of shape (candidates,), are the numbers of their archive, day and part in
    ``places``."""

    places: list[tuple[str, str, str]]
    place: NDArray[np.int64]
    dates: pa.Array
    candidates: pa.Table

    def take(self, rows: NDArray[np.int64]) -> PlacedRows:
        """These of them."""
        chosen = pa.array(rows)
        return PlacedRows(
            self.places, self.place[rows], self.dates.take(chosen), self.candidates.take(chosen)
        )

    def first(self, most: int) -> PlacedRows:
        """Up to so many."""
        return PlacedRows(
            self.places,
            self.place[:most],
            self.dates.slice(0, most),
            self.candidates.slice(0, most),
        )


def together(days: Iterable[DayRows]) -> Iterator[PlacedRows]:
    """All of them, not many at once."""
    waiting: list[DayRows] = []
    rows = 0
    for day in days:
        waiting.append(day)
        rows += len(day.part)
        if rows >= _LEAST_ROWS:
            yield _joined(waiting)
            waiting, rows = [], 0
    if rows:
        yield _joined(waiting)


def _joined(days: list[DayRows]) -> PlacedRows:
    places: list[tuple[str, str, str]] = []
    place = []
    for day in days:
        place.append(day.part + len(places))
        places += [(day.archive, day.day, part) for part in day.parts]
    dates = [pa.repeat(pa.scalar(day.date, pa.date32()), len(day.part)) for day in days]
    return PlacedRows(
        places,
        np.concatenate(place),
        pa.concat_arrays(dates),
        pa.concat_tables([day.candidates for day in days]).combine_chunks(),
    )
