"""Workers and the command meet at SALES_BROKER_URL, whatever another project's variables say."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from console.stack import RedisServer, Stack
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline

WEEK = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase()])})})


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    shop = write_shop(tmp_path / "shop", {"week.zip": WEEK})
    return environment(stack, shop, tmp_path, SALES_WORKER_WAIT="10")


def test_a_worker_among_the_variables_of_another_project(
    env: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"
    with RedisServer() as ours, RedisServer() as theirs:
        env |= {"SALES_BROKER_URL": ours.url}
        urls = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL")
        stray = dict.fromkeys([*urls, "CELERY_RESULT_BACKEND", "BROKER_URL"], theirs.url)
        stray |= {"CELERY_CONFIG_MODULE": "of.another", "CELERY_LOADER": "of.another"}
        with celery("worker", "--concurrency=1", env=env | stray, log=log) as worker:
            eventually(lambda: worker.poll() or b" ready" in log.read_bytes(), "the worker")
            done = sales_pipeline("run", "--quiet", env=env)
        with Redis.from_url(theirs.url) as client:
            assert client.keys() == []
    assert done.returncode == 0, done.stderr
    told = [line for line in log.read_text().splitlines() if "variable_not_used" in line]
    assert len(told) == len(stray)


def test_a_broker_on_the_command_line_ends_the_worker(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with celery("-b", "redis://127.0.0.1:1/0", "worker", env=env, log=log) as worker:
        assert worker.wait(60) == 2
    assert log.read_text().count("\n") == 1
    assert "Set SALES_BROKER_URL instead." in log.read_text()


@pytest.mark.parametrize(("program", "said"), [("flower", True), ("worker", False)])
def test_flower_without_a_broker_says_what_it_tries(
    env: dict[str, str], tmp_path: Path, program: str, said: bool
) -> None:
    del env["SALES_BROKER_URL"]
    log = tmp_path / "help.log"
    with celery(program, "--help", env=env, log=log) as asked:  # it connects to nothing
        assert asked.wait(60) == 0
    told = "SALES_BROKER_URL is not set; Flower tries redis://localhost:6379/0."
    assert (told in log.read_text()) is said
