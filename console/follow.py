"""Follows a run on Celery workers through the state storage, which is where the truth is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from console.progress import Progress
from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage

if TYPE_CHECKING:
    from celery import Celery

_POLL_SECONDS = 0.3
_PING_SECONDS = 1.0
_CONNECT_SECONDS = 5.0


def follow(settings: Settings, manifest: Manifest, progress: Progress) -> Outcome:
    """Reports receipts as they appear and returns the outcome once it is there."""
    ledger = RunLedger(open_storage(settings.state), manifest.run_id)
    expected = {archive.id for archive in manifest.to_process()}
    known: set[str] = set()
    while True:
        outcome = ledger.outcome()
        for archive_id in sorted((ledger.receipt_ids() & expected) - known):
            receipt = ledger.receipt(archive_id)
            if receipt is not None:
                known.add(archive_id)
                progress.done(receipt)
        if outcome is not None:
            return outcome
        if known == expected:
            progress.publishing()
        time.sleep(_POLL_SECONDS)


def wait_for_workers(settings: Settings) -> None:
    """Returns once a worker answers.

    Raises:
        RetryableError: the broker is away, or no worker answers in SALES_WORKER_WAIT seconds.
    """
    deadline = time.monotonic() + settings.worker_wait
    while not answering_workers(settings):
        if time.monotonic() > deadline:
            raise RetryableError(
                f"No Celery worker answered in {settings.worker_wait} seconds.",
                "Start one with `celery -A workers worker`, or use --engine local.",
            )


def answering_workers(settings: Settings) -> list[str]:
    """Names of the workers that answer within a second.

    Raises:
        RetryableError: the broker is away.
    """
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    app = celery_app(settings)
    try:
        # Celery would try for minutes; a person wants to know now.
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS)
            answers = app.control.ping(timeout=_PING_SECONDS, connection=connection)
    except (OperationalError, RedisError, OSError) as error:
        raise RetryableError(
            f"The broker does not answer: {error}.", "Check SALES_BROKER_URL and that Redis is up."
        ) from error
    return sorted(name for answer in answers for name in answer)


def celery_app(settings: Settings) -> Celery:
    """The workers' app, with the broker that this command was given."""
    from workers.celery import app
    from workers.config import celery_config

    app.conf.update(celery_config(settings))
    return app
