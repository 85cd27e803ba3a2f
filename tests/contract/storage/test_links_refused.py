"""Where symbolic links are refused: a pointer that is swapped whole, and a copy beside it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.serving.reports import find_report_file
from console.serving.runs import PublishedRuns
from pipeline_core.errors import RetryableError
from pipeline_core.machine import disk
from pipeline_core.storage import Storage
from pipeline_core.storage.local import LocalStorage
from tests.contract.storage.test_storage import FILES, publish
from tests.support.links import refuse_links
from tests.support.published import summary

RUNS = {
    "runs/1": {**FILES, "summary.json": summary("1")},
    "runs/2": {"a.csv": b"A", "by_category/c.csv": b"c", "summary.json": summary("2")},
}


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "root")


def read(root: Path, name: str) -> dict[str, bytes]:
    """Files of a folder as a program sees them that knows nothing of pointers."""
    paths = [path for path in (root / name).rglob("*") if path.is_file()]
    return {path.relative_to(root / name).as_posix(): path.read_bytes() for path in paths}


def publish_both(storage: Storage) -> None:
    for key, files in RUNS.items():
        publish(storage, key, files)


def test_where_links_are_refused_a_pointer_is_followed_and_a_copy_is_there(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch)
    publish_both(local)
    for run, files in RUNS.items():
        local.point("latest", run)
        local.point("a.csv", "latest/a.csv")
        assert local.followed("latest") == "latest.json"
        assert json.loads((local.root / "latest.json").read_bytes()) == {"target": run}
        assert read(local.root, "latest") == files
        assert (local.root / "a.csv").read_bytes() == files["a.csv"]
        found = find_report_file(local, PublishedRuns(local), "latest/summary.json")
        assert found.key == f"{run}/summary.json", "served by the pointer"
    (local.root / "latest" / "a.csv").write_bytes(b"edited")
    assert local.read("runs/2/a.csv") == b"A", "a copy, whatever is done to it"
    local.point("latest", "runs/2")
    assert read(local.root, "latest") == RUNS["runs/2"]
    assert sorted(os.listdir(local.root)) == [
        "a.csv",
        "a.csv.json",
        "latest",
        "latest.json",
        "runs",
    ]


def test_a_link_says_that_it_is_followed_itself(local: LocalStorage) -> None:
    publish_both(local)
    assert local.followed("latest") == "latest"
    local.point("latest", "runs/1")
    assert local.followed("latest") == "latest"


@pytest.mark.parametrize("refused_first", [True, False])
def test_links_may_come_and_go(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch, refused_first: bool
) -> None:
    """A disk that is moved to another machine, or a right that is given or taken away."""
    publish_both(local)
    for run, is_refused in (("runs/1", refused_first), ("runs/2", not refused_first)) * 2:
        with monkeypatch.context() as patch:
            if is_refused:
                refuse_links(patch)
            local.point("latest", run)
            local.point("a.csv", "latest/a.csv")
        assert (local.root / "latest").is_symlink() == (not is_refused)
        assert local.pointed("latest") == run
        assert read(local.root, "latest") == RUNS[run]
        assert local.read("a.csv") == RUNS[run]["a.csv"]
        follower = local.followed("latest")
        assert follower == ("latest.json" if is_refused else "latest")
    # Whoever follows the pointer, once there was one, is never left behind.
    assert json.loads((local.root / "latest.json").read_bytes()) == {"target": run}


@pytest.mark.parametrize(
    "refusal",
    [
        OSError(errno.EOPNOTSUPP, "Operation not supported"),
        OSError(errno.EROFS, "Read-only file system"),  # shared folders of virtual machines
        OSError(errno.EINVAL, "A required privilege is not held by the client"),  # WinError 1314
        OSError(errno.ENOSYS, "Function not implemented"),
    ],
)
def test_a_refusal_has_many_names(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch, refusal: OSError
) -> None:
    def refuse(target: str, link: Path) -> None:
        raise refusal

    monkeypatch.setattr(os, "symlink", refuse)
    publish_both(local)
    local.point("latest", "runs/1")
    assert local.pointed("latest") == "runs/1"


def test_windows_is_not_asked_for_links_that_it_could_not_replace(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_HAS_LINKS", False)
    publish_both(local)
    local.point("latest", "runs/1")
    assert not (local.root / "latest").is_symlink()
    assert read(local.root, "latest") == RUNS["runs/1"]


@pytest.mark.parametrize("errno_of", [errno.ENOSPC, errno.EIO])
def test_a_link_that_fails_otherwise_is_worth_another_try(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch, errno_of: int
) -> None:
    def fail(target: str, link: Path) -> None:
        raise OSError(errno_of, os.strerror(errno_of))

    publish_both(local)
    with monkeypatch.context() as patch:
        patch.setattr(os, "symlink", fail)
        with pytest.raises(RetryableError, match=os.strerror(errno_of)):
            local.point("latest", "runs/1")
    assert os.listdir(local.root) == ["runs"]


@pytest.mark.parametrize("at", ["copy", "swap"])
def test_a_copy_that_cannot_be_made_leaves_the_old_one(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    refuse_links(monkeypatch)
    publish_both(local)
    local.point("latest", "runs/1")
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if at == "copy" or Path(target).name == "latest":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(*((shutil, "copyfile") if at == "copy" else (os, "replace")), full)
        with pytest.raises(RetryableError, match="No space left"):
            local.point("latest", "runs/2")
    assert read(local.root, "latest") == RUNS["runs/1"]
    assert sorted(os.listdir(local.root)) == ["latest", "latest.json", "runs"]
    local.point("latest", "runs/2")
    assert read(local.root, "latest") == RUNS["runs/2"]


def test_many_publishers_without_links_leave_one_whole_copy(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_links(monkeypatch)
    publish_both(local)
    local.point("latest", "runs/1")
    begin = threading.Barrier(6)

    def point(number: int) -> None:
        begin.wait()
        for turn in range(5):
            local.point("latest", f"runs/{1 + (number + turn) % 2}")
            local.point("a.csv", "latest/a.csv")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(point, range(6)))
    assert read(local.root, "latest") in RUNS.values()
    assert not [name for name in os.listdir(local.root) if name.startswith(".")]
    local.point("latest", "runs/2")
    assert read(local.root, "latest") == RUNS["runs/2"]
