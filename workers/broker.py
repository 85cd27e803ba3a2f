"""The broker when it is away, and the workers that answer through it."""

from __future__ import annotations

from typing import Any, NamedTuple

from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import RedisError

from pipeline_core.configuration.served_shops import ServedPlaces, Shop, not_served
from pipeline_core.errors import NotServed, RetryableError
from workers.celery import app
from workers.config import SERVES, STATE_MARK

AWAY = (OperationalError, BatchPublishError, RedisError, OSError)
# Workers answer within milliseconds; each answer is given as long again for the next.
_QUIET_SECONDS = 0.1


class Answer(NamedTuple):
    """A worker that answers: how many processes it has, what it serves (None if an older version
    does not say), and whether it opens states under the same key as this process."""

    processes: int
    served: ServedPlaces | None
    has_our_key: bool


def answers(connection: Any = None) -> dict[str, Answer]:
    """The workers that answer, by name, until none did for a tenth of a second.

    Raises:
        RetryableError: the broker does not answer.
    """
    try:
        found = app.control.inspect(timeout=_QUIET_SECONDS, connection=connection).stats() or {}
    except AWAY as error:
        raise no_answer(error) from error
    return {
        name: Answer(
            each["pool"]["max-concurrency"],
            _served(each.get(SERVES)),
            each.get(STATE_MARK, app.conf.state_mark) == app.conf.state_mark,
        )
        for name, each in sorted(found.items())
    }


def worker_processes(shop: Shop, connection: Any = None) -> int:
    """Processes of the workers that answer; 0 if there is none. Any of them may be given work of
    the shop.

    Raises:
        NotServed: one of them would refuse it, or has another SALES_STATE_KEY.
        RetryableError: the broker does not answer.
    """
    found = answers(connection)
    for name, each in found.items():
        if not each.has_our_key:
            raise other_key(f"The worker {name}")
        if each.served is not None and not each.served.serves(shop):
            raise not_served(f"The worker {name}", shop)
    return sum(each.processes for each in found.values())


def _served(told: Any) -> ServedPlaces | None:
    try:
        return ServedPlaces.from_json(told)
    except (TypeError, ValueError, IndexError):
        return None


def other_key(who: str) -> NotServed:
    """That a worker keeps the state under another key; ``who`` begins the sentence."""
    return NotServed(
        f"{who} has another SALES_STATE_KEY than this machine, or one of the two has none: neither "
        "uses what the other keeps.",
        "Set SALES_STATE_KEY alike everywhere.",
    )


def no_answer(error: BaseException | None) -> RetryableError:
    """What a person is told of a broker that is away."""
    said = " ".join(str(error).split()).rstrip(".")
    return RetryableError(
        f"The broker does not answer: {said}.", "Check SALES_BROKER_URL and that Redis is up."
    )
