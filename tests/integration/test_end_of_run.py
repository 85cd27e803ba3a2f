"""Whoever follows a run hears at once that it ended, and looks as ever where nothing is heard."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from console.stack import RedisServer
from pipeline_core.settings import load_settings
from workers.application import App
from workers.config import celery_config
from workers.sending import end_of_run
from workers.sending.end_of_run import EndOfRun, tell_end

_LONG = 3600.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed."""
    with RedisServer() as server:
        yield server


@pytest.fixture(autouse=True)
def app(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """With that Redis as its only server."""
    app = App("test", set_as_current=False)
    app.conf.update(celery_config(load_settings({"broker_url": redis.url})))
    monkeypatch.setattr(end_of_run, "app", app)
    yield app
    app.close()


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long nothing was listened to: the time passes at once."""
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(end_of_run, "time", clock)
    return slept


def test_who_listens_waits_no_longer_than_until_the_end() -> None:
    ends = [EndOfRun("1"), EndOfRun("1")]
    tell_end("1")
    for end in ends:
        end.wait(_LONG)


def test_the_end_of_another_run_is_no_end(slept: list[float], redis: RedisServer) -> None:
    end = EndOfRun("1")
    tell_end("2")
    redis.kill()
    end.wait(_LONG)
    assert slept == [_LONG], "it was waited for, also without a Redis"


def test_where_no_redis_answers_pauses_are_as_long_as_they_are(
    slept: list[float], redis: RedisServer
) -> None:
    redis.kill()
    EndOfRun("1").wait(_LONG)
    assert slept == [_LONG]


def test_a_redis_that_is_away_is_no_failure_of_a_publication(
    redis: RedisServer, logged: pytest.LogCaptureFixture
) -> None:
    redis.kill()
    tell_end("1")
    assert "end_not_told" in logged.text
