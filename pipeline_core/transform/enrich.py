"""Joins candidates with customers and products; every candidate is counted or rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.errors import InputError
from pipeline_core.messages import (
    RejectFigures,
    RejectReason,
    ReturnFigures,
    ReturnsMode,
    UnknownMode,
)
from pipeline_core.plural import counted
from pipeline_core.schemas import CANDIDATES, NO_PRICE, PRICE_MINOR, SALES, UNKNOWN_RETURN, checked
from pipeline_core.transform.looked_up_ids import LookedUpIds, looked_up_ids
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND, Dimensions
from pipeline_core.transform.money import carry, group_sums, line_revenue, to_minor

_SHOWN = 5
_REASONS = list(RejectReason)
_RETURN = 1 + _REASONS.index(RejectReason.RETURN)
# Of what may be no purchase nobody knows what it would have sold.
_NO_PURCHASES = [
    1 + _REASONS.index(reason)
    for reason in (RejectReason.NOT_AN_OBJECT, RejectReason.INVALID_EVENT_TYPE)
]
# What is counted under Unknown where that is wanted.
_KEPT_AS_UNKNOWN = {
    RejectReason.GUEST,
    RejectReason.UNKNOWN_PRODUCT,
    RejectReason.UNKNOWN_CUSTOMER,
    RejectReason.MISSING_CATEGORY,
    RejectReason.MISSING_SEGMENT,
}


@dataclass(frozen=True)
class Enriched:
    """``sales`` has schema SALES; ``reasons`` is uint8 of shape (candidates,): 0 where counted,
    else 1 + the index of the RejectReason; ``rejected`` sums up the latter by reason, and
    ``returned`` the returns among the sales, whose units and revenue are below 0 there. ``undated``
    are sales without a date for which it was decisive: product or customer has dated rows.
    ``unpriced`` are the sales of products that have no price, by id, whose revenue is wrong.
    ``customers`` and ``products`` are what candidates name, whatever became of them."""

    sales: pa.Table
    reasons: NDArray[np.uint8]
    rejected: dict[str, RejectFigures]
    returned: ReturnFigures
    undated: int
    unpriced: Counter[bytes]
    customers: LookedUpIds
    products: LookedUpIds


def enrich(
    candidates: pa.Table,
    dates: pa.Array,
    dimensions: Dimensions,
    unknown: UnknownMode,
    returns: ReturnsMode,
) -> Enriched:
    """Sales of ``candidates`` (of candidates_schema), dated by ``dates`` (date32, same length), at
    the prices that were paid, in minor units of the dimensions' scale, if these are there."""
    checked(candidates.select(CANDIDATES.names), CANDIDATES)
    product = dimensions.product_rows(candidates["product_id"], dates)
    customer = dimensions.customer_rows(candidates["customer_id"], dates)
    category = dimensions.product_category[product]
    segment = dimensions.customer_segment[customer]
    product_number = dimensions.products.number[product]
    no_row, nobody = dimensions.products.gaps(product), dimensions.customers.gaps(customer)
    units = candidates["quantity"].to_numpy().astype(np.int64)
    is_return = units < 0
    units[units == UNKNOWN_RETURN] = 0
    price = _prices(candidates, product, dimensions)
    no_price = np.zeros(len(units), np.bool_) if price.is_paid else no_row
    revenue_hi, revenue_lo = line_revenue(units, price.minor)

    tests = {
        RejectReason.UNKNOWN_PRODUCT: product == NOT_FOUND,
        RejectReason.UNKNOWN_CUSTOMER: (customer == NOT_FOUND) | nobody,
        RejectReason.MISSING_CATEGORY: (category == NO_LABEL) & ~no_price,
        RejectReason.MISSING_SEGMENT: segment == NO_LABEL,
        RejectReason.NO_PRICE_ON_DATE: no_price,
        RejectReason.INVALID_PRICE: price.is_invalid,
    }
    reasons = _reasons(candidates, units, tests, unknown, returns)
    left_out = np.flatnonzero(reasons)
    is_known = ~price.is_invalid if price.is_paid else (product != NOT_FOUND) & ~no_row
    has_price = is_known & ~price.is_missing
    unpriced = candidates["product_id"].filter(pa.array(price.is_missing & (reasons == 0)))
    rejected = _figures(
        reasons[left_out],
        units[left_out],
        (revenue_hi[left_out], revenue_lo[left_out]),
        has_price[left_out],
        is_return[left_out],
    )
    if unknown == "bucket":
        category = np.where(category == NO_LABEL, dimensions.labels.unknown_category, category)
        segment = np.where(segment == NO_LABEL, dimensions.labels.unknown_segment, segment)

    columns = [
        dates,
        pa.array(category, pa.int32()),
        pa.array(segment, pa.int32()),
        pa.array(product_number),
        pa.array(dimensions.customer_number[customer]),
        _strangers(candidates["customer_id"].combine_chunks(), customer),
        pa.array(units),
        pa.array(revenue_hi),
        pa.array(revenue_lo),
    ]
    sales = pa.Table.from_arrays(columns, schema=SALES)
    if len(left_out):
        sales = sales.filter(pa.array(reasons == 0))
    undated = 0
    if dates.null_count and dimensions.has_dates:
        undated = _undated(dates, reasons, product, customer, dimensions)
    return Enriched(
        sales,
        reasons,
        rejected,
        _returned(sales),
        undated,
        Counter(unpriced.to_pylist()),
        looked_up_ids(candidates["customer_id"], dimensions.customers.number[customer]),
        looked_up_ids(candidates["product_id"], product_number),
    )


def check_priced(unpriced: Mapping[bytes, int], place: str) -> None:
    """Raises InputError if there are sales in ``place`` without a price, by the products' ids."""
    if unpriced:
        most = sorted(unpriced.items(), key=lambda item: (-item[1], item[0]))
        named = [f"{one.decode(errors='replace')} ({counted(n, 'purchase')})" for one, n in most]
        more = f" and {len(named) - _SHOWN:,} more" if len(named) > _SHOWN else ""
        raise InputError(
            f"{place}: products were bought that have no price: {', '.join(named[:_SHOWN])}{more}.",
            "Give them a price, and run again. What was not read yet may have more of them.",
        )


def merge_figures(
    left: dict[str, RejectFigures], right: dict[str, RejectFigures]
) -> dict[str, RejectFigures]:
    """Figures of both, by reason, in the order of the reasons."""
    both: dict[str, RejectFigures] = {}
    if not left and not right:  # as of nearly all parts
        return both
    for reason in _REASONS:
        found = [side[reason] for side in (left, right) if reason in side]
        if found:
            both[reason.value] = _added(found)
    return both


def _added(found: Sequence[RejectFigures]) -> RejectFigures:
    """The same as of all their events at once: nothing is known of those of which nobody knows
    anything, whatever there is of others that are no sales."""
    returns = [each.returns for each in found if each.returns is not None]
    back = _added(returns) if returns else None
    events = sum(each.events for each in found)
    sales = events - (back.events if back is not None else 0)
    unknown_units = sum(each.unknown_units for each in found)
    unknown_revenue = sum(each.unknown_revenue for each in found)
    return RejectFigures(
        events=events,
        units=_sum_of((each.units for each in found), sales, unknown_units),
        revenue=_sum_of((each.revenue for each in found), sales, unknown_revenue),
        unknown_units=unknown_units,
        unknown_revenue=unknown_revenue,
        returns=back,
    )


def _sum_of(amounts: Iterable[int | None], sales: int, unknown: int) -> int | None:
    """None if it is known of none of so many ``sales``; of no sale it is known, and 0."""
    known = [each for each in amounts if each is not None]
    return None if not known or (sales and unknown == sales) else sum(known)


def _reasons(
    candidates: pa.Table,
    units: NDArray[np.int64],
    found: dict[RejectReason, NDArray[np.bool_]],
    unknown: UnknownMode,
    returns: ReturnsMode,
) -> NDArray[np.uint8]:
    """The first reason that holds, in the order of RejectReason. ``found`` are those by what was
    looked up."""
    no_customer = candidates["customer_id"].is_null().to_numpy()
    guest = candidates["guest"].to_numpy(zero_copy_only=False)
    tests = {
        RejectReason.GUEST: guest,
        RejectReason.INVALID_CUSTOMER_ID: no_customer & ~guest,
        RejectReason.INVALID_PRODUCT_ID: candidates["product_id"].is_null().to_numpy(),
        RejectReason.RETURN: (units < 0) & (returns == "reject"),
        RejectReason.INVALID_QUANTITY: units == 0,
        **found,
    }
    reasons: NDArray[np.uint8] = candidates["defect"].to_numpy().copy()
    for reason, holds in tests.items():
        if (unknown == "reject" or reason not in _KEPT_AS_UNKNOWN) and holds.any():
            reasons[(reasons == 0) & holds] = 1 + _REASONS.index(reason)
    return reasons


@dataclass(frozen=True)
class _Prices:
    """``minor`` units, 0 where there is no price; whether they were paid, or are the products';
    where what was paid is none, and where a product that is there has none."""

    minor: NDArray[np.int64]
    is_paid: bool
    is_invalid: NDArray[np.bool_]
    is_missing: NDArray[np.bool_]


def _prices(candidates: pa.Table, product: NDArray[np.int64], dimensions: Dimensions) -> _Prices:
    nothing = np.zeros(len(product), np.bool_)
    if PRICE_MINOR.name not in candidates.column_names:
        price = dimensions.product_price[product]
        is_missing = price == NO_PRICE
        minor = np.where(is_missing, 0, price)
        return _Prices(minor, is_paid=False, is_invalid=nothing, is_missing=is_missing)
    paid = candidates[PRICE_MINOR.name].combine_chunks()
    is_invalid = paid.is_null().to_numpy(zero_copy_only=False)
    minor = pc.fill_null(paid, 0).to_numpy()
    return _Prices(minor, is_paid=True, is_invalid=is_invalid, is_missing=nothing)


def _undated(
    dates: pa.Array,
    reasons: NDArray[np.uint8],
    product: NDArray[np.int64],
    customer: NDArray[np.int64],
    dimensions: Dimensions,
) -> int:
    """Sales for which a date would have decided which row counts."""
    no_date = dates.is_null().to_numpy(zero_copy_only=False)
    dated = dimensions.products.is_dated[product] | dimensions.customers.is_dated[customer]
    return int(np.count_nonzero(no_date & dated & (reasons == 0)))


def _figures(
    reasons: NDArray[np.uint8],
    units: NDArray[np.int64],
    revenue: tuple[NDArray[np.int64], NDArray[np.int64]],
    has_price: NDArray[np.bool_],
    is_return: NDArray[np.bool_],
) -> dict[str, RejectFigures]:
    """By reason; returns that are left out for another one are counted in groups of their own."""
    all_reasons = 1 + len(_REASONS)
    is_none = np.isin(reasons, _NO_PURCHASES)
    units = np.where(is_none, 0, units)
    is_apart = is_return & ~is_none & (reasons != _RETURN)
    groups = reasons + all_reasons * is_apart.astype(np.int64)
    count = 2 * all_reasons
    has_units = units != 0
    events, no_units, no_revenue = (
        np.bincount(groups[which], minlength=count).tolist()
        for which in (slice(None), ~has_units, ~(has_units & has_price))
    )
    unit_sums = group_sums(groups, count, units).tolist()
    hi, lo = carry(*(group_sums(groups, count, limb) for limb in revenue))

    def figures(group: int) -> RejectFigures:
        sales = events[group]
        return RejectFigures(
            events=sales,
            units=_sum_of([unit_sums[group]], sales, no_units[group]),
            revenue=_sum_of([to_minor(hi[group], lo[group])], sales, no_revenue[group]),
            unknown_units=no_units[group],
            unknown_revenue=no_revenue[group],
        )

    found = dict[str, RejectFigures]()
    for number, reason in enumerate(_REASONS, start=1):
        rest, returns = figures(number), figures(number + all_reasons)
        if returns.events:
            total = rest.events + returns.events
            rest = msgspec.structs.replace(rest, events=total, returns=returns)
        if rest.events:
            found[reason.value] = rest
    return found


def _returned(sales: pa.Table) -> ReturnFigures:
    units = sales["units"].to_numpy()
    rows = np.flatnonzero(units < 0)
    together = np.zeros(len(rows), np.int64)
    columns = (units, sales["revenue_hi"].to_numpy(), sales["revenue_lo"].to_numpy())
    came, hi, lo = (group_sums(together, 1, column[rows])[0] for column in columns)
    return ReturnFigures(len(rows), -int(came), -to_minor(hi, lo))


def _strangers(ids: pa.LargeBinaryArray, customer: NDArray[np.int64]) -> pa.LargeBinaryArray:
    """The ids of customers who are not in the dimension, null for all others."""
    return pc.if_else(pa.array(customer == NOT_FOUND), ids, pa.scalar(None, ids.type))
