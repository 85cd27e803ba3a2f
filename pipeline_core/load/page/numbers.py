"""How the page writes numbers: grouped, exact, with a true minus."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import NamedTuple

_UNKNOWN = "–"  # noqa: RUF001  (an en dash is meant)
_MINUS = "\u2212"
_EXACT = Context(prec=200)  # more digits than any figure has


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
    # Not str: of a tiny Decimal that is 5E-15.
    text = f"{number:f}" if isinstance(number, Decimal) else str(number)
    sign = _MINUS if text.startswith("-") else ""
    whole, point, decimals = text.removeprefix("-").partition(".")
    return f"{sign}{int(whole):,}{point}{decimals}"


def change(now: object, before: object) -> Change:
    """Of a figure: two whole numbers or decimal texts."""
    was = Decimal(str(before))
    difference = _EXACT.subtract(Decimal(str(now)), was)
    direction = "up" if difference > 0 else "down" if difference < 0 else "same"
    share = "" if not was or not difference else f"{_signed(percent(difference, was))} %"
    return Change(_signed(grouped(difference)), share, direction)


def percent(part: object, whole: object) -> str:
    """A share in hundredths with one decimal; less than half a tenth that is not nothing says so
    by more decimals. Of nothing it is 0."""
    whole, part = Decimal(str(whole)), Decimal(str(part))
    if not whole or not part:
        return "0.0"
    share = part / whole * 100
    for places in (1, 2, 3):
        text = f"{share:,.{places}f}"
        if text.strip("-0."):
            return text.replace("-", _MINUS)
    return ("<" if share > 0 else f">{_MINUS}") + "0.001"


def width(part: object, largest: object) -> str:
    """The length of a bar, in hundredths of the longest."""
    whole = Decimal(str(largest))
    return f"{Decimal(str(part)) / whole * 100:.2f}" if whole else "0"


def _signed(text: str) -> str:
    return text if text[0] in _MINUS + "<>" or not text.strip("0.,") else f"+{text}"
