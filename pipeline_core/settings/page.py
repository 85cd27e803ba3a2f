"""Settings: what the page says of the shop."""

from __future__ import annotations

from pydantic import Field, field_validator

from pipeline_core.configuration.shop import parse_closed_days, parse_currency, parse_shop
from pipeline_core.messages import ClosedDays
from pipeline_core.settings.group import SettingGroup


class PageSettings(SettingGroup):
    """What the page says of the shop; no figure depends on it."""

    shop: str = Field("", description="The shop's name, for the head of the page.")
    currency: str = Field(
        "",
        description="Currency of the prices, for the page: a code (EUR) or a sign. Files stay as "
        "they are.",
    )
    closed_days: str = Field(
        "",
        description="Days on which the shop is closed, which are not missing: weekdays "
        "(`sat,sun`), dates (2024-12-25; 12-25 of each year) and ranges (2024-12-24..2025-01-02).",
    )

    @field_validator("shop")
    @classmethod
    def _name(cls, value: str) -> str:
        return parse_shop(value)

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        return parse_currency(value)

    @field_validator("closed_days")
    @classmethod
    def _days(cls, value: str) -> str:
        parse_closed_days(value)
        return value

    def chosen_closed_days(self) -> ClosedDays:
        """What the run's manifest keeps of them."""
        return ClosedDays(*parse_closed_days(self.closed_days))
