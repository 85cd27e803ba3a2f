"""What a worker shows of its metrics before there is anything to count."""

from __future__ import annotations

import subprocess
import sys

_SCRAPED = """
import socket
import urllib.request
from pipeline_core.running import metrics
from pipeline_core.settings import load_settings

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
settings = load_settings({"metrics_port": port})
metrics.prepare(settings)
metrics.observe_worker(takes_work=True)
metrics.serve(settings)
with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
    print(answer.read().decode())
metrics.clean_up()
"""


def test_a_worker_that_knows_of_no_publication_shows_the_rest() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SCRAPED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "sales_worker_takes_work 1.0" in done.stdout
    assert "sales_last_publication_age_seconds" not in done.stdout
    for series in (
        'sales_archives_total{result="quarantined"}',
        'sales_events_total{kind="counted"}',
        'sales_rejects_total{reason="unknown_product"}',
        'sales_runs_total{state="failed"}',
        "sales_archive_seconds_count",
    ):
        assert f"{series} 0.0" in done.stdout, "nothing was met yet, which is no gap"
