"""Celery's configuration from our settings. docs/operations.md says why each value is so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from celery.beat import BeatLazyFunc
from celery.schedules import crontab

from pipeline_core.configuration.cron import parse_cron
from pipeline_core.running.schedule import slot_of_now
from pipeline_core.settings import DEFAULT_BROKER_URL, Settings
from workers.tls import tls_options

START_RUN = "workers.start_run"
PROCESS_ARCHIVE = "workers.process_archive"
PUBLISH_RUN = "workers.publish_run"
FAIL_RUN = "workers.fail_run"
RECONCILE = "workers.reconcile"
# By which `doctor` asks each worker whether it reaches its places.
REACH = "sales_reach"
# By which a worker that takes no work has another note it.
NOTE_UNFIT = "sales_note_unfit"
# Among what a worker tells of itself when `celery inspect stats` asks.
SERVES = "sales_serves"
STATE_MARK = "sales_state_mark"
UNFIT = "sales_unfit"
UNFIT_NOTE = "sales_unfit_note"
TEMPORARY_BYTES = "sales_temporary_bytes"
HOST = "sales_host"
CLOCK = "sales_clock"
VERSIONS = "sales_versions"
SETTINGS = "sales_settings"

_LOOK_SECONDS = 60
_LOOK_EXPIRES_SECONDS = 55
# A beat that remembers nothing looks at once, and not in a minute that it may not live.
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def celery_config(settings: Settings) -> dict[str, Any]:
    """Keyword arguments of ``app.conf.update``."""
    broker = settings.broker_url.get_secret_value() if settings.broker_url else DEFAULT_BROKER_URL
    backend = settings.result_backend.get_secret_value() if settings.result_backend else broker
    transport = {
        "visibility_timeout": settings.visibility_timeout,
        # Look for work of dead workers often, not every few minutes only.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    }
    encrypted: dict[str, Any] = {}
    if broker.startswith("rediss:"):
        encrypted["broker_use_ssl"] = tls_options(settings)
    if backend.startswith("rediss:"):
        encrypted["redis_backend_use_ssl"] = tls_options(settings)
    return encrypted | {
        "broker_url": broker,
        "result_backend": backend,
        "broker_transport_options": transport,
        "result_backend_transport_options": {"visibility_timeout": settings.visibility_timeout},
        "visibility_timeout": settings.visibility_timeout,
        "state_mark": mark_of(settings),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "redis_socket_keepalive": True,
        "redis_backend_health_check_interval": 25,
        "result_backend_always_retry": True,
        # JSON only, both ways: a pickle would run code.
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        # A message is gone only when its work is done; the work may run twice.
        "task_acks_late": True,
        "task_acks_on_failure_or_timeout": True,
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": True,
        "worker_consumer": "workers.messages.consumer:Consumer",
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_soft_shutdown_timeout": settings.shutdown_wait,
        "worker_hijack_root_logger": False,
        "worker_concurrency": settings.machine_profile.jobs,
        "worker_send_task_events": True,
        "task_ignore_result": False,
        "task_soft_time_limit": settings.task_soft_time_limit,
        "task_time_limit": settings.task_time_limit,
        "result_expires": settings.result_expires,
        "result_chord_expires": settings.result_expires,
        "timezone": settings.timezone,
        "beat_schedule": {
            "daily-run": {
                "task": START_RUN,
                "schedule": cron(settings.schedule),
                "kwargs": {"slot": BeatLazyFunc(slot_of_now, settings.schedule, settings.timezone)},
            },
            "reconcile": {
                "task": RECONCILE,
                # No crontab: in the hour that a clock change repeats, Celery sends none.
                "schedule": _LOOK_SECONDS,
                "last_run_at": _LONG_AGO,
                "options": {"expires": _LOOK_EXPIRES_SECONDS},
            },
        },
        "beat_scheduler": "workers.programs.beat:Scheduler",
        "beat_schedule_filename": settings.beat_schedule_file,
        "beat_cron_starting_deadline": 3600,
    }


def mark_of(settings: Settings) -> str | None:
    """Which key a state is opened under, without the key: for commands to compare."""
    key = settings.chosen_state_key()
    return None if key is None else key.mark


def cron(expression: str) -> crontab:
    """Celery's schedule of a cron expression.

    Raises:
        ValueError: it is none.
    """
    times = parse_cron(expression)
    return crontab(
        minute=_field(times.minute, 60),
        hour=_field(times.hour, 24),
        day_of_week=_field(times.day_of_week, 7),
        day_of_month=_field(times.day_of_month, 31),
        month_of_year=_field(times.month, 12),
    )


def _field(values: frozenset[int], possible: int) -> str:
    return "*" if len(values) == possible else ",".join(map(str, sorted(values)))
