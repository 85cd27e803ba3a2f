"""The pages of the categories: there may be thousands, so what all have in common is rendered once,
as a frame with slots. What fills these is no template's: that takes longer for a row than all else
that is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from markupsafe import Markup, escape

from pipeline_core.page.bars import axis_of
from pipeline_core.page.compared import beside, compared
from pipeline_core.page.data import Group, Page, SalesCell, ShownProducts
from pipeline_core.page.numbers import grouped, money, share
from pipeline_core.page.render import assets, environment, shown_name
from pipeline_core.page.shown_figures import Folded, SalesFigures
from pipeline_core.page.shown_periods import PeriodSales

# No text of the shop's is mistaken for one: in those there is no < any more.
_SLOT = re.compile(r"<slot (\w+)>")
_NAMES = 1 << 12


class CategoryPages:
    """Of the run whose ``page`` it is. No script is in them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: dict[tuple[int, bool], list[str]] = {}

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
        of, totals, currency = group.figures, self._page.summary.totals, self._page.currency
        slots = {
            "name": str(escape(shown_name(group.name))),
            "rank": grouped(rank),
            "money": str(escape(money(of.revenue, currency))),
            "revenue": grouped(of.revenue),
            "units": grouped(of.units),
            "customers": grouped(of.customers),
            "revenue_share": _escaped(share(of.revenue, totals.total_revenue)),
            "units_share": _escaped(share(of.units, totals.units_sold)),
            "customers_share": _escaped(share(of.customers or 0, totals.unique_customers)),
            "last_month": _last_month(months, currency),
            "month_rows": _month_rows(months),
            "product_rows": "" if products is None else _product_rows(products, of.revenue),
            "segment_rows": _segment_rows(cells, folded, of.revenue),
            "csv": group.page.rsplit("/", 1)[1].removesuffix(".html") + ".csv",
        }
        pieces = self._frame(len(months), has_products=products is not None).copy()
        pieces[1::2] = [slots[name] for name in pieces[1::2]]
        return "".join(pieces)

    def _frame(self, months: int, *, has_products: bool) -> list[str]:
        """Of pages with so many months: text, the name of a slot, text, and so on."""
        key = months, has_products
        if key not in self._frames:
            page = self._page
            shared = {
                "page": page,
                "summary": page.summary,
                "currency": page.currency,
                **assets(is_index=False),
            }
            templates = environment()
            text = templates.get_template("category.html").render(
                shared,
                parts=templates.get_template("_parts.html").make_module(shared),
                periods=templates.get_template("_periods.html").make_module(shared),
                months=months,
                has_products=has_products,
                slot=lambda name: Markup(f"<slot {name}>"),  # noqa: S704  (ours)
            )
            self._frames[key] = _SLOT.split(text)
        return self._frames[key]


def _last_month(months: Sequence[PeriodSales], currency: str) -> str:
    """What the newest month that has ended brought."""
    last = next((month for month in reversed(months) if month.has_ended), None)
    if last is None or last.revenue is None:
        return ""
    said = beside(last, currency)
    return f"<p>In <strong>{escape(last.name)}</strong> it brought {said}</p>\n"


def _month_rows(months: Sequence[PeriodSales]) -> str:
    """Newest first."""
    axis = axis_of(month.revenue for month in months)
    return "".join(
        f'<tr><th scope="row">{escape(month.name)}{_until(month)}</th>'
        f"<td>{grouped(month.revenue)}</td>\n"
        f'<td class="bars">{axis.svg(month.revenue)}</td>\n'
        f"<td>{compared(month, month.before)}</td><td>{compared(month, month.year_before)}</td>"
        f"<td>{grouped(month.units)}</td><td>{grouped(month.average)}</td></tr>\n"
        for month in reversed(months)
    )


def _until(month: PeriodSales) -> str:
    return "" if month.has_ended else f"<small>to {month.until}</small>"


def _product_rows(products: ShownProducts, whole: str) -> str:
    rows = _rows(((_product(each.product), each.figures) for each in products.shown), whole)
    if products.folded is None:
        return rows
    count = products.folded.count
    head = f"and {grouped(count)} more product{'' if count == 1 else 's'}, together</th>"
    return f'{rows}<tr class="folded"><th scope="row">{head}{_rest(products.folded, whole)}</tr>\n'


def _segment_rows(cells: Sequence[SalesCell], folded: Folded | None, whole: str) -> str:
    rows = _rows(((_name(each.segment), each.figures) for each in cells), whole)
    if folded is None:
        return rows
    head = f'<th scope="row" colspan="1">{grouped(folded.count)} more segments, together</th>\n'
    rest = f'{_rest(folded, whole)}<td class="number">{grouped(None)}</td>'
    return f'{rows}<tr class="folded">{head}{rest}</tr>\n'


def _rest(folded: Folded, whole: str) -> str:
    of = folded.figures
    return (
        f'<td class="number">{grouped(of.revenue)}</td><td class="bars"></td>\n'
        f'<td class="number">{_escaped(share(of.revenue, whole))}</td>'
        f'<td class="number">{grouped(of.units)}</td>'
    )


def _rows(named: Iterable[tuple[str, SalesFigures]], whole: str) -> str:
    """Of a table with bars and shares of ``whole``: names as HTML, revenue, units and, where they
    are known, customers."""
    rows = list(named)
    axis = axis_of(figures.revenue for _, figures in rows)
    return "".join(
        f'<tr><th scope="row">{name}</th><td class="number">{grouped(of.revenue)}</td>\n'
        f'<td class="bars">{axis.svg(of.revenue)}</td>\n'
        f'<td class="number">{_escaped(share(of.revenue, whole))}</td>\n'
        f'<td class="number">{grouped(of.units)}</td>{_customers(of)}</tr>\n'
        for name, of in rows
    )


def _customers(of: SalesFigures) -> str:
    return "" if of.customers is None else f'<td class="number">{grouped(of.customers)}</td>'


def _escaped(share: str) -> str:
    """One may be less than what is shown."""
    return share.replace("<", "&lt;").replace(">", "&gt;")


@lru_cache(_NAMES)
def _name(text: str) -> str:
    return f"<bdi>{escape(shown_name(text))}</bdi>"


def _product(product: str | None) -> str:
    return "All that are not among the products" if product is None else _name(product)
