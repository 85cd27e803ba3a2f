"""Customers and products from files: verbatim, exact, and refused with a clear cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.dimensions.database import read_database
from pipeline_core.dimensions.files import read_folder
from pipeline_core.dimensions.snapshot import Snapshot, from_parquet
from pipeline_core.dimensions.source import make_snapshot
from pipeline_core.errors import ConfigError, ContractError, InputError, PipelineError
from tests.support.archives import write_shop

CUSTOMERS = (("c1", "2020-01-01", "Retail"),)
PRODUCTS = (("p1", "Pen", "Office", "0.10"),)
ODD_IDS = ("007", "7", "7.0", "NA", "nan", "null", "None", " a", "a ", "true", "1e5", "ü", "a,b")


def _csv(
    folder: Path,
    customers: Sequence[tuple[str, str, str | None]] = CUSTOMERS,
    products: Sequence[tuple[str, str, str | None, str]] = PRODUCTS,
) -> Path:
    return write_shop(folder, {}, customers, products).dimensions


def _parquet(folder: Path, prices: pa.Array, ids: Sequence[object] = ("p1",)) -> Path:
    folder.mkdir(parents=True)
    pq.write_table(
        pa.table({"customer_id": ["c1"], "segment": ["Retail"]}), folder / "customers.parquet"
    )
    products = {"product_id": list(ids), "category": ["Office"] * len(ids), "price": prices}
    pq.write_table(pa.table(products), folder / "products.parquet")
    return folder


def _prices(snapshot: Snapshot) -> dict[str, int]:
    found = snapshot.products.to_pylist()
    return {row["product_id"].decode(): row["price_minor"] for row in found}


def test_ids_and_labels_are_verbatim(tmp_path: Path) -> None:
    customers = [(one, "2020-01-01", one) for one in ODD_IDS]
    products = [(one, "Pen", one, "1") for one in ODD_IDS]
    snapshot = read_folder(_csv(tmp_path, customers, products))
    expected = sorted(one.encode() for one in ODD_IDS)
    assert snapshot.customers["customer_id"].to_pylist() == expected
    assert snapshot.products["product_id"].to_pylist() == expected
    assert snapshot.customers["segment"].to_pylist() == [one.decode() for one in expected]
    assert snapshot.products["category"].to_pylist() == [one.decode() for one in expected]


def test_columns_may_stand_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes(
        b'\xef\xbb\xbfsegment,x,customer_id\r\n"Re""t\r\nail",,c1\r\n'
    )
    (tmp_path / "products.csv").write_bytes(b"price,category,product_id\n 1.50 ,Office,p1\n")
    snapshot = read_folder(tmp_path)
    assert snapshot.customers["segment"].to_pylist() == ['Re"t\r\nail']
    assert (_prices(snapshot), snapshot.scale) == ({"p1": 150}, 2)


@pytest.mark.parametrize(
    ("prices", "scale", "minor"),
    [
        (["0.10", "0.01"], 2, [10, 1]),
        (["1", "2"], 0, [1, 2]),
        (["1", "0.125", "2.5"], 3, [1000, 125, 2500]),
        (["0.0", "0"], 1, [0, 0]),
        (["99999999.99", "1"], 2, [9_999_999_999, 100]),
        (["1e2", "0.5"], 1, [1000, 5]),
    ],
)
def test_scale_is_the_most_decimals_of_any_price(
    tmp_path: Path, prices: list[str], scale: int, minor: list[int]
) -> None:
    products = [(f"p{n}", "Pen", "Office", price) for n, price in enumerate(prices)]
    snapshot = read_folder(_csv(tmp_path, products=products))
    assert snapshot.scale == scale
    assert list(_prices(snapshot).values()) == minor


def test_typed_price_column_decides_the_scale(tmp_path: Path) -> None:
    column = pa.array([Decimal("1.50")], pa.decimal128(10, 4))
    assert read_folder(_parquet(tmp_path / "a", column)).scale == 4
    assert _prices(read_folder(_parquet(tmp_path / "b", pa.array([3])))) == {"p1": 3}
    floats = read_folder(_parquet(tmp_path / "c", pa.array([0.1])))
    assert (_prices(floats), floats.scale) == ({"p1": 1}, 1)


@pytest.mark.parametrize(
    "price",
    ["abc", "-0.01", "NaN", "inf", "-Infinity", "1,5", "1.2.3", "£1", "0x10"]
    + ["90071992547409.93", "1e20", "1E9999999"],
)
def test_bad_price_is_an_input_error_that_names_the_table(tmp_path: Path, price: str) -> None:
    products = [("p1", "Pen", "Office", "0.10"), ("p2", "Pen", "Office", price)]
    with pytest.raises(InputError, match="products"):
        read_folder(_csv(tmp_path, products=products))


@pytest.mark.parametrize("price", ["1e-40", "0." + "0" * 40 + "1"])
def test_price_with_more_decimals_than_a_report_can_show_is_an_input_error(
    tmp_path: Path, price: str
) -> None:
    with pytest.raises(InputError, match="products"):
        read_folder(_csv(tmp_path, products=[("p1", "Pen", "Office", price)]))


@pytest.mark.parametrize("price", ["1_000", "\u0663"])
def test_price_that_only_python_takes_for_a_number_is_an_input_error(
    tmp_path: Path, price: str
) -> None:
    with pytest.raises(InputError, match="products"):
        read_folder(_csv(tmp_path, products=[("p1", "Pen", "Office", price)]))


def test_a_price_that_is_missing_is_told_by_its_product(tmp_path: Path) -> None:
    missing = pa.array([None], pa.decimal128(10, 2))
    assert read_folder(_parquet(tmp_path / "a", missing)).unpriced == ["p1"]
    products = [("p1", "Pen", "Office", ""), ("p2", "Pen", "Office", " "), ("p3", "x", "y", "0.1")]
    found = read_folder(_csv(tmp_path / "b", products=products))
    assert (found.unpriced, found.scale) == (["p1", "p2"], 1)


def test_largest_price_is_taken(tmp_path: Path) -> None:
    products = [("p1", "Pen", "Office", "90071992547409.91")]
    assert _prices(read_folder(_csv(tmp_path, products=products))) == {"p1": 2**53 - 1}


def test_id_that_stands_twice_is_an_input_error(tmp_path: Path) -> None:
    customers = [("c1", "2020-01-01", "Retail"), ("c1", "2021-01-01", "Retail")]
    with pytest.raises(InputError, match="customer_id c1 stands twice"):
        read_folder(_csv(tmp_path / "a", customers))
    products = [("p", "Pen", "Office", "1")] * 2
    with pytest.raises(InputError, match="product_id p stands twice"):
        read_folder(_csv(tmp_path / "b", products=products))


def test_missing_id_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"products\.csv: no product_id in row 3"):
        read_folder(_csv(tmp_path, products=[*PRODUCTS, ("", "Pen", "Office", "1")]))


@pytest.mark.parametrize("name", ["customers", "products"])
def test_missing_file_is_a_config_error(tmp_path: Path, name: str) -> None:
    folder = _csv(tmp_path)
    (folder / f"{name}.csv").unlink()
    with pytest.raises(ConfigError, match=f"neither {name}.csv nor {name}.parquet"):
        read_folder(folder)


def test_missing_folder_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_folder(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("customers", b"customer_id,name\nc1,x\n"),
        ("products", b"product_id,category\np1,x\n"),
        ("products", b""),
        ("products", b"\n"),
        ("products", b"product_id,category,price\np1,x\n"),
        ("products", b"product_id,category,price\np1,\xff\xfe,1\n"),
        ("products", b"product_id,category,price,price\np1,x,1,2\n"),
    ],
)
def test_unusable_file_is_a_config_or_input_error(
    tmp_path: Path, name: str, content: bytes
) -> None:
    folder = _csv(tmp_path)
    (folder / f"{name}.csv").write_bytes(content)
    with pytest.raises((ConfigError, InputError)) as caught:
        read_folder(folder)
    assert name in caught.value.message


def test_damaged_parquet_is_bad_input(tmp_path: Path) -> None:
    folder = _parquet(tmp_path / "a", pa.array(["1"]))
    (folder / "products.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(InputError, match=r"products\.parquet"):
        read_folder(folder)


def test_empty_tables_are_a_shop_without_products(tmp_path: Path) -> None:
    snapshot = read_folder(_csv(tmp_path, [], []))
    assert (snapshot.customers.num_rows, snapshot.products.num_rows, snapshot.scale) == (0, 0, 0)


def test_digest_is_the_same_from_csv_and_parquet(tmp_path: Path) -> None:
    text = read_folder(_csv(tmp_path / "csv"))
    for number, column in enumerate(
        [pa.array(["0.10"]), pa.array([Decimal("0.10")], pa.decimal128(10, 2))]
    ):
        typed = read_folder(_parquet(tmp_path / str(number), column))
        assert typed.digest == text.digest


def test_digest_of_sound_tables_is_the_same_for_ever(tmp_path: Path) -> None:
    """Another one, and every archive is looked up anew."""
    customers = [("c2", "", ""), ("c1", "", "VIP"), ("c3", "", "Grüße ")]
    snapshot = read_folder(
        _csv(tmp_path, customers, [("p1", "", "Toys", "9.90"), ("p2", "", None, "12")])
    )
    assert snapshot.digest == "c02675c41bfe59fdceb65ed92b23f8e6a573cc234591cf2363ac215e78c45e48"


def test_digest_is_the_same_in_any_row_order(tmp_path: Path) -> None:
    products = [(f"p{n}", "Pen", "Office", f"{n}.00") for n in range(5)]
    first = read_folder(_csv(tmp_path / "a", products=products))
    assert read_folder(_csv(tmp_path / "b", products=products[::-1])).digest == first.digest


@pytest.mark.parametrize(
    ("customers", "products"),
    [
        ([("c1", "2020-01-01", "retail")], PRODUCTS),
        ([("c2", "2020-01-01", "Retail")], PRODUCTS),
        ([], PRODUCTS),
        (CUSTOMERS, [("p1", "Pen", "Office", "0.11")]),
        (CUSTOMERS, [("p1", "Pen", "Office", "0.100")]),
        (CUSTOMERS, [("p1", "Pen", "Office ", "0.10")]),
        (CUSTOMERS, [*PRODUCTS, ("p2", "Pen", "Office", "0.10")]),
    ],
)
def test_digest_changes_with_any_value(
    tmp_path: Path,
    customers: Sequence[tuple[str, str, str | None]],
    products: Sequence[tuple[str, str, str | None, str]],
) -> None:
    first = read_folder(_csv(tmp_path / "a"))
    assert read_folder(_csv(tmp_path / "b", customers, products)).digest != first.digest


def test_snapshot_survives_storage_and_damage_is_noticed(tmp_path: Path) -> None:
    snapshot = read_folder(_csv(tmp_path / "a"))
    files = snapshot.to_parquet()
    copy = from_parquet(files, snapshot.digest)
    assert (copy.digest, copy.scale) == (snapshot.digest, 2)
    other = read_folder(_csv(tmp_path / "b", [("c2", "2020-01-01", "Retail")])).to_parquet()
    for damaged in (
        files | {"customers.parquet": other["customers.parquet"]},
        files | {"products.parquet": b"PAR1"},
        {"customers.parquet": files["customers.parquet"]},
    ):
        with pytest.raises(ContractError, match="is damaged"):
            from_parquet(damaged, snapshot.digest)


def test_no_id_of_a_snapshot_goes_through_a_dictionary_without_a_key(tmp_path: Path) -> None:
    files = read_folder(_csv(tmp_path, [("c1", "2020-01-01", "Retail")])).to_parquet()
    for content in files.values():
        described = pq.read_metadata(pa.BufferReader(content)).row_group(0)
        assert not any(
            described.column(number).has_dictionary_page for number in range(described.num_columns)
        )


def test_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    assert _csv(tmp_path) == tmp_path / "dimensions"
    for where, said in (
        ("nowhere", "does not exist."),
        ("dimensions/customers.csv/x", "does not exist."),
        ("dimensions/customers.csv", "is a file, not a folder."),
    ):
        with pytest.raises(ConfigError) as caught:
            read_folder(tmp_path / where)
        assert caught.value.message == f"{tmp_path / where} {said}"
        assert "SALES_DIMENSIONS" in caught.value.remedy


def test_unreadable_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        read_folder(tmp_path)
    assert "SALES_DIMENSIONS" in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "no url with canary",
        "nosql://u:canary@host/db",
        "sqlite:///canary.db",
        "postgresql+psycopg2://u:canary@host:port/db",
        "postgresql+psycopg2://u:canary@[::1/db",
    ],
)
def test_what_is_no_database_url_is_a_wrong_setting_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="database URL cannot be used") as caught:
        read_database(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("prices", "cause"),
    [
        (["99999999999999999999"], "99999999999999999999 is over 9007199254740991, the most at"),
        (["1e20"], "1E+20 is over 9007199254740991, the most at scale 0"),
        (["9" * 99], f"{'9' * 57}... is over"),
        (["90071992547409.92"], "90071992547409.92 is over 90071992547409.91, the most at scale 2"),
        (["9007199254740991", "0.1"], "9007199254740991 is over 900719925474099.1, the most at"),
        (["0.1234567890123456"], "0.1234567890123456 has more than 15 decimals"),
        (["-0.01"], "-0.01 is below 0"),
        (["1,10"], "1,10 is no number"),
        (["NaN"], "NaN is no number"),
    ],
)
def test_what_is_wrong_with_a_price_is_told(tmp_path: Path, prices: list[str], cause: str) -> None:
    products = [(f"p{n}", "Pen", "Office", price) for n, price in enumerate(prices)]
    with pytest.raises(InputError, match=re.escape(f"for 'p0' in row 2 ({cause}")):
        read_folder(_csv(tmp_path, products=products))


def test_a_price_of_sixteen_digits_is_taken_below_the_limit(tmp_path: Path) -> None:
    products = [("p1", "Pen", "Office", "1234567890123456")]
    assert _prices(read_folder(_csv(tmp_path, products=products))) == {"p1": 1234567890123456}


def test_rows_of_a_source_in_code_are_told_by_their_values() -> None:
    customers = pa.table({"customer_id": ["c1", None, "c1"], "segment": ["VIP", None, "New"]})
    products = pa.table({"product_id": ["p1"], "category": [None], "price": pa.array([-1])})
    with pytest.raises(InputError, match=r"crm, products: no valid price for 'p1' \(-1 is below"):
        make_snapshot(customers=customers, products=products, place="crm")
    nothing = products.slice(1)
    with pytest.raises(InputError, match=r"crm, customers: no customer_id in row \(NULL, NULL\)"):
        make_snapshot(customers=customers, products=nothing, place="crm")
    twice = r"customer_id c1 stands twice \(row \('c1', 'VIP'\), row \('c1', 'New'\)\)"
    with pytest.raises(InputError, match=twice):
        make_snapshot(
            customers=customers.filter(customers["customer_id"].is_valid()),
            products=nothing,
            place="crm",
        )
