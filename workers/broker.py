"""The broker when it is away, and the workers that answer through it."""

from __future__ import annotations

from typing import Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline_core.errors import RetryableError
from workers.celery import app

AWAY = (OperationalError, RedisError, OSError)
# Workers answer within milliseconds; each answer is given as long again for the next.
_QUIET_SECONDS = 0.1


def worker_processes(connection: Any = None) -> int:
    """Processes of the workers that answer, until none did for a tenth of a second; 0 if there is
    none.

    Raises:
        RetryableError: the broker does not answer.
    """
    try:
        found = app.control.inspect(timeout=_QUIET_SECONDS, connection=connection).stats() or {}
    except AWAY as error:
        raise no_answer(error) from error
    return sum(each["pool"]["max-concurrency"] for each in found.values())


def no_answer(error: BaseException | None) -> RetryableError:
    """What a person is told of a broker that is away."""
    said = " ".join(str(error).split()).rstrip(".")
    return RetryableError(
        f"The broker does not answer: {said}.", "Check SALES_BROKER_URL and that Redis is up."
    )
