"""Canaries: every password is a word that must be found nowhere but in the environment."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
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
from sqlalchemy import URL, create_engine, make_url, text

from console.stack import RedisServer, Stack
from console.stack.processes import free_port
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import call, celery, environment, eventually, sales_pipeline

DATABASE, BROKER, HOOK, FLOWER = (f"canary{n}in{place}" for n, place in enumerate("dbhf"))
STORE, KEY = "canary4inw", "canary8ink"
CANARIES = (DATABASE, BROKER, HOOK, FLOWER, STORE, KEY)
# A password of everything that means something in a URL, by the pieces that it might fall into.
PIECES = ("canary5", "canary6", "canary7")
ODD = "canary5@x/y#z?canary6=%41%&:; canary7"
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
        SALES_STATE_KEY=f"{KEY} of 16 or more",
        SALES_WEBHOOK_URL=f"http://127.0.0.1:{webhook.server_port}/{HOOK}?token={HOOK}",
        AWS_ACCESS_KEY_ID=STORE,
        AWS_SECRET_ACCESS_KEY=STORE,
        AWS_SESSION_TOKEN=STORE,
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


def test_a_login_that_the_database_refuses_is_told_at_once_without_its_password(
    stack: Stack, tmp_path: Path
) -> None:
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": EVENTS})})
    shop = write_shop(tmp_path / "shop", {"week.zip": week})
    env = environment(stack, shop, tmp_path, SALES_HOOK_COMMAND=f"tee {tmp_path / 'told'}")
    del env["SALES_DIMENSIONS"], env["SALES_BROKER_URL"]
    port = make_url(stack.postgres.url).port
    env |= {"SALES_DB_HOST": "127.0.0.1", "SALES_DB_PORT": str(port)}
    env |= {"SALES_DB_USER": "shopper", "SALES_DB_PASSWORD": PIECES[1]}
    ended = sales_pipeline("run", env=env)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2, said
    assert 'password authentication failed for user "shopper"' in said
    assert "Check SALES_DB_USER and SALES_DB_PASSWORD" in said
    assert "trying_again" not in said
    kept = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(piece in text for piece in PIECES for text in [said, *kept])


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


@pytest.fixture
def odd_database(stack: Stack) -> Iterator[dict[str, str]]:
    """Settings of a database that only its parts can name: the password, and the names, too."""
    name, user = '"shop @/#?%41&"', '"reader;@/%"'
    url = make_url(stack.postgres.url)
    _execute(url, f"CREATE USER {user} PASSWORD '{ODD}'", f"CREATE DATABASE {name} OWNER {user}")
    parts = {
        "SALES_DB_HOST": str(url.query.get("host") or url.host),
        "SALES_DB_PORT": str(url.query.get("port") or url.port),
        "SALES_DB_USER": user.strip('"'),
        "SALES_DB_PASSWORD": ODD,
        "SALES_DB_NAME": name.strip('"'),
    }
    _execute(
        url.set(database=parts["SALES_DB_NAME"]),
        "CREATE TABLE customers (customer_id text, segment text)",
        "CREATE TABLE products (product_id text, category text, price numeric(10, 2))",
        "INSERT INTO customers VALUES ('c001', 'VIP')",
        "INSERT INTO products VALUES ('p001', 'Toys', 2.50)",
        f"GRANT SELECT ON customers, products TO {user}",
    )
    yield parts
    _execute(url, f"DROP DATABASE {name} WITH (FORCE)", f"DROP USER {user}")


def _execute(url: URL, *statements: str) -> None:
    """As they stand: a % or a colon in them is nobody's parameter."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        for statement in statements:
            cursor.execute(statement)
    engine.dispose()


_TELLING = """
import os, sys
told = open(sys.argv[1], "a")
print(dict(os.environ), sys.stdin.read(), file=told)
sys.exit("cannot tell with " + " ".join(sys.argv[2:]))
"""


def test_parts_of_any_characters_reach_the_database_and_nothing_else(
    stack: Stack, odd_database: dict[str, str], tmp_path: Path
) -> None:
    """Nor does a token of the hook's, whose own output repeats it."""
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": EVENTS})})
    shop, hook = write_shop(tmp_path / "shop", {"week.zip": week}), tmp_path / "hook.py"
    hook.write_text(_TELLING)
    folder = tmp_path / "places"
    env = environment(
        stack,
        shop,
        folder,
        SALES_ENGINE="local",
        SALES_LOG_LEVEL="DEBUG",
        SALES_HOOK_COMMAND=f"{sys.executable} {hook} {tmp_path / 'told'} --token={HOOK} {HOOK}",
        SALES_NOTIFY_ON="published,failed,refused,incomplete",
        SALES_FLOWER_PASSWORD=FLOWER,
        AWS_SECRET_ACCESS_KEY=STORE,
        HOOK_OWN="for the hook",
        **odd_database,
    )
    del env["SALES_DIMENSIONS"], env["SALES_BROKER_URL"]
    said = ""
    for changed, code in (
        ({}, 0),
        ({"SALES_DB_PASSWORD": f"{ODD}!"}, 2),
        ({"SALES_DB_PORT": str(free_port())}, 1),
    ):
        for command in (["run", "--json"], ["doctor"], ["show"], ["plan"]):
            ended = sales_pipeline(*command, env=env | changed)
            said += ended.stdout + ended.stderr
            assert command[0] != "run" or ended.returncode == code, ended.stderr
    assert "command_not_told" in said
    assert sys.executable in said
    told = (tmp_path / "told").read_text()
    assert "'HOOK_OWN': 'for the hook'" in told
    assert "'SALES_" not in told
    assert "'AWS_" not in told
    for file in folder.rglob("*"):
        said += file.read_bytes().decode(errors="replace") if file.is_file() else ""
    assert [piece for piece in (*CANARIES, *PIECES) if piece in said + told] == []


COMMANDS = [
    *(["run"], ["plan"], ["runs"], ["show"], ["rejects"], ["doctor"], ["gc"], ["recover"]),
    *(["publish", "x"], ["resume", "x"], ["verify", "x"], ["rebuild", "x"], ["serve"]),
    ["diff", "x", "y"],
    ["explain", "--category", "x", "--segment", "y"],
    ["report", "--from", "2024-01-01", "--to", "2024-01-02"],
    ["backfill", "--from", "2024-01-01", "--to", "2024-01-02"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_refuses_every_wrong_server_at_once(
    stack: Stack, command: list[str], tmp_path: Path
) -> None:
    """A raw password's tail is no host, and what only fails when it is used is wrong before."""
    shop = write_shop(tmp_path / "shop", {})
    wrong = {
        "SALES_DATABASE_URL": f"postgresql://u:{PIECES[0]}@{PIECES[1]}@127.0.0.1/d",
        "SALES_BROKER_URL": f"redis://:{PIECES[0]}@{PIECES[1]}@127.0.0.1/0",
        "SALES_RESULT_BACKEND": f"sentinel://:{PIECES[0]}@127.0.0.1/0",
        "SALES_WEBHOOK_URL": f"ftp://{PIECES[0]}/x",
        "SALES_HOOK_COMMAND": f"TOKEN={PIECES[0]} {PIECES[1]}",
        "SALES_FLOWER_URL": f"https://u:{PIECES[0]}@h/",
        "SALES_DB_USER": f"u:{PIECES[0]}",
        "SALES_DB_NAME": f"postgresql://u:{PIECES[0]}@h/d",
        "SALES_DATA": f"s3://{PIECES[0]}:{PIECES[1]}@bucket/x",
    }
    ended = sales_pipeline(*command, env=environment(stack, shop, tmp_path) | wrong, timeout=30)
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2, said
    assert all(f"{name}: " in said for name in wrong)
    assert not any(piece in said for piece in PIECES)
    assert "Traceback" not in said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("name", ["worker", "beat", "flower"])
def test_workers_beat_and_flower_refuse_a_wrong_server_at_once(
    stack: Stack, name: str, tmp_path: Path
) -> None:
    wrong = {"SALES_DATABASE_URL": f"postgresql://u:{PIECES[0]}@{PIECES[1]}@127.0.0.1/d"}
    env = environment(stack, write_shop(tmp_path / "shop", {}), tmp_path) | wrong
    with celery(name, env=env, log=tmp_path / "log") as process:
        assert process.wait(60) == 2
    said = (tmp_path / "log").read_text()
    assert "SALES_DATABASE_URL: not a URL" in said
    assert "Traceback" not in said
    assert not any(piece in said for piece in PIECES)
