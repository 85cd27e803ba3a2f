"""The worker's side of the broker: a message that is none of ours is dropped, and work goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from queue import Empty
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport import redis, virtual
from redis.exceptions import RedisError

from workers.celery import settings
from workers.messages.envelope import check_item, check_message, tell_refusal

_logger = logging.getLogger(__name__)
# What waits longer than its visibility would be delivered again before its time.
_LONGEST_WAIT = timedelta(seconds=max(settings.visibility_timeout, settings.retry_backoff_max) + 60)


class Message(virtual.Message):
    """kombu's, of what has its form."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        check_item(payload)
        super().__init__(payload, channel=channel, **options)  # type: ignore[no-untyped-call]


class Channel(redis.Channel):
    """kombu's, which lives on after an item that it can make no message of. That item is off its
    queue already."""

    Message = Message
    _shared: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        """One client as long as its pool is: kombu makes one for each message that comes, and for
        each that is acknowledged, which takes longer than to write what it says."""
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[no-untyped-call]
        if self._shared is None or self._shared.connection_pool is not self.pool:
            self._shared = super()._create_client()  # type: ignore[no-untyped-call]
        return self._shared

    def _brpop_read(self, **options: Any) -> Any:
        return self._read(super()._brpop_read, **options)

    def _receive_one(self, client: Any) -> Any:
        return self._read(super()._receive_one, client)

    def _read(self, read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        try:
            return read(*arguments, **options)
        except (Empty, RedisError, OSError):  # nothing there, or the server is away
            raise
        except Exception as error:
            tell_refusal(error)
            return True


class Transport(redis.Transport):
    """kombu's for Redis, with that channel."""

    Channel = Channel


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """Celery's, which ends, with all of its worker, over a message that it does not understand."""

    def connection_for_read(self, heartbeat: Any = None) -> Any:
        made = self.app.connection_for_read(heartbeat=heartbeat)
        # Not by an option: that is shown in statistics, and a class is no JSON.
        made.get_transport_cls = lambda: Transport
        return self.ensure_connected(made)

    def create_task_handler(self, *promise: Any) -> Callable[[Any], None]:
        """What is done with each message that arrives."""
        handle = super().create_task_handler(*promise)

        def take(message: Any) -> None:
            try:
                check_message(message, self.app.tasks, _LONGEST_WAIT)
                handle(message)
            except (RedisError, OSError):  # the broker is away, not the message wrong
                raise
            except Exception as error:
                self.on_decode_error(message, error)

        return take

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        tell_refusal(exc)
        if not message.acknowledged:
            message.reject_log_error(_logger, self.connection_errors)
