"""What a worker shows of itself: heartbeat file and metrics."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis

from console.stack import RedisServer, Stack
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import call, celery, environment, eventually, sales_pipeline, scrape

EVENTS = [purchase(quantity=2)] * 3 + [purchase(product="nowhere")] + [{"event_type": "view"}]


# The workers' app, more often at its heartbeat, whose event loop stands still while WEDGE is there.
_STUCK = """
import os, time
from celery.signals import worker_ready
from workers.programs import monitoring
from workers.celery import app
monitoring._EVERY_SECONDS, monitoring._STUCK_SECONDS = 0.5, 2.0
def wait():
    while os.path.exists(os.environ["WEDGE"]):
        time.sleep(0.1)
@worker_ready.connect
def wedge(sender, **_):
    sender.timer.call_repeatedly(0.5, wait)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part(EVENTS)})})
    return write_shop(tmp_path / "shop", {"one.zip": week, "two.zip": b"no zip"})


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_metrics_add_up_over_all_processes(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    port = _free_port()
    counts = tmp_path / "counts"
    counts.mkdir()
    env = environment(stack, shop, tmp_path, SALES_METRICS_PORT=str(port), TMPDIR=str(counts))
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=2", env=env, log=log, is_stopped=True):
        assert sales_pipeline("run", "--allow-incomplete", "--quiet", env=env).returncode == 3
        assert sales_pipeline("run", "--full", "--quiet", env=env).returncode == 1
        eventually(lambda: 'sales_runs_total{state="refused"}' in scrape(port), "the last run", 10)
        found = scrape(port)
        assert list(counts.rglob("sales-metrics-*"))
        listening = {
            tuple(each.laddr)
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        }
    assert found['sales_archives_total{result="read"}'] == 2
    assert found['sales_archives_total{result="unreadable"}'] == 2
    assert found['sales_events_total{kind="counted"}'] == 6
    assert found['sales_events_total{kind="not_purchase"}'] == 2
    assert found['sales_events_total{kind="rejected"}'] == 2
    assert found['sales_rejects_total{reason="unknown_product"}'] == 2
    assert found["sales_compressed_bytes_total"] > 0
    assert found["sales_json_bytes_total"] > 0
    assert found["sales_archive_seconds_count"] == 4
    assert found['sales_runs_total{state="published"}'] == 1
    assert found['sales_runs_total{state="refused"}'] == 1
    assert 0 <= found["sales_last_publication_age_seconds"] < 100
    assert time.time() - found["sales_last_publication_timestamp_seconds"] < 100
    assert [host for host, *where in listening if where == [port]] == ["127.0.0.1"]
    assert not list(counts.rglob("sales-metrics-*")), "gone with the worker"


def test_the_age_of_a_report_is_known_to_a_worker_that_did_not_publish_it(
    stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    port = _free_port()
    env = environment(stack, shop, tmp_path, SALES_METRICS_PORT=str(port))
    done = sales_pipeline("run", "--engine", "local", "--allow-incomplete", "--quiet", env=env)
    assert done.returncode == 3, done.stderr
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log):
        eventually(lambda: b" ready" in log.read_bytes(), "the worker")
        call("workers.reconcile", env=env, cwd=tmp_path)
        age = "sales_last_publication_age_seconds"
        eventually(lambda: 0 < scrape(port).get(age, 0) < 100, "the age")


def test_a_taken_port_stops_no_work(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = environment(stack, shop, tmp_path, SALES_METRICS_PORT=str(taken.getsockname()[1]))
        log = tmp_path / "worker.log"
        with celery("worker", "--concurrency=1", env=env, log=log):
            assert sales_pipeline("run", "--allow-incomplete", "--quiet", env=env).returncode == 3
    assert "metrics_not_served" in log.read_text()


def test_heartbeat_lives_and_ends_with_the_worker(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    env = environment(stack, shop, tmp_path, SALES_HEARTBEAT_FILE=str(heartbeat))
    dead = sales_pipeline("doctor", "--live", env=env)
    assert dead.returncode == 1
    assert "heartbeat" in dead.stdout
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log, is_stopped=True) as worker:
        eventually(heartbeat.exists, "the heartbeat")
        assert sales_pipeline("doctor", "--live", env=env).returncode == 0
        first = heartbeat.stat().st_mtime
        eventually(lambda: heartbeat.stat().st_mtime > first, "the next heartbeat")
        worker.send_signal(signal.SIGSTOP)
        old = time.time() - 120
        os.utime(heartbeat, (old, old))
        wedged = sales_pipeline("doctor", "--live", "--json", env=env)
        worker.send_signal(signal.SIGCONT)
        assert wedged.returncode == 1
        assert json.loads(wedged.stdout)[0]["state"] == "failed"
    assert not heartbeat.exists()


def test_heartbeat_ends_when_the_event_loop_is_stuck(
    stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "stuck.py").write_text(_STUCK)
    heartbeat, wedge, log = tmp_path / "heartbeat", tmp_path / "wedge", tmp_path / "worker.log"
    env = environment(stack, shop, tmp_path, SALES_HEARTBEAT_FILE=str(heartbeat), WEDGE=str(wedge))
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])

    def age() -> float:
        return time.time() - heartbeat.stat().st_mtime

    with celery("worker", "--concurrency=1", env=env, log=log, app="stuck"):
        eventually(lambda: b" ready" in log.read_bytes(), "the worker")
        eventually(lambda: heartbeat.exists() and age() < 1, "the heartbeat")
        wedge.touch()
        eventually(lambda: age() > 5, "silence")
        wedge.unlink()
        eventually(lambda: age() < 1, "a heartbeat")


def test_heartbeat_goes_on_while_the_broker_is_away(
    shop: Shop, stack: Stack, tmp_path: Path
) -> None:
    heartbeat = tmp_path / "heartbeat"
    with RedisServer() as redis:
        env = environment(
            stack,
            shop,
            tmp_path,
            SALES_HEARTBEAT_FILE=str(heartbeat),
            SALES_BROKER_URL=redis.url,
            WEDGE=str(tmp_path / "never"),
        )
        (tmp_path / "stuck.py").write_text(_STUCK)  # for its short times
        env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
        log = tmp_path / "worker.log"
        with celery("worker", "--concurrency=1", env=env, log=log, app="stuck"):
            eventually(lambda: b" ready" in log.read_bytes(), "the worker")
            redis.kill()
            eventually(lambda: b"Trying again" in log.read_bytes(), "a try to reconnect")
            away = time.time()
            eventually(lambda: heartbeat.stat().st_mtime > away + 5, "heartbeats all the while")
            redis.start()


def test_what_happens_to_many_tasks_is_sent_in_few_messages(stack: Stack, tmp_path: Path) -> None:
    parts = {"1.json": part([purchase()])}
    days = [f"events_2024-03-{n:02}.zip" for n in range(1, 32)]
    shop = write_shop(
        tmp_path / "shop", {f"of_{d}": archive_zip({d: day_zip(parts)}) for d in days}
    )
    env = environment(stack, shop, tmp_path)
    sent: list[list[str]] = []

    def succeeded() -> int:
        while message := heard.get_message(ignore_subscribe_messages=True):
            payload = json.loads(message["data"])
            if payload["properties"]["delivery_info"]["routing_key"] == "task.multi":
                events = json.loads(base64.b64decode(payload["body"]))
                sent.append([event["type"] for event in events])
        return sum(types.count("task-succeeded") for types in sent)

    with (
        Redis.from_url(stack.redis.url).pubsub() as heard,  # type: ignore[no-untyped-call]
        celery("worker", "--concurrency=1", env=env, log=tmp_path / "worker.log"),
    ):
        heard.psubscribe("*celeryev*")
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        eventually(lambda: succeeded() == len(days) + 1, "every task's end")
    assert len(sent) < len(days) / 2


@pytest.mark.parametrize(
    ("name", "setting"),
    [("beat", "SALES_BEAT_SCHEDULE_FILE"), ("worker", "SALES_HEARTBEAT_FILE")],
)
def test_a_file_that_has_no_folder_is_told_at_the_start(
    stack: Stack, shop: Shop, tmp_path: Path, name: str, setting: str
) -> None:
    env = environment(stack, shop, tmp_path) | {setting: str(tmp_path / "nowhere" / "file")}
    with celery(name, env=env, log=tmp_path / "log") as process:
        assert process.wait(60) == 2
    said = (tmp_path / "log").read_text()
    assert f"Error: {setting}: the folder {tmp_path / 'nowhere'} does not exist." in said
    assert "Traceback" not in said


# The workers' app, of which a library has files where multiprocessing has its own.
_WITH_FILES = """
from celery.signals import worker_ready
from multiprocessing.util import get_temp_dir
from workers.celery import app
@worker_ready.connect
def use(sender, **_):
    print("FILES IN", get_temp_dir(), flush=True)
"""


def test_a_worker_that_is_stopped_leaves_no_file_and_no_traceback(
    stack: Stack, shop: Shop, tmp_path: Path
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    (tmp_path / "with_files.py").write_text(_WITH_FILES)
    env = environment(stack, shop, tmp_path, TMPDIR=str(room))
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env.get("PYTHONPATH", "")])
    log = tmp_path / "worker.log"
    with celery(
        "worker",
        "--concurrency=1",
        env=env,
        log=log,
        app="with_files",
        is_stopped=True,
        own_interpreter=True,
    ):
        eventually(lambda: b"FILES IN" in log.read_bytes(), "the worker")
    said = log.read_text()
    assert f"FILES IN {room}/sales-worker-" in said
    assert "Traceback" not in said
    assert not list(room.glob("sales-worker-*"))
