"""Customers and products by a package that is installed beside this program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.packages import install
from tests.support.processes import local_environment
from tests.support.processes import sales_pipeline as command

ENTRIES = """
crm = "acme_crm:read"
broken = "acme_crm.broken:read"
empty = "acme_crm:nothing"
"""
SOURCE = """
import pyarrow as pa

def read():
    print("for standard error")
    customers = pa.table({"segment": ["VIP"], "customer_id": [7]})
    return customers, pa.table({"product_id": ["p1"], "category": ["Toys"], "price": ["9.95"]})

def nothing():
    return pa.table({}), pa.table({})
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plug-in is installed."""
    found = tmp_path_factory.mktemp("packages") / "site"
    modules = {"__init__": SOURCE, "broken": "import no_such_module"}
    install(found, "acme-crm", "1.2", "sales_pipeline.dimensions", ENTRIES, modules)
    return found


@pytest.fixture
def env(tmp_path: Path, site: Path) -> dict[str, str]:
    """Settings of a shop whose tables a plug-in has."""
    days = {"events_2024-03-01.zip": day_zip({"a.json": part([purchase("7", "p1", 2)])})}
    shop = write_shop(tmp_path / "shop", {"events_week_01.zip": archive_zip(days)})
    own = local_environment(shop, tmp_path)
    path = os.pathsep.join([own["PYTHONPATH"], str(site)])
    return own | {"SALES_DIMENSIONS": "plugin:crm", "PYTHONPATH": path}


def test_a_plug_in_is_read_and_named_by_the_run(env: dict[str, str]) -> None:
    done = command("run", "--quiet", env=env)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    report = (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text()
    assert report.splitlines()[1:] == ["Toys,VIP,19.90,2,1"]
    shown = command("show", env=env)
    assert "Customers came from plugin:crm of acme-crm 1.2" in shown.stdout


def test_a_plug_in_that_cannot_be_used_stops_the_plan_and_is_named(env: dict[str, str]) -> None:
    wrong = {
        "plugin:broken": "plugin:broken of acme-crm 1.2 cannot be used: ModuleNotFoundError",
        "plugin:empty": "plugin:empty of acme-crm 1.2, customers has no column customer_id",
        "plugin:nowhere": "there is: plugin:broken, plugin:crm, plugin:empty",
    }
    for place, said in wrong.items():
        given = env | {"SALES_DIMENSIONS": place}
        done = command("run", env=given)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    checked = command("doctor", env=given).stdout
    assert "has the plug-in plugin:nowhere" in " ".join(checked.split())
    named = command("run", env=env | {"SALES_CUSTOMERS": "clients"})
    assert (named.returncode, "reads the tables that it knows" in named.stderr) == (2, True)
