"""Keys and address of an object store (moto's server) that stand in .env and nowhere else."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

import pytest

from console.stack import Stack
from pipeline_core.storage import open_storage
from pipeline_core.store_environment import use_store_variables
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline
from tests.support.s3 import SECRET, put, s3_environment

PLACES = ("data", "reports", "state")


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """URI of a new bucket with two archives. Its keys are in .env, and not in the environment."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    name = f"bucket-{secrets.token_hex(4)}"
    put(s3_endpoint, f"/{name}")
    variables = s3_environment(s3_endpoint)
    use_store_variables(variables)
    for week in ("1", "2"):
        day = day_zip({"1.json": part([purchase(quantity=int(week))])})
        archive = archive_zip({f"events_2024-03-0{week}.zip": day})
        open_storage(f"s3://{name}/data").write(f"week_{week}.zip", archive)
    lines = "".join(f"{each}={text}\n" for each, text in variables.items())
    (tmp_path / ".env").write_text(lines)
    return f"s3://{name}"


@pytest.fixture
def env(stack: Stack, tmp_path: Path, bucket: str) -> dict[str, str]:
    shop: Shop = write_shop(tmp_path / "shop", {})
    places = {f"SALES_{each.upper()}": f"{bucket}/{each}" for each in PLACES}
    return environment(stack, shop, tmp_path, SALES_JOBS="2", **places)


def test_a_local_run_and_its_children_open_the_store(env: dict[str, str], tmp_path: Path) -> None:
    local = env | {"SALES_ENGINE": "local", "SALES_LOG_LEVEL": "DEBUG"}
    del local["SALES_BROKER_URL"]
    for command in (("run", "--json"), ("verify", "--json"), ("doctor",)):
        done = sales_pipeline(*command, env=local, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert SECRET not in done.stdout + done.stderr


def test_workers_open_the_store(env: dict[str, str], tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=2", env=env, log=log):
        eventually(lambda: b" ready" in log.read_bytes(), "the worker")
        done = sales_pipeline("run", "--json", env=env, cwd=tmp_path)
        asked = sales_pipeline("doctor", "--json", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr + log.read_text()
    assert json.loads(done.stdout)["totals"]["units_sold"] == 3
    assert {each["name"]: each["state"] for each in json.loads(asked.stdout)}["workers"] == "ok"
    assert SECRET not in done.stderr + log.read_text() + asked.stdout


def test_the_environment_wins(env: dict[str, str], s3_endpoint: str, tmp_path: Path) -> None:
    lines = (tmp_path / ".env").read_text().replace(s3_endpoint, "http://127.0.0.1:9")
    (tmp_path / ".env").write_text(lines)
    told = env | {"AWS_ENDPOINT_URL": s3_endpoint, "SALES_ENGINE": "local"}
    assert sales_pipeline("plan", env=told, cwd=tmp_path).returncode == 0


def test_doctor_says_where_credentials_are_looked_for(env: dict[str, str], tmp_path: Path) -> None:
    lines = [each for each in (tmp_path / ".env").read_text().splitlines() if "KEY" not in each]
    (tmp_path / ".env").write_text("\n".join(lines))
    bare = env | {"AWS_METADATA_ENDPOINT": "http://127.0.0.1:9", "SALES_ENGINE": "local"}
    done = sales_pipeline("doctor", "--json", env=bare, cwd=tmp_path)
    said = {each["name"]: each for each in json.loads(done.stdout)}["data"]
    assert "no credentials are set" in said["found"]
    assert said["remedy"] == (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment or in .env, or give "
        "the machine a role that may use the place; ~/.aws is not read."
    )


def test_a_line_that_cannot_be_read_ends_a_worker_with_its_place(
    env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("AWS_SECRET_ACCESS_KEY=${NOWHERE}\n")
    with celery("worker", env=env, log=tmp_path / "log") as process:
        assert process.wait(60) == 2
    assert "AWS_SECRET_ACCESS_KEY names the variable NOWHERE" in (tmp_path / "log").read_text()
