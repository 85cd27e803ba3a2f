"""Settings: what is logged, and how."""

from __future__ import annotations

from typing import Literal

from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import OneOf


class LogSettings(SettingGroup):
    """What is logged, and how."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", OneOf("DEBUG", "INFO", "WARNING", "ERROR"), "Least severe log line to write."
    )
    log_format: Literal["pretty", "json"] = setting(
        "pretty", OneOf("pretty", "json"), "pretty or json."
    )
