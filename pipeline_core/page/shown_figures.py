"""Figures as the pages show them. Revenue is decimal text."""

from __future__ import annotations

from msgspec import Struct


class SalesFigures(Struct, frozen=True):
    """A line of the report."""

    revenue: str
    """Revenue as decimal text."""
    units: int
    """Units that were sold."""
    customers: int | None = None
    """Distinct customers; None where it is not known."""


class Folded(Struct, frozen=True):
    """Lines that the page shows as one."""

    count: int
    """Number of them."""
    figures: SalesFigures
    """Their sum."""
