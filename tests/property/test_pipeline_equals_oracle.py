"""The pipeline against the slow and obvious computation, over generated shops with dirt."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.results import results
from pipeline_core.merging.merge import merge_results
from pipeline_core.messages import Options, Outcome, ReturnsMode, UnknownMode
from pipeline_core.processing.rules import rules_of
from pipeline_core.running.local import process_outstanding
from pipeline_core.transform.reports.product_sales import REPORT as PRODUCT_SALES
from tests.support.oracle import OracleResult, compute
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.whole_runs import whole_runs

# How a run is cut, into windows and into shares, must never show in its figures.
BATCH_SIZES = st.sampled_from([1, 3, 50_000])
PROCESSES = st.sampled_from([1, 2, 20])


def _run(
    shop_data: Path, dimensions: Path, folder: Path, options: Options, processes: int
) -> Outcome:
    places = Places(
        str(shop_data), str(folder / "reports"), str(folder / "state"), str(dimensions), ""
    )
    manifest = pipeline.plan(
        pipeline.Order(run_id="1", places=places, options=options, processes=lambda: processes)
    )
    process_outstanding(places.state, manifest, 1)
    return pipeline.publish(places.state, manifest.run_id, allow_incomplete=True)


def _comparable(summary: dict[str, Any]) -> dict[str, Any]:
    """The keys that the oracle knows, in its shape."""
    kept = {
        name: summary[name]
        for name in (
            "status",
            "events",
            "rejected",
            "totals",
            "conflicting_days",
            "repeated_parts",
            "parts",
            "ignored",
            "returns",
            "undated",
        )
    }
    for name in ("archives", "days"):
        kept[name] = {key: summary[name][key] for key in ("read", "duplicate", "unreadable")}
    kept["rejected"] = {
        reason: figures for reason, figures in kept["rejected"].items() if figures["events"]
    }
    kept["conflicting_days"] = sorted(kept["conflicting_days"])
    return kept


def check(expected: OracleResult, outcome: Outcome, latest: Path) -> None:
    assert (latest / "sales_report.csv").read_bytes() == expected.sales_report
    assert (latest / "daily_sales.csv").read_bytes() == expected.daily_sales
    returns = expected.summary["returns"]
    is_separate = returns is not None and returns["unique_customers"] is not None
    found_apart = latest / "returns.csv"
    assert found_apart.exists() == is_separate
    assert not is_separate or found_apart.read_bytes() == expected.returns
    assert outcome.summary is not None
    found = json.loads((latest / "summary.json").read_bytes())
    assert found == json.loads(msgspec.json.encode(outcome.summary))
    assert _comparable(found) == _comparable(expected.summary)
    text = (latest / "rejects.csv").read_bytes().decode()
    rows = [
        (r["reason"], r["archive"], r["day"], r["part"], r["position"])
        for r in csv.DictReader(io.StringIO(text, newline=""))
    ]
    assert rows == [(*reject[:4], str(reject.position)) for reject in expected.rejects]
    places = [(u["archive"], u["day"] or "", u["part"] or "") for u in found["unreadable"]]
    assert sorted(places) == sorted(tuple(place) for place in expected.unreadable)
    events = found["events"]
    assert events["seen"] == events["counted"] + events["not_purchase"] + events["rejected"]
    _check_reconciliation(found["reconciliation"], expected.summary)


def _check_products(expected: OracleResult, state: str) -> None:
    """What the pages of categories show the first rows of."""
    ledger = RunLedger(open_state(state), "1")
    manifest = ledger.manifest()
    partials = merge_results(ledger, manifest, results(ledger, manifest).done)
    scale = rules_of(ledger, manifest).dimensions.scale
    table = PRODUCT_SALES.finish(partials[PRODUCT_SALES.name], scale)
    ids = [None if each is None else each.decode() for each in table["product_id"].to_pylist()]
    names = ("category", "total_revenue", "units_sold")
    category, revenue, units = (table[name].to_pylist() for name in names)
    found = list(zip(category, ids, revenue, units, strict=True))
    assert found == [(*key, Decimal(revenue), units) for *key, revenue, units in expected.products]


def _check_reconciliation(told: dict[str, Any], expected: dict[str, Any]) -> None:
    """All that came by, whatever it is taken for, is in it: in purchases, units and money."""
    rejects = list(expected["rejected"].values())
    returns = [lost["returns"] for lost in rejects if lost["returns"]]
    totals, events = expected["totals"], expected["events"]
    units = totals["units_sold"] + sum(lost["units"] or 0 for lost in rejects + returns)
    revenue = sum((Decimal(lost["revenue"] or 0) for lost in rejects + returns), Decimal(0))
    taken = expected["returns"]
    if taken and taken["unique_customers"] is not None:  # apart from the totals
        units, revenue = units - taken["units"], revenue - Decimal(taken["revenue"])
    parts = [told["bought"], *(line["figures"] for line in told["returns"])]
    parts += [told["sent_twice"]] if told["sent_twice"] else []
    parts += [told["came_back"]["figures"]] if told["came_back"] else []
    assert sum(part["purchases"] for part in parts) == events["counted"] + events["rejected"]
    assert sum(part["units"] or 0 for part in parts) == units
    money = sum(Decimal(part["revenue"] or 0) for part in parts)
    assert money == Decimal(totals["total_revenue"]) + revenue
    lines = [told["counted"], *(line["figures"] for line in told["reasons"])]
    for name in ("purchases", "units", "unknown_units", "unknown_revenue"):
        assert sum(line[name] or 0 for line in lines) == (told["bought"][name] or 0), name
    assert sum(Decimal(line["revenue"] or 0) for line in lines) == Decimal(
        told["bought"]["revenue"] or 0
    )


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
@given(shop=shops(), returns=RETURNS, batch_size=BATCH_SIZES, processes=PROCESSES)
@whole_runs(150)
def test_pipeline_equals_oracle(
    unknown: UnknownMode,
    shop: GeneratedShop,
    returns: ReturnsMode,
    batch_size: int,
    processes: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = shop.write(folder / "shop")
        options = Options(unknown=unknown, returns=returns, batch_size=batch_size)
        outcome = _run(written.data, written.dimensions, folder, options, processes)
        expected = compute(written.data, written.dimensions, unknown=unknown, returns=returns)
        check(expected, outcome, folder / "reports" / "latest")
        _check_products(expected, str(folder / "state"))
