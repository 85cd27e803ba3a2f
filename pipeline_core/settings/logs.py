"""Settings: what is logged, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline_core.settings.group import SettingGroup


class LogSettings(SettingGroup):
    """What is logged, and how."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line to write."
    )
    log_format: Literal["pretty", "json"] = Field("pretty", description="pretty or json.")
