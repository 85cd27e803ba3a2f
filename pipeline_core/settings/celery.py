"""Settings: broker, schedule, tasks and the Flower page."""

from __future__ import annotations

from pipeline_core.configuration.broker_url import check_broker_url, check_certificates
from pipeline_core.configuration.cron import parse_cron
from pipeline_core.configuration.served_shops import parse_shops
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import BOOLEAN, SECONDS, SECRET, TEXT, SecretStr

DEFAULT_BROKER_URL = "redis://localhost:6379/0"


def _check_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone; try UTC or Europe/Berlin") from error


def _check_login(text: str) -> None:
    if "," in text:
        raise ValueError("Flower takes a comma for the end of the login; use none")


def _check_user(name: str) -> None:
    _check_login(name)
    if ":" in name:
        raise ValueError("browsers take a colon for the end of the user; use none")


class CelerySettings(SettingGroup):
    """Broker, schedule, tasks and the Flower page."""

    broker_url: SecretStr | None = setting(
        None,
        SECRET,
        "redis:// or rediss:// URL of the broker.",
        check=check_broker_url,
    )
    result_backend: SecretStr | None = setting(
        None,
        SECRET,
        "redis:// or rediss:// URL for chord state; the broker when not set.",
        check=check_broker_url,
    )
    states: str = setting(
        "",
        TEXT,
        "Further shops whose runs a worker serves: STATE or STATE|DATA|REPORTS of "
        "each, with commas in between.",
        check=lambda value: parse_shops(value, "", ""),
    )
    schedule: str = setting(
        "0 3 * * *", TEXT, "Cron expression of the daily run.", check=parse_cron
    )
    timezone: str = setting("UTC", TEXT, "Time zone of the schedule.", check=_check_zone)
    task_soft_time_limit: int = setting(1500, SECONDS, "Seconds before a task is asked.")
    task_time_limit: int = setting(1800, SECONDS, "Seconds before a task is killed.")
    visibility_timeout: int = setting(
        2400, SECONDS, "Seconds before an unfinished task is delivered again."
    )
    result_expires: int = setting(259_200, SECONDS, "Seconds chord results are kept.")
    shutdown_wait: int = setting(
        60, SECONDS, "Seconds that a worker which is told to stop gives its tasks."
    )
    worker_wait: int = setting(60, SECONDS, "Seconds a run waits for a worker.")
    redis_ca: str | None = setting(
        None,
        TEXT,
        "CA file that rediss:// servers are checked by; the system's if not set.",
        check=check_certificates,
    )
    beat_schedule_file: str = setting(
        "celerybeat-schedule", TEXT, "File in which beat remembers its last run."
    )
    flower_user: str = setting("admin", TEXT, "User of the Flower page.", check=_check_user)
    flower_password: SecretStr | None = setting(
        None,
        SECRET,
        "Password of the Flower page; its HTTP API stays shut without one.",
        check=_check_login,
    )
    flower_read_only: bool = setting(
        True, BOOLEAN, "Flower and remote control show, and change nothing."
    )
