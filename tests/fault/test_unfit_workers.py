"""Workers that can do no work, whatever the work: it goes to those who can, and is not counted."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.stack import RedisServer
from pipeline_core.fitness.records import workers_aside
from pipeline_core.storage import open_storage
from tests.support.archives import Shop
from tests.support.fleet import Fleet, fleet
from tests.support.processes import eventually, sales_pipeline
from tests.support.s3 import s3_environment

# Whoever took a message would keep it for a while before it tried again.
SLOW_TRIES = {
    "SALES_LEASE": "60",
    "SALES_STALL_AFTER": "60",
    "SALES_RETRY_BACKOFF": "25",
    "SALES_RETRY_BACKOFF_MAX": "25",
    "SALES_UNFIT_LOOK": "1",
}
_HOOK = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write(sys.stdin.read() + '\\n')"


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What the shop was told, a line each."""
    return tmp_path / "told.jsonl"


@pytest.fixture
def unsteady(fleet_shop: Shop, redis: RedisServer, tmp_path: Path, told: Path) -> Iterator[Fleet]:
    hook = tmp_path / "hook.py"
    hook.write_text(_HOOK)
    extra = SLOW_TRIES | {
        "SALES_HOOK_COMMAND": f"{sys.executable} {hook} {told}",
        "SALES_BATCH_SIZE": "1",  # so that days are unpacked to temporary files
    }
    with fleet(fleet_shop, tmp_path, redis, extra) as running:
        yield running


def test_reports_that_no_worker_can_write_are_told_before_the_work(
    unsteady: Fleet, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    unsteady.env["SALES_REPORTS"] = str(tmp_path / "file" / "reports")
    unsteady.worker(concurrency=1)
    done = unsteady.run()
    assert done.returncode == 2, done.stderr
    assert "No worker that answers can write the reports. w0@test says: Reports cannot be" in (
        done.stderr
    )
    assert f"{tmp_path / 'file'} is a file, not a folder" in done.stderr
    assert not unsteady.ledger().receipt_ids()
    assert not unsteady.ledger().dispatches()


def test_a_worker_without_credentials_leaves_the_work_to_others(
    unsteady: Fleet,
    fleet_shop: Shop,
    expected: dict[str, bytes],
    told: Path,
    s3: str,
    s3_endpoint: str,
) -> None:
    for path in fleet_shop.data.iterdir():
        open_storage(f"{s3}/data").write(path.name, path.read_bytes())
    unsteady.env["SALES_DATA"] = f"{s3}/data"
    sound = s3_environment(s3_endpoint)
    for name in sound:
        unsteady.env.pop(name, None)
    bare = {"AWS_METADATA_ENDPOINT": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}
    unsteady.worker(concurrency=2, **bare)
    unsteady.worker(concurrency=1, **sound)
    unsteady.env |= sound
    done = unsteady.run()
    assert done.returncode == 0, done.stderr
    assert unsteady.csvs() == expected
    state = open_storage(unsteady.env["SALES_STATE"])
    (said,) = eventually(lambda: workers_aside(state, datetime.now(UTC)), "the worker to be named")
    assert said.startswith("worker w0@test on ")
    assert "no credentials are set" in said
    eventually(told.exists, "a notification")
    assert told.read_text().count('"event":"unfit"') == 1
    assert "no credentials are set" in told.read_text()
    ledger = unsteady.ledger()
    attempts = [each for work in ledger.attempt_counts() for each in ledger.attempts(work)]
    assert {each.state for each in attempts if each.cause} == {"handed_back"}
    assert not any(each.culpable or each.retries for each in attempts)
    assert len(ledger.dispatches()) == 1
    (aside,) = unsteady.log_lines("worker_takes_no_work")
    assert "worker w0@test on" in aside["cause"]
    assert "reject requeue=True" in unsteady.logs()
    assert "Traceback" not in unsteady.logs()


def test_a_worker_whose_temporary_folder_is_mended_takes_work_again(
    unsteady: Fleet, expected: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "room"
    folder.mkdir()
    unsteady.worker(concurrency=1, TMPDIR=str(folder))
    shutil.rmtree(folder)
    unsteady.worker(concurrency=1)
    done = unsteady.run()
    assert done.returncode == 0, done.stderr
    assert unsteady.csvs() == expected
    assert unsteady.log_lines("worker_takes_no_work")
    folder.mkdir()
    eventually(lambda: unsteady.log_lines("worker_takes_work_again"), "the worker to come back")
    state = open_storage(unsteady.env["SALES_STATE"])
    eventually(
        lambda: not workers_aside(state, datetime.now(UTC)), "the worker to be noted as well"
    )
    again = unsteady.run("--full")
    assert again.returncode == 0, again.stderr
    ledger = unsteady.ledger()
    tried = {
        each.owner.rpartition(":")[2]
        for work in ledger.attempt_counts().keys() | ledger.receipt_ids()
        for each in ledger.attempts(work)
    }
    assert len(tried) >= 3  # two children of workers, and the command
    assert unsteady.csvs() == expected


def test_where_no_other_worker_is_well_the_run_ends_and_says_where_it_failed(
    unsteady: Fleet, tmp_path: Path
) -> None:
    unsteady.env |= {"SALES_RETRY_BACKOFF": "1", "SALES_RETRY_BACKOFF_MAX": "1"}
    unsteady.env["SALES_TASK_RETRIES"] = "1"
    rooms = [tmp_path / "a", tmp_path / "b"]
    for room in rooms:
        room.mkdir()
        unsteady.worker(concurrency=1, TMPDIR=str(room))
        shutil.rmtree(room)
    done = unsteady.run(timeout=60)
    assert done.returncode == 1
    assert "The worker w" in done.stderr
    assert "cannot work: Cannot write temporary files: No such file" in done.stderr
    assert "TMPDIR" in done.stderr


def test_a_worker_that_cannot_even_say_so_ends_the_run_and_is_told_once(
    unsteady: Fleet, fleet_shop: Shop, told: Path, s3: str, s3_endpoint: str
) -> None:
    """It has no credentials for the state: the command finds out, and whoever is notified hears of
    one failure."""
    for path in fleet_shop.data.iterdir():
        open_storage(f"{s3}/data").write(path.name, path.read_bytes())
    unsteady.env |= {"SALES_DATA": f"{s3}/data", "SALES_STATE": f"{s3}/state"}
    unsteady.env |= {"SALES_LEASE": "4", "SALES_STALL_AFTER": "4", "SALES_TASK_RETRIES": "1"}
    unsteady.env |= {"SALES_RETRY_BACKOFF": "1", "SALES_RETRY_BACKOFF_MAX": "1"}
    sound = s3_environment(s3_endpoint)
    for name in sound:
        unsteady.env.pop(name, None)
    bare = {"AWS_METADATA_ENDPOINT": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}
    unsteady.worker(concurrency=2, **bare)
    unsteady.env |= sound
    following = unsteady.run_in_background()
    why = "orker w0@test on "
    shown = eventually(lambda: _shown_of(unsteady, f"W{why}"), "the cause in show", 30)
    assert "no credentials are set" in shown
    _, stderr = following.communicate(timeout=110)
    assert following.returncode == 1, stderr
    assert f"No worker that answers can work. The w{why}" in stderr
    assert "no credentials are set" in stderr
    assert "sales-pipeline resume" in stderr
    eventually(lambda: "unfit" in _events(told), "the worker's own notice")
    assert sorted(_events(told)) == ["failed", "unfit"]
    ledger, failed_at = unsteady.ledger(), datetime.now(UTC)
    again = unsteady.run_in_background("resume", ledger.run_id)
    eventually(
        lambda: any(each.sent_at > failed_at for each in ledger.dispatches()), "work sent again"
    )
    again.terminate()
    _, stderr = again.communicate(timeout=60)
    assert f"goes on once a worker can do it; none can now. The w{why}" in stderr


def _events(told: Path) -> list[str]:
    return [json.loads(line)["event"] for line in told.read_text().splitlines()]


def _shown_of(running: Fleet, words: str) -> str | None:
    said = sales_pipeline("show", env=running.env).stdout
    return said if words in said else None
