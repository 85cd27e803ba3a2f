"""No room: while partials are written, while a run is published, and after room was made."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.archives import write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.processes import local_environment, published_csvs, sales_pipeline

# Files of this process may not grow beyond this: what a disk without room looks like to it.
_LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
runpy.run_module("console.command", run_name="__main__")
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    archives = {f"events_week_0{week}.zip": archive(week) for week in (1, 2, 3)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    return local_environment(shop, tmp_path)


@contextmanager
def _small_disk(folder: Path, size: str) -> Iterator[None]:
    """A tmpfs, for those who may mount one."""
    folder.mkdir()
    mounted = ctypes.CDLL(None, use_errno=True).mount
    if mounted(b"none", os.fsencode(folder), b"tmpfs", 0, f"size={size}".encode()):
        pytest.skip("this user may not mount a tmpfs; the limit on file sizes stands in")
    try:
        yield
    finally:
        ctypes.CDLL(None).umount2(os.fsencode(folder), 2)


def _fill(folder: Path, left: int) -> Path:
    """Takes all that is left but so many bytes."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        free = shutil.disk_usage(folder).free
        file.write(b"\0" * (free - left))
    return filler


LONG = pytest.mark.long


@pytest.mark.parametrize(
    "limit", [pytest.param(300, marks=LONG), 2_450, pytest.param(2_800, marks=LONG)]
)
def test_files_that_may_not_grow(env: dict[str, str], tmp_path: Path, limit: int) -> None:
    """The records of the start, the manifest and the reports hit the limit."""
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    before = published_csvs(tmp_path)
    (Path(env["SALES_DATA"]) / "events_week_04.zip").write_bytes(archive(4))
    command = [sys.executable, "-c", _LIMITED, str(limit), "run"]
    full = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert full.returncode == 1, full.stderr
    assert "File too large" in full.stderr
    assert "has room" in full.stderr or "with room" in full.stderr
    assert "Traceback" not in full.stderr
    assert published_csvs(tmp_path) == before
    assert not list((tmp_path / "reports").rglob("*.tmp"))

    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    after = published_csvs(tmp_path)
    assert after != before
    other = env | {"SALES_REPORTS": str(tmp_path / "o" / "reports"), "SALES_STATE": f"{tmp_path}/s"}
    assert sales_pipeline("run", "--quiet", env=other).returncode == 0
    assert published_csvs(tmp_path / "o") == after


@pytest.mark.parametrize(
    ("place", "left", "written"),
    [
        pytest.param("state", 8_000, "attempts", marks=LONG),
        ("state", 44_000, "receipts"),
        ("reports", 12_000, "runs"),
    ],
)
def test_a_disk_that_is_full(
    env: dict[str, str], tmp_path: Path, place: str, left: int, written: str
) -> None:
    with _small_disk(tmp_path / place, "4m"):
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        before = published_csvs(tmp_path)
        (Path(env["SALES_DATA"]) / "events_week_04.zip").write_bytes(archive(4))
        filler = _fill(tmp_path / place, left)
        full = sales_pipeline("run", env=env)
        assert full.returncode == 1, full.stderr
        assert "No space left" in full.stderr
        assert f"Cannot write {tmp_path / place}/" in full.stderr
        assert f"/{written}/" in full.stderr
        assert "Traceback" not in full.stderr
        assert published_csvs(tmp_path) == before
        filler.unlink()
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        after = published_csvs(tmp_path)
    other = env | {"SALES_REPORTS": str(tmp_path / "o" / "reports"), "SALES_STATE": f"{tmp_path}/s"}
    assert sales_pipeline("run", "--quiet", env=other).returncode == 0
    assert before != after == published_csvs(tmp_path / "o")
