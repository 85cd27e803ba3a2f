"""What changed since the report before: found out once, before publication, and never its end."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from pipeline_core.diff import since_last
from pipeline_core.ledger import RunLedger
from pipeline_core.messages.changes import Changes, OtherCauses, TopCause, sentences
from pipeline_core.notify.hooks import Hooks, parse_events
from pipeline_core.publication.publish import publish
from pipeline_core.reuse.memory import rules_of_now
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.storage import open_storage
from tests.contract.diff.test_diff import MONDAY, archive, put, restate, runs
from tests.contract.page.test_page import NASTY, Page
from tests.support.archives import purchase
from tests.support.successive import Runs, opened_extracts

__all__ = ["runs"]


def ledger_of(runs: Runs) -> RunLedger:
    return RunLedger(open_storage(str(runs.folder / "state")), f"run-{runs.number:03}")


def known(runs: Runs) -> Changes:
    """Of the last run; their causes add up."""
    changes = ledger_of(runs).changes()
    assert changes is not None
    check_changes(changes)
    return changes


def check_changes(changes: Changes) -> None:
    assert changes.unknown == ""
    assert changes.others is not None
    sums: list[TopCause | OtherCauses] = [*changes.causes, changes.others]
    revenue = sum((Fraction(each.revenue) for each in sums), Fraction(0))
    before, after = changes.before, changes.after
    change = Fraction(after.total_revenue) - Fraction(before.total_revenue)
    assert revenue == Fraction(changes.revenue) == change
    assert sum(each.units for each in sums) == changes.units == after.units_sold - before.units_sold


def said(runs: Runs) -> list[str]:
    return list(sentences(known(runs)))


def test_who_is_told_of_a_report_hears_what_changed(runs: Runs, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    hooks = Hooks(None, f"tee {told}", parse_events("published"))

    def heard() -> list[str]:
        told.unlink(missing_ok=True)
        notify_of_outcome(ledger_of(runs), hooks)
        found = json.loads(told.read_text())
        assert " ".join([*found["changes"], "Report:"]) in found["text"]
        return list(found["changes"])

    assert heard() == [], "a first report"
    restate(runs, "products", "3.50", "3.00")
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    assert heard() == [
        "Revenue rose by 6.50 to 39.00 since run run-001.",
        "Revenue of Food / Retail rose by 10.00: archive week_3.zip is new.",
        "Revenue of 2 rows, most of Toys / VIP, fell by 3.50: price of pen restated from 3.50 to "
        "3.00.",
        "`sales-pipeline diff run-001 run-002` says more.",
    ]
    runs.run()
    assert heard() == [
        "Revenue is 39.00, as in run run-002.",
        "`sales-pipeline diff run-002 run-003` says more.",
    ]


def test_what_moves_between_rows_and_what_has_no_price(runs: Runs) -> None:
    restate(runs, "products", '"2.00"', '"0.00"')
    runs.run()
    restate(runs, "products", '"Toys"', '"Art"')
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("ben", "pie", 1200)))
    runs.run()
    assert said(runs)[:3] == [
        "Revenue is 24.50, as in run run-002.",
        "Units of Food / VIP rose by 1,200: archive week_3.zip is new.",
        "Sales of 4 rows, most of Art / VIP, moved: product pen moved from Toys to Art.",
    ]


def test_only_days_of_one_run_are_read(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    opened = opened_extracts(monkeypatch)
    runs.run()
    assert known(runs).revenue == "10.00"
    assert len(set(opened)) == 1


def test_the_largest_are_named_and_the_others_summed(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since_last, "_NAMED", 1)
    put(runs, "week_3.zip", archive("2024-01-15.zip", *MONDAY, *MONDAY))
    put(runs, "week_4.zip", archive("2024-01-22.zip", purchase("anna", "pie", 5)))
    restate(runs, "products", "2.00", "1.00")
    restate(runs, "customers", '"anna","2020-01-01","Retail"', '"anna","2020-01-01","VIP"')
    runs.run()
    changes = known(runs)
    assert [cause.because for cause in changes.causes] == ["archive week_3.zip is new"]
    assert changes.others is not None
    assert changes.others.count == 3
    assert "3 more causes did less." in said(runs)


def test_other_rules_of_the_program_are_a_cause(runs: Runs) -> None:
    record = runs.folder / "state" / "runs" / "run-001"
    for name, old, new in (
        ("manifest.json", f'"rules": "{rules_of_now()}"', '"rules": "0.9"'),
        ("outcome.json", '"total_revenue": "32.50"', '"total_revenue": "33.50"'),
    ):
        text = (record / name).read_text()
        assert old in text
        (record / name).write_text(text.replace(old, new))
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    assert said(runs)[:3] == [
        "Revenue rose by 9.00 to 42.50 since run run-001.",
        "Revenue fell by 1.00: another version of this program counts by other rules "
        f"({rules_of_now()}, 0.9 before).",
        "Revenue of Food / Retail rose by 10.00: archive week_3.zip is new.",
    ]


def _unknown(runs: Runs) -> str:
    """Why the causes are not known; how much it is, is."""
    changes = ledger_of(runs).changes()
    assert changes is not None
    assert changes.causes == ()
    assert any(each.startswith("What made it is not known: ") for each in sentences(changes))
    page = (runs.last() / "index.html").read_text()
    assert "What made it is not known: " in page
    return changes.unknown


def test_figures_that_do_not_add_up_are_not_explained(runs: Runs) -> None:
    path = runs.folder / "state" / "runs" / "run-001" / "outcome.json"
    path.write_text(path.read_text().replace('"32.50"', '"32.51"'))
    runs.run()
    assert "do not add up" in _unknown(runs)


def test_the_causes_of_very_many_purchases_are_left_to_diff(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since_last, "_MOST_PURCHASES", 4)
    put(runs, "week_3.zip", archive("2024-01-15.zip", *[purchase("anna", "pie", 5)] * 4))
    runs.run()
    assert known(runs).revenue == "40.00", "of what is new, not of all"
    restate(runs, "products", "3.50", "3.00")
    runs.run()
    assert _unknown(runs) == "there are more than 4 purchases to look at."


def test_no_cause_is_looked_for_in_too_many_days(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since_last, "_MOST_DAYS", 4)
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    assert _unknown(runs) == "there are more than 4 days to compare."


def test_archives_are_not_read_again_for_it(runs: Runs) -> None:
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run(keep=False)
    assert _unknown(runs) == "The events of week_3.zip > 2024-01-15.zip are not kept."
    kept = runs.folder / "state" / "kept" / "extracts"
    assert len(list(kept.rglob("*.arrow"))) == 2, "nor is the setting overruled"


def test_a_bug_in_it_is_a_warning(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(since_last, "gather", fail)
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    assert (runs.folder / "reports" / "latest").resolve().name == "run-002"
    assert "changes_not_found" in logged.text
    assert "cut off" in _unknown(runs)


def test_a_search_that_ended_its_process_is_not_made_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = []

    def end(*_: object, **__: object) -> None:
        searches.append(1)
        raise SystemExit

    monkeypatch.setattr(since_last, "gather", end)
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    with pytest.raises(SystemExit):
        runs.run()
    state = str(runs.folder / "state")
    assert publish(state, "run-002").state == "published"
    assert len(searches) == 1
    assert "cut off" in _unknown(runs)


def test_the_page_shows_the_causes_and_their_sum(runs: Runs) -> None:
    restate(runs, "products", "3.50", "3.00")
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", "pie", 5)))
    runs.run()
    page = (runs.last() / "index.html").read_text()
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "archive week_3.zip is new Food / Retail 1 +10.00 +5" in words
    assert (
        "price of pen restated from 3.50 to 3.00 Toys / VIP 2 \u22123.50 0 "
        "All of the change +6.50 +5" in words
    )


@pytest.mark.parametrize("nasty", NASTY)
def test_names_are_text_on_the_page_and_ring_nobody(runs: Runs, nasty: str, tmp_path: Path) -> None:
    quoted = nasty.replace('"', '""')
    found = []
    for old, new in (("Toys", "plain"), ("plain", quoted)):
        restate(runs, "products", f'"{old}","3.50"', f'"{new}","3.50"')
        runs.run()
        page = Page((runs.last() / "index.html").read_text())
        found.append({(tag, name) for tag, of in page.shape for name, _ in (*of, ("", ""))})
    assert found[0] == found[1], "no element or attribute comes from the data"
    assert f"product pen moved from plain to {nasty}" in page.said
    told = tmp_path / "told.json"
    notify_of_outcome(ledger_of(runs), Hooks(None, f"tee {told}", parse_events("published")))
    heard = json.loads(told.read_text())
    assert f"moved from plain to {nasty}." in " ".join(heard["changes"])
    assert "<" not in heard["text"]


def test_a_long_name_is_cut(runs: Runs) -> None:
    product = "p" * 5000
    restate(runs, "products", '"pen"', f'"{product}","Pen","Toys","3.50"\n"pen"')
    put(runs, "week_3.zip", archive("2024-01-15.zip", purchase("anna", product, 1)))
    runs.run()
    restate(runs, "products", f'"{product}","Pen","Toys","3.50"', f'"{product}","Pen","Toys","9"')
    runs.run()
    [cause] = known(runs).causes
    assert len(cause.because) == 200
