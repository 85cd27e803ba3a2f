"""Settings: what the shop's feed calls things, and how it wraps them."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

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
from pipeline_core.settings.group import SettingGroup


class FeedSettings(SettingGroup):
    """What the shop's feed calls things, and how it wraps them."""

    fields: str = Field(
        "",
        description="The shop's names of our four fields: `customer_id=user.id,product_id=sku`; "
        "dots lead into objects.",
    )
    purchase_types: str = Field(
        "purchase", description="Event types that are purchases, with commas in between."
    )
    return_types: str = Field(
        "",
        description="Event types that are returns, with commas in between; their quantity is above "
        "0. A purchase of a quantity below 0 is a return in any case.",
    )
    ids: Ids = Field("text", description="What an id may be: text, or any (JSON integers, too).")
    quantity: str = Field(
        "integer",
        description="What a quantity is: integer, number (also 2.0, and the texts 2 and 2.0, with "
        "a minus or not, but not 2.50, +2, 2,0 or one with blanks), or number:1, where a missing "
        "one counts as 1.",
    )
    price_field: str | None = Field(
        None,
        description="Path of what was paid for a unit: a number, or a text of digits, with a point "
        "or without (9.95, 10, 10. and .5; -0 is 0). Then the price of products is not read.",
    )
    price_decimals: int = Field(
        2,
        description="Most decimals of a price that was paid; reports have as many.",
        ge=0,
        le=6,
    )
    only: str = Field(
        "",
        description="What a purchase has to meet: `status=paid|sent,test!=true`; other events are "
        "no purchases. Values are compared as JSON writes them: the text True and the number 1 are "
        "not true.",
    )
    items: str | None = Field(
        None,
        description="Path of an order's items, each of which is a purchase: "
        "`properties.products[]`.",
    )
    event_id: str = Field(
        "",
        description="Paths of the fields by which an event that was sent twice counts once; what "
        "is missing, null or empty there is no id.",
    )
    records: str | None = Field(
        None,
        description="Path of the array of events in parts that are one object; else its only one.",
    )
    parts: str = Field(
        "",
        description="Further entries that are parts: endings (`.log`, which takes `.log.gz` and "
        "`.log.zst`, too) and patterns of file names (`part-*`).",
    )
    ignore: str = Field(
        "", description="Patterns of entries, parts or days, that are passed over: `*_intraday_*`."
    )

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        parse_fields(value)
        return value

    @field_validator("purchase_types")
    @classmethod
    def _some_types(cls, value: str) -> str:
        parse_types(value)
        return value

    @field_validator("return_types")
    @classmethod
    def _no_purchases(cls, value: str, info: ValidationInfo) -> str:
        for each in set(parse_names(value)) & set(parse_names(info.data.get("purchase_types", ""))):
            raise ValueError(f"{each} is a type of purchases, too")
        return value

    @field_validator("quantity")
    @classmethod
    def _known_quantity(cls, value: str) -> str:
        parse_quantity(value)
        return value

    @field_validator("price_field")
    @classmethod
    def _another_path(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else parse_price_field(value, info.data.get("fields", ""))

    @field_validator("only")
    @classmethod
    def _conditions(cls, value: str) -> str:
        parse_only(value)
        return value

    @field_validator("items")
    @classmethod
    def _lists(cls, value: str | None) -> str | None:
        return None if value is None else parse_items(value)

    @field_validator("records")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        return None if value is None else parse_path(value)

    @field_validator("parts")
    @classmethod
    def _names_of_files(cls, value: str) -> str:
        parse_parts(value)
        return value

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
