"""Everything may run twice, at once, and after the end, without changing a byte."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from pipeline_core import pipeline
from pipeline_core.errors import ConfigError, PipelineError, PublishRefused
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import PUBLISH, Worker, attempt
from pipeline_core.messages import DriftLimits, Outcome, Receipt, Verdict, Work
from pipeline_core.publication import report_files
from pipeline_core.storage import open_storage
from pipeline_core.storage.local import LocalStorage
from tests.support.archives import Shop, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.run import plan_local, process_local, publish_local, text

_together: Barrier


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def _meet(barrier: Barrier) -> None:
    global _together  # noqa: PLW0603  (a barrier is handed over to a process only at its start)
    _together = barrier


def _process(state: str, run_id: str) -> list[Receipt]:
    _together.wait(30)
    works = RunLedger(open_storage(state), run_id).manifest().planned_work()
    return [pipeline.process(state, run_id, work, Worker("twin")) for work in works]


def _publish(state: str, run_id: str) -> Outcome:
    _together.wait(30)
    return pipeline.publish(state, run_id)


def _publish_drifting(state: str, run_id: str) -> Outcome:
    _together.wait(30)
    return pipeline.publish(state, run_id, allow_drift=True)


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_two_processes_do_the_same_archives_and_two_publish(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    state = str(tmp_path / "state")
    context = get_context("spawn")
    with ProcessPoolExecutor(2, context, _meet, (context.Barrier(2),)) as pool:
        one, two = [pool.submit(_process, state, manifest.run_id) for _ in range(2)]
        assert one.result() == two.result(), "both were told of the receipts that count"
        one_end, two_end = [pool.submit(_publish, state, manifest.run_id) for _ in range(2)]
        assert one_end.result() == two_end.result()
    alone = plan_local(shop, tmp_path / "alone")
    process_local(tmp_path / "alone", alone)
    publish_local(tmp_path / "alone", alone)
    latest = tmp_path / "reports" / "latest"
    other = tmp_path / "alone" / "reports" / "latest"
    for path in latest.rglob("*.csv"):
        assert path.read_bytes() == (other / path.relative_to(latest)).read_bytes()
    assert len(list((tmp_path / "reports" / "runs").iterdir())) == 1


def test_two_refuse_a_run_that_drifts_and_two_overrule_it(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    before = _tree(tmp_path / "reports")
    (shop.data / "events_week_02.zip").unlink()
    manifest = plan_local(shop, tmp_path, drift=DriftLimits(revenue_change=Decimal("0.1")))
    process_local(tmp_path, manifest)
    state = str(tmp_path / "state")
    context = get_context("spawn")
    with ProcessPoolExecutor(2, context, _meet, (context.Barrier(2),)) as pool:
        one, two = [pool.submit(_publish, state, manifest.run_id) for _ in range(2)]
        assert one.result() == two.result()
        assert one.result().state == "refused"
        assert _tree(tmp_path / "reports") == before
        one, two = [pool.submit(_publish_drifting, state, manifest.run_id) for _ in range(2)]
        assert one.result() == two.result()
        assert one.result().exit_code == 0
    assert json.loads(text(tmp_path, "summary.json"))["run_id"] == manifest.run_id


def test_nothing_changes_after_the_end(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    before = _tree(tmp_path)
    for work in manifest.planned_work():
        pipeline.process(str(tmp_path / "state"), manifest.run_id, work, Worker("late"))
    pipeline.publish(str(tmp_path / "state"), manifest.run_id)
    pipeline.fail(str(tmp_path / "state"), manifest.run_id, PipelineError("too late"))
    assert _tree(tmp_path) == before


def test_a_published_run_is_not_published_anew_from_fewer_receipts(
    shop: Shop, tmp_path: Path
) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    before = _tree(tmp_path / "reports")
    RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id).discard_receipt(
        Work(manifest.archives[0].id)
    )
    assert publish_local(tmp_path, manifest).state == "published"
    assert _tree(tmp_path / "reports") == before


def test_a_message_that_comes_after_the_end_changes_no_report(shop: Shop, tmp_path: Path) -> None:
    """Even if the receipts are gone and the archives are others by now."""
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    before = _tree(tmp_path / "reports")
    state = str(tmp_path / "state")
    ledger = RunLedger(open_storage(state), manifest.run_id)
    (shop.data / "events_week_02.zip").write_bytes(archive(5))
    for work in manifest.planned_work():
        ledger.discard_receipt(work)
        pipeline.process(state, manifest.run_id, work, Worker("late"))
    assert publish_local(tmp_path, manifest, allow_incomplete=True).exit_code == 0
    assert _tree(tmp_path / "reports") == before


def test_a_failed_run_is_not_published_by_a_late_callback(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    pipeline.fail(str(tmp_path / "state"), manifest.run_id, ConfigError("stopped"))
    assert publish_local(tmp_path, manifest).state == "failed"
    assert not (tmp_path / "reports" / "latest").exists()


def test_an_older_run_never_takes_the_place_of_a_newer(shop: Shop, tmp_path: Path) -> None:
    older, newer = plan_local(shop, tmp_path), plan_local(shop, tmp_path)
    process_local(tmp_path, older)
    process_local(tmp_path, newer)
    publish_local(tmp_path, newer)
    publish_local(tmp_path, older)
    shown = json.loads((tmp_path / "reports" / "latest" / "summary.json").read_text())
    assert shown["run_id"] == newer.run_id


def test_a_run_after_the_clock_was_set_back_is_shown_all_the_same(
    shop: Shop, tmp_path: Path
) -> None:
    ahead = pipeline.new_run_id(datetime.now(UTC) + timedelta(days=400))
    manifest = plan_local(shop, tmp_path, run_id=ahead)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    state = open_storage(str(tmp_path / "state"))
    later = pipeline.new_run_id(datetime.now(UTC), state)
    assert later.startswith(ahead[:12]), "still a time"
    manifest = plan_local(shop, tmp_path, run_id=later)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    shown = json.loads((tmp_path / "reports" / "latest" / "summary.json").read_text())
    assert shown["run_id"] == later


@pytest.mark.parametrize("moment", ["pointed", "point"])
def test_a_newer_run_that_is_published_in_between_is_shown(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Just before the older one looks where `latest` points, or just before it points there."""
    older, newer = plan_local(shop, tmp_path), plan_local(shop, tmp_path)
    process_local(tmp_path, older)
    process_local(tmp_path, newer)
    real, point, shown = getattr(LocalStorage, moment), LocalStorage.point, list[str]()

    def late(self: LocalStorage, name: str, *rest: Any, **more: Any) -> object:
        monkeypatch.setattr(LocalStorage, moment, real)
        monkeypatch.setattr(LocalStorage, "point", noted)
        publish_local(tmp_path, newer)
        return getattr(self, moment)(name, *rest, **more)

    def noted(self: LocalStorage, name: str, key: str, *rest: Any, **more: Any) -> None:
        if name == "latest":
            shown.append(key)
        point(self, name, key, *rest, **more)

    monkeypatch.setattr(LocalStorage, moment, late)
    assert publish_local(tmp_path, older).state == "published"
    assert json.loads(text(tmp_path, "summary.json"))["run_id"] == newer.run_id
    if moment == "pointed":
        assert f"runs/{older.run_id}" not in shown, "readers never saw it go back"


def test_a_run_that_is_given_up_while_it_is_published_stays_unpublished(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    to_parquet = vars(report_files)["to_parquet"]

    def slowly(table: object) -> object:
        """What a publisher that was taken for dead meets when it wakes up."""
        pipeline.fail(str(tmp_path / "state"), manifest.run_id, PipelineError("It was silent."))
        return to_parquet(table)

    monkeypatch.setattr(report_files, "to_parquet", slowly)
    with pytest.raises(PublishRefused, match="given up"):
        publish_local(tmp_path, manifest)
    assert not (tmp_path / "reports" / "latest").exists()
    assert not (tmp_path / "reports" / "runs" / manifest.run_id).exists()
    assert publish_local(tmp_path, manifest).reason == "It was silent."


def test_a_run_that_was_refused_cannot_fail_any_more(shop: Shop, tmp_path: Path) -> None:
    (shop.data / "events_week_02.zip").write_bytes(b"no zip")
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    refused = publish_local(tmp_path, manifest)
    assert refused.state == "refused"
    trouble = PipelineError("a late errback")
    assert pipeline.fail(str(tmp_path / "state"), manifest.run_id, trouble) == refused
    assert publish_local(tmp_path, manifest, allow_incomplete=True).exit_code == 3


def test_a_run_that_is_visible_cannot_fail_any_more(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    published = publish_local(tmp_path, manifest)
    (tmp_path / "state" / "runs" / manifest.run_id / "outcome.json").unlink()
    outcome = pipeline.fail(str(tmp_path / "state"), manifest.run_id, PipelineError("too late"))
    assert outcome == published


def test_a_run_that_somebody_publishes_right_now_does_not_fail(shop: Shop, tmp_path: Path) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    ledger.create_verdict(Verdict(state="published", finished_at=datetime.now(UTC)))
    with attempt(ledger, manifest.policy, PUBLISH, Worker("publisher")):
        with attempt(ledger, manifest.policy, PUBLISH, Worker("another")) as noted:
            noted.done()
        trouble = PipelineError("a late errback")
        assert pipeline.fail(str(tmp_path / "state"), manifest.run_id, trouble) is None
    assert publish_local(tmp_path, manifest).state == "published"
