"""A refused run whose results gc removed is resumed on Celery: they are made again together."""

from __future__ import annotations

import json
from pathlib import Path

from console.stack import Stack
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import celery, environment, sales_pipeline

ARCHIVES = 6


def test_one_publication_finds_all_that_is_gone(stack: Stack, tmp_path: Path) -> None:
    week = {
        f"{n}.zip": archive_zip(
            {f"2024-03-0{n}.zip": day_zip({"1.json": part([purchase(quantity=n)])})}
        )
        for n in range(1, ARCHIVES + 1)
    }
    shop = write_shop(tmp_path / "shop", week)
    env = environment(stack, shop, tmp_path)
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log):
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        (shop.data / "9.zip").write_bytes(b"PK\x03\x04 no more of it")
        refused = sales_pipeline("run", "--json", env=env)
        assert refused.returncode == 1, refused.stderr
        (shop.data / "9.zip").unlink()
        assert sales_pipeline("run", "--full", "--quiet", env=env).returncode == 0
        assert sales_pipeline("gc", "--keep-runs", "1", env=env).returncode == 0
        run_id = json.loads(refused.stdout)["run_id"]
        resumed = sales_pipeline("resume", run_id, "--quiet", env=env)
        shown = sales_pipeline("show", run_id, env=env).stdout
    said = log.read_text()
    assert said.count("results_missing") == 1, said
    assert f"results of {ARCHIVES + 1} archives, such as 1.zip" in said
    assert resumed.returncode == 1, resumed.stderr  # its broken archive is no better
    assert shown.count("publication, attempt ") == 1, shown
