"""What a worker process takes at most, as the kernel counts it, against the formula that the
profiles and docs/how-to/weak-machine.md reckon with."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import psutil
import pytest

from console.stack import Stack
from pipeline_core.machine.profile import worker_bytes
from tests.support.archives import Shop, part, purchase, write_shop
from tests.support.processes import celery, environment, eventually, sales_pipeline

MIB = 1 << 20
PART_BYTES = 256 * MIB


@pytest.fixture(scope="module")
def huge_part(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """An archive of one part, larger than what any profile gives a process; a twentieth of its
    events are purchases, every third of them a reject."""
    view = {"event_type": "view_product", "customer_id": "c1", "timestamp": "2024-03-01T00:00:01"}
    purchases = [purchase(), purchase(), purchase(customer="stranger")]
    events = part([[view] * 19 + [each] for each in purchases * 2_000])
    block = events.replace(b"[", b"").replace(b"]", b"")
    shop = write_shop(tmp_path_factory.mktemp("huge"), {})
    day = shop.data / "day.tmp"
    with (
        zipfile.ZipFile(day, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as opened,
        opened.open("part-001.json", "w", force_zip64=True) as file,
    ):
        file.write(b"[" + block)
        for _ in range(PART_BYTES // len(block)):
            file.write(b"," + block)
        file.write(b"]")
    with zipfile.ZipFile(shop.data / "week.zip", "w") as opened:
        opened.write(day, "events_2024-03-01.zip")
    day.unlink()
    return shop


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("batch_size", [10_000, 50_000])
def test_a_worker_stays_within_the_formula(
    stack: Stack, huge_part: Shop, tmp_path: Path, batch_size: int
) -> None:
    env = environment(stack, huge_part, tmp_path, SALES_BATCH_SIZE=str(batch_size))
    log = tmp_path / "worker.log"
    with celery("worker", "--concurrency=1", env=env, log=log, own_interpreter=True) as worker:
        eventually(lambda: b"ready" in log.read_bytes(), "a worker")
        done = sales_pipeline("run", "--quiet", "--engine", "celery", env=env)
        assert done.returncode == 0, done.stderr + log.read_text()
        (child,) = psutil.Process(worker.pid).children()
        status = Path(f"/proc/{child.pid}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) * 1024
    assert peak < worker_bytes(batch_size), f"{peak // MIB} MiB"
