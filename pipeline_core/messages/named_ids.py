"""What decides, beside the events themselves, how those of a receipt count."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from pipeline_core.messages.stored_file import StoredFile


class NamedIds(Struct, frozen=True, kw_only=True):
    """Which customers and products the events of a receipt name, and on which days: unless a row
    of one of these is changed for one of these days, they count as they did. An id is eight bytes,
    the stable hash of transform/ids.py, little-endian; ids are sorted."""

    first: date | None = None
    """The first date of a day with such events; None if they have none, or there are none."""
    last: date | None = None
    """The last one; the same."""
    undated: bool = False
    """Whether there are such events on days without a date."""
    customers: bytes | None = b""
    """Ids of customers that there are; None if they are many, and in ``file``."""
    unknown_customers: bytes | None = b""
    """Of customers that there are not; the same."""
    products: bytes | None = b""
    """Of products that there are; the same."""
    unknown_products: bytes | None = b""
    """Of products that there are not; the same."""
    file: StoredFile | None = None
    """All of these; None if all are here."""
