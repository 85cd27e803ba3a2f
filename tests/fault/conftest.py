"""A shop, its report as an undisturbed run publishes it, and a fleet to disturb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.stack import RedisServer
from tests.support.archives import Shop, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS, Fleet, archive, fleet
from tests.support.processes import published_csvs, sales_pipeline


@pytest.fixture(scope="session")
def fleet_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Eight archives of thirty purchases, a few of them unknown."""
    archives = {name: archive(week) for week, name in enumerate(ARCHIVES, start=1)}
    return write_shop(tmp_path_factory.mktemp("shop"), archives, CUSTOMERS, PRODUCTS)


@pytest.fixture(scope="session")
def expected(fleet_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """CSV files of an undisturbed run, by name."""
    folder = tmp_path_factory.mktemp("expected")
    env = {
        "SALES_DATA": str(fleet_shop.data),
        "SALES_DIMENSIONS": str(fleet_shop.dimensions),
        "SALES_REPORTS": str(folder / "reports"),
        "SALES_STATE": str(folder / "state"),
    }
    done = sales_pipeline("run", "--engine", "local", "--jobs", "1", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    found = published_csvs(folder)
    assert found["sales_report.csv"].count(b"\n") == 13
    assert found["rejects.csv"].count(b"\n") > 20
    return found


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def ships(fleet_shop: Shop, redis: RedisServer, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet without workers, over an empty state."""
    with fleet(fleet_shop, tmp_path, redis) as running:
        yield running
