"""Collects what belongs to one cell of the report, out of all candidates of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut_bytes
from pipeline_core.extract.scan import NOT_AN_OBJECT
from pipeline_core.messages import RejectFigures, RejectReason
from pipeline_core.processing.rules import Rules
from pipeline_core.questions.explain.explanation import KnownLabels, PlacedEvent
from pipeline_core.questions.explain.rows import PlacedRows
from pipeline_core.schemas import PRICE_MINOR, UNKNOWN_RETURN
from pipeline_core.transform.enrich import Enriched, merge_figures
from pipeline_core.transform.ids import group_ids
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND
from pipeline_core.transform.money import carry, group_sums, to_minor, to_text
from pipeline_core.transform.reports.base import MEASURES, group_rows
from pipeline_core.transform.running_merge import RunningMerge

_REASONS = [reason.value for reason in RejectReason]
_SUMMED = ("events", "purchases", *MEASURES)
_SUMS = pa.schema(
    [
        pa.field("id", pa.large_binary()),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in _SUMMED),
    ]
)
_LEAST_SUMMED_ROWS = 50_000
# In bytes, as shown.
_LONGEST_ID = 4096


class Sums(NamedTuple):
    """Counted events, how many of them are purchases and not returns, their units, and their
    revenue in minor units."""

    events: int = 0
    purchases: int = 0
    units: int = 0
    revenue: int = 0

    def plus(self, other: Sums) -> Sums:
        """The sums of both."""
        return Sums(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class SumsById:
    """Exact sums by id and its row in the snapshot; null is an id. There are never many more rows
    than these."""

    def __init__(self) -> None:
        self._summed = RunningMerge(_summed, lambda sums: sums.num_rows, _LEAST_SUMMED_ROWS)

    def add(
        self,
        ids: pa.ChunkedArray,
        numbers: NDArray[np.int64],
        rows: NDArray[np.int64],
        sales: pa.Table,
    ) -> None:
        """Takes sales (schema SALES) with the id of each one, which of the distinct ids of the
        snapshot it is, NOT_FOUND if it is none of them, and that id's row."""
        once = pa.array(np.ones(len(ids), np.int64))
        bought = pa.array((sales["units"].to_numpy() > 0).astype(np.int64))
        of_id = pa.array(numbers), pa.array(rows)
        columns = [ids, *of_id, once, bought, *(sales[name] for name in MEASURES)]
        self._summed.add(pa.Table.from_arrays(columns, schema=_SUMS))

    def by_revenue(self) -> Iterator[tuple[bytes | None, int, Sums]]:
        """Every id once for each of its rows, largest revenue first."""
        order = [(name, "descending") for name in ("revenue_hi", "revenue_lo", "units")]
        found = self._summed.whole().sort_by([*order, ("id", "ascending"), ("row", "ascending")])
        for batch in found.to_batches(max_chunksize=_LEAST_SUMMED_ROWS):
            shown = batch.drop_columns(["number"]).columns
            for one, row, events, purchases, units, hi, lo in zip(
                *(column.to_pylist() for column in shown), strict=True
            ):
                yield one, row, Sums(events, purchases, units, to_minor(hi, lo))


@dataclass
class CellContents:
    """What is in the cell of the codes ``category`` and ``segment``, of the candidates taken so
    far, and what was left out of it, by the labels that are known; of each, the first ``most``
    events. ``returned`` is what came back there, below 0, if that has a report of its own."""

    rules: Rules
    category: int
    segment: int
    most: int
    places: dict[tuple[str, str, str], Sums] = field(default_factory=dict)
    products: SumsById = field(default_factory=SumsById)
    customers: SumsById = field(default_factory=SumsById)
    first_events: list[PlacedEvent] = field(default_factory=list)
    left_out: dict[KnownLabels, dict[str, RejectFigures]] = field(default_factory=dict)
    first_left_out: dict[KnownLabels, list[PlacedEvent]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unplaced_events: int = 0
    returned: Sums = field(default_factory=Sums)

    def take(self, placed: PlacedRows) -> None:
        """Sorts candidates into those of the cell, those left out of it, and all others."""
        enriched = self._enrich(placed)
        left_out = np.flatnonzero(enriched.reasons)
        if len(left_out):
            self._take_left_out(placed.take(left_out), enriched.reasons[left_out])
        category, segment = (enriched.sales[name].to_numpy() for name in ("category", "segment"))
        here = (category == self.category) & (segment == self.segment)
        if self.rules.options.returns == "separate":
            is_return = enriched.sales["units"].to_numpy() < 0
            returned = enriched.sales.filter(pa.array(here & is_return))
            self.returned, here = self.returned.plus(_sums(returned)), here & ~is_return
        if here.any():
            rows = np.flatnonzero(enriched.reasons == 0)[here]
            self._take_sales(placed.take(rows), enriched.sales.filter(pa.array(here)))

    def _take_sales(self, found: PlacedRows, sales: pa.Table) -> None:
        for place, sums in _sums_by_place(found, sales):
            self.places[place] = self.places.get(place, Sums()).plus(sums)
        dimensions, ids = self.rules.dimensions, found.candidates
        product = dimensions.product_rows(ids["product_id"], sales["date"])
        customer = dimensions.customer_rows(ids["customer_id"], sales["date"])
        any_row = np.zeros(sales.num_rows, np.int64)
        self.products.add(ids["product_id"], dimensions.products.number[product], product, sales)
        self.customers.add(
            ids["customer_id"], dimensions.customers.number[customer], any_row, sales
        )
        shown = found.first(self.most - len(self.first_events))
        self.first_events += self._events(shown, [None] * len(shown.place))

    def _take_left_out(self, found: PlacedRows, reasons: NDArray[np.uint8]) -> None:
        category, segment = self._known_labels(found)
        of_category, of_segment = category == self.category, segment == self.segment
        nowhere, nobody = category == NO_LABEL, segment == NO_LABEL
        fits: dict[KnownLabels, NDArray[np.bool_]] = {
            "both": of_category & of_segment,
            "category": of_category & nobody,
            "segment": nowhere & of_segment,
        }
        self.unplaced_events += int(np.count_nonzero(nowhere & nobody))
        for known, fit in fits.items():
            if not fit.any():
                continue
            here = found.take(np.flatnonzero(fit))
            figures = self._enrich(here).rejected
            self.left_out[known] = merge_figures(self.left_out.get(known, {}), figures)
            shown = here.first(self.most - len(self.first_left_out[known]))
            why = [_REASONS[reason - 1] for reason in reasons[fit][: len(shown.place)].tolist()]
            self.first_left_out[known] += self._events(shown, why)

    def _enrich(self, placed: PlacedRows) -> Enriched:
        return self.rules.enrich(placed.candidates, placed.dates)

    def _known_labels(self, found: PlacedRows) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Codes of category and segment, NO_LABEL where they cannot be known."""
        dimensions, candidates = self.rules.dimensions, found.candidates
        products, customers = candidates["product_id"], candidates["customer_id"]
        product = dimensions.product_rows(products, found.dates)
        category = dimensions.product_category[product]
        segment = dimensions.customer_segment[dimensions.customer_rows(customers, found.dates)]
        if self.rules.options.unknown == "reject":
            return category, segment
        is_paid = self.rules.options.feed.price is not None
        guest = candidates["guest"].to_numpy() & (candidates["defect"].to_numpy() != NOT_AN_OBJECT)
        named = products.is_valid().to_numpy() & (is_paid | ~dimensions.products.gaps(product))
        someone = customers.is_valid().to_numpy() | guest
        category[(category == NO_LABEL) & named] = dimensions.labels.unknown_category
        segment[(segment == NO_LABEL) & someone] = dimensions.labels.unknown_segment
        return category, segment

    def _events(self, found: PlacedRows, reasons: Sequence[str | None]) -> Iterator[PlacedEvent]:
        dimensions, rows = self.rules.dimensions, found.candidates
        products = dimensions.product_rows(rows["product_id"], found.dates)
        prices = dimensions.product_price[products].tolist()
        if is_paid := PRICE_MINOR.name in rows.column_names:
            prices = rows[PRICE_MINOR.name].to_pylist()
        is_kept = self.rules.options.unknown == "bucket"
        for place, row, product, price, reason in zip(
            found.place.tolist(), rows.to_pylist(), products.tolist(), prices, reasons, strict=True
        ):
            archive, day, part = found.places[place]
            quantity = row["quantity"]
            if quantity in (0, UNKNOWN_RETURN):
                quantity = None
            if is_paid:
                is_priced = price is not None
            elif product == NOT_FOUND:
                is_priced = is_kept and row["product_id"] is not None
            else:
                is_priced = price >= 0 and not dimensions.products.is_gap[product]
            yield PlacedEvent(
                archive=archive,
                day=day,
                part=part,
                position=row["position"],
                item=row["item"],
                customer=id_text(row["customer_id"]),
                product=id_text(row["product_id"]),
                quantity=quantity,
                revenue=to_text(quantity * price, dimensions.scale)
                if quantity is not None and is_priced
                else None,
                reason=reason,
            )


def id_text(value: bytes | None) -> str | None:
    """An id as text that every file can hold: lone surrogates are escaped, and a very long one is
    cut, and marked."""
    if value is None:
        return None
    text = value.decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace")
    return cut_bytes(text, _LONGEST_ID)


def _summed(pieces: Sequence[pa.Table]) -> pa.Table:
    """Rows of equal ids (schema _SUMS) as one."""
    if not pieces:
        return _SUMS.empty_table()
    rows = pa.concat_tables(pieces).combine_chunks()
    groups = group_rows([pa.array(_numbers(rows)), rows["row"].combine_chunks()])
    example = np.empty(groups.count, np.int64)
    example[groups.number] = np.arange(rows.num_rows)
    *counts, hi, lo = (
        group_sums(groups.number, groups.count, rows[name].to_numpy()) for name in _SUMMED
    )
    of_id = rows.select(["id", "number", "row"]).take(pa.array(example))
    columns = [*of_id.columns, *map(pa.array, (*counts, *carry(hi, lo)))]
    return pa.Table.from_arrays(columns, schema=_SUMS)


def _numbers(rows: pa.Table) -> NDArray[np.int64]:
    """Of rows (schema _SUMS) which id each has: ids of the snapshot have a number already, and
    behind these come all others."""
    number: NDArray[np.int64] = rows["number"].to_numpy().copy()
    strangers = np.flatnonzero(number == NOT_FOUND)
    if len(strangers):
        _, of_each = group_ids(rows["id"].combine_chunks().take(pa.array(strangers)))
        number[strangers] = of_each + number.max() + 1
    return number


def _sums_by_place(
    found: PlacedRows, sales: pa.Table
) -> Iterator[tuple[tuple[str, str, str], Sums]]:
    """Of as many sales as are found, by archive, day and part."""
    places, number = np.unique(found.place, return_inverse=True)
    count = len(places)
    units, hi, lo = (group_sums(number, count, sales[name].to_numpy()) for name in MEASURES)
    bought = np.bincount(number[sales["units"].to_numpy() > 0], minlength=count)
    columns = places, np.bincount(number, minlength=count), bought, units, hi, lo
    for place, events, purchases, sold, high, low in zip(
        *(each.tolist() for each in columns), strict=True
    ):
        yield found.places[place], Sums(events, purchases, sold, to_minor(high, low))


def _sums(sales: pa.Table) -> Sums:
    one_group = np.zeros(sales.num_rows, np.int64)
    units, hi, lo = (group_sums(one_group, 1, sales[name].to_numpy())[0] for name in MEASURES)
    purchases = int(np.count_nonzero(sales["units"].to_numpy() > 0))
    return Sums(sales.num_rows, purchases, int(units), to_minor(hi, lo))
