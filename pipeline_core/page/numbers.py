"""How the page writes numbers: grouped, exact, with a true minus."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import NamedTuple

from pipeline_core.transform.money import to_text

_UNKNOWN = "–"  # noqa: RUF001  (an en dash is meant)
_MINUS = "\u2212"
_NO_BREAK = "\u00a0"
_EXACT = Context(prec=200)  # more digits than any figure has


# Shares above it, in hundredths, have one decimal.
_PLAIN = 0.06

Shown = str | int | float | Decimal


class Change(NamedTuple):
    """From one run to the next: ``by`` in the figure's unit, ``share`` in hundredths of what it
    was (empty from zero), ``direction`` is ``up``, ``down`` or ``same``."""

    by: str
    share: str
    direction: str


def grouped(number: object) -> str:
    """1234567.80 -> 1,234,567.80; None, what cannot be known, is a dash."""
    if number is None:
        return _UNKNOWN
    if type(number) is int and number >= 0:
        return f"{number:,}"
    # Not str: of a tiny Decimal that is 5E-15.
    text = f"{number:f}" if isinstance(number, Decimal) else str(number)
    sign, text = (_MINUS, text[1:]) if text[0] == "-" else ("", text)
    whole, point, decimals = text.partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"


def money(number: object, currency: str) -> str:
    """A figure with the code or the sign of its currency before it: EUR 1,234.50, -€1,234.50."""
    text = grouped(number)
    if not currency or number is None:
        return text
    sign = _MINUS if text.startswith(_MINUS) else ""
    space = _NO_BREAK if currency[-1].isalpha() else ""
    return f"{sign}{currency}{space}{text.removeprefix(sign)}"


def change(now: Shown, before: Shown) -> Change:
    """Of a figure: two whole numbers or decimal texts."""
    was = Decimal(str(before))
    difference = _EXACT.subtract(Decimal(str(now)), was)
    direction = "up" if difference > 0 else "down" if difference < 0 else "same"
    share = "" if was <= 0 or not difference else f"{_signed(percent(difference, was))} %"
    return Change(_signed(grouped(difference)), share, direction)


def signed(number: Shown) -> str:
    """A change as it is written: +1,234.50, or 0.00 if there is none."""
    return _signed(grouped(number))


def percent(part: Shown, whole: Shown) -> str:
    """A share in hundredths with one decimal, or as many more, up to three, as it takes to be
    seen. Of nothing it is 0. (To look at: a float is near enough.)"""
    share = float(part) / float(whole) * 100 if float(whole) else 0.0
    for places in (1, 2, 3):
        text = f"{share:,.{places}f}"
        if text.strip("-0."):
            return text.replace("-", _MINUS)
    return "0.0" if not share else "<0.001" if share > 0 else f">{_MINUS}0.001"


def share(part: Shown, whole: Shown) -> str:
    """As a table has it; of nothing, or of less, there is none."""
    return f"{percent(part, whole)} %" if float(whole) > 0 else _UNKNOWN


def share_html(part: Shown, whole: Shown) -> str:
    """The same as HTML: one may be less than what is shown."""
    return share(part, whole).replace("<", "&lt;").replace(">", "&gt;")


def counts(numbers: Iterable[int]) -> list[str]:
    """Whole numbers, as ``grouped`` writes each."""
    return [f"{number:,}" if number >= 0 else grouped(number) for number in numbers]


def amounts(minors: Iterable[int], scale: int) -> list[str]:
    """Amounts in minor units: 123456780 -> 1,234,567.80 at scale 2."""
    one = 10**scale
    if not scale:
        return list(map(grouped, minors))
    return [
        f"{minor // one:,}.{minor % one:0{scale}}" if minor >= 0 else grouped(to_text(minor, scale))
        for minor in minors
    ]


def shares(values: Iterable[float], whole: float) -> list[str]:
    """``share_html`` of many."""
    if whole <= 0:
        return [share_html(value, whole) for value in values]
    found = ((value, value / whole * 100) for value in values)
    return [
        f"{hundredths:,.1f} %" if hundredths > _PLAIN else share_html(value, whole)
        for value, hundredths in found
    ]


def plus(one: Shown, other: Shown) -> str:
    """The sum of two figures, as decimal text."""
    return f"{_EXACT.add(Decimal(str(one)), Decimal(str(other))):f}"


def apart(now: Shown, before: Shown) -> str:
    """How far a figure moved, in either direction, as decimal text."""
    return f"{abs(_EXACT.subtract(Decimal(str(now)), Decimal(str(before)))):f}"


def _signed(text: str) -> str:
    return text if text[0] in _MINUS + "<>" or not text.strip("0.,") else f"+{text}"
