"""Rows to deliver, and what stands in delivered tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import psycopg2
from sqlalchemy import make_url

from pipeline_core.configuration.destinations import Destination, parse_destinations
from pipeline_core.delivery.rows import PublishedRows, Row

CELLS, DAYS = 40, 8


@dataclass(frozen=True)
class Place:
    """A schema of the session's PostgreSQL that nobody else has; ``url`` is a superuser's."""

    url: str
    schema: str

    @property
    def setting(self) -> str:
        return f"{self.url}?schema={self.schema}"

    @property
    def destination(self) -> Destination:
        [found] = parse_destinations(self.setting)
        return found

    def by(self, user: str, password: str) -> Place:
        """As another user."""
        changed = make_url(self.url).set(username=user, password=password)
        return replace(self, url=changed.render_as_string(hide_password=False))


@contextmanager
def session(url: str) -> Iterator[Any]:
    """A cursor of a connection of its own, which commits every statement."""
    place = make_url(url).set(drivername="postgresql")
    connection = psycopg2.connect(place.render_as_string(hide_password=False))
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def all_of(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    with session(url) as cursor:
        cursor.execute(query, values or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def made_up(number: int, *, cells: int = CELLS, as_of: date | None = None) -> PublishedRows:
    """Rows of the run ``r<number>``: every cell of it sold ``number`` units for ``number``.50. A
    quarter of the cells is of no other run."""
    run_id = f"r{number:04d}"
    labels = [f"of {run_id if cell % 4 == 0 else 'all'} {cell}" for cell in range(cells)]
    sold = (f"{number}.50", str(number))
    sales: list[Row] = [(label, "Retail", *sold, "1", run_id) for label in labels]
    days: list[Row] = [
        (f"2024-03-{day + 1:02d}" if day else None, label, "Retail", *sold, run_id)
        for day in range(DAYS)
        for label in labels
    ]
    rejects: list[Row] = [("guest", str(number), None, None, "0", "1", run_id)]
    counts = [str(number)] * 7
    moment = "2024-03-01T03:00:00+00:00"
    shown_as_of = None if as_of is None else as_of.isoformat()
    run: Row = (run_id, "true", "complete", shown_as_of, moment, moment, sold[0], *counts)
    tables = {"sales_report": sales, "daily_sales": days, "rejects_by_reason": rejects}
    return PublishedRows(run_id, as_of, {**tables, "runs": [run]})
