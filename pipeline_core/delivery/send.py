"""Which code delivers to a destination, by its kind."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.rows import published_rows
from pipeline_core.ledger import RunLedger


def send(
    destination: Destination, ledger: RunLedger, about_to_send: Callable[[], None]
) -> str | None:
    """Delivers a run; returns the id of the newer run that stands there, if that is why it does
    not. ``about_to_send`` is called before what cannot be taken back, and may raise.

    Raises:
        ConfigError: the destination refuses for good, or holds what is not ours.
        OutcomeUnknown: it was sent, and nobody knows whether it arrived.
        RetryableError: it does not answer, or cannot now.
    """
    if destination.kind == "mail":
        from pipeline_core.delivery.mail import send_mail

        send_mail(destination, ledger, about_to_send)
        return None
    if destination.kind == "notification":
        from pipeline_core.delivery.notification import send_notification

        send_notification(destination, ledger, about_to_send)
        return None
    rows = published_rows(ledger)
    if destination.kind == "workbook":
        from pipeline_core.delivery.workbook import write_workbook

        return write_workbook(destination, rows)
    from pipeline_core.delivery.postgresql import deliver_rows

    return deliver_rows(destination, rows)


def try_out(destination: Destination) -> str:
    """Whether a run could be delivered, without changing or sending anything; what was found, for
    people. Raises as ``send``."""
    if destination.kind == "mail":
        from pipeline_core.delivery.mail import try_out_mail

        return try_out_mail(destination)
    if destination.kind == "notification":
        from pipeline_core.delivery.notification import try_out_notification

        return try_out_notification(destination)
    if destination.kind == "workbook":
        from pipeline_core.delivery.workbook import try_out_workbook

        return try_out_workbook(destination)
    from pipeline_core.delivery.postgresql import try_out_tables

    return try_out_tables(destination)
