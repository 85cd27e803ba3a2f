"""Events of a feed with SALES_EVENT_ID: which of them was sent first is known once all are read.

Until then they wait in an SQLite file of their own, which sorts them on the disk: memory is about
30 MiB however many there are, and the disk takes about 250 bytes of each purchase.
"""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal

from pipeline_core.errors import ConfigError
from pipeline_core.messages import Feed, RejectReason
from pipeline_core.reread.fields import Record
from pipeline_core.verify.counts import Judged, Place
from pipeline_core.verify.judge import Reject, Sale

try:
    import sqlite3
except ImportError:  # a Python that was compiled without; runs without such events need none
    sqlite3 = None  # type: ignore[assignment]

# Of these, it is not known whether they are purchases.
_UNKNOWN = {RejectReason.NOT_AN_OBJECT, RejectReason.INVALID_EVENT_TYPE}

# The first by date (none is the last), then as they came; items of that event are no copies.
_DECIDED = """
SELECT part, judged, rowid IN (
    SELECT place FROM (
        SELECT rowid AS place, part, number,
            first_value(part) OVER feed AS first_part,
            first_value(number) OVER feed AS first_number
        FROM event WHERE key IS NOT NULL AND part IN counted
        WINDOW feed AS (PARTITION BY key ORDER BY sold_on = '', sold_on, rowid)
    ) WHERE part != first_part OR number != first_number
)
FROM event WHERE part IN counted ORDER BY rowid
"""


class Waiting:
    """Sales and rejects of parts, taken in the order of archives, days and parts."""

    def __init__(self, feed: Feed) -> None:
        """Raises ConfigError if this Python has no sqlite3."""
        if sqlite3 is None:
            raise ConfigError(
                "verify needs sqlite3 for a run with SALES_EVENT_ID, and this Python has none.",
                "Take another Python, such as that of the system, or of the project's image.",
            )
        self._feed = feed
        self._parts: list[tuple[Place, str]] = []
        self._file = sqlite3.connect("", isolation_level=None)  # temporary, and without a name
        for statement in (
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE event (part INTEGER, number TEXT, key BLOB, sold_on TEXT, judged TEXT)",
            "CREATE TABLE counted (part INTEGER PRIMARY KEY)",
        ):
            self._file.execute(statement)

    def add(
        self, place: Place, sold_on: str, events: Iterable[tuple[Record, Sale | Reject]]
    ) -> int:
        """Those of a part; returns the part's number. Raises OSError if the disk is full."""
        part = len(self._parts)
        self._parts.append((place, sold_on))
        rows = (
            (part, number_of(record), self._key(record, found), sold_on, _written(record, found))
            for record, found in events
        )
        with _as_os_error():
            self._file.execute("BEGIN")
            self._file.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", rows)
            self._file.execute("COMMIT")
        return part

    def decided(self, parts: Iterable[int]) -> Iterator[Judged]:
        """What becomes of the events of the parts that count, in the order in which they came.
        Raises OSError if the disk is full."""
        with _as_os_error():
            self._file.executemany("INSERT INTO counted VALUES (?)", ((part,) for part in parts))
            for part, text, is_later in self._file.execute(_DECIDED):
                position, found = _read(text)
                if is_later:
                    is_priced = isinstance(found, Reject) or found.is_priced
                    revenue = found.revenue if is_priced else None
                    is_return = found.is_return if isinstance(found, Reject) else found.units < 0
                    again = RejectReason.DUPLICATE_EVENT
                    found = Reject(again, found.units, revenue, is_return)
                place, sold_on = self._parts[part]
                yield Judged(place, sold_on, position, found)

    def close(self) -> None:
        """Drops them."""
        self._file.close()

    def _key(self, record: Record, found: Sale | Reject) -> bytes | None:
        """SHA-256 of what the event is known by; None if it has nothing of that, or is nothing
        that could be a purchase."""
        if isinstance(found, Reject) and found.reason in _UNKNOWN:
            return None
        ids = (record.get(path) for path in self._feed.event_id)
        values = [None if value == "" else value for value in ids]
        if all(value is None for value in values):
            return None
        # A number as it is written: no list in an event has an int of Python's.
        text = json.dumps(values, sort_keys=True, default=lambda number: [0, number.text])
        return hashlib.sha256(text.encode()).digest()


def number_of(record: Record) -> str:
    """That of the event, of which it may be an item."""
    return record.position.partition("/")[0]


def _written(record: Record, found: Sale | Reject) -> str:
    revenue = None if found.revenue is None else str(found.revenue)
    values = [record.position, found.units, revenue]
    if isinstance(found, Sale):
        sold = found.category, found.segment, found.customer
        return json.dumps([*values, None, *sold, found.newest, found.is_priced])
    return json.dumps([*values, found.reason.value, found.is_return])


def _read(text: str) -> tuple[str, Sale | Reject]:
    position, units, revenue, reason, *sold = json.loads(text)
    if reason is not None:
        amount = None if revenue is None else Decimal(revenue)
        return position, Reject(RejectReason(reason), units, amount, *sold)
    category, segment, customer, newest, is_priced = sold
    # One string for all sets of customers that have it.
    buyer = None if customer is None else sys.intern(customer)
    amount = Decimal(revenue)
    return position, Sale(category, segment, buyer, units, amount, newest, is_priced)


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise OSError(errno.ENOSPC, f"{error}, of temporary files") from error
