"""Local and Celery, one worker and many: the same bytes."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest

from console.stack import Stack
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, published_csvs, sales_pipeline
from tests.support.run import run_local

CUSTOMERS = [(f"c{n}", "2023-01-01", ("New", "VIP", "")[n % 3]) for n in range(30)]
INK = day_zip({"part-001.json": part([purchase("c1", "ink")] * 2)})
PRODUCTS = [(f"p{n}", f"Product {n}", f"Category {n % 4}", f"{n}.{n:02}") for n in range(1, 20)]


def _archive(week: int, days: int = 2, events: int = 40) -> bytes:
    def event(number: int) -> object:
        if number % 3 == 0:
            return {"event_type": "view_product", "customer_id": "c1"}
        return purchase(f"c{(number * week) % 33}", f"p{(number + week) % 21}", 1 + number % 5)

    return archive_zip(
        {
            f"events_2024-{1 + week % 12:02}-{1 + day:02}_w{week}.zip": day_zip(
                {"part-001.json": part([event(week * 1000 + day * 100 + n) for n in range(events)])}
            )
            for day in range(days)
        }
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Fifty small archives."""
    archives = {f"events_week_{week:02}.zip": _archive(week) for week in range(1, 51)}
    return write_shop(tmp_path_factory.mktemp("shop"), archives, CUSTOMERS, PRODUCTS)


@pytest.fixture(scope="module")
def expected(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory, stack: Stack
) -> dict[str, bytes]:
    """CSV files of the local engine with one process."""
    folder = tmp_path_factory.mktemp("local")
    env = environment(stack, shop, folder)
    done = sales_pipeline("run", "--engine", "local", "--jobs", "1", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    return published_csvs(folder)


@pytest.fixture(scope="module")
def one_week(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One archive of seven days."""
    archives = {"week.zip": _archive(1, days=7)}
    return write_shop(tmp_path_factory.mktemp("week"), archives, CUSTOMERS, PRODUCTS)


def _flush(stack: Stack) -> None:
    import redis

    with redis.Redis.from_url(stack.redis.url) as client:
        client.flushall()


@pytest.fixture(autouse=True)
def _empty_broker(stack: Stack) -> Iterator[None]:
    _flush(stack)
    yield
    _flush(stack)


def test_the_shop_is_worth_comparing(expected: dict[str, bytes]) -> None:
    assert expected["sales_report.csv"].count(b"\n") == 9
    assert expected["rejects.csv"].count(b"\n") > 100
    assert len([name for name in expected if name.startswith("by_category")]) == 4


@pytest.mark.parametrize("batch_size", ["3", "1000000"])
def test_local_with_two_processes(
    stack: Stack, shop: Shop, expected: dict[str, bytes], tmp_path: Path, batch_size: str
) -> None:
    env = environment(stack, shop, tmp_path)
    arguments = ("run", "--engine", "local", "--jobs", "2", "--batch-size", batch_size, "--json")
    done = sales_pipeline(*arguments, env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "complete"
    assert published_csvs(tmp_path) == expected


@pytest.mark.parametrize("concurrency", [1, 4])
def test_celery_worker_of_any_size(
    stack: Stack, shop: Shop, expected: dict[str, bytes], tmp_path: Path, concurrency: int
) -> None:
    env = environment(stack, shop, tmp_path)
    log = tmp_path / "worker.log"
    with celery("worker", f"--concurrency={concurrency}", env=env, log=log):
        done = sales_pipeline("run", "--engine", "celery", "--json", env=env)
    assert done.returncode == 0, done.stderr + log.read_text()
    assert json.loads(done.stdout)["engine"] == "celery"
    assert published_csvs(tmp_path) == expected
    assert len(_results(stack)) <= 1, "the publication has one, archives have receipts"


def _results(stack: Stack) -> list[bytes]:
    import redis

    with redis.Redis.from_url(stack.redis.url) as client:
        return list(client.keys("celery-task-meta-*"))


def _whole(stack: Stack, one_week: Shop, folder: Path) -> dict[str, bytes]:
    env = environment(stack, one_week, folder)
    done = sales_pipeline("run", "--engine", "local", "--jobs", "1", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    return published_csvs(folder)


def _wait_until_ready(log: Path) -> None:
    eventually(lambda: b"ready" in log.read_bytes(), f"a worker that is ready in {log}")


def _pieces(folder: Path) -> list[str]:
    return sorted(path.stem for path in (folder / "state" / "runs").glob("*/receipts/*.result"))


SHARES = [f"00000-s{number:04}" for number in range(4)]


def test_days_of_one_archive_go_to_both_local_processes(
    stack: Stack, one_week: Shop, tmp_path: Path
) -> None:
    expected = _whole(stack, one_week, tmp_path / "whole")
    env = environment(stack, one_week, tmp_path)
    done = sales_pipeline("run", "--engine", "local", "--jobs", "2", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    assert published_csvs(tmp_path) == expected
    assert _pieces(tmp_path) == SHARES


def test_days_of_one_archive_go_to_all_celery_workers(
    stack: Stack, one_week: Shop, tmp_path: Path
) -> None:
    expected = _whole(stack, one_week, tmp_path / "whole")
    env = environment(stack, one_week, tmp_path)
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    with (
        celery("worker", "--concurrency=1", "-n", "one@test", env=env, log=logs[0]),
        celery("worker", "--concurrency=1", "-n", "two@test", env=env, log=logs[1]),
    ):
        for log in logs:
            _wait_until_ready(log)
        done = sales_pipeline("run", "--quiet", env=env)
        assert _pieces(tmp_path) == SHARES
        past = sales_pipeline("run", "--as-of", "2024-02-04", "--full", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert published_csvs(tmp_path) == expected, "also after a run of a time past"
    _check_past(past, one_week, tmp_path)


def _check_past(done: subprocess.CompletedProcess[str], shop: Shop, folder: Path) -> None:
    """The workers kept to the date, and wrote what the local engine does."""
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["engine"], found["days"]["read"]) == ("celery", 4)
    (folder / "local").mkdir()
    local = run_local(shop, folder / "local", as_of=date(2024, 2, 4))
    csvs = [
        {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*.csv")}
        for run in (
            folder / "reports" / "runs" / found["run_id"],
            folder / "local" / "reports" / "runs" / local.run_id,
        )
    ]
    assert csvs[0] == csvs[1]


def test_chord_of_fifty_on_two_workers_is_one_message_an_archive(
    stack: Stack, shop: Shop, expected: dict[str, bytes], tmp_path: Path
) -> None:
    env = environment(stack, shop, tmp_path)
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    with (
        celery("worker", "--concurrency=1", "-n", "one@test", env=env, log=one),
        celery("worker", "--concurrency=1", "-n", "two@test", env=env, log=two),
    ):
        _wait_until_ready(one)
        _wait_until_ready(two)
        done = sales_pipeline("run", "--quiet", env=env)
        assert done.returncode == 0, done.stderr
        ended = re.compile(r"publish_run\[[^]]+\] succeeded")  # after the command was told of it
        eventually(lambda: any(ended.search(log.read_text()) for log in (one, two)), "its end")
    assert published_csvs(tmp_path) == expected
    tasks = re.compile(r"Task workers\.(\w+)\[[^]]+\] succeeded")
    logs = [one.read_text(), two.read_text()]
    found = [name for text in logs for name in tasks.findall(text)]
    assert found.count("process_archive") == 50
    assert found.count("publish_run") == 1
    assert all("process_archive" in text for text in logs), "one worker did everything"


def test_flower_shows_tasks_and_changes_nothing(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = environment(
        stack, shop, tmp_path, SALES_FLOWER_USER="finance", SALES_FLOWER_PASSWORD="sesame"
    )

    def ask(path: str, password: str, data: bytes | None = None) -> bytes:
        token = base64.b64encode(f"finance:{password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", data, {"Authorization": f"Basic {token}"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            body: bytes = answer.read()
            return body

    def tasks() -> list[str]:
        try:
            listed = json.loads(ask("/api/tasks", "sesame"))
        except (urllib.error.URLError, ConnectionError):
            return []
        return [task["name"] for task in listed.values() if task["state"] == "SUCCESS"]

    with (
        celery("flower", f"--port={port}", env=env, log=tmp_path / "flower.log"),
        celery("worker", "--concurrency=1", env=env, log=tmp_path / "worker.log"),
    ):
        eventually(lambda: b"Visit me" in (tmp_path / "flower.log").read_bytes(), "flower")
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        eventually(lambda: "workers.publish_run" in tasks(), "the callback in Flower")
        assert tasks().count("workers.process_archive") == 50
        listening = [
            tuple(each.laddr)
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        ]
        assert [host for host, *where in listening if where == [port]] == ["127.0.0.1"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask("/api/tasks", "guess")
        for change in (
            "task/async-apply/workers.start_run",
            "task/revoke/1",
            "worker/shutdown/worker",
            "worker/pool/grow/worker",
        ):
            with pytest.raises(urllib.error.HTTPError, match="403"):
                ask(f"/api/{change}", "sesame", b"{}")
    assert stack.redis.password not in (tmp_path / "flower.log").read_text()


def test_a_failing_header_ends_the_run_with_its_cause(
    stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    """The snapshot is gone, so every archive fails; the command must not hang."""
    env = environment(stack, shop, tmp_path)
    script = (
        "import shutil, sys; from pipeline_core import pipeline;"
        "from pipeline_core.ledger import RunLedger;"
        "from pipeline_core.storage import open_storage;"
        "from pipeline_core.settings import load_settings;"
        "from workers.sending.dispatch import send_outstanding; s = load_settings();"
        "m = pipeline.plan(s.order('1', 'celery', lambda: 1));"
        "shutil.rmtree(s.state + '/dimensions');"
        "send_outstanding(RunLedger(open_storage(s.state), '1'), m); print(m.run_id)"
    )
    with celery("worker", "--concurrency=2", env=env, log=tmp_path / "worker.log"):
        started = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
        )
        run_id = started.stdout.strip().splitlines()[-1]
        outcome = tmp_path / "state" / "runs" / run_id / "outcome.json"
        eventually(outcome.exists, "the outcome")
    recorded = json.loads(outcome.read_text())
    assert recorded["state"] == "failed"
    assert "snapshot" in recorded["reason"]
    sent = [path.name for path in (outcome.parent / "dispatches").iterdir()]
    assert sent == ["1.json"], "what no retry will mend is not sent again"
    assert not (tmp_path / "reports" / "latest").exists()


def test_a_purchase_of_what_has_no_price_is_told_as_it_is_and_tried_once(
    stack: Stack, tmp_path: Path
) -> None:
    shop = write_shop(
        tmp_path / "shop",
        {"good.zip": _archive(2), "ink.zip": archive_zip({"2024-03-01.zip": INK})},
        CUSTOMERS,
        [*PRODUCTS, ("ink", "Ink", "Category 1", None)],
    )
    env = environment(stack, shop, tmp_path)
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=2", env=env, log=log):
        done = sales_pipeline("run", "--engine", "celery", env=env)
    assert done.returncode == 1
    told = " ".join(done.stderr.split())
    assert told.count("ink.zip: products were bought that have no price: ink (2 purchases).") == 1
    assert "Give them a price" in told
    assert "Traceback" not in done.stderr
    [run] = (tmp_path / "state" / "runs").iterdir()
    assert [each.name for each in (run / "dispatches").iterdir()] == ["1.json"]
    assert json.loads((run / "outcome.json").read_text())["state"] == "failed"
    [line] = [line for line in log.read_text().splitlines() if "task_failed" in line]
    assert "cause='ink.zip: products were bought that have no price: ink (2 purchases).'" in line
    assert not (tmp_path / "reports" / "latest").exists()


def test_no_worker_is_an_error_with_a_remedy(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    env = environment(stack, shop, tmp_path, SALES_WORKER_WAIT="4")
    done = sales_pipeline("run", "--engine", "celery", env=env)
    assert done.returncode == 1
    place = re.sub("://.*@", "://", stack.redis.url)
    assert re.search(
        f"No worker answers at {place}; waiting up to [23] s. Start one with: celery -A workers wo",
        done.stderr,
    )
    assert f"No Celery worker answered at {place} in 4 seconds." in done.stderr
    assert "Traceback" not in done.stderr
