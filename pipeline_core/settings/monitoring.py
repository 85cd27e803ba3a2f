"""Settings: who sees that workers live, and is told of trouble."""

from __future__ import annotations

from pipeline_core.configuration.hook_command import check_command
from pipeline_core.configuration.web_url import check_webhook
from pipeline_core.notify.hooks import Hooks, parse_events
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import ADDRESS, SECRET, TEXT, SecretStr, Whole


class MonitoringSettings(SettingGroup):
    """Who sees that workers live, and is told of trouble."""

    heartbeat_file: str | None = setting(
        None, TEXT, "File that a live worker keeps touching; in the temporary folder if not set."
    )
    metrics_port: int | None = setting(
        None, Whole(1, 65535), "Port of a worker's Prometheus metrics; off if not set."
    )
    metrics_address: str = setting("127.0.0.1", ADDRESS, "Address the metrics are served on.")
    webhook_url: SecretStr | None = setting(
        None,
        SECRET,
        "Slack-compatible URL that is told of trouble.",
        check=check_webhook,
    )
    hook_command: SecretStr | None = setting(
        None,
        SECRET,
        "Command that is told of trouble: JSON on standard input, variables HOOK_*.",
        check=check_command,
    )
    notify_on: str = setting(
        "failed,refused,incomplete,recovered,late",
        TEXT,
        "Trouble, out of: published, failed, refused, incomplete, recovered, late.",
        check=parse_events,
    )

    def hooks(self) -> Hooks:
        """Who is told of trouble; holds the webhook's URL."""
        return Hooks(
            webhook_url=self.webhook_url.get_secret_value() if self.webhook_url else None,
            command=self.hook_command.get_secret_value() if self.hook_command else None,
            events=parse_events(self.notify_on),
        )
