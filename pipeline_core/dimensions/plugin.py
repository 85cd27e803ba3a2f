"""Customers and products by a plug-in: a function of the shop's own package, which an entry point
of the group ``sales_pipeline.dimensions`` names."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import check_names, make_snapshot
from pipeline_core.errors import ConfigError, PipelineError, message_of

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
    found = _entry_point(place)
    try:
        tables = dict(zip(("customers", "products"), found.load()(), strict=True))
        for table in (CUSTOMERS, PRODUCTS):
            check_names(tables[table.kind].schema.names, table.ours, f"{place}, {table.kind}")
        return make_snapshot(**tables, place=place)
    except PipelineError:
        raise
    except Exception as error:  # it is anybody's code
        raise ConfigError(
            f"{described(place)} cannot be used: {message_of(error)}.",
            f"{found.value} returns the Arrow tables of customers and products; mend that package.",
        ) from error


def described(place: str) -> str:
    """The plug-in with its package and the version of that, such as ``plugin:crm of acme 1.2``."""
    package = _entry_point(place).dist
    return f"{place} of {package.name} {package.version}" if package else place


def _entry_point(place: str) -> EntryPoint:
    """Raises ConfigError unless one package has it."""
    installed = entry_points(group=GROUP)
    found = list(installed.select(name=place.removeprefix(_PREFIX)))
    if len(found) != 1:
        names = ", ".join(sorted({_PREFIX + each.name for each in installed})) or "none"
        raise ConfigError(
            f"{'Two packages have' if found else 'No package that is installed has'} the plug-in "
            f"{place}.",
            f"Install one beside this program, with an entry point of {GROUP}; there is: {names}.",
        )
    return found[0]
