"""Everything a run needs, looked at."""

from __future__ import annotations

from collections.abc import Callable

from console.doctor.checks import Check
from console.doctor.destinations import check_delivery
from console.doctor.installation import (
    check_decoding,
    check_plugins,
    check_settings,
    check_versions,
)
from console.doctor.lineage import check_lineage
from console.doctor.places import (
    check_data,
    check_dimensions,
    check_prices,
    check_reports,
    check_state,
)
from console.doctor.records import check_records
from console.doctor.servers import check_broker, check_clock, check_schedule, check_workers
from pipeline_core.errors import PipelineError
from pipeline_core.settings import Settings


def run_checks(settings: Settings) -> list[Check]:
    """Every check, in the order in which a person would ask."""
    looks: dict[str, Callable[[Settings], Check]] = {
        "settings": check_settings,
        "versions": check_versions,
        "decoding": check_decoding,
        "plug-ins": check_plugins,
        "data": check_data,
        "state": check_state,
        "records": check_records,
        "reports": check_reports,
        "dimensions": check_dimensions,
        "prices": check_prices,
        "delivery": check_delivery,
        "lineage": check_lineage,
        "broker": check_broker,
        "workers": check_workers,
        "clock": check_clock,
        "schedule": check_schedule,
    }
    return [_run_check(name, look, settings) for name, look in looks.items()]


def _run_check(name: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except PipelineError as error:
        return Check(name, "failed", error.message, error.remedy)
