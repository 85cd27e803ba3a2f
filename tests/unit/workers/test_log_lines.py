"""Lines that workers and beat log at their start, and Celery's own."""

from __future__ import annotations

import logging

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


def test_celerys_line_of_another_try_has_the_id_of_its_task() -> None:
    told = {"id": "f0fdc45c", "name": "workers.publish_run", "exc": "SIGKILL"}
    line = logging.LogRecord("celery.app.trace", logging.INFO, "", 0, LOG_RETRY, (told,), None)
    assert _name_run(line)
    assert vars(line)["task_id"] == "f0fdc45c"
    plain = logging.LogRecord("celery.app.trace", logging.INFO, "", 0, "%s", ("word",), None)
    assert _name_run(plain)
    assert "task_id" not in vars(plain)
