"""The Celery app. Run it with ``celery -A workers worker|beat|flower``."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from pipeline_core.logs import configure_logs
from pipeline_core.settings import load_settings
from workers.config import celery_config, flower_environment

settings = load_settings()
app = Celery("workers", include=["workers.tasks", "workers.watching", "workers.events"])
app.conf.update(celery_config(settings))

# Flower takes its options from FLOWER_* only; what a person has set there stays.
for _name, _value in flower_environment(settings).items():
    os.environ.setdefault(_name, _value)


@setup_logging.connect
def _log_like_the_command(**_: Any) -> None:
    configure_logs(settings.log_level, settings.log_format)
