"""Celery's app, with one broker for workers, beat, Flower and the command: that of ``SALES_*``.

Celery lets ``CELERY_BROKER_URL`` and its like win over what an app was given, in the processes
that happen to have them: workers would listen at one broker, and the command send to another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from kombu.utils.imports import symbol_by_name

_BACKEND = "workers.sending.chord_counts:Backend"
_SERVERS = {"broker_url", "broker_read_url", "broker_write_url", "result_backend"}
# So many messages go to the broker at once: the first are worked on while the next are made, which
# takes longer than to send them.
_SENT_AT_ONCE = 10

_producer: ContextVar[Any] = ContextVar("producer", default=None)


class Loader(AppLoader):  # type: ignore[misc]
    """Reads no module that ``CELERY_CONFIG_MODULE`` names."""

    def read_configuration(self, env: str = "") -> None:
        """The app is given all of its configuration."""


class App(Celery):  # type: ignore[misc]
    """Celery's app. ``conf.broker_url`` and its like ask the environment first, ``conf[…]`` has
    what the app was given."""

    def __init__(self, main: str, **options: Any) -> None:
        super().__init__(main, loader=Loader, **options)

    def connection_for_read(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_read(url or self.conf["broker_url"], **options)

    def connection_for_write(self, url: str | None = None, **options: Any) -> Any:
        return super().connection_for_write(url or self.conf["broker_url"], **options)

    def connection(self, hostname: str | None = None, **options: Any) -> Any:
        return super().connection(hostname or self.conf["broker_url"], **options)

    @contextmanager
    def sending_together(self) -> Iterator[None]:
        """What the body sends goes to the broker in few round trips; a chord takes no producer.

        Raises:
            BatchPublishError: the broker is away, and may have taken some of it.
        """
        with self.producer_pool.acquire(block=True) as producer:
            token = _producer.set(producer)
            try:
                with producer.batch(_SENT_AT_ONCE):
                    yield
            finally:
                _producer.reset(token)

    def producer_or_acquire(self, producer: Any = None) -> Any:
        return super().producer_or_acquire(producer or _producer.get())

    @cached_property
    def Worker(self) -> Any:  # noqa: N802  (Celery's name)
        """What ``celery worker`` starts."""
        return self.subclass_with_self("workers.programs.named:NamedWorker")

    @property
    def Beat(self) -> Any:  # noqa: N802  (Celery's name)
        """What ``celery beat`` starts."""
        return self.subclass_with_self("workers.programs.named:LoggedBeat")

    @property
    def backend_cls(self) -> str:
        """Celery's name for what may be a URL."""
        return str(self.conf["result_backend"])

    def _get_backend(self) -> Any:
        """Ours, whoever else offers one: Celery looks for that through all that is installed."""
        backend = symbol_by_name(_BACKEND)  # type: ignore[no-untyped-call]
        return backend(app=self, url=self.backend_cls)

    def config_from_cmdline(self, argv: Sequence[str], namespace: str = "celery") -> None:
        """Settings at the end of ``celery worker`` and ``celery beat``, the servers excepted.

        Raises:
            ValueError: one of them is a server.
        """
        found = self.loader.cmdline_config_parser(argv, namespace)
        if not _SERVERS.isdisjoint(found):
            raise ValueError("the broker is SALES_BROKER_URL, for workers and command alike")
        self.conf.update(found)
