"""Delivery of published runs as a workbook."""

from __future__ import annotations

import os
import zipfile
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from pipeline_core.configuration.destinations import Destination, parse_destinations
from pipeline_core.delivery import workbook
from pipeline_core.delivery.rows import published_rows
from pipeline_core.delivery.send import try_out
from pipeline_core.delivery.workbook import write_workbook
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.ledger import RunLedger, open_state
from tests.support.archives import part, purchase
from tests.support.delivered import CELLS, DAYS, made_up
from tests.support.run import run_local, shop_of
from tests.support.workbooks import converted, has_formula, sheets

_HEADER = ["category", "customer_segment", "total_revenue", "units_sold", "unique_customers"]


def _destination(path: Path) -> Destination:
    [found] = parse_destinations(f"file+xlsx://{path}")
    return found


def test_sheets_say_what_the_files_say(tmp_path: Path) -> None:
    shop = shop_of(
        tmp_path,
        part([purchase("c1", "p1", 2), purchase("c1", "p2", 3), purchase("c1", "gone")]),
        customers=[("c1", "2020-01-01", "=1+1")],
        products=[("p1", "Pen", "http://a.b", "0.10"), ("p2", "Odd", "007", "12345678901234.57")],
    )
    outcome = run_local(shop, tmp_path)
    ledger = RunLedger(open_state(str(tmp_path / "state")), outcome.run_id)
    path = tmp_path / "report.xlsx"
    assert write_workbook(_destination(path), published_rows(ledger)) is None
    found = sheets(path)
    assert [*found] == ["Report", "Daily", "Months", "Left out", "Facts"]
    assert found["Report"] == [
        _HEADER,
        ["007", "=1+1", "37037036703703.71", 3.0, 1.0],  # 16 digits: a number would be rounded
        ["http://a.b", "=1+1", 0.2, 2.0, 1.0],
    ]
    assert found["Daily"][2] == [45352.0, "http://a.b", "=1+1", 0.2, 2.0]
    assert found["Months"][1] == [45352.0, "007", "=1+1", "37037036703703.71", 3.0]
    assert found["Left out"][1] == ["unknown_product", 1.0, 1.0, None, 0.0, 1.0]
    facts = {row[0]: row[1] for row in found["Facts"]}
    assert (facts["run_id"], facts["units_sold"]) == (outcome.run_id, 5.0)
    assert facts["total_revenue"] == "37037036703703.91"
    assert facts["note"] == "Numbers of more than 15 digits are texts."
    assert not has_formula(path)
    with zipfile.ZipFile(path) as opened:
        report = opened.read("xl/worksheets/sheet1.xml")
        assert b'state="frozen"' in report
        assert b'<autoFilter ref="A1:E3"/>' in report
        assert b'formatCode="#,##0.00"' in opened.read("xl/styles.xml")


@pytest.mark.parametrize(
    ("money", "cell"),
    [
        ("123456789012345", 123456789012345.0),
        ("1234567890123.45", 1234567890123.45),
        ("-0.000000000000001", -1e-15),
        ("1234567890123456", "1234567890123456"),
        ("12345678901234.50", "12345678901234.50"),
    ],
)
def test_money_is_a_number_while_that_is_exact(
    tmp_path: Path, money: str, cell: float | str
) -> None:
    run = made_up(1)
    run.tables["sales_report"][:] = [("a", "b", money, "1", "1", "r0001")]
    write_workbook(_destination(tmp_path / "a.xlsx"), run)
    found = sheets(tmp_path / "a.xlsx")
    assert found["Report"][1][2] == cell
    assert ("note" in [row[0] for row in found["Facts"]]) == isinstance(cell, str)


def test_a_day_without_a_date_stays_empty(tmp_path: Path) -> None:
    write_workbook(_destination(tmp_path / "a.xlsx"), made_up(2))
    found = sheets(tmp_path / "a.xlsx")
    assert len(found["Daily"]) == CELLS * DAYS + 1
    assert found["Daily"][1] == [None, "of r0002 0", "Retail", 2.5, 2.0]
    months = [row for row in found["Months"] if row[1] == "of r0002 0"]
    assert months == [
        [None, "of r0002 0", "Retail", 2.5, 2.0],
        [45352.0, "of r0002 0", "Retail", 17.5, 14.0],
    ]


def test_the_same_run_makes_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one.xlsx", tmp_path / "other.xlsx"
    for path in (one, other):
        write_workbook(_destination(path), made_up(1))
    assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.xlsx", "other.xlsx"]


def test_an_older_run_never_takes_the_place_of_a_newer_one(tmp_path: Path) -> None:
    destination = _destination(tmp_path / "a.xlsx")
    write_workbook(destination, made_up(2))
    assert write_workbook(destination, made_up(1)) == "r0002"
    write_workbook(destination, made_up(3, as_of=date(2024, 3, 31)))
    assert write_workbook(destination, made_up(2)) is None
    assert try_out(destination) == "can be written; run r0002 stands there"


def test_a_link_leads_to_the_workbook(tmp_path: Path) -> None:
    link, target = tmp_path / "link.xlsx", tmp_path / "shared.xlsx"
    link.symlink_to(target)
    for number in (1, 2):
        assert write_workbook(_destination(link), made_up(number)) is None
        assert link.is_symlink()
        assert try_out(_destination(target)) == f"can be written; run r000{number} stands there"
        assert not target.is_symlink()


@pytest.mark.parametrize("content", [b"", b"their own", b"PK\5\6" + bytes(18)])
def test_a_file_that_is_not_ours_is_never_touched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    destination = _destination(path)
    for refused in (
        partial(write_workbook, destination, made_up(1)),
        partial(try_out, destination),
    ):
        with pytest.raises(ConfigError, match=r"a\.xlsx is not of sales-pipeline"):
            refused()
    assert path.read_bytes() == content


def test_what_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(_destination(path), made_up(1))
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RetryableError, match="No space left"):
        write_workbook(_destination(path), made_up(2))
    monkeypatch.undo()
    run = made_up(2)
    run.tables["sales_report"].append(("x" * 32_768, "b", "1.00", "1", "1", "r0002"))
    with pytest.raises(ConfigError, match="The sheet Report has no room"):
        write_workbook(_destination(path), run)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    destination = _destination(tmp_path / "nowhere" / "a.xlsx")
    for refused in (
        partial(write_workbook, destination, made_up(1)),
        partial(try_out, destination),
    ):
        with pytest.raises(ConfigError, match="There is no folder"):
            refused()


def test_another_that_was_quicker_with_a_newer_run_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.xlsx"
    written = workbook.save_workbook

    def overtaken(beside: Path, run: object) -> None:
        monkeypatch.undo()
        write_workbook(_destination(path), made_up(5))
        written(beside, made_up(4))

    monkeypatch.setattr(workbook, "save_workbook", overtaken)
    assert write_workbook(_destination(path), made_up(4)) == "r0005"
    assert try_out(_destination(path)).endswith("run r0005 stands there")


def test_libreoffice_reads_the_same_figures(tmp_path: Path) -> None:
    run = made_up(7)
    run.tables["sales_report"][:] = [
        ("=1+1", "Retail", "1234567890123.45", "3", "2", "r0007"),
        ("007", "@a", "12345678901234567.89", "-1", "0", "r0007"),
    ]
    write_workbook(_destination(tmp_path / "report.xlsx"), run)
    found = converted(tmp_path / "report.xlsx", tmp_path)
    assert found["Report"] == [
        _HEADER,
        ["=1+1", "Retail", "1234567890123.45", "3", "2"],
        ["007", "@a", "12345678901234567.89", "-1", "0"],
    ]
    _, *days = found["Daily"]
    assert len(days) == CELLS * DAYS
    assert sum(Decimal(row[3]) for row in days) == CELLS * DAYS * Decimal("7.50")
    assert {row[0] for row in days} == {"", *(f"2024-03-{day:02d}" for day in range(2, DAYS + 1))}
