"""A shop's own customers and products, by settings alone, through the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import local_environment, sales_pipeline

NAMED = {
    "SALES_CUSTOMERS": "clients",
    "SALES_CUSTOMER_COLUMNS": "customer_id=client no,segment=tier",
    "SALES_PRODUCTS": "goods",
    "SALES_PRODUCT_COLUMNS": "product_id=article,category=family,price=list price",
}
GOODS = "article;family;list price\np001;Toys;9.95\n"
SOLD = "category,customer_segment,total_revenue,units_sold,unique_customers\nToys,VIP,19.90,2,1\n"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Settings of a shop whose files have other names and delimiters."""
    days = {"events_2024-03-01.zip": day_zip({"a.json": part([purchase("007", "p001", 2)])})}
    shop = write_shop(tmp_path / "shop", {"events_week_01.zip": archive_zip(days)})
    (shop.dimensions / "clients.csv").write_text("joined|tier|client no\n|VIP|007\n")
    (shop.dimensions / "goods.csv").write_text(GOODS)
    return local_environment(shop, tmp_path) | NAMED


def report(env: dict[str, str]) -> str:
    return (Path(env["SALES_REPORTS"]) / "sales_report.csv").read_text()


def test_other_names_make_the_same_report_and_are_told(env: dict[str, str]) -> None:
    done = sales_pipeline("run", "--quiet", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert report(env) == SOLD
    folder = Path(env["SALES_DIMENSIONS"])
    shown = sales_pipeline("show", env=env).stdout
    assert f"Customers came from {folder}/clients (customer_id=client no, segment=tier)" in shown
    (folder / "new goods.csv").write_text(GOODS.replace("9.95", "10"))
    moved = env | {"SALES_PRODUCTS": "new goods"}
    assert sales_pipeline("run", "--quiet", env=moved).returncode == 0
    columns = "(product_id=article, category=family, price=list price)"
    assert (
        f"The products now come from {folder}/new goods {columns}, before from {folder}/goods "
        f"{columns}." in sales_pipeline("diff", env=env).stdout
    )
    told = json.loads(sales_pipeline("diff", "--json", env=env).stdout)
    assert told["after"]["products"]["table"] == "new goods"
    assert told["before"]["customers"] == told["after"]["customers"]
    verified = sales_pipeline("verify", env=moved | {"SALES_PRODUCTS": "gone"})
    assert verified.returncode == 0, verified.stderr


def test_a_wrong_name_is_exit_2_and_told_by_doctor(env: dict[str, str]) -> None:
    for wrong, said in (
        ({"SALES_PRODUCTS": "god"}, "SALES_PRODUCTS names one without its ending"),
        ({"SALES_PRODUCTS": "SELECT 1"}, "SALES_PRODUCTS is a SELECT"),
        ({"SALES_PRODUCT_COLUMNS": "price=cost"}, "has article, family, list price."),
        ({"SALES_PRODUCT_COLUMNS": "cost=price"}, "product_id, category, price"),
    ):
        done = sales_pipeline("run", env=env | wrong)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    checked = sales_pipeline("doctor", env=env | {"SALES_PRODUCTS": "god"})
    assert "SALES_PRODUCTS names one without its ending, of which it has: clients" in " ".join(
        checked.stdout.split()
    )


def test_a_select_of_the_database_makes_the_same_report(
    env: dict[str, str], postgres_url: str
) -> None:
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE goods (article text, family text, cents int)")
        connection.exec_driver_sql("INSERT INTO goods VALUES ('p001', 'Toys', 995)")
        connection.exec_driver_sql('CREATE TABLE "Clients" ("client no" text, tier text)')
        connection.exec_driver_sql("INSERT INTO \"Clients\" VALUES ('007', 'VIP')")
    engine.dispose()
    query = 'SELECT *, round(cents / 100.0, 2) AS "list price" FROM goods;'
    asked = env | {
        "SALES_DATABASE_URL": postgres_url,
        "SALES_CUSTOMERS": "Clients",
        "SALES_PRODUCTS": query,
    }
    del asked["SALES_DIMENSIONS"]
    done = sales_pipeline("run", "--quiet", env=asked)
    assert (done.returncode, done.stderr) == (0, "")
    assert report(env) == SOLD
    assert f"products from {query} (" in sales_pipeline("show", env=asked).stdout
    refused = sales_pipeline("run", env=asked | {"SALES_PRODUCTS": "SELECT 1; DROP TABLE goods"})
    assert refused.returncode == 2
    assert "SALES_PRODUCTS: PostgreSQL refuses the SELECT" in refused.stderr


def test_the_same_table_is_no_other_one_where_its_price_is_not_read(tmp_path: Path) -> None:
    bought = purchase("c1", "p1", 2, price="3.00")
    days = {"events_2024-03-01.zip": day_zip({"a.json": part([bought])})}
    env = local_environment(write_shop(tmp_path / "shop", {"w.zip": archive_zip(days)}), tmp_path)
    for settings in ({}, {"SALES_PRICE_FIELD": "price"}):
        done = sales_pipeline("run", "--quiet", env=env | settings)
        assert done.returncode == 0, done.stderr
    told = sales_pipeline("diff", env=env).stdout
    assert "1 row of the report changed" in told
    assert "now come from" not in told
