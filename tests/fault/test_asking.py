"""Whoever asks workers waits for those that heard the question, and asks nothing twice."""

from __future__ import annotations

import base64
import json
import signal
from collections import Counter
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from redis import Redis

from console.fleet import celery_app
from pipeline_core.settings import load_settings
from tests.support.fleet import Fleet
from tests.support.processes import eventually
from workers.celery import app
from workers.sending.broker import answers
from workers.sending.questions import ask, asking_connection
from workers.sending.reached_places import Unreached, unreached_places

_A_DAY = 86400.0
_TO_ALL = "/0.celery.pidbox"


@pytest.fixture
def asking(ships: Fleet) -> Iterator[Any]:
    """A connection by which to ask the workers of ``ships``."""
    before = dict(app.conf)
    celery_app(load_settings({"broker_url": ships.redis.url}))
    with asking_connection() as connection:
        yield connection
    app.conf.update(before)


def test_nobody_waits_for_workers_that_are_not_there(ships: Fleet, asking: Any) -> None:
    for _ in range(2):
        ships.worker(concurrency=1)
    found: list[object] = []

    def look() -> None:
        workers = answers(asking, quiet_seconds=_A_DAY)
        found.append({name: each.processes for name, each in workers.items()})
        found.append(sorted(ask("ping", asking, quiet_seconds=_A_DAY)))
        found.append(len(ask("ping", asking, quiet_seconds=_A_DAY, enough=lambda _: True)))
        found.append(list(ask("ping", asking, quiet_seconds=_A_DAY, of=["w1@test"])))

    Thread(target=look, daemon=True).start()
    names = ["w0@test", "w1@test"]
    eventually(lambda: len(found) == 4, "all answers")
    assert found == [dict.fromkeys(names, 1), names, 1, ["w1@test"]]


def test_one_that_hears_and_says_nothing_is_waited_for(ships: Fleet, asking: Any) -> None:
    ships.worker(concurrency=1)
    stopped = ships.worker(concurrency=1)
    stopped.send_signal(signal.SIGSTOP)
    assert list(ask("ping", asking, quiet_seconds=1.0)) == ["w0@test"]
    stopped.send_signal(signal.SIGCONT)
    # What is answered late is the answer to nothing else.
    assert list(answers(asking, quiet_seconds=5.0)) == ["w0@test", "w1@test"]
    assert unreached_places(["w0@test", "w1@test"], asking) == {"w0@test": {}, "w1@test": {}}


def test_one_that_stands_still_is_not_waited_for_if_another_says_enough(
    ships: Fleet, asking: Any
) -> None:
    ships.worker(concurrency=1)
    stopped = ships.worker(concurrency=1)
    stopped.send_signal(signal.SIGSTOP)
    names = ["w0@test", "w1@test"]

    def can_write(told: Unreached) -> bool:
        return "reports" not in told

    assert unreached_places(names, asking, enough=can_write) == {"w0@test": {}}
    # Whoever wants to hear of each is told that it stands still, and not that it looks.
    silent = {"places": "It has said nothing for 5 s."}
    assert unreached_places(names, asking) == {"w0@test": {}, "w1@test": silent}
    stopped.send_signal(signal.SIGCONT)


def test_a_run_asks_workers_once_who_is_there_and_listens_for_no_result(ships: Fleet) -> None:
    """Where they answer in time: on a busy machine it may have to ask again. What it listens for is
    its own end."""
    ships.worker()
    with Redis.from_url(ships.redis.url) as client, client.pubsub() as heard:
        heard.psubscribe(_TO_ALL)
        assert heard.get_message(timeout=10)

        def asked_once() -> bool:
            client.config_resetstat()
            done = ships.run("--full")
            assert done.returncode == 0, done.stderr
            assert client.info("commandstats")["cmdstat_subscribe"]["calls"] == 1
            asked = Counter[str]()
            while (message := heard.get_message(timeout=0)) is not None:
                body = base64.b64decode(json.loads(message["data"])["body"])
                asked[json.loads(body)["method"]] += 1
            assert asked.pop("sales_reach") >= 1  # again, until the worker has tried its places
            return asked == {"stats": 1}

        eventually(asked_once, "a run that asks once who is there")
