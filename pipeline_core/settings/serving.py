"""Settings: the reports and the live page for browsers."""

from __future__ import annotations

from pipeline_core.configuration.host_names import parse_host_names
from pipeline_core.configuration.web_url import check_web_url
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import ADDRESS, TEXT, Whole


class ServingSettings(SettingGroup):
    """The reports and the live page for browsers."""

    serve_host: str = setting("127.0.0.1", ADDRESS, "Address that `serve` listens on.")
    serve_port: int = setting(
        8080, Whole(0, 65535), "Port that `serve` listens on; 0 is any free one."
    )
    serve_names: str | None = setting(
        None,
        TEXT,
        "Host names that `serve` answers to besides localhost, separated by commas.",
        check=parse_host_names,
    )
    flower_url: str | None = setting(
        None,
        TEXT,
        "Address of the Flower page, for a link on the live page.",
        check=check_web_url,
    )
