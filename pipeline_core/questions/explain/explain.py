"""explain: why a figure of a published report is what it is, down to the events."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline_core.containers.entry_names import base_name, day_date
from pipeline_core.errors import ConfigError, ContractError
from pipeline_core.ledger import RunLedger
from pipeline_core.load.read_back import read_published_rows
from pipeline_core.load.tables import csv_line
from pipeline_core.messages import Manifest, Summary, Totals, UnknownMode, Unreadable
from pipeline_core.processing.recount import counted_days, run_rows
from pipeline_core.processing.rules import Rules, rules_of
from pipeline_core.questions.explain.cell import CellContents, Sums, SumsById, id_text
from pipeline_core.questions.explain.explanation import (
    Cell,
    CustomerFigures,
    Explanation,
    KnownLabels,
    LeftOut,
    PlaceFigures,
    ProductFigures,
    ReturnedThere,
)
from pipeline_core.questions.explain.rows import together
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND, UNKNOWN_LABEL, Dimensions
from pipeline_core.transform.money import to_text
from pipeline_core.transform.rejected import in_decimals

_LEVELS = ("archive", "day", "part")
_LABELS_SHOWN = 8


def explain(ledger: RunLedger, cell: Cell, most: int) -> Explanation:
    """What makes up a cell of a published run, with its first ``most`` events.

    Raises:
        ConfigError: there is no such run or label, the run is not published, or its events can
            not be read again.
        ContractError: the events do not add up to what was published.
        RetryableError: a storage does not answer.
    """
    manifest, summary = ledger.published()
    rules = rules_of(ledger, manifest)
    category, segment = _codes(cell, rules.dimensions, manifest.options.unknown)
    contents = CellContents(rules, category, segment, most)
    for placed in together(run_rows(ledger, manifest, cell.date)):
        contents.take(placed)
    days = {day_date(each.day.name) for each in counted_days(ledger, manifest)}
    has_day = cell.date is None or cell.date in days
    explanation = _explanation(cell, contents, summary, has_day=has_day)
    _check(manifest, explanation)
    return explanation


def _codes(cell: Cell, dimensions: Dimensions, unknown: UnknownMode) -> tuple[int, int]:
    labels = dimensions.labels
    categories = _labels_in_use(labels.categories, dimensions.product_category, unknown)
    segments = _labels_in_use(labels.segments, dimensions.customer_segment, unknown)
    _check_label("category", cell.category, categories)
    _check_label("segment", cell.segment, segments)
    return labels.categories.index(cell.category), labels.segments.index(cell.segment)


def _labels_in_use(
    names: tuple[str, ...], codes: NDArray[np.int32], unknown: UnknownMode
) -> list[str]:
    """Those that the report may have: ``names`` always have the one of unknowns."""
    used = {names[code] for code in np.unique(codes).tolist() if code != NO_LABEL}
    return sorted(used | {UNKNOWN_LABEL} if unknown == "bucket" else used)


def _check_label(kind: str, label: str, known: list[str]) -> None:
    if label in known:
        return
    folded = get_close_matches(label.casefold(), {name.casefold() for name in known})
    close = [repr(name) for one in folded for name in known if name.casefold() == one]
    shown = [repr(name) for name in known[:_LABELS_SHOWN]]
    more = f" and {len(known) - len(shown):,} more" if len(known) > len(shown) else ""
    raise ConfigError(
        f"The run has no {kind} {label!r}.",
        f"Did you mean {' or '.join(close)}?" if close else f"It has {', '.join(shown)}{more}.",
    )


def _explanation(
    cell: Cell, contents: CellContents, summary: Summary, *, has_day: bool
) -> Explanation:
    dimensions = contents.rules.dimensions
    total = Sums()
    for sums in contents.places.values():
        total = total.plus(sums)
    customers = [(one, sums) for one, _, sums in contents.customers.by_revenue()]
    archives, days, parts = (
        tuple(_places(contents.places, _LEVELS[:depth], summary.conflicting_days, dimensions.scale))
        for depth in (1, 2, 3)
    )
    return Explanation(
        run_id=summary.run_id,
        cell=cell,
        has_day=has_day,
        totals=Totals(
            to_text(total.revenue, dimensions.scale),
            total.units,
            sum(one is not None and sums.purchases > 0 for one, sums in customers),
        ),
        events=total.events,
        returns=total.events - total.purchases,
        archives=archives,
        days=days,
        parts=parts,
        products=tuple(_products(contents.products, contents.rules)),
        customers=tuple(_customers(customers, dimensions.scale)),
        first_events=tuple(contents.first_events),
        left_out=tuple(_left_out(contents, dimensions.scale)),
        first_left_out=tuple(
            event for known in get_args(KnownLabels) for event in contents.first_left_out[known]
        )[: contents.most],
        unplaced_events=contents.unplaced_events,
        returned=_returned(contents),
        unreadable=tuple(place for place in summary.unreadable if _may_have(place, cell)),
        unlisted=summary.unreadable_count - len(summary.unreadable),
    )


def _returned(contents: CellContents) -> ReturnedThere | None:
    if contents.rules.options.returns != "separate":
        return None
    sums, scale = contents.returned, contents.rules.dimensions.scale
    return ReturnedThere(sums.events, -sums.units, to_text(-sums.revenue, scale))


def _places(
    parts: Mapping[tuple[str, str, str], Sums],
    levels: tuple[str, ...],
    conflicting: tuple[str, ...],
    scale: int,
) -> Iterator[PlaceFigures]:
    """Figures of archives, days or parts, as the last of ``levels`` is called."""
    found: dict[tuple[str, ...], Sums] = defaultdict(Sums)
    for part, sums in parts.items():
        found[part[: len(levels)]] = found[part[: len(levels)]].plus(sums)
    for place, sums in sorted(found.items(), key=lambda item: (-item[1].revenue, item[0])):
        yield PlaceFigures(
            **dict(zip(levels, place, strict=True)),
            events=sums.events,
            units=sums.units,
            revenue=to_text(sums.revenue, scale),
            conflicting=levels[-1] == "day" and base_name(place[-1]) in conflicting,
        )


def _products(products: SumsById, rules: Rules) -> Iterator[ProductFigures]:
    dimensions, is_paid = rules.dimensions, rules.options.feed.price is not None
    for one, row, sums in products.by_revenue():
        price = int(dimensions.product_price[row])
        is_known = row != NOT_FOUND and not is_paid
        valid_from, valid_to = dimensions.products.range_of(row)
        yield ProductFigures(
            product=id_text(one) or "",
            price=to_text(price, dimensions.scale) if is_known and price >= 0 else None,
            valid_from=valid_from,
            valid_to=valid_to,
            events=sums.events,
            units=sums.units,
            revenue=to_text(sums.revenue, dimensions.scale),
        )


def _customers(
    customers: Iterable[tuple[bytes | None, Sums]], scale: int
) -> Iterator[CustomerFigures]:
    for one, sums in customers:
        yield CustomerFigures(
            customer=id_text(one),
            events=sums.events,
            units=sums.units,
            revenue=to_text(sums.revenue, scale),
        )


def _left_out(contents: CellContents, scale: int) -> Iterator[LeftOut]:
    for known in get_args(KnownLabels):
        for reason, of in in_decimals(contents.left_out.get(known, {}), scale).items():
            yield LeftOut(reason=reason, known=known, **msgspec.structs.asdict(of))


def _may_have(place: Unreadable, cell: Cell) -> bool:
    """Whether something of the cell may be in a place that could not be read."""
    return None in (cell.date, place.day) or day_date(place.day or "") == cell.date


def _check(manifest: Manifest, explanation: Explanation) -> None:
    """Raises ContractError unless the report says what the events add up to."""
    cell, totals = explanation.cell, explanation.totals
    name = "sales_report.csv" if cell.date is None else "daily_sales.csv"
    labels = [cell.category, cell.segment]
    figures = [totals.total_revenue, totals.units_sold]
    if cell.date is None:
        figures.append(totals.unique_customers)
    else:
        labels.insert(0, cell.date.isoformat())
    safe = manifest.options.spreadsheet_safe
    expected = next(csv.reader([csv_line([*labels, *figures], spreadsheet_safe=safe)]))
    rows = read_published_rows(manifest.reports, manifest.run_id, name)
    found = [row for row in rows if row[: len(labels)] == expected[: len(labels)]]
    if expected in found if explanation.events else not found:
        return
    published = " or ".join(", ".join(row[len(labels) :]) for row in found) or "nothing"
    raise ContractError(
        f"{name} of run {manifest.run_id} says {published} for {' / '.join(labels)}, but its "
        f"events add up to {', '.join(map(str, figures))}.",
        "The report, or what is kept of the run, was changed later; `sales-pipeline run --full` "
        "makes both anew.",
    )
