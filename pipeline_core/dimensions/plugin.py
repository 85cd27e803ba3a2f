"""Customers and products by a plug-in: a function of the shop's own package, which an entry point
of the group ``sales_pipeline.dimensions`` names."""

from __future__ import annotations

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import check_names, make_snapshot
from pipeline_core.errors import ConfigError, PipelineError, message_of
from pipeline_core.machine.plugins import Plugin, find_plugin

GROUP = "sales_pipeline.dimensions"
_PREFIX = "plugin:"


def is_plugin(place: str) -> bool:
    """Whether SALES_DIMENSIONS names a plug-in, and no folder."""
    return place.startswith(_PREFIX)


def read_plugin(
    place: str, customers: DimensionTable = CUSTOMERS, products: DimensionTable = PRODUCTS
) -> Snapshot:
    """What the plug-in returns, checked: two Arrow tables with our columns.

    Raises:
        ConfigError: it is not installed, cannot be imported or fails, returns something else, or is
            to read tables of other names.
        PipelineError: its own, such as a RetryableError.
    """
    if (customers, products) != (CUSTOMERS, PRODUCTS):
        raise ConfigError(
            f"{place} reads the tables that it knows; SALES_CUSTOMERS, SALES_PRODUCTS and their "
            "columns are for folders and databases.",
            "Leave them out.",
        )
    found = _found(place)
    try:
        tables = dict(zip(("customers", "products"), found.entry.load()(), strict=True))
        for table in (CUSTOMERS, PRODUCTS):
            check_names(tables[table.kind].schema.names, table.ours, f"{place}, {table.kind}")
        return make_snapshot(**tables, place=place)
    except PipelineError:
        raise
    except Exception as error:  # it is anybody's code
        raise ConfigError(
            f"{described(place)} cannot be used: {message_of(error)}.",
            f"{found.entry.value} returns the Arrow tables of customers and products; mend that "
            "package.",
        ) from error


def described(place: str) -> str:
    """The plug-in with its package and the version of that, such as ``plugin:crm of acme 1.2``."""
    found = _found(place)
    return f"{place} of {found.package} {found.version}".rstrip()


def _found(place: str) -> Plugin:
    return find_plugin(GROUP, place.removeprefix(_PREFIX), _PREFIX)
