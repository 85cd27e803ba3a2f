"""What was left out, with money as people read it."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_core.messages import RejectFigures, RejectSummary
from pipeline_core.transform.money import to_text


def in_decimals(rejected: Mapping[str, RejectFigures], scale: int) -> dict[str, RejectSummary]:
    """What was left out, by reason, with money as decimal text."""
    return {reason: _in_decimals(figures, scale) for reason, figures in rejected.items()}


def _in_decimals(figures: RejectFigures, scale: int) -> RejectSummary:
    return RejectSummary(
        events=figures.events,
        units=figures.units,
        revenue=None if figures.revenue is None else to_text(figures.revenue, scale),
        unknown_units=figures.unknown_units,
        unknown_revenue=figures.unknown_revenue,
        returns=None if figures.returns is None else _in_decimals(figures.returns, scale),
    )
