"""The laws of a report, tried on sales that are made up: for the tests of whoever writes one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from pipeline_core.errors import ConfigError
from pipeline_core.schemas import SALES
from pipeline_core.transform.lookup import Labels
from pipeline_core.transform.reports.base import Report

_PRODUCTS = pa.array([b"p", b"q", b"\xed\xa0\x80"], pa.large_binary())
_LABELS = Labels(("Books", "Toys", "Unknown", "books"), ("Retail", "Unknown", "VIP"), _PRODUCTS)
_DATES = (None, date(2024, 2, 29), date(1970, 1, 1))
_STRANGERS = (b"x", b"\xed\xa0\x80", None)  # the last one is a guest
_SCALE = 2
_TRIES = 25
_SEED = 7
_MOST_PILES = 6
_MOST_SALES = 8


def check_laws(report: Report) -> None:
    """Merging in any order and grouping equals aggregating everything at once, and the empty
    partial changes nothing: tried with piles of sales, the same each time.

    Raises:
        ConfigError: names the law that the report breaks.
        Exception: its functions' own.
    """
    for piles in _all_piles():
        partials = [report.aggregate(_table(pile), _LABELS) for pile in piles]
        whole = report.aggregate(_table([sale for pile in piles for sale in pile]), _LABELS)
        empty = report.merge([])
        first, others = partials[:2], partials[2:]
        for law, made in (
            ("a merge of all partials is not the aggregate of all sales", report.merge(partials)),
            ("another order of partials gives another table", report.merge(partials[::-1])),
            (
                "another grouping of partials gives another table",
                report.merge([report.merge(first), report.merge(others)]),
            ),
            (
                "the empty partial, which merge([]) makes, changes something",
                report.merge([empty, whole, empty]),
            ),
        ):
            _check_same(report, law, made, whole)


def _check_same(report: Report, law: str, made: pa.Table, whole: pa.Table) -> None:
    for partial in (made, whole):
        if not partial.schema.equals(report.schema):
            raise ConfigError(
                f"The report {report.name} breaks a law: a partial has not its schema, but "
                f"{', '.join(f'{field.name}: {field.type}' for field in partial.schema)}.",
                "Give aggregate's and merge's tables the report's schema: `partial.cast(schema)`.",
            )
    if not report.finish(made, _SCALE).equals(report.finish(whole, _SCALE)):
        raise ConfigError(
            f"The report {report.name} breaks a law: {law}.",
            "Add up what aggregate made, and sort in finish: groups come in no promised order.",
        )


def _all_piles() -> Iterator[list[list[tuple[object, ...]]]]:
    yield []
    random = np.random.default_rng(_SEED)
    for _ in range(_TRIES):
        sizes = random.integers(0, _MOST_SALES, size=random.integers(1, _MOST_PILES), endpoint=True)
        yield [[_sale(random) for _ in range(size)] for size in sizes]


def _sale(random: np.random.Generator) -> tuple[object, ...]:
    """In the order of SALES."""
    customer = int(random.choice([0, 1, 2, 70_000, -1]))
    return (
        _DATES[random.integers(len(_DATES))],
        int(random.integers(len(_LABELS.categories))),
        int(random.integers(len(_LABELS.segments))),
        int(random.integers(-1, len(_PRODUCTS))),
        customer,
        _STRANGERS[random.integers(len(_STRANGERS))] if customer < 0 else None,
        int(random.choice([1, 2, 2**31 - 1, -2])),
        int(random.choice([0, 1, 2**40, -1])),
        int(random.choice([0, 1, 2**32 - 1])),
    )


def _table(sales: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*sales, strict=True)) or [()] * len(SALES)
    arrays = [pa.array(c, field.type) for c, field in zip(columns, SALES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SALES)
