"""Whoever can write into the folder of the state plants what is no file of ours: links, pipes,
devices, folders. Nothing is read, written or removed elsewhere, and nothing waits."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.storage import open_storage
from pipeline_core.vouching.key import StateKey
from tests.support.archives import Shop, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, archive
from tests.support.processes import local_environment, sales_pipeline

KEY = "ours: 32 random bytes of a sort"
WEEKS = {f"events_week_0{week}.zip": archive(week) for week in (1, 2)}


@pytest.fixture(params=[KEY, ""], ids=["keyed", "unkeyed"])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def env(tmp_path: Path, key: str) -> dict[str, str]:
    shop: Shop = write_shop(tmp_path / "shop", WEEKS, CUSTOMERS, PRODUCTS)
    return local_environment(shop, tmp_path, SALES_STATE_KEY=key)


@pytest.fixture
def kept(tmp_path: Path, key: str) -> Path:
    """Where the state's files are."""
    return tmp_path / "state" / (f"keyed/{StateKey(key.encode()).mark}" if key else "")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    for name in ("thesis.txt", "0123.arrow", "0123.parquet"):
        (folder / name).write_text("dear to somebody")
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def _instead(place: Path, target: Path) -> None:
    """A link in the place of what may stand there."""
    if place.exists():
        place.rename(place.with_name("put-aside"))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.mark.parametrize(
    "place", ["kept/extracts/zz", "kept/extracts", "kept/merged", "kept", "runs", "runs/*/receipts"]
)
def test_gc_removes_nothing_behind_a_link(
    env: dict[str, str], kept: Path, victim: Path, place: str
) -> None:
    env["SALES_KEEP_RUNS"] = "1"
    for _ in range(2):
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    before = _contents(victim)
    first = min(kept.glob("runs/*")).name
    link = kept / place.replace("*", first)
    _instead(link, victim)
    done = sales_pipeline("gc", env=env)
    assert _contents(victim) == before
    assert str(link) in done.stderr, (done.stdout, done.stderr)
    assert done.returncode == (0 if place.endswith("zz") else 2), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("place", ["", "runs", "kept", "dimensions", "leases"])
def test_a_run_writes_nothing_behind_a_link(
    env: dict[str, str], kept: Path, victim: Path, place: str, tmp_path: Path
) -> None:
    if kept / place == tmp_path / "state":  # the folder that is named may be a link
        _instead(tmp_path / "state", tmp_path / "elsewhere")
        (tmp_path / "elsewhere").mkdir()
        assert sales_pipeline("run", "--quiet", env=env).returncode == 0
        return
    before = _contents(victim)
    _instead(kept / place, victim)
    done = sales_pipeline("run", "--quiet", env=env)
    assert _contents(victim) == before
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert f"{kept / place} is a symbolic link" in done.stderr


def _pipe(place: Path) -> None:
    os.mkfifo(place)


def _zeros(place: Path) -> None:
    place.symlink_to("/dev/zero")


def _endless(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("plant", [_pipe, _zeros, _endless])
@pytest.mark.parametrize("name", ["kept/archives.json", "leases/00000002.json", "outcome.json"])
def test_what_is_no_file_of_ours_is_taken_for_not_there(
    env: dict[str, str], kept: Path, plant: Callable[[Path], None], name: str
) -> None:
    first = json.loads(sales_pipeline("run", "--json", env=env).stdout)["run_id"]
    place = kept / (f"runs/{first}/{name}" if name == "outcome.json" else name)
    place.unlink(missing_ok=True)
    plant(place)
    listed = sales_pipeline("runs", env=env, timeout=30)
    assert listed.returncode == 0, listed.stderr
    if name == "outcome.json":
        assert str(place) in listed.stderr
    done = sales_pipeline("run", "--json", env=env, timeout=30)
    assert done.returncode == 0, done.stderr
    if name == "kept/archives.json":
        assert str(place) in done.stderr


def test_a_folder_in_the_place_of_a_record_is_named(env: dict[str, str], kept: Path) -> None:
    place = kept / "leases" / "00000001.json"
    place.mkdir(parents=True)
    done = sales_pipeline("run", "--quiet", env=env, timeout=30)
    assert done.returncode == 2
    assert f"Cannot write {place}: a folder stands there." in done.stderr


def test_what_is_pointed_is_read_and_no_other_link(tmp_path: Path) -> None:
    """A name in the root that leads to a place inside of it."""
    (tmp_path / "secret").write_bytes(b"secret")
    storage = open_storage(str(tmp_path / "root"))
    storage.write("runs/1/a", b"1")
    storage.point("latest", "runs/1")
    storage.point("a", "latest/a")
    assert storage.read("latest/a") == storage.read("a") == b"1"
    root = tmp_path / "root"
    (root / "out").symlink_to(tmp_path)
    (root / "up").symlink_to("..")
    (root / "runs" / "2").symlink_to("1")
    (root / "runs" / "1" / "b").symlink_to(tmp_path / "secret")
    for key in ("out/secret", "up/secret", "runs/2/a"):
        with pytest.raises(ConfigError, match="symbolic link"):
            storage.read(key)
        with pytest.raises(ConfigError, match="symbolic link"):
            storage.remove(key)
    for look in (storage.read, storage.stat):
        with pytest.raises(FileNotFoundError):
            look("runs/1/b")
    assert [each.key for each in storage.files("runs/1")] == ["runs/1/a"]
    assert storage.folders("runs") == ["1"]
    storage.remove("runs/1/b")
    assert (tmp_path / "secret").exists()
