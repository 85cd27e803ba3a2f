"""Tables of a real PostgreSQL as an inspection sees them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from pipeline_core.catalog.database import database_tables
from pipeline_core.catalog.folder import SAMPLE_ROWS
from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS
from pipeline_core.configuration.env_file import read_env_file
from pipeline_core.configuration.places import Places
from pipeline_core.errors import RetryableError
from pipeline_core.inspection.inspect import inspect
from pipeline_core.messages import Options
from tests.support.archives import archive_zip, day_zip, part, purchase

ROWS = 2 * SAMPLE_ROWS


@pytest.fixture
def reader_url(postgres_url: str) -> Iterator[str]:
    """A role that may read what it is granted, in a database of a shop with other names."""
    role, password = f"reader_{secrets.token_hex(4)}", secrets.token_hex(8)
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    statements = (
        "CREATE SCHEMA crm",
        'CREATE TABLE crm."Clients" ("client no" text, tier text, "100% :x" text, secret text)',
        f"INSERT INTO crm.\"Clients\" SELECT 'c' || n, 'VIP' FROM generate_series(1, {ROWS}) n",
        "CREATE TABLE articles (article bigint, family text, cost money, list_price numeric(9, 2))",
        "INSERT INTO articles SELECT n, 'Toys', 1, n + 0.5 FROM generate_series(1, 9) n",
        "CREATE TABLE customers (customer_id text, segment text)",
        "CREATE VIEW broken AS SELECT 1 / (article - 1) AS x FROM articles",
        f"CREATE ROLE {role} LOGIN PASSWORD '{password}'",
        f"GRANT USAGE ON SCHEMA crm TO {role}",
        f'GRANT SELECT ("client no", tier, "100% :x") ON crm."Clients" TO {role}',
        f"GRANT SELECT ON articles, broken TO {role}",
    )
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
        url = make_url(postgres_url).set(username=role, password=password)
        yield url.render_as_string(hide_password=False)
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


def test_only_what_the_role_may_read_is_looked_at(reader_url: str) -> None:
    found = {table.name: table for table in database_tables(reader_url, frozenset())}
    assert found.keys() == {"crm.Clients", "articles"}  # a view that fails is none
    clients = found["crm.Clients"]
    assert [each.name for each in clients.columns] == ["client no", "tier", "100% :x"]
    assert [(each.type, each.looks) for each in found["articles"].columns] == [
        ("bigint", "id"),
        ("text", "label"),
        ("money", "price"),
        ("numeric(9,2)", "price"),
    ]


def test_ids_are_found_behind_the_first_rows(reader_url: str) -> None:
    last = f"c{ROWS}"
    tables = database_tables(reader_url, frozenset([last, "nobody"]))
    column = next(table for table in tables if table.name == "crm.Clients")["client no"]
    assert last in column.ids
    assert "nobody" not in column.ids


def test_tables_and_columns_of_a_database_are_proposed(reader_url: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    events = [purchase(f"c{n}", 1 + n % 9, 2) for n in range(ROWS - 50, ROWS)]
    day = day_zip({"a.json": json.dumps(events).encode()})
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({"2024-03-01.zip": day}))
    found = inspect(Places(str(tmp_path / "data"), "reports", "state", None, reader_url), Options())
    assert (found.today.counted, found.today_cause is None) == (0, False)
    assert found.proposed is not None
    assert found.proposed.counted == len(events)
    assert {line.name: line.value for line in found.lines[1:]} == {
        "SALES_IDS": "any",
        "SALES_CUSTOMERS": "crm.Clients",
        "SALES_CUSTOMER_COLUMNS": "customer_id=client no,segment=tier",
        "SALES_PRODUCTS": "articles",
        "SALES_PRODUCT_COLUMNS": "product_id=article,category=family,price=list_price",
    }


def test_the_select_that_is_told_makes_ids_those_of_the_events(
    reader_url: str, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    day = day_zip({"a.json": part([purchase(f"C{n}", f"00{n}", n) for n in range(1, 7)])})
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({"2024-03-01.zip": day}))
    places = Places(
        str(tmp_path / "data"),
        "reports",
        "state",
        None,
        reader_url,
        CUSTOMERS.called("crm.Clients", {"customer_id": "client no", "segment": "tier"}),
        PRODUCTS.called(
            "articles", {"product_id": "article", "category": "family", "price": "list_price"}
        ),
    )
    hints = inspect(places, Options()).hints
    lines = [hint.partition(" writes ")[0] for hint in hints if hint.startswith("SALES_")]
    (tmp_path / ".env").write_text("".join(f"{line}\n" for line in lines))
    told = read_env_file(tmp_path / ".env", "SALES_", {})
    places = replace(
        places,
        customers=CUSTOMERS.called(told["SALES_CUSTOMERS"], {}),
        products=PRODUCTS.called(told["SALES_PRODUCTS"], {}),
    )
    assert inspect(places, Options()).today.counted == 6


def test_a_database_that_is_away_stops_no_inspection(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    day = day_zip({"a.json": json.dumps([purchase("c1", "p1", 2)] * 2).encode()})
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({"2024-03-01.zip": day}))
    url = "postgresql://nobody:x@127.0.0.1:1/none"
    with pytest.raises(RetryableError):
        database_tables(url, frozenset())
    found = inspect(Places(str(tmp_path / "data"), "reports", "state", None, url), Options())
    assert found.tables_cause is not None
    assert found.tables == []
    assert found.today.counted == 2


def test_the_table_that_a_setting_names_is_looked_at(postgres_url: str, tmp_path: Path) -> None:
    """Though another one has names that are more like ours."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (
            "CREATE SCHEMA erp",
            'CREATE TABLE erp."Goods" ("Article No" text, fam text, price numeric(9, 2))',
            "INSERT INTO erp.\"Goods\" VALUES ('p1', 'Toys', 9.95), ('p2', 'Books', 5)",
            'CREATE TABLE products (product_id text, "Category" text, list_price numeric(9, 2))',
            "INSERT INTO products VALUES ('p1', 'Toys', 1), ('p2', 'Books', 1), ('p3', 'Books', 1)",
            "CREATE TABLE customers (customer_id text, segment text)",
            "INSERT INTO customers VALUES ('c1', 'VIP')",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    (tmp_path / "data").mkdir()
    day = day_zip({"a.json": part([purchase("c1", f"p{n}", 1) for n in (1, 2, 3)])})
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({"2024-03-01.zip": day}))
    places = Places(str(tmp_path / "data"), "reports", "state", None, postgres_url)
    for named, line, columns in (
        ("erp.Goods", "erp.Goods", "product_id=Article No,category=fam"),
        ('erp."Goods"', "erp.Goods", "product_id=Article No,category=fam"),
        ("nowhere", "products", "category=Category,price=list_price"),
    ):
        asked = replace(places, products=PRODUCTS.called(named, {}))
        found = {each.name: each.value for each in inspect(asked, Options()).lines[1:]}
        assert found == {"SALES_PRODUCTS": line, "SALES_PRODUCT_COLUMNS": columns}


def test_the_columns_of_the_selects_that_settings_have_are_looked_at(
    reader_url: str, tmp_path: Path
) -> None:
    """Both are looked at, whatever the first one lacks; and what fits is proposed of their own."""
    (tmp_path / "data").mkdir()
    day = day_zip({"a.json": part([purchase(f"c{n}", f"{n}", n) for n in range(1, 7)])})
    (tmp_path / "data" / "week.zip").write_bytes(archive_zip({"2024-03-01.zip": day}))
    clients = 'SELECT "client no" AS customer_id, tier AS level FROM crm."Clients";'
    goods = "SELECT article AS product_id, family AS kind, list_price AS price -- as\nFROM articles"
    places = Places(
        str(tmp_path / "data"),
        "reports",
        "state",
        None,
        reader_url,
        CUSTOMERS.called(clients, {}),
        PRODUCTS.called(goods, {}),
    )
    found = inspect(places, Options())
    columns = {each.name: [column.name for column in each.columns] for each in found.tables}
    assert columns[clients] == ["customer_id", "level"]
    assert columns[goods] == ["product_id", "kind", "price"]
    told = " ".join([found.today_cause or "", *found.hints])
    assert "SELECT of SALES_CUSTOMERS has no column segment" in told
    assert "SELECT of SALES_PRODUCTS has no column category" in told
    assert "It has product_id, kind, price" in told or "product_id, kind, price" in told
    assert {line.name: line.value for line in found.lines[1:]} == {
        "SALES_CUSTOMERS": clients,
        "SALES_CUSTOMER_COLUMNS": "segment=level",
        "SALES_PRODUCTS": goods,
        "SALES_PRODUCT_COLUMNS": "category=kind",
    }


def test_a_select_that_is_refused_hides_no_table(reader_url: str, tmp_path: Path) -> None:
    asked = [CUSTOMERS.called(text, {}) for text in ("SELECT 1; DROP TABLE articles", "SELECT x")]
    names = [each.name for each in database_tables(reader_url, frozenset(), asked)]
    assert sorted(names) == ["articles", "crm.Clients"]
