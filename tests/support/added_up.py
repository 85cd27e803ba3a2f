"""An archive counted in both ways, which must come to the same: what is certain added up by what is
compiled, and each sale a row."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from pipeline_core.extract.candidate_rows import TableRows
from pipeline_core.extract.candidates import Decoded
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import Counts, Options, RejectReason
from pipeline_core.processing.count import count_events
from pipeline_core.processing.rules import Rules
from pipeline_core.processing.steps import Chunk, End
from pipeline_core.schemas import CUSTOMERS, PRODUCTS, UNKNOWN_RETURN, candidates_schema
from pipeline_core.transform.lookup import Dimensions, prepare
from pipeline_core.transform.money import MAX_PRICE_MINOR
from tests.support.decoding import TiersDifferError

DAYS = (date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1), None)
_BORDERS = (None, *DAYS[1:3], None)
IDS = [b"c1", b"c22", "ü€😀".encode(), b"\xed\xa0\x80", b"p1", b"p333", b'q"', b"\\", b"twice"]
_STRANGERS = [b"x", b"c", b"p1 ", None]
_QUANTITIES = (1, 2, 3, 2**31 - 1, 0, -1, 1 - 2**31, UNKNOWN_RETURN)
_PRICES = (0, 199, 2**40, MAX_PRICE_MINOR, None)
_REASONS = len(RejectReason)
_KEYS = ("date", "category", "segment", "product")


class Counted(NamedTuple):
    """What came of it; partials in the order of their groups."""

    counts: Counts
    partials: dict[str, list[dict[str, Any]]]
    rejects: list[Any]
    named: list[list[int]]
    days: set[date | None]


class _AsRows(Rules):
    """Each sale is a row."""

    sums = None


class Day(NamedTuple):
    """Its parts, and whether each, and the day, counts."""

    date: date | None
    parts: Sequence[tuple[Sequence[Decoded], bool]]
    counts: bool


def counted_in_both_ways(
    added: Iterable[Day], rows: Iterable[Day], dimensions: Dimensions, options: Options
) -> Counted:
    """Of the same days, decoded for each way. Raises TiersDifferError."""
    fast = _counted(added, Rules(dimensions, options, ()))
    plain = _counted(rows, _AsRows(dimensions, options, ()))
    if fast != plain:
        raise TiersDifferError(f"added up {fast}, as rows {plain}")
    return plain


class _Steps(NamedTuple):
    days: Iterable[Day]

    def extract(self) -> Generator[Chunk | End]:
        for index, day in enumerate(self.days):
            for number, (part, counts) in enumerate(day.parts):
                first = 0
                for decoded in part:
                    yield Chunk("a.zip", str(index), index, day.date, f"{number}", first, decoded)
                    first += decoded.positions
                yield End("part", counts)
            yield End("day", day.counts)
        yield End("archive")


def _counted(days: Iterable[Day], rules: Rules) -> Counted:
    with count_events(_Steps(days), rules) as level:
        named, dimensions = level.named, rules.dimensions
        return Counted(
            level.counts(),
            {name: _in_order(table) for name, table in level.partials().items()},
            list(level.rejects.read()),
            [
                named._customers.known(dimensions.customer_hashes).tolist(),
                named._customers.unknown().tolist(),
                named._products.known(dimensions.product_hashes).tolist(),
                named._products.unknown().tolist(),
            ],
            named._days,
        )


def _in_order(table: pa.Table) -> list[dict[str, Any]]:
    keys = [(name, "ascending") for name in _KEYS if name in table.column_names]
    rows: list[dict[str, Any]] = table.sort_by(keys).to_pylist()
    for row in rows:
        if "customers" in row:  # one set may be written in several ways
            row["customers"] = list(BitMap.deserialize(row["customers"]))
    return rows


def dimensions_of(choose: Random) -> Dimensions:
    """Customers and products of all kinds: some with dated rows, gaps, without labels; with numbers
    for counting that are not their places, or with these."""
    is_dated = choose.random() < 0.6
    known = sorted(choose.sample(IDS, choose.randint(0, len(IDS))))
    customers = [
        (one, choose.choice(("VIP", "New", "Unknown", "", None)), *span)
        for one in known
        for span in _spans(choose, is_dated=is_dated)
    ]
    offered = sorted(choose.sample(IDS, choose.randint(0, len(IDS))))
    products = [
        (one, choose.choice(("Toys", "Books", "Unknown", "", None)), _price(choose), *span)
        for one in offered
        for span in _spans(choose, is_dated=is_dated)
    ]
    numbers = np.array(choose.sample(range(2**20), len(known)), np.int64)
    return prepare(
        _table(customers, CUSTOMERS),
        _table(products, PRODUCTS),
        2,
        choose.choice((None, numbers)),
    )


def _price(choose: Random) -> int:
    return choose.choice((0, 1, 199, 2**32, 2**32 - 1, 2**40, MAX_PRICE_MINOR))


def _spans(choose: Random, *, is_dated: bool) -> list[tuple[date | None, date | None]]:
    spans = list(pairwise(_BORDERS)) if is_dated else []
    chosen = [span for span in spans if choose.random() < 0.6]
    return chosen if chosen and choose.random() < 0.7 else [(None, None)]


def _table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def options_of(choose: Random) -> Options:
    """One of the ways in which returns and unknown ones are taken; batches of all sizes."""
    return Options(
        unknown=choose.choice(("reject", "bucket")),
        returns=choose.choice(("reject", "net", "separate")),
        batch_size=choose.choice((1, 3, 1000)),
    )


def days_of(choose: Random) -> list[Day]:
    """Days of made-up candidates, all with a price paid or none."""
    is_priced = choose.random() < 0.5
    days = []
    for _ in range(choose.choice((1, 2, 4))):
        parts = [
            (
                [_decoded(choose, is_priced=is_priced) for _ in range(choose.choice((0, 1, 1, 3)))],
                choose.random() < 0.9,
            )
            for _ in range(choose.choice((1, 1, 3)))
        ]
        days.append(Day(choose.choice(DAYS), parts, choose.random() < 0.9))
    return days


def _decoded(choose: Random, *, is_priced: bool) -> Decoded:
    count = choose.choice((0, 1, 5, 40))
    # Slices, and tables in pieces: as extracts have them.
    before, behind = choose.choice(((0, 0), (0, 3), (1, 0), (13, 2)))
    made = _candidates(choose, before + count + behind, is_priced=is_priced)
    table = made.slice(before, count)
    if choose.random() < 0.1:
        table = pa.concat_tables([table.slice(0, count // 2), table.slice(count // 2)])
    spans = np.zeros((count, 2), np.int64)
    window = Window(b"x" * choose.choice((0, 10**6)), 0, Shape.LINES)
    return Decoded(window, 0, count, count + 2, 2, TableRows(table), spans, 0)


def _candidates(choose: Random, count: int, *, is_priced: bool) -> pa.Table:
    rows = [
        (
            position,
            None,
            choose.randint(1, _REASONS) if choose.random() < 0.05 else 0,
            choose.random() < 0.05,
            choose.choice(_STRANGERS if choose.random() < 0.1 else IDS),
            choose.choice(_STRANGERS if choose.random() < 0.1 else IDS),
            choose.choice(_QUANTITIES if choose.random() < 0.3 else _QUANTITIES[:3]),
            *([choose.choice(_PRICES)] if is_priced else []),
        )
        for position in range(count)
    ]
    return _table(rows, candidates_schema(is_priced=is_priced, is_keyed=False))
