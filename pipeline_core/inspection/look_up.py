"""Customers and products as settings call them, and what a sample counts with them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.configuration.places import Places
from pipeline_core.errors import ConfigError, InputError, RetryableError
from pipeline_core.inspection.sample import ArchiveSample
from pipeline_core.inspection.score import judge
from pipeline_core.messages import Feed, Options
from pipeline_core.messages.inspection import Share
from pipeline_core.planning.sources import read_dimensions
from pipeline_core.schemas import CUSTOMERS, PRODUCTS, VALIDITY
from pipeline_core.transform.lookup import Dimensions, prepare


class LookUp:
    """Reads each pair of tables once, as a run reads them."""

    def __init__(self, places: Places, options: Options) -> None:
        self._places, self._options = places, options
        self._known: dict[str, tuple[Dimensions | None, str | None]] = {}

    def share(
        self,
        sample: ArchiveSample,
        feed: Feed,
        customers: DimensionTable,
        products: DimensionTable,
        *,
        is_assumed: bool,
    ) -> tuple[Share, str | None]:
        """What is counted, and why the tables cannot be used if they cannot: then nothing is, or
        where that ``is_assumed`` every id is taken for a known one."""
        dimensions, cause = self._read(customers, products, feed)
        if dimensions is None:
            if not is_assumed:
                return Share(events=len(sample.events)), cause
            dimensions = _assumed(sample.ids)
        options = self._options
        depth = options.limits.json_depth
        return judge(sample, feed, dimensions, options.unknown, depth), cause

    def _read(
        self, customers: DimensionTable, products: DimensionTable, feed: Feed
    ) -> tuple[Dimensions | None, str | None]:
        key = f"{customers!r} {products!r} {feed.price is None}"
        if key not in self._known:
            places = replace(self._places, customers=customers, products=products)
            try:
                found = read_dimensions(places, feed)
                self._known[key] = prepare(found.customers, found.products, found.scale), None
            except (ConfigError, InputError, RetryableError) as error:
                self._known[key] = None, str(error)
        return self._known[key]


def _assumed(ids: frozenset[str]) -> Dimensions:
    """Where every id is that of a customer and of a product."""
    known = pa.array([each.encode() for each in sorted(ids)], pa.large_binary())
    labels, prices = pa.array(["?"] * len(known)), pa.array([0] * len(known), pa.int64())
    always = [pa.nulls(len(known), field.type) for field in VALIDITY]
    return prepare(
        pa.Table.from_arrays([known, labels, *always], schema=CUSTOMERS),
        pa.Table.from_arrays([known, labels, prices, *always], schema=PRODUCTS),
        0,
    )
