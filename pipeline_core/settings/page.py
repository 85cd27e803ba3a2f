"""Settings: what the page says of the shop."""

from __future__ import annotations

from pipeline_core.configuration.shop import parse_closed_days, parse_currency, parse_shop
from pipeline_core.messages import ClosedDays
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import TEXT


class PageSettings(SettingGroup):
    """What the page says of the shop; no figure depends on it."""

    shop: str = setting("", TEXT, "The shop's name, for the head of the page.", parse=parse_shop)
    currency: str = setting(
        "",
        TEXT,
        "Currency of the prices, for the page: a code (EUR) or a sign. Files stay as they are.",
        parse=parse_currency,
    )
    closed_days: str = setting(
        "",
        TEXT,
        "Days on which the shop is closed, which are not missing: weekdays "
        "(`sat,sun`), dates (2024-12-25; 12-25 of each year) and ranges (2024-12-24..2025-01-02).",
        check=parse_closed_days,
    )

    def chosen_closed_days(self) -> ClosedDays:
        """What the run's manifest keeps of them."""
        return ClosedDays(*parse_closed_days(self.closed_days))
