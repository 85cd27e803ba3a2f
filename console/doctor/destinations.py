"""Where published runs are delivered to."""

from __future__ import annotations

from console.doctor.checks import Check
from pipeline_core.errors import PipelineError
from pipeline_core.settings import Settings


def check_delivery(settings: Settings) -> Check:
    """Whether each destination would take a run; none is changed."""
    if settings.deliver is None:
        return Check("delivery", "ok", "no destination is set; reports stand in their folder")
    from pipeline_core.delivery.send import try_out

    found, failed = [], False
    for each in settings.destinations():
        try:
            found.append(f"{each.shown}: {try_out(each)}")
        except PipelineError as error:
            failed = True
            found.append(f"{each.shown}: {error.message} {error.remedy}".rstrip(". "))
    told = "; ".join(found)
    return Check("delivery", "failed", f"{told}.") if failed else Check("delivery", "ok", told)
