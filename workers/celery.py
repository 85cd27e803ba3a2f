"""The Celery app. Run it with ``celery -A workers worker|beat|flower``."""

from __future__ import annotations

import logging
import os
from typing import Any

from celery.signals import setup_logging, worker_process_init

from pipeline_core.logs import configure_logs, get_logger
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.settings import unused_variables
from pipeline_core.storage import use_state_key
from workers.application import App
from workers.config import celery_config
from workers.flower import flower_environment
from workers.start_checks import load_settings_or_end, refuse_other_servers

refuse_other_servers()
settings = load_settings_or_end()
use_state_key(settings.chosen_state_key())
app = App(
    "workers",
    include=[
        "workers.tasks",
        "workers.monitoring",
        "workers.task_events",
        "workers.remote_control",
    ],
)
app.conf.update(celery_config(settings))

# Flower takes its options from FLOWER_* only; what a person has set there stays.
for _name, _value in flower_environment(settings).items():
    os.environ.setdefault(_name, _value)


@setup_logging.connect
def _log_like_the_command(**_: Any) -> None:
    configure_logs(settings.log_level, settings.log_format)
    logging.getLogger("celery.app.trace").addFilter(_is_not_told_by_us)
    for name in unused_variables():
        get_logger().warning("variable_not_used", name=name)


def _is_not_told_by_us(record: logging.LogRecord) -> bool:
    """False of what Celery says of a message that a task refused: that has its line."""
    said = getattr(record, "data", None)
    return not (isinstance(said, dict) and said.get("description") == "raised expected")


@worker_process_init.connect
def _keep_freed_memory(**_: Any) -> None:
    keep_freed_memory()
