"""Settings as lines of ``.env``: all that differ from their defaults."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.configuration.feed import OURS
from pipeline_core.configuration.places import Places
from pipeline_core.messages import Feed
from pipeline_core.messages.inspection import Line

_DEFAULT = Feed()


def feed_lines(feed: Feed) -> list[Line]:
    """One for each setting of the feed that is not its default."""
    defaults = _texts(_DEFAULT)
    return [
        Line(name, text, _why(name, feed))
        for name, text in _texts(feed).items()
        if text != defaults[name]
    ]


def _texts(feed: Feed) -> dict[str, str]:
    """Each setting as it would be written; empty if there is nothing to say."""
    fields = {ours: getattr(feed, ours) for ours in OURS}
    missing = feed.missing_quantity
    return {
        "SALES_FIELDS": ",".join(_pairs(fields)),
        "SALES_PURCHASE_TYPES": ",".join(feed.purchase_types),
        "SALES_RETURN_TYPES": ",".join(feed.return_types),
        "SALES_IDS": feed.ids,
        "SALES_QUANTITY": feed.numbers if missing is None else f"number:{missing}",
        "SALES_PRICE_FIELD": feed.price or "",
        "SALES_PRICE_DECIMALS": str(feed.price_decimals),
        "SALES_ITEMS": feed.items or "",
        "SALES_RECORDS": feed.records or "",
        "SALES_PARTS": ",".join(feed.parts),
        "SALES_IGNORE": ",".join(feed.ignore),
        "SALES_ONLY": ",".join(each.text for each in feed.only),
        "SALES_EVENT_ID": ",".join(feed.event_id),
    }


def _pairs(theirs: Mapping[str, str]) -> list[str]:
    """``ours=theirs`` of names that are not the same."""
    return [f"{ours}={name}" for ours, name in theirs.items() if name != ours]


def _columns(theirs: Mapping[str, str]) -> str:
    """Pairs with commas in between; one with a comma in it in quotes."""
    target = io.StringIO()
    csv.writer(target, lineterminator="").writerow(_pairs(theirs))
    return target.getvalue()


_WHYS = {
    "SALES_IDS": "ids are whole numbers in the events",
    "SALES_ITEMS": "each item of this list is a purchase of its own",
    "SALES_RECORDS": "the array of the envelope that holds the events",
    "SALES_IGNORE": "files that are passed over",
    "SALES_PARTS": "files that hold events and are not read by their ending",
    "SALES_ONLY": "the rest is marked as a test",
    "SALES_EVENT_ID": "what tells an event that was sent twice",
}


def _why(name: str, feed: Feed) -> str:
    if name == "SALES_FIELDS":
        return "what the fields are called"
    if name == "SALES_PURCHASE_TYPES":
        return f"types of {feed.event_type} that carry products and quantities"
    if name == "SALES_QUANTITY" and feed.missing_quantity is not None:
        return "quantities are missing where one is meant"
    if name == "SALES_QUANTITY":
        return "quantities are written as texts or with decimals"
    return _WHYS.get(name, "")


def table_lines(table: DimensionTable, today: DimensionTable) -> Iterator[Line]:
    """The settings of customers or products: which table, also where only the setting of today
    names another one than the default, and its columns."""
    if not table.named == today.named == table.kind:
        yield Line(table.setting, table.named, f"what the table of {table.kind} is called")
    if columns := _columns(table.renamed):
        yield Line(table.columns_setting, columns, f"what the columns of {table.named} are called")


def place_lines(places: Places) -> Iterator[Line]:
    """The places that were looked at; a database is left out, because its URL may hold a
    password."""
    yield Line("SALES_DATA", places.data, "where the archives are")
    if places.dimensions is not None:
        yield Line("SALES_DIMENSIONS", places.dimensions, "where customers and products are")
