"""Questions to workers: over once all have answered who heard it, and no worker is waited for that
is not there. How many hear what is said to all is what Redis answers to PUBLISH."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kombu.pidbox import Mailbox
from kombu.transport import redis
from kombu.utils.json import dumps

from workers.celery import app

# Redis (6 and newer take fractions) is asked to wait for an answer so long, and a connection closes
# when it has stopped waiting.
_SHORT_WAITS = {"polling_interval": 0.1}


class _AskingChannel(redis.Channel):
    """kombu's, which knows how many heard what was last said to all."""

    heard = 0

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **_: Any) -> None:
        with self.conn_or_acquire() as client:
            topic = self._get_publish_topic(exchange, routing_key)  # type: ignore[no-untyped-call]
            self.heard = client.publish(topic, dumps(message))  # type: ignore[no-untyped-call]


class _AskingTransport(redis.Transport):
    """kombu's for Redis, with that channel."""

    Channel = _AskingChannel


class _AllAnswered(Exception):
    """Nobody is waited for any more."""


def asking_connection() -> Any:
    """A connection by which to ask, not opened yet."""
    made = app.connection_for_write(transport_options=_SHORT_WAITS)
    made.get_transport_cls = lambda: _AskingTransport
    return made


def ask(
    question: str,
    connection: Any = None,
    *,
    quiet_seconds: float,
    of: Sequence[str] | None = None,
    enough: Callable[[Mapping[str, Any]], bool] | None = None,
) -> dict[str, Any]:
    """What each worker answers, by its name: all of them, or those ``of`` these names, until
    everybody did who heard it, or nobody for ``quiet_seconds``, or one answer is ``enough``. By
    another than an ``asking_connection`` it is not known who heard it.

    Raises:
        OperationalError, RedisError, OSError: the broker is away.
    """
    found, number = dict[str, Any](), 0
    with app.connection_or_acquire(connection) as used:
        channel = used.default_channel

        def take(answer: dict[str, Any]) -> None:
            nonlocal number
            found.update(answer)
            number += 1
            awaited = getattr(channel, "heard", None) if of is None else len(of)
            if number == awaited or (enough is not None and any(map(enough, answer.values()))):
                raise _AllAnswered

        mailbox: Any = Mailbox(  # type: ignore[no-untyped-call]
            app.conf.control_exchange,
            type="fanout",
            connection=used,
            accept=app.conf.accept_content,
            serializer=app.conf.task_serializer,
        )
        with suppress(_AllAnswered):
            mailbox.call(of, question, timeout=quiet_seconds, callback=take, channel=channel)
    return found
