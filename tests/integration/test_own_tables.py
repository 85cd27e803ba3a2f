"""A shop's own tables, views and SELECTs in a real PostgreSQL."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.dimensions.database import read_database
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.frames import DimensionLoader

CLIENTS = CUSTOMERS.called("crm.Clients", {"customer_id": "client no", "segment": "Tier"})
GOODS = PRODUCTS.called("crm.goods", {"product_id": "article", "price": "list price"})

MARCH = date(2024, 3, 1)


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    """A connection to a shop of other names; every statement commits by itself."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (
            "CREATE SCHEMA crm",
            'CREATE TABLE crm."Clients" ("client no" bigint, "Tier" text, secret text)',
            "INSERT INTO crm.\"Clients\" VALUES (7, 'VIP'), (9007199254740993, NULL)",
            "CREATE TABLE crm.goods (article char(4), category text, "
            '"list price" numeric(10, 2), "100% ""new:x""" text)',
            "INSERT INTO crm.goods VALUES ('007', 'Toys', 9.5, 'a')",
            "CREATE VIEW public.tiers AS "
            'SELECT "client no" AS customer_id, "Tier" AS segment FROM crm."Clients"',
        ):
            connection.execute(text(statement.replace(":", r"\:")))
        yield connection
    engine.dispose()


def select(query: str) -> DimensionTable:
    return CUSTOMERS.called(query, {})


def segments(snapshot: Snapshot) -> dict[str, str | None]:
    rows = snapshot.customers.to_pylist()
    return {row["customer_id"].decode(): row["segment"] for row in rows}


EXPECTED = {"7": "VIP", "9007199254740993": None}


@pytest.mark.usefixtures("database")
def test_names_are_as_the_database_has_them(postgres_url: str) -> None:
    """Numbers are ids as PostgreSQL writes them."""
    found = read_database(postgres_url, CLIENTS, GOODS)
    assert segments(found) == EXPECTED
    assert found.scale == 2
    assert found.products.drop_columns(["valid_from", "valid_to"]).to_pylist() == [
        {"product_id": b"007", "category": "Toys", "price_minor": 950}
    ]
    odd = GOODS.called("crm.goods", {**GOODS.renamed, "category": '100% "new:x"'})
    read = read_database(postgres_url, CUSTOMERS.called("tiers", {}), odd)
    assert segments(read) == EXPECTED
    assert read.products["category"].to_pylist() == ["a"]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "query",
    [
        'SELECT "client no" AS customer_id, "Tier" AS segment FROM crm."Clients";',
        """
        with named AS (SELECT * FROM crm."Clients" -- both of them
        ) SELECT n."client no" || '' AS customer_id, n."Tier" AS segment, 'a;%s:x' AS "100%", 1, 1
        FROM named n JOIN crm."Clients" c ON c."client no" = n."client no" -- ;
        """,
    ],
)
def test_a_select_is_read_as_a_table(postgres_url: str, query: str) -> None:
    assert segments(read_database(postgres_url, select(query), GOODS)) == EXPECTED
    loader = DimensionLoader(
        postgres_url, customers=query, products=GOODS.named, product_columns=GOODS.renamed
    )
    assert loader.customers()["customer_id"].tolist() == list(EXPECTED)


@pytest.mark.usefixtures("database")
def test_a_select_of_prices_has_the_decimals_of_its_column(postgres_url: str) -> None:
    query = 'SELECT article, category, "list price" * 2 AS twice FROM crm.goods'
    columns = {"product_id": "article", "price": "twice"}
    found = read_database(postgres_url, CLIENTS, PRODUCTS.called(query, columns))
    assert found.products["price_minor"].to_pylist() == [1900]
    money = "SELECT article, category, CAST(1234.5 AS money) AS twice FROM crm.goods"
    found = read_database(postgres_url, CLIENTS, PRODUCTS.called(money, columns))
    assert found.products["price_minor"].to_pylist() == [123450]


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("date", ("2024-03-01", "infinity"), (MARCH, None)),
        ("date", ("-infinity", "2024-03-01"), (None, MARCH)),
        ("timestamp", ("2024-03-01 00:00", None), (MARCH, None)),
        ("timestamptz", ("2024-03-01 02:00+02", None), (MARCH, None)),
        ("text", ("2024-03-01", ""), (MARCH, None)),
    ],
)
def test_rows_of_a_table_are_valid_for_a_time(
    postgres_url: str,
    database: Connection,
    kind: str,
    values: tuple[str, str],
    expected: tuple[date | None, date | None],
) -> None:
    database.execute(text(f"ALTER TABLE crm.goods ADD since {kind}, ADD valid_to {kind}"))
    set_them = text("UPDATE crm.goods SET since = :since, valid_to = :valid_to")
    database.execute(set_them, dict(zip(("since", "valid_to"), values, strict=True)))
    table = GOODS.called("crm.goods", {**GOODS.renamed, "valid_from": "since"})
    [row] = read_database(postgres_url, CLIENTS, table).products.to_pylist()
    assert (row["valid_from"], row["valid_to"]) == expected


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "text", "bigint"])
def test_what_is_no_day_of_a_table_is_told_with_its_row(
    postgres_url: str, database: Connection, kind: str
) -> None:
    value = "20240301" if kind == "bigint" else "2024-03-01 08:00"
    database.execute(text(f"ALTER TABLE crm.goods ADD valid_from {kind} DEFAULT '{value}'"))
    with pytest.raises(InputError, match=r"valid_from is no date in row \('007', 'Toys', '9\.50'"):
        read_database(postgres_url, CLIENTS, GOODS)


def test_a_long_table_and_a_long_select_are_read_whole(
    postgres_url: str, database: Connection
) -> None:
    database.execute(
        text(
            "CREATE TABLE customers AS SELECT n AS customer_id, 'New' AS segment"
            " FROM generate_series(1, 200000) n"
        )
    )
    for table in (CUSTOMERS, select("SELECT * FROM customers")):
        found = read_database(postgres_url, table, GOODS).customers
        assert found.num_rows == 200_000


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1; DELETE FROM crm.goods", "cannot open multi-query plan as cursor"),
        ("SELECT 1; COMMIT; DELETE FROM crm.goods", "cannot open multi-query plan as cursor"),
        ("SELECT 1) AS x; COMMIT; DELETE FROM crm.goods; SELECT * FROM (SELECT 1", "at or near"),
        ("SELECT * INTO crm.other FROM crm.goods", "cannot open SELECT INTO query as cursor"),
        (
            "WITH gone AS (DELETE FROM crm.goods RETURNING *) SELECT * FROM gone",
            "cannot execute SELECT in a read-only transaction",
        ),
        ("WITH x AS (SELECT 1) DELETE FROM crm.goods", "cannot open DELETE query as cursor"),
        (
            "SELECT crm.sell() AS customer_id, '' AS segment",
            "cannot execute DELETE in a read-only transaction",
        ),
        (
            "SELECT * FROM crm.goods FOR UPDATE",
            "cannot execute SELECT FOR UPDATE in a read-only transaction",
        ),
        (
            "SELECT set_config('transaction_read_only', 'off', true) AS customer_id, '' AS segment",
            "transaction read-write mode must be set before any query",
        ),
        ("SELECT", "has no column customer_id"),
        ("SELECT 1 FRM x", "at or near"),
    ],
)
def test_what_is_not_one_select_that_only_reads_is_refused(
    postgres_url: str, database: Connection, query: str, said: str
) -> None:
    """By PostgreSQL itself, and nothing is changed."""
    database.execute(
        text(
            "CREATE FUNCTION crm.sell() RETURNS text LANGUAGE sql VOLATILE"
            " AS 'DELETE FROM crm.goods RETURNING article'"
        )
    )
    with pytest.raises(ConfigError, match="SALES_CUSTOMERS") as caught:
        read_database(postgres_url, select(query), GOODS)
    assert said in caught.value.message
    assert database.scalar(text("SELECT count(*) FROM crm.goods")) == 1
    assert database.scalar(text("SELECT to_regclass('crm.other')")) is None


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("SELECT nope,\n 2 AS b", "in line 1 at 'nope,': column \"nope\" does not exist"),
        (
            "SELECT 1,\n  2 FROM crm.clients",
            "in line 2 at 'crm.clients': relation \"crm.clients\" does not exist",
        ),
    ],
)
def test_an_error_of_a_select_has_its_place(postgres_url: str, query: str, place: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"refuses the SELECT {place}.")) as caught:
        read_database(postgres_url, select(query), GOODS)
    assert caught.value.message.startswith("SALES_CUSTOMERS: ")


@pytest.mark.usefixtures("database")
def test_a_value_that_a_select_cannot_compute_is_bad_input(postgres_url: str) -> None:
    query = 'SELECT 1 / ("client no" - 7) AS customer_id, \'\' AS segment FROM crm."Clients"'
    with pytest.raises(InputError, match=r"SALES_CUSTOMERS: .*: division by zero\."):
        read_database(postgres_url, select(query), GOODS)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("named", "near"),
    [
        ("crm.clients", "It has crm.Clients."),
        ("Clients", "It has crm.Clients."),
        ("crm.good", "It has crm.goods."),
        ("tears", "It has tiers."),
        ("zzz", "It has tiers, crm.Clients, crm.goods."),
    ],
)
def test_a_table_that_is_not_there_is_told_with_those_that_are(
    postgres_url: str, named: str, near: str
) -> None:
    where = "the schema crm" if named.startswith("crm.") else "its search_path (public)"
    name = make_url(postgres_url).database
    said = re.escape(f"The database {name} has no table or view {named} in {where}.")
    with pytest.raises(ConfigError, match=said) as caught:
        read_database(postgres_url, CUSTOMERS.called(named, {}), GOODS)
    assert near in caught.value.remedy
    assert "SALES_CUSTOMERS names yours" in caught.value.remedy


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("crm.Clients", "The table crm.Clients"),
        ('SELECT * FROM crm."Clients"', "The SELECT of SALES_CUSTOMERS"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    postgres_url: str, named: str, place: str
) -> None:
    table = CUSTOMERS.called(named, {"customer_id": "client no", "segment": "tier"})
    with pytest.raises(ConfigError, match=re.escape(f"{place} has no column tier.")) as caught:
        read_database(postgres_url, table, GOODS)
    there = "has client no, Tier, secret. SALES_CUSTOMER_COLUMNS=segment=... says"
    assert there in caught.value.remedy
    both = CUSTOMERS.called(named, {"customer_id": "Tier", "segment": "Tier"})
    with pytest.raises(ConfigError, match="customer_id and segment are one column,"):
        read_database(postgres_url, both, GOODS)


@pytest.mark.usefixtures("database")
def test_a_name_that_is_none_is_a_wrong_setting(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match=r"SALES_PRODUCTS: write table or schema\.table"):
        read_database(postgres_url, CLIENTS, GOODS.called("shop.crm.goods", {}))


def test_who_may_read_the_columns_alone_may_read_them(
    postgres_url: str, database: Connection
) -> None:
    reader = f"reader_{secrets.token_hex(4)}"
    database.execute(text(f"CREATE USER {reader} PASSWORD '{reader}'"))
    database.execute(text(f'GRANT SELECT ("client no", "Tier") ON crm."Clients" TO {reader}'))
    database.execute(text(f"GRANT SELECT ON crm.goods TO {reader}"))
    url = make_url(postgres_url).set(username=reader, password=reader)
    given = url.render_as_string(hide_password=False)
    try:
        with pytest.raises(ConfigError, match=f"its user {reader} may not read crm") as caught:
            read_database(given, CLIENTS, GOODS)
        _grant(database, caught.value)
        assert segments(read_database(given, CLIENTS, GOODS)) == EXPECTED
        with pytest.raises(ConfigError, match="permission denied for table Clients") as caught:
            read_database(given, select('SELECT * FROM crm."Clients"'), GOODS)
        assert f'GRANT SELECT ON "Clients" TO {reader};' in caught.value.remedy
    finally:
        database.execute(text(f"DROP OWNED BY {reader}"))
        database.execute(text(f"DROP USER {reader}"))


def _grant(database: Connection, refused: ConfigError) -> None:
    """Does what the remedy says."""
    for statement in re.findall("GRANT [^;]+;", refused.remedy):
        database.execute(text(statement))


@pytest.mark.parametrize(("schema", "refusals"), [("shop.", 2), ("", 3)])
def test_what_the_remedy_grants_is_all_that_it_takes(
    postgres_url: str, database: Connection, schema: str, refusals: int
) -> None:
    """Whatever user and table are called; the table is found or not by the search path."""
    reader = f"Order {secrets.token_hex(4)}"
    for statement in (
        f"CREATE USER \"{reader}\" PASSWORD 'canary'",
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.customers (customer_id text, segment text, born date)",
        "CREATE TABLE shop.products (product_id text, category text, price numeric(10, 2))",
        f'ALTER ROLE "{reader}" SET search_path = shop',
    ):
        database.execute(text(statement))
    url = make_url(postgres_url).set(username=reader, password="canary")
    given, refused = url.render_as_string(hide_password=False), 0
    customers = CUSTOMERS.called(f"{schema}customers", {})
    products = PRODUCTS.called(f"{schema}products", {})
    try:
        while refused < 4:
            try:
                read_database(given, customers, products)
                break
            except ConfigError as error:
                refused += 1
                _grant(database, error)
        assert refused == refusals
        assert read_database(given, customers, products).scale == 2
        database.execute(text(f'REVOKE SELECT ON shop.customers FROM "{reader}"'))
        database.execute(text(f'GRANT SELECT (customer_id) ON shop.customers TO "{reader}"'))
        with pytest.raises(
            ConfigError, match=r"may not read shop\.customers \(segment\)"
        ) as caught:
            read_database(given, customers, products)
        _grant(database, caught.value)
        assert read_database(given, customers, products).customers.num_rows == 0
    finally:
        database.execute(text(f'DROP OWNED BY "{reader}"'))
        database.execute(text(f'DROP USER "{reader}"'))


def test_all_columns_that_are_missing_are_told_at_once(
    postgres_url: str, database: Connection
) -> None:
    with pytest.raises(ConfigError, match="no column product_id, no category and no price") as told:
        read_database(postgres_url, CLIENTS, PRODUCTS.called("tiers", {}))
    assert "SALES_PRODUCT_COLUMNS=product_id=...,category=...,price=... says" in told.value.remedy
    database.execute(text('ALTER VIEW tiers RENAME COLUMN customer_id TO "Customer_ID"'))
    assert segments(read_database(postgres_url, CUSTOMERS.called("tiers", {}), GOODS)) == EXPECTED
