"""Stores that can do less than Amazon's: no conditional writes, weak ETags, none at all."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.messages import to_json
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.storage import Storage, check_creates, open_storage
from pipeline_core.storage.local import LocalStorage
from pipeline_core.storage.object_reading import BLOCK
from pipeline_core.storage.object_store import ObjectStorage
from tests.support.gateway import Fault, Gateway, gateway
from tests.support.s3 import use_endpoint


@pytest.fixture
def local(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path)


@pytest.fixture(params=["local", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    remote = request.param == "s3"
    return open_storage(request.getfixturevalue("s3") if remote else str(tmp_path))


@pytest.fixture
def through(s3: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """A proxy before the S3, which can do less; it is what the environment names."""
    with gateway(s3_endpoint) as found:
        use_endpoint(monkeypatch, found.endpoint)
        yield found


@pytest.mark.parametrize("fault", ["none", "has weak tags", "has no tags", "refuses conditions"])
def test_an_object_is_the_same_one_however_its_tag_is_told(
    through: Gateway, s3: str, fault: Fault
) -> None:
    """A proxy may call a tag weak in one answer and strong in the next."""
    content = bytes(range(256)) * (2 * BLOCK // 256) + b"tail"
    storage = ObjectStorage(f"{s3}/prefix")
    storage.write("key", content)
    through.fault = fault
    versions = {storage.stat("key").version for _ in range(2)}
    versions |= {file.version for _ in range(2) for file in storage.files()}
    assert len(versions) == 1
    assert storage.read("key") == content
    with storage.open("key") as file:
        for place in (0, 3 * 64 << 10, len(content) - 3):
            file.seek(place)
            assert file.read(3) == content[place : place + 3]


@pytest.mark.parametrize("fault", ["none", "has weak tags"])
def test_a_file_that_changes_while_it_is_open_is_told(
    through: Gateway, s3: str, fault: Fault
) -> None:
    storage = ObjectStorage(f"{s3}/prefix")
    storage.write("key", bytes(1 << 20))
    through.fault = fault
    with pytest.raises(RetryableError, match="changed meanwhile"), storage.open("key") as file:
        _replace_and_read_on(storage, file)


def _replace_and_read_on(storage: ObjectStorage, file: IO[bytes]) -> None:
    assert file.read(1) == b"\0"
    storage.write("key", b"\1" * (1 << 20))
    file.seek(1 << 19)
    assert file.read(1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("ignores conditions", "one key was created twice"),
        ("refuses conditions", "501 Not Implemented NotImplemented"),
    ],
)
def test_a_store_without_conditional_writes_is_refused(
    through: Gateway, s3: str, fault: Fault, said: str
) -> None:
    storage = ObjectStorage(f"{s3}/prefix")
    check_creates(storage)
    through.fault = fault
    with pytest.raises(ConfigError, match=rf"s3://.*/prefix has no conditional writes.*{said}"):
        check_creates(storage)
    assert ObjectStorage(s3)._listed("prefix").keys() == set()


def test_a_condition_that_a_store_refuses_is_no_matter_of_patience(
    through: Gateway, s3: str
) -> None:
    through.fault = "refuses conditions"
    with pytest.raises(ConfigError, match="no conditional writes"):
        ObjectStorage(s3).create("key", b"")


def test_conditions_that_are_switched_off_are_told(
    s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONDITIONAL_PUT", "disabled")
    with pytest.raises(ConfigError, match="AWS_CONDITIONAL_PUT switches them off"):
        ObjectStorage(s3).create("key", b"")


def test_what_keeps_two_runs_apart_is_there(storage: Storage) -> None:
    check_creates(storage)
    assert storage.files() == []
    assert storage.folders() == []


def test_it_is_there_in_a_folder_without_hard_links(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(source: str, target: str, **_: int) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", no_link)
    check_creates(local)
    assert os.listdir(local.root) == []


def test_a_place_that_has_every_key_already_is_refused(
    local: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalStorage, "create", lambda *_: False)
    with pytest.raises(ConfigError, match="a new key was there already"):
        check_creates(local)


# --- turns ---------------------------------------------------------------------------------------


def writes_of(through: Gateway, begun: int = 0) -> list[str]:
    """Names of what was written since, without their folders."""
    return [each.path.rsplit("/", 1)[-1] for each in through.asked[begun:] if each.method == "PUT"]


@pytest.mark.parametrize("fault", ["ignores conditions", "refuses conditions"])
def test_two_runs_at_once_are_both_refused_before_either_has_a_turn(
    through: Gateway, s3: str, fault: Fault
) -> None:
    through.fault = fault
    state = open_storage(f"{s3}/state")
    begin = threading.Barrier(2)

    def take(number: int) -> str:
        begin.wait()
        with pytest.raises(ConfigError, match="no conditional writes") as refused:
            acquire_run_lock(RunLedger(state, f"run-{number}"), 60)
        return refused.value.remedy

    with ThreadPoolExecutor(2) as pool:
        assert all("MinIO" in remedy for remedy in pool.map(take, range(2)))
    assert state.files("leases") == []
    assert lease.newest(state) is None


def test_a_place_is_tried_by_its_first_run_and_by_no_later_one(through: Gateway, s3: str) -> None:
    state = open_storage(f"{s3}/state")
    lease.acquire(state, "run-1", "host:1", seconds=-1)
    tried, taken = writes_of(through)[:2], writes_of(through)[2:]
    assert tried[0] == tried[1]
    assert tried[0].startswith(".create-once-")
    assert taken == ["00000001.json"]
    begun = len(through.asked)
    lease.acquire(state, "run-2", "host:2", seconds=60)
    # The list of leases, the last one, and the new one; only each tenth tidies up.
    assert [each.method for each in through.asked[begun:]] == ["GET", "GET", "PUT"]
    assert writes_of(through, begun) == ["00000002.json"]


def test_a_place_of_an_earlier_version_is_tried_once(through: Gateway, s3: str) -> None:
    state = open_storage(f"{s3}/state")
    first = lease.acquire(state, "run-1", "host:1", seconds=-1)
    before = to_json(first).replace(f'"checked": "{state.uri}"'.encode(), b'"token": 1')
    assert b"checked" not in before
    state.write("leases/00000001.json", before)
    through.fault = "ignores conditions"
    with pytest.raises(ConfigError, match="no conditional writes"):
        lease.acquire(state, "run-2", "host:2", seconds=60)
    through.fault = "none"
    assert lease.acquire(state, "run-2", "host:2", seconds=60).checked == state.uri


def test_what_was_copied_elsewhere_is_tried_there(
    local: LocalStorage, through: Gateway, s3: str
) -> None:
    lease.acquire(local, "run-1", "host:1", seconds=-1)
    moved = open_storage(f"{s3}/state")
    moved.write("leases/00000001.json", local.read("leases/00000001.json"))
    through.fault = "ignores conditions"
    with pytest.raises(ConfigError, match="no conditional writes"):
        lease.acquire(moved, "run-2", "host:2", seconds=60)
