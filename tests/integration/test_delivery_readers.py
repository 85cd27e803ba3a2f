"""Readers of delivered tables that never stop, while one run after the other is delivered."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline_core.delivery.postgresql import deliver_rows
from tests.support.delivered import (
    CELLS,
    DAYS,
    Place,
    all_of,
    made_up,
    session,
)

_PUBLICATIONS = 50
# All of it is read by whoever has its schema on the search path.
_READ = "SELECT run_id, units_sold FROM sales_report"
_SET_UP = f"""
    CREATE MATERIALIZED VIEW report_of_theirs AS {_READ};
    CREATE FUNCTION report_by_function() RETURNS TABLE (run_id text, units bigint)
        LANGUAGE sql STABLE AS '{_READ}';
"""

Rows = list[tuple[str, int]]
Reading = Callable[[Any], Rows]


def _plain(cursor: Any) -> Rows:
    cursor.execute(_READ)
    return _all(cursor)


def _prepared(cursor: Any) -> Rows:
    cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name = 'ours'")
    if cursor.fetchone() == (0,):
        cursor.execute(f"PREPARE ours AS {_READ}")
    cursor.execute("EXECUTE ours")
    return _all(cursor)


def _by_function(cursor: Any) -> Rows:
    cursor.execute("SELECT * FROM report_by_function()")
    return _all(cursor)


def _by_cursor(cursor: Any) -> Rows:
    """A few rows at a time; others are delivered in between."""
    cursor.execute(f"BEGIN; DECLARE slow CURSOR FOR {_READ}")
    rows: Rows = []
    while True:
        cursor.execute("FETCH 11 FROM slow")
        if not (more := _all(cursor)):
            break
        rows += more
        time.sleep(0.01)
    cursor.execute("COMMIT")
    return rows


def _by_copy(cursor: Any) -> Rows:
    text = io.StringIO()
    cursor.copy_expert("COPY sales_report (run_id, units_sold) TO STDOUT", text)
    lines = (line.split("\t") for line in text.getvalue().splitlines())
    return [(run_id, int(units)) for run_id, units in lines]


def _materialized(cursor: Any) -> Rows:
    cursor.execute("REFRESH MATERIALIZED VIEW report_of_theirs")
    cursor.execute("SELECT * FROM report_of_theirs")
    return _all(cursor)


def _repeatable(cursor: Any) -> Rows:
    """All tables in one transaction, which has its snapshot from its first statement on."""
    cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    rows = _plain(cursor)
    time.sleep(0.02)
    cursor.execute("SELECT DISTINCT run_id, units_sold FROM daily_sales")
    days = _all(cursor)
    cursor.execute("SELECT run_id, events FROM rejects_by_reason")
    rejects = _all(cursor)
    cursor.execute("SELECT run_id, units_sold FROM current_run")
    runs = _all(cursor)
    cursor.execute("SELECT DISTINCT run_id FROM sales_by_month")
    months = _all(cursor)
    cursor.execute("COMMIT")
    assert {*rows} == {*days} == {*rejects} == {*runs}
    assert [run_id for run_id, _ in {*rows}] == [run_id for (run_id,) in months]
    return rows


def _all(cursor: Any) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


_READERS: list[Reading] = [
    _plain,
    _prepared,
    _by_function,
    _by_cursor,
    _by_copy,
    _materialized,
    _repeatable,
]


class Reader(threading.Thread):
    """Reads until it is told to stop: each time all rows of one run, or it is wrong."""

    def __init__(self, place: Place, read: Reading) -> None:
        super().__init__(daemon=True)
        self.place, self.read, self.over = place, read, threading.Event()
        self.seen: set[str] = set()
        self.wrong: list[str] = []

    def run(self) -> None:
        with session(self.place.url) as cursor:
            cursor.execute(f"SET search_path = {self.place.schema}")
            while not self.over.is_set():
                try:
                    self._look(self.read(cursor))
                    time.sleep(0.005)  # the other readers want to read, too
                except Exception as error:
                    self.wrong.append(repr(error))
                    return

    def _look(self, rows: Rows) -> None:
        [(run_id, units)] = {*rows}  # never none, never two
        assert len(rows) == CELLS
        assert run_id == f"r{units:04d}"
        self.seen.add(run_id)


@contextmanager
def _reading(place: Place) -> Iterator[list[Reader]]:
    readers = [Reader(place, read) for read in _READERS]
    for reader in readers:
        reader.start()
    yield readers
    for reader in readers:
        reader.over.set()
    for reader in readers:
        reader.join()


def test_no_kind_of_reader_sees_anything_but_one_whole_run(place: Place) -> None:
    destination = place.destination
    deliver_rows(destination, made_up(1))
    with session(place.url) as cursor:
        cursor.execute(f"SET search_path = {place.schema}; {_SET_UP}")
    with _reading(place) as readers:
        for number in range(2, _PUBLICATIONS + 2):
            assert deliver_rows(destination, made_up(number)) is None
    assert {reader.read.__name__: reader.wrong for reader in readers if reader.wrong} == {}
    assert min(len(reader.seen) for reader in readers) > 5


def test_tables_do_not_grow_without_an_end(place: Place) -> None:
    destination = place.destination
    deliver_rows(destination, made_up(1, cells=4 * CELLS))
    sizes = f"""
        SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
        WHERE relnamespace = '{place.schema}'::regnamespace AND relkind = 'r'
    """
    [(before,)] = all_of(place.url, sizes)
    for number in range(2, 22):
        deliver_rows(destination, made_up(number, cells=4 * CELLS))
    [(after,)] = all_of(place.url, sizes)
    assert after < 4 * before


def test_two_at_once_leave_the_newer_run(place: Place) -> None:
    """Also where both find no table yet."""
    destination = place.destination
    for number in range(1, 21, 2):
        runs = [made_up(number), made_up(number + 1)]
        with ThreadPoolExecutor(2) as both:
            found = list(both.map(deliver_rows, [destination] * 2, runs))
        assert {*found} <= {None, runs[1].run_id}
        for table, rows in (("sales_report", CELLS), ("daily_sales", CELLS * DAYS)):
            seen = all_of(
                place.url, f"SELECT run_id, count(*) FROM {place.schema}.{table} GROUP BY 1"
            )
            assert seen == [(runs[1].run_id, rows)]


@pytest.mark.parametrize("name", ["sales_report", "daily_sales"])
def test_what_readers_built_stays(place: Place, name: str) -> None:
    """Grants, views, comments of columns, indexes, and a snapshot that was taken before."""
    destination = place.destination
    deliver_rows(destination, made_up(1))
    [(oid,)] = all_of(place.url, f"SELECT '{place.schema}.{name}'::regclass::oid::int")
    with session(place.url) as cursor, session(place.url) as old:
        cursor.execute(f"CREATE VIEW {place.schema}.theirs AS SELECT * FROM {place.schema}.{name}")
        cursor.execute(f"GRANT SELECT ON {place.schema}.{name} TO sales_reader")
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        deliver_rows(destination, made_up(2))
        old.execute(f"SELECT DISTINCT run_id FROM {place.schema}.{name}")
        assert old.fetchall() == [("r0001",)]
        cursor.execute(f"SELECT DISTINCT run_id FROM {place.schema}.theirs")
        assert cursor.fetchall() == [("r0002",)]
        cursor.execute(f"SELECT has_table_privilege('sales_reader', {oid}, 'SELECT')")
        assert cursor.fetchall() == [(True,)]
