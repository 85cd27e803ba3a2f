"""Settings: what the shop's feed calls things, and how it wraps them."""

from __future__ import annotations

from typing import get_args

from pipeline_core.configuration.feed import (
    parse_fields,
    parse_items,
    parse_names,
    parse_only,
    parse_parts,
    parse_path,
    parse_price_field,
    parse_quantity,
    parse_types,
)
from pipeline_core.messages import Condition, Feed, Ids
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import TEXT, OneOf, Whole


def _no_purchases(returns: str, purchases: str) -> str:
    for each in set(parse_names(returns)) & set(parse_names(purchases)):
        raise ValueError(f"{each} is a type of purchases, too")
    return returns


class FeedSettings(SettingGroup):
    """What the shop's feed calls things, and how it wraps them."""

    fields: str = setting(
        "",
        TEXT,
        "The shop's names of our four fields: `customer_id=user.id,product_id=sku`; "
        "dots lead into objects.",
        check=parse_fields,
    )
    purchase_types: str = setting(
        "purchase",
        TEXT,
        "Event types that are purchases, with commas in between.",
        check=parse_types,
    )
    return_types: str = setting(
        "",
        TEXT,
        "Event types that are returns, with commas in between; their quantity is above "
        "0. A purchase of a quantity below 0 is a return in any case.",
        beside=("purchase_types", _no_purchases),
    )
    ids: Ids = setting(
        "text", OneOf(*get_args(Ids)), "What an id may be: text, or any (JSON integers, too)."
    )
    quantity: str = setting(
        "integer",
        TEXT,
        "What a quantity is: integer, number (also 2.0, and the texts 2 and 2.0, with "
        "a minus or not, but not 2.50, +2, 2,0 or one with blanks), or number:1, where a missing "
        "one counts as 1.",
        check=parse_quantity,
    )
    price_field: str | None = setting(
        None,
        TEXT,
        "Path of what was paid for a unit: a number, or a text of digits, with a point "
        "or without (9.95, 10, 10. and .5; -0 is 0). Then the price of products is not read.",
        beside=("fields", parse_price_field),
    )
    price_decimals: int = setting(
        2, Whole(0, 6), "Most decimals of a price that was paid; reports have as many."
    )
    only: str = setting(
        "",
        TEXT,
        "What a purchase has to meet: `status=paid|sent,test!=true`; other events are "
        "no purchases. Values are compared as JSON writes them: the text True and the number 1 are "
        "not true.",
        check=parse_only,
    )
    items: str | None = setting(
        None,
        TEXT,
        "Path of an order's items, each of which is a purchase: `properties.products[]`.",
        parse=parse_items,
    )
    event_id: str = setting(
        "",
        TEXT,
        "Paths of the fields by which an event that was sent twice counts once; what "
        "is missing, null or empty there is no id.",
    )
    records: str | None = setting(
        None,
        TEXT,
        "Path of the array of events in parts that are one object; else its only one.",
        parse=parse_path,
    )
    parts: str = setting(
        "",
        TEXT,
        "Further entries that are parts: endings (`.log`, which takes `.log.gz` and "
        "`.log.zst`, too) and patterns of file names (`part-*`).",
        check=parse_parts,
    )
    ignore: str = setting(
        "", TEXT, "Patterns of entries, parts or days, that are passed over: `*_intraday_*`."
    )

    def feed(self) -> Feed:
        """What the run's manifest keeps of them."""
        quantity = parse_quantity(self.quantity)
        return Feed(
            **parse_fields(self.fields),
            purchase_types=parse_types(self.purchase_types),
            return_types=parse_names(self.return_types),
            ids=self.ids,
            price=self.price_field,
            price_decimals=self.price_decimals,
            records=self.records,
            parts=parse_parts(self.parts),
            ignore=parse_names(self.ignore),
            items=self.items,
            only=tuple(Condition(*each) for each in parse_only(self.only)),
            numbers="number" if quantity.is_any_number else "integer",
            missing_quantity=quantity.missing,
            event_id=parse_names(self.event_id),
        )
