"""What a user meets when a figure moves too far: both engines, exit codes, words, the way out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from console.stack import Stack
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, sales_pipeline

LIMIT = {"SALES_MAX_REVENUE_CHANGE": "0.1"}


def _archive(day: int, sold: int) -> bytes:
    return archive_zip(
        {f"events_2024-03-{day:02}.zip": day_zip({"0.json": part([purchase(quantity=sold)])})}
    )


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """Settings of a shop that published one archive, 10.00, and now has another, of 5.00."""
    shop = write_shop(tmp_path / "shop", {"events_week_01.zip": _archive(1, 100)})
    settings = environment(stack, shop, tmp_path, SALES_ENGINE="local", SALES_JOBS="1")
    assert sales_pipeline("run", "--quiet", env=settings).returncode == 0
    (shop.data / "events_week_02.zip").write_bytes(_archive(2, 50))
    return settings


def _reports(env: dict[str, str]) -> dict[Path, bytes]:
    files = (path for path in Path(env["SALES_REPORTS"]).rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files}


def _newest(env: dict[str, str]) -> dict[str, str]:
    run: dict[str, str] = json.loads(sales_pipeline("runs", "--json", env=env).stdout)[0]
    return run


def test_refused_told_and_overruled(env: dict[str, str], tmp_path: Path) -> None:
    hook, told = tmp_path / "hook.py", tmp_path / "told"
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')")
    env |= LIMIT | {"SALES_HOOK_COMMAND": f"{sys.executable} {hook}"}
    env["SALES_NOTIFY_ON"] = "refused,published"
    before, earlier = _reports(env), _newest(env)["run_id"]

    refused = sales_pipeline("run", env=env)
    run_id = _newest(env)["run_id"]
    assert refused.returncode == 1
    said = (
        f"Total revenue is 15.00, 50.0 % more than 10.00 in run {earlier}; the limit is 10 %.",
        f"`sales-pipeline publish {run_id} --allow-drift`",
    )
    assert all(words in refused.stderr for words in said)
    assert _reports(env) == before, "the earlier report stands, byte by byte"
    shown = sales_pipeline("show", env=env).stdout
    assert all(words in shown for words in ("is refused", *said))

    assert sales_pipeline("publish", run_id, env=env).returncode == 1
    assert sales_pipeline("publish", run_id, "--allow-incomplete", env=env).returncode == 1
    assert _reports(env) == before
    published = sales_pipeline("publish", run_id, "--allow-drift", "--json", env=env)
    assert published.returncode == 0, published.stderr
    assert json.loads(published.stdout)["status"] == "complete"
    latest = Path(env["SALES_REPORTS"]) / "latest" / "summary.json"
    assert json.loads(latest.read_text())["run_id"] == run_id
    notices = [json.loads(line) for line in told.read_text().splitlines()]
    assert [notice["event"] for notice in notices] == ["refused", "published"]
    assert all(words in notices[0]["text"] for words in said)


@pytest.mark.parametrize("how", ["option", "setting"])
def test_allowed_beforehand(env: dict[str, str], how: str) -> None:
    if how == "setting":
        done = sales_pipeline("run", env=env | LIMIT | {"SALES_ALLOW_DRIFT": "true"})
    else:
        done = sales_pipeline("run", "--allow-drift", env=env | LIMIT)
    assert done.returncode == 0, done.stderr


def test_workers_go_by_the_limits_of_who_planned(env: dict[str, str], tmp_path: Path) -> None:
    """The worker publishes, and has no limits of its own; then it has, and the planner none."""
    env["SALES_ENGINE"] = "celery"
    worker = ("worker", "--concurrency", "1")
    with celery(*worker, env=env, log=tmp_path / "without.log"):
        refused = sales_pipeline("run", env=env | LIMIT)
    assert refused.returncode == 1
    assert "50.0 % more" in refused.stderr
    with celery(*worker, env=env | LIMIT, log=tmp_path / "with.log"):
        done = sales_pipeline("run", env=env)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", ["10", "10%", "-0.1", "nan"])
def test_a_limit_that_is_no_share_exits_2(env: dict[str, str], value: str) -> None:
    done = sales_pipeline("run", env={**env, "SALES_MAX_REVENUE_CHANGE": value})
    assert done.returncode == 2
    assert "SALES_MAX_REVENUE_CHANGE" in done.stderr
