"""Log lines: one JSON object each, with an action, and without a password."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from console.command_logs import configure_command_logs
from pipeline_core.logs import configure_logs

log = structlog.get_logger()


pytestmark = pytest.mark.usefixtures("log_as_before")


def test_our_lines_have_an_action_and_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    with structlog.contextvars.bound_contextvars(run_id="run-1", task_id="task-1"):
        log.info("archive_processed", archive="week.zip", seen=3)
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "action": "archive_processed",
        "archive": "week.zip",
        "level": "info",
        "run_id": "run-1",
        "seen": 3,
        "task_id": "task-1",
    }


def test_lines_of_libraries_have_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    logging.getLogger("celery.worker").warning("Connection to %s lost", "redis")
    found = json.loads(capsys.readouterr().err)
    assert found["event"] == "Connection to redis lost"
    assert "action" not in found


@pytest.mark.parametrize("log_format", ["json", "pretty"])
def test_credentials_in_urls_are_masked(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    configure_logs("INFO", log_format)
    url = "postgresql+psycopg2://reports:canary%40@db.example:5432/shop"
    log.warning("trying_again", cause=f"no answer from {url}")
    logging.getLogger("kombu").error("Cannot connect to rediss://:canary@redis.example:6379//")
    try:
        raise ConnectionError(f"refused: {url}")
    except ConnectionError:
        log.exception("task_failed")
    said = capsys.readouterr().err
    assert "canary" not in said
    assert said.count("***@db.example:5432/shop") == 2
    assert "rediss://***@redis.example:6379//" in said
    assert "Traceback" in said


@pytest.mark.parametrize("password", ["can@ary", "it'scanary", "@canary@"])
def test_a_password_that_should_have_been_quoted_is_masked(
    capsys: pytest.CaptureFixture[str], password: str
) -> None:
    configure_logs("INFO", "json")
    log.info("note", text=f"Cannot connect to redis://:{password}@redis.example:6379/0.")
    said = json.loads(capsys.readouterr().err)["text"]
    assert said == "Cannot connect to redis://***@redis.example:6379/0."


def test_what_is_no_url_stays(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    log.info("note", text="a@b.example and http://host/path?mail=a@b")
    assert json.loads(capsys.readouterr().err)["text"] == (
        "a@b.example and http://host/path?mail=a@b"
    )


def test_less_severe_lines_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("WARNING", "json")
    log.info("archive_processed")
    logging.getLogger("celery").info("received")
    assert capsys.readouterr().err == ""


def test_names_reach_no_terminal_s_controls(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "pretty")
    name = "week_\x1b[2J\x9b1m\u202e\n9.zip"
    log.warning("archive_processed", archive=name, known=[name])
    logging.getLogger("celery").warning("first\nsecond %s", "\x1b[2J")
    try:
        raise ValueError(name)
    except ValueError:
        log.exception("task_failed")
    said = capsys.readouterr().err
    assert not {"\x1b", "\x9b", "\u202e"} & set(said)
    assert "archive=week_\\x1b[2J\\x9b1m\\u202e\\n9.zip" in said.replace("'", "")
    assert "first\nsecond \\x1b[2J" in said
    assert "Traceback (most recent call last):\n" in said


def test_what_is_said_elsewhere_is_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    for log_format, lines in (("pretty", ["worker_died"]), ("json", ["run_ended", "worker_died"])):
        configure_command_logs("WARNING", log_format)
        log.error("run_ended", reason="a reason")
        log.error("worker_died")
        found = capsys.readouterr().err.splitlines()
        assert len(found) == len(lines)
        assert all(action in line for action, line in zip(lines, found, strict=True))
