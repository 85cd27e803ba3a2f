"""valid_from and valid_to: dates of every form, ranges that cannot be, and tables without them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.configuration.dimension_tables import PRODUCTS
from pipeline_core.dimensions.files import read_folder
from pipeline_core.dimensions.snapshot import Snapshot, from_parquet
from pipeline_core.dimensions.source import make_snapshot
from pipeline_core.errors import ConfigError, InputError

MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)


def shop(folder: Path, products: str, customers: str = "customer_id,segment\nc1,VIP\n") -> Path:
    (folder / "customers.csv").write_text(customers)
    (folder / "products.csv").write_text(products)
    return folder


def rows(folder: Path, lines: str) -> Snapshot:
    header = "product_id,category,price,valid_from,valid_to\n"
    return read_folder(shop(folder, header + lines))


def validity(snapshot: Snapshot) -> list[tuple[str, date | None, date | None]]:
    return [
        (row["product_id"].decode(), row["valid_from"], row["valid_to"])
        for row in snapshot.products.to_pylist()
    ]


def of_column(column: Any, name: str = "valid_from") -> Snapshot:
    count = len(column)
    products = {"product_id": [f"p{n}" for n in range(count)], "category": ["Toys"] * count}
    return make_snapshot(
        customers=pa.table({"customer_id": ["c1"], "segment": ["VIP"]}),
        products=pa.table(products | {"price": ["1.00"] * count, name: column}),
        place="crm",
    )


def test_rows_of_an_id_stand_by_their_first_day_and_may_touch(tmp_path: Path) -> None:
    found = rows(
        tmp_path,
        "p1,Toys,3.00,2024-04-01,\n"
        "p2,Toys,9.00,,\n"
        "p1,Toys,1.00,,2024-03-01\n"
        "p1,Toys,2.00,2024-03-01,2024-04-01\n",
    )
    assert validity(found) == [
        ("p1", None, MARCH),
        ("p1", MARCH, APRIL),
        ("p1", APRIL, None),
        ("p2", None, None),
    ]
    assert found.products["price_minor"].to_pylist() == [100, 200, 300, 900]


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (
            "p1,Toys,1,,2024-03-02\np2,Toys,1,,\np1,Toys,2,2024-03-01,\n",
            r"product_id p1 is valid twice on 2024-03-01 \(row 2, row 4\)\.",
        ),
        (
            "p1,Toys,1,2024-01-01,2024-12-31\n"
            "p1,Toys,2,2024-02-01,2024-02-02\n"
            "p1,Toys,2,2024-02-02,2024-02-03\n"
            "p1,Toys,2,2024-11-01,2024-11-02\n",
            r"product_id p1 is valid twice on 2024-02-01 \(row 2, row 3, row 4, row 5\)\.",
        ),
        ("p1,Toys,1,,\np1,Toys,1,,\n", r"product_id p1 stands twice \(row 2, row 3\)\."),
        ("p1,Toys,1,,2024-03-01\np1,Toys,1,,\n", r"product_id p1 stands twice \(row 2, row 3\)\."),
        (
            "p1,Toys,1,2024-03-01,2024-03-01\np2,Toys,1,2024-03-02,2024-03-01\n",
            r"valid_from is not before valid_to in row 2, row 3\.",
        ),
        ("p1,Toys,1,2023-02-29,\n", r"valid_from is no date in row 2 \('2023-02-29'\)\."),
        ("p1,Toys,1,1.3.2024,\n", r"valid_from is no date in row 2 \('1\.3\.2024'\)\."),
        ("p1,Toys,1,2024-03-01 08:00,\n", r"valid_from is no date in row 2 \('2024-03-01 08:00'\)"),
        ("p1,Toys,1,,-infinity\n", r"valid_to is no date in row 2 \('-infinity'\)\."),
        ("p1,Toys,1,infinity,\n", r"valid_from is no date in row 2 \('infinity'\)\."),
        ("p1,Toys,1,0000-01-01,\n", r"valid_from is no date in row 2 \('0000-01-01'\)\."),
    ],
)
def test_what_cannot_be_is_told_with_its_rows(tmp_path: Path, lines: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        rows(tmp_path, lines)


def test_of_very_many_conflicts_a_few_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"p1 is valid twice .* and 15 more") as caught:
        rows(tmp_path, "".join(f"p{n % 20},T,1,2024-01-{1 + n // 20:02},\n" for n in range(600)))
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize(
    "text",
    ["2024-03-01", " 2024-03-01 ", "2024-03-01 00:00:00", "2024-03-01T00:00Z"]
    + ["2024-03-01 00:00:00.000+00", "2024-03-01T00:00:00+00:00"],
)
def test_texts_of_a_day(tmp_path: Path, text: str) -> None:
    assert validity(rows(tmp_path, f"p1,Toys,1,{text},infinity\n")) == [("p1", MARCH, None)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([MARCH, None], pa.date32()),
        pa.array([MARCH, None], pa.date64()),
        pa.array([datetime(2024, 3, 1), None], pa.timestamp("s")),  # noqa: DTZ001
        pa.array([datetime(2024, 3, 1), None], pa.timestamp("ns")),  # noqa: DTZ001
        pa.array([datetime(2024, 3, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
        pa.array(["2024-03-01", None]).dictionary_encode(),
        pa.array([b"2024-03-01", b""]),
    ],
)
def test_types_of_a_day(column: pa.Array) -> None:
    assert validity(of_column(column)) == [("p0", MARCH, None), ("p1", None, None)]
    assert validity(of_column(column, "valid_to")) == [("p0", None, MARCH), ("p1", None, None)]


def test_days_before_1970_are_days(tmp_path: Path) -> None:
    early = datetime(1969, 12, 31)  # noqa: DTZ001
    assert validity(of_column(pa.array([early], pa.timestamp("ms")))) == [
        ("p0", early.date(), None)
    ]
    with pytest.raises(InputError, match=r"no date in row .*1969-12-31 23:00:00"):
        of_column(pa.array([datetime(1969, 12, 31, 23)], pa.timestamp("ms")))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("column", "error", "cause"),
    [
        (pa.array([datetime(2024, 3, 1, 1)], pa.timestamp("us")), InputError, "valid_from is no"),  # noqa: DTZ001
        (pa.array([4_000_000], pa.int32()).cast(pa.date32()), InputError, "valid_from is no date"),
        (pa.array([20240301]), ConfigError, "valid_from is of type int64, which holds no dates"),
        (pa.array([True]), ConfigError, "valid_from is of type bool, which holds no dates"),
    ],
)
def test_what_is_no_day(column: pa.Array, error: type[Exception], cause: str) -> None:
    with pytest.raises(error, match=cause):
        of_column(column)


@pytest.mark.parametrize("name", ["valid_from", "valid_to"])
def test_one_of_both_is_enough(tmp_path: Path, name: str) -> None:
    found = read_folder(
        shop(tmp_path, f"{name},price,category,product_id\n2024-03-01,1.00,Toys,p1\n")
    )
    from_, to = (MARCH, None) if name == "valid_from" else (None, MARCH)
    assert validity(found) == [("p1", from_, to)]


def test_they_have_other_names_too(tmp_path: Path) -> None:
    text = "product_id,category,price,since,valid_to\np1,Toys,1,2024-03-01,2024-04-01\n"
    table = PRODUCTS.called("products", {"valid_from": "since"})
    assert validity(read_folder(shop(tmp_path, text), products=table)) == [("p1", MARCH, APRIL)]
    with pytest.raises(ConfigError, match="has no column began"):
        read_folder(tmp_path, products=PRODUCTS.called("products", {"valid_from": "began"}))


def test_a_column_that_is_something_else_by_its_mapping_is_no_date(tmp_path: Path) -> None:
    text = "product_id,valid_from,price\np1,Toys,1\n"
    table = PRODUCTS.called("products", {"category": "valid_from"})
    found = read_folder(shop(tmp_path, text), products=table)
    assert found.products["category"].to_pylist() == ["Toys"]


def test_part_files_may_have_them_or_not(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,segment\nc1,VIP\n")
    folder = tmp_path / "products.parquet"
    folder.mkdir()
    one = {"product_id": ["p1"], "category": ["Toys"], "price": ["1.00"]}
    pq.write_table(pa.table(one), folder / "a.parquet")
    pq.write_table(
        pa.table(one | {"product_id": ["p2"], "valid_to": [MARCH]}), folder / "b.parquet"
    )
    assert validity(read_folder(tmp_path)) == [("p1", None, None), ("p2", None, MARCH)]


def test_without_dates_it_is_what_it_always_was(tmp_path: Path) -> None:
    """The digest is that of a version that knew no validity, and so are the files."""
    bare = read_folder(shop(tmp_path, "product_id,category,price\np1,Toys,1.00\np2,,2.50\n"))
    empty = rows(tmp_path, "p1,Toys,1.00,,\np2,,2.50,,\n")
    assert bare.digest == empty.digest == DIGEST_OF_OLD
    assert bare.to_parquet() == empty.to_parquet()
    names = pq.read_schema(pa.BufferReader(bare.to_parquet()["products.parquet"])).names
    assert names == ["product_id", "category", "price_minor"]
    assert from_parquet(bare.to_parquet(), bare.digest) == bare


@pytest.mark.parametrize(
    "lines",
    [
        "p1,Toys,1.00,2024-03-01,\n",
        "p1,Toys,1.00,,2024-03-01\n",
        "p1,Toys,1.00,1970-01-01,\n",
        "p1,Toys,1.00,2024-03-01,2024-04-01\n",
        "p1,Toys,1.00,,2024-03-01\np1,Toys,1.00,2024-03-01,\n",
    ],
)
def test_a_range_is_frozen_with_its_row(tmp_path: Path, lines: str) -> None:
    found = rows(tmp_path, lines)
    always = rows(tmp_path, "p1,Toys,1.00,,\n")
    assert found.digest != always.digest
    assert from_parquet(found.to_parquet(), found.digest) == found


DIGEST_OF_OLD = "ae7e547f8bc40a5d2e0764c2d7f4942cbb8eb73dde6cbba3715f5209aa356534"
