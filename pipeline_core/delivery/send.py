"""Which code delivers to a destination, by its kind."""

from __future__ import annotations

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.rows import PublishedRows


def send(destination: Destination, published: PublishedRows) -> str | None:
    """Delivers a run; returns the id of the newer run that stands there, if that is why it does
    not.

    Raises:
        ConfigError: the destination refuses for good, or holds what is not ours.
        RetryableError: it does not answer, or cannot now.
    """
    if destination.kind == "workbook":
        from pipeline_core.delivery.workbook import write_workbook

        return write_workbook(destination, published)
    from pipeline_core.delivery.postgresql import deliver_rows

    return deliver_rows(destination, published)


def try_out(destination: Destination) -> str:
    """Whether a run could be delivered, without changing anything; what was found, for people.
    Raises as ``send``."""
    if destination.kind == "workbook":
        from pipeline_core.delivery.workbook import try_out_workbook

        return try_out_workbook(destination)
    from pipeline_core.delivery.postgresql import try_out_tables

    return try_out_tables(destination)
