"""Settings: what may change since the last published run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline_core.messages import DriftLimits
from pipeline_core.settings.group import MOST, SettingGroup, Share


class DriftSettings(SettingGroup):
    """What may change since the last published run."""

    max_revenue_change: Share | None = Field(
        None, description="Share (0 to 1) that total revenue may rise or fall; off if not set."
    )
    max_purchases_change: Share | None = Field(
        None, description="Share (0 to 1) that counted purchases may rise or fall; off if not set."
    )
    max_reject_share_rise: Share | None = Field(
        None, description="Rise of the share of rejects, 0.02 being 2 points; off if not set."
    )
    max_new_missing_days: Annotated[int, Field(ge=0, le=MOST)] | None = Field(
        None, description="Missing days that were not missing before; off if not set."
    )
    max_customers_gone: Share | None = Field(
        None, description="Share (0 to 1) of the customers that may be gone; off if not set."
    )
    max_products_gone: Share | None = Field(
        None, description="Share (0 to 1) of the products that may be gone; off if not set."
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
