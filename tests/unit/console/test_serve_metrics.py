"""What ``serve`` tells Prometheus, by what the state says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.serving.metrics import Shown, exposition, work_pieces
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.watching.run_progress import RunProgress

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def _run(**said: Any) -> RunProgress:
    return RunProgress(**{"run_id": "r", "looked_at": NOW, "engine": "celery", **said})


def _samples(shown: Shown) -> dict[tuple[str, ...], float]:
    """By name, and value of the only label if there is one."""
    families = text_string_to_metric_families(exposition(shown, NOW).decode())
    return {
        (each.name, *each.labels.values()): each.value
        for family in families
        for each in family.samples
    }


@pytest.mark.parametrize(
    ("said", "waiting", "running"),
    [
        ({"phase": "planning"}, 0, 1),
        ({"phase": "processing", "pieces": 9, "pieces_done": 2, "workers": ("a:1", "b:1")}, 5, 2),
        ({"phase": "processing", "pieces": 9, "pieces_done": 9}, 0, 0),
        ({"phase": "publishing", "pieces": 9, "pieces_done": 9}, 0, 1),
        ({"phase": "stopped", "pieces": 9, "pieces_done": 2}, 7, 0),
        ({"phase": "stopped", "pieces": 9, "pieces_done": 9}, 1, 0),
        ({"phase": "stopped", "pieces": 9, "engine": "local"}, 0, 0),
        ({"phase": "stopped", "engine": None}, 0, 0),
        ({"phase": "failed", "pieces": 9, "pieces_done": 2}, 0, 0),
    ],
)
def test_what_is_under_way_counts_as_what_waits(
    said: dict[str, Any], waiting: int, running: int
) -> None:
    assert work_pieces(_run(**said)) == (waiting, running)


def test_a_state_without_a_run_has_no_work_and_no_age() -> None:
    found = _samples(Shown(run=None))
    assert found["sales_work_pieces", "waiting"] == found["sales_work_pieces", "running"] == 0
    assert {name for name, *_ in found} == {
        "sales_work_pieces",
        "sales_run_archives",
        "sales_run_phase",
        "sales_hosts",
        "sales_workers",
    }


def test_hosts_and_workers_are_counted_once() -> None:
    told: dict[str, Any] = {"cause": "No room.", "since": NOW, "until": NOW + timedelta(hours=1)}
    unfit = tuple(UnfitWorker(name=f"w{n}@c", host="c", **told) for n in (1, 2))
    run = _run(phase="processing", pieces=5, workers=("a:1", "a:2", "b:1"), workers_lost=("d:1",))
    found = _samples(Shown(run, unfit))
    assert (found["sales_hosts", "well"], found["sales_workers", "well"]) == (2, 3)
    assert (found["sales_hosts", "unfit"], found["sales_workers", "unfit"]) == (1, 2)
    assert (found["sales_hosts", "lost"], found["sales_workers", "lost"]) == (1, 1)


def test_ages_are_of_the_moment_of_asking() -> None:
    found = _samples(
        Shown(None, (), NOW - timedelta(seconds=90), fresh_at=NOW - timedelta(seconds=30))
    )
    assert found["sales_last_publication_age_seconds",] == 90
    assert found["sales_last_publication_timestamp_seconds",] == NOW.timestamp() - 90
    assert found["sales_fresh_age_seconds",] == 30


def test_each_state_and_phase_is_told_also_where_it_is_not() -> None:
    found = _samples(Shown(_run(phase="processing", counts={"quarantined": 2})))
    assert found["sales_run_archives", "quarantined"] == 2
    assert found["sales_run_archives", "waiting"] == 0
    assert found["sales_run_phase", "processing"] == 1
    assert found["sales_run_phase", "failed"] == 0
