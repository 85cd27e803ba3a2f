"""What a shop calls its tables and their columns: settings, files of other names and delimiters."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    CUSTOMERS,
    PRODUCTS,
    parse_columns,
    shown_name,
    split_name,
)
from pipeline_core.dimensions.files import read_folder
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.frames import DimensionLoader
from pipeline_core.settings import load_settings

ALWAYS = {"valid_from": None, "valid_to": None}
CLIENTS = CUSTOMERS.called("clients", {"customer_id": "client no", "segment": "tier"})
GOODS = PRODUCTS.called(
    "goods", {"product_id": "article", "category": "family", "price": "list price"}
)
SOLD = "article,family,list price\np1,Toys,9.95\n"


def shop(folder: Path, clients: str | bytes, goods: str = SOLD) -> Path:
    """Files of other names."""
    text = clients if isinstance(clients, bytes) else clients.encode()
    (folder / "clients.csv").write_bytes(text)
    (folder / "goods.csv").write_text(goods)
    return folder


def segments(snapshot: Snapshot) -> dict[str, str]:
    rows = snapshot.customers.to_pylist()
    return {row["customer_id"].decode(): row["segment"] for row in rows}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clients", (None, "clients")),
        (" crm . clients ", ("crm", "clients")),
        ("crm.Client List", ("crm", "Client List")),
        ('"a.b"."say ""hi"" "', ("a.b", 'say "hi" ')),
        ('"select".x', ("select", "x")),
    ],
)
def test_a_name_is_a_table_with_or_without_its_schema(
    text: str, expected: tuple[str | None, str]
) -> None:
    assert split_name(text) == expected
    assert split_name(shown_name(*expected)) == expected


@pytest.mark.parametrize("text", ["", " ", ".", "a.", ".a", "a.b.c", 'a"b', '"a', '""', '"a"b'])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape("schema.table")):
        split_name(text)


@pytest.mark.parametrize(
    ("text", "is_select"),
    [
        ("SELECT 1", True),
        ("\n with(x) AS (SELECT 1) SELECT 1", True),
        ("select*from a", True),
        ("selected", False),
        ("with_tier", False),
        ('"select"', False),
        ("crm.select", False),
    ],
)
def test_what_begins_with_select_or_with_is_sql(text: str, *, is_select: bool) -> None:
    assert CUSTOMERS.called(text, {}).is_select is is_select


def test_columns_are_pairs_of_ours_and_theirs() -> None:
    assert parse_columns("", CUSTOMER_COLUMNS) == {}
    assert parse_columns(' customer_id = client no , "segment=a, b=c",', CUSTOMER_COLUMNS) == {
        "customer_id": "client no",
        "segment": "a, b=c",
    }


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("tier", "'tier' is no pair"),
        ("segment=", "'segment=' is no pair"),
        ("=tier", "'' is no column of ours"),
        ("tier=segment", "'tier' is no column of ours; they are customer_id, segment"),
        ("segment=a,segment=b", "segment stands twice"),
    ],
)
def test_a_mapping_that_is_none_is_a_wrong_setting(text: str, cause: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"SALES_CUSTOMER_COLUMNS: {cause}")):
        load_settings({"customer_columns": text})


def test_settings_say_what_the_tables_are_called() -> None:
    places = load_settings(
        {
            "customers": "clients",
            "customer_columns": "customer_id=client no,segment=tier",
            "products": "goods",
            "product_columns": "product_id=article,category=family,price=list price",
        }
    ).places()
    assert (places.customers, places.products) == (CLIENTS, GOODS)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_that_with_which_the_columns_are_there(
    tmp_path: Path, delimiter: str
) -> None:
    """Whatever other characters there are; the mark and blanks around names are passed over."""
    lines = [["joined,at;a|b\tc", " client no ", '"tier"'], ["x", "007", '"a,;|\t""b"""']]
    lines[0][0] = '"joined,at;a|b\tc"'
    text = "\ufeff" + "\r\n".join(map(delimiter.join, lines))
    found = read_folder(shop(tmp_path, text), CLIENTS, GOODS)
    assert segments(found) == {"007": 'a,;|\t"b"'}
    assert found.products.to_pylist()[0]["price_minor"] == 995


def test_a_header_that_has_the_columns_twice_is_ambiguous(tmp_path: Path) -> None:
    folder = shop(tmp_path, "a,client no,tier,b;client no;tier;c\n")
    with pytest.raises(ConfigError, match=r"clients\.csv: .* a comma or a semicolon"):
        read_folder(folder, CLIENTS, GOODS)


@pytest.mark.parametrize(
    ("header", "cause", "there"),
    [
        ("joined;client;tier", "no column client no", "joined, client, tier."),
        ("client no|tier|tier", "two columns tier", "client no, tier, tier."),
        ("id", "no column client no and no tier", "has id."),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, header: str, cause: str, there: str
) -> None:
    folder = shop(tmp_path, header + "\n")
    with pytest.raises(ConfigError, match=rf"clients\.csv has {cause}\.") as caught:
        read_folder(folder, CLIENTS, GOODS)
    assert there in caught.value.remedy
    assert "SALES_CUSTOMER_COLUMNS" in caught.value.remedy


@pytest.mark.parametrize(
    "renamed", [{"customer_id": "tier", "segment": "tier"}, {"customer_id": "segment"}]
)
def test_two_columns_of_ours_are_not_one_of_theirs(tmp_path: Path, renamed: dict[str, str]) -> None:
    folder = shop(tmp_path, "id,tier,segment\n")
    both = "SALES_CUSTOMER_COLUMNS: customer_id and segment are one column"
    with pytest.raises(ConfigError, match=both) as caught:
        read_folder(folder, CUSTOMERS.called("clients", renamed), GOODS)
    assert "id, tier, segment" in caught.value.remedy


@pytest.mark.parametrize(
    ("renamed", "cause"),
    [
        ({"valid_from": "valid_to"}, "valid_from and valid_to are one column, valid_to"),
        ({"valid_to": "valid_from"}, "valid_from and valid_to are one column, valid_from"),
        ({"valid_from": "a", "valid_to": "a"}, "valid_from and valid_to are one column,"),
        ({"valid_from": "price"}, "price and valid_from are one column,"),
    ],
)
def test_nor_are_two_of_dates_or_one_of_dates_and_another(
    tmp_path: Path, renamed: dict[str, str], cause: str
) -> None:
    goods = "product_id,category,price,a,valid_from,valid_to\np1,Toys,9.95,,,2024-02-01\n"
    folder = shop(tmp_path, "client no,tier\nc1,VIP\n", goods)
    with pytest.raises(ConfigError, match=cause):
        read_folder(folder, CLIENTS, PRODUCTS.called("goods", renamed))


def test_dates_may_change_their_places(tmp_path: Path) -> None:
    goods = "product_id,category,price,valid_from,valid_to\np1,Toys,9.95,,2024-02-01\n"
    folder = shop(tmp_path, "client no,tier\nc1,VIP\n", goods)
    swapped = PRODUCTS.called("goods", {"valid_from": "valid_to", "valid_to": "valid_from"})
    [row] = read_folder(folder, CLIENTS, swapped).products.to_pylist()
    assert (row["valid_from"], row["valid_to"]) == (date(2024, 2, 1), None)


def test_dates_that_need_not_be_there_are_not_said_to_be_needed(tmp_path: Path) -> None:
    goods = "product_id,category,price,valid_from,valid_to\np1,Toys,9.95,,2024-02-01\n"
    folder = shop(tmp_path, "client no,tier\nc1,VIP\n", goods)
    with pytest.raises(ConfigError, match="has no column nope") as caught:
        read_folder(folder, CLIENTS, PRODUCTS.called("goods", {"valid_from": "nope"}))
    assert "needs the columns product_id, category, price, nope, and has" in caught.value.remedy


def test_columns_of_parquet_have_other_names_too(tmp_path: Path) -> None:
    """Whole numbers are ids by their digits."""
    shop(tmp_path, "client no,tier\n1,VIP\n")
    (tmp_path / "goods.csv").unlink()
    table = {"list price": ["9.95"], "family": ["Toys"], "a.b": [1], "article": [7]}
    pq.write_table(pa.table(table), tmp_path / "goods.parquet")
    found = read_folder(tmp_path, CLIENTS, GOODS).products.to_pylist()
    assert found == [{"product_id": b"7", "category": "Toys", "price_minor": 995, **ALWAYS}]
    dotted = GOODS.called("goods", {**GOODS.renamed, "product_id": "a.b"})
    assert read_folder(tmp_path, CLIENTS, dotted).products["product_id"].to_pylist() == [b"1"]


def test_in_a_folder_a_select_is_a_wrong_setting(tmp_path: Path) -> None:
    folder = shop(tmp_path, "client no,tier\n")
    with pytest.raises(ConfigError, match=r"SALES_PRODUCTS is a SELECT, and .* a folder"):
        read_folder(folder, CLIENTS, GOODS.called("SELECT 1", {}))


@pytest.mark.parametrize("named", ["../clients", "/etc/clients", "a/b", "..", ""])
def test_a_table_leads_out_of_no_folder(tmp_path: Path, named: str) -> None:
    folder = shop(tmp_path, "client no,tier\n")
    with pytest.raises(ConfigError, match=r"SALES_CUSTOMERS: .* is no file's name"):
        read_folder(folder, CLIENTS.called(named, {}), GOODS)


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    folder = shop(tmp_path, "client no,tier\n")
    with pytest.raises(ConfigError, match=r"neither clients\.csv\.csv nor") as caught:
        read_folder(folder, CLIENTS.called("clients.csv", {}), GOODS)
    assert "SALES_CUSTOMERS names one without its ending" in caught.value.remedy
    assert "clients, goods" in caught.value.remedy


def test_a_decimal_comma_is_refused_with_its_line_and_what_to_write(tmp_path: Path) -> None:
    goods = "article;family;list price\n\np1;Toys;1.234,50\n"
    folder = shop(tmp_path, "client no,tier\n", goods)
    cause = r"goods\.csv: no valid price for 'p1' in row 3 \(1\.234,50 is no number\)"
    with pytest.raises(InputError, match=cause) as caught:
        read_folder(folder, CLIENTS, GOODS)
    assert "1234.50: a point before its decimals" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"client no,tier\n1,VIP\n2,Caf\xe9\n", r"row 3 \(b'Caf\\xe9'\): byte 0xE9"),
        (b"client no,caf\xe9,tier\n", "names of its columns are not UTF-8: byte 0xE9 in row 1"),
    ],
)
def test_another_encoding_is_told_with_file_line_and_byte(
    tmp_path: Path, text: bytes, cause: str
) -> None:
    with pytest.raises((ConfigError, InputError), match=rf"clients\.csv: .*{cause}"):
        read_folder(shop(tmp_path, text), CLIENTS, GOODS)


def test_a_loader_takes_the_names_too(tmp_path: Path) -> None:
    folder = shop(tmp_path, "client no;tier\n007;VIP\n")
    loader = DimensionLoader(
        folder,
        customers="clients",
        products="goods",
        customer_columns=CLIENTS.renamed,
        product_columns=GOODS.renamed,
    )
    assert loader.customers().to_numpy().tolist() == [["007", "VIP"]]
    assert loader.products().columns.tolist() == ["product_id", "category", "price"]
    with pytest.raises(ValueError, match="'tier' is no column of ours"):
        DimensionLoader(folder, customer_columns={"tier": "segment"})
