"""The pages of the categories: there may be thousands, so what all have in common is rendered once,
as a frame with slots. What fills these is no template's: that takes longer for a row than all else
that is in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat

from markupsafe import Markup, escape

from pipeline_core.page.bars import axis_of
from pipeline_core.page.compared import beside, compared
from pipeline_core.page.data import Page
from pipeline_core.page.figures import CELLS, Sales, Sum, folded
from pipeline_core.page.numbers import amounts, counts, grouped, money, share_html, shares
from pipeline_core.page.products import ShownProducts
from pipeline_core.page.render import assets, environment, shown_name
from pipeline_core.page.shown_figures import Folded
from pipeline_core.page.shown_periods import PeriodSales
from pipeline_core.transform.money import to_text

# No text of the shop's is mistaken for one: in those there is no < any more.
_SLOT = re.compile(r"<slot (\w+)>")
_NAMES = 1 << 12


class CategoryPages:
    """Of the run whose ``page`` it is; revenue has ``scale`` decimals. No script is in them."""

    def __init__(self, page: Page, scale: int) -> None:
        self._page = page
        self._scale = scale
        self._frames: dict[tuple[int, bool], list[str]] = {}

    def render(
        self,
        rank: int,
        file: str,
        of: Sum,
        rows: Sequence[Sales],
        months: Sequence[PeriodSales],
        products: ShownProducts | None,
    ) -> str:
        """The page of the category of these ``rows``, the ``rank``-th by revenue, whose CSV is
        called ``file``; ``products`` are None if the run was planned by a version that did not
        count by product."""
        totals, currency, scale = self._page.summary.totals, self._page.currency, self._scale
        revenue, whole = to_text(of.revenue, scale), of.revenue / 10**scale
        slots = {
            "name": str(escape(shown_name(rows[0].category))),
            "rank": grouped(rank),
            "money": str(escape(money(revenue, currency))),
            "revenue": grouped(revenue),
            "units": grouped(of.units),
            "customers": grouped(of.customers),
            "revenue_share": share_html(revenue, totals.total_revenue),
            "units_share": share_html(of.units, totals.units_sold),
            "customers_share": share_html(of.customers or 0, totals.unique_customers),
            "last_month": _last_month(months, currency),
            "month_rows": _month_rows(months),
            "product_rows": "" if products is None else _product_rows(products, whole, scale),
            "segment_rows": _segment_rows(rows, whole, scale),
            "csv": file,
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


def _product_rows(products: ShownProducts, whole: float, scale: int) -> str:
    names = [
        "All that are not among the products" if each is None else _name(each)
        for each in products.products
    ]
    rows = _rows(names, products.revenue, products.units, None, whole, scale)
    if products.folded is None:
        return rows
    count = products.folded.count
    head = f"and {grouped(count)} more product{'' if count == 1 else 's'}, together</th>"
    return f'{rows}<tr class="folded"><th scope="row">{head}{_rest(products.folded, whole)}</tr>\n'


def _segment_rows(rows: Sequence[Sales], whole: float, scale: int) -> str:
    _, segments, revenue, units, customers = zip(*rows[:CELLS], strict=True)
    text = _rows(map(_name, segments), revenue, units, customers, whole, scale)
    rest = folded(rows[CELLS:], scale)
    if rest is None:
        return text
    head = f'<th scope="row" colspan="1">{grouped(rest.count)} more segments, together</th>\n'
    last = f'{_rest(rest, whole)}<td class="number">{grouped(None)}</td>'
    return f'{text}<tr class="folded">{head}{last}</tr>\n'


def _rest(rest: Folded, whole: float) -> str:
    of = rest.figures
    return (
        f'<td class="number">{grouped(of.revenue)}</td><td class="bars"></td>\n'
        f'<td class="number">{share_html(of.revenue, whole)}</td>'
        f'<td class="number">{grouped(of.units)}</td>'
    )


def _rows(
    names: Iterable[str],
    revenue: Sequence[int],
    units: Sequence[int],
    customers: Sequence[int] | None,
    whole: float,
    scale: int,
) -> str:
    """Of a table with bars and shares of ``whole``: names as HTML, revenue in minor units, units
    and, where they are known, customers."""
    one = 10**scale
    values = [minor / one for minor in revenue]
    last = (
        repeat("")
        if customers is None
        else [f'<td class="number">{each:,}</td>' for each in customers]
    )
    columns = (
        amounts(revenue, scale),
        axis_of(values).svgs(values),
        shares(values, whole),
        counts(units),
        last,
    )
    return "".join(
        [
            f'<tr><th scope="row">{name}</th><td class="number">{amount}</td>\n'
            f'<td class="bars">{bar}</td>\n'
            f'<td class="number">{part}</td>\n'
            f'<td class="number">{sold}</td>{bought}</tr>\n'
            for name, amount, bar, part, sold, bought in zip(names, *columns, strict=False)
        ]
    )


@lru_cache(_NAMES)
def _name(text: str) -> str:
    return f"<bdi>{escape(shown_name(text))}</bdi>"
