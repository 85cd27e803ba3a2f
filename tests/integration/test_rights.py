"""The rights that docs/how-to/many-machines.md names are enough, and none is too many."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from console.stack import Stack
from pipeline_core.storage import open_storage
from pipeline_core.store_environment import use_store_variables
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline
from tests.support.rights import Guarded, Right, allows, policy
from tests.support.s3 import put, s3_environment
from tests.support.serving import site


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[Guarded, str]]:
    """The application, and where it listens."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    assert server._server is not None
    guard = Guarded(server._server.app)
    server._server.app = guard
    host, port = server.get_host_and_port()
    yield guard, f"http://{host}:{port}"
    server.stop()


def test_what_the_document_allows_is_enough_and_all_of_it_is_needed(
    guarded: tuple[Guarded, str], stack: Stack, tmp_path: Path
) -> None:
    guard, endpoint = guarded
    bucket = f"shop-{secrets.token_hex(4)}"
    put(endpoint, f"/{bucket}")
    use_store_variables(s3_environment(endpoint))
    archives = open_storage(f"s3://{bucket}/archives")
    for week in (1, 2):
        day = day_zip({"1.json": part([purchase(quantity=week)])})
        archives.write(f"week_{week}.zip", archive_zip({f"events_2024-03-0{week}.zip": day}))
    places = {f"SALES_{name.upper()}": f"s3://{bucket}/{name}" for name in ("reports", "state")}
    env = environment(stack, write_shop(tmp_path / "shop", {}), tmp_path, **places)
    env |= {**s3_environment(endpoint), "SALES_DATA": f"s3://{bucket}/archives"}

    guard.policy = policy("workers")
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log):
        eventually(lambda: b" ready" in log.read_bytes(), "the worker")
        for command in (["doctor"], ["run", "--quiet"], ["run", "--full", "--quiet"], ["verify"]):
            done = sales_pipeline(*command, env=env)
            assert done.returncode == 0, (command, done.stdout, done.stderr, guard.denied)
    kept = ["--keep-runs", "1", "--keep-reports", "1"]
    assert sales_pipeline("gc", *kept, env=env).returncode == 0
    assert guard.denied == []
    given = {action for each in guard.policy["Statement"] for action in _actions(each["Action"])}
    assert given - guard.used == {"s3:AbortMultipartUpload"}, "of an upload that is cut off"

    guard.policy, guard.used = policy("readers"), set()
    with site(env) as running:
        for path in ("/latest/", "/live", "/api/progress", "/metrics"):
            assert running.ask(path).status == 200, (path, running.log())
    for command in (["show"], ["runs"]):
        assert sales_pipeline(*command, env=env).returncode == 0
    assert guard.denied == []
    assert guard.used == {"s3:ListBucket", "s3:GetObject"}
    assert sales_pipeline("run", "--engine", "local", env=env).returncode != 0
    assert guard.denied, "who may only look publishes nothing"


def _actions(told: str | list[str]) -> list[str]:
    return [told] if isinstance(told, str) else told


def test_archives_are_only_read() -> None:
    of_workers = policy("workers")
    archive = "arn:aws:s3:::b/archives/week.zip"
    assert allows(of_workers, Right("s3:GetObject", archive), "b")
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert not allows(of_workers, Right(action, archive), "b")
        assert not allows(policy("readers"), Right(action, "arn:aws:s3:::b/state/x"), "b")
