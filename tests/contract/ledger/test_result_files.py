"""A receipt with what is small behind it is one file, created once; torn, it is as good as none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_core.errors import DamagedResult
from pipeline_core.ledger import RunLedger, result_files
from pipeline_core.ledger.result_files import HeldResults
from pipeline_core.messages import Counts, Receipt, StoredFile, Work, to_json
from pipeline_core.storage import Storage
from tests.support.ledgers import planned_ledger, receipt_of

WORK = Work("00000")
KEY = "runs/1/receipts/00000.result"
LARGE = bytes(range(256)) * 256


def _stored(ledger: RunLedger, *contents: bytes) -> Receipt:
    """A receipt that counts, with rejects and keys of these bytes."""
    file = ledger.result_file(WORK)
    rejects, keys = (file.store("rejects", WORK, ".csv", each, 1) for each in contents)
    receipt = msgspec.structs.replace(receipt_of("00000"), rejects=rejects, event_keys=keys)
    return ledger.create_receipt(WORK, receipt, file.behind)


def _loaded(ledger: RunLedger, receipt: Receipt) -> list[bytes]:
    named = [each for each in (receipt.rejects, receipt.event_keys) if each is not None]
    found = [ledger.load(each) for each in named]
    for each, data in zip(named, found, strict=True):
        with ledger.opened(each) as file:
            assert file.read() == data
    return found


@pytest.fixture
def ledger(state: Storage) -> RunLedger:
    return planned_ledger(state)


def test_what_is_small_comes_behind_the_receipt(ledger: RunLedger) -> None:
    receipt = _stored(ledger, b"a\0few", b"more")
    assert ledger.receipt(WORK) == receipt
    assert _loaded(ledger, receipt) == [b"a\0few", b"more"]
    assert [each.key for each in ledger.state.files("runs/1/receipts")] == [KEY]
    assert ledger.state.folders("runs/1") == ["receipts"]
    readable = ledger.state.read(KEY).partition(b"\0")[0]
    assert readable == to_json(receipt), "by whoever looks"


def test_what_is_large_has_a_file_of_its_own(ledger: RunLedger) -> None:
    receipt = _stored(ledger, LARGE + b"x", b"more")
    assert _loaded(ledger, receipt) == [LARGE + b"x", b"more"]
    (stored,) = ledger.state.files("runs/1/rejects")
    assert receipt.rejects is not None
    assert (stored.key, stored.size) == (receipt.rejects.key, len(LARGE) + 1)
    whole = ledger.state.stat(KEY).size
    assert whole < 4096


def test_all_that_is_behind_one_receipt_is_small(ledger: RunLedger) -> None:
    receipt = _stored(ledger, b"a few", LARGE)
    assert _loaded(ledger, receipt) == [b"a few", LARGE]
    assert len(ledger.state.files("runs/1/rejects")) == 1, "the second has no room"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"archive": "00001"}, id="of another archive"),
        pytest.param({"counts": Counts(seen=9, counted=1, not_purchase=2)}, id="no sum"),
    ],
)
def test_a_receipt_that_cannot_be_right_is_as_good_as_none(
    ledger: RunLedger, changes: dict[str, Any]
) -> None:
    receipt = _stored(ledger, b"a few", b"more")
    whole = ledger.state.read(KEY)
    wrong = to_json(msgspec.structs.replace(receipt, **changes))
    ledger.state.write(KEY, whole.replace(to_json(receipt), wrong))
    assert ledger.receipt(WORK) is None
    assert _stored(ledger, b"a few", b"more") == receipt


def test_the_first_who_is_done_counts(ledger: RunLedger) -> None:
    first = _stored(ledger, b"first", b"1")
    assert _stored(ledger, b"second", b"2") == first
    assert _loaded(ledger, first) == [b"first", b"1"]


def test_a_file_without_its_end_is_no_receipt(ledger: RunLedger) -> None:
    receipt = _stored(ledger, b"", b"")
    whole = ledger.state.read(KEY)
    assert whole == to_json(receipt) + b"\0"
    for torn in (b"", whole[:99], whole[:-1], bytes(len(whole)), b"\0", b"{}\0"):
        ledger.state.write(KEY, torn)
        assert ledger.receipt_ids() == {"00000"}
        assert ledger.receipt(WORK) is None
        assert ledger.receipt_ids() == set(), "it can be made again"


@pytest.mark.parametrize("held", [None, HeldResults()])
def test_what_is_torn_behind_a_receipt_is_noticed(
    ledger: RunLedger, held: HeldResults | None
) -> None:
    receipt = _stored(ledger, b"first", b"second")
    whole = ledger.state.read(KEY)
    ledger.state.write(KEY, whole[:-1])
    reader = RunLedger(ledger.state, "1", held)
    assert reader.receipt(WORK) == receipt
    assert receipt.rejects is not None
    assert receipt.event_keys is not None
    assert reader.load(receipt.rejects) == b"first"
    with pytest.raises(DamagedResult, match=r"00000\.result is damaged"):
        reader.load(receipt.event_keys)
    ledger.state.write(KEY, whole)
    assert reader.load(receipt.event_keys) == b"second", "what is held is not all there is"
    ledger.state.remove(KEY)
    with pytest.raises(DamagedResult, match="not in the storage"):
        ledger.load(receipt.event_keys)


def test_a_discarded_receipt_is_gone_with_what_is_behind_it(ledger: RunLedger) -> None:
    _stored(ledger, b"first", b"second")
    ledger.discard_receipt(WORK)
    assert ledger.receipt(WORK) is None
    assert ledger.state.files("runs/1/receipts") == []


def test_a_result_is_read_once_by_whoever_holds_it(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = _stored(ledger, b"first", b"second")
    reader = RunLedger(ledger.state, "1", HeldResults())
    assert reader.receipt(WORK) == receipt
    monkeypatch.setattr(type(ledger.state), "read", lambda *_: pytest.fail("it was read"))
    assert _loaded(reader, receipt) == [b"first", b"second"]


def test_no_more_is_held_than_there_is_room_for(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_files, "_MOST_HELD_BYTES", 10)
    held = HeldResults()
    held.hold("a", b"12345")
    held.hold("a", b"123456")
    held.hold("b", b"12345")
    held.hold("c", b"1234")
    assert held._held == {"a": b"123456", "c": b"1234"}
    last = StoredFile("b", "", 0, offset=1, size=3)
    assert held.stretch(last) == b"234", "which may be asked for at once"
    held.hold("d", b"12345")
    assert held.stretch(last) == b""


def test_what_no_run_can_use_is_removed_from_behind_its_receipt(
    ledger: RunLedger,
) -> None:
    receipt = _stored(ledger, b"first", b"second")
    (stored,) = ledger.result_files()
    assert ledger.leave_receipt(stored.key, dry_run=True) == len(b"firstsecond")
    assert _loaded(ledger, receipt) == [b"first", b"second"]
    assert ledger.leave_receipt(stored.key) == len(b"firstsecond")
    assert ledger.receipt(WORK) == receipt
    assert ledger.receipt_ids() == {"00000"}
    assert ledger.result_files() == []
    with pytest.raises(DamagedResult):
        _loaded(ledger, receipt)


def test_receipts_of_many_are_looked_for_by_one_list(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = _stored(ledger, b"first", b"second")
    reads, read = list[str](), type(ledger.state).read

    def noted(self: Storage, key: str) -> bytes:
        reads.append(key)
        return read(self, key)

    monkeypatch.setattr(type(ledger.state), "read", noted)
    assert ledger.receipts_of(f"{number:05d}" for number in range(50)) == {"00000": receipt}
    assert reads == ["runs/1/reused.json", KEY]


def test_a_receipt_of_an_earlier_version_is_read(ledger: RunLedger, tmp_path: Path) -> None:
    """A file of JSON, which names files of their own."""
    stored = ledger.store("rejects", WORK, ".csv", b"apart", 1)
    receipt = msgspec.structs.replace(receipt_of("00000"), rejects=stored)
    ledger.state.write("runs/1/receipts/00000.json", to_json(receipt))
    assert "offset" not in to_json(receipt).decode()
    assert ledger.receipt(WORK) == receipt
    assert ledger.receipts_of(["00000", "00001", "00002"]) == {"00000": receipt}
    assert list(ledger.receipts()) == [receipt]
    assert ledger.load(stored) == b"apart"
    ledger.discard_receipt(WORK)
    assert ledger.receipt_ids() == set()
