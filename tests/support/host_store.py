"""A store, as a host of the fleet sees it: ``python -m tests.support.host_store fill|read …``.

``fill BUCKET FOLDER`` makes the bucket, with a folder's files as its archives; ``read BUCKET`` says
what the published CSV files hold, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline_core.storage import open_storage
from tests.support.s3 import put


def fill(bucket: str, folder: str) -> None:
    put(os.environ["AWS_ENDPOINT_URL"], f"/{bucket}")
    data = open_storage(f"s3://{bucket}/data")
    for path in sorted(Path(folder).iterdir()):
        data.write(path.name, path.read_bytes())


def read(bucket: str) -> None:
    reports = open_storage(f"s3://{bucket}/reports")
    keys = [
        each.key for folder in ("", "/by_category") for each in reports.files(f"latest{folder}")
    ]
    texts = {key: reports.read(key).decode() for key in keys if key.endswith(".csv")}
    json.dump({key.removeprefix("latest/"): text for key, text in texts.items()}, sys.stdout)


_STEPS: dict[str, Callable[..., None]] = {"fill": fill, "read": read}

if __name__ == "__main__":
    _STEPS[sys.argv[1]](*sys.argv[2:])
