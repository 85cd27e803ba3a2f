"""The command where symbolic links are refused: it says what to follow, and follows it itself."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import local_environment, sales_pipeline

# Every process of Python imports it. A mount without links takes root to make.
_REFUSAL = """
import errno, os
def refuse(*_, **__):
    raise PermissionError(errno.EPERM, "Operation not permitted")
os.symlink = refuse
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    week = archive_zip({"events_2024-03-01.zip": day_zip({"1.json": part([purchase()])})})
    shop = write_shop(tmp_path / "shop", {"week.zip": week})
    (tmp_path / "refusing").mkdir()
    (tmp_path / "refusing" / "sitecustomize.py").write_text(_REFUSAL)
    env = local_environment(shop, tmp_path)
    return env | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "refusing"), env["PYTHONPATH"]])}


def test_a_run_is_published_and_says_what_programs_follow(
    env: dict[str, str], tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    first, second = (sales_pipeline("run", env=env) for _ in range(2))
    for done in (first, second):
        assert done.returncode == 0, done.stderr
        assert f"programs that need it whole follow {reports}/latest.json." in done.stdout
    assert first.stderr.count("links_refused") == 1
    assert "links_refused" not in second.stderr, "once is enough"
    run_id = json.loads((reports / "latest.json").read_bytes())["target"].removeprefix("runs/")
    shown = json.loads((reports / "latest" / "summary.json").read_bytes())
    assert shown["run_id"] == run_id == max(os.listdir(reports / "runs"))
    top = (reports / "sales_report.csv").read_bytes()
    assert top == (reports / "runs" / run_id / "sales_report.csv").read_bytes()

    # What the command reads is what the pointer names, whatever became of the copy.
    (reports / "latest" / "sales_report.csv").write_text("edited")
    verified = sales_pipeline("verify", env=env)
    assert verified.returncode == 0, verified.stderr
    assert run_id in verified.stdout
    found = json.loads(sales_pipeline("doctor", "--json", env=env).stdout)
    (told,) = (each for each in found if each["name"] == "reports")
    assert told["state"] == "ok"
    assert "latest.json is what is swapped as a whole" in told["found"]
