"""What pipeline_core.storage promises, asked of every backend."""

from __future__ import annotations

import errno
import http.server
import itertools
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline_core import store_environment
from pipeline_core.errors import (
    ConfigError,
    NotAllowed,
    NoTemporaryRoom,
    RetryableError,
    UnknownHost,
)
from pipeline_core.storage import Contents, Storage, absolute_uri, object_client, open_storage
from pipeline_core.storage.base import OtherVersion
from pipeline_core.storage.local import LocalStorage
from pipeline_core.storage.object_client import RETRIES
from pipeline_core.storage.object_reading import BLOCK, blocks
from pipeline_core.storage.object_store import ObjectStorage
from pipeline_core.vouching.key import StateKey
from pipeline_core.vouching.signed import SignedStorage
from tests.support import PROJECT
from tests.support.links import refuse_links
from tests.support.s3 import SECRET, put, use_endpoint

ODD_NAMES = [
    "with blank.zip",
    " blanks around ",
    "quo'te\"s",
    "#hash",
    "100%",
    "%41",
    "a;b,c",
    "up..and..away",
    "...",
    "a+b=c&d",
    "question?",
    "star*",
    "[brackets]{braces}<angles>",
    "back\\slash",
    "pipe|tilde~caret^`",
    "grüße-日本-🛒",
    "e\u0301 not composed",
    "-rf",
]
NO_KEYS = ["../up", "a/../../up", "..", ".", "", "/etc/hostname", "a//b", "a/", "a/./b", "nul\0"]


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "local":
        return open_storage(str(tmp_path / "root"))
    return open_storage(f"{request.getfixturevalue('s3')}/some prefix/ü#%41")


@pytest.fixture
def remote(s3: str) -> ObjectStorage:
    return ObjectStorage(f"{s3}/prefix")


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "root")


def keys(storage: Storage, folder: str = "") -> list[str]:
    return [file.key for file in storage.files(folder)]


def publish(storage: Storage, key: str, files: dict[str, bytes]) -> None:
    with storage.publish_folder(key) as folder:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


# --- files ---------------------------------------------------------------------------------------


def test_a_file_reads_as_it_was_written(storage: Storage) -> None:
    storage.write("runs/7/manifest.json", b"{}")
    assert storage.read("runs/7/manifest.json") == b"{}"
    assert storage.stat("runs/7/manifest.json").key == "runs/7/manifest.json"
    assert storage.stat("runs/7/manifest.json").size == 2


@pytest.mark.parametrize("is_signed", [False, True])
def test_files_of_a_folder_are_removed_together(storage: Storage, is_signed: bool) -> None:
    state = SignedStorage(storage, StateKey(b"k" * 32)) if is_signed else storage
    names = [f"{number:05d}.json" for number in range(5)]
    for name in names:
        state.write(f"runs/7/{name}", b"{}")
    state.write("runs/00000.json", b"{}")
    state.remove_files("runs/7", {*names[:3], "not there"})
    assert keys(state, "runs/7") == [f"runs/7/{name}" for name in names[3:]]
    state.remove_files("runs/7", [])
    state.remove_files("runs/8", names)
    assert len(keys(state, "runs/7")) == 2
    assert keys(state, "runs") == ["runs/00000.json"]
    for name in ("../00000.json", "..", ""):
        with pytest.raises(FileNotFoundError):
            state.remove_files("runs/7/..", [name])
    assert keys(state, "runs") == ["runs/00000.json"]


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    storage.write("empty", b"")
    assert storage.read("empty") == b""
    assert [(file.key, file.size) for file in storage.files()] == [("empty", 0)]
    with storage.local_file("empty") as path:
        assert path.read_bytes() == b""


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_name_is_only_a_label(storage: Storage, name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"stored")
    storage.write(f"folder {name}/{name}", b"odd")
    assert storage.create(f"created/{name}", b"created")
    storage.store_file(f"stored/{name}", source)
    hidden = name.startswith(".")
    assert storage.read(f"folder {name}/{name}") == b"odd"
    assert storage.read(f"created/{name}") == b"created"
    assert storage.stat(f"stored/{name}").key == f"stored/{name}"
    assert storage.folders() == sorted(["created", f"folder {name}", "stored"])
    assert keys(storage, f"folder {name}") == ([] if hidden else [f"folder {name}/{name}"])
    with storage.local_file(f"stored/{name}") as path:
        assert path.read_bytes() == b"stored"


def test_files_and_folders_are_those_directly_inside_in_order(storage: Storage) -> None:
    for key in ("b", "a", "Z", "f/x", "f/g/y", "fx/z", "e/g/y"):
        storage.write(key, key.encode())
    assert keys(storage) == ["Z", "a", "b"]
    assert storage.folders() == ["e", "f", "fx"]
    assert keys(storage, "f") == ["f/x"]
    assert storage.folders("f") == ["g"]
    assert keys(storage, "f/g") == ["f/g/y"]
    assert storage.folders("f/g") == []


def test_contents_are_all_that_is_directly_inside(storage: Storage) -> None:
    for key in ("b", ".a", "f/x", ".g/y", "f/.z"):
        storage.write(key, b"")
    found = storage.contents()
    assert (found.files, found.folders) == (storage.files(), ["f"])
    assert (found.others, found.hidden) == ({}, [".a"])
    assert [each.key for each in storage.contents("f").files] == ["f/x"]
    assert storage.contents("f").hidden == ["f/.z"]
    assert storage.contents("none") == Contents(files=[], folders=[], others={}, hidden=[])


def test_a_folder_that_is_not_there_is_empty(storage: Storage) -> None:
    assert storage.files() == storage.files("none") == []
    assert storage.folders() == storage.folders("no/ne") == []


def test_hidden_names_are_read_but_not_listed(storage: Storage) -> None:
    storage.write(".doctor", b"well")
    storage.write("f/.hidden/x", b"")
    storage.write("f/.x.tmp", b"")
    assert storage.files() == storage.files("f") == []
    assert storage.folders() == ["f"]
    assert storage.folders("f") == []
    assert storage.read(".doctor") == b"well"


def test_more_files_than_a_page_holds_are_listed(remote: ObjectStorage) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: remote.write(f"many/{n:04}", b""), range(1001)))
    assert keys(remote, "many") == [f"many/{n:04}" for n in range(1001)]
    assert len(remote._listed("many")) == 1001


@pytest.mark.parametrize("key", ["none", "no/ne", "folder", "file/below", *NO_KEYS])
def test_what_is_not_there_is_not_found(storage: Storage, key: str) -> None:
    storage.write("folder/x", b"")
    storage.write("file", b"")
    with pytest.raises(FileNotFoundError):
        storage.read(key)
    with pytest.raises(FileNotFoundError):
        storage.stat(key)
    with pytest.raises(FileNotFoundError), storage.local_file(key):
        pass


@pytest.mark.parametrize("key", NO_KEYS)
def test_nothing_leaves_the_root(storage: Storage, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    for write in (
        lambda: storage.write(key, b""),
        lambda: storage.create(key, b""),
        lambda: storage.store_file(key, source),
        lambda: publish(storage, key, {}),
        lambda: storage.point(key, "source"),
    ):
        with pytest.raises(FileNotFoundError):
            write()
    if key:
        assert storage.files(key) == []
        assert storage.folders(key) == []
    assert list(tmp_path.rglob("*")) in ([source], [source, tmp_path / "root"])


def test_a_write_replaces_and_changes_the_version(storage: Storage) -> None:
    storage.write("key", b"old")
    old = storage.stat("key")
    assert storage.stat("key") == storage.files()[0] == old
    time.sleep(0.02)  # a file's time may be that coarse
    storage.write("key", b"new")
    assert storage.read("key") == b"new"
    assert storage.stat("key").version == storage.files()[0].version != old.version


def test_a_reader_never_sees_half_of_a_write(storage: Storage) -> None:
    versions = [bytes([n]) * 200_000 for n in range(4)]
    storage.write("key", versions[0])
    stop = threading.Event()

    def write() -> None:
        for n in range(60):
            storage.write("key", versions[n % 4])
        stop.set()

    seen = set()
    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        seen.add(storage.read("key"))
    writer.join()
    assert seen <= set(versions)


def test_create_does_not_replace(storage: Storage) -> None:
    assert storage.create("a/key", b"first")
    assert not storage.create("a/key", b"second")
    assert storage.read("a/key") == b"first"
    assert keys(storage, "a") == ["a/key"]


def test_a_removed_file_is_gone_and_its_key_is_free(storage: Storage) -> None:
    storage.write("a/key", b"first")
    storage.write("a/other", b"stays")
    storage.remove("a/key")
    assert keys(storage, "a") == ["a/other"]
    with pytest.raises(FileNotFoundError):
        storage.read("a/key")
    assert storage.create("a/key", b"second")
    assert storage.read("a/key") == b"second"


@pytest.mark.parametrize("key", ["not there", "no folder/not there"])
def test_removing_what_is_not_there_is_fine(storage: Storage, key: str) -> None:
    storage.remove(key)
    assert keys(storage) == []


@pytest.mark.parametrize("key", ["../outside", "a/../../outside"])
def test_nothing_outside_the_root_is_removed(storage: Storage, key: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"foreign")
    with pytest.raises(FileNotFoundError):
        storage.remove(key)
    assert (tmp_path / "outside").read_bytes() == b"foreign"


def test_one_of_many_creates_wins(storage: Storage) -> None:
    barrier = threading.Barrier(16)

    def create(number: int) -> bool:
        barrier.wait()
        return storage.create("race/key", str(number).encode())

    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(create, range(16)))
    assert won.count(True) == 1
    assert storage.read("race/key") == str(won.index(True)).encode()


def test_a_file_of_many_blocks_goes_there_and_back(storage: Storage, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 20 + b"tail"
    (tmp_path / "big").write_bytes(data)
    storage.store_file("big", tmp_path / "big")
    assert storage.stat("big").size == len(data)
    assert storage.stat("big") == storage.files()[0]
    with storage.local_file("big") as path:
        assert path.read_bytes() == data
    assert storage.read("big") == data
    storage.write("big", data[1:])
    assert storage.read("big") == data[1:]


@pytest.mark.parametrize("under", ["", "key"])
def test_a_file_is_read_as_it_was_listed_or_not_at_all(storage: Storage, under: str) -> None:
    place = SignedStorage(storage, StateKey(b"k" * 32)) if under else storage
    place.write("a/key", b"as it was")
    (listed,) = place.files("a")
    with place.fetched_as("a/key", listed.version) as file, place.open_listed(listed) as opened:
        assert file.read() == opened.read() == b"as it was"
    place.write("a/key", b"and as it is")
    with pytest.raises(OtherVersion), place.fetched_as("a/key", listed.version):
        pass
    with pytest.raises(FileNotFoundError), place.fetched_as("a/another", listed.version):
        pass


def test_names_of_files_are_listed_with_those_of_folders_inside(storage: Storage) -> None:
    for name in ("a", "b/c", "b/d/e", "b/.hidden", ".hidden"):
        storage.write(f"few/{name}", b"")
    assert storage.names("few", 9) == frozenset({"a", "b/c", "b/d/e"})
    assert storage.names("few/b", 9) == frozenset({"c", "d/e"})
    assert storage.names("none", 9) == frozenset()


def test_names_of_many_files_are_not_asked_for(remote: ObjectStorage, tmp_path: Path) -> None:
    for place in (remote, LocalStorage(tmp_path)):
        for name in ("a", "b"):
            place.write(f"few/{name}", b"")
    assert remote.names("few", 1) is None
    assert LocalStorage(tmp_path).names("few", 1) == frozenset("ab"), "it takes no request"


def test_a_stretch_of_a_file_is_read(storage: Storage) -> None:
    storage.write("key", b"0123456789")
    assert storage.stretch("key", 0, 4) == b"0123"
    assert storage.stretch("key", 8, 99) == b"89", "to its end"
    assert storage.stretch("key", 10, 12) == b""
    with pytest.raises(FileNotFoundError):
        storage.stretch("another", 0, 4)


def test_a_file_can_be_read_here_and_there(storage: Storage) -> None:
    content = bytes(range(256)) * 1024
    storage.write("key", content)
    with storage.open("key") as file:
        assert file.seek(-3, 2) == len(content) - 3
        assert file.read() == content[-3:]
        assert file.read(1) == b""
        file.seek(1000)
        assert file.read(70_000) == content[1000:71_000]
        file.seek(10, 1)
        assert file.read(5) == content[71_010:71_015]
        with pytest.raises(OSError, match=r".+"):
            file.seek(-1)
    with pytest.raises(FileNotFoundError), storage.open("another"):
        pass


def test_store_file_wants_a_file(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.store_file("key", tmp_path / "none")
    assert storage.files() == []


def test_a_storage_survives_pickling(storage: Storage) -> None:
    pickled = pickle.dumps(storage)
    assert SECRET.encode() not in pickled
    copy = pickle.loads(pickled)  # noqa: S301
    copy.write("key", b"by the copy")
    assert storage.read("key") == b"by the copy"
    assert copy.uri == storage.uri


# --- published folders ---------------------------------------------------------------------------


FILES = {"a.csv": b"a", "by_category/b #1.csv": b"b", "summary.json": b"{}", "empty": b""}


def test_a_folder_is_published_with_all_it_holds(storage: Storage) -> None:
    publish(storage, "runs/1", FILES)
    assert {key: storage.read(f"runs/1/{key}") for key in FILES} == FILES
    assert keys(storage, "runs/1") == ["runs/1/a.csv", "runs/1/empty", "runs/1/summary.json"]
    assert storage.folders("runs/1") == ["by_category"]
    assert storage.folders("runs") == ["1"]


def test_nothing_is_seen_before_the_end(storage: Storage) -> None:
    with storage.publish_folder("runs/1") as folder:
        assert list(folder.iterdir()) == []
        (folder / "x").touch()
        assert storage.folders("runs") == []
        assert storage.files("runs") == []
    assert keys(storage, "runs/1") == ["runs/1/x"]
    assert not folder.exists()


def test_nothing_is_published_when_the_writer_fails(storage: Storage) -> None:
    def fail(folder: Path) -> None:
        (folder / "x").touch()
        folders.append(folder)
        raise ZeroDivisionError

    folders: list[Path] = []
    with pytest.raises(ZeroDivisionError), storage.publish_folder("runs/1") as folder:
        fail(folder)
    assert storage.folders("runs") == []
    assert not folders[0].exists()
    publish(storage, "runs/1", FILES)
    assert storage.read("runs/1/a.csv") == b"a"


def test_a_disk_that_is_full_while_a_folder_is_made_is_worth_another_try(storage: Storage) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with (
        pytest.raises(RetryableError, match="No space left") as caught,
        storage.publish_folder("runs/1"),
    ):
        raise full
    assert caught.value.remedy
    assert storage.folders("runs") == []


def test_a_published_folder_stays(storage: Storage) -> None:
    publish(storage, "runs/1", FILES)
    publish(storage, "runs/1", {"a.csv": b"other", "more": b""})
    assert storage.read("runs/1/a.csv") == b"a"
    assert keys(storage, "runs/1") == ["runs/1/a.csv", "runs/1/empty", "runs/1/summary.json"]


def test_a_publication_that_was_cut_off_is_made_again(
    remote: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []

    def fail_at_the_last(self: ObjectStorage, key: str, path: Path) -> dict[str, str | None]:
        if key.endswith("summary.json"):
            raise RetryableError("away")
        stored.append(key)
        self.write(key, path.read_bytes())
        return {"e_tag": None}

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "_store_file", fail_at_the_last)
        with pytest.raises(RetryableError):
            publish(remote, "runs/1", FILES | {"left behind": b""})
    assert "runs/1/left behind" in stored
    publish(remote, "runs/1", FILES)
    assert remote._listed("runs/1").keys() == FILES.keys()


# --- pointers ------------------------------------------------------------------------------------


@pytest.fixture(params=["local", "local without links", "s3"])
def pointing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Storage:
    if request.param == "s3":
        return open_storage(f"{request.getfixturevalue('s3')}/some prefix/ü#%41")
    if request.param == "local without links":
        refuse_links(monkeypatch)
    return open_storage(str(tmp_path / "root"))


def test_a_name_reads_as_the_folder_it_points_at(pointing: Storage) -> None:
    assert pointing.pointed("latest") is None
    publish(pointing, "runs/1", FILES)
    pointing.point("latest", "runs/1")
    assert pointing.pointed("latest") == "runs/1"
    assert {key: pointing.read(f"latest/{key}") for key in FILES} == FILES
    assert keys(pointing, "latest") == ["latest/a.csv", "latest/empty", "latest/summary.json"]
    assert pointing.folders("latest") == ["by_category"]


def test_a_name_reads_as_the_file_it_points_at(pointing: Storage) -> None:
    publish(pointing, "runs/1", FILES)
    pointing.point("latest", "runs/1")
    pointing.point("a.csv", "latest/a.csv")
    assert pointing.read("a.csv") == b"a"
    assert pointing.pointed("a.csv") == "latest/a.csv"


def test_a_name_is_pointed_again(pointing: Storage) -> None:
    publish(pointing, "runs/1", FILES)
    publish(pointing, "runs/2", {"a.csv": b"A", "by_category/c.csv": b"c", "summary.json": b"[]"})
    for run in ("runs/1", "runs/2"):
        pointing.point("latest", run)
        pointing.point("a.csv", "latest/a.csv")
    assert pointing.pointed("latest") == "runs/2"
    assert pointing.read("a.csv") == pointing.read("latest/a.csv") == b"A"
    assert keys(pointing, "latest") == ["latest/a.csv", "latest/summary.json"]
    assert keys(pointing, "latest/by_category") == ["latest/by_category/c.csv"]
    assert pointing.read("runs/1/a.csv") == b"a"  # the target itself is left alone


@pytest.mark.parametrize("key", ["none", *NO_KEYS])
def test_a_name_is_not_pointed_at_nothing(pointing: Storage, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        pointing.point("name", key)
    assert pointing.pointed("name") is None
    assert pointing.files() == []


def test_pointing_twice_is_pointing_once(pointing: Storage) -> None:
    publish(pointing, "runs/1", FILES)
    for _ in range(2):
        pointing.point("latest", "runs/1")
    assert pointing.pointed("latest") == "runs/1"
    assert pointing.read("latest/a.csv") == b"a"


def test_a_persons_file_is_replaced_and_no_pointer(pointing: Storage) -> None:
    publish(pointing, "runs/1", FILES)
    pointing.write("a.csv", b"by hand")
    pointing.write("a.csv.json", b"\xff by hand")
    assert pointing.pointed("a.csv") is None
    pointing.point("a.csv", "runs/1/a.csv")
    assert pointing.read("a.csv") == b"a"


def test_a_persons_folder_is_left_alone(pointing: Storage) -> None:
    publish(pointing, "runs/1", FILES)
    pointing.write("latest/letter", b"by hand")
    with pytest.raises(RetryableError, match="latest"):
        pointing.point("latest", "runs/1")
    assert pointing.read("latest/letter") == b"by hand"
    assert pointing.pointed("latest") is None


def test_an_interrupted_pointing_is_finished_by_the_next(
    remote: ObjectStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(remote, "runs/1", FILES)
    publish(remote, "runs/2", {"a.csv": b"A", "summary.json": b"[]"})
    remote.point("latest", "runs/1")
    with monkeypatch.context() as patch:
        patch.setattr(ObjectStorage, "remove_files", _away)
        with pytest.raises(RetryableError):
            remote.point("latest", "runs/2")
    assert "empty" in remote._listed("latest")
    remote.point("latest", "runs/2")
    assert remote._listed("latest").keys() == {"a.csv", "summary.json"}


def _away(*_: object) -> None:
    raise RetryableError("away")


# --- a folder ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["write", "create", "store_file", "publish_folder", "files"])
def test_a_folder_that_cannot_be_used_is_worth_another_try(
    local: LocalStorage, verb: str, tmp_path: Path
) -> None:
    local.write("file", b"")
    (tmp_path / "source").touch()
    verbs: dict[str, Callable[[], object]] = {
        "write": lambda: local.write("file/below", b""),
        "create": lambda: local.create("file/below/it", b""),
        "store_file": lambda: local.store_file("file/below", tmp_path / "source"),
        "publish_folder": lambda: publish(local, "file/below", {}),
        "files": lambda: local.files("file"),
    }
    with pytest.raises(RetryableError, match="file") as caught:
        verbs[verb]()
    assert caught.value.remedy


def test_a_link_to_itself_neither_lists_nor_ends_a_listing(local: LocalStorage) -> None:
    local.write("file", b"")
    (local.root / "loop").symlink_to("loop")
    assert (keys(local), local.folders()) == (["file"], [])
    assert list(local.contents().others) == ["loop"]
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        local.contents("file")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="nothing can be made there")
@pytest.mark.parametrize("verb", ["write", "create", "publish_folder"])
def test_a_folder_that_cannot_be_made_is_no_missing_key(verb: str) -> None:
    nowhere = LocalStorage(Path("/proc/nowhere"))
    verbs: dict[str, Callable[[], object]] = {
        "write": lambda: nowhere.write("file", b""),
        "create": lambda: nowhere.create("file", b""),
        "publish_folder": lambda: publish(nowhere, "folder", {}),
    }
    with pytest.raises(RetryableError, match="cannot be made"):
        verbs[verb]()


def test_unfinished_writes_leave_nothing(local: LocalStorage) -> None:
    (local.root / "folder").mkdir(parents=True)
    with pytest.raises(RetryableError):
        local.write("folder", b"")
    assert [path.name for path in local.root.iterdir()] == ["folder"]


def test_a_file_that_goes_while_it_is_listed_is_not_there(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "link"):
        local.write(name, b"")
    entries = local._entries("")
    (local.root / "a").unlink()
    monkeypatch.setattr(local, "_entries", lambda _: entries)
    assert keys(local) == ["b", "link"]


def test_create_works_without_hard_links(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(source: str, target: str, **_: int) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_link)
    assert local.create("key", b"first")
    assert not local.create("key", b"second")
    assert local.read("key") == b"first"


def _without_unnamed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file system that has none answers, and a kernel that knows of none."""
    really, answers = os.open, itertools.cycle([errno.EOPNOTSUPP, errno.EISDIR])

    def opened(path: str, flags: int, *rest: int, **options: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(next(answers), "no files without a name")
        return really(path, flags, *rest, **options)

    monkeypatch.setattr(os, "open", opened)


def _without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.link

    def link(source: str, target: str, **options: Any) -> None:
        if source.startswith("/proc/"):
            raise FileNotFoundError(errno.ENOENT, "no /proc here", source)
        really(source, target, **options)

    monkeypatch.setattr(os, "link", link)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file is without a name")
@pytest.mark.parametrize("lack", [_without_unnamed_files, _without_proc])
def test_create_works_where_no_file_is_without_a_name(
    local: LocalStorage,
    monkeypatch: pytest.MonkeyPatch,
    lack: Callable[[pytest.MonkeyPatch], None],
) -> None:
    lack(monkeypatch)
    assert local.create("a/key", b"first")
    assert not local.create("a/key", b"second")
    assert local.create("a/other", b"third")
    assert {key: local.read(key) for key in keys(local, "a")} == {
        "a/key": b"first",
        "a/other": b"third",
    }
    assert sorted(os.listdir(local.root / "a")) == ["key", "other"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no file is without a name")
def test_a_file_that_is_created_has_no_other_name_before(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.write("a/first", b"makes the folder")
    seen, really = list[list[str]](), os.link

    def link(source: str, target: str, **options: Any) -> None:
        seen.append(os.listdir(local.root / "a"))
        really(source, target, **options)

    monkeypatch.setattr(os, "link", link)
    assert local.create("a/key", b"whole")
    assert seen == [["first"]]
    status, other = ((local.root / "a" / name).stat() for name in ("key", "first"))
    assert (status.st_nlink, status.st_mode) == (1, other.st_mode)


def test_links_are_relative_so_that_a_moved_folder_still_reads(
    local: LocalStorage, tmp_path: Path
) -> None:
    publish(local, "runs/1", FILES)
    local.point("latest", "runs/1")
    local.root.rename(tmp_path / "moved")
    assert (tmp_path / "moved" / "latest" / "a.csv").read_bytes() == b"a"


# --- an object store -----------------------------------------------------------------------------


def test_a_download_is_removed_afterwards(remote: ObjectStorage) -> None:
    remote.write("key", b"x")
    with remote.local_file("key") as path:
        pass
    assert not path.exists()


def test_memory_holds_a_block_at_a_time(remote: ObjectStorage) -> None:
    size = 2 * BLOCK + 1
    remote.write("key", bytes(size))
    assert [len(block) for block in blocks(remote._store, "key")] == [BLOCK, BLOCK, 1]


def test_half_of_one_version_is_never_joined_to_half_of_the_next(remote: ObjectStorage) -> None:
    remote.write("key", bytes(2 * BLOCK))
    read = blocks(remote._store, "key")
    next(read)
    remote.write("key", b"\1" * 2 * BLOCK)
    with pytest.raises(RetryableError, match="changed"), remote._translated("read", "key"):
        next(read)


def test_pointers_are_for_readers_that_follow_them(remote: ObjectStorage) -> None:
    publish(remote, "runs/1", FILES)
    remote.point("latest", "runs/1")
    assert remote.read("latest.json") == b'{"target":"runs/1"}'
    publish(remote, "runs/2", {"a.csv": b"a"})
    remote.point("latest", "runs/2")
    assert ".complete" in remote._listed("runs/2"), "without a summary nothing else says it"
    assert ".complete" not in remote._listed("latest")


def test_folders_that_a_console_made_are_no_files(remote: ObjectStorage, s3_endpoint: str) -> None:
    bucket = remote.uri.split("/")[2]
    for marker in ("prefix/", "prefix/data/"):
        put(s3_endpoint, f"/{bucket}/{marker}")
    remote.write("data/x", b"")
    assert keys(remote) == []
    assert remote.folders() == ["data"]
    assert keys(remote, "data") == ["data/x"]


def test_a_key_that_no_path_can_name_is_told(remote: ObjectStorage, s3_endpoint: str) -> None:
    bucket = remote.uri.split("/")[2]
    put(s3_endpoint, f"/{bucket}/prefix//x")
    with pytest.raises(ConfigError, match="empty"):
        remote.files()


def test_no_bucket_is_a_matter_of_settings(s3: str) -> None:
    nowhere = ObjectStorage("s3://no-such-bucket/prefix")
    for use in (
        nowhere.files,
        lambda: nowhere.read("key"),
        lambda: nowhere.write("key", b""),
        lambda: nowhere.create("key", b""),
        lambda: nowhere.write("key", bytes(BLOCK + 1)),
    ):
        with pytest.raises(ConfigError, match=r"s3://no-such-bucket.*no such bucket"):
            use()


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    """An S3 that gives the last answer in the list, its body full of what must not be told."""
    given: list[tuple[int, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, code = given[-1]
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            body = b"" if self.command == "HEAD" else f"<Code>{code}</Code>{SECRET}".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        use_endpoint(monkeypatch, f"http://127.0.0.1:{server.server_port}")
        yield given
        server.shutdown()


def every_use(storage: ObjectStorage, path: Path) -> list[Callable[[], object]]:
    path.touch()
    return [
        storage.files,
        storage.folders,
        lambda: storage.stat("key"),
        lambda: storage.read("key"),
        lambda: storage.write("key", b""),
        lambda: storage.create("key", b""),
        lambda: storage.store_file("key", path),
        lambda: storage.local_file("key").__enter__(),
        lambda: publish(storage, "key", {"x": b""}),
        lambda: storage.point("key", "target"),
        lambda: storage.pointed("key"),
    ]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "Unauthorized"),
        (403, "SignatureDoesNotMatch"),
        (403, "RequestTimeTooSkewed"),
        (301, "PermanentRedirect"),
    ],
)
def test_what_is_turned_down_is_a_matter_of_settings(
    answers: list[tuple[int, str]], status: int, code: str, tmp_path: Path
) -> None:
    answers.append((status, code))
    for use in every_use(ObjectStorage("s3://bucket/prefix"), tmp_path / "x"):
        with pytest.raises(ConfigError, match="s3://bucket/prefix") as caught:
            use()
        assert SECRET not in str(caught.value)
        assert caught.value.__suppress_context__
        assert "AWS_" in caught.value.remedy


def test_an_old_token_is_a_matter_of_settings(answers: list[tuple[int, str]]) -> None:
    answers.append((400, "ExpiredToken"))
    storage = ObjectStorage("s3://bucket/prefix")
    for use in (storage.files, lambda: storage.read("key"), lambda: storage.write("key", b"")):
        with pytest.raises(ConfigError, match="ExpiredToken"):
            use()


def test_an_error_of_the_service_is_worth_another_try(
    answers: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers.append((503, "SlowDown"))
    monkeypatch.setitem(RETRIES, "max_retries", 0)
    for use in every_use(ObjectStorage("s3://bucket/prefix"), tmp_path / "x"):
        with pytest.raises(RetryableError, match="503 Service Unavailable") as caught:
            use()
        assert SECRET not in str(caught.value)


def test_a_short_trouble_is_waited_out(answers: list[tuple[int, str]]) -> None:
    answers.append((503, "SlowDown"))
    timer = threading.Timer(0.15, answers.append, [(200, "")])
    timer.start()
    assert SECRET in ObjectStorage("s3://bucket/prefix").read("key").decode()
    timer.join()


def test_an_unreachable_endpoint_is_given_up_soon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_endpoint(monkeypatch, "http://127.0.0.1:1")
    begun = time.monotonic()
    with pytest.raises(RetryableError, match="connection refused"):
        ObjectStorage("s3://bucket/prefix").files()
    assert time.monotonic() - begun < 10
    monkeypatch.setitem(RETRIES, "max_retries", 0)
    for use in every_use(ObjectStorage("s3://bucket/at once"), tmp_path / "x"):
        with pytest.raises(RetryableError, match=r"s3://bucket/at once.*connection refused"):
            use()


@pytest.mark.parametrize(
    ("name", "value", "error", "match"),
    [
        ("AWS_ENDPOINT_URL", "http://no.such.host.invalid", UnknownHost, "there is no such host"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:1", ConfigError, "not a URL"),
        ("AWS_ALLOW_HTTP", "false", ConfigError, "AWS_ALLOW_HTTP"),
        ("AWS_ALLOW_HTTP", "perhaps", ConfigError, "settings"),
    ],
)
def test_a_wrong_setting_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, error: type[Exception], match: str
) -> None:
    use_endpoint(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    with pytest.raises(error, match=match):
        ObjectStorage("s3://bucket").read("key")


def test_a_place_has_one_client_as_long_as_settings_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []

    def client(bucket: str, **_: object) -> str:
        made.append(bucket)
        return bucket

    monkeypatch.setattr(object_client, "S3Store", client)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    for _ in range(3):
        open_storage("s3://one-client/prefix")
    assert len(made) == 1
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    open_storage("s3://one-client/prefix")
    assert len(made) == 2
    monkeypatch.setattr(store_environment, "_in_force", {"AWS_ACCESS_KEY_ID": "of .env"})
    open_storage("s3://one-client/prefix")
    assert len(made) == 3


def test_no_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint(monkeypatch, "http://127.0.0.1:1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(RetryableError, match="no credentials"):
        ObjectStorage("s3://bucket").read("key")


def test_google_and_azure_speak_the_same_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GOOGLE_BASE_URL": "http://127.0.0.1:1",
        "GOOGLE_SKIP_SIGNATURE": "true",
        "GOOGLE_ALLOW_HTTP": "true",
        "AZURE_STORAGE_ENDPOINT": "http://127.0.0.1:1",
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_SAS_TOKEN": f"sv=2024-11-04&sig={SECRET}",
        "AZURE_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for uri in ("gs://bucket/prefix", "az://container/prefix"):
        storage = open_storage(uri)
        assert storage.uri == uri
        with pytest.raises(RetryableError, match=f"{uri}/key: connection refused") as caught:
            storage.read("key")
        assert SECRET not in str(caught.value)
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME")
    with pytest.raises(ConfigError, match="AZURE_"):
        open_storage("az://container")


def test_no_temporary_folder_is_worth_another_try(
    remote: ObjectStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remote.write("key", b"x")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(NoTemporaryRoom, match="temporary files"), remote.local_file("key"):
        pass


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_full_temporary_folder_is_no_fault_of_the_place(
    remote: ObjectStorage, local: LocalStorage, *, is_signed: bool
) -> None:
    """So that a worker hands back at once what it cannot fetch, and does not try it again."""
    storage = SignedStorage(local, StateKey(b"k" * 32)) if is_signed else remote
    storage.write("key", b"x" * 3000)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most[1]))
    try:
        with pytest.raises(NoTemporaryRoom, match=r"temporary files .*: File too large") as caught:
            storage.local_file("key").__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert "TMPDIR" in caught.value.remedy
    with storage.local_file("key") as path:
        assert path.stat().st_size == 3000


def test_use_after_a_fork_is_refused_not_hung(s3: str) -> None:
    script = f"""
import os
from pipeline_core.errors import ContractError
from pipeline_core.storage import open_storage
storage = open_storage({s3!r})
storage.write("key", b"")
child = os.fork()
if not child:
    try:
        open_storage({s3!r}).read("key")
    except ContractError:
        os._exit(7)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert storage.read("key") == b""
"""
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT, check=True, timeout=60)


# --- places --------------------------------------------------------------------------------------


def test_a_folder_may_be_named_in_three_ways(tmp_path: Path) -> None:
    folder = tmp_path / "with blank"
    for uri in (str(folder), folder.as_uri(), f"FILE://{urllib.parse.quote(str(folder))}"):
        assert open_storage(uri).uri == absolute_uri(uri) == str(folder)


def test_a_relative_folder_becomes_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_uri("data") == open_storage("data").uri == str(tmp_path / "data")
    monkeypatch.chdir("/")
    assert open_storage("x:y").uri == "/x:y"


def test_an_object_stores_place_stays_as_it_is(s3: str) -> None:
    assert absolute_uri(f"{s3}/a b") == open_storage(f"{s3}/a b").uri == f"{s3}/a b"
    assert open_storage(f"{s3}/").uri == open_storage(s3.replace("s3:", "S3:")).uri == s3


@pytest.mark.parametrize("uri", ["ftp://host/data", "http://host/data", "s3a://bucket"])
def test_other_schemes_are_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="not supported"):
        open_storage(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://",
        "s3:///prefix",
        f"s3://key:{SECRET}@bucket/prefix",
        f"az://container/prefix?sig={SECRET}",
        f"s3://{SECRET}@bucket",
    ],
)
def test_a_uri_is_a_bucket_and_a_prefix_and_holds_no_secret(uri: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_storage(uri)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("uri", ["s3://bucket/a//b", "s3://bucket/a/../b"])
def test_a_prefix_is_a_plain_path(s3: str, uri: str) -> None:
    with pytest.raises(ConfigError, match="prefix"):
        open_storage(uri)


def test_the_package_of_object_stores_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "pipeline_core.storage.object_store")
    with pytest.raises(ConfigError, match=r"obstore.*Install it: .*obstore"):
        open_storage("s3://bucket")


def test_what_a_folders_rights_forbid_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    storage = LocalStorage(tmp_path)
    storage.write("inner/a", b"")
    monkeypatch.setattr(os, "scandir", forbid)
    with pytest.raises(NotAllowed, match=r"may not list .*inner"):
        storage.contents("inner")
    monkeypatch.setattr(os, "open", forbid)
    monkeypatch.setattr(os, "access", lambda *_: False)
    may_not_read = pytest.raises(NotAllowed, match=r"may not read .*inner/a")
    with may_not_read, storage.open("inner/a"):
        pass
    with may_not_read, storage.local_file("inner/a"):
        pass
    with may_not_read:
        storage.read("inner/a")
