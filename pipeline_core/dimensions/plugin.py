"""Customers and products by a plug-in: a function of the shop's own package, which an entry point
of the group ``sales_pipeline.dimensions`` names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pyarrow as pa

from pipeline_core.configuration.dimension_tables import (
    CUSTOMERS,
    PRODUCTS,
    VALIDITY_COLUMNS,
    DimensionTable,
)
from pipeline_core.configuration.places import PLUGIN
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import check_names, make_snapshot
from pipeline_core.errors import ConfigError
from pipeline_core.machine.plugins import DIMENSION_GROUP, Plugin, find_plugin, plugin_code

_WHAT = (
    "a function without arguments that returns two Arrow tables: of customers, with the columns "
    f"{', '.join(CUSTOMERS.ours)}, and of products, with {', '.join(PRODUCTS.ours)}; each may have "
    f"{' and '.join(VALIDITY_COLUMNS)}"
)


def load_plugin(
    place: str, customers: DimensionTable = CUSTOMERS, products: DimensionTable = PRODUCTS
) -> Callable[[], tuple[pa.Table, pa.Table]]:
    """The plug-in's function, imported and not called.

    Raises:
        ConfigError: it is not installed, cannot be imported or is no function, or is to read tables
            of other names.
    """
    if not (customers.is_of_ours and products.is_of_ours):
        raise ConfigError(
            f"{place} reads the tables that it knows; SALES_CUSTOMERS, SALES_PRODUCTS and their "
            "columns are for folders and databases.",
            "Leave them out.",
        )
    found = _found(place)
    with _code_of(found):
        function: Callable[[], tuple[pa.Table, pa.Table]] = found.entry.load()
        if not callable(function):
            raise TypeError(f"{found.entry.value} is no function")
        return function


def read_plugin(
    place: str, customers: DimensionTable = CUSTOMERS, products: DimensionTable = PRODUCTS
) -> Snapshot:
    """What the plug-in returns, checked: two Arrow tables with our columns.

    Raises:
        ConfigError: as ``load_plugin`` does; or it fails, or returns something else.
        PipelineError: its own, such as a RetryableError.
    """
    function, found = load_plugin(place, customers, products), _found(place)
    with _code_of(found):
        tables = dict(zip(("customers", "products"), function(), strict=True))
        for table in (customers, products):
            names = tables[table.kind].schema.names
            check_names(names, list(table.wanted(names)), f"{found.words}, {table.kind}")
            tables[table.kind] = tables[table.kind].select(list(table.wanted(names)))
        return make_snapshot(**tables, place=found.words, scale=products.price_decimals)


def described(place: str) -> str:
    """The plug-in with its package and the version of that, such as ``plugin:crm of acme 1.2``."""
    return _found(place).words


def _code_of(found: Plugin) -> AbstractContextManager[None]:
    remedy = f"Mend that package: {found.entry.value} has to be {_WHAT}."
    return plugin_code(f"{found.words} cannot be used", remedy)


def _found(place: str) -> Plugin:
    return find_plugin(DIMENSION_GROUP, place.removeprefix(PLUGIN), _WHAT, PLUGIN)
