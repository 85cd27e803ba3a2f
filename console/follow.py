"""Follows a run on Celery workers through the state storage, which is where the truth is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import structlog

from console.progress import Progress
from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.pipeline.local import tried
from pipeline_core.pipeline.tell import give_up, tell
from pipeline_core.pipeline.turn import is_moving
from pipeline_core.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

log = structlog.get_logger()

# Looks at the state so often, but spends a tenth of the time on it at most.
_POLL_SECONDS = 0.1
_PAUSE_BY_LOOK = 9
_PING_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 10.0
_RECOVER_EVERY_SECONDS = 5.0
# Times ``stall_after`` during which nothing could be sent to a run that does not move.
_MOST_PATIENCE = 10
# The backend's own tries, for a person who waits; workers are more patient.
_BACKEND_TRIES = 10


def follow(settings: Settings, ledger: RunLedger, progress: Progress) -> Outcome:
    """Reports receipts as they appear and returns the outcome once it is there.

    It comes: what stopped is sent again, and what nobody works on is ended as failed, also
    where no beat runs.

    Raises:
        RetryableError: the state storage has not answered for as long as a run may stand still.
    """
    celery_app(settings)
    manifest: Manifest | None = None
    known: set[str] = set()
    looked = failing_since = time.monotonic()
    while True:
        began = time.monotonic()
        # Only workers can send a run on Celery what it misses; a local one's owner is here or gone.
        is_local = manifest is not None and manifest.engine == "local"
        patience = settings.stall_after * (1 if is_local else _MOST_PATIENCE)
        try:
            outcome = ledger.outcome()
            if manifest is None and (manifest := ledger.planned()) is not None:
                progress.processing(manifest)
            if manifest is not None:
                known |= _show_new(ledger, manifest, known, progress)
            if outcome is not None:
                tell(ledger, settings.hooks())
                return outcome
        except RetryableError:  # the workers, which try again, may be well; `_recover` logs it
            if time.monotonic() - failing_since > patience:
                raise
        now = time.monotonic()
        pause = max(_POLL_SECONDS, _PAUSE_BY_LOOK * (now - began))
        if now - looked >= min(_RECOVER_EVERY_SECONDS, settings.lease / 2):
            looked = now
            if _recover(settings, ledger):
                failing_since = now
            elif now - failing_since > patience:
                _give_up(settings, ledger)
        time.sleep(pause)


def _show_new(
    ledger: RunLedger, manifest: Manifest, known: set[str], progress: Progress
) -> set[str]:
    work = {each.id for each in manifest.planned_work()}
    new = (ledger.receipt_ids() & work) - known
    for receipt in ledger.receipts_of(sorted(new)).values() if new else ():
        progress.done(receipt)
    if len(known | new) == len(work):
        progress.publishing()
    return new


def _recover(settings: Settings, ledger: RunLedger) -> bool:
    """Whether there is still somebody, or something, to wait for."""
    from workers.reconciler import recover_run

    try:
        return recover_run(settings, ledger) or is_moving(ledger)
    except RetryableError as error:
        log.warning("cannot_recover", run_id=ledger.run_id, cause=error.message)
        return False


def _give_up(settings: Settings, ledger: RunLedger) -> None:
    error = RetryableError(
        "It does not move, and nobody takes it up.",
        f"`sales-pipeline doctor` says why; then `sales-pipeline resume {ledger.run_id}`.",
    )
    give_up(ledger, settings.hooks(), error)


def wait_for_workers(settings: Settings) -> None:
    """Returns once a worker answers.

    Raises:
        RetryableError: the broker is away, or no worker answers in SALES_WORKER_WAIT seconds.
    """
    deadline = time.monotonic() + settings.worker_wait
    while not tried(lambda: answering_workers(settings, most=1)):
        if time.monotonic() > deadline:
            raise RetryableError(
                f"No Celery worker answered in {settings.worker_wait} seconds.",
                "Start one with `celery -A workers worker`, or use --engine local.",
            )


def answering_workers(settings: Settings, most: int | None = None) -> list[str]:
    """Names of the workers that answer within a second; of the first ``most``, at once.

    Raises:
        RetryableError: the broker is away.
    """
    with _broker(settings) as (app, connection):
        answers = app.control.broadcast(
            "ping", reply=True, timeout=_PING_SECONDS, limit=most, connection=connection
        )
    return sorted(name for answer in answers for name in answer)


def answering_processes(settings: Settings, stack: ExitStack) -> int:
    """Processes of the workers that answer at once; 1 if there is none. The connection is left
    on ``stack``: closing it takes up to a second.

    Raises:
        RetryableError: the broker is away.
    """
    from workers.dispatch import worker_processes

    _, connection = stack.enter_context(_broker(settings))
    return worker_processes(connection)


def worker_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """Celery's configuration of each worker that answers within a second, by worker.

    Raises:
        RetryableError: the broker is away.
    """
    with _broker(settings) as (app, connection):
        inspect = app.control.inspect(timeout=_PING_SECONDS, connection=connection)
        found: dict[str, dict[str, Any]] = inspect.conf(with_defaults=True) or {}
    return found


@contextmanager
def _broker(settings: Settings) -> Iterator[tuple[Celery, Any]]:
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    app = celery_app(settings)
    try:
        # Celery would try for minutes; a person wants to know now.
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS)
            yield app, connection
    except (OperationalError, RedisError, OSError) as error:
        raise RetryableError(
            f"The broker does not answer: {error}.", "Check SALES_BROKER_URL and that Redis is up."
        ) from error


def celery_app(settings: Settings) -> Celery:
    """The workers' app, with the broker that this command was given."""
    from workers.celery import app
    from workers.config import celery_config

    config = celery_config(settings)
    # A Redis that takes connections and says nothing would be waited for without an end.
    silence = {"socket_connect_timeout": _CONNECT_SECONDS, "socket_timeout": _SILENT_SECONDS}
    config["broker_transport_options"] |= silence
    config |= {f"redis_{name}": seconds for name, seconds in silence.items()}
    app.conf.update(config)
    app.conf.result_backend_max_retries = _BACKEND_TRIES
    app.conf.result_backend_transport_options |= {"retry_policy": {"max_retries": _BACKEND_TRIES}}
    return app
