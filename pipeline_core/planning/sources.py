"""Where a run's customers and products come from: read, and named in its manifest."""

from __future__ import annotations

from pathlib import Path

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.configuration.places import Places, is_plugin
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import DATABASE, DimensionSource, Feed


def read_dimensions(places: Places, feed: Feed) -> Snapshot:
    """Customers and products of now; the latter without prices if events of the feed have them.
    Raises as the sources do."""
    products = products_of(places, feed)
    if places.dimensions is not None and is_plugin(places.dimensions):
        from pipeline_core.dimensions.plugin import read_plugin

        return read_plugin(places.dimensions, places.customers, products)
    if places.dimensions is not None:
        from pipeline_core.dimensions.files import read_folder

        return read_folder(Path(places.dimensions), places.customers, products)
    from pipeline_core.dimensions.database import read_database

    return read_database(places.database_url, places.customers, products)


def products_of(places: Places, feed: Feed) -> DimensionTable:
    """The table of products, without prices if events of the feed have them."""
    is_paid = feed.price is not None
    return places.products.without_price(feed.price_decimals) if is_paid else places.products


def source_of(places: Places, table: DimensionTable) -> DimensionSource:
    """What the manifest says of one of the tables."""
    columns = table.wanted([])
    if places.dimensions is None:
        place = DATABASE
    elif is_plugin(places.dimensions):
        from pipeline_core.dimensions.plugin import described

        place = described(places.dimensions)
    else:
        place = str(Path(places.dimensions).absolute())
    return DimensionSource(place=place, table=table.named, columns=columns)
