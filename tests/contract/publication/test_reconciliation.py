"""What was left out, in money: in summary.json, on the page, the terminal and in the documents."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from console.display.views import print_summary
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Feed, Outcome, RejectReason, ReturnsMode, Summary
from pipeline_core.questions.range_report import range_sales
from pipeline_core.reconciliation.reasons import reason_words
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import Shop, part, purchase
from tests.support.run import latest, run_local, shop_of, summary, text
from tests.support.verified import assert_agrees

SHARE = "62.5 % left out"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """30 units count; guests bought 10 and brought 4 back, and one thing that nobody knows."""
    bought = [*[("c1", "p1", 10)] * 3, (None, "p1", 10), (None, "nothing", 2)]
    returned = [(None, "p1", -4), ("c1", "p1", -7), ("c1", "nothing", -1)]
    return shop_of(tmp_path, part([purchase(*each) for each in bought + returned]))


def _said(folder: Path) -> str:
    """The page's text, spaces as one, a minus as on a keyboard."""
    page = (latest(folder) / "index.html").read_text()
    body = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(body.split()).replace("\u2212", "-")


def _terminal(told: Summary) -> list[str]:
    shown = io.StringIO()
    print_summary(Console(file=shown, width=100), told)
    return [" ".join(line.split()) for line in shown.getvalue().splitlines()]


def _figures(purchases: int, units: int, revenue: str, unknown_revenue: int = 0) -> dict[str, Any]:
    return {
        "purchases": purchases,
        "units": units,
        "revenue": revenue,
        "unknown_units": 0,
        "unknown_revenue": unknown_revenue,
    }


def test_all_that_was_bought_is_counted_or_left_out(shop: Shop, tmp_path: Path) -> None:
    outcome = run_local(shop, tmp_path)
    told = json.loads(text(tmp_path, "summary.json"))["reconciliation"]
    assert told == {
        "bought": _figures(5, 42, "4.00", 1),
        "counted": _figures(3, 30, "3.00"),
        "left_out": _figures(2, 12, "1.00", 1),
        "reasons": [
            {
                "reason": "guest",
                "words": "guests",
                "figures": _figures(2, 12, "1.00", 1),
                "share": "0.250000",
            }
        ],
        "returns": [
            {
                "reason": "guest",
                "words": "returns: guests",
                "figures": _figures(1, -4, "-0.40"),
                "share": None,
            },
            {
                "reason": "return",
                "words": "returns",
                "figures": _figures(2, -8, "-0.70", 1),
                "share": None,
            },
        ],
        "sent_twice": None,
        "came_back": None,
        "net": None,
        "share": "0.625000",
        "revenue_share": "0.250000",
        "is_notable": True,
        "returns_mode": "reject",
    }
    assert_agrees(tmp_path, outcome)


def test_page_and_terminal_say_it(shop: Shop, tmp_path: Path) -> None:
    outcome = run_local(shop, tmp_path)
    said = _said(tmp_path)
    assert f"Complete, {SHARE}" in said
    assert '<span class="state complete notable">' in (latest(tmp_path) / "index.html").read_text()
    assert (
        "Left out, at least 1.00 at least 25.0 % of revenue, 62.5 % of purchases and returns"
    ) in said
    assert "Returns, not counted, at most -0.70 2 returns" in said
    for row in (
        "Counted 3 30 3.00 75.0",
        "Guests guest 2 12 at least 1.00 25.0",
        "Left out 2 12 at least 1.00 25.0",
        "Bought 5 42 at least 4.00 100.0",
        "Returns: guests guest 1 -4 -0.40",
        "Returns return 2 -8 at most -0.70",
    ):
        assert row in said
    assert "--unknown bucket counts 1.00 of that" in said
    terminal = _terminal(summary(outcome))
    assert f"is complete, {SHARE}: revenue 3.00" in terminal[0]
    for line in (
        "guests (guest) 2 12 ≥ 1.00 25.0",
        "bought 5 42 ≥ 4.00 100.0",
        "returns (return) 2 -8 ≤ -0.70",
    ):
        assert line in terminal


def test_returns_that_count_stand_where_they_count(shop: Shop, tmp_path: Path) -> None:
    """Beside the sales, of which nothing is left out for them."""
    sold = run_local(shop, tmp_path)
    net = run_local(shop, tmp_path, returns="net")
    told, before = reconciled(summary(net)), reconciled(summary(sold))
    assert (told.bought, told.counted, told.left_out) == (
        before.bought,
        before.counted,
        before.left_out,
    )
    assert told.net is not None
    assert (told.net.units, told.net.revenue) == (23, "2.30")
    said = _said(tmp_path)
    assert "Revenue, less returns 2.30" in said
    assert "Returns, subtracted -0.70 1 return" in said
    assert "Purchases counted 3 unchanged" in said
    assert "3.00 is counted and at least 1.00 is left out, by these reasons. Less" in said
    assert "Less what came back, 2.30 is in the report. 4 of 8 are left out: 50.0 %" in said
    assert "counts 1.00 of that under “Unknown”, and subtracts 0.40 more that came back:" in said
    for row in (
        "Returns, subtracted 1 -7 -0.70",
        "In the report 3 23 2.30",
        "Returns: unknown products unknown_product 1 -1 unknown",
    ):
        assert row in said


def test_a_copy_of_what_counts_without_a_price_is_of_unknown_money(tmp_path: Path) -> None:
    """Also by verify's own count."""
    event = purchase("c1", "nothing", 2) | {"id": "e1"}
    shop = shop_of(tmp_path, part([purchase() | {"id": "e0"}, event, event]))
    outcome = run_local(shop, tmp_path, unknown="bucket", feed=Feed(event_id=("id",)))
    again = reconciled(summary(outcome)).sent_twice
    assert again is not None
    assert (again.units, again.revenue, again.unknown_revenue) == (2, None, 1)
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("returns", ["net", "separate"])
def test_it_stands_where_nothing_is_left_out_but_something_came_back(
    tmp_path: Path, returns: ReturnsMode
) -> None:
    """In the same figures on page and terminal, of a run and of its dates."""
    events = [purchase("c1", "p1", 10), purchase("c1", "p1", -4), purchase("c1", "p1", -1)]
    outcome = run_local(shop_of(tmp_path, part(events)), tmp_path, returns=returns)
    day = date(2024, 3, 1)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    of_day = range_sales(ledger, day, day).report
    assert of_day.reconciliation == reconciled(summary(outcome))
    said, terminal = _said(tmp_path), _terminal(summary(outcome))
    assert "Purchases counted 1" in said
    assert "All of 1.00 that was bought is counted." in said
    assert "3 counted (2 returns among them) + 0 not a purchase" in said
    assert "3 counted (2 returns among them), 0 not a purchase" in " ".join(terminal)
    returned = "subtracted" if returns == "net" else "in returns.csv"
    total = ["In the report 1 5 0.50"] if returns == "net" else []
    for row in ("Bought 1 10 1.00 100.0", f"Returns, {returned} 2 -5 -0.50", *total):
        assert row in said
        assert row[0].lower() + row[1:] in terminal


def test_below_its_limit_the_share_goes_without_saying(shop: Shop, tmp_path: Path) -> None:
    outcome = run_local(shop, tmp_path, left_out_share=Decimal("0.626"))
    assert "Complete Sales of" in _said(tmp_path)
    assert outcome.exit_code == 0
    again = run_local(shop, tmp_path, left_out_share=Decimal(0))
    assert f"Complete, {SHARE}" in _said(tmp_path)
    assert (again.exit_code, again.status) == (0, "complete")
    assert summary(again).days.reused == 1, "another limit is no other rule"


def test_a_summary_of_an_earlier_version_is_told_too(shop: Shop, tmp_path: Path) -> None:
    run_local(shop, tmp_path)
    told = json.loads(text(tmp_path, "summary.json"))
    del told["reconciliation"]
    for lost in told["rejected"].values():
        for name in ("unknown_units", "unknown_revenue", "returns"):
            del lost[name]
    earlier = msgspec.convert(told, Summary)
    found = reconciled(earlier)
    assert (found.bought.revenue, found.share, found.is_notable) == ("4.00", "0.625000", True)
    assert (
        msgspec.json.decode(
            msgspec.json.encode(
                Outcome(
                    run_id=earlier.run_id, state="published", status="complete", summary=earlier
                )
            ),
            type=Outcome,
        ).summary
        == earlier
    )


def test_the_documents_call_the_reasons_so() -> None:
    rows = [
        line.split(" | ") for line in (PROJECT / "docs" / "formats.md").read_text().splitlines()
    ]
    told = {row[0].strip("| `"): row[1] for row in rows if row[0].startswith("| `")}
    assert {reason: told[reason] for reason in RejectReason} == {
        reason: reason_words(reason) for reason in RejectReason
    }
