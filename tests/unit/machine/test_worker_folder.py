"""A worker's folder of temporary files: what of it is cleared, and by whom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_core.machine import worker_folder
from pipeline_core.machine.process_ids import boot
from pipeline_core.machine.worker_folder import WorkerFolder

_TAKES = """
import sys, tempfile
from pathlib import Path
from pipeline_core.machine.worker_folder import worker_folder
worker_folder.take()
Path(tempfile.gettempdir(), "left").write_text("x")
print(tempfile.gettempdir(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def folder() -> Iterator[WorkerFolder]:
    made = WorkerFolder()
    yield made
    made.leave()


@pytest.fixture
def other(shared: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has a folder of its own, as a worker."""
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKES],
        env=os.environ | {"TMPDIR": str(shared)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def _place(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_what_a_killed_worker_left_is_cleared(
    other: subprocess.Popen[str], folder: WorkerFolder
) -> None:
    place = _place(other)
    assert folder.take() == []
    assert (place / "left").exists(), "it lives"
    folder.leave()
    other.kill()
    other.wait()
    assert folder.take() == [place.name]
    assert not place.exists()


def test_nothing_of_anybody_else_is_touched(
    shared: Path, folder: WorkerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [
        shared / f"sales-worker-{'0' * 16}-aa",  # of another machine, or another boot
        shared / "sales-abc",
        shared / "somebody",
    ]
    for path in kept:
        path.mkdir()
    target = shared / "target"
    target.mkdir()
    link = shared / f"sales-worker-{boot()}-cc"
    link.symlink_to(target)
    (shared / f"sales-worker-{boot()}-dd").touch()
    assert folder.take() == []
    assert all(path.exists() for path in (*kept, target, link))
    folder.leave()
    (shared / f"sales-worker-{boot()}-ee").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert folder.take() == []
    assert (shared / f"sales-worker-{boot()}-ee").exists(), "another user's"


def test_what_a_killed_child_left_is_removed_while_its_worker_lives(
    folder: WorkerFolder, shared: Path
) -> None:
    folder.take()
    folder.use_as_child()
    own = Path(tempfile.gettempdir())
    assert own.name == str(os.getpid())
    gone = own.parent / str(2**22 + 1)
    gone.mkdir()
    (gone / "left").touch()
    folder.keep()
    assert not gone.exists()
    assert own.exists()
    with tempfile.TemporaryDirectory(prefix="sales-") as made:
        assert Path(made).parent == own
    assert folder.shared() == str(shared)
    folder.leave()
    assert list(shared.iterdir()) == []
    assert tempfile.gettempdir() == str(shared)


def test_a_folder_that_somebody_cleaned_away_is_made_again(
    folder: WorkerFolder, shared: Path
) -> None:
    folder.take()
    own = Path(tempfile.gettempdir())
    folder.use_as_child()
    shutil.rmtree(own)
    folder.use_as_child()
    with tempfile.TemporaryFile():
        pass
    shutil.rmtree(own)
    folder.keep()
    assert own.is_dir()
    tempfile.tempdir = str(shared)
    another = WorkerFolder()
    assert another.take() == [], "it is locked again"
    another.leave()


def test_where_no_system_tells_which_machine_this_is_nothing_changes(
    folder: WorkerFolder, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_folder, "boot", lambda: "")
    assert folder.take() == []
    folder.keep()
    folder.use_as_child()
    assert tempfile.gettempdir() == str(shared)
    assert list(shared.iterdir()) == []
