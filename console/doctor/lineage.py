"""Where OpenLineage events go."""

from __future__ import annotations

from console.doctor.checks import Check
from pipeline_core.settings import Settings


def check_lineage(settings: Settings) -> Check:
    """Whether events would arrive; none is sent."""
    target = settings.lineage()
    if target is None:
        return Check("lineage", "ok", "SALES_OPENLINEAGE is not set; nobody is told of runs")
    from pipeline_core.lineage.reach import check_reach

    return Check("lineage", "ok", f"{target.shown}: {check_reach(target)}")
