"""Messages that go to the broker together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from console.stack import RedisServer
from pipeline_core.settings import load_settings
from workers.application import App
from workers.config import celery_config
from workers.messages.consumer import Transport
from workers.sending.broker import AWAY


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def app(redis: RedisServer) -> Iterator[App]:
    """With the broker as its only server."""
    app = App("test", set_as_current=False)
    app.conf.update(celery_config(load_settings({"broker_url": redis.url})))
    yield app
    app.close()


def _send(app: App, count: int) -> None:
    for _ in range(count):
        app.send_task("workers.process_archive", ignore_result=True)


def test_many_messages_take_few_round_trips(app: App, redis: RedisServer) -> None:
    """And the first are there before the last is made."""
    with Redis.from_url(redis.url) as client:
        with app.sending_together():
            _send(app, 9)
            assert client.llen("celery") == 0
            _send(app, 16)
            assert client.llen("celery") == 20
        assert client.llen("celery") == 25
        _send(app, 1)
        assert client.llen("celery") == 26


def test_nothing_is_sent_of_what_was_not_made_whole(app: App, redis: RedisServer) -> None:
    def stop_halfway() -> None:
        with app.sending_together():
            _send(app, 3)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_halfway()
    with Redis.from_url(redis.url) as client:
        assert client.llen("celery") == 0


def test_a_broker_that_dies_meanwhile_is_one_that_is_away(app: App, redis: RedisServer) -> None:
    def send_as_it_dies() -> None:
        with app.sending_together():
            _send(app, 3)
            redis.kill()

    with pytest.raises(AWAY):
        send_as_it_dies()


def test_no_client_of_redis_is_made_for_a_message(app: App, redis: RedisServer) -> None:
    """Of a worker: it takes messages and acknowledges them by the one that it has."""
    _send(app, 20)
    taken: list[Any] = []
    with app.connection_for_read() as connection:
        connection.get_transport_cls = lambda: Transport
        channel = connection.default_channel
        clients, make = list[Any](), channel.Client

        def made(**options: Any) -> Any:
            clients.append(make(**options))
            return clients[-1]

        channel.Client = made
        with app.amqp.TaskConsumer(channel, callbacks=[lambda _, message: taken.append(message)]):
            while len(taken) < 10:
                connection.drain_events(timeout=10)
            for_ten = len(clients)
            while len(taken) < 20:
                connection.drain_events(timeout=10)
            for message in taken:
                message.ack()
        assert len(clients) == for_ten
        assert [each.connection_pool for each in clients].count(channel.pool) == 1
    with Redis.from_url(redis.url) as client:
        assert not client.exists("celery", "unacked", "unacked_index")
