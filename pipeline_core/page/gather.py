"""The pages of a run: gathered from what publication knows anyway, and written beside the CSVs.

Everything on them follows from the manifest, the receipts, the verdict, what is noted of changes,
and the runs planned before this one that were published when it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from pipeline_core.containers.ignored import commonest_endings
from pipeline_core.ledger import Past, RunLedger, published_ids
from pipeline_core.load.earlier_runs import earlier_runs
from pipeline_core.load.tables import file_names
from pipeline_core.machine.disk import write_file
from pipeline_core.messages import Manifest, Summary
from pipeline_core.page import Folded, Page, SalesCell, render_index
from pipeline_core.page.category_months import CategoryMonths
from pipeline_core.page.category_pages import CategoryPages
from pipeline_core.page.coverage import coverage, day_states
from pipeline_core.page.customers import newcomers
from pipeline_core.page.figures import (
    BARS,
    GROUPS,
    by_category,
    by_segment,
    category_sum,
    sales_rows,
    shown_cells,
    shown_groups,
)
from pipeline_core.page.left_out import left_out
from pipeline_core.page.over_time import over_time
from pipeline_core.page.products import CategoryProducts
from pipeline_core.storage import Storage
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.category_sales import count_customers_by_segment
from pipeline_core.transform.reports.daily_sales import REPORT as DAILY_SALES
from pipeline_core.transform.reports.product_sales import REPORT as PRODUCT_SALES
from pipeline_core.transform.reports.returns import REPORT as RETURNS


def write_pages(
    folder: Path,
    state: Storage,
    reports: Storage,
    manifest: Manifest,
    summary: Summary,
    sales: pa.Table,
    partials: Mapping[str, pa.Table],
    scale: int,
    past: Past | None = None,
) -> None:
    """index.html, and a page beside each CSV of by_category/. ``sales`` is the finished sales
    report, ``partials`` are the merged ones by report; ``folder`` has rejects.csv. The ``past`` is
    looked up if it is not known.

    Raises:
        RetryableError: a storage does not answer, or has no room.
    """
    rows = sales_rows(sales)
    categories = by_category(rows)
    pages = _page_names(list(categories))
    sums = {category: category_sum(of) for category, of in categories.items()}
    segments = by_segment(rows, count_customers_by_segment(partials[CATEGORY_SALES.name]))
    cells, folded = shown_cells(rows, pages, scale)
    # A report of a time past follows none: those published before it tell of more days.
    if past is None:
        changes = RunLedger(state, summary.run_id).changes()
        past = Past(published_ids(state, summary.run_id), changes=changes)
    is_of_past = summary.as_of is not None
    earlier = () if is_of_past else earlier_runs(reports, state, past.ids, past.summary)
    before = earlier[0] if earlier else None
    categories_shown = shown_groups(sums, scale, GROUPS, pages.__getitem__)
    segments_shown = shown_groups(segments, scale, GROUPS)
    states, undated = day_states(manifest, summary)
    days = over_time(
        partials[DAILY_SALES.name],
        states,
        manifest.options.closed_days,
        scale,
        categories_shown,
        segments_shown,
    )
    returned: tuple[tuple[SalesCell, ...], Folded | None] = (), None
    if RETURNS.name in partials:
        returns = RETURNS.finish(partials[RETURNS.name], scale)
        returned = shown_cells(sales_rows(returns), pages, scale)
    index = Page(
        summary=summary,
        shop=manifest.options.shop,
        currency=manifest.options.currency,
        changes=past.changes,
        earlier=earlier,
        newcomers=newcomers(state, manifest, before, partials[CATEGORY_SALES.name], past),
        cells=cells,
        folded_cells=folded,
        categories=categories_shown,
        segments=segments_shown,
        category_bars=shown_groups(sums, scale, BARS),
        segment_bars=shown_groups(segments, scale, BARS),
        returned=returned[0],
        folded_returned=returned[1],
        over_time=days,
        left_out=left_out(summary, folder / "rejects.csv"),
        ignored=tuple(commonest_endings(summary.ignored)),
        unpriced=manifest.unpriced_words,
        coverage=coverage(manifest, summary, states, undated),
    )
    write_file(f"{folder}/index.html", render_index(index).encode())
    months = CategoryMonths(partials[DAILY_SALES.name], days, scale)
    by_product = partials.get(PRODUCT_SALES.name)
    products = None if by_product is None else CategoryProducts(by_product, scale)
    category_pages = CategoryPages(index, scale)
    for rank, (category, of) in enumerate(categories.items(), 1):
        place = pages[category]
        csv = place.rpartition("/")[2].removesuffix(".html") + ".csv"
        best = None if products is None else products.of(category)
        page = category_pages.render(rank, csv, sums[category], of, months.of(category), best)
        write_file(f"{folder}/{place}", page.encode())


def _page_names(categories: Sequence[str]) -> dict[str, str]:
    """The page of each category, named as its CSV is."""
    names = (name.removesuffix(".csv") for name in file_names(categories))
    return {
        category: f"by_category/{name}.html"
        for category, name in zip(categories, names, strict=True)
    }
