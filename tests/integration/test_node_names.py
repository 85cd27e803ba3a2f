"""Workers started by one line on one host are told apart, and their logs are JSON to the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from console.stack import Stack
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase()])})})
    return write_shop(tmp_path / "shop", {"week.zip": week})


def _lines(log: Path) -> list[dict[str, Any]]:
    """All of a log."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def _ready(log: Path) -> str | None:
    """Who says in a log that it is ready."""
    lines = _lines(log)
    ready = [line for line in lines if line.get("event", "").endswith(" ready.")]
    assert all(line["worker"] == line["event"].removesuffix(" ready.") for line in ready)
    return ready[0]["worker"] if ready else None


def _death(log: Path) -> dict[str, Any] | None:
    return next((line for line in _lines(log) if "SIGKILL" in line.get("event", "")), None)


def test_each_worker_has_a_name_of_its_own_unless_it_is_given_one(
    stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    env = environment(stack, shop, tmp_path, SALES_LOG_FORMAT="json")
    logs = [tmp_path / f"{number}.log" for number in range(3)]
    line = ("worker", "--concurrency=1")
    with (
        celery(*line, env=env, log=logs[0]) as first,
        celery(*line, env=env, log=logs[1]),
        celery(*line, "-n", "mine@%h", env=env, log=logs[2]),
    ):
        names = [eventually(lambda log=log: _ready(log), "a worker") for log in logs]  # type: ignore[misc]
        doctor = sales_pipeline("doctor", "--json", env=env)
        done = sales_pipeline("run", "--json", env=env)
        psutil.Process(first.pid).children()[0].kill()
        death = eventually(lambda: _death(logs[0]), "the death of a child")
        first.terminate()
        first.wait(60)
    assert len(set(names)) == 3
    assert names[2].startswith("mine@")
    assert all(name.startswith("worker-") for name in names[:2])
    (workers,) = [check for check in json.loads(doctor.stdout) if check["name"] == "workers"]
    assert workers["state"] == "ok", workers
    assert all(name in workers["found"] for name in names)
    run_id = json.loads(done.stdout)["run_id"]
    told = [
        each for log in logs for each in _lines(log) if "Task workers." in each.get("event", "")
    ]
    of_run = [each for each in told if each.get("run_id") == run_id]
    assert {"received", "succeeded"} <= {each["event"].split()[2] for each in of_run}
    assert all(each["task_id"] in each["event"] for each in told)
    assert death["worker"] == names[0]
    events = [line.get("event", "") for line in _lines(logs[0])]
    assert "worker: Warm shutdown (MainProcess)" in events
    assert not any("No hostname" in event for event in events)
