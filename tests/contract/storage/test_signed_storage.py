"""A state under a key: what was not written under it, and under its own name, is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline_core.errors import ContractError
from pipeline_core.storage import Storage, listing
from pipeline_core.vouching.key import StateKey
from pipeline_core.vouching.signed import SignedStorage

KEY, OTHER = StateKey(b"k" * 32), StateKey(b"o" * 32)
HOME = f"keyed/{KEY.mark}"
DATA = b"what was kept" * 100


@pytest.fixture
def vouched(state: Storage) -> SignedStorage:
    return SignedStorage(state, KEY)


def test_what_is_written_is_read(vouched: SignedStorage, state: Storage, tmp_path: Path) -> None:
    large = bytes(range(256)) * 10_000
    (tmp_path / "large").write_bytes(large)
    vouched.write("a/small", DATA)
    vouched.store_file("a/large", tmp_path / "large")
    vouched.write("a/none", b"")
    assert vouched.read("a/small") == DATA
    assert vouched.read("a/none") == b""
    with vouched.local_file("a/large") as path, vouched.open("a/large") as file:
        assert path.read_bytes() == file.read() == vouched.read("a/large") == large
    assert [(each.key, each.size) for each in vouched.files("a")] == [
        ("a/large", len(large)),
        ("a/none", 0),
        ("a/small", len(DATA)),
    ]
    assert vouched.folders() == ["a"]
    assert vouched.stat("a/small") == vouched.files("a")[2]
    assert vouched.uri == state.uri
    assert state.folders() == ["keyed"]
    vouched.remove("a/small")
    assert not vouched.vouches("a/small")


def test_a_record_larger_than_any_of_ours_is_not_read(
    state: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder and in a bucket."""
    for name in ("archives.json", "0.parquet"):
        state.write(name, DATA)
    monkeypatch.setattr(listing, "MOST_RECORD_BYTES", len(DATA) - 1)
    with pytest.raises(FileNotFoundError):
        state.read("archives.json")
    assert state.read("0.parquet") == DATA
    monkeypatch.setattr(listing, "MOST_RECORD_BYTES", len(DATA))
    assert state.read("archives.json") == DATA


def test_what_is_created_is_created_once(vouched: SignedStorage) -> None:
    assert vouched.create("a", b"1")
    assert not vouched.create("a", b"2")
    assert vouched.read("a") == b"1"


def _without_a_tag(_key: str) -> bytes:
    return DATA


def _with_a_digest(_key: str) -> bytes:
    return DATA + hashlib.sha256(DATA).digest()


def _under_another_key(key: str) -> bytes:
    hasher = OTHER.hasher(key)
    hasher.update(DATA)
    return DATA + hasher.digest()


def _of_another_name(_key: str) -> bytes:
    hasher = KEY.hasher("runs/1/receipts/00001.json")
    hasher.update(DATA)
    return DATA + hasher.digest()


def _torn(key: str) -> bytes:
    hasher = KEY.hasher(key)
    hasher.update(DATA)
    return (DATA + hasher.digest())[:-1]


def _changed(key: str) -> bytes:
    hasher = KEY.hasher(key)
    hasher.update(DATA)
    return b"W" + DATA[1:] + hasher.digest()


@pytest.mark.parametrize(
    "forged",
    [
        _without_a_tag,
        _with_a_digest,
        _under_another_key,
        _of_another_name,
        _torn,
        _changed,
        lambda _: b"",
    ],
)
def test_what_is_forged_is_not_there(
    vouched: SignedStorage, state: Storage, forged: Callable[[str], bytes]
) -> None:
    key = "runs/1/receipts/00000.json"
    state.write(f"{HOME}/{key}", forged(key))
    assert [each.key for each in vouched.files("runs/1/receipts")] == [key]
    assert not vouched.vouches(key)
    for look in (vouched.read, vouched.stat):
        with pytest.raises(FileNotFoundError):
            look(key)
    for opened in (vouched.local_file, vouched.open):
        with pytest.raises(FileNotFoundError), opened(key):
            pytest.fail("it is read")
    assert vouched.create(key, b"honest"), "it stands in nobody's way"
    assert vouched.read(key) == b"honest"


def test_nobody_takes_or_clears_up_what_is_kept_under_another_key(
    vouched: SignedStorage, state: Storage
) -> None:
    other = SignedStorage(state, OTHER)
    for each in (state, vouched, other):
        assert each.create("runs/1/manifest.json", b"1")
        each.remove("runs/2/manifest.json")
    assert vouched.read("runs/1/manifest.json") == other.read("runs/1/manifest.json")
    state.remove("runs/1/manifest.json")
    other.remove("runs/1/manifest.json")
    assert vouched.vouches("runs/1/manifest.json")


def test_what_is_read_was_checked_whoever_changes_it_meanwhile(tmp_path: Path) -> None:
    from pipeline_core.storage import open_storage

    vouched = SignedStorage(open_storage(str(tmp_path)), KEY)
    vouched.write("extract", DATA)
    with vouched.local_file("extract") as path:
        (tmp_path / HOME / "extract").write_bytes(b"W" * len(DATA))
        assert path.read_bytes() == DATA


def test_no_name_leads_out_of_it(vouched: SignedStorage) -> None:
    for key in ("../other/file", "a/../../b", "a\0b"):
        with pytest.raises(FileNotFoundError):
            vouched.write(key, b"")
    assert [*vouched.files(".."), *vouched.files("../.."), *vouched.folders("a/..")] == []


def test_a_state_publishes_nothing(vouched: SignedStorage) -> None:
    for call in (vouched.publish_folder, vouched.pointed, vouched.followed):
        with pytest.raises(ContractError):
            call("latest")
    with pytest.raises(ContractError):
        vouched.point("latest", "runs/1")


def test_a_key_is_shown_nowhere() -> None:
    secret = "canary-in-a-key-of-a-state"
    key = StateKey(secret.encode())
    assert "canary" not in f"{key!r} {key} {key.mark} {SignedStorage!r}"
    assert StateKey(b"a" * 16).mark != StateKey(b"b" * 16).mark
