"""Reports by plug-ins: of the shop's own packages, each named by an entry point of the group
``sales_pipeline.reports``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

import pyarrow as pa

from pipeline_core.errors import ConfigError
from pipeline_core.machine.plugins import REPORT_GROUP, find_plugin, plugin_code
from pipeline_core.messages import ReportPlugin, ReturnsMode
from pipeline_core.schemas import checked
from pipeline_core.transform.reports import REPORTS
from pipeline_core.transform.reports.base import Report
from pipeline_core.transform.reports.returns import REPORT as RETURNS

_SETTING = "SALES_REPORT_PLUGINS"

_NAME = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)[a-z][a-z0-9_]{0,59}")
# What else of a published run is called so, before the ending.
_TAKEN = {"by_category", "index", "rejects", "summary"}
_WHAT = "a Report of pipeline_core.transform.reports, whose three functions return Arrow tables"


def is_report_name(name: str) -> bool:
    """Whether a file may be called ``<name>.csv`` on every system."""
    return _NAME.fullmatch(name) is not None


def chosen_plugins(names: Iterable[str]) -> tuple[ReportPlugin, ...]:
    """Those of a run that is planned now, sorted by name.

    Raises:
        ConfigError: one is not installed, cannot be imported, is no report, or has a name that is
            taken or that no file can have everywhere.
    """
    return tuple(_loaded(name)[0] for name in sorted(set(names)))


def reports_of(plugins: Iterable[ReportPlugin], returns: ReturnsMode) -> tuple[Report, ...]:
    """All reports of a run that was planned with these: ours, then theirs.

    Raises:
        ConfigError: this process does not have them as they were.
    """
    return (*_ours(returns), *(_as_planned(each) for each in plugins))


def report_identities(plugins: Iterable[ReportPlugin], returns: ReturnsMode) -> dict[str, str]:
    """By the name of each report of such a run, what tells it from another that made other partials
    or would merge them otherwise. Nothing is imported for it."""
    return {report.name: report.name for report in _ours(returns)} | {
        each.name: each.words for each in plugins
    }


def _ours(returns: ReturnsMode) -> tuple[Report, ...]:
    return (*REPORTS, RETURNS) if returns == "separate" else REPORTS


def _as_planned(planned: ReportPlugin) -> Report:
    said, remedy = f"The run was planned with {planned.words}", _remedy(planned)
    try:
        found, report = _loaded(planned.name)
    except ConfigError as error:
        raise ConfigError(f"{said}. {error.message}", remedy) from error
    if found != planned:
        raise ConfigError(f"{said}, and this process has {found.words}.", remedy)
    return report


def _remedy(planned: ReportPlugin) -> str:
    return (
        f"Install {planned.package} {planned.version} wherever runs are made, start workers again, "
        "then `sales-pipeline resume`; or make another run."
    )


# Once a process: a package that is replaced meanwhile is still the old one here.
@lru_cache
def _loaded(name: str) -> tuple[ReportPlugin, Report]:
    if not is_report_name(name):
        raise ConfigError(
            f"{_SETTING} names {name!r}, which is no name for a report's file.",
            "Use small letters, digits and _, a letter first, at most 60.",
        )
    if name in _TAKEN | {report.name for report in _ours("separate")}:
        raise ConfigError(
            f"{_SETTING} names {name}, and every run has a file that is called so.",
            "Give the plug-in another name.",
        )
    found = find_plugin(REPORT_GROUP, name, _WHAT)
    plugin = ReportPlugin(name, found.package, found.version)
    mend = (
        f"Mend that package, or take {name} out of {_SETTING}: {found.entry.value} has to be "
        f"{_WHAT}."
    )
    unusable = f"{plugin.words} cannot be used"
    with plugin_code(unusable, mend):
        report = found.entry.load()
    if not isinstance(report, Report) or not isinstance(report.schema, pa.Schema):
        raise ConfigError(f"{unusable}: {found.entry.value} is no Report.", mend)
    if report.name != name:
        raise ConfigError(
            f"{unusable}: its Report is called {report.name!r}.", f"Call both the same. {mend}"
        )
    return plugin, _guarded(report, plugin, mend)


def _guarded(report: Report, plugin: ReportPlugin, mend: str) -> Report:
    """The report, whose faults and wrong tables are told by the name of the plug-in."""

    def guarded(
        called: Callable[..., pa.Table], check: Callable[[pa.Table], pa.Table]
    ) -> Callable[..., pa.Table]:
        def call(*given: object) -> pa.Table:
            # An OSError may be want of room, or a storage that does not answer.
            with plugin_code(f"{plugin.words} failed", mend, passed=OSError):
                return check(called(*given))

        return call

    def partial(table: pa.Table) -> pa.Table:
        return checked(table, report.schema)

    def table_of(table: object) -> pa.Table:
        if not isinstance(table, pa.Table):
            raise TypeError(f"finish returned a {type(table).__name__}, and no Arrow table")
        return table

    return replace(
        report,
        aggregate=guarded(report.aggregate, partial),
        merge=guarded(report.merge, partial),
        finish=guarded(report.finish, table_of),
        is_published=True,
        from_sums=None,
    )
