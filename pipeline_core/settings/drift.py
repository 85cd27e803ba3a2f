"""Settings: what may change since the last published run."""

from __future__ import annotations

from decimal import Decimal

from pipeline_core.messages import DriftLimits
from pipeline_core.settings.group import SettingGroup, setting
from pipeline_core.settings.kinds import MOST, SHARE, Whole


class DriftSettings(SettingGroup):
    """What may change since the last published run."""

    max_revenue_change: Decimal | None = setting(
        None, SHARE, "Share (0 to 1) that total revenue may rise or fall; off if not set."
    )
    max_purchases_change: Decimal | None = setting(
        None, SHARE, "Share (0 to 1) that counted purchases may rise or fall; off if not set."
    )
    max_reject_share_rise: Decimal | None = setting(
        None, SHARE, "Rise of the share of rejects, 0.02 being 2 points; off if not set."
    )
    max_new_missing_days: int | None = setting(
        None, Whole(0, MOST), "Missing days that were not missing before; off if not set."
    )
    max_customers_gone: Decimal | None = setting(
        None, SHARE, "Share (0 to 1) of the customers that may be gone; off if not set."
    )
    max_products_gone: Decimal | None = setting(
        None, SHARE, "Share (0 to 1) of the products that may be gone; off if not set."
    )

    def drift_limits(self) -> DriftLimits:
        """What the run's manifest keeps of them."""
        return DriftLimits(
            revenue_change=self.max_revenue_change,
            purchases_change=self.max_purchases_change,
            reject_share_rise=self.max_reject_share_rise,
            new_missing_days=self.max_new_missing_days,
            customers_gone=self.max_customers_gone,
            products_gone=self.max_products_gone,
        )
