"""Celery's workers, as a command reaches them. Light: the command asks before it imports more."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from console.display.terminal import note
from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.plural import counted
from pipeline_core.retry import call_with_retries
from pipeline_core.settings import DEFAULT_BROKER_URL, Settings

if TYPE_CHECKING:
    from celery import Celery

    from workers.sending.broker import Answer
    from workers.sending.reached_places import Unreached

START_LINE = "celery -A workers worker"
_CREDENTIALS = re.compile(r"(://)[^/]*@")
_PING_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 10.0
# So long ago a worker answered that is not asked again whether it is there.
_JUST_NOW_SECONDS = 5.0
# The backend's own tries, for a person who waits; workers are more patient.
_BACKEND_TRIES = 10


class Fleet(NamedTuple):
    """The workers that answered."""

    processes: dict[str, int]
    """How many each has, by the worker's name."""
    answered_at: float
    """By ``time.monotonic``."""

    @property
    def total(self) -> int:
        """Processes of all of them."""
        return sum(self.processes.values())

    @property
    def is_there(self) -> bool:
        """Whether they answered a moment ago."""
        return time.monotonic() - self.answered_at < _JUST_NOW_SECONDS


_early: list[Callable[[], Fleet]] = []


def ask_early(settings: Settings) -> None:
    """Asks Celery's workers, if the run is theirs, while the command imports the rest."""
    if settings.chosen_engine() == "celery":
        _early.append(_ask(settings, settings.shops()[0]))


def fleet_of(settings: Settings, *, quiet: bool = False) -> Fleet:
    """The workers that answer; none if they did not say how many processes they have.

    Raises:
        NotServed: a worker would refuse runs of these settings.
        RetryableError: the broker is away, or no worker answers in SALES_WORKER_WAIT seconds.
    """
    own = settings.shops()[0]
    answer = _early.pop() if _early else _ask(settings, own)
    _prepare_sending(settings)  # while they answer
    with suppress(RetryableError):  # the wait below asks again, and says what is wrong in the end
        if (found := answer()).processes:
            return found
    wait_for_workers(settings, quiet=quiet)
    return _ask(settings, own)()


def _prepare_sending(settings: Settings) -> None:
    """Imports and makes what the first message of a process needs. Nothing is sent, or asked."""
    import workers.sending.dispatch  # noqa: F401

    app = celery_app(settings)
    app.finalize()
    _ = app.backend


def wait_for_workers(settings: Settings, *, quiet: bool = False) -> None:
    """Returns once a worker answers; says what it waits for, unless ``quiet``. Raises
    RetryableError as ``fleet_of`` does."""
    deadline = time.monotonic() + settings.worker_wait
    is_told = quiet
    while not call_with_retries(lambda: _is_answered(settings)):
        if time.monotonic() > deadline:
            raise RetryableError(
                f"No Celery worker answered at {_broker_place(settings)} in "
                f"{counted(settings.worker_wait, 'second')}.",
                f"Start one with `{START_LINE}`, or use --engine local.",
            )
        if not is_told:
            left = max(round(deadline - time.monotonic()), 0)
            note(
                f"No worker answers at {_broker_place(settings)}; waiting up to {left} s. "
                f"Start one with: {START_LINE}"
            )
            is_told = True


def _broker_place(settings: Settings) -> str:
    """The broker's URL, without user and password."""
    return _CREDENTIALS.sub(r"\1", _url(settings))


def check_served(settings: Settings, shop: Shop) -> bool:
    """Whether any worker answers, at once.

    Raises:
        NotServed: one that does would refuse the shop's runs.
        RetryableError: the broker is away.
    """
    return _ask(settings, shop)().total > 0


def worker_answers(settings: Settings) -> dict[str, Answer]:
    """What each worker that answers serves, by its name. Raises RetryableError if the broker is
    away."""
    from workers.sending.broker import answers

    with _broker(settings) as (_, connection):
        return answers(connection)


def worker_troubles(
    settings: Settings,
    names: Collection[str],
    enough: Callable[[Unreached], bool] = lambda _: False,
) -> dict[str, Unreached]:
    """By worker, which places it cannot use, and why; of all, or until one says what is ``enough``.
    Raises RetryableError if the broker is away."""
    from workers.sending.reached_places import unreached_places

    with _broker(settings) as (_, connection):
        return unreached_places(names, connection, enough=enough)


def worker_settings(settings: Settings) -> dict[str, dict[str, Any]]:
    """Celery's configuration of each worker that answers within a second, by worker.

    Raises:
        RetryableError: the broker is away.
    """
    with _broker(settings) as (app, connection):
        inspect = app.control.inspect(timeout=_PING_SECONDS, connection=connection)
        found: dict[str, dict[str, Any]] = inspect.conf(with_defaults=True) or {}
    return found


def ask_about_reports(settings: Settings, fleet: Fleet) -> Callable[[], None]:
    """Asks the workers, while a run is planned, whether they can write its reports. The result
    waits until one can, or all have answered, and raises ConfigError if none can: they would find
    out after all of the work. Who does not answer says nothing against it."""
    from concurrent.futures import ThreadPoolExecutor

    celery_app(settings)
    asking = ThreadPoolExecutor(1)
    answer = asking.submit(_check_reports, settings, fleet)
    asking.shutdown(wait=False)
    return answer.result


def _check_reports(settings: Settings, fleet: Fleet) -> None:
    with suppress(RetryableError):
        found = worker_troubles(settings, fleet.processes, lambda places: "reports" not in places)
        told = {name: places.get("reports") for name, places in found.items()}
        if told and all(told.values()):
            name, cause = min(told.items())
            raise ConfigError(
                f"No worker that answers can write the reports. {name} says: {cause}",
                "`sales-pipeline doctor` asks each of them.",
            )


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


def _ask(settings: Settings, shop: Shop) -> Callable[[], Fleet]:
    """Asks in a thread; the result waits for the answer. The connection is closed there too."""
    from concurrent.futures import ThreadPoolExecutor

    celery_app(settings)  # imported here: two threads that import the same wait for each other
    asking, stack = ThreadPoolExecutor(1), ExitStack()
    answer = asking.submit(_answering_fleet, settings, shop, stack)
    asking.submit(stack.close)
    asking.shutdown(wait=False)
    return answer.result


def _answering_fleet(settings: Settings, shop: Shop, stack: ExitStack) -> Fleet:
    from workers.sending.broker import worker_processes
    from workers.sending.broker_tls import tls_error

    _, connection = stack.enter_context(_broker(settings))
    if (refused := tls_error(settings, "SALES_RESULT_BACKEND")) is not None:
        raise refused
    return Fleet(worker_processes(shop, connection), time.monotonic())


def _url(settings: Settings) -> str:
    return settings.broker_url.get_secret_value() if settings.broker_url else DEFAULT_BROKER_URL


def _is_answered(settings: Settings) -> bool:
    with _broker(settings) as (_, connection):
        from workers.sending.questions import ask

        return bool(ask("ping", connection, quiet_seconds=_PING_SECONDS, enough=lambda _: True))


@contextmanager
def _broker(settings: Settings) -> Iterator[tuple[Celery, Any]]:
    from workers.sending.broker import AWAY, broker_error
    from workers.sending.broker_tls import tls_mismatch
    from workers.sending.questions import asking_connection

    app = celery_app(settings)
    try:
        # Celery would try for minutes; a person wants to know now.
        with asking_connection() as connection:
            connection.ensure_connection(max_retries=1, timeout=_CONNECT_SECONDS)
            yield app, connection
    except AWAY as error:
        told = broker_error(error)
        if isinstance(told, RetryableError):
            told = tls_mismatch(_url(settings)) or told
        raise told from error
