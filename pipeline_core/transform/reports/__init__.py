"""The reports. A new one is a new module here and one line in REPORTS."""

from __future__ import annotations

from pipeline_core.transform.reports import category_sales, daily_sales
from pipeline_core.transform.reports.base import Report

REPORTS: tuple[Report, ...] = (category_sales.REPORT, daily_sales.REPORT)

__all__ = ["REPORTS", "Report"]
