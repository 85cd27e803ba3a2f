"""Named Arrow schemas of every table that passes between rooms."""

from __future__ import annotations

import pyarrow as pa

from pipeline_core.errors import ContractError

# The quantity of a return that says none, or no legal one.
UNKNOWN_RETURN = -(2**31)

# What an extractor says of each event that claims, or may claim, to be a purchase. `position` is
# that of the event among those of its part, and `item` its number in an order, if it is an item.
# `defect` is 0 or 1 + the index of a RejectReason that extraction alone decides; ids are raw
# UTF-8 (lone surrogates kept), null where invalid; quantity is 0 where invalid, and below 0 of a
# return, UNKNOWN_RETURN where that of a return is invalid.
CANDIDATES = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("item", pa.int32()),
        pa.field("defect", pa.uint8(), nullable=False),
        pa.field("guest", pa.bool_(), nullable=False),
        pa.field("customer_id", pa.large_binary()),
        pa.field("product_id", pa.large_binary()),
        pa.field("quantity", pa.int32(), nullable=False),
    ]
)

# What a feed's events may have besides. What was paid for a unit: in minor units, null where that
# is no price. What an event that was sent twice is known by: a SHA-256 of some of its values, null
# where it has none of them.
PRICE_MINOR = pa.field("price_minor", pa.int64())
EVENT_KEY = pa.field("event_key", pa.binary(32))


def candidates_schema(*, is_priced: bool, is_keyed: bool) -> pa.Schema:
    """CANDIDATES with the further columns of such a feed."""
    return pa.schema([*CANDIDATES, *[PRICE_MINOR] * is_priced, *[EVENT_KEY] * is_keyed])


# The keys of an archive's candidates, in the order of their places; `day` is a directory place,
# `begins` is false where a row is of the same event as the one before, and `content` tells apart
# what the event's candidates with this key say of customer, product, quantity and price paid.
EVENT_KEYS = pa.schema(
    [
        EVENT_KEY.with_nullable(False),
        pa.field("day", pa.int32(), nullable=False),
        pa.field("begins", pa.bool_(), nullable=False),
        pa.field("content", pa.uint32(), nullable=False),
    ]
)

# Which of these are left out since they were sent before: by day a serialised roaring bitmap of
# rows, counted from 0 in each day.
SENT_TWICE = pa.schema(
    [
        pa.field("day", pa.int32(), nullable=False),
        pa.field("rows", pa.large_binary(), nullable=False),
    ]
)

# Ids that an archive's candidates name, of a product or else of a customer, by their stable hashes
# (transform/ids.py); `known` is whether there is such a one.
NAMED_IDS = pa.schema(
    [
        pa.field("product", pa.bool_(), nullable=False),
        pa.field("known", pa.bool_(), nullable=False),
        pa.field("id", pa.uint64(), nullable=False),
    ]
)

# One row a counted purchase, or a return that counts, of units and revenue below 0. Codes index
# the labels of the dimensions in use; a customer outside the dimension has code -1 and its id in
# `unknown_customer`; a guest has neither. `product` is the place of the product's id among those of
# these labels, -1 of one that is not in the dimension.
# Revenue is revenue_hi * 2**32 + revenue_lo minor units (see transform/money.py).
SALES = pa.schema(
    [
        pa.field("date", pa.date32()),
        pa.field("category", pa.int32(), nullable=False),
        pa.field("segment", pa.int32(), nullable=False),
        pa.field("product", pa.int64(), nullable=False),
        pa.field("customer", pa.int64(), nullable=False),
        pa.field("unknown_customer", pa.large_binary()),
        pa.field("units", pa.int64(), nullable=False),
        pa.field("revenue_hi", pa.int64(), nullable=False),
        pa.field("revenue_lo", pa.int64(), nullable=False),
    ]
)

# Of every partial that adds up money: see transform/reports/base.py.
MEASURE_FIELDS = [
    pa.field("units", pa.int64(), nullable=False),
    pa.field("revenue_hi", pa.int64(), nullable=False),
    pa.field("revenue_lo", pa.int64(), nullable=False),
]

# Mergeable aggregate of one archive by category and segment. `customers` is a serialised
# roaring bitmap of customer codes; `unknown_customers` are ids outside the dimension.
CATEGORY_SALES_PARTIAL = pa.schema(
    [
        pa.field("category", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        *MEASURE_FIELDS,
        pa.field("customers", pa.large_binary(), nullable=False),
        pa.field("unknown_customers", pa.large_list(pa.large_binary()), nullable=False),
    ]
)

# The same by date. `purchases` is the number of rows of SALES, returns left out; null of an earlier
# version, which did not count them.
DAILY_SALES_PARTIAL = pa.schema(
    [
        pa.field("date", pa.date32()),
        pa.field("category", pa.string(), nullable=False),
        pa.field("segment", pa.string(), nullable=False),
        *MEASURE_FIELDS,
        pa.field("purchases", pa.int64()),
    ]
)

# By category and product id; null are all products of the category that are not in the dimension.
PRODUCT_SALES_PARTIAL = pa.schema(
    [
        pa.field("category", pa.string(), nullable=False),
        pa.field("product", pa.large_binary()),
        *MEASURE_FIELDS,
    ]
)

# When a row of customers or products is valid: from the first date to before the second, null being
# open.
VALIDITY = [pa.field("valid_from", pa.date32()), pa.field("valid_to", pa.date32())]

# The frozen price list and customer base of one run, by id, then valid_from. The scale (decimals)
# of price_minor is in the products' schema metadata.
# A product without a price has NO_PRICE: who counts a sale of it stops.
NO_PRICE = -1
CUSTOMERS = pa.schema(
    [
        pa.field("customer_id", pa.large_binary(), nullable=False),
        pa.field("segment", pa.string()),
        *VALIDITY,
    ]
)
PRODUCTS = pa.schema(
    [
        pa.field("product_id", pa.large_binary(), nullable=False),
        pa.field("category", pa.string()),
        pa.field("price_minor", pa.int64(), nullable=False),
        *VALIDITY,
    ]
)


def checked(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table itself, if its schema (metadata apart) is the named one.

    Raises:
        ContractError: names and both schemas otherwise.
    """
    if not table.schema.equals(schema):
        raise ContractError(f"expected columns {schema.names}, got {table.schema}")
    return table
