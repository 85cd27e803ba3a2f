"""Events that wait on the disk until the whole feed is read."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.messages import Feed
from pipeline_core.reread.fields import Record
from pipeline_core.verify.counts import Place
from pipeline_core.verify.judge import Reject, Sale
from pipeline_core.verify.waiting import Waiting

SALE = Sale("Art", "VIP", "c\ud800", 1, Decimal("0.10"))


def _part(*ids: str) -> list[tuple[Record, Sale]]:
    events = [{"id": each} for each in ids]
    return [(Record(str(n), each, each), SALE) for n, each in enumerate(events)]


def test_what_does_not_count_is_no_first_event() -> None:
    with closing(Waiting(Feed(event_id=("id",)))) as waiting:
        left_out = waiting.add(Place("a", "d", "p"), "2024-03-01", _part("1"))
        late = waiting.add(Place("a", "e", "p"), "", _part("1", "2"))
        early = waiting.add(Place("b", "d", "p"), "2024-03-02", _part("2", "2"))
        assert (left_out, late, early) == (0, 1, 2)
        decided = list(waiting.decided([late, early]))
    assert [(each.place.archive, each.position) for each in decided] == [
        *(("a", "0"), ("a", "1"), ("b", "0"), ("b", "1"))
    ]
    assert [isinstance(each.found, Reject) for each in decided] == [False, True, False, True]
    assert decided[0].found == SALE


def test_an_empty_text_is_no_id() -> None:
    with closing(Waiting(Feed(event_id=("id", "no")))) as waiting:
        events = [{"id": ""}] * 2 + [{"id": "a", "no": ""}, {"id": "a", "no": None}, {"id": "a"}]
        records = [(Record(str(n), each, each), SALE) for n, each in enumerate(events)]
        decided = list(waiting.decided([waiting.add(Place("a"), "", records)]))
    is_copy = [isinstance(each.found, Reject) for each in decided]
    assert is_copy == [False, False, False, True, True]


def test_a_disk_without_room_is_an_error_of_the_disk() -> None:
    with closing(Waiting(Feed(event_id=("id",)))) as waiting:
        waiting._file.execute("PRAGMA max_page_count = 4")
        with pytest.raises(OSError, match="disk is full, of temporary files"):
            waiting.add(Place("a"), "", _part(*("x" * 100 for _ in range(1000))))


def test_a_python_without_sqlite_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline_core.verify.waiting.sqlite3", None)
    with pytest.raises(ConfigError, match="this Python has none"):
        Waiting(Feed(event_id=("id",)))


def test_values_may_be_as_deep_as_an_event() -> None:
    value: object = []
    for _ in range(512):
        value = [value]
    event = {"id": value}
    with closing(Waiting(Feed(event_id=("id",)))) as waiting:
        parts = [waiting.add(Place("a"), "", [(Record("0", event, event), SALE)]) for _ in "ab"]
        assert isinstance([*waiting.decided(parts)][1].found, Reject)
