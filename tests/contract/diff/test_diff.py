"""Every change between two reports has its causes, and they add up to the last decimal."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.diff import compare
from pipeline_core.diff.sentences import because
from pipeline_core.errors import ConfigError, ContractError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Limits
from pipeline_core.reuse.memory import rules_of_now
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.differences import causes, diff
from tests.support.run import plan_local, run_local
from tests.support.successive import Runs, opened_extracts

CUSTOMERS = [("anna", "2020-01-01", "Retail"), ("ben", "", "VIP"), ("cleo", "", "VIP")]
PRODUCTS = [("pen", "Pen", "Toys", "3.50"), ("pie", "Pie", "Food", "2.00")]
MONDAY = [purchase("anna", "pen", 2), purchase("ben", "pen", 1), purchase("ben", "pie", 3)]
TUESDAY = [purchase("cleo", "pen", 4), purchase("anna", "pie", 1)]
# What counts only when somebody gets known, or with --unknown bucket.
UNKNOWN = [purchase("zoe", "pen", 1), purchase("ben", "pot", 5), purchase(None, "pen", 2)]


def archive(name: str, *events: object) -> bytes:
    return archive_zip({name: day_zip({"part.json": part(list(events))})})


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A shop that was published once: Toys / VIP 17.50, Toys / Retail 7.00, Food / VIP 6.00 and
    Food / Retail 2.00."""
    archives = {
        "week_1.zip": archive("2024-01-01.zip", *MONDAY),
        "week_2.zip": archive("2024-01-08.zip", *TUESDAY, *UNKNOWN, 5, purchase(quantity=0)),
    }
    runs = Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "runs")
    runs.run()
    return runs


def put(runs: Runs, name: str, data: bytes) -> None:
    (runs.shop.data / name).write_bytes(data)


def restate(runs: Runs, name: str, old: str, new: str) -> None:
    path = runs.shop.dimensions / f"{name}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_nothing_changed(runs: Runs) -> None:
    runs.run()
    found = diff(runs)
    assert (found.before.run_id, found.after.run_id) == ("run-001", "run-002")
    assert (found.cells, found.kinds, found.revenue, found.units) == ((), (), "0.00", 0)


def test_a_new_archive(runs: Runs) -> None:
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    assert causes(diff(runs)) == {("Food", "Retail"): [("new_archive", "week_3.zip", "10.00", 5)]}


def test_an_archive_that_vanished(runs: Runs) -> None:
    (runs.shop.data / "week_2.zip").unlink()
    runs.run()
    assert causes(diff(runs)) == {
        ("Toys", "VIP"): [("vanished_archive", "week_2.zip", "-14.00", -4)],
        ("Food", "Retail"): [("vanished_archive", "week_2.zip", "-2.00", -1)],
    }


def test_a_corrected_day(runs: Runs) -> None:
    put(runs, "week_1.zip", archive("2024-01-01.zip", purchase("anna", "pen", 3), *MONDAY[1:]))
    runs.run()
    found = diff(runs)
    assert causes(found) == {("Toys", "Retail"): [("corrected_archive", "week_1.zip", "3.50", 1)]}
    assert found.cells[0].causes[0].day == "2024-01-01.zip"


def test_as_many_units_by_other_customers_is_a_change_without_a_cause(runs: Runs) -> None:
    twice = [*MONDAY[1:], purchase("anna", "pen", 1), purchase("ann", "pen", 1)]
    restate(runs, "customers", '"anna"', '"ann","2020-01-01","Retail"\n"anna"')
    runs.run()
    put(runs, "week_1.zip", archive("2024-01-01.zip", *twice))
    runs.run()
    [cell] = diff(runs).cells
    assert (cell.revenue, cell.units, cell.causes) == ("0.00", 0, ())
    assert (cell.before.customers, cell.after.customers) == (1, 2)


def test_a_renamed_archive_changes_nothing(runs: Runs) -> None:
    (runs.shop.data / "week_2.zip").rename(runs.shop.data / "woche_2.zip")
    runs.run()
    assert diff(runs).cells == ()


def test_a_day_that_counts_elsewhere_now_changes_nothing(runs: Runs) -> None:
    put(runs, "copy.zip", (runs.shop.data / "week_1.zip").read_bytes())
    both = {
        "again/2024-01-08.zip": day_zip(
            {"part.json": part([*TUESDAY, *UNKNOWN, 5, purchase(quantity=0)])}
        ),
        "2024-01-15.zip": day_zip({"part.json": part([purchase("anna", "pie", 5)])}),
    }
    put(runs, "other.zip", archive_zip(both))
    runs.run()
    new = {("Food", "Retail"): [("new_archive", "other.zip", "10.00", 5)]}
    assert causes(diff(runs)) == new
    for name in ("week_1.zip", "week_2.zip"):
        (runs.shop.data / name).unlink()
    runs.run()
    assert diff(runs).cells == ()
    assert causes(diff(runs, "run-001")) == new


def test_a_restated_price(runs: Runs) -> None:
    restate(runs, "products", "3.50", "2.99")
    runs.run()
    found = diff(runs)
    assert causes(found) == {
        ("Toys", "VIP"): [("restated_price", "pen", "-2.55", 0)],
        ("Toys", "Retail"): [("restated_price", "pen", "-1.02", 0)],
    }
    cause = found.cells[0].causes[0]
    assert (cause.before, cause.after) == ("3.50", "2.99")


@pytest.mark.parametrize("label", ["Toys", "Brand new", ""])
def test_a_moved_category(runs: Runs, label: str) -> None:
    restate(runs, "products", '"Food"', f'"{label}"')
    runs.run()
    found = diff(runs)
    there = {
        (label, "VIP"): [("moved_category", "pie", "6.00", 3)],
        (label, "Retail"): [("moved_category", "pie", "2.00", 1)],
    }
    assert causes(found) == (there if label else {}) | {
        ("Food", "VIP"): [("moved_category", "pie", "-6.00", -3)],
        ("Food", "Retail"): [("moved_category", "pie", "-2.00", -1)],
    }
    cause = found.cells[-1].causes[0]
    assert (cause.before, cause.after) == ("Food", label)


@pytest.mark.parametrize("label", ["Retail", "Staff", ""])
def test_a_moved_segment(runs: Runs, label: str) -> None:
    restate(runs, "customers", '"cleo","","VIP"', f'"cleo","","{label}"')
    runs.run()
    found = diff(runs)
    there = {("Toys", label): [("moved_segment", "cleo", "14.00", 4)]} if label else {}
    assert causes(found) == there | {("Toys", "VIP"): [("moved_segment", "cleo", "-14.00", -4)]}
    [cell] = [cell for cell in found.cells if cell.segment == "VIP"]
    assert (cell.causes[0].before, cell.causes[0].after) == ("VIP", label)
    assert (cell.before.customers, cell.after.customers) == (2, 1)


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
def test_a_product_becomes_known_and_is_gone_again(runs: Runs, unknown: str) -> None:
    runs.run(unknown=unknown)
    before = (runs.shop.dimensions / "products.csv").read_text()
    (runs.shop.dimensions / "products.csv").write_text(before + '"pot","Pot","Food","1.10"\n')
    runs.run(unknown=unknown)
    known = {("Food", "VIP"): [("known_product", "pot", "5.50", 5)]}
    gone = {("Food", "VIP"): [("gone_product", "pot", "-5.50", -5)]}
    if unknown == "bucket":
        known[("Unknown", "VIP")] = [("known_product", "pot", "0.00", -5)]
        gone[("Unknown", "VIP")] = [("gone_product", "pot", "0.00", 5)]
    assert causes(diff(runs)) == known
    (runs.shop.dimensions / "products.csv").write_text(before)
    runs.run(unknown=unknown)
    assert causes(diff(runs)) == gone


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
def test_a_customer_becomes_known_and_is_gone_again(runs: Runs, unknown: str) -> None:
    runs.run(unknown=unknown)
    before = (runs.shop.dimensions / "customers.csv").read_text()
    (runs.shop.dimensions / "customers.csv").write_text(before + '"zoe","","Retail"\n')
    runs.run(unknown=unknown)
    known = {("Toys", "Retail"): [("known_customer", "zoe", "3.50", 1)]}
    gone = {("Toys", "Retail"): [("gone_customer", "zoe", "-3.50", -1)]}
    if unknown == "bucket":
        known[("Toys", "Unknown")] = [("known_customer", "zoe", "-3.50", -1)]
        gone[("Toys", "Unknown")] = [("gone_customer", "zoe", "3.50", 1)]
    assert causes(diff(runs)) == known
    (runs.shop.dimensions / "customers.csv").write_text(before)
    runs.run(unknown=unknown)
    assert causes(diff(runs)) == gone


def test_another_rule_for_the_unknown(runs: Runs) -> None:
    runs.run(unknown="bucket")
    found = diff(runs)
    assert causes(found) == {
        ("Toys", "Unknown"): [("changed_unknown", "", "10.50", 3)],
        ("Unknown", "VIP"): [("changed_unknown", "", "0.00", 5)],
    }
    assert (found.cells[0].causes[0].before, found.cells[0].causes[0].after) == ("reject", "bucket")


def test_a_category_called_unknown_is_the_bucket(runs: Runs) -> None:
    runs.run(unknown="bucket")
    restate(runs, "products", '"Food"', '"Unknown"')
    runs.run(unknown="bucket")
    assert ("Unknown", "VIP") in causes(diff(runs))
    runs.run()
    assert {cause.kind for cell in diff(runs).cells for cause in cell.causes} == {"changed_unknown"}


@pytest.mark.parametrize("limits", [Limits(event_bytes=95), Limits(archive_bytes=700)])
def test_other_limits(runs: Runs, limits: Limits) -> None:
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5, note="n" * 9)))
    put(runs, "week_4.zip", archive("2024-01-16.zip", purchase("anna", "pie", 6), *[7] * 999))
    runs.run(limits=Limits())
    summary = runs.run(limits=limits)
    assert summary["unreadable"]
    kinds = {cause.kind for cell in diff(runs).cells for cause in cell.causes}
    assert kinds == {"changed_limits"}
    (runs.shop.data / "week_1.zip").unlink()
    runs.run(limits=Limits())
    kinds = {cause.kind for cell in diff(runs).cells for cause in cell.causes}
    assert kinds == {"changed_limits", "vanished_archive"}


def test_what_cannot_be_read_any_more_and_what_can_again(runs: Runs) -> None:
    data = {name: (runs.shop.data / name).read_bytes() for name in ("week_1.zip", "week_2.zip")}
    put(runs, "week_1.zip", b"no zip")
    put(runs, "week_2.zip", archive_zip({"2024-01-08.zip": b"no zip"}))
    runs.run()
    found = diff(runs)
    assert causes(found)["Food", "VIP"] == [("unreadable", "week_1.zip", "-6.00", -3)]
    assert causes(found)["Food", "Retail"] == [("unreadable", "week_2.zip", "-2.00", -1)]
    days = {cause.name: cause.day for cell in found.cells for cause in cell.causes}
    assert days == {"week_1.zip": "", "week_2.zip": "2024-01-08.zip"}
    for name, content in data.items():
        put(runs, name, content)
    runs.run()
    assert causes(diff(runs))["Food", "VIP"] == [("readable", "week_1.zip", "6.00", 3)]
    assert diff(runs, "run-001").cells == ()


def test_more_decimals(runs: Runs) -> None:
    products = runs.shop.dimensions / "products.csv"
    products.write_text(products.read_text() + '"pot2","Pot","Food","1.1000"\n')
    runs.run()
    assert diff(runs).cells == (), "the same money with more decimals"
    restate(runs, "products", "3.50", "3.5001")
    runs.run()
    found = diff(runs, "run-001", "run-003")
    assert causes(found)["Toys", "VIP"] == [("restated_price", "pen", "0.0005", 0)]
    assert found.cells[0].before.revenue == "17.5000"
    assert found.before.totals.total_revenue == "32.50"
    assert causes(diff(runs, "run-003", "run-001"))["Toys", "Retail"] == [
        ("restated_price", "pen", "-0.0002", 0)
    ]


def test_prices_that_have_more_than_64_bits_at_the_larger_scale(runs: Runs) -> None:
    restate(runs, "products", '"3.50"', '"900000000000000"')
    restate(runs, "products", '"2.00"', '"2"')
    runs.run()
    restate(runs, "products", '"900000000000000"', '"0.000000000000001"')
    runs.run()
    [vip, retail] = [cell for cell in diff(runs).cells if cell.category == "Toys"]
    assert vip.revenue == "-4499999999999999.999999999999995"
    assert retail.causes[0].before == "900000000000000.000000000000000"


def test_many_causes_at_once(runs: Runs) -> None:
    put(runs, "week_1.zip", archive("2024-01-01.zip", purchase("anna", "pen", 3), *MONDAY[1:]))
    put(runs, "week_3.zip", archive("2024-01-15.zip", *UNKNOWN, *MONDAY))
    restate(runs, "products", '"Toys","3.50"', '"Games","2.99"')
    restate(runs, "products", '"pie"', '"pot"')
    restate(runs, "customers", '"cleo","","VIP"', '"zoe","","Retail"')
    restate(runs, "customers", '"ben","","VIP"', '"ben","","Retail"')
    runs.run(unknown="bucket")
    kinds = {cause.kind.value for cell in diff(runs).cells for cause in cell.causes}
    assert kinds == {
        *("new_archive", "corrected_archive", "restated_price", "moved_category"),
        *("moved_segment", "known_product", "gone_product", "known_customer", "gone_customer"),
        "changed_unknown",
    }
    diff(runs, "run-002", "run-001")


def test_causes_too_many_to_name_are_one(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "MOST_NAMED", 1)
    bought = [purchase(customer, "pen", 1) for customer in ("dan", "eve", "fred")]
    put(runs, "week_3.zip", archive("2024-01-15.zip", *bought, purchase("fred", "pie", 2)))
    customers = runs.shop.dimensions / "customers.csv"
    customers.write_text(
        customers.read_text() + '"dan","","VIP"\n"eve","","New"\n"fred","","New"\n'
    )
    runs.run()
    restate(runs, "customers", '"VIP"', '"Gold"')
    restate(runs, "customers", '"New"', '"Gold"')
    runs.run()
    found = {(cell.category, cell.segment): cell for cell in diff(runs).cells}
    assert [
        (cause.name, cause.before, cause.after, cause.revenue, cause.others)
        for cause in found["Toys", "Gold"].causes
    ] == [
        ("cleo", "VIP", "Gold", "14.00", 0),
        ("", "VIP", "Gold", "7.00", 2),
        ("eve", "New", "Gold", "3.50", 0),
        ("fred", "New", "Gold", "3.50", 0),
    ], "of two that are alike, none is the others"
    restate(runs, "products", "3.50", "2.99")
    restate(runs, "products", "2.00", "2.01")
    runs.run()
    assert {cause.others for cell in diff(runs).cells for cause in cell.causes} == {0}


def test_days_of_both_runs_are_read_once(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    (runs.shop.data / "week_1.zip").unlink()
    runs.run()
    opened = opened_extracts(monkeypatch)
    diff(runs)
    assert len(opened) == len(set(opened)) == 3


def test_an_archive_in_shares(runs: Runs) -> None:
    days = {
        f"2024-02-0{number}.zip": day_zip({"1.json": part([purchase("anna", "pie", number)] * 9)})
        for number in range(1, 8)
    }
    put(runs, "week_3.zip", archive_zip(days))
    outcome = run_local(runs.shop, runs.folder, processes=2)
    manifest = RunLedger(open_storage(str(runs.folder / "state")), outcome.run_id).manifest()
    assert any(archive.shares for archive in manifest.archives)
    found = diff(runs, "run-001", outcome.run_id)
    assert causes(found) == {("Food", "Retail"): [("new_archive", "week_3.zip", "504.00", 252)]}


def test_extracts_that_are_gone_are_made_again(runs: Runs) -> None:
    restate(runs, "products", "3.50", "2.99")
    runs.run()
    for extract in (runs.folder / "state" / "kept" / "extracts").rglob("*.arrow"):
        extract.unlink()
    assert len(diff(runs).cells) == 2
    for extract in (runs.folder / "state" / "kept" / "extracts").rglob("*.arrow"):
        extract.unlink()
    (runs.shop.data / "week_1.zip").unlink()
    with pytest.raises(ConfigError, match=r"week_1.zip.*not kept"):
        diff(runs)


def test_a_report_that_was_changed_is_not_explained(runs: Runs) -> None:
    runs.run()
    restate(runs, "products", "3.50", "2.99")
    runs.run()
    reports = runs.folder / "reports" / "runs"
    other = (reports / "run-003" / "sales_report.parquet").read_bytes()
    (reports / "run-002" / "sales_report.parquet").write_bytes(other)
    with pytest.raises(ContractError, match=r"run-002 .* 2 cells differ, such as Toys / Retail"):
        diff(runs)
    (reports / "run-002" / "sales_report.parquet").unlink()
    with pytest.raises(ConfigError, match="report of run run-002 is gone"):
        diff(runs)
    assert len(diff(runs, "run-001", "run-003").cells) == 2


def test_two_published_runs_are_needed(runs: Runs) -> None:
    with pytest.raises(ConfigError, match="no two published runs"):
        diff(runs)
    assert diff(runs, "run-001").cells == ()
    with pytest.raises(ConfigError, match="no run 'nonsense'"):
        diff(runs, "nonsense", "run-001")
    plan_local(runs.shop, runs.folder, run_id="run-002")
    with pytest.raises(ConfigError, match="run-002 is not published"):
        diff(runs, "run-001", "run-002")
    with pytest.raises(ConfigError, match="no two published runs"):
        diff(runs)


def _by_other_rules(runs: Runs, run_id: str, rules: str, old: str, new: str) -> None:
    """The run is one that an earlier version made, which counted otherwise."""
    manifest = runs.folder / "state" / "runs" / run_id / "manifest.json"
    now = f'"rules": "{rules_of_now()}"'
    assert now in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(now, f'"rules": "{rules}"'))
    folder = runs.folder / "reports" / "runs" / run_id
    text = (folder / "sales_report.csv").read_text()
    assert old in text
    (folder / "sales_report.csv").write_text(text.replace(old, new))
    table = pq.read_table(folder / "sales_report.parquet")
    rows = csv.DictReader(io.StringIO(text.replace(old, new)))
    changed = [{**row, "total_revenue": Decimal(row["total_revenue"])} for row in rows]
    columns = {name: [row[name] for row in changed] for name in table.column_names}
    for name in ("units_sold", "unique_customers"):
        columns[name] = [int(value) for value in columns[name]]
    pq.write_table(pa.table(columns, table.schema), folder / "sales_report.parquet")


def test_other_rules_of_the_program(runs: Runs) -> None:
    _by_other_rules(runs, "run-001", "0.9", "Toys,VIP,17.50,5", "Toys,VIP,18.50,6")
    restate(runs, "products", "3.50", "3.00")
    runs.run()
    found = diff(runs)
    now = rules_of_now()
    assert causes(found)["Toys", "VIP"] == [
        ("restated_price", "pen", "-2.50", 0),
        ("changed_rules", "", "-1.00", -1),
    ]
    cell = next(cell for cell in found.cells if cell.segment == "VIP")
    assert because(cell.causes[1]) == (
        f"another version of this program counts by other rules ({now}, 0.9 before)"
    )
    back = diff(runs, "run-002", "run-001")
    _by_other_rules(runs, "run-002", now, "Toys,VIP,15.00", "Toys,VIP,15.01")
    with pytest.raises(ContractError, match=r"run-002 .* 1 cell differs"):
        diff(runs)
    assert ("changed_rules", "", "1.00", 1) in causes(back)["Toys", "VIP"]


@pytest.mark.parametrize("rules", ["0.9", rules_of_now()])
def test_the_same_rules_explain_no_difference(runs: Runs, rules: str) -> None:
    """Of an earlier version, too: nobody knows what it would make of today's archives."""
    runs.run()
    _by_other_rules(runs, "run-001", rules, "Toys,VIP,17.50,5", "Toys,VIP,18.50,6")
    _by_other_rules(runs, "run-002", rules, "Toys", "Toys")
    with pytest.raises(ContractError, match=r"run-001 .* 1 cell differs, such as Toys / VIP"):
        diff(runs)


def test_a_category_that_no_product_has_is_not_explained(runs: Runs) -> None:
    _by_other_rules(runs, "run-001", "0.9", "Toys,VIP", "Cars,VIP")
    runs.run()
    with pytest.raises(ContractError, match="run-001 has Cars / VIP"):
        diff(runs)
