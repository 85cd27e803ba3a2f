"""A state storage to work in, as a folder and as a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_core.storage import Storage, open_storage


@pytest.fixture(params=["folder", "bucket"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield open_storage(str(tmp_path))
    else:
        yield open_storage(f"{request.getfixturevalue('s3')}/state")
