"""What came back: left out by default, subtracted, or in a report of its own."""

from __future__ import annotations

import re
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from console.command import cli
from pipeline_core.diff.compare import difference
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import DriftLimits, Outcome, Returns, ReturnsMode
from pipeline_core.messages.reconciliation import PurchaseSum
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, ReturnedThere
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.reconciliation.words import in_one_line
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, part, purchase
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.run import latest, rejects, rows, run_local, shop_of, summary, text, week
from tests.support.verified import assert_agrees
from tests.support.whole_runs import whole_runs

CUSTOMERS = (("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "Retail"))
PRODUCTS = (("p1", "Pen", "Office", "0.10"), ("p2", "Cap", "Toys", "9.95"))
TYPES = {"SALES_RETURN_TYPES": "refund,Order Refunded"}


def run(shop: Shop, folder: Path, settings: dict[str, str], **options: Any) -> Outcome:
    """Whose report is the oracle's, and verify's."""
    outcome = run_local(shop, folder, feed=feed_of(settings), **options)
    expected = compute(shop.data, shop.dimensions, feed=settings, **options)
    assert text(folder) == expected.sales_report.decode()
    assert text(folder, "daily_sales.csv") == expected.daily_sales.decode()
    assert_agrees(folder, outcome)
    return outcome


def refund(quantity: Any, **fields: Any) -> dict[str, Any]:
    return purchase(quantity=quantity, **fields) | {"event_type": "refund"}


def test_events_of_a_type_that_is_a_return_are_returns(tmp_path: Path) -> None:
    other = refund(1) | {"event_type": "Order Refunded"}
    bad = [refund(each) for each in (0, -1, 2**31, 1.5, None)]
    events = [purchase(quantity=5), refund(3), refund(2**31 - 1), other, *bad]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    outcome = run(shop, tmp_path, TYPES)
    assert [row["reason"] for row in rejects(tmp_path)] == ["return"] * 3 + ["invalid_quantity"] * 5
    assert summary(outcome).rejected["return"].units == -3 - (2**31 - 1) - 1
    assert rows(tmp_path) == [["Office", "Retail", "0.50", "5", "1"]]
    without = run(shop, tmp_path / "without", {})
    assert summary(without).events.not_purchase == 8


@pytest.mark.parametrize("returns", ["reject", "net"])
def test_a_return_of_no_quantity_was_no_purchase_that_is_lost(
    tmp_path: Path, returns: ReturnsMode
) -> None:
    """Whatever is wrong with it, and whoever brought it back."""
    bad = [refund(-1), refund("two"), refund(2, customer=None), refund(0, customer=None)]
    events = part([purchase(quantity=5), purchase(quantity=0), refund(1), *bad])
    own = shop_of(tmp_path, events, customers=CUSTOMERS, products=PRODUCTS)
    for name, settings in (("once", {}), ("keyed", {"SALES_EVENT_ID": "quantity,customer_id"})):
        folder = tmp_path / name
        outcome = run(own, folder, TYPES | settings, returns=returns)
        told = reconciled(summary(outcome))
        assert (told.bought.purchases, told.left_out.purchases) == (2, 1)
        lines = {line.words: line.figures for line in told.returns}
        assert lines["returns: invalid quantities"] == PurchaseSum(
            purchases=2, units=None, revenue=None, unknown_units=2, unknown_revenue=2
        )
        guests = lines["returns: guests"]
        assert (guests.purchases, guests.units, guests.unknown_units) == (2, -2, 1)
        found = explain(
            RunLedger(open_storage(str(folder / "state")), outcome.run_id),
            Cell("Office", "Retail"),
            10,
        )
        assert {each.quantity for each in found.first_left_out} >= {None, -2}


def test_items_and_missing_quantities_of_returns(tmp_path: Path) -> None:
    order = {"event_type": "refund", "customer_id": "c1", "lines": [{"product_id": "p1"}] * 2}
    lines = [{"product_id": "p1", "quantity": "2.0"}, {"product_id": "p2", "quantity": "-2"}]
    events = [purchase(), order, order | {"lines": lines}, order | {"lines": []}]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    settings = TYPES | {"SALES_ITEMS": "lines[]", "SALES_QUANTITY": "number:1"}
    outcome = run(shop, tmp_path, settings)
    returned = summary(outcome).rejected["return"]
    assert (returned.events, returned.units, returned.revenue) == (3, -4, "-0.40")
    assert summary(outcome).rejected["invalid_quantity"].events == 1
    assert summary(outcome).events.not_purchase == 2


def test_a_type_is_of_purchases_or_of_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_PURCHASE_TYPES", "buy,refund")
    monkeypatch.setenv("SALES_RETURN_TYPES", "refund")
    with pytest.raises(ConfigError, match="SALES_RETURN_TYPES: refund is a type of purchases, too"):
        load_settings()


# --- what is taken --------------------------------------------------------------------------------

BOUGHT = [purchase("c1", "p1", 5), purchase("c2", "p1", 4), purchase("c1", "p2", 2)]
CAME_BACK = [
    purchase("c1", "p1", -3),
    purchase("c2", "p2", -7),
    refund(1, product_id="p1"),
    purchase("c2", "p3", -1),
]
GONE_WRONG = [purchase("nobody", "p1", -2), purchase(None, "p2", -4), purchase("c1", "?", -1)]
THREE = (*PRODUCTS, ("p3", "Cup", "Kitchen", "2.50"))


def shop(folder: Path) -> Shop:
    events = part([*BOUGHT, *CAME_BACK, *GONE_WRONG, purchase(quantity=0)])
    return shop_of(folder, events, customers=CUSTOMERS, products=THREE)


def files(folder: Path, *names: str) -> dict[str, bytes]:
    return {name: (latest(folder) / name).read_bytes() for name in names}


def test_net_subtracts_what_came_back(tmp_path: Path) -> None:
    outcome = run(shop(tmp_path), tmp_path, TYPES, returns="net")
    assert rows(tmp_path) == [
        ["Office", "Retail", "0.50", "5", "2"],
        ["Kitchen", "Retail", "-2.50", "-1", "0"],  # who only returns is no customer
        ["Toys", "Retail", "-49.75", "-5", "1"],
    ]
    assert rows(tmp_path, "daily_sales.csv") == [
        ["2024-03-01", "Kitchen", "Retail", "-2.50", "-1"],
        ["2024-03-01", "Office", "Retail", "0.50", "5"],
        ["2024-03-01", "Toys", "Retail", "-49.75", "-5"],
    ]
    found = summary(outcome)
    assert msgspec.structs.astuple(found.totals) == ("-51.75", -1, 2)
    assert msgspec.structs.asdict(found.events) == {
        "seen": 11,
        "counted": 7,
        "not_purchase": 0,
        "rejected": 4,
    }
    assert found.returns == Returns(events=4, units=12, revenue="72.55", unique_customers=None)
    assert "-72.55 (returns, subtracted), which makes -51.75" in in_one_line(reconciled(found))
    figures = {
        reason: (f.events, f.units, f.returns and (f.returns.units, f.returns.revenue))
        for reason, f in found.rejected.items()
    }
    assert figures == {
        "guest": (1, 0, (-4, "-39.80")),
        "invalid_quantity": (1, None, None),
        "unknown_product": (1, 0, (-1, None)),
        "unknown_customer": (1, 0, (-2, "-0.20")),
    }
    told = reconciled(found)
    assert (told.counted.purchases, told.counted.units, told.counted.revenue) == (3, 11, "20.80")
    assert told.came_back is not None
    assert told.came_back.words == "returns, subtracted"
    assert (told.came_back.figures.units, told.came_back.figures.revenue) == (-12, "-72.55")
    assert "Beside that: -72.55 (returns, subtracted), " in in_one_line(told)
    (typed,) = [
        row
        for row in pq.read_table(latest(tmp_path) / "sales_report.parquet").to_pylist()
        if row["category"] == "Toys"
    ]
    assert str(typed["total_revenue"]) == "-49.75"
    assert not (latest(tmp_path) / "returns.csv").exists()


def test_separate_leaves_the_report_and_adds_its_own(tmp_path: Path) -> None:
    own = shop(tmp_path)
    run(own, tmp_path / "reject", TYPES)
    outcome = run(own, tmp_path / "separate", TYPES, returns="separate")
    same = ("sales_report.csv", "sales_report.parquet", "daily_sales.csv")
    names = [*same, *(f"by_category/{name}.csv" for name in ("Office", "Toys"))]
    assert files(tmp_path / "reject", *names) == files(tmp_path / "separate", *names)
    assert rows(tmp_path / "separate", "returns.csv") == [
        ["Toys", "Retail", "69.65", "7", "1"],
        ["Kitchen", "Retail", "2.50", "1", "1"],
        ["Office", "Retail", "0.40", "4", "1"],
    ]
    typed = pq.read_table(latest(tmp_path / "separate") / "returns.parquet")
    assert typed.schema.names == pq.read_table(latest(tmp_path / "separate") / same[1]).schema.names
    assert [str(each) for each in typed["total_revenue"].to_pylist()] == ["69.65", "2.50", "0.40"]
    found = summary(outcome)
    assert found.returns == Returns(events=4, units=12, revenue="72.55", unique_customers=2)
    out = tmp_path / "out"
    wanted = ["--from", "2000-01-01", "--to", "2099-12-31", "--out", str(out)]
    places = [f"--{each}={tmp_path / 'separate' / each}" for each in ("state", "reports")]
    assert CliRunner().invoke(cli, ["report", *wanted, *places]).exit_code == 0
    assert pq.read_table(out / "returns.parquet") == typed
    assert "-72.55 (returns, in returns.csv)" in in_one_line(reconciled(found))
    assert found.events.counted == 7
    told = reconciled(found)
    assert (told.counted.purchases, told.counted.units, told.counted.revenue) == (3, 11, "20.80")
    assert told.came_back is not None
    assert told.came_back.words == "returns, in returns.csv"
    assert found.totals == summary(run(own, tmp_path / "again", TYPES)).totals


def test_the_unknown_of_returns_is_kept_as_that_of_purchases(tmp_path: Path) -> None:
    outcome = run(shop(tmp_path), tmp_path, TYPES, returns="net", unknown="bucket")
    assert rows(tmp_path) == [
        ["Office", "Retail", "0.50", "5", "2"],
        ["Unknown", "Retail", "0.00", "-1", "0"],
        ["Office", "Unknown", "-0.20", "-2", "0"],
        ["Kitchen", "Retail", "-2.50", "-1", "0"],
        ["Toys", "Unknown", "-39.80", "-4", "0"],
        ["Toys", "Retail", "-49.75", "-5", "1"],
    ]
    assert summary(outcome).totals.unique_customers == 2


def test_a_run_that_counts_only_returns_counts_something(tmp_path: Path) -> None:
    own = shop_of(tmp_path, part(CAME_BACK), customers=CUSTOMERS, products=THREE)
    for mode, report in (("net", 3), ("separate", 0)):
        outcome = run(own, tmp_path / mode, TYPES, returns=mode)
        assert outcome.status == "complete"
        assert len(rows(tmp_path / mode)) == report
        assert summary(outcome).totals.unique_customers == 0


@given(
    st.lists(
        st.builds(
            purchase,
            st.sampled_from(["c1", "c2", "nobody", None]),
            st.sampled_from(["p1", "p2", "p3", "?"]),
            st.sampled_from([1, 2, 2**31 - 1, -1, -2, 1 - 2**31, 0]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["reject", "bucket"]),
)
@whole_runs(40)
def test_net_is_gross_less_returns_by_cell(events: list[dict[str, Any]], unknown: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = shop_of(folder, part(events), customers=CUSTOMERS, products=THREE)
        for mode in ("reject", "net", "separate"):
            run_local(own, folder / mode, returns=mode, unknown=unknown)
        assert text(folder / "separate") == text(folder / "reject")
        assert text(folder / "separate", "daily_sales.csv") == text(
            folder / "reject", "daily_sales.csv"
        )
        cells: dict[tuple[str, ...], tuple[Decimal, int]] = {}
        for table, sign in (("sales_report.csv", 1), ("returns.csv", -1)):
            for *cell, revenue, units, _ in rows(folder / "separate", table):
                money, count = cells.get(tuple(cell), (Decimal(0), 0))
                cells[tuple(cell)] = money + sign * Decimal(revenue), count + sign * int(units)
        net = rows(folder / "net")
        assert {(c, s): (Decimal(r), int(u)) for c, s, r, u, _ in net} == cells
        revenues = [Decimal(row[2]) for row in net]
        assert revenues == sorted(revenues, reverse=True)
        buyers = {tuple(row[:2]): row[4] for row in rows(folder / "separate")}
        assert {tuple(row[:2]): row[4] for row in net if tuple(row[:2]) in buyers} == buyers
        assert all(row[4] == "0" for row in net if tuple(row[:2]) not in buyers)


@given(
    st.lists(
        st.builds(
            purchase,
            st.sampled_from(["c1", "nobody", None]),
            st.sampled_from(["p1", "?", ""]),
            st.sampled_from([2, -1, 0]),
        ),
        min_size=2,
        max_size=6,
    ),
    st.sampled_from(["net", "separate"]),
)
@example([purchase(product="?", quantity=-2), purchase(product="?", quantity=4)], "net")
@whole_runs(15)
def test_what_is_left_out_is_the_same_however_it_lies(
    events: list[dict[str, Any]], mode: Any
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        events = [each | {"number": n} for n, each in enumerate(events)]  # no copies
        own = shop_of(folder, part(events), customers=CUSTOMERS, products=THREE)
        together = summary(run_local(own, folder / "together", returns=mode))
        singly = run_local(own, folder / "singly", returns=mode, batch_size=1)
        (own.data / "week.zip").unlink()
        for n, event in enumerate(events):
            (own.data / f"{n}.zip").write_bytes(week(part([event]), day=f"2024-03-{n + 1:02}.zip"))
        spread = run_local(own, folder / "spread", returns=mode)
        assert together.rejected == summary(singly).rejected == summary(spread).rejected
        assert together.reconciliation == summary(spread).reconciliation
        assert_agrees(folder / "spread", spread)


# --- other places that know ---------------------------------------------------------------------


def test_another_way_to_count_returns_reads_no_archive_and_diff_names_it(tmp_path: Path) -> None:
    own, run_ids, modes = shop(tmp_path), list[str](), ("reject", "net", "separate", "reject")
    for mode in modes:
        outcome = run_local(own, tmp_path, feed=feed_of(TYPES), returns=mode)
        assert len(run_ids) == 0 or summary(outcome).bytes_read == 0
        run_ids.append(outcome.run_id)
    state = open_storage(str(tmp_path / "state"))
    for before, after, change in ((0, 1, "-72.55"), (1, 2, "72.55"), (2, 3, "0.00")):
        found = difference(state, run_ids[before], run_ids[after])
        assert found.revenue == change
        assert {each.kind for each in found.kinds} == (
            {"changed_returns"} if change != "0.00" else set()
        )
        changes = RunLedger(state, run_ids[after]).changes()
        assert changes is not None
        said = [cause.because for cause in changes.causes]
        assert said == [f"returns are {modes[after]} now, {modes[before]} before"] * len(
            found.kinds
        )


def test_diff_and_explain_know_cells_below_zero(tmp_path: Path) -> None:
    own = shop(tmp_path)
    first = run_local(own, tmp_path, feed=feed_of(TYPES), returns="net")
    (own.data / "more.zip").write_bytes(
        week(part([purchase("c1", "p2", -1)]), day="2024-03-08.zip")
    )
    second = run(own, tmp_path, TYPES, returns="net")
    state = open_storage(str(tmp_path / "state"))
    (cell,) = difference(state, first.run_id, second.run_id).cells
    assert (cell.before.revenue, cell.after.revenue, cell.revenue) == ("-49.75", "-59.70", "-9.95")
    assert [cause.kind for cause in cell.causes] == ["new_archive"]
    found = explain(RunLedger(state, second.run_id), Cell("Toys", "Retail"), 10)
    assert msgspec.structs.astuple(found.totals) == ("-59.70", -6, 1)
    assert [(each.quantity, each.revenue) for each in found.first_events] == [
        (-1, "-9.95"),
        (2, "19.90"),
        (-7, "-69.65"),
    ]
    assert [(each.customer, each.revenue) for each in found.customers] == [
        ("c1", "9.95"),
        ("c2", "-69.65"),
    ]


def test_explain_tells_apart_what_has_a_report_of_its_own(tmp_path: Path) -> None:
    outcome = run(shop(tmp_path), tmp_path, TYPES, returns="separate")
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    found = explain(ledger, Cell("Office", "Retail"), 10)
    assert msgspec.structs.astuple(found.totals) == ("0.90", 9, 2)
    assert found.returned == ReturnedThere(events=2, units=4, revenue="0.40")


@pytest.mark.parametrize(
    ("mode", "said", "links"),
    [
        ("reject", ["Returns, not counted", "\u221272.75"], 0),
        ("net", ["Returns, subtracted", "\u221272.55", "\u221251.75"], 0),
        ("separate", ["Returns, in returns.csv", "\u221272.55"], 3),
    ],
)
def test_the_page_says_what_came_back(
    tmp_path: Path, mode: Any, said: list[str], links: int
) -> None:
    run_local(shop(tmp_path), tmp_path, feed=feed_of(TYPES), returns=mode)
    page = (latest(tmp_path) / "index.html").read_text()
    assert all(each in page for each in said)
    assert len(re.findall(r'href="returns\.(?:csv|parquet)"', page)) == links
    headline = " ".join(re.sub("<[^>]+>", " ", page.partition('id="left-out-figure"')[0]).split())
    assert "Purchases counted 3" in headline


def test_the_drift_of_less_than_nothing(tmp_path: Path) -> None:
    own = shop(tmp_path)
    run_local(own, tmp_path, feed=feed_of(TYPES), returns="net")
    drift = DriftLimits(revenue_change=Decimal("0.10"), purchases_change=Decimal("0.10"))
    again = run_local(own, tmp_path, feed=feed_of(TYPES), returns="net", drift=drift)
    assert again.state == "published"
    gross = run_local(own, tmp_path, feed=feed_of(TYPES), drift=drift)
    assert gross.state == "refused"
    assert "purchases" not in gross.reason, "returns are none"
    assert "Total revenue is 20.80, 140.2 % more than -51.75" in gross.reason
    assert "was made with SALES_RETURNS=net, this one with SALES_RETURNS=reject" in gross.reason
