"""The job in one sentence: what is extracted is enriched, and aggregated; what is certain of it is
added up at once, to the same partials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np
import pyarrow as pa

from pipeline_core.processing.levels import Level, Levels
from pipeline_core.processing.rules import Rules
from pipeline_core.processing.steps import Chunk, Source
from pipeline_core.transform.enrich import check_priced
from pipeline_core.transform.reports.returns import sold_and_returned
from pipeline_core.transform.sums import SummedSales


@contextmanager
def count_events(source: Source, rules: Rules) -> Iterator[Level]:
    """Everything that comes out of ``source`` and counts, nothing of which waits any more. Holds
    about a window, however much that is. Raises as ``source`` does, and InputError if a product was
    bought that has no price."""
    unpriced, place = Counter[bytes](), ""
    with Levels(rules) as levels, closing(source.extract()) as steps:
        for step in steps:
            levels.take(step)
            if not levels.is_any_due:
                continue
            for level, chunks in levels.due_chunks():
                rest = level.add_up(chunks)
                if rest:
                    candidates, dates = joined(rest)
                    enriched = rules.enrich(candidates, dates)
                    level.take_enriched(rest, enriched)
                    if enriched.unpriced:
                        unpriced, place = unpriced + enriched.unpriced, rest[-1].archive
                    del candidates, dates, enriched  # while more is extracted
                del chunks, rest
            for level, sales in levels.due_sales():
                level.take_partials(aggregate(sales, rules))
                del sales
            for level, sold in levels.due_sums():
                level.named.add_summed(sold)
                level.take_partials(aggregate_summed(sold, rules))
        check_priced(unpriced, place)
        yield levels.archive


def joined(chunks: Sequence[Chunk]) -> tuple[pa.Table, pa.Array]:
    """The candidates of all, schema CANDIDATES, and the date of each one, date32."""
    dates = pa.array([chunk.date for chunk in chunks], pa.date32())
    lengths = [chunk.decoded.rows.count for chunk in chunks]
    return (
        pa.concat_tables([chunk.decoded.candidates for chunk in chunks]),
        dates.take(pa.array(np.repeat(np.arange(len(chunks)), lengths))),
    )


def aggregate(sales: Sequence[pa.Table], rules: Rules) -> dict[str, pa.Table]:
    """Partials of all ``sales`` (schema SALES), by report."""
    sold = returned = pa.concat_tables(sales)
    if rules.options.returns == "separate":
        sold, returned = sold_and_returned(sold)
    labels = rules.dimensions.labels
    return {
        report.name: report.aggregate(returned if report.of_returns else sold, labels)
        for report in rules.reports
    }


def aggregate_summed(sold: SummedSales, rules: Rules) -> dict[str, pa.Table]:
    """The same of what was added up, which has no returns."""
    return {
        report.name: report.from_sums(sold, rules.dimensions)
        for report in rules.reports
        if report.from_sums
    }
