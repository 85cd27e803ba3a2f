"""A table without rows, and where it is: whoever filled another one looks for the reason there."""

from __future__ import annotations

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import DATABASE, DimensionSource


def empty_tables_in_words(
    snapshot: Snapshot, customers: DimensionSource, products: DimensionSource
) -> str:
    """Which of the tables that a snapshot was read from has no row, in sentences; empty if both
    have some."""
    tables = (
        ("customers", snapshot.customers, customers),
        ("products", snapshot.products, products),
    )
    return " ".join(
        f"There is no row of {name}, which are read from {_place(source)}: none that an event "
        "names is known."
        for name, table, source in tables
        if not table.num_rows
    )


def _place(source: DimensionSource) -> str:
    return f"{source.words} of the database" if source.place == DATABASE else source.words
