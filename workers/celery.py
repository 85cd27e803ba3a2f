"""The Celery app. Run it with ``celery -A workers worker|beat|flower``."""

from __future__ import annotations

import os
from typing import Any

from celery.signals import setup_logging, worker_process_init

from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.vouching.key import use_state_key
from workers.application import App
from workers.config import celery_config
from workers.flower import flower_environment
from workers.start_checks import (
    load_settings_or_end,
    lose_log_lines_on_full_disk,
    refuse_other_servers,
    warn_flower_without_broker,
)

lose_log_lines_on_full_disk()
refuse_other_servers()
settings = load_settings_or_end()
warn_flower_without_broker(settings)
use_state_key(settings.chosen_state_key())
app = App(
    "workers",
    include=[
        "workers.tasks",
        "workers.programs.temporary_files",
        "workers.programs.monitoring",
        "workers.programs.task_events",
        "workers.programs.told",
        "workers.fitness.reach",
        "workers.fitness.standing_aside",
        "workers.fitness.unfit_notes",
        "workers.messages.remote_control",
    ],
)
app.conf.update(celery_config(settings))

# Flower takes its options from FLOWER_* only; what a person has set there stays.
for _name, _value in flower_environment(settings).items():
    os.environ.setdefault(_name, _value)


@setup_logging.connect
def _log_like_the_command(**_: Any) -> None:
    from workers.log_lines import (
        configure_log_lines,
        warn_of_unused_variables,
        warn_without_broker,
    )

    configure_log_lines(settings)
    warn_of_unused_variables()
    warn_without_broker(settings)


@worker_process_init.connect
def _keep_freed_memory(**_: Any) -> None:
    keep_freed_memory()
