"""Settings: broker, schedule, tasks and the Flower page."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from pipeline_core.addresses.broker_url import check_broker_url, check_certificates
from pipeline_core.configuration.cron import parse_cron
from pipeline_core.configuration.served_shops import parse_shops
from pipeline_core.settings.group import Seconds, SettingGroup

DEFAULT_BROKER_URL = "redis://localhost:6379/0"


class CelerySettings(SettingGroup):
    """Broker, schedule, tasks and the Flower page."""

    broker_url: SecretStr | None = Field(
        None, description="redis:// or rediss:// URL of the broker."
    )
    result_backend: SecretStr | None = Field(
        None, description="redis:// or rediss:// URL for chord state; the broker when not set."
    )
    states: str = Field(
        "",
        description="Further shops whose runs a worker serves: STATE or STATE|DATA|REPORTS of "
        "each, with commas in between.",
    )
    schedule: str = Field("0 3 * * *", description="Cron expression of the daily run.")
    timezone: str = Field("UTC", description="Time zone of the schedule.")
    task_soft_time_limit: Seconds = Field(1500, description="Seconds before a task is asked.")
    task_time_limit: Seconds = Field(1800, description="Seconds before a task is killed.")
    visibility_timeout: Seconds = Field(
        2400, description="Seconds before an unfinished task is delivered again."
    )
    result_expires: Seconds = Field(259_200, description="Seconds chord results are kept.")
    shutdown_wait: Seconds = Field(
        60, description="Seconds that a worker which is told to stop gives its tasks."
    )
    worker_wait: Seconds = Field(60, description="Seconds a run waits for a worker.")
    redis_ca: str | None = Field(
        None, description="CA file that rediss:// servers are checked by; the system's if not set."
    )
    beat_schedule_file: str = Field(
        "celerybeat-schedule", description="File in which beat remembers its last run."
    )
    flower_user: str = Field("admin", description="User of the Flower page.")
    flower_password: SecretStr | None = Field(
        None, description="Password of the Flower page; its HTTP API stays shut without one."
    )
    flower_read_only: bool = Field(
        True, description="Flower and remote control show, and change nothing."
    )

    @field_validator("states")
    @classmethod
    def _known_shops(cls, value: str) -> str:
        parse_shops(value, "", "")
        return value

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, value: str) -> str:
        parse_cron(value)
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is not a time zone; try UTC or Europe/Berlin") from error
        return value

    @field_validator("broker_url", "result_backend")
    @classmethod
    def _of_one_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_broker_url(value.get_secret_value())
        return value

    @field_validator("redis_ca")
    @classmethod
    def _certificates(cls, value: str | None) -> str | None:
        if value is not None:
            check_certificates(value)
        return value

    @field_validator("flower_user", "flower_password")
    @classmethod
    def _one_login(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        if "," in (value.get_secret_value() if isinstance(value, SecretStr) else value or ""):
            raise ValueError("Flower takes a comma for the end of the login; use none")
        return value

    @field_validator("flower_user")
    @classmethod
    def _no_colon(cls, value: str) -> str:
        if ":" in value:
            raise ValueError("browsers take a colon for the end of the user; use none")
        return value
