"""What goes to stderr, and who has stopped reading stdout, decide nothing of how a command ends."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.support.archives import write_shop
from tests.support.lost_streams import LOST, How, lost
from tests.support.processes import eventually, local_environment, sales_pipeline
from tests.support.run import sales, week
from tests.support.starting import started

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

READ = [
    ("runs",),
    ("doctor",),
    ("show",),
    ("plan",),
    ("inspect",),
    ("verify", "--jobs", "2"),
    ("explain", "--category", "Office", "--segment", "Retail"),
    ("report", "--month", "2024-03"),
    ("rejects",),
    ("completion", "bash"),
]


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a shop that has a published run, with two events left out."""
    folder = tmp_path_factory.mktemp("shop")
    archives = {"a.zip": week(sales(), b"[1, 2]"), "b.zip": week(sales(), day="2024-03-02.zip")}
    env = local_environment(write_shop(folder / "shop", archives), folder)
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    return env


def code(
    env: dict[str, str], *arguments: str, out: How | None = None, err: How | None = None
) -> int:
    """The exit code of a command whose stdout, or stderr, is lost in this way."""
    with lost(out or "full") as stdout, lost(err or "full") as stderr:
        process = started(
            "console.command",
            *arguments,
            env=env,
            stdout=stdout if out else subprocess.DEVNULL,
            stderr=stderr if err else subprocess.DEVNULL,
        )
        return process.wait(60)


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_is_published_and_delivered(
    env: dict[str, str], tmp_path: Path, how: How, jobs: str, unbuffered: str
) -> None:
    workbook = tmp_path / "sales.xlsx"
    extra = {"SALES_DELIVER": f"file+xlsx://{workbook}", "PYTHONUNBUFFERED": unbuffered}
    extra |= {"SALES_LOG_LEVEL": "DEBUG", "SALES_JOBS": jobs, "SALES_FULL": "true"}
    assert code(env | extra, "run", err=how) == 0
    assert workbook.exists()


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize(
    ("arguments", "own"),
    [
        (("rejects", "-n", "1"), 0),
        (("recover",), 0),
        (("inspect", "--env"), 0),
        (("verify", "--jobs", "2"), 0),
        (("report", "--from", "2024-02-27", "--to", "2024-03-01"), 0),
        (("report", "--month", "2025-01"), 3),
        (("show", "20240101T000000000000Z-00000000"), 2),
        (("run", "--no-such-option"), 2),
        (("run", "--data", "/nowhere"), 2),
        (("deliver",), 2),
        (("no-such-command",), 2),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else None,
)
def test_a_command_ends_with_its_own_code(
    env: dict[str, str], arguments: tuple[str, ...], own: int, how: How
) -> None:
    assert code(env, *arguments, err=how) == own


@pytest.mark.parametrize("arguments", READ, ids=lambda each: each[0])
def test_a_reader_who_stops_reading_makes_no_failure(
    env: dict[str, str], arguments: tuple[str, ...]
) -> None:
    assert code(env, *arguments, out="unread") == 0
    assert code(env, *arguments, out="unread", err="unread") == 0


def test_a_check_that_fails_is_one_without_a_reader(env: dict[str, str]) -> None:
    assert code(env, "doctor", "--fresh", "0s", out="unread") == 1


@pytest.mark.parametrize("arguments", READ, ids=lambda each: each[0])
def test_an_answer_that_finds_no_room_is_a_failure(
    env: dict[str, str], arguments: tuple[str, ...]
) -> None:
    assert code(env, *arguments, out="full") == 1
    assert code(env, *arguments, out="full", err="full") == 1


@pytest.mark.parametrize("out", LOST)
@pytest.mark.parametrize("arguments", [("show", "--json"), ("rejects",)], ids=lambda each: each[0])
def test_nor_does_it_matter_that_nothing_is_buffered(
    env: dict[str, str], arguments: tuple[str, ...], out: How
) -> None:
    unbuffered = env | {"PYTHONUNBUFFERED": "1"}
    assert code(unbuffered, *arguments, out=out, err="full") == (1 if out == "full" else 0)


@pytest.mark.parametrize("how", LOST)
def test_pages_are_served_although_nobody_hears_where(env: dict[str, str], how: How) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with lost(how) as nowhere:
        serve = ("serve", "--port", str(port))
        process = started("console.command", *serve, env=env, stdout=nowhere, stderr=nowhere)

    def answer() -> bytes | None:
        with suppress(URLError), urlopen(f"http://127.0.0.1:{port}/latest/") as page:
            return bytes(page.read())
        assert process.poll() is None
        return None

    try:
        assert b"<html" in eventually(answer, "the page", 20)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
