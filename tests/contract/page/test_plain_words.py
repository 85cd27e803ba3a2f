"""The page speaks to people: what a command needs stands in a fold, and in no sentence."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from pipeline_core.messages import DriftLimits
from tests.support.run import latest, run_local, sales, shop_of, text

_NO_SENTENCE = re.compile(r"<(style|script|code|pre)\b.*?</\1>|<[^>]*>", re.DOTALL)


def _sentences(folder: Path) -> str:
    return " ".join(_NO_SENTENCE.sub(" ", text(folder, "index.html")).split())


def test_sentences_name_reports_by_their_dates(tmp_path: Path) -> None:
    first = run_local(shop_of(tmp_path / "1", sales(units=2000)), tmp_path)
    second = run_local(
        shop_of(tmp_path / "2", sales(units=500), sales(product_id="p9")),
        tmp_path,
        unknown="bucket",
        drift=DriftLimits(revenue_change=Decimal("0.1")),
        allow_drift=True,
    )
    assert first.summary is not None
    said = _sentences(tmp_path)
    before = f"the report of {first.summary.finished_at:%Y-%m-%d %H:%M} UTC"
    assert f"Since {before} revenue fell by 150.00 (−75.0 %) from 200.00 to 50.00." in said  # noqa: RUF001
    assert f"75.0 % less than 200.00 in {before}" in said
    assert "Purchases of whom or what nobody knows are left out in the report of " in said
    for run in (first, second):
        assert run.run_id not in said
        assert run.run_id in (latest(tmp_path) / "index.html").read_text(), "in a fold"
    assert "--" not in said
    assert "sales-pipeline" not in said


def test_what_made_a_change_is_a_sentence(tmp_path: Path) -> None:
    for unknown in ("reject", "bucket"):
        shop = shop_of(tmp_path / unknown, sales(), sales(customer_id="stranger"))
        run_local(shop, tmp_path, unknown=unknown)
    said = _sentences(tmp_path)
    assert (
        "purchases of whom or what nobody knows are counted as Unknown now, left out before" in said
    )
