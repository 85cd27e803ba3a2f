"""Lines that workers and beat log at their start."""

from __future__ import annotations

import structlog

from pipeline_core.settings import load_settings
from workers.log_lines import warn_without_broker


def test_where_no_broker_is_set_the_log_says_what_is_tried() -> None:
    with structlog.testing.capture_logs() as logs:
        warn_without_broker(load_settings({}))
        warn_without_broker(load_settings({"broker_url": "redis://127.0.0.1:1/0"}))
    [line] = logs
    assert (line["event"], line["setting"]) == ("broker_not_set", "SALES_BROKER_URL")
    assert line["tried"] == "redis://localhost:6379/0"
