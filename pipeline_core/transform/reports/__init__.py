"""The reports of every run: a module here and a line in REPORTS. Plug-ins add others to a run."""

from __future__ import annotations

from pipeline_core.transform.reports import category_sales, daily_sales, product_sales
from pipeline_core.transform.reports.base import Report

REPORTS: tuple[Report, ...] = (category_sales.REPORT, daily_sales.REPORT, product_sales.REPORT)

__all__ = ["REPORTS", "Report"]
