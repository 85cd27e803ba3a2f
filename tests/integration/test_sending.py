"""Messages that go to the broker together."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from console.stack import RedisServer
from pipeline_core.settings import load_settings
from workers.application import App
from workers.config import celery_config
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
