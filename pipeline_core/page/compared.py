"""A month, a week or a day beside others, as HTML. Written out in code: pages of categories have
thousands of them."""

from __future__ import annotations

from markupsafe import Markup, escape

from pipeline_core.page.numbers import apart, change, money
from pipeline_core.page.shown_periods import OtherPeriod, PeriodSales


def beside(period: PeriodSales, currency: str) -> Markup:
    """What it brought, and how much more or less that is than in others."""
    revenue = period.revenue or ""
    text = str(escape(money(period.revenue, currency)))
    if period.before:
        text += f", {_than(revenue, period.before, currency)}"
    if period.year_before:
        joined = " and" if period.before else ","
        text += f"{joined} {_than(revenue, period.year_before, currency)}"
    return Markup(f"{text}.")  # noqa: S704  (escaped above)


def _than(now: str, other: OtherPeriod, currency: str) -> str:
    by = change(now, other.revenue)
    if by.direction == "same":
        return f"as much as in {escape(other.name)}"
    more = "more" if by.direction == "up" else "less"
    share = f' <span class="whole">({escape(by.share)})</span>' if by.share else ""
    amount = escape(money(apart(now, other.revenue), currency))
    return f"{amount} {more}{share} than in {escape(other.name)}"


def compared(period: PeriodSales, other: OtherPeriod | None) -> Markup:
    """What it brought more or less than another, as a cell of a table."""
    if other is None or period.revenue is None:
        return Markup("–")  # noqa: RUF001  (an en dash is meant)
    by = change(period.revenue, other.revenue)
    share = f' <span class="share">{escape(by.share)}</span>' if by.share else ""
    other_days = "" if period.has_ended else f"<small>on {escape(other.name)}</small>"
    return Markup(f"{by.by}{share}{other_days}")  # noqa: S704  (escaped above)
