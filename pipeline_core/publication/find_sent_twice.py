"""Events that were sent twice: all but the first of a run's events with one key.

Receipts name files of keys, in the order of their events' places. All keys are dealt out to
temporary files by their first bits, so many that each has up to about PIECE_KEYS: a key is a
SHA-256, so they are of one size, and equal ones are in one of them. A file that is larger all the
same, since some key has very many events, is read in blocks, twice: for the first place of every
key, then for all others. A key takes 60 bytes on the disk (_ROW); in memory, those of a piece and
those of a block take up to about five times as much, 170 MiB, whatever there is of events.

What has the key of an event before is expected to be that event. Where it says something else of
customer, product or quantity, it is left out all the same, and counted: a key that many share who
are not one event is the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap64

from pipeline_core.containers.entry_names import day_date
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.merging.stored_results import opened_result
from pipeline_core.processing.event_keys import key_bytes
from pipeline_core.processing.process import temporary_files
from pipeline_core.schemas import EVENT_KEYS, checked
from pipeline_core.transform.running_merge import RunningMerge

# Keys that are looked at together.
PIECE_KEYS = 1 << 19

# A key, and the place of its event: the day's date, the number of the result among those of the
# run, and the row among its keys; `event` tells events of one result apart, `content` what they
# say.
_PLACE = ("date", "result", "row")
_ROW = np.dtype(
    [
        *((f"key{number}", "<u8") for number in range(4)),
        *((("date", "<i4"), ("result", "<i4"), ("row", "<i8"), ("event", "<i8"))),
        ("content", "<u4"),
    ]
)
_KEY = tuple(name for name in _ROW.names or () if name.startswith("key"))
_HEAD_BITS = 64
_UNDATED = np.iinfo(np.int32).max
_CONTENT = EVENT_KEYS.field("content")
_UNKNOWN = 0  # content that nobody knows

_Rows = NDArray[np.void]
# Rows of a result's keys, counted from 0 in each day, by the day's directory place.
ByDay = dict[int, NDArray[np.int64]]


class KeyPlace(NamedTuple):
    """Where a key is: the number of its result, the directory place of its day, and its row there,
    from 0."""

    result: int
    day: int
    row: int


class SentTwice(NamedTuple):
    """Of each result with events that were sent before, by its number, these. ``unlike`` of them
    say something else than the first event with their key: the first of them stands at ``again``,
    and what it is unlike at ``first``."""

    by_result: dict[int, ByDay]
    unlike: int = 0
    again: KeyPlace | None = None
    first: KeyPlace | None = None


def find_sent_twice(
    ledger: RunLedger, done: Sequence[Done], piece_keys: int = PIECE_KEYS
) -> SentTwice:
    """What was sent before, results being numbered in ``done`` (in the order of the archives'
    names). First is what comes first by date (none is the last), archive, day, part and position.

    Raises:
        ResultsMissing: a file of keys is damaged; its archive is taken for not done.
        RetryableError: there is no room for temporary files, or the state does not answer.
    """
    count = sum(each.receipt.event_keys.rows for each in done if each.receipt.event_keys)
    bits = max(0, (max(1, count) - 1).bit_length() - (piece_keys - 1).bit_length())
    days: dict[int, list[tuple[int, int]]] = {}
    found: dict[int, BitMap64] = {}
    unlike = _Unlike()
    with temporary_files(), TemporaryDirectory(prefix="sales-") as folder:
        pieces = _Pieces(Path(folder), bits, piece_keys)
        for number, each in enumerate(done):
            days[number] = _deal_out(ledger, each, number, pieces)
        for piece in pieces.all():
            for rows, firsts in pieces.sent_again(piece):
                for number, of_result in _grouped(rows, rows["result"]):
                    found.setdefault(number, BitMap64()).update(of_result["row"].tolist())
                unlike.take(rows, firsts)
    return SentTwice(
        {number: _by_day(days[number], rows) for number, rows in sorted(found.items())},
        unlike.count,
        *(_key_place(days, place) for place in unlike.example),
    )


class _Unlike:
    """Rows that say something else than the first row with their key: how many, and the places
    (as in _PLACE) of the first of them and of what it is unlike."""

    def __init__(self) -> None:
        self.count = 0
        self.example: tuple[tuple[int, ...], ...] = ()

    def take(self, rows: _Rows, firsts: _Rows) -> None:
        """``firsts`` are what ``rows`` repeat, one by one."""
        said, said_first = rows["content"], firsts["content"]
        unlike = (said != said_first) & (said != _UNKNOWN) & (said_first != _UNKNOWN)
        differing = rows[unlike]
        self.count += len(differing)
        if len(differing):
            number = np.lexsort([differing[name] for name in reversed(_PLACE)])[0]
            found = (_place(differing[number]), _place(firsts[unlike][number]))
            self.example = min(self.example, found) if self.example else found


def _place(row: np.void) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in _PLACE)


def _key_place(days: dict[int, list[tuple[int, int]]], place: tuple[int, ...]) -> KeyPlace:
    _, result, row = place
    day, first = max((each for each in days[result] if each[1] <= row), key=lambda each: each[1])
    return KeyPlace(result, day, row - first)


class _Pieces:
    """Files of rows, by the first bits of their keys."""

    def __init__(self, folder: Path, bits: int, piece_keys: int) -> None:
        self._folder, self._bits = folder, bits
        # Pieces differ a little, and one that does is better read as a whole.
        self._block_bytes = (piece_keys + piece_keys // 8) * _ROW.itemsize

    def add(self, rows: _Rows) -> None:
        """Appends each to its piece."""
        # No number of bits is as many as a word has: that shift would be undefined.
        numbers = (rows["key0"] >> np.uint64(1)) >> np.uint64(_HEAD_BITS - 1 - self._bits)
        for number, piece in _grouped(rows, numbers):
            with (self._folder / f"{number}").open("ab") as file:
                file.write(piece.tobytes())

    def all(self) -> list[Path]:
        """Those that have any."""
        return sorted(self._folder.iterdir())

    def sent_again(self, piece: Path) -> Iterator[tuple[_Rows, _Rows]]:
        """Its rows of keys that an event before has, and the first row of each one's key."""
        if piece.stat().st_size <= self._block_bytes:
            yield _later(np.fromfile(piece, _ROW))
            return
        firsts = RunningMerge(_firsts, len, self._block_bytes // _ROW.itemsize)
        for block in self._blocks(piece):
            firsts.add(block)
        first_rows = firsts.whole()
        for block in self._blocks(piece):
            yield _later(np.concatenate([first_rows, block]))

    def _blocks(self, piece: Path) -> Iterator[_Rows]:
        with piece.open("rb") as file:
            while block := file.read(self._block_bytes):
                yield np.frombuffer(block, _ROW)


def _deal_out(ledger: RunLedger, done: Done, number: int, pieces: _Pieces) -> list[tuple[int, int]]:
    """Puts the keys of a result into ``pieces``. Returns its days (by directory place) with the
    first row of each, in their order."""
    days: list[tuple[int, int]] = []
    if done.receipt.event_keys is None:
        return days
    dates = {day.index: _ordinal(day_date(day.name)) for day in done.archive.days}
    row = event = 0
    with opened_result(ledger, done, done.receipt.event_keys) as file:
        for batch in pa.ipc.open_stream(file):
            table = checked(pa.Table.from_batches([_with_contents(batch)]), EVENT_KEYS)
            day, begins = table["day"].to_numpy(), table["begins"].to_numpy()
            rows = np.empty(len(day), _ROW)
            keys = key_bytes(batch["event_key"]).view("<u8").reshape(-1, len(_KEY))
            for column, name in enumerate(_KEY):
                rows[name] = keys[:, column]
            rows["date"] = [dates[each] for each in day.tolist()]
            rows["result"] = number
            rows["row"] = row + np.arange(len(day))
            rows["event"] = event + np.cumsum(begins)
            rows["content"] = table["content"].to_numpy()
            pieces.add(rows)
            starts = np.flatnonzero(np.diff(day, prepend=days[-1][0] if days else -1))
            days += zip(day[starts].tolist(), (row + starts).tolist(), strict=True)
            row, event = row + len(day), event + int(begins.sum())
    return days


def _with_contents(batch: pa.RecordBatch) -> pa.RecordBatch:
    """An earlier version did not say them."""
    if _CONTENT.name in batch.schema.names:
        return batch
    return batch.append_column(_CONTENT, pa.array([_UNKNOWN] * len(batch), _CONTENT.type))


def _ordinal(day: date | None) -> int:
    return _UNDATED if day is None else day.toordinal()


def _later(rows: _Rows) -> tuple[_Rows, _Rows]:
    """Those of keys that an event before has, and the first row of each one's key, which is among
    ``rows``."""
    shared = _sorted(rows[_is_shared(rows)])
    starts = _starts(shared)
    first = np.repeat(shared[starts], np.diff(starts, append=len(shared)))
    is_other = (shared["event"] != first["event"]) | (shared["result"] != first["result"])
    return shared[is_other], first[is_other]


def _firsts(pieces: Sequence[_Rows]) -> _Rows:
    """The first row of every key."""
    rows = np.concatenate([np.empty(0, _ROW), *pieces])
    shared = _is_shared(rows)
    several = _sorted(rows[shared])
    return np.concatenate([rows[~shared], several[_starts(several)]])


def _is_shared(rows: _Rows) -> NDArray[np.bool_]:
    """Whether another row's key begins as this one's, which few do that are not equal."""
    heads = rows[_KEY[0]].astype(np.uint64)
    order = np.argsort(heads)
    equal = np.diff(heads[order]) == 0
    shared = np.zeros(len(rows), np.bool_)
    shared[order] = np.append(equal, False) | np.insert(equal, 0, False)
    return shared


def _grouped(rows: _Rows, numbers: NDArray[np.integer]) -> Iterator[tuple[int, _Rows]]:
    """The rows of each number, in their order."""
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    pieces = np.split(rows[order], starts[1:]) if len(found) else []
    return zip(found.tolist(), pieces, strict=True)


def _sorted(rows: _Rows) -> _Rows:
    return rows[np.lexsort([rows[name] for name in reversed((*_KEY, *_PLACE))])]


def _starts(rows: _Rows) -> NDArray[np.int64]:
    """Where another key begins."""
    changes = np.zeros(len(rows), np.bool_)
    changes[:1] = True
    for name in _KEY:
        changes[1:] |= rows[name][1:] != rows[name][:-1]
    return np.flatnonzero(changes)


def _by_day(days: Sequence[tuple[int, int]], rows: BitMap64) -> ByDay:
    found: ByDay = {}
    every = np.fromiter(rows, np.int64, len(rows))
    firsts = [first for _, first in days]
    for (day, first), of_day in zip(
        days, np.split(every, np.searchsorted(every, firsts[1:])), strict=True
    ):
        if len(of_day):
            found[day] = of_day - first
    return found
