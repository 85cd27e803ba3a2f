"""Where a run's own files are, and places that were named for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pipeline_core.errors import ConfigError

if TYPE_CHECKING:
    from pipeline_core.ledger import RunLedger
    from pipeline_core.settings import Settings


def given_place(settings: Settings, name: Literal["data", "reports"]) -> str | None:
    """The place that an option or a setting names; None if it is left to its default."""
    return getattr(settings, name) if name in settings.model_fields_set else None


def check_reports_place(settings: Settings, ledger: RunLedger) -> None:
    """For a command that works on the reports where the run published them.

    Raises:
        ConfigError: there is no such run, or an option or a setting names another place.
    """
    from pipeline_core.storage import absolute_uri

    given, own = given_place(settings, "reports"), ledger.manifest().reports
    if given is not None and absolute_uri(given) != own:
        raise ConfigError(
            f"Run {ledger.run_id} has its reports in {own}, and not in {absolute_uri(given)}, "
            "which --reports or SALES_REPORTS names.",
            f"Say --reports {own}; `sales-pipeline verify` alone looks at a copy.",
        )
