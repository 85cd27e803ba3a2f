from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import PROJECT
from tests.support.archives import Shop, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS, archive
from tests.support.host_fleet import HostFleet, Servers, host_fleet, report_of, servers
from tests.support.hosts import missing_for_hosts


def write_sql(path: Path) -> None:
    """Customers and products as statements."""
    customers = ",".join(f"('{c}', '{day}', '{segment}')" for c, day, segment in CUSTOMERS)
    products = ",".join(f"('{p}', '{name}', '{c}', {price})" for p, name, c, price in PRODUCTS)
    path.write_text(
        f"INSERT INTO customers VALUES {customers};\nINSERT INTO products VALUES {products};\n"
    )


@pytest.fixture(scope="session")
def fleet_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Eight archives of thirty purchases, a few of them unknown."""
    archives = {name: archive(week) for week, name in enumerate(ARCHIVES, start=1)}
    return write_shop(tmp_path_factory.mktemp("shop"), archives, CUSTOMERS, PRODUCTS)


@pytest.fixture(scope="session")
def expected(fleet_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """CSV files of an undisturbed run on one machine, by name."""
    return report_of(fleet_shop, tmp_path_factory.mktemp("expected"))


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers, on a host of theirs; skips where there can be no hosts."""
    missing = missing_for_hosts()
    if missing:
        pytest.skip(missing)
    rows = tmp_path_factory.mktemp("sql") / "rows.sql"
    write_sql(rows)
    with servers(PROJECT / "sql" / "tables.sql", rows) as found:
        yield found


@pytest.fixture
def fleet(running: Servers, fleet_shop: Shop, tmp_path: Path) -> Iterator[HostFleet]:
    with host_fleet(running, fleet_shop.data, tmp_path) as made:
        yield made
