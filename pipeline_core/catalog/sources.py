"""Where customers and products may be: a folder, a database, or what a plug-in brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pipeline_core.catalog.database import database_tables
from pipeline_core.catalog.folder import SAMPLE_ROWS, folder_tables
from pipeline_core.catalog.tables import Column, Table
from pipeline_core.configuration.places import Places, is_plugin
from pipeline_core.dimensions.files import check_folder
from pipeline_core.errors import PipelineError
from pipeline_core.messages import Feed
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.schemas import NO_PRICE


class Sources:
    """What may hold customers and products; ``cause`` is why that is not known."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[frozenset[str], list[Table]] = {}
        self.cause: str | None = None

    def of(self, ids: frozenset[str]) -> list[Table]:
        """Those of the place, with those of the ids that stand in them. Raises ConfigError if there
        is no such folder."""
        if ids not in self._known:
            self._known[ids] = self._read(ids)
        return self._known[ids]

    def _read(self, wanted: frozenset[str]) -> list[Table]:
        if self._places.dimensions is None:
            try:
                asked = (self._places.customers, self._places.products)
                return database_tables(self._places.database_url, wanted, asked)
            except PipelineError as error:
                self.cause = str(error)
                return []
        if is_plugin(self._places.dimensions):
            return self._of_plugin()
        folder = Path(self._places.dimensions)
        check_folder(folder)
        found = folder_tables(folder, wanted)
        self.cause = None if found else f"{folder} holds no table as .csv or .parquet."
        return found

    def _of_plugin(self) -> list[Table]:
        try:
            found = read_dimensions(self._places, Feed())
        except PipelineError as error:
            self.cause = str(error)
            return []
        tables = ("customers", found.customers), ("products", found.products)
        return [Table(name, tuple(_columns(table))) for name, table in tables]


def _columns(table: pa.Table) -> Iterator[Column]:
    """Those of a snapshot, of which prices are called as they were."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.to_pylist()
        texts = [v.decode(errors="replace") if isinstance(v, bytes) else v for v in values]
        known = [None if text is None else str(text) for text in texts]
        called = name
        if name == "price_minor":
            called, no_price = "price", str(NO_PRICE)
            known = [None if text == no_price else text for text in known]
        kind = str(column.type)
        yield Column(called, kind, tuple(known[:SAMPLE_ROWS]), frozenset(filter(None, known)))
