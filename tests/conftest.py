"""Real servers for every test that needs one, started once a session."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from redis import Redis
from sqlalchemy import create_engine, make_url, text

from console.stack import Stack, throwaway_stack
from pipeline_core import logs
from pipeline_core.store_environment import use_store_variables
from pipeline_core.vouching.key import use_state_key
from tests.support import PROJECT
from tests.support.delivered import Place, session

pytest_plugins = ["tests.support.s3"]


# The same examples each time, so that a failure is the change's; `make fuzz` looks for new ones.
settings.register_profile("fixed", derandomize=True)
settings.register_profile("random")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


def pytest_configure() -> None:
    """What a shell hands on to every process of a test: a background job, or nohup, ignores
    signals; and where byte code is not kept, each of hundreds of processes compiles the project."""
    for signum in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones are for `make fault` and `make fleet`."""
    if os.environ.get("FAULT_ALL") or os.environ.get("FLEET_ALL"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A real PostgreSQL with the sample shop and the role that may only read, and a real Redis."""
    scripts = [PROJECT / "sql" / name for name in ("init.sql", "tables.sql")]
    with throwaway_stack(scripts) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_broker(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that was given the session's Redis leaves nothing in it: workers are killed."""
    running = request.getfixturevalue("stack") if "stack" in request.fixturenames else None
    yield
    if running is not None:
        with Redis.from_url(running.redis.url) as client:
            client.flushall()


@pytest.fixture
def postgres_url(stack: Stack) -> Iterator[str]:
    """URL of an empty database on the session's PostgreSQL, as superuser."""
    name = f"test_{secrets.token_hex(4)}"
    engine = create_engine(stack.postgres.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(stack.postgres.url).set(database=name)
    yield url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def place(stack: Stack) -> Iterator[Place]:
    """Where reports may be delivered to: a schema that is not there yet."""
    found = Place(stack.postgres.url, f"test_{secrets.token_hex(4)}")
    yield found
    with session(found.url) as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {found.schema} CASCADE")


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the machine, no .env, and no key of another test's state reaches a test."""
    for name in list(os.environ):
        if name.startswith(("SALES_", "FLOWER_", "CELERY_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield
    use_state_key(None)
    use_store_variables({})


@pytest.fixture
def log_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test makes of the log ends with it: else libraries tell later ones of all they do, a
    mail server of each line of a mail."""
    monkeypatch.setattr(logs, "_in_force", logs.log_settings())
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    is_ours, ours = structlog.is_configured(), structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    if is_ours:
        structlog.configure(**ours)
    else:
        structlog.reset_defaults()


@pytest.fixture
def logged(log_as_before: None, caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Every line of the log, also those that are kept from people."""
    logs.configure_logs("DEBUG", "json")
    logging.getLogger().addHandler(caplog.handler)
    return caplog


@pytest.fixture
def paths_taken_as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are made whether or not a path of the feed is there: for feeds of a handful of events,
    in which any field may be missing."""
    monkeypatch.setattr("pipeline_core.planning.feed_paths.check_feed_paths", lambda *_: None)
