"""Settings: the reports and the live page for browsers."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipeline_core.addresses.host_names import parse_host_names
from pipeline_core.addresses.web_url import check_web_url
from pipeline_core.settings.group import Address, SettingGroup


class ServingSettings(SettingGroup):
    """The reports and the live page for browsers."""

    serve_host: Address = Field("127.0.0.1", description="Address that `serve` listens on.")
    serve_port: int = Field(
        8080, description="Port that `serve` listens on; 0 is any free one.", ge=0, le=65535
    )
    serve_names: str | None = Field(
        None,
        description="Host names that `serve` answers to besides localhost, separated by commas.",
    )
    flower_url: str | None = Field(
        None,
        description="Address of the Flower page, for a link on the pages that `serve` sends.",
    )

    @field_validator("serve_names")
    @classmethod
    def _names_of_hosts(cls, value: str | None) -> str | None:
        parse_host_names(value or "")
        return value

    @field_validator("flower_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None:
            check_web_url(value)
        return value
