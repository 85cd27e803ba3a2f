"""Candidates of a run without their texts, in large pieces, are those with them, part by part."""

from __future__ import annotations

from pathlib import Path

from pipeline_core.ledger import RunLedger
from pipeline_core.processing.recount import counted_days, day_candidates, run_rows
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import run_local

CUSTOMERS = (("c1", "2020-01-01", "VIP"),)
PRODUCTS = (("p1", "Pen", "Art", "0.10"),)
SOUND = part([purchase("c1", "p1", 1), {"event_type": "view"}, purchase("x", None, 2)])
OTHER = part([purchase("c1", "p1", number) for number in range(40)])


def _shop(folder: Path) -> Shop:
    first = day_zip({"a.json": SOUND, "b.json": b"[", "c.json": OTHER, "d.json": b"[]"})
    repeated = day_zip({"x/a.json": OTHER, "y/a.json": OTHER, "z.json": SOUND})
    archives = {
        "one.zip": archive_zip({"2024-03-01.zip": first, "2024-03-02.zip": repeated}),
        "two.zip": archive_zip({"2024-03-03.zip": day_zip({"a.json": b"[]"})}),
    }
    return write_shop(folder, archives, CUSTOMERS, PRODUCTS)


def test_run_rows_are_the_candidates_of_the_parts_that_count(tmp_path: Path) -> None:
    outcome = run_local(_shop(tmp_path / "shop"), tmp_path, allow_incomplete=True, batch_size=7)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    manifest, _ = ledger.published()
    expected = [
        ((placed.archive, placed.day, placed.date, placed.part), row)
        for _, candidates in day_candidates(ledger, manifest, counted_days(ledger, manifest))
        for placed in candidates
        for row in placed.decoded.candidates.to_pylist()
    ]
    found = [
        ((rows.archive, rows.day, rows.date, rows.parts[place]), row)
        for rows in run_rows(ledger, manifest)
        for place, row in zip(rows.part.tolist(), rows.candidates.to_pylist(), strict=True)
    ]
    assert len(expected) == 84
    assert found == expected
