"""Settings: who sees that workers live, and is told of trouble."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from pipeline_core.addresses.web_url import check_webhook
from pipeline_core.configuration.hook_command import check_command
from pipeline_core.notify.hooks import parse_events
from pipeline_core.settings.group import Address, SettingGroup


class MonitoringSettings(SettingGroup):
    """Who sees that workers live, and is told of trouble."""

    heartbeat_file: str | None = Field(
        None,
        description="File that a live worker keeps touching; in the temporary folder if not set.",
    )
    metrics_port: int | None = Field(
        None, description="Port of a worker's Prometheus metrics; off if not set.", ge=1, le=65535
    )
    metrics_address: Address = Field("127.0.0.1", description="Address the metrics are served on.")
    webhook_url: SecretStr | None = Field(
        None, description="Slack-compatible URL that is told of trouble."
    )
    hook_command: SecretStr | None = Field(
        None,
        description="Command that is told of trouble: JSON on standard input, variables HOOK_*.",
    )
    notify_on: str = Field(
        "failed,refused,incomplete,recovered,late,undelivered,unfit",
        description="Trouble, out of: published, failed, refused, incomplete, recovered, late, "
        "undelivered, unfit.",
    )

    @field_validator("webhook_url")
    @classmethod
    def _webhook(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_webhook(value.get_secret_value())
        return value

    @field_validator("hook_command")
    @classmethod
    def _command(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_command(value.get_secret_value())
        return value

    @field_validator("notify_on")
    @classmethod
    def _known_events(cls, value: str) -> str:
        parse_events(value)
        return value
