"""The rows that a run must have published, by the recount."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from pipeline_core.messages import ReturnsMode
from pipeline_core.verify.counts import Amount, Count

SALES_HEADER = ("category", "customer_segment", "total_revenue", "units_sold", "unique_customers")
DAILY_HEADER = ("date", "category", "customer_segment", "total_revenue", "units_sold")
REJECTS_HEADER = ("reason", "archive", "day", "part", "position", "event")

Row = tuple[str, ...]
Amounts = dict[tuple[str, str, str], Amount]


class Tables(NamedTuple):
    """Rows of sales_report, of daily_sales, and of returns, which is None if there is none."""

    sales: list[Row]
    daily: list[Row]
    returns: list[Row] | None


def tables(count: Count, scale: int, returns: ReturnsMode) -> Tables:
    """What a run has to publish."""
    sold = net_sales(count) if returns == "net" else count.sales
    returned = _rows(count.returns, count.returners, scale) if returns == "separate" else None
    daily: list[Row] = [
        (*group, money(amount.revenue, scale), str(amount.units))
        for group, amount in sorted(sold.items())
    ]
    return Tables(_rows(sold, count.customers, scale), daily, returned)


def net_sales(count: Count) -> Amounts:
    """Sales less returns, by date, category and segment."""
    net: Amounts = {}
    for amounts, sign in ((count.sales, 1), (count.returns, -1)):
        for group, each in amounts.items():
            net.setdefault(group, Amount()).add(each.events, sign * each.units, sign * each.revenue)
    return net


def _rows(amounts: Amounts, people: dict[tuple[str, str], set[str]], scale: int) -> list[Row]:
    """By revenue descending, then category, then segment."""
    cells: dict[tuple[str, str], Amount] = {}
    for (_, category, segment), amount in amounts.items():
        group = cells.setdefault((category, segment), Amount())
        group.add(amount.events, amount.units, amount.revenue)
    return [
        (
            *pair,
            money(amount.revenue, scale),
            str(amount.units),
            str(len(people.get(pair, ()))),
        )
        for pair, amount in sorted(cells.items(), key=lambda item: (-item[1].revenue, item[0]))
    ]


def total(amounts: Amounts) -> Amount:
    """All of them together."""
    found = Amount()
    for each in amounts.values():
        found.add(each.events, each.units, each.revenue)
    return found


def money(amount: Decimal, scale: int) -> str:
    """As it is published."""
    return f"{amount:.{scale}f}"
