"""Customers and products in Parquet and CSV: every type by its value, or refused by its name."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.dimensions.files import read_folder
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, InputError

UTC_NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
HALF_PAST = UTC_NOON.replace(tzinfo=None, microsecond=500_000)
A_UUID = uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
# A column of one value and a null, and the value as text.
EXACT = [
    (pa.array(["NaN", None]), "NaN"),
    (pa.array([" a ", None], pa.large_string()), " a "),
    (pa.array(["Ü", None], pa.string_view()), "Ü"),
    (pa.array(["Ü", None]).dictionary_encode(), "Ü"),
    (pa.array(["Ü".encode(), None], pa.binary()), "Ü"),
    (pa.array(["Ü".encode(), None], pa.large_binary()), "Ü"),
    (pa.array([b"ab", None], pa.binary(2)), "ab"),
    (pa.array([-128, None], pa.int8()), "-128"),
    (pa.array([2**53 + 1, None], pa.int64()), "9007199254740993"),
    (pa.array([2**64 - 1, None], pa.uint64()), "18446744073709551615"),
    (pa.array([7, None], pa.int32()).dictionary_encode(), "7"),
    (pa.array([True, None]), "true"),
    (pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)), "1.50"),
    (pa.array([Decimal(5), None], pa.decimal128(38, 18)), "5"),
    (pa.array([Decimal(10) ** 30, None], pa.decimal256(50, 0)), "1" + "0" * 30),
    (pa.array([date(2024, 2, 29), None]), "2024-02-29"),
    (pa.array([date(2024, 2, 29), None], pa.date64()), "2024-02-29"),
    (pa.array([HALF_PAST, None], pa.timestamp("ns")), "2024-02-29 12:00:00.5"),
    (pa.array([HALF_PAST, None], pa.timestamp("ms")), "2024-02-29 12:00:00.5"),
    (pa.array([UTC_NOON, None], pa.timestamp("us", "Asia/Tokyo")), "2024-02-29 12:00:00+00"),
    (pa.array([time(10, 20), None], pa.time64("us")), "10:20:00"),
    (pa.array([A_UUID.bytes, None], pa.uuid()), str(A_UUID)),
]
# Of floating-point numbers, which are labels and no ids; as PostgreSQL writes them.
FLOATS = [
    (pa.float64(), 1.0, "1"),
    (pa.float64(), -0.0, "0"),
    (pa.float64(), 1.5, "1.5"),
    (pa.float64(), 0.1 + 0.2, "0.30000000000000004"),
    (pa.float64(), 123456789012345.0, "123456789012345"),
    (pa.float64(), 1e15, "1e+15"),
    (pa.float64(), 1e-4, "0.0001"),
    (pa.float64(), 1e-5, "1e-05"),
    (pa.float64(), float("inf"), "Infinity"),
    (pa.float64(), float("-inf"), "-Infinity"),
    (pa.float64(), float("nan"), None),
    (pa.float32(), 0.1, "0.1"),
    (pa.float32(), 123456.0, "123456"),
    (pa.float32(), 1e6, "1e+06"),
    (pa.float16(), np.float16(0.1), "0.1"),
]
NESTED = [
    pa.array([["a"]]),
    pa.array([{"a": 1}]),
    pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    pa.array([timedelta(1)]),
]
ALWAYS = {"valid_from": None, "valid_to": None}
CUSTOMERS = {"customer_id": ["c1"], "segment": ["VIP"]}
PRODUCTS = {"product_id": ["p1"], "category": ["Toys"], "price": ["9.95"]}


def folder_of(
    folder: Path,
    customers: Mapping[str, object] = CUSTOMERS,
    products: Mapping[str, object] = PRODUCTS,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in (("customers", customers), ("products", products)):
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def segments(snapshot: Snapshot) -> list[str | None]:
    return list(snapshot.customers["segment"].to_pylist())


def broken(column: pa.Array) -> pa.Array:
    """Bytes as text, unchecked, as a writer that does not check leaves them."""
    return pa.Array.from_buffers(pa.string(), len(column), column.buffers())


@pytest.mark.parametrize(
    ("column", "written"), EXACT, ids=[f"{column.type}-{text}" for column, text in EXACT]
)
def test_ids_and_labels_of_every_type_are_their_values(
    tmp_path: Path, column: pa.Array, written: str
) -> None:
    customers = {"customer_id": ["c1", "c2"], "segment": column}
    products = {"product_id": column[:1], "category": ["Toys"], "price": ["1"]}
    snapshot = read_folder(folder_of(tmp_path, customers, products))
    assert segments(snapshot) == [written, None]
    assert snapshot.products["product_id"].to_pylist() == [written.encode()]


@pytest.mark.parametrize(("kind", "value", "written"), FLOATS)
def test_a_floating_point_label_is_written_as_postgresql_writes_it(
    tmp_path: Path, kind: pa.DataType, value: float, written: str | None
) -> None:
    column = pa.array([value, None], kind)
    customers = {"customer_id": ["c1", "c2"], "segment": column}
    assert segments(read_folder(folder_of(tmp_path, customers))) == [written, None]


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_a_floating_point_id_is_refused_with_its_column(tmp_path: Path, kind: pa.DataType) -> None:
    column = pa.array([np.float16(1)], kind)
    folder = folder_of(tmp_path / "a", CUSTOMERS | {"customer_id": column})
    with pytest.raises(ConfigError, match=r"customers\.parquet: the column customer_id is of type"):
        read_folder(folder)
    folder = folder_of(tmp_path / "b", products=PRODUCTS | {"product_id": column})
    with pytest.raises(ConfigError, match=r"products\.parquet: the column product_id is of type"):
        read_folder(folder)


@pytest.mark.parametrize("column", NESTED, ids=[str(column.type) for column in NESTED])
def test_a_type_without_text_is_refused_with_its_column(tmp_path: Path, column: pa.Array) -> None:
    folder = folder_of(tmp_path, CUSTOMERS | {"segment": column})
    with pytest.raises(ConfigError, match=r"customers\.parquet: the column segment is of type"):
        read_folder(folder)


def test_a_column_without_a_type_is_missing_labels(tmp_path: Path) -> None:
    assert segments(read_folder(folder_of(tmp_path, CUSTOMERS | {"segment": pa.nulls(1)}))) == [
        None
    ]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("customers", "customer_id"),
        ("customers", "segment"),
        ("products", "product_id"),
        ("products", "category"),
        ("products", "price"),
    ],
)
def test_bytes_that_are_not_utf8_are_refused_with_file_column_and_row(
    tmp_path: Path, table: str, name: str
) -> None:
    raw = pa.array([b"1", None, b"2\xe9"])
    columns = {
        "customers": {"customer_id": ["c1", "c2", "c3"], "segment": ["VIP"] * 3},
        "products": {"product_id": ["p1", "p2", "p3"], "category": ["T"] * 3, "price": ["1"] * 3},
    }
    place = rf"{table}\.parquet: {name} is not UTF-8 in row 3 \(b'2\\xe9'\)"
    for number, column in enumerate((raw, broken(raw))):
        shop = columns | {table: columns[table] | {name: column}}
        folder = folder_of(tmp_path / str(number), shop["customers"], shop["products"])
        with pytest.raises(InputError, match=place):
            read_folder(folder)


@pytest.mark.parametrize("name", ["customer_id", "segment"])
def test_bytes_of_csv_that_are_not_utf8_are_refused_with_file_column_and_row(
    tmp_path: Path, name: str
) -> None:
    row = {"customer_id": b"c2", "segment": b"New"} | {name: b"Caf\xe9"}
    folder_of(tmp_path)
    (tmp_path / "customers.parquet").unlink()
    (tmp_path / "customers.csv").write_bytes(
        b"customer_id,segment\nc1,VIP\n" + b",".join(row.values()) + b"\n"
    )
    with pytest.raises(InputError, match=rf"customers\.csv: {name} is not UTF-8 in row 3 \(b'Caf"):
        read_folder(tmp_path)


def test_bytes_of_other_columns_are_of_no_account(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes(b"customer_id,name,segment\nc1,Ren\xe9,VIP\n")
    (tmp_path / "products.csv").write_bytes(b"product_id,category,price\n")
    assert segments(read_folder(tmp_path)) == ["VIP"]


def test_names_of_csv_columns_that_are_not_utf8_are_told(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_bytes(b"customer_id,segment,caf\xe9\nc1,VIP,x\n")
    with pytest.raises(InputError, match=r"customers\.csv: the names of its columns"):
        read_folder(tmp_path)


def test_what_a_file_has_instead_is_told(tmp_path: Path) -> None:
    folder_of(tmp_path, {"id": ["c1"], "segment": ["VIP"]})
    with pytest.raises(ConfigError, match=r"customers\.parquet has no column customer_id") as found:
        read_folder(tmp_path)
    assert "has id, segment" in found.value.remedy


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32()])
def test_a_price_of_too_few_digits_is_refused_with_what_to_use(
    tmp_path: Path, kind: pa.DataType
) -> None:
    column = pa.array([np.float16(9.95)], kind)
    folder = folder_of(tmp_path, products=PRODUCTS | {"price": column})
    with pytest.raises(ConfigError, match=r"products\.parquet: the column price is of") as caught:
        read_folder(folder)
    assert "decimal(10,2)" in caught.value.remedy


@pytest.mark.parametrize(
    ("column", "scale", "minor"),
    [
        (pa.array([Decimal("9.95")], pa.decimal128(10, 2)), 2, 995),
        (pa.array([Decimal(9)], pa.decimal128(10, 2)), 2, 900),
        (pa.array([Decimal("9.95")], pa.decimal128(19, 6)), 6, 9_950_000),
        (pa.array([Decimal("9.95")], pa.decimal128(38, 18)), 2, 995),
        (pa.array([Decimal(9)], pa.decimal128(38, 18)), 2, 900),
        (pa.array([Decimal(0)], pa.decimal128(38, 18)), 2, 0),
        (pa.array([Decimal("99999999.99")], pa.decimal128(38, 9)), 2, 9_999_999_999),
        (pa.array([Decimal("0.00000125")], pa.decimal128(38, 18)), 8, 125),
        (pa.array([Decimal("9.95")], pa.decimal256(60, 30)), 2, 995),
        (pa.array([Decimal("9.95")], pa.decimal128(38, 18)).dictionary_encode(), 2, 995),
        (pa.array(["9.950000000000000000"]), 2, 995),
        (pa.array(["9.950000"]), 6, 9_950_000),
        (pa.array(["0E-18"]), 2, 0),
        (pa.array([b"9.95"]), 2, 995),
        (pa.array([9.95]), 2, 995),
        (pa.array([9.0]), 0, 9),
        (pa.array([9], pa.uint8()), 0, 9),
    ],
)
def test_a_price_loses_only_zeros_that_a_type_put_at_its_end(
    tmp_path: Path, column: pa.Array, scale: int, minor: int
) -> None:
    snapshot = read_folder(folder_of(tmp_path, products=PRODUCTS | {"price": column}))
    assert (snapshot.scale, snapshot.products["price_minor"].to_pylist()) == (scale, [minor])


def test_an_empty_price_column_has_the_places_of_its_type(tmp_path: Path) -> None:
    column = pa.array([], pa.decimal128(10, 2))
    empty = pa.array([], pa.string())
    products = {"product_id": empty, "category": empty, "price": column}
    assert read_folder(folder_of(tmp_path, products=products)).scale == 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([None], pa.float64()),
        pa.array([None], pa.decimal128(10, 2)),
        pa.array([""]),
        pa.nulls(1),
    ],
)
def test_a_price_that_is_missing_is_for_who_counts_to_tell(
    tmp_path: Path, column: pa.Array
) -> None:
    folder = folder_of(tmp_path, products=PRODUCTS | {"price": column})
    assert read_folder(folder).unpriced == ["p1"]


@pytest.mark.parametrize(
    ("column", "cause"),
    [
        (pa.array([Decimal("1E-16")], pa.decimal128(38, 18)), "1.00E-16 has more than 15 decimals"),
        (pa.array([float("nan")]), "NaN is no number"),
        (pa.array([float("inf")]), "Infinity is no number"),
    ],
)
def test_a_price_that_is_none_is_told_with_its_product_row_and_cause(
    tmp_path: Path, column: pa.Array, cause: str
) -> None:
    folder = folder_of(tmp_path, products=PRODUCTS | {"price": column})
    place = re.escape(f"products.parquet: no valid price for 'p1' in row 1 ({cause})")
    with pytest.raises(InputError, match=place):
        read_folder(folder)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True]),
        pa.array([True]).dictionary_encode(),
        pa.array([None], pa.bool_()),
        pa.array([date(2024, 2, 29)]),
        pa.array([UTC_NOON]),
        pa.array([time(10, 20)]),
        pa.array([A_UUID.bytes], pa.uuid()),
        *NESTED,
    ],
    ids=lambda column: str(column.type),
)
def test_a_price_column_of_a_type_without_numbers_is_refused(
    tmp_path: Path, column: pa.Array
) -> None:
    folder = folder_of(tmp_path, products=PRODUCTS | {"price": column})
    with pytest.raises(ConfigError, match=r"products\.parquet: the column price is of type"):
        read_folder(folder)


def parts_of(folder: Path, name: str, *parts: Mapping[str, object]) -> Path:
    """``name`` as a folder of part files, with what Spark leaves beside them."""
    (folder / f"{name}.parquet").unlink()
    target = folder / f"{name}.parquet"
    target.mkdir()
    for number, columns in enumerate(parts):
        pq.write_table(pa.table(columns), target / f"part-{number:05d}-x.snappy.parquet")
        (target / f".part-{number:05d}-x.snappy.parquet.crc").write_bytes(b"crc")
    (target / "_SUCCESS").touch()
    (target / "._SUCCESS.crc").write_bytes(b"crc")
    return target


def test_a_folder_of_part_files_is_one_table(tmp_path: Path) -> None:
    folder_of(tmp_path)
    nobody: dict[str, object] = {"customer_id": pa.array([], pa.string()), "segment": pa.nulls(0)}
    coded = pa.array(["New"]).dictionary_encode()
    parts_of(
        tmp_path,
        "customers",
        {"customer_id": ["c1"], "segment": ["VIP"]},
        nobody,
        {"segment": coded, "customer_id": pa.array(["c2"], pa.large_string()), "other": [1]},
    )
    price = pa.array([Decimal("9.95")], pa.decimal128(38, 18))
    parts_of(
        tmp_path,
        "products",
        {"product_id": [2], "category": ["Toys"], "price": price},
        {"product_id": [1], "category": pa.nulls(1), "price": price},
    )
    snapshot = read_folder(tmp_path)
    assert segments(snapshot) == ["VIP", "New"]
    assert snapshot.products.to_pylist() == [
        {"product_id": b"1", "category": None, "price_minor": 995, **ALWAYS},
        {"product_id": b"2", "category": "Toys", "price_minor": 995, **ALWAYS},
    ]


def test_an_id_that_stands_in_two_part_files_stands_twice(tmp_path: Path) -> None:
    folder_of(tmp_path)
    two = {"customer_id": ["c0", "c1"], "segment": ["VIP", "New"]}
    parts_of(tmp_path, "customers", CUSTOMERS, two)
    with pytest.raises(InputError, match="customer_id c1 stands twice") as caught:
        read_folder(tmp_path)
    rows = "(row 1 of part-00000-x.snappy.parquet, row 2 of part-00001-x.snappy.parquet)"
    assert rows in caught.value.message


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("product_id", pa.array([1])),
        ("category", pa.array([1])),
        ("price", pa.array([Decimal(1)], pa.decimal128(10, 3))),
    ],
)
def test_part_files_of_two_schemas_are_refused_with_the_file(
    tmp_path: Path, name: str, column: pa.Array
) -> None:
    folder_of(tmp_path)
    first = PRODUCTS | {"price": pa.array([Decimal(1)], pa.decimal128(10, 2))}
    parts_of(tmp_path, "products", first, first | {"product_id": ["p2"]} | {name: column})
    with pytest.raises(InputError, match=rf"part-00001\S+: the column {name} is of type"):
        read_folder(tmp_path)


def test_a_part_file_without_values_hides_no_difference(tmp_path: Path) -> None:
    folder_of(tmp_path)
    kinds = (pa.array([1]), pa.nulls(1), pa.array(["VIP"]))
    parts = ({"customer_id": [f"c{n}"], "segment": kind} for n, kind in enumerate(kinds))
    parts_of(tmp_path, "customers", *parts)
    with pytest.raises(InputError, match=r"part-00002\S+: the column segment is of type"):
        read_folder(tmp_path)


def test_a_bad_part_file_is_told_by_its_name(tmp_path: Path) -> None:
    folder_of(tmp_path)
    raw = {"customer_id": ["c2"], "segment": pa.array([b"\xff"])}
    target = parts_of(tmp_path, "customers", CUSTOMERS, raw)
    with pytest.raises(InputError, match=r"part-00001\S+: segment is not UTF-8 in row 1"):
        read_folder(tmp_path)
    (target / "part-00001-x.snappy.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"part-00001\S+ cannot be used"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ("_delta_log/0.json", "is a Delta table"),
        (".hoodie/0", "is a Hudi table"),
        ("_temporary/0", "is being written"),
        ("segment=VIP/part-0.parquet", "holds the folder segment=VIP"),
    ],
)
def test_a_folder_that_is_more_than_part_files_is_refused(
    tmp_path: Path, entry: str, cause: str
) -> None:
    folder_of(tmp_path)
    target = parts_of(tmp_path, "customers", CUSTOMERS)
    (target / entry).parent.mkdir(exist_ok=True)
    (target / entry).write_bytes(b"any")
    with pytest.raises(ConfigError, match=cause):
        read_folder(tmp_path)


def test_a_file_among_part_files_that_is_none_is_damaged(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (parts_of(tmp_path, "customers", CUSTOMERS) / "README.txt").write_bytes(b"any")
    with pytest.raises(InputError, match=r"README\.txt cannot be used"):
        read_folder(tmp_path)


def test_a_folder_without_part_files_is_not_an_empty_table(tmp_path: Path) -> None:
    folder_of(tmp_path)
    parts_of(tmp_path, "customers")
    with pytest.raises(InputError, match=r"customers\.parquet holds no part file"):
        read_folder(tmp_path)


@pytest.mark.parametrize("is_folder", [False, True])
def test_csv_and_parquet_of_one_table_are_one_too_many(tmp_path: Path, *, is_folder: bool) -> None:
    folder_of(tmp_path)
    if is_folder:
        parts_of(tmp_path, "customers", CUSTOMERS)
    (tmp_path / "customers.csv").write_bytes(b"customer_id,segment\n")
    with pytest.raises(ConfigError, match=r"both customers\.csv and customers\.parquet"):
        read_folder(tmp_path)


def test_a_torn_parquet_file_is_told_by_its_name(tmp_path: Path) -> None:
    """Cut off, or with any of its bytes turned: a clear error, if it is not read as before."""
    folder_of(tmp_path)
    file = tmp_path / "customers.parquet"
    sound = file.read_bytes()
    for kept in (0, 3, 4, 12, len(sound) // 2, len(sound) - 1):
        file.write_bytes(sound[:kept])
        with pytest.raises(InputError, match=r"customers\.parquet cannot be used"):
            read_folder(tmp_path)
    for place in range(0, len(sound), 5):
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 0xFF]) + sound[place + 1 :])
        try:
            read_folder(tmp_path)
        except (ConfigError, InputError) as error:
            assert "customers" in error.message  # noqa: PT017 - many places need no error


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_link_to_a_folder_of_part_files_is_followed(tmp_path: Path) -> None:
    folder_of(tmp_path)
    parts_of(tmp_path, "customers", CUSTOMERS).rename(tmp_path / "written")
    (tmp_path / "customers.parquet").symlink_to(tmp_path / "written")
    assert segments(read_folder(tmp_path)) == ["VIP"]
