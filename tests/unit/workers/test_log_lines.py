"""Lines that workers and beat log at their start, and Celery's own."""

from __future__ import annotations

import logging

import pytest
import structlog
from celery.app.trace import LOG_RETRY

from pipeline_core.settings import load_settings
from workers.log_lines import _name_run, warn_without_broker


def test_where_no_broker_is_set_the_log_says_what_is_tried() -> None:
    with structlog.testing.capture_logs() as logs:
        warn_without_broker(load_settings({}))
        warn_without_broker(load_settings({"broker_url": "redis://127.0.0.1:1/0"}))
    [line] = logs
    assert (line["event"], line["setting"]) == ("broker_not_set", "SALES_BROKER_URL")
    assert line["tried"] == "redis://localhost:6379/0"


# As celery.app.trace and celery.worker.request have them, each in its own form.
@pytest.mark.parametrize(
    ("said", "args"),
    [
        (LOG_RETRY, ({"id": "f0fdc45c", "name": "workers.publish_run", "exc": "SIGKILL"},)),
        ("Task %s[%s] retry: %s", ("workers.publish_run", "f0fdc45c", "SIGKILL")),
        ("Hard time limit (%ss) exceeded for %s[%s]", (9, "workers.process_archive", "f0fdc45c")),
    ],
)
def test_each_line_of_celery_about_a_task_has_its_id(said: str, args: tuple[object, ...]) -> None:
    line = logging.LogRecord("celery.worker.request", logging.INFO, "", 0, said, args, None)
    assert _name_run(line)
    assert vars(line)["task_id"] == "f0fdc45c"


def test_a_line_about_no_task_has_no_id_of_one() -> None:
    line = logging.LogRecord("celery.app.trace", logging.INFO, "", 0, "%s", ("word",), None)
    assert _name_run(line)
    assert "task_id" not in vars(line)
