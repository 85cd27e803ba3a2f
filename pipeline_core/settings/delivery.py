"""Settings: where published reports are delivered to."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from pipeline_core.configuration.destinations import Destination, parse_destinations
from pipeline_core.settings.group import SettingGroup


class DeliverySettings(SettingGroup):
    """Where published reports are delivered to."""

    deliver: SecretStr | None = Field(
        None,
        description="Where every published run goes besides, with commas in between: "
        "postgresql://user:password@host:5432/database?schema=sales_pipeline, "
        "file+xlsx:///folder/report.xlsx.",
    )

    @field_validator("deliver")
    @classmethod
    def _known_destinations(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_destinations(value.get_secret_value())
        return value

    def destinations(self) -> tuple[Destination, ...]:
        """Those of this process; they hold logins."""
        return () if self.deliver is None else parse_destinations(self.deliver.get_secret_value())
