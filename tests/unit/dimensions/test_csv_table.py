"""Customers and products in CSV: read whole, or refused with the file and the row."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from pipeline_core.configuration.dimension_tables import CUSTOMERS
from pipeline_core.dimensions.csv_table import _read_any, _read_plain
from pipeline_core.dimensions.files import read_folder
from pipeline_core.errors import ConfigError, InputError

PRODUCTS = b"product_id,category,price\np1,Toys,9.95\n"


def shop(folder: Path, customers: bytes, products: bytes = PRODUCTS) -> Path:
    (folder / "customers.csv").write_bytes(customers)
    (folder / "products.csv").write_bytes(products)
    return folder


def segments(folder: Path) -> dict[str, str]:
    rows = read_folder(folder).customers.to_pylist()
    return {row["customer_id"].decode(): row["segment"] for row in rows}


def many(number: int) -> bytes:
    return b"".join(b"%d,VIP\n" % each for each in range(2, number))


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        (b'1,"VIP\n2,New\n', 'the quote that opens in row 2 does not end: 1,"VIP'),
        (b'1,VIP\n\n2,"', 'the quote that opens in row 4 does not end: 2,"'),
        (b'"1,VIP\n' + many(300_000), 'the quote that opens in row 2 does not end: "1,VIP'),
        (b'1,"VIP"x\n2,New\n', 'text after a closing quote in row 2: 1,"VIP"x'),
        (b'1,"VIP" \n2,New\n', 'text after a closing quote in row 2: 1,"VIP" '),
        (b'1,"a\\"b"\n2,New\n', r'text after a closing quote in row 2: 1,"a\"b"'),
        (
            b'1,"VIP\n2,New\n3,"VIP"\n',
            'the quote that opens in row 2 ends in row 4, with text after it: 1,"VIP',
        ),
    ],
)
def test_a_quote_that_is_amiss_is_refused_with_its_row(
    tmp_path: Path, rows: bytes, cause: str
) -> None:
    """Not taken for a cell that holds the rest of the table."""
    folder = shop(tmp_path, b"customer_id,segment\n" + rows)
    with pytest.raises(InputError, match=re.escape(f"customers.csv: {cause}.")) as caught:
        read_folder(folder)
    assert "with a quote" in caught.value.remedy


def test_a_quote_of_the_header_that_does_not_end_is_refused(tmp_path: Path) -> None:
    folder = shop(tmp_path, b'customer_id,"segment\n1,VIP\n')
    with pytest.raises(InputError, match=r"customers\.csv: the quote that opens in row 1 does"):
        read_folder(folder)


@pytest.mark.parametrize("size", [131_073, 3_000_000])
def test_a_cell_may_be_as_large_as_it_likes(tmp_path: Path, size: int) -> None:
    large = "é" * size
    assert segments(shop(tmp_path, f"customer_id,segment\n1,{large}\n2,New\n".encode())) == {
        "1": large,
        "2": "New",
    }


def test_every_row_of_a_long_table_is_read(tmp_path: Path) -> None:
    found = segments(shop(tmp_path, b"customer_id,segment\n" + many(140_000) + b'1,"a,\n""b"""'))
    assert len(found) == 139_999
    assert found["1"] == 'a,\n"b"'


def test_text_is_verbatim_whatever_the_ends_of_lines_and_quotes(tmp_path: Path) -> None:
    cells = {
        "1": ' a "b" c ',
        "2": "",
        "3": "a\r\nb\rc\nd",
        "4": 'x"',
        "5": "\0\x85\u2028\x1a\t",
        "6": "a;b|c'd\\",
    }
    written = {
        "1": ' a "b" c ',
        "2": '""',
        "3": '"a\r\nb\rc\nd"',
        "4": '"x"""',
        "5": "\0\x85\u2028\x1a\t",
        "6": "a;b|c'd\\",
    }
    for end in ("\n", "\r\n", "\r"):
        rows = ["segment,x,customer_id", *(f'{cell},"",{key}' for key, cell in written.items())]
        text = end.join(rows)
        assert segments(shop(tmp_path, text.encode())) == cells
        assert segments(shop(tmp_path, b"\xef\xbb\xbf" + (text + end * 2).encode())) == cells


def test_what_is_cut_up_is_what_the_reader_of_everything_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline_core.dimensions.csv_table._BLOCK_BYTES", 20)  # several blocks
    chosen, plain = random.Random(7), 0  # noqa: S311
    path = tmp_path / "customers.csv"
    for _ in range(500):
        cells = chosen.choices([b"1", b" a ", b"", b"\0", b"\xe9", b"b" * 30], k=30)
        rows = [b";".join(cells[at : at + 3]) for at in range(0, 3 * chosen.randrange(10), 3)]
        end = chosen.choice([b"\n", b"\r\n"])
        last = chosen.choice([b"", end])
        content = end.join([b"x;segment ;customer_id", *rows]) + last
        if chosen.random() < 0.3:
            at = chosen.randrange(22, len(content) + 1)
            content = content[:at] + chosen.choice([b"\r", b"\n", b";"]) + content[at:]
        mark = chosen.choice([b"", b"\xef\xbb\xbf"])
        path.write_bytes(mark + content)
        cut = _read_plain(path, CUSTOMERS, mark, ";")
        if cut is not None:
            plain += 1
            whole = _read_any(path, CUSTOMERS, mark, ";")
            assert cut.table.combine_chunks().equals(whole.table.combine_chunks()), content
            for index in range(cut.table.num_rows):
                assert cut.row(index) == whole.row(index)
    assert 250 < plain < 450


def test_a_first_column_in_quotes_may_follow_a_byte_order_mark(tmp_path: Path) -> None:
    folder = shop(tmp_path, b'\xef\xbb\xbf"customer_id","segment"\r\n1,VIP\r\n')
    assert segments(folder) == {"1": "VIP"}


@pytest.mark.parametrize(
    ("rows", "cause", "remedy"),
    [
        (b"1,VIP\n2\n", "row 3 has 1 cell, and the header 2: 2", "one cell for each column"),
        (b"1,a,b\n", "row 2 has 3 cells, and the header 2: 1,a,b", "in quotes if there is a comma"),
        (b"1,VIP,\n", "row 2 has 3 cells, and the header 2: 1,VIP,", "one cell for each column"),
        (b"\r\n# of May\r\n1,VIP\r\n", "row 3 has 1 cell, and the header 2: # of May", "remove it"),
        (b'1,"a\nb"\n2\n', "row 4 has 1 cell, and the header 2: 2", "one cell for each column"),
        (b"1,VIP\n \t\n", "row 3 has nothing but blanks", "Remove it"),
        (b"Caf\xe9\n", "row 2 has 1 cell, and the header 2: Caf\N{REPLACEMENT CHARACTER}", "it"),
        (b"x" * 99, f"row 2 has 1 cell, and the header 2: {'x' * 57}...", "one cell"),
    ],
)
def test_a_row_of_other_shape_is_refused_with_what_is_there(
    tmp_path: Path, rows: bytes, cause: str, remedy: str
) -> None:
    folder = shop(tmp_path, b"customer_id,segment\n" + rows)
    with pytest.raises(InputError, match=re.escape(f"customers.csv: {cause}.")) as caught:
        read_folder(folder)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("encoding", "cause"),
    [
        ("utf-16", r"customers\.csv is in UTF-16"),
        ("utf-32", r"customers\.csv is in UTF-32"),
        ("utf-16-le", r"customers\.csv: there are NUL bytes in its first line, as in UTF-16"),
        ("utf-16-be", r"customers\.csv: there are NUL bytes in its first line, as in UTF-16"),
    ],
)
def test_another_encoding_is_told_as_such(tmp_path: Path, encoding: str, cause: str) -> None:
    folder = shop(tmp_path, '"customer_id","segment"\n1,VIP\n'.encode(encoding))
    with pytest.raises(InputError, match=cause) as caught:
        read_folder(folder)
    assert "UTF-8" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"\n\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_header_is_told_to_be_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"customers\.csv is empty") as caught:
        read_folder(shop(tmp_path, content))
    assert "customer_id,segment" in caught.value.remedy


@pytest.mark.parametrize(
    ("customers", "products", "cause"),
    [
        ("\n,VIP\n2,New\n,New\n", "", r"customers\.csv: no customer_id in row 3, row 5\."),
        (
            '1,"a\nb"\n2,New\n\n1,VIP\n2,VIP\n1,New\n',
            "",
            r"customers\.csv: customer_id 1 stands twice \(row 2, row 6, row 8\),"
            r" 2 stands twice \(row 4, row 7\)\.",
        ),
        ("", "p,T,1\n,T,1\n", r"products\.csv: no product_id in row 3\."),
        ("", "p,T,1\np,T,1\n", r"products\.csv: product_id p stands twice \(row 2, row 3\)\."),
        (
            "",
            'p,"T\n",1\n1,T,"1,10"\n',
            r"products\.csv: no valid price for '1' in row 4 \(1,10 is no number\)\.",
        ),
    ],
)
def test_a_wrong_value_is_told_with_file_and_row(
    tmp_path: Path, customers: str, products: str, cause: str
) -> None:
    folder = shop(
        tmp_path,
        f"customer_id,segment\n{customers}".encode(),
        f"product_id,category,price\n{products}".encode(),
    )
    with pytest.raises(InputError, match=cause):
        read_folder(folder)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", r"a zip or a workbook \(\.xlsx\)"),
        (b"\xd0\xcf\x11\xe0rest", r"a workbook \(\.xls\)"),
        (b"\x1f\x8brest", "packed by gzip"),
        (b"PAR1rest", "Parquet"),
    ],
)
def test_a_file_of_another_format_is_told_as_such(
    tmp_path: Path, content: bytes, what: str
) -> None:
    with pytest.raises(InputError, match=rf"customers\.csv is {what}, not CSV"):
        read_folder(shop(tmp_path, content))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_text_of_an_office_is_told_with_what_converts_it(tmp_path: Path, encoding: str) -> None:
    for content in ("customer_id,segment\n1,Café\n", "café,customer_id,segment\n1,1,VIP\n"):
        with pytest.raises((ConfigError, InputError), match="not UTF-8") as caught:
            read_folder(shop(tmp_path, content.encode(encoding)))
        assert "iconv -f WINDOWS-1252 -t UTF-8" in caught.value.remedy


def test_letter_case_of_files_and_columns_is_of_no_account(tmp_path: Path) -> None:
    (tmp_path / "Customers.CSV").write_bytes(b"Customer_ID;Segment\n1;VIP\n")
    (tmp_path / "PRODUCTS.csv").write_bytes(b"PRODUCT_ID,Category,Price,Valid_From\np1,Toys,1,\n")
    assert segments(tmp_path) == {"1": "VIP"}
    assert read_folder(tmp_path).products.num_rows == 1


def test_what_is_written_as_ours_comes_first(tmp_path: Path) -> None:
    folder = shop(tmp_path, b"SEGMENT,Customer_Id,segment,CUSTOMER_ID\na,b,VIP,d\n")
    with pytest.raises(ConfigError, match="has no column customer_id") as caught:
        read_folder(folder)
    assert "has SEGMENT, Customer_Id, segment, CUSTOMER_ID" in caught.value.remedy
    shop(folder, b"SEGMENT,Customer_Id,segment\na,1,VIP\n")
    assert segments(folder) == {"1": "VIP"}


def test_two_files_that_differ_by_letter_case_are_told(tmp_path: Path) -> None:
    folder = shop(tmp_path, b"customer_id,segment\n1,VIP\n")
    (folder / "Customers.CSV").write_bytes(b"customer_id,segment\n1,New\n")
    assert segments(folder) == {"1": "VIP"}
    (folder / "customers.csv").rename(folder / "CUSTOMERS.csv")
    with pytest.raises(ConfigError, match=r"both CUSTOMERS\.csv and Customers\.CSV"):
        read_folder(folder)


def test_all_columns_that_are_missing_are_told_at_once(tmp_path: Path) -> None:
    folder = shop(tmp_path, b"id,kind,kind\n", b"sku,family,price,price\n")
    with pytest.raises(ConfigError, match=r"no column customer_id and no segment\.") as caught:
        read_folder(folder)
    assert "has id, kind, kind." in caught.value.remedy
    assert "SALES_CUSTOMER_COLUMNS=customer_id=...,segment=... says" in caught.value.remedy
    shop(folder, b"customer_id,segment\n", b"sku,family,price,price\n")
    told = r"no column product_id and no category and two columns price\."
    with pytest.raises(ConfigError, match=told):
        read_folder(folder)


def test_a_folder_with_tables_of_other_formats_is_told_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "customers.xlsx").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"has neither customers\.csv nor") as caught:
        read_folder(tmp_path)
    assert "holds no .csv and no .parquet, but customers.xlsx" in caught.value.remedy


def test_a_table_of_another_format_beside_others_is_named(tmp_path: Path) -> None:
    folder = shop(tmp_path, b"customer_id,segment\n")
    (folder / "products.csv").rename(folder / "Products.xlsx")
    with pytest.raises(ConfigError, match=r"has neither products\.csv nor") as caught:
        read_folder(folder)
    assert "Products.xlsx is not read: save it as .csv or .parquet." in caught.value.remedy


def test_rows_that_are_wrong_are_told_as_one_or_as_several(tmp_path: Path) -> None:
    for rows, told in ((b",VIP\n", "Correct that row."), (b",A\n,B\n", "Correct these rows.")):
        with pytest.raises(InputError) as caught:
            read_folder(shop(tmp_path, b"customer_id,segment\n" + rows))
        assert caught.value.remedy == told
