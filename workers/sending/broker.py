"""The broker when it is away, and the workers that answer through it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from kombu.exceptions import BatchPublishError, OperationalError
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from pipeline_core.configuration.served_shops import ServedPlaces, Shop, not_served
from pipeline_core.errors import ConfigError, NotServed, RetryableError, UnknownHost
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages.unfit_worker import UnfitWorker
from workers.celery import app
from workers.config import (
    CLOCK,
    HOST,
    SERVES,
    SETTINGS,
    STATE_MARK,
    TEMPORARY_BYTES,
    UNFIT,
    UNFIT_NOTE,
    VERSIONS,
)
from workers.sending.questions import ask

AWAY = (OperationalError, BatchPublishError, RedisError, OSError)
_NOT_LET_IN = (AuthenticationError, NoPermissionError)
# As kombu has them in an error of its own.
_NO_LOGIN = ("WRONGPASS", "NOAUTH", "NOPERM", "invalid username-password pair", "invalid password")
# Not a resolver that is away (EAI_AGAIN).
_NO_HOST = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}
# Workers answer within milliseconds; each answer is given as long again for the next.
_QUIET_SECONDS = 0.1


class Answer(NamedTuple):
    """A worker that answers: how many processes it has, what it serves (None if an older version
    does not say), whether it opens states under the same key as this process, and why it cannot
    work, empty if it can, how many bytes its temporary files may take, if that is known. An older
    version does not say the mark of its host, how many seconds its clock is ahead of ours, or its
    versions and settings, by name, nor what the state is to know of one that cannot work."""

    processes: int
    served: ServedPlaces | None
    has_our_key: bool
    unfit: str = ""
    temporary_bytes: int | None = None
    host: str = ""
    ahead: float = 0.0
    versions: Mapping[str, str] = MappingProxyType({})
    settings: Mapping[str, str] = MappingProxyType({})
    unfit_note: UnfitWorker | None = None


def answers(connection: Any = None, *, quiet_seconds: float = _QUIET_SECONDS) -> dict[str, Answer]:
    """The workers that answer, by name, until none did for so long, or all that heard the question.

    Raises:
        ConfigError: the broker refuses for good.
        RetryableError: it does not answer.
    """
    try:
        found = ask("stats", connection, quiet_seconds=quiet_seconds)
    except AWAY as error:
        raise broker_error(error) from error
    now = time.time()
    return {
        name: Answer(
            each["pool"]["max-concurrency"],
            _served(each.get(SERVES)),
            each.get(STATE_MARK, app.conf.state_mark) == app.conf.state_mark,
            str(each.get(UNFIT, "")),
            each.get(TEMPORARY_BYTES),
            str(each.get(HOST, "")),
            float(each.get(CLOCK, now)) - now,
            each.get(VERSIONS, {}),
            each.get(SETTINGS, {}),
            _unfit_note(each.get(UNFIT_NOTE)),
        )
        for name, each in sorted(found.items())
        if "pool" in each  # one that is leaving has none
    }


def worker_processes(shop: Shop, connection: Any = None) -> dict[str, int]:
    """Processes of each worker that answers, by its name. Any of them may be given work of the
    shop.

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
    return {name: each.processes for name, each in found.items()}


def _served(told: Any) -> ServedPlaces | None:
    try:
        return ServedPlaces.from_json(told)
    except (TypeError, ValueError, IndexError):
        return None


def _unfit_note(told: Any) -> UnfitWorker | None:
    try:
        return msgspec.convert(told, known(UnfitWorker) | None)
    except msgspec.ValidationError:
        return None


def other_key(who: str) -> NotServed:
    """That a worker keeps the state under another key; ``who`` begins the sentence."""
    return NotServed(
        f"{who} has another SALES_STATE_KEY than this machine, or one of the two has none: neither "
        "uses what the other keeps.",
        "Set SALES_STATE_KEY alike everywhere.",
    )


def broker_error(error: BaseException | None) -> ConfigError | RetryableError:
    """What a person is told of a broker that does not answer, or refuses. Raises nothing."""
    causes = list(_causes(error))
    said = " ".join(str(error).split()).rstrip(".")
    if any(isinstance(each, _NOT_LET_IN) for each in causes) or any(
        words in said for words in _NO_LOGIN
    ):
        return ConfigError(
            f"The broker refuses: {said}.", "Correct user and password in SALES_BROKER_URL."
        )
    if "DB index is out of range" in said:
        return ConfigError(
            f"The broker refuses: {said}.", "Correct the database's number in SALES_BROKER_URL."
        )
    if any(isinstance(each, socket.gaierror) and each.errno in _NO_HOST for each in causes):
        return UnknownHost(
            f"The broker has no such host: {said}.",
            "Correct the host in SALES_BROKER_URL: no such name is known here.",
        )
    return refused_tls(error) if is_of_tls(error) else no_answer(error)


def is_of_tls(error: BaseException | None) -> bool:
    """Whether it says that TLS did not come about."""
    return any(isinstance(each, ssl.SSLError) and not _is_cut_off(each) for each in _causes(error))


def refused_tls(error: BaseException | None, setting: str = "SALES_BROKER_URL") -> ConfigError:
    """What a person is told of an error that ``is_of_tls``, of the Redis that ``setting`` names."""
    said = " ".join(str(error).split()).rstrip(".")
    who = "The broker" if setting == "SALES_BROKER_URL" else "The result store"
    return ConfigError(
        f"{who} and this machine agree on no TLS: {said}.",
        f"Check that {setting} begins with rediss:// if, and only if, that port speaks TLS, and "
        "SALES_REDIS_CA.",
    )


def no_answer(error: BaseException | None) -> RetryableError:
    """That a broker is away, for whoever tries again."""
    said = " ".join(str(error).split()).rstrip(".")
    return RetryableError(
        f"The broker does not answer: {said}.", "Check SALES_BROKER_URL and that Redis is up."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was raised from: Celery and redis-py wrap what they are told."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_cut_off(error: ssl.SSLError) -> bool:
    """Whether the connection went away, as one does when a server stops."""
    return isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
