"""Bars beside the figures of a column: from zero to the right, or to the left below zero."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from markupsafe import Markup

Figure = str | int | float | Decimal


class Axis(NamedTuple):
    """What the bars of a column are drawn in proportion to: they go from ``least``, 0 or less, to
    ``most``, 0 or more. (To look at: a float is near enough.)"""

    least: float
    most: float

    def bar(self, figure: Figure | None, *, is_loss: bool = False) -> Markup:
        """An SVG, empty where a figure is not known. A loss is coloured as what is below zero."""
        return Markup(self.svg(figure, is_loss=is_loss))  # noqa: S704  (numbers alone)

    def svg(self, figure: Figure | None, *, is_loss: bool = False) -> str:
        """The same as text."""
        value = float(figure or 0)
        minus = " minus" if value < 0 or is_loss else ""
        zero, line = 0.0, ""
        if self.least < 0:
            zero = self._place(0)
            if self.most > 0:
                line = f'<line x1="{zero:.2f}%" x2="{zero:.2f}%" y2="100%"/>'
        end = self._place(value)
        begin, end = (end, zero) if value < 0 else (zero, end)
        return (
            f'<svg class="bar{minus}" aria-hidden="true"><rect x="{begin:.2f}%" '
            f'width="{end - begin:.2f}%" height="100%"/>{line}</svg>'
        )

    def svgs(self, values: Iterable[float]) -> list[str]:
        """The same of many."""
        if self.least < 0 or not self.most:
            return list(map(self.svg, values))
        return [
            '<svg class="bar" aria-hidden="true"><rect x="0.00%" '
            f'width="{value / self.most * 100:.2f}%" height="100%"/></svg>'
            for value in values
        ]

    def _place(self, value: float) -> float:
        """In hundredths of the length."""
        length = self.most - self.least
        return (value - self.least) / length * 100 if length else 0.0


def axis_of(figures: Iterable[Figure | None]) -> Axis:
    """Of the figures of a column; None is one that is not known."""
    known = [float(each) for each in figures if each is not None]
    return Axis(min(0.0, *known, 0.0), max(0.0, *known, 0.0))
