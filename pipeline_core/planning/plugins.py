"""The plug-ins that settings name, as a run takes them, before anything is read."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline_core.configuration.places import Places, is_plugin
from pipeline_core.messages import ReportPlugin


def load_plugins(places: Places, reports: Iterable[str]) -> tuple[ReportPlugin, ...]:
    """Those of the reports of these names, sorted by name. That of customers and products is
    imported as well, and not called. Raises ConfigError if one cannot be used."""
    if places.dimensions is not None and is_plugin(places.dimensions):
        from pipeline_core.dimensions.plugin import load_plugin

        load_plugin(places.dimensions, places.customers, places.products)
    names = tuple(reports)
    if not names:
        return ()
    from pipeline_core.transform.reports.plugins import chosen_plugins

    return chosen_plugins(names)
