"""The pages of the categories: there may be thousands, so what they share is made once, and their
rows are no template's: it takes longer for a row than everything else that is in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape

from pipeline_core.page.bars import axis_of
from pipeline_core.page.data import Group, Page, SalesCell, ShownProducts
from pipeline_core.page.numbers import grouped, share
from pipeline_core.page.render import assets, environment, shown_name
from pipeline_core.page.shown_figures import Folded, SalesFigures
from pipeline_core.page.shown_periods import PeriodSales


class CategoryPages:
    """Of the run whose ``page`` it is. No script is in them."""

    def __init__(self, page: Page) -> None:
        self._template = environment().get_template("category.html")
        shared = {
            "page": page,
            "summary": page.summary,
            "currency": page.currency,
            "categories": page.categories.count,
            **assets(is_index=False),
        }
        parts: Any = environment().get_template("_parts.html").make_module(shared)
        periods: Any = environment().get_template("_periods.html").make_module(shared)
        self._shared = shared | {
            "parts": parts,
            "periods": periods,
            "revenue": parts.revenue(),
            "status": parts.status("../index.html"),
            "purchase_note": periods.purchase_note(),
        }

    def render(
        self,
        rank: int,
        group: Group,
        cells: Sequence[SalesCell],
        folded: Folded | None,
        months: Sequence[PeriodSales],
        products: ShownProducts | None,
    ) -> str:
        """The page of one category, the ``rank``-th by revenue; ``products`` are None if the run
        was planned by a version that did not count by product."""
        whole = group.figures.revenue
        sold = ((each.product, each.figures) for each in products.shown) if products else ()
        return self._template.render(
            self._shared,
            rank=rank,
            group=group,
            segment_rows=_rows(((_name(each.segment), each.figures) for each in cells), whole),
            folded=folded,
            months=months,
            products=products,
            product_rows=_rows(((_product(name), its) for name, its in sold), whole),
            csv=group.page.rsplit("/", 1)[1].removesuffix(".html") + ".csv",
        )


def _rows(named: Iterable[tuple[str, SalesFigures]], whole: str) -> Markup:
    """Of a table with bars and shares of ``whole``: names as HTML, revenue, units and, where they
    are known, customers."""
    rows = list(named)
    axis = axis_of(figures.revenue for _, figures in rows)
    return Markup(  # noqa: S704  (names and shares are escaped, all else is numbers)
        "".join(
            f'<tr><th scope="row">{name}</th><td class="number">{grouped(of.revenue)}</td>\n'
            f'<td class="bars">{axis.bar(of.revenue)}</td>\n'
            f'<td class="number">{escape(share(of.revenue, whole))}</td>\n'
            f'<td class="number">{grouped(of.units)}</td>{_customers(of)}</tr>\n'
            for name, of in rows
        )
    )


def _customers(of: SalesFigures) -> str:
    return "" if of.customers is None else f'<td class="number">{grouped(of.customers)}</td>'


def _name(text: str) -> str:
    return f"<bdi>{escape(shown_name(text))}</bdi>"


def _product(product: str | None) -> str:
    return "All that are not among the products" if product is None else _name(product)
