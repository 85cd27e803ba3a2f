"""Collects what belongs to one cell of the report, out of all candidates of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut_bytes
from pipeline_core.extract.scan import NOT_AN_OBJECT
from pipeline_core.messages import RejectFigures, RejectReason
from pipeline_core.processing.recount import PlacedCandidates
from pipeline_core.processing.rules import Rules
from pipeline_core.questions.explain.explanation import KnownLabels, PlacedEvent
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

    def add(self, ids: pa.ChunkedArray, rows: NDArray[np.int64], sales: pa.Table) -> None:
        """Takes sales (schema SALES) with the id of each one, and that id's row."""
        once = pa.array(np.ones(len(ids), np.int64))
        bought = pa.array((sales["units"].to_numpy() > 0).astype(np.int64))
        columns = [ids, pa.array(rows), once, bought, *(sales[name] for name in MEASURES)]
        self._summed.add(pa.Table.from_arrays(columns, schema=_SUMS))

    def by_revenue(self) -> Iterator[tuple[bytes | None, int, Sums]]:
        """Every id once for each of its rows, largest revenue first."""
        order = [(name, "descending") for name in ("revenue_hi", "revenue_lo", "units")]
        found = self._summed.whole().sort_by([*order, ("id", "ascending"), ("row", "ascending")])
        for batch in found.to_batches(max_chunksize=_LEAST_SUMMED_ROWS):
            for one, row, events, purchases, units, hi, lo in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
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

    def take(self, placed: PlacedCandidates) -> None:
        """Sorts candidates into those of the cell, those left out of it, and all others."""
        enriched = self._enrich(placed.decoded.candidates, placed.date)
        left_out = np.flatnonzero(enriched.reasons)
        if len(left_out):
            self._take_left_out(placed, left_out, enriched.reasons[left_out])
        category, segment = (enriched.sales[name].to_numpy() for name in ("category", "segment"))
        here = (category == self.category) & (segment == self.segment)
        if self.rules.options.returns == "separate":
            is_return = enriched.sales["units"].to_numpy() < 0
            returned = enriched.sales.filter(pa.array(here & is_return))
            self.returned, here = self.returned.plus(_sums(returned)), here & ~is_return
        if here.any():
            rows = np.flatnonzero(enriched.reasons == 0)[here]
            self._take_sales(placed, rows, enriched.sales.filter(pa.array(here)))

    def _take_sales(
        self, placed: PlacedCandidates, rows: NDArray[np.int64], sales: pa.Table
    ) -> None:
        place = (placed.archive, placed.day, placed.part)
        self.places[place] = self.places.get(place, Sums()).plus(_sums(sales))
        found = placed.decoded.candidates.take(pa.array(rows))
        products = self.rules.dimensions.product_rows(found["product_id"], sales["date"])
        self.products.add(found["product_id"], products, sales)
        self.customers.add(found["customer_id"], np.zeros(len(rows), np.int64), sales)
        shown = found.slice(0, self.most - len(self.first_events))
        self.first_events += self._events(placed, shown, [None] * shown.num_rows)

    def _take_left_out(
        self, placed: PlacedCandidates, rows: NDArray[np.int64], reasons: NDArray[np.uint8]
    ) -> None:
        found = placed.decoded.candidates.take(pa.array(rows))
        category, segment = self._known_labels(found, placed.date)
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
            here = found.filter(pa.array(fit))
            figures = self._enrich(here, placed.date).rejected
            self.left_out[known] = merge_figures(self.left_out.get(known, {}), figures)
            shown = here.slice(0, self.most - len(self.first_left_out[known]))
            why = [_REASONS[reason - 1] for reason in reasons[fit][: shown.num_rows].tolist()]
            self.first_left_out[known] += self._events(placed, shown, why)

    def _enrich(self, candidates: pa.Table, sold_on: date | None) -> Enriched:
        return self.rules.enrich(candidates, _dates(candidates, sold_on))

    def _known_labels(
        self, candidates: pa.Table, sold_on: date | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Codes of category and segment, NO_LABEL where they cannot be known."""
        dimensions = self.rules.dimensions
        products, customers = candidates["product_id"], candidates["customer_id"]
        dates = _dates(candidates, sold_on)
        product = dimensions.product_rows(products, dates)
        category = dimensions.product_category[product]
        segment = dimensions.customer_segment[dimensions.customer_rows(customers, dates)]
        if self.rules.options.unknown == "reject":
            return category, segment
        is_paid = self.rules.options.feed.price is not None
        guest = candidates["guest"].to_numpy() & (candidates["defect"].to_numpy() != NOT_AN_OBJECT)
        named = products.is_valid().to_numpy() & (is_paid | ~dimensions.products.gaps(product))
        someone = customers.is_valid().to_numpy() | guest
        category[(category == NO_LABEL) & named] = dimensions.labels.unknown_category
        segment[(segment == NO_LABEL) & someone] = dimensions.labels.unknown_segment
        return category, segment

    def _events(
        self, placed: PlacedCandidates, rows: pa.Table, reasons: Sequence[str | None]
    ) -> Iterator[PlacedEvent]:
        dimensions = self.rules.dimensions
        products = dimensions.product_rows(rows["product_id"], _dates(rows, placed.date))
        prices = dimensions.product_price[products].tolist()
        if is_paid := PRICE_MINOR.name in rows.column_names:
            prices = rows[PRICE_MINOR.name].to_pylist()
        is_kept = self.rules.options.unknown == "bucket"
        for row, product, price, reason in zip(
            rows.to_pylist(), products.tolist(), prices, reasons, strict=True
        ):
            quantity = row["quantity"]
            if quantity in (0, UNKNOWN_RETURN):
                quantity = None
            if is_paid:
                is_priced = price is not None
            elif product == NOT_FOUND:
                is_priced = is_kept and row["product_id"] is not None
            else:
                is_priced = not dimensions.products.is_gap[product]
            yield PlacedEvent(
                archive=placed.archive,
                day=placed.day,
                part=placed.part,
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
    rows = pa.concat_tables(pieces)
    ids = rows["id"].combine_chunks()
    known = group_ids(ids)
    groups = group_rows([pa.array(known.number), rows["row"].combine_chunks()])
    *counts, hi, lo = (
        group_sums(groups.number, groups.count, rows[name].to_numpy()) for name in _SUMMED
    )
    number, row = groups.keys
    columns = [
        ids.take(pa.array(known.examples[number.to_numpy()])),
        row,
        *map(pa.array, (*counts, *carry(hi, lo))),
    ]
    return pa.Table.from_arrays(columns, schema=_SUMS)


def _dates(candidates: pa.Table, sold_on: date | None) -> pa.Array:
    return pa.repeat(pa.scalar(sold_on, pa.date32()), candidates.num_rows)


def _sums(sales: pa.Table) -> Sums:
    one_group = np.zeros(sales.num_rows, np.int64)
    units, hi, lo = (group_sums(one_group, 1, sales[name].to_numpy())[0] for name in MEASURES)
    purchases = int(np.count_nonzero(sales["units"].to_numpy() > 0))
    return Sums(sales.num_rows, purchases, int(units), to_minor(hi, lo))
