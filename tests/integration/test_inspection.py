"""Tables of a real PostgreSQL as an inspection sees them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, make_url

from pipeline_core.errors import RetryableError
from pipeline_core.inspection.catalog import SAMPLE_ROWS
from pipeline_core.inspection.database_catalog import database_tables

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


def test_a_database_that_is_away_may_be_asked_again() -> None:
    with pytest.raises(RetryableError):
        database_tables("postgresql://nobody:x@127.0.0.1:1/none", frozenset())
