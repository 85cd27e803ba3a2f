"""A published run that no run made: files for those who serve or read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pipeline_core.storage import Storage, open_storage

RUN = "20240304T000000Z-00000000"


def summary(run_id: str, *added: str) -> bytes:
    """As much of a summary.json as says whose it is, and which reports plug-ins added."""
    plugins = [{"name": name, "package": "acme", "version": "1"} for name in added]
    return json.dumps({"run_id": run_id, "report_plugins": plugins}).encode()


def publish(place: str, files: Mapping[str, bytes]) -> Storage:
    """Publishes ``files``, and a summary of their run, as the newest report in ``place``, a folder
    or a URI."""
    reports = open_storage(place)
    with reports.publish_folder(f"runs/{RUN}") as folder:
        for name, content in {"summary.json": summary(RUN), **files}.items():
            path: Path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    reports.point("latest", f"runs/{RUN}")
    return reports
