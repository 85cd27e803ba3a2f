"""Canaries: every password is a word that must be found nowhere but in the environment."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from redis import Redis
from sqlalchemy import create_engine, make_url, text

from console.stack import RedisServer, Stack
from console.stack.processes import free_port
from tests.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.processes import call, celery, environment, eventually, sales_pipeline

DATABASE, BROKER, HOOK, FLOWER = (f"canary{n}in{place}" for n, place in enumerate("dbhf"))
CANARIES = (DATABASE, BROKER, HOOK, FLOWER)
EVENTS = part([purchase("c001", "p001", 2), purchase("c001", "nowhere")])


class Refusing(BaseHTTPRequestHandler):
    """A webhook that answers 500."""

    def do_POST(self) -> None:
        self.server.told = True  # type: ignore[attr-defined]
        self.send_error(500)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    server.password = BROKER
    with server:
        yield server


@pytest.fixture
def database_url(stack: Stack) -> Iterator[str]:
    engine = create_engine(stack.postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE USER canary PASSWORD '{DATABASE}' IN ROLE sales_reader"))
        url = make_url(stack.postgres.url).set(username="canary", password=DATABASE)
        yield url.render_as_string(hide_password=False)
        connection.execute(text("DROP USER canary"))
    engine.dispose()


def _everything_in(redis: RedisServer) -> str:
    with Redis.from_url(redis.url) as client:
        return repr([(key, client.dump(key), _value(client, key)) for key in client.keys("*")])


def _value(client: Redis, key: bytes) -> object:
    kind = client.type(key)
    if kind == b"list":
        return client.lrange(key, 0, -1)
    if kind == b"hash":
        return client.hgetall(key)
    return client.get(key) if kind == b"string" else None


def _command_lines() -> str:
    lines = []
    for process in psutil.process_iter():
        try:
            lines.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return "\n".join(lines)


def _flower(port: int, path: str) -> str:
    token = base64.b64encode(f"admin:{FLOWER}".encode()).decode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Basic {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
    except urllib.error.URLError:
        return ""
    return body.decode()


def test_no_canary_is_found_anywhere(
    stack: Stack, redis: RedisServer, database_url: str, webhook: HTTPServer, tmp_path: Path
) -> None:
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": EVENTS})})
    shop = write_shop(tmp_path / "shop", {"week.zip": week})
    folder, port = tmp_path / "places", free_port()
    folder.mkdir()
    env = environment(
        stack,
        shop,
        folder,
        SALES_LOG_FORMAT="json",
        SALES_LOG_LEVEL="DEBUG",
        SALES_FLOWER_PASSWORD=FLOWER,
        SALES_WEBHOOK_URL=f"http://127.0.0.1:{webhook.server_port}/{HOOK}?token={HOOK}",
        SALES_TASK_RETRIES="1",
        SALES_RETRY_BACKOFF="1",
        SALES_SCHEDULE="* * * * *",
    )
    del env["SALES_DIMENSIONS"]
    env["SALES_BROKER_URL"] = redis.url
    env["SALES_DATABASE_URL"] = database_url
    gone = make_url(database_url).set(port=free_port()).render_as_string(hide_password=False)
    found: dict[str, str] = {}
    with ExitStack() as stop:
        for name in ("worker", "beat"):
            log = folder / f"{name}.log"
            stop.enter_context(celery(name, env=env, log=log, own_interpreter=True))  # for `ps`
        stop.enter_context(celery("flower", f"--port={port}", env=env, log=folder / "flower.log"))
        eventually(lambda: _flower(port, "/api/tasks"), "Flower")
        done = eventually(lambda: _own_run(env), "a run beside those of beat", 60)
        assert done.returncode == 0, done.stderr
        lost = env | {"SALES_DATABASE_URL": gone}
        failed = eventually(lambda: _own_run(lost), "a run that fails", 60)
        assert failed.returncode == 1
        found["the failed run"] = failed.stdout + failed.stderr
        found["the run"] = done.stdout + done.stderr
        for command in (["doctor"], ["doctor", "--json"], ["runs"], ["show"], ["plan"]):
            shown = sales_pipeline(*command, env=env)
            found[" ".join(command)] = shown.stdout + shown.stderr
        eventually(lambda: "publish_run" in _flower(port, "/api/tasks"), "the task in Flower")
        for path in ("/api/tasks", "/api/workers?refresh=1", "/tasks", "/workers", "/broker"):
            found[f"Flower's {path}"] = _flower(port, path)
        found["Redis"] = _everything_in(redis)
        found["ps"] = _command_lines()
    assert webhook.told  # type: ignore[attr-defined]
    for file in folder.rglob("*"):
        if file.is_file():
            found[str(file)] = file.read_bytes().decode(errors="replace")
    assert any("worker.log" in place for place in found)
    assert "workers.process_archive" in found["Flower's /api/tasks"]
    assert "-A workers worker" in found["ps"]
    leaks = [
        (place, canary) for place, said in found.items() for canary in CANARIES if canary in said
    ]
    assert leaks == []


def _own_run(env: dict[str, str]) -> subprocess.CompletedProcess[str] | None:
    """None if beat's run of this minute has the turn."""
    ended = sales_pipeline("run", "--json", env=env)
    return None if "is under way" in ended.stderr else ended


def test_a_worker_with_a_broken_database_keeps_its_secrets(
    stack: Stack, redis: RedisServer, tmp_path: Path
) -> None:
    """Retries, then a traceback, in the log and in the result."""
    shop = write_shop(tmp_path / "shop", {})
    url = f"postgresql+psycopg2://canary:{DATABASE}@127.0.0.1:{free_port()}/shop"
    env = environment(stack, shop, tmp_path, SALES_LOG_LEVEL="DEBUG", SALES_TASK_RETRIES="1")
    env |= {"SALES_BROKER_URL": redis.url, "SALES_DATABASE_URL": url, "SALES_RETRY_BACKOFF": "1"}
    del env["SALES_DIMENSIONS"]
    (shop.data / "week.zip").write_bytes(b"no zip")
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log):
        call("workers.start_run", env=env, cwd=tmp_path)
        runs = tmp_path / "state" / "runs"
        outcome = eventually(lambda: next(runs.glob("*/outcome.json"), None), "the end")
        dump = _everything_in(redis)
    assert json.loads(outcome.read_text())["state"] == "failed"
    said = log.read_text() + dump + outcome.read_text()
    assert "Traceback" in said
    assert urlsplit(url).hostname in said  # type: ignore[operator]
    assert DATABASE not in said
    assert BROKER not in said
