"""Reports by plug-ins: of the shop's own packages, each named by an entry point of the group
``sales_pipeline.reports``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

import pyarrow as pa

from pipeline_core.errors import ConfigError, ContractError, PipelineError, message_of
from pipeline_core.machine.plugins import find_plugin
from pipeline_core.messages import ReportPlugin
from pipeline_core.schemas import checked
from pipeline_core.transform.reports import REPORTS
from pipeline_core.transform.reports.base import Report

GROUP = "sales_pipeline.reports"
_SETTING = "SALES_REPORT_PLUGINS"

_NAME = re.compile(r"(?!(?:con|prn|aux|nul|com\d|lpt\d)$)[a-z][a-z0-9_]{0,59}")
# Files of every run that are no reports.
_TAKEN = {"rejects"}
# What faults of a program raise. Want of memory and of time, and what does not answer, are none.
_FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ContractError,
    ImportError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)


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


def reports_of(plugins: Iterable[ReportPlugin]) -> tuple[Report, ...]:
    """All reports of a run that was planned with these: ours, then theirs.

    Raises:
        ConfigError: this process does not have them as they were.
    """
    return (*REPORTS, *(_as_planned(each) for each in plugins))


def report_identities(plugins: Iterable[ReportPlugin]) -> dict[str, str]:
    """By the name of each report of such a run, what tells it from another that made other partials
    or would merge them otherwise. Nothing is imported for it."""
    return {report.name: report.name for report in REPORTS} | {
        each.name: each.words for each in plugins
    }


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
    if name in _TAKEN | {report.name for report in REPORTS}:
        raise ConfigError(
            f"{_SETTING} names {name}, and {name}.csv is a file that every run has.",
            "Give the plug-in another name.",
        )
    found = find_plugin(GROUP, name)
    plugin = ReportPlugin(name, found.package, found.version)
    mend = f"Mend that package, or take {name} out of {_SETTING}."
    try:
        report = found.entry.load()
    except PipelineError:
        raise
    except Exception as error:  # it is anybody's code
        raise ConfigError(f"{plugin.words} cannot be used: {message_of(error)}.", mend) from error
    if not isinstance(report, Report) or not isinstance(report.schema, pa.Schema):
        raise ConfigError(
            f"{plugin.words} cannot be used: {found.entry.value} is no Report.",
            f"Make it a Report of pipeline_core.transform.reports. {mend}",
        )
    if report.name != name:
        raise ConfigError(
            f"{plugin.words} cannot be used: its Report is called {report.name!r}.",
            f"Call both the same. {mend}",
        )
    return plugin, _guarded(report, plugin, mend)


def _guarded(report: Report, plugin: ReportPlugin, mend: str) -> Report:
    """The report, whose faults and wrong tables are told by the name of the plug-in."""

    def guarded(
        called: Callable[..., pa.Table], check: Callable[[pa.Table], pa.Table]
    ) -> Callable[..., pa.Table]:
        def call(*given: object) -> pa.Table:
            try:
                return check(called(*given))
            except _FAULTS as error:
                what = f"{plugin.words} failed: {message_of(error)}."
                raise ConfigError(what, mend) from error

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
    )
