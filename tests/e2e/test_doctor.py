"""``doctor``: what it refuses, and the two questions that a health check asks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.stack import RedisServer, Stack
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.fleet import kill_tree
from tests.support.gateway import Fault, gateway
from tests.support.processes import (
    celery,
    environment,
    eventually,
    local_environment,
    sales_pipeline,
)
from tests.support.s3 import s3_environment, use_endpoint

WEEK = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase()])})})

_PICKLING = """
from celery import Celery
import os
app = Celery("pickling", broker=os.environ["SALES_BROKER_URL"])
app.conf.update(accept_content=["json", "pickle"], visibility_timeout=2400)
"""


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    shop = write_shop(tmp_path / "shop", {"week.zip": WEEK})
    return environment(stack, shop, tmp_path)


def _checks(env: dict[str, str], *arguments: str) -> dict[str, tuple[str, str]]:
    """State and text of each check by name."""
    done = sales_pipeline("doctor", "--json", *arguments, env=env)
    found = {each["name"]: each for each in json.loads(done.stdout)}
    failed = any(each["state"] == "failed" for each in found.values())
    assert done.returncode == int(failed)
    return {
        name: (each["state"], f"{each['found']} {each['remedy']}") for name, each in found.items()
    }


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SALES_RESULT_EXPIRES", "3600", "SALES_RESULT_EXPIRES above 4200"),
        ("SALES_LEASE", "5", "SALES_LEASE to 10"),
    ],
)
def test_bad_settings_are_refused(env: dict[str, str], setting: str, value: str, said: str) -> None:
    state, text = _checks(env | {setting: value})["settings"]
    assert state == "failed"
    assert said in text


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SALES_TASK_TIME_LIMIT", "2400"),
        ("SALES_TASK_SOFT_TIME_LIMIT", "1800"),
        ("SALES_RETRY_BACKOFF_MAX", "2400"),
    ],
)
def test_what_outlives_the_visibility_timeout_is_no_setting(
    env: dict[str, str], setting: str, value: str
) -> None:
    done = sales_pipeline("doctor", env=env | {setting: value})
    assert done.returncode == 2
    assert f"{setting} ({value} s) < " in done.stderr
    assert "SALES_VISIBILITY_TIMEOUT (2400 s) does not hold" in done.stderr


def test_results_that_expire_before_the_longest_run_ends(env: dict[str, str]) -> None:
    assert sales_pipeline("run", "--engine", "local", "--quiet", env=env).returncode == 0
    (outcome,) = Path(env["SALES_STATE"]).glob("runs/*/outcome.json")
    text = outcome.read_text()
    recorded = json.loads(text)
    recorded["summary"]["seconds"] = 300_000
    outcome.write_text(json.dumps(recorded))
    state, text = _checks(env)["settings"]
    assert state == "failed"
    assert "300000" in text


@pytest.mark.parametrize(
    ("config", "state", "said"),
    [
        ("maxmemory-policy allkeys-lru", "failed", "noeviction"),
        ("appendonly no", "warned", "appendonly"),
        ("appendonly yes", "ok", "answers"),
    ],
)
def test_redis(env: dict[str, str], config: str, state: str, said: str) -> None:
    with RedisServer(config=[config]) as redis:
        found = _checks(env | {"SALES_BROKER_URL": redis.url})["broker"]
    assert found[0] == state
    assert said in found[1]


def test_a_result_backend_that_forgets(env: dict[str, str]) -> None:
    evicting = RedisServer(config=["maxmemory-policy allkeys-lru"])
    with RedisServer(config=["appendonly yes"]) as broker, evicting as backend:
        env |= {"SALES_BROKER_URL": broker.url, "SALES_RESULT_BACKEND": backend.url}
        state, said = _checks(env)["broker"]
    assert state == "failed"
    assert "SALES_RESULT_BACKEND" in said


@pytest.mark.parametrize(
    ("fault", "said"),
    [("ignores conditions", "created twice"), ("refuses conditions", "501 Not Implemented")],
)
def test_a_state_that_cannot_keep_two_runs_apart(
    tmp_path: Path,
    s3: str,
    s3_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    said: str,
) -> None:
    """An object store or a gateway without conditional writes: neither doctor nor run takes it."""
    shop = write_shop(tmp_path / "shop", {"week.zip": WEEK})
    with gateway(s3_endpoint, fault) as through:
        use_endpoint(monkeypatch, through.endpoint)
        env = local_environment(shop, tmp_path, SALES_STATE=f"{s3}/state")
        state, text = _checks(env)["state"]
        assert state == "failed"
        assert said in text
        assert "MinIO" in text
        done = sales_pipeline("run", "--quiet", env=env)
    assert done.returncode == 2
    assert f"{s3}/state has no conditional writes" in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "reports").exists()


def test_where_there_are_no_links_doctor_says_what_to_follow(tmp_path: Path, s3: str) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": WEEK})
    env = local_environment(shop, tmp_path)
    (tmp_path / "reports").mkdir()
    assert "copy" not in _checks(env)["reports"][1]
    assert os.listdir(tmp_path / "reports") == []
    state, text = _checks(env | {"SALES_REPORTS": f"{s3}/reports"})["reports"]
    assert state == "ok"
    assert "latest/ is a copy there, and latest.json is what is swapped as a whole" in text
    assert open_storage(f"{s3}/reports").pointed(".doctor-link") is None


def test_a_worker_that_opens_pickles(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pickling.py").write_text(_PICKLING)
    with RedisServer() as redis:
        env |= {"SALES_BROKER_URL": redis.url}
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "pickling", "worker", "--pool=solo"],
            env=env | {"PYTHONPATH": str(tmp_path), "C_FORCE_ROOT": "1"},
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            eventually(lambda: "none answers" not in _checks(env)["workers"][1], "a worker", 30)
            state, text = _checks(env)["workers"]
        finally:
            kill_tree(worker)
    assert state == "failed"
    assert "accepts pickle" in text


def test_a_worker_with_other_settings(env: dict[str, str], tmp_path: Path) -> None:
    with RedisServer() as redis:
        env |= {"SALES_BROKER_URL": redis.url}
        log = tmp_path / "worker.log"
        with celery("worker", "--concurrency=1", env=env, log=log):
            eventually(lambda: b" ready" in log.read_bytes(), "the worker")
            assert _checks(env)["workers"][0] == "ok"
            other = _checks(env | {"SALES_VISIBILITY_TIMEOUT": "7200"})["workers"]
            keyed = _checks(env | {"SALES_STATE_KEY": "canary, sixteen or more"})
            unlike = _checks(env | {"SALES_TASK_RETRIES": "3", "SALES_JOBS": "7"})["workers"]
    assert other[0] == "failed"
    assert "2400" in other[1]
    assert keyed["workers"][0] == "failed"
    assert "another SALES_STATE_KEY than this machine" in keyed["workers"][1]
    assert "canary" not in str(keyed)
    assert unlike[0] == "warned"
    assert re.search(r"has other settings than this machine: SALES_TASK_RETRIES\.", unlike[1])


def test_a_worker_without_credentials_is_named_with_the_place(
    env: dict[str, str], tmp_path: Path, s3: str, s3_endpoint: str
) -> None:
    """It answers and takes work, of which it can do none."""
    open_storage(f"{s3}/data").write("week.zip", WEEK)
    with RedisServer() as redis:
        env |= {"SALES_BROKER_URL": redis.url, "SALES_DATA": f"{s3}/data"}
        sound = env | s3_environment(s3_endpoint)
        bare = {name: value for name, value in sound.items() if "KEY" not in name}
        bare["AWS_METADATA_ENDPOINT"] = "http://127.0.0.1:9"  # nobody there gives any, either
        logs = [tmp_path / "sound.log", tmp_path / "bare.log"]
        line = ("worker", "--concurrency=1", "-n")
        with celery(*line, "sound@test", env=sound, log=logs[0]):
            eventually(lambda: b" ready" in logs[0].read_bytes(), "a worker")
            state, said = _checks(sound)["workers"]
            assert state == "ok"
            assert re.search(r"with [\d,]+ MiB free for temporary files", said)
            with celery(*line, "bare@test", env=bare, log=logs[1]):
                eventually(lambda: b" ready" in logs[1].read_bytes(), "a worker")
                state, said = _checks(sound)["workers"]
    assert state == "failed"
    assert "bare@test cannot use data: Cannot list" in said
    assert "no credentials are set" in said
    assert "sound@test" not in said
    assert "state" not in said.split("Start it")[0].replace("bare@test cannot use data", "")
    assert b"place_not_reached" in logs[1].read_bytes()


def test_no_worker(env: dict[str, str]) -> None:
    with RedisServer() as redis:
        state, text = _checks(env | {"SALES_BROKER_URL": redis.url})["workers"]
    assert state == "failed"
    assert "celery -A workers worker" in text


def test_versions_with_known_faults(env: dict[str, str], tmp_path: Path) -> None:
    assert _checks(env)["versions"][0] == "ok"
    for name, version in (("celery", "5.6.9"), ("kombu", "5.6.2"), ("flower", "1.1.0")):
        site = tmp_path / f"site-{name}"
        installed = site / f"{name}-{version}.dist-info"
        installed.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"
        (installed / "METADATA").write_text(metadata)
        path = os.pathsep.join([str(site), env["PYTHONPATH"]])
        state, text = _checks(env | {"PYTHONPATH": path})["versions"]
        assert state == "failed"
        assert f"{name} {version} has known faults" in text


def test_a_clock_that_is_not_the_brokers(env: dict[str, str]) -> None:
    script = (
        "import datetime, sys; from click.testing import CliRunner;"
        "from console.doctor import servers; from console.command import cli\n"
        "of_machine = datetime.datetime\n"
        "for seconds in (0, 60, -60):\n"
        "    late = datetime.timedelta(seconds=seconds)\n"
        "    now = {'now': lambda zone: of_machine.now(zone) + late}\n"
        "    servers.datetime = type('Away', (of_machine,), now)\n"
        "    print(' '.join(CliRunner().invoke(cli, ['doctor', '--json']).stdout.split()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    found = [
        check
        for line in done.stdout.splitlines()
        for check in json.loads(line)
        if check["name"] == "clock"
    ]
    assert [clock["state"] for clock in found] == ["ok", "failed", "failed"]
    assert all("NTP" in clock["remedy"] for clock in found[1:])


def test_customers_and_products_that_are_none(env: dict[str, str]) -> None:
    (Path(env["SALES_DIMENSIONS"]) / "products.csv").write_text("product_id,category,price\n")
    state, text = _checks(env)["dimensions"]
    assert state == "failed"
    assert "0 products" in text


@pytest.mark.parametrize("place", ["state", "reports"])
def test_a_place_that_cannot_be_written(env: dict[str, str], tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    state, text = _checks(env | {f"SALES_{place.upper()}": str(tmp_path / "file" / place)})[place]
    assert state == "failed"
    assert "cannot be written to" in text


def test_fresh(env: dict[str, str]) -> None:
    state, text = _checks(env, "--fresh", "26h")["fresh"]
    assert state == "failed"
    assert "nothing was published yet" in text
    assert sales_pipeline("run", "--engine", "local", "--quiet", env=env).returncode == 0
    state, text = _checks(env, "--fresh", "1m")["fresh"]
    assert state == "ok"
    assert "0:00:0" in text
    time.sleep(1.5)
    state, text = _checks(env, "--fresh", "1s")["fresh"]
    assert state == "failed"
    assert "more than 0:00:01" in text


@pytest.mark.parametrize(
    "age", ["26", "h", "-1h", "1w", "1.5h", "", "9" * 12 + "d", "9" * 5000 + "s"]
)
def test_an_age_is_a_number_and_a_unit(env: dict[str, str], age: str) -> None:
    done = sales_pipeline("doctor", "--fresh", age, env=env)
    assert done.returncode == 2
    assert "26h" in done.stderr


def test_live_needs_no_broker_and_loads_no_heavy_library(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    env = os.environ | {
        "SALES_HEARTBEAT_FILE": str(heartbeat),
        "SALES_BROKER_URL": "redis://127.0.0.1:1/0",
        "PYTHONPATH": str(PROJECT),
    }
    script = (
        "import sys; from click.testing import CliRunner; from console.command import cli;"
        "found = CliRunner().invoke(cli, ['doctor', '--live']);"
        "print(found.exit_code, {'pandas', 'pyarrow', 'celery', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 set()\n"
