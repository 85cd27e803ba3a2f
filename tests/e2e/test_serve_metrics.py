"""``/metrics`` of ``serve``, asked while real workers work, and what it costs the state."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.counting_proxy import counted_store
from console.serving.metrics import FRESH_SECONDS
from console.stack import RedisServer
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PATIENT, PRODUCTS, archive, fleet
from tests.support.processes import eventually, local_environment, sales_pipeline
from tests.support.s3 import put, s3_environment
from tests.support.serving import Site, site

MOST_REQUESTS = 7


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {name: archive(week) for week, name in enumerate(ARCHIVES, start=1)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def _metrics(running: Site) -> dict[tuple[str, ...], float]:
    answer = running.ask("/metrics")
    assert (answer.status, answer.headers["content-type"]) == (
        200,
        "text/plain; version=0.0.4; charset=utf-8",
    )
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(answer.body.decode())
        for each in family.samples
    }


def test_work_that_waits_and_work_that_runs_is_counted_until_it_is_published(
    shop: Shop, tmp_path: Path
) -> None:
    with RedisServer() as redis, fleet(shop, tmp_path, redis, PATIENT) as ours:
        for name in ARCHIVES:
            ours.plan_fault(name, "pause")
        ours.worker(concurrency=2)
        with site(ours.env) as running:
            assert _metrics(running)["sales_work_pieces", "running"] == 0
            command = ours.run_in_background()
            working = ("sales_work_pieces", "running")
            found = eventually(
                lambda: seen if (seen := _metrics(running))[working] == 2 else None, "two at work"
            )
            assert found["sales_work_pieces", "waiting"] == len(ARCHIVES) - 2
            assert found["sales_run_archives", "running"] == 2
            assert (found["sales_hosts", "well"], found["sales_workers", "well"]) == (1, 2)
            assert found["sales_run_phase", "processing"] == 1
            assert ("sales_last_publication_age_seconds",) not in found
            for name in ARCHIVES:
                ours.lift_fault(name)
            command.communicate(timeout=120)
            assert command.returncode == 0
            age = ("sales_last_publication_age_seconds",)
            found = eventually(
                lambda: seen if age in (seen := _metrics(running)) else None, "the publication"
            )
    assert 0 <= found[age] < 60
    assert found[working] == found["sales_work_pieces", "waiting"] == 0
    assert found["sales_run_archives", "done"] == len(ARCHIVES)
    assert found["sales_run_phase", "published"] == 1


def test_a_state_that_does_not_answer_is_no_page_of_zeros(tmp_path: Path) -> None:
    env = {"SALES_STATE": "s3://none/state", "SALES_REPORTS": str(tmp_path / "reports")}
    env |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": "true"}
    env |= {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "us-east-1"}
    with site({**os.environ, **env}) as running:
        answer = running.ask("/metrics")
    assert (answer.status, b"does not answer" in answer.body) == (503, True)


def test_a_look_costs_a_few_requests_and_is_kept_for_seconds(tmp_path: Path) -> None:
    """Of a store that is asked by a proxy which counts."""
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase()])})})
    shop = write_shop(tmp_path / "shop", {"week.zip": week})
    with counted_store(tmp_path) as proxy:
        put(proxy.endpoint, "/bucket")
        env = local_environment(shop, tmp_path) | s3_environment(proxy.endpoint)
        env |= {f"SALES_{name.upper()}": f"s3://bucket/{name}" for name in ("reports", "state")}
        done = sales_pipeline("run", "--quiet", env=env)
        assert done.returncode == 0, done.stderr
        with site(env) as running:
            _metrics(running)
            begun = len(proxy.passed)
            for _ in range(20):
                _metrics(running)
            assert len(proxy.passed) == begun
            time.sleep(FRESH_SECONDS + 0.2)
            _metrics(running)
    asked = proxy.since(begun)
    told = [f"{each.method} {each.path}" for each in asked]
    assert 0 < len(asked) <= MOST_REQUESTS, "\n".join(told)
