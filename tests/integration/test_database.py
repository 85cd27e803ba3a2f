"""Customers and products from a real PostgreSQL: text stays as PostgreSQL writes it."""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Iterator
from decimal import Decimal

import pandas as pd
import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from pipeline_core.configuration.dimension_tables import PRODUCTS as PRODUCT_TABLE
from pipeline_core.dimensions.database import read_database
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, InputError, RetryableError
from pipeline_core.frames import DataTransformer, DimensionLoader

# A label or an id of each kind: its type, its SQL, and what PostgreSQL writes.
TEXTS = [
    ("integer", "7", "7"),
    ("bigint", "9007199254740993", "9007199254740993"),
    ("numeric", "1.50", "1.50"),
    ("numeric(12, 3)", "2", "2.000"),
    ("numeric", "'NaN'", "NaN"),
    ("double precision", "1", "1"),
    ("double precision", "0.1", "0.1"),
    ("double precision", "0.1 + 0.2::float8", "0.30000000000000004"),
    ("double precision", "1e15", "1e+15"),
    ("real", "0.1", "0.1"),
    ("boolean", "true", "true"),
    ("money", "'12.5'", "$12.50"),
    ("text", "'NaN'", "NaN"),
    ("text", "'None'", "None"),
    ("text", "'null'", "null"),
    ("text", "'1.0'", "1.0"),
    ("text", "'  a '", "  a "),
    ("varchar(9)", "'a  '", "a  "),
    ("char(9)", "'a b'", "a b"),
    ('"char"', "'x'", "x"),
    ("name", "'n'", "n"),
    ("date", "'2024-02-29'", "2024-02-29"),
    ("timestamp", "'2024-02-29 10:20:30.500'", "2024-02-29 10:20:30.5"),
    ("timestamp", "'infinity'", "infinity"),
    ("timestamptz", "'2024-02-29 10:20:30+02'", "2024-02-29 08:20:30+00"),
    ("time", "'10:20'", "10:20:00"),
    ("interval", "'1 day 2 hours'", "1 day 02:00:00"),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("bytea", r"'\x00ff'", r"\x00ff"),
    ("json", """'{"a":  1}'""", '{"a":  1}'),
    ("jsonb", """'{"a":  1}'""", '{"a": 1}'),
    ("integer[]", "'{1,NULL}'", "{1,NULL}"),
    ("int4range", "'[1,3)'", "[1,3)"),
    ("inet", "'10.0.0.1'", "10.0.0.1/32"),
    ("bit(3)", "'101'", "101"),
    ("mood", "'Grüß Gott'", "Grüß Gott"),
    ("padded", "'ab'", "ab"),
]
# A price column's type, its values in SQL, and what the prices are.
PRICES = [
    ("numeric(10, 2)", ["9.95", "10"], ["9.95", "10.00"]),
    ("numeric(10, 2)", ["5", "10"], ["5.00", "10.00"]),
    ("numeric(19, 4)", ["9.95"], ["9.9500"]),
    ("dimes", ["9.9"], ["9.9000"]),
    ("numeric", ["9.90", "10"], ["9.90", "10.00"]),
    ("numeric", ["995 / 100.0", "1000 / 100.0"], ["9.95", "10.00"]),
    ("numeric", ["0 / 100.0"], ["0.00"]),
    ("numeric", ["1 / 8.0", "2"], ["0.125", "2.000"]),
    ("numeric(38, 18)", ["9.95", "10"], ["9.95", "10.00"]),
    ("numeric(38, 18)", ["0.00000001"], ["1E-8"]),
    ("numeric(20, 7)", ["123456.5"], ["123456.50"]),
    ("integer", ["3"], ["3"]),
    ("bigint", ["9007199254740991"], ["9007199254740991"]),
    ("double precision", ["9.95", "10"], ["9.95", "10.00"]),
    ("double precision", ["1000"], ["1000"]),
    ("money", ["'9.95'", "'1234.5'"], ["9.95", "1234.50"]),
    ("text", ["' 9.95'", "'1e2'"], ["9.95", "100.00"]),
    ("char(9)", ["'9.95'"], ["9.95"]),
]
# The same, and what is wrong with the one price.
NO_PRICES = [
    ("numeric", "'NaN'", "NaN is no number"),
    ("numeric", "-0.01", "-0.01 is below 0"),
    ("numeric", "10 / 3.0", "3.3333333333333333 has more than 15 decimals"),
    ("double precision", "'Infinity'", "Infinity is no number"),
    ("double precision", "'NaN'", "NaN is no number"),
    ("text", "'9,95'", "9,95 is no number"),
]
# Types that hold no numbers, and how PostgreSQL calls them.
NO_NUMBERS = [
    ("boolean", "boolean"),
    ("flags", "boolean"),
    ("date", "date"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("time", "time without time zone"),
    ("interval", "interval"),
    ("uuid", "uuid"),
    ("bytea", "bytea"),
    ("numeric[]", "numeric[]"),
    ("numrange", "numrange"),
    ("inet", "inet"),
    ("bit(3)", "bit"),
    ("point", "point"),
]
# What a server, a database or whoever connects may have set.
SPELLINGS = {
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German",
    "IntervalStyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
}


@pytest.fixture
def database(postgres_url: str) -> Iterator[Connection]:
    """A connection to an empty database; every statement commits by itself."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def shop(
    database: Connection, segment: str = "text", category: str = "text", price: str = "numeric"
) -> None:
    """The two tables, empty, with columns of those types."""
    database.execute(text(f"CREATE TABLE customers (customer_id text, segment {segment})"))
    columns = f"product_id text, category {category}, price {price}"
    database.execute(text(f"CREATE TABLE products ({columns})"))


def segments(snapshot: Snapshot) -> dict[str, str | None]:
    rows = snapshot.customers.to_pylist()
    return {row["customer_id"].decode(): row["segment"] for row in rows}


def prices(snapshot: Snapshot) -> list[str]:
    minor = snapshot.products["price_minor"].to_pylist()
    return [str(Decimal(each).scaleb(-snapshot.scale)) for each in minor]


def priced(database: Connection, kind: str, *values: str) -> None:
    shop(database, price=kind)
    for number, value in enumerate(values):
        database.execute(text(f"INSERT INTO products VALUES ('p{number}', 'Toys', {value})"))


def test_ids_and_labels_are_what_postgresql_writes_whatever_their_type(
    postgres_url: str, database: Connection
) -> None:
    """Whatever the database says of spelling; NULL is a missing label of every type."""
    name = make_url(postgres_url).database
    for setting, value in SPELLINGS.items():
        database.execute(text(f"ALTER DATABASE {name} SET {setting} = '{value}'"))
    database.execute(text("CREATE TYPE mood AS ENUM ('Grüß Gott')"))
    database.execute(text("CREATE DOMAIN padded AS char(5)"))
    found = {}
    for kind, sql, _ in TEXTS:
        database.exec_driver_sql(
            f"CREATE TABLE customers AS SELECT CAST({sql} AS {kind}) AS customer_id,"
            f" CAST({sql} AS {kind}) AS segment;"
            f"CREATE TABLE products AS SELECT CAST({sql} AS {kind}) AS product_id,"
            f" CAST(NULL AS {kind}) AS category, 1 AS price"
        )
        snapshot = read_database(postgres_url)
        [customer], [product] = snapshot.customers.to_pylist(), snapshot.products.to_pylist()
        labels = customer["customer_id"], customer["segment"]
        found[kind, sql] = (*labels, product["product_id"], product["category"])
        database.execute(text("DROP TABLE customers, products"))
    assert found == {
        (kind, sql): (written.encode(), written, written.encode(), None)
        for kind, sql, written in TEXTS
    }


def test_one_segment_is_one_label_in_every_hundred_thousand_rows(
    postgres_url: str, database: Connection
) -> None:
    """A NULL among the first rows, none among the next ones, and bigints too long for a float."""
    shop(database, "bigint")
    database.execute(
        text(
            "INSERT INTO customers SELECT 'c' || n, CASE n WHEN 5 THEN NULL"
            " ELSE 9007199254740992 + mod(n, 2) END FROM generate_series(1, 110000) AS n"
        )
    )
    found = read_database(postgres_url).customers["segment"]
    assert set(found.to_pylist()) == {"9007199254740992", "9007199254740993", None}


def test_a_null_time_is_a_missing_label(postgres_url: str, database: Connection) -> None:
    shop(database, "timestamp", "timestamptz")
    database.execute(text("INSERT INTO customers VALUES ('c1', '2024-02-29'), ('c2', NULL)"))
    database.execute(text("INSERT INTO products VALUES ('p1', now(), 1), ('p2', NULL, 1)"))
    snapshot = read_database(postgres_url)
    assert segments(snapshot) == {"c1": "2024-02-29 00:00:00", "c2": None}
    assert snapshot.products["category"].to_pylist()[1] is None


def test_a_price_keeps_every_digit_and_the_places_it_means(
    postgres_url: str, database: Connection
) -> None:
    database.execute(text("CREATE DOMAIN dimes AS numeric(10, 4)"))
    for kind, values, written in PRICES:
        priced(database, kind, *values)
        assert prices(read_database(postgres_url)) == written, (kind, values)
        database.execute(text("DROP TABLE customers, products"))


@pytest.mark.parametrize(
    ("kind", "scale"), [("numeric(10, 2)", 2), ("dimes", 4), ("numeric", 0), ("integer", 0)]
)
def test_an_empty_price_column_has_the_places_of_its_type(
    postgres_url: str, database: Connection, kind: str, scale: int
) -> None:
    database.execute(text("CREATE DOMAIN dimes AS numeric(10, 4)"))
    shop(database, price=kind)
    assert read_database(postgres_url).scale == scale


def test_frames_have_the_prices_of_the_column_also_where_there_is_none(
    postgres_url: str, database: Connection
) -> None:
    shop(database, price="numeric(10, 2)")
    database.execute(text("INSERT INTO customers VALUES ('c2', NULL), ('c1', 'VIP')"))
    without = DimensionLoader(postgres_url)
    events = pd.DataFrame(
        {"event_type": ["purchase"], "customer_id": "c1", "product_id": "p1", "quantity": 2}
    )
    transformer = DataTransformer(without.customers(), without.products(), unknown="bucket")
    report = transformer.transform(events)["sales_report"].to_csv(index=False)
    assert report is not None
    assert report.splitlines()[1:] == ["Unknown,VIP,0.00,2,1"]
    database.execute(text("INSERT INTO products VALUES ('p1', 'Toys', 12)"))
    assert len(without.products()) == 0  # both tables are as of one moment
    tables = DimensionLoader(postgres_url)
    assert tables.customers().to_numpy().tolist() == [["c1", "VIP"], ["c2", None]]
    assert list(map(str, tables.products()["price"])) == ["12.00"]


def test_a_negative_scale_is_whole_prices(postgres_url: str, database: Connection) -> None:
    version = database.scalar(text("SHOW server_version_num"))
    if int(version or 0) < 150000:
        pytest.skip("PostgreSQL 15 has it first")
    priced(database, "numeric(3, -2)", "1234")
    assert prices(read_database(postgres_url)) == ["1200"]


@pytest.mark.parametrize("kind", ["real", "halves"])
def test_a_price_of_single_precision_is_refused_with_what_to_use(
    postgres_url: str, database: Connection, kind: str
) -> None:
    database.execute(text("CREATE DOMAIN halves AS real"))
    priced(database, kind, "9.95")
    with pytest.raises(ConfigError, match="products: the column price is of type real") as caught:
        read_database(postgres_url)
    assert "numeric" in caught.value.remedy
    database.execute(text("ALTER TABLE products RENAME TO goods"))
    select = "SELECT product_id, category, price FROM goods"
    for named, told in (("goods", r"goods \(SALES_PRODUCTS\)"), (select, "the SELECT of SALES_P")):
        with pytest.raises(ConfigError, match=f"database, {told}.*: the column price is of type"):
            read_database(postgres_url, products=PRODUCT_TABLE.called(named, {}))


def test_a_price_that_is_none_is_told_with_its_product(
    postgres_url: str, database: Connection
) -> None:
    for kind, value, cause in NO_PRICES:
        priced(database, kind, value)
        place = re.escape(f"database, products: no valid price for 'p0' ({cause})")
        with pytest.raises(InputError, match=place):
            read_database(postgres_url)
        database.execute(text("DROP TABLE customers, products"))
    for kind in ("numeric", "double precision", "integer"):
        priced(database, kind, "NULL")
        assert read_database(postgres_url).unpriced == ["p0"]
        database.execute(text("DROP TABLE customers, products"))


def test_a_price_column_of_a_type_without_numbers_is_refused(
    postgres_url: str, database: Connection
) -> None:
    """Whatever its rows are, and also if there are none."""
    database.execute(text("CREATE DOMAIN flags AS boolean"))
    for kind, name in NO_NUMBERS:
        shop(database, price=kind)
        place = re.escape(f"database, products: the column price is of type {name}, which is no")
        with pytest.raises(ConfigError, match=place):
            read_database(postgres_url)
        database.execute(text("DROP TABLE customers, products"))


def test_wrong_rows_are_told_by_their_values(postgres_url: str, database: Connection) -> None:
    """Rows of a database have no numbers."""
    shop(database)
    database.execute(text("INSERT INTO customers VALUES (NULL, 'VIP'), ('', NULL)"))
    place = r"database, customers: no customer_id in row \(NULL, 'VIP'\), row \('', NULL\)\."
    with pytest.raises(InputError, match=place):
        read_database(postgres_url)
    database.execute(text("UPDATE customers SET customer_id = 'c1'"))
    place = r"customer_id c1 stands twice \(row \('c1', 'VIP'\), row \('c1', NULL\)\)\."
    with pytest.raises(InputError, match=place):
        read_database(postgres_url)


def test_a_value_that_a_view_cannot_compute_is_bad_input(
    postgres_url: str, database: Connection
) -> None:
    """Not a database that may answer later."""
    shop(database, price="int")
    database.execute(text("INSERT INTO products VALUES ('p1', 'Toys', 0)"))
    database.execute(text("ALTER TABLE products RENAME TO goods"))
    database.execute(
        text("CREATE VIEW products AS SELECT product_id, category, 1 / price AS price FROM goods")
    )
    with pytest.raises(InputError, match="division by zero"):
        read_database(postgres_url)


@pytest.fixture
def bytes_url(postgres_url: str, database: Connection) -> Iterator[str]:
    """URL of a database whose text is bytes."""
    name = f"bytes_{secrets.token_hex(4)}"
    database.execute(
        text(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0"
            " LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    )
    url = make_url(postgres_url).set(database=name)
    yield url.render_as_string(hide_password=False)
    database.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def bytes_shop(url: str, segment: str, category: str) -> None:
    """Both labels are bytes in hexadecimal."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        shop(connection)
        raw = r"convert_from('\x{}', 'SQL_ASCII')"
        connection.exec_driver_sql(
            f"INSERT INTO customers VALUES ('c1', 'VIP'), ('c2', {raw.format(segment)})"
        )
        connection.exec_driver_sql(
            f"INSERT INTO products VALUES ('p1', {raw.format(category)}, 9.90)"
        )
    engine.dispose()


def test_a_database_of_bytes_is_read_as_utf8(bytes_url: str) -> None:
    bytes_shop(bytes_url, "Stammgäste".encode().hex(), "Bücher \\ 本".encode().hex())
    snapshot = read_database(bytes_url)
    assert segments(snapshot) == {"c1": "VIP", "c2": "Stammgäste"}
    assert snapshot.products["category"].to_pylist() == ["Bücher \\ 本"]
    assert prices(snapshot) == ["9.90"]


@pytest.mark.parametrize(
    ("segment", "category", "place"),
    [
        (
            *("53e475", "42"),
            r"database, customers: segment is not UTF-8 in row ('c2', b'S\xe4u'): byte 0xE4.",
        ),
        (
            *("53", "42fc63"),
            r"products: category is not UTF-8 in row ('p1', b'B\xfcc', '9.90'): byte 0xFC.",
        ),
    ],
)
def test_bytes_that_are_not_utf8_are_refused_with_their_column(
    bytes_url: str, segment: str, category: str, place: str
) -> None:
    bytes_shop(bytes_url, segment, category)
    with pytest.raises(InputError, match=re.escape(place)):
        read_database(bytes_url)


def test_the_clients_encoding_is_of_no_account(
    postgres_url: str, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    shop(database)
    database.execute(text("INSERT INTO customers VALUES ('c1', '本')"))
    assert segments(read_database(postgres_url)) == {"c1": "本"}


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_url_of_postgresql_means_psycopg2(
    postgres_url: str, database: Connection, scheme: str
) -> None:
    shop(database)
    url = postgres_url.replace("postgresql+psycopg2://", f"{scheme}://")
    assert url.startswith(f"{scheme}://")
    assert read_database(url).products.num_rows == 0


@pytest.mark.parametrize(
    ("host", "reached"),
    [("[::1]", "::1"), ("[fe80::1%25lo]", "fe80::1%lo"), ("[fe80::1%lo]", "fe80::1%lo")],
)
def test_a_url_may_have_an_ipv6_host(host: str, reached: str) -> None:
    """Nothing listens there; libpq says where it went."""
    with pytest.raises(RetryableError, match=f'server at "{reached}"'):
        read_database(f"postgresql://u:p@{host}:1/db")


def test_what_a_database_quotes_with_an_at_sign_is_not_repeated() -> None:
    """It may be a piece of a password that was taken for the name of a host."""
    with pytest.raises(RetryableError, match=r"does not answer: .*\*\*\*") as caught:
        read_database("postgresql+psycopg2://u:p@/shop?host=@canary")
    assert "canary" not in str(caught.value)


@pytest.fixture
def reader(database: Connection) -> Iterator[str]:
    """A user whose password is its own name, and who may read nothing yet."""
    name = f"reader_{secrets.token_hex(4)}"
    database.execute(text(f"CREATE USER {name} PASSWORD '{name}'"))
    yield name
    database.execute(text(f"DROP OWNED BY {name}"))
    database.execute(text(f"DROP USER {name}"))


def _as_user(url: str, user: str, **other: str) -> str:
    changed = make_url(url).set(username=user, password=user).set(**other)  # type: ignore[arg-type]
    return changed.render_as_string(hide_password=False)


def test_a_refusal_that_no_new_try_mends_is_a_wrong_setting(
    postgres_url: str, database: Connection, reader: str
) -> None:
    """Said as the server says it, without a user that may be a password: here it is one, but where
    another is given."""
    name = make_url(postgres_url).database
    shop(database)
    refused = {
        _as_user(postgres_url, "nobody", password="wrong"): (
            'password authentication failed for user "nobody"',
            "Check SALES_DB_USER and SALES_DB_PASSWORD",
        ),
        _as_user(postgres_url, "u,canary"): (
            'password authentication failed for user "***"',
            "Check SALES_DB_USER and SALES_DB_PASSWORD",
        ),
        _as_user(postgres_url, reader, database="nowhere"): (
            'database "nowhere" does not exist',
            "Check SALES_DB_NAME",
        ),
        _as_user(postgres_url, reader, database="shop,canary"): (
            'database "***" does not exist',
            "Check SALES_DB_NAME",
        ),
        _as_user(postgres_url, reader, host="no-such-host.invalid"): (
            'could not translate host name "no-such-host.invalid" to address',
            "Check SALES_DB_HOST",
        ),
        _as_user(postgres_url, reader) + "?sslmode=require": (
            "server does not support SSL, but SSL was required",
            "sslmode",
        ),
    }
    for url, (said, remedy) in refused.items():
        with pytest.raises(
            ConfigError, match=r"^The database (refuses|has no such host): "
        ) as caught:
            read_database(url)
        assert said in caught.value.message
        assert remedy in caught.value.remedy
        told = "".join(traceback.format_exception(caught.value))
        assert reader not in told
        assert "canary" not in told
    with pytest.raises(ConfigError, match=rf"its user {reader} may not read public\.products"):
        read_database(_as_user(postgres_url, reader))
    database.execute(text(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"))
    with pytest.raises(ConfigError, match=r"refuses: .*permission denied for database") as caught:
        read_database(_as_user(postgres_url, reader))
    assert "CONNECT" in caught.value.remedy
    database.execute(text(f"ALTER ROLE {reader} NOLOGIN"))
    with pytest.raises(ConfigError, match=r'refuses: .*role "\*\*\*" is not permitted to log in'):
        read_database(_as_user(postgres_url, reader))


def test_a_refusal_that_may_pass_is_tried_again(
    postgres_url: str, database: Connection, reader: str
) -> None:
    shop(database)
    database.execute(text(f"ALTER ROLE {reader} CONNECTION LIMIT 0"))
    with pytest.raises(RetryableError, match=r"refuses: .*too many connections for role") as caught:
        read_database(_as_user(postgres_url, reader))
    assert reader not in str(caught.value)


def test_one_address_that_is_away_hides_no_refusal_of_another(
    postgres_url: str, database: Connection, reader: str
) -> None:
    """As localhost has two addresses, of which PostgreSQL may listen on one."""
    shop(database)
    port = make_url(postgres_url).port
    url = f"postgresql://{reader}:wrong@/shop?host=127.0.0.1:1&host=127.0.0.1:{port}"
    with pytest.raises(ConfigError, match=r"refuses: .*password authentication failed"):
        read_database(url)


def test_a_value_that_libpq_does_not_take_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match='invalid sslmode value: "always"'):
        read_database("postgresql+psycopg2://u:p@127.0.0.1:1/shop?sslmode=always")
