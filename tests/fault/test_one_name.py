"""Two hosts of one name over one state: cloned machines, or containers that share a host's name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline_core.ledger import lease, run_ids
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive, kill_tree
from tests.support.namespaces import needs_namespaces
from tests.support.processes import eventually, local_environment

NAMED = 'hostname twin && exec "$@"'
# Whoever reads the customers waits while the file that PAUSE names is there; another marks it.
_PAUSE = """
import os, sys, time
def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith("customers.csv"):
        while os.path.exists(os.environ.get("PAUSE", "")):
            open(os.environ["PAUSE"] + ".reached", "w").close()
            time.sleep(0.05)
sys.addaudithook(watch)
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    return local_environment(shop, tmp_path, SALES_STALL_AFTER="100")


@contextmanager
def _twin(env: dict[str, str], *options: str) -> Iterator[subprocess.Popen[str]]:
    """``sales-pipeline run`` on a host called twin; ``options`` are of unshare."""
    process = subprocess.Popen(
        ["unshare", "--uts", *options, "sh", "-c", NAMED, "sh"]
        + [sys.executable, "-m", "console.command", "run", "--quiet"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        kill_tree(process)


@needs_namespaces
def test_a_run_of_a_host_with_the_same_name_is_not_taken_for_dead(
    env: dict[str, str], tmp_path: Path
) -> None:
    site, pause = tmp_path / "site", tmp_path / "pause"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_PAUSE)
    pause.touch()
    paused = env | {"PYTHONPATH": f"{site}{os.pathsep}{PROJECT}", "PAUSE": str(pause)}
    with _twin(paused) as first:
        eventually(pause.with_name("pause.reached").exists, "the pause")
        held = lease.newest(open_storage(env["SALES_STATE"]))
        assert held is not None
        assert held.owner == f"twin:{first.pid}"
        with _twin(env, "--pid", "--fork", "--mount-proc") as second:
            _, err = second.communicate(timeout=60)
        assert second.returncode == 1, err
        assert f"Run {held.run_id} is under way (started by {held.owner})" in err
        pause.unlink()
        _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    assert run_ids(open_storage(env["SALES_STATE"])) == [held.run_id]


@needs_namespaces
def test_a_dead_run_of_the_same_host_is_still_told_from_a_live_one(
    env: dict[str, str], tmp_path: Path
) -> None:
    """The same name, and the same count of processes: nobody waits for what is known to be dead."""
    site, pause = tmp_path / "site", tmp_path / "pause"
    site.mkdir()
    (site / "sitecustomize.py").write_text(_PAUSE)
    pause.touch()
    paused = env | {"PYTHONPATH": f"{site}{os.pathsep}{PROJECT}", "PAUSE": str(pause)}
    with _twin(paused) as first:
        eventually(pause.with_name("pause.reached").exists, "the pause")
        kill_tree(first)
    with _twin(env) as second:
        _, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
