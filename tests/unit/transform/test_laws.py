"""The laws that whoever writes a report can try it by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.transform.reports import REPORTS, Report
from pipeline_core.transform.reports.daily_sales import REPORT
from pipeline_core.transform.reports.laws import check_laws


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_ours_keep_them(report: Report) -> None:
    check_laws(report)


@pytest.mark.parametrize(
    ("changed", "law"),
    [
        (
            {"merge": lambda several: [*several, REPORT.schema.empty_table()][0]},
            "a merge of all partials is not the aggregate of all sales",
        ),
        (
            {"merge": lambda several: pa.concat_tables([REPORT.schema.empty_table(), *several])},
            "a merge of all partials is not the aggregate of all sales",
        ),
        ({"finish": lambda partial, _scale: partial}, "partial"),
        ({"schema": REPORTS[0].schema}, "a partial has not its schema, but date"),
    ],
)
def test_one_that_breaks_a_law_is_told_which(changed: dict[str, Any], law: str) -> None:
    with pytest.raises(ConfigError, match=law):
        check_laws(replace(REPORT, **changed))
