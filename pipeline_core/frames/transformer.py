"""Events as frames to finished reports as frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline_core.containers.entry_names import day_date
from pipeline_core.errors import ConfigError
from pipeline_core.extract.decode import candidates_by_values
from pipeline_core.extract.feed_rules import FIELDS
from pipeline_core.frames.dimensions import snapshot_of
from pipeline_core.frames.extractor import (
    INVALID_QUANTITY,
    NOT_A_PURCHASE,
    NOT_AN_OBJECT,
    PLACE,
    PRICE,
    PURCHASE,
    TAKEN_AS,
)
from pipeline_core.frames.tables import frame_of, python_values, report_frame
from pipeline_core.messages import EventCounts, Feed, RejectReason, ReturnsMode, UnknownMode
from pipeline_core.processing.sent_twice import with_duplicates
from pipeline_core.transform.enrich import check_priced, enrich
from pipeline_core.transform.lookup import prepare
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.plugins import reports_of
from pipeline_core.transform.reports.returns import sold_and_returned

_REASONS = [reason.value for reason in RejectReason]
_REASON = "reason"
_WAYS = "Take reject, net or separate."
# What an event's type would be, by how it is taken; None is none.
_TYPES = {
    **dict.fromkeys((PURCHASE, INVALID_QUANTITY, RejectReason.DUPLICATE_EVENT.value), PURCHASE),
    NOT_A_PURCHASE: "",
}


class DataTransformer:
    """Joins events with customers and products, and makes the reports of what counts.

    ``customers`` has the columns customer_id and segment, ``products`` product_id, category and
    price (Decimal, text or whole numbers), both perhaps valid_from and valid_to (dates, or their
    text); others are ignored. ``unknown`` is the run's: ``reject``
    or ``bucket``. ``batch_size`` events are looked up at once, which changes no figure;
    ``reject_rows`` rejects are kept at most, with all their values. ``reports`` are further ones,
    such as those of plug-ins. With ``price_decimals`` the events' column ``price`` says what was
    paid for a unit (Decimal, text or numbers) with so many decimals at most, and products need
    none. ``returns`` is the run's as well: ``reject``, ``net``, or ``separate``, which adds the
    report ``returns``.

    Raises:
        ConfigError: a column is missing, or of a type that cannot be used.
        InputError: an id is missing, or stands twice for one day, or a price or a date is not one.
    """

    def __init__(
        self,
        customers: pd.DataFrame,
        products: pd.DataFrame,
        *,
        unknown: UnknownMode = "reject",
        batch_size: int = 50_000,
        reject_rows: int = 100_000,
        reports: Iterable[Report] = (),
        price_decimals: int | None = None,
        returns: ReturnsMode = "reject",
    ) -> None:
        if unknown not in {"reject", "bucket"}:
            raise ConfigError(f"unknown={unknown!r} is neither reject nor bucket.", "Take one.")
        if returns not in {"reject", "net", "separate"}:
            raise ConfigError(f"returns={returns!r} is no way to count returns.", _WAYS)
        if batch_size < 1:
            raise ConfigError(f"A batch of {batch_size} events is none.", "Take 1 or more.")
        snapshot = snapshot_of(customers, products, price_decimals)
        self._fields = FIELDS if price_decimals is None else (*FIELDS, PRICE)
        self._feed = Feed()
        if price_decimals is not None:
            self._feed = Feed(price=PRICE, price_decimals=price_decimals)
        self._dimensions = prepare(snapshot.customers, snapshot.products, snapshot.scale)
        self._unknown: UnknownMode = unknown
        self._returns: ReturnsMode = returns
        self._batch_size = batch_size
        self._reject_rows = reject_rows
        ours = (report for report in reports_of((), returns) if report.is_published)
        self._reports = (*ours, *reports)
        self._forget()

    @property
    def rejected(self) -> pd.DataFrame:
        """The events that the last ``transform`` left out, in their order, with all their columns
        behind ``reason``. An event's own field of that name is in ``event.reason``."""
        if self._rejected:
            found = pd.concat(self._rejected, ignore_index=True)
            return found.where(found.notna(), None)  # a batch need not have every column
        return frame_of(
            {name: [] for name in (_REASON, *PLACE, *self._fields)}, whole=("position",)
        )

    @property
    def counts(self) -> EventCounts:
        """Seen = counted + not_purchase + rejected, of the last ``transform``."""
        rejected = self._seen - self._not_purchase - self._counted
        return EventCounts(self._seen, self._counted, self._not_purchase, rejected)

    def transform(self, events: pd.DataFrame | Iterable[pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """The finished reports by name, of one frame of events or of many, which are taken one by
        one:

        ============  =====================================================================
        sales_report  category, customer_segment (str), total_revenue (Decimal), units_sold,
                      unique_customers (int64)
        daily_sales   date (datetime.date, or None), category, customer_segment, total_revenue,
                      units_sold
        returns       with ``returns="separate"``, the columns of sales_report, of what came back
        ============  =====================================================================

        ``events`` has the columns event_type, customer_id, product_id and quantity (and price, with
        ``price_decimals``), and may have
        ``day``, the name of the daily zip, by which a sale is dated. Of frames with ``taken_as``,
        which `EventExtractor` makes of a feed, that says what is a purchase.

        Raises:
            ConfigError: a column is missing.
        """
        self._forget()
        for frame in [events] if isinstance(events, pd.DataFrame) else events:
            missing = [name for name in self._fields if name not in frame.columns]
            if missing:
                there = ", ".join(map(str, frame.columns))
                raise ConfigError(
                    f"The events have no column {missing[0]}.",
                    f"They need {', '.join(self._fields)}, and have {there}.",
                )
            for batch in self._cut(frame):
                self._take(batch)
        scale = self._dimensions.scale
        return {
            report.name: report_frame(report.finish(self._partials[report.name], scale))
            for report in self._reports
        }

    def _forget(self) -> None:
        self._seen = self._not_purchase = self._counted = 0
        self._room = self._reject_rows
        self._rejected: list[pd.DataFrame] = []
        self._partials = {report.name: report.merge([]) for report in self._reports}

    def _cut(self, frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
        for start in range(0, len(frame), self._batch_size):
            yield frame.iloc[start : start + self._batch_size]

    def _take(self, batch: pd.DataFrame) -> None:
        candidates = _candidates(batch, self._fields, self._feed)
        rows = candidates["position"].to_numpy()
        found = enrich(
            candidates, _dates(batch, rows), self._dimensions, self._unknown, self._returns
        )
        check_priced(found.unpriced, "The events")
        self._seen += len(batch)
        self._not_purchase += len(batch) - candidates.num_rows
        self._counted += found.sales.num_rows
        sold = returned = found.sales
        if self._returns == "separate":
            sold, returned = sold_and_returned(sold)
        for report in self._reports:
            sales = returned if report.of_returns else sold
            partial = report.aggregate(sales, self._dimensions.labels)
            self._partials[report.name] = report.merge([self._partials[report.name], partial])
        left_out = np.flatnonzero(found.reasons)[: self._room]
        if len(left_out):
            self._room -= len(left_out)
            reasons = [_REASONS[number - 1] for number in found.reasons[left_out].tolist()]
            rejected = batch.iloc[rows[left_out]].rename(columns={_REASON: f"event.{_REASON}"})
            rejected.insert(0, _REASON, pd.Series(reasons, rejected.index, dtype=object))
            self._rejected.append(rejected)


def _candidates(batch: pd.DataFrame, fields: Sequence[str], feed: Feed) -> pa.Table:
    if TAKEN_AS not in batch:
        is_other = python_values(batch[NOT_AN_OBJECT]) if NOT_AN_OBJECT in batch else repeat(None)
        values = zip(*(python_values(batch[name]) for name in fields), strict=True)
        events = (
            each if other is None else None for each, other in zip(values, is_other, strict=False)
        )
        return candidates_by_values(events, feed)
    taken_as = python_values(batch[TAKEN_AS])
    columns = {name: python_values(batch[name]) for name in fields[1:]}
    columns["quantity"] = [
        None if kind == INVALID_QUANTITY else value
        for kind, value in zip(taken_as, columns["quantity"], strict=True)
    ]
    others = zip(*columns.values(), strict=True)
    candidates = candidates_by_values(
        (
            None if kind == RejectReason.NOT_AN_OBJECT else (_TYPES.get(kind), *values)
            for kind, values in zip(taken_as, others, strict=True)
        ),
        feed,
    )
    kinds = np.array(taken_as, object)[candidates["position"].to_numpy()]
    return with_duplicates(candidates, np.flatnonzero(kinds == RejectReason.DUPLICATE_EVENT))


def _dates(batch: pd.DataFrame, rows: np.ndarray) -> pa.Array:
    """The date of each of the rows by the name of its day; null where that holds none."""
    if "day" not in batch:
        return pa.nulls(len(rows), pa.date32())
    names = python_values(batch["day"].iloc[rows])
    dates = {name: day_date(name) for name in set(names) if isinstance(name, str)}
    return pa.array([dates.get(name) for name in names], pa.date32())
