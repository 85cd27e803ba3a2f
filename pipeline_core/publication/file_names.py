"""What the files of a published run are called; ``write_reports`` writes them."""

from __future__ import annotations

from collections.abc import Collection

from pipeline_core.transform.reports import REPORTS
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.plugins import is_report_name
from pipeline_core.transform.reports.returns import REPORT as RETURNS

INDEX, SUMMARY, REJECTS = "index.html", "summary.json", "rejects.csv"
BY_CATEGORY = "by_category"
_TOP = {INDEX, SUMMARY, REJECTS}
_TOP |= {f"{report.name}.csv" for report in (*REPORTS, RETURNS) if report.is_published}
_TOP |= {f"{report.name}.parquet" for report in (CATEGORY_SALES, RETURNS)}
_OF_A_CATEGORY = (".csv", ".html")


def is_report_file(name: str, added: Collection[str] | None = None) -> bool:
    """Whether a run may have published a file of this name, which is relative to its folder. In
    ``by_category`` every table and page may be one: categories have any name. ``added`` are the
    reports of the run's plug-ins; None may be any."""
    folder, _, inside = name.rpartition("/")
    if not folder:
        report, dot, ending = inside.partition(".")
        is_added = is_report_name(report) if added is None else report in added
        return inside in _TOP or (is_added and f"{dot}{ending}" == ".csv")
    return folder == BY_CATEGORY and inside.endswith(_OF_A_CATEGORY) and inside[0] != "."
