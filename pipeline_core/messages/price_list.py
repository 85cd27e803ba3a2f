"""The prices that a shop had, as plans saw them."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pipeline_core.messages.stored_file import StoredFile


class PriceList(Struct, frozen=True, kw_only=True):
    """One version of the price history. The one with the highest number counts."""

    number: int
    """Its number, from 1."""
    file: StoredFile
    """Its Parquet file: product_id, category, price, valid_from and valid_to."""
    read_at: datetime
    """When the products were read of which it knows (UTC)."""
    run_id: str
    """The run whose plan made it, or of which it was taken; empty if a person gave it."""
