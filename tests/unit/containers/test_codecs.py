"""Inflating: libdeflate and zlib give the same bytes, or the same error."""

from __future__ import annotations

import io
from random import Random

import pytest

from pipeline_core.containers import codecs
from pipeline_core.containers.meter import Meter
from pipeline_core.containers.zip_entries import inflate, open_zip
from pipeline_core.errors import InputError, UnreadableDay, UnreadablePart
from pipeline_core.messages import Limits
from tests.support.archives import METHODS, day_zip, lying_zip
from tests.support.mutate import mutated

CONTENT = b'[{"event_type":"purchase"}]' * 1000
NO_LIMIT = 1 << 30


def _inflated(data: bytes, whole_bytes: int = NO_LIMIT, limit: int = NO_LIMIT) -> bytes:
    meter = Meter("part", limit, UnreadablePart)
    opened = open_zip(io.BytesIO(data), "day", Limits(), UnreadableDay)
    return b"".join(inflate(opened, opened.entries[0], "part", UnreadablePart, meter, whole_bytes))


def _outcome(data: bytes, whole_bytes: int) -> bytes | str:
    try:
        return _inflated(data, whole_bytes)
    except InputError as error:
        return error.message


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("content", [CONTENT, b"", b"[]"])
def test_every_method_gives_the_bytes(method: int, content: bytes) -> None:
    data = day_zip({"1.json": content}, compression=method)
    assert _inflated(data) == _inflated(data, 0) == content


def test_only_small_deflated_entries_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    libdeflate = pytest.importorskip("deflate", reason="there is no libdeflate here")
    asked, real = list[int](), libdeflate.deflate_decompress

    def noted(data: bytes, size: int) -> object:
        asked.append(size)
        return real(data, size)

    monkeypatch.setattr(libdeflate, "deflate_decompress", noted)
    data = day_zip({"1.json": CONTENT})
    assert _inflated(data, len(CONTENT)) == _inflated(data, len(CONTENT) - 1) == CONTENT
    assert asked == [len(CONTENT)]


@pytest.mark.parametrize("declared", [0, 7, len(CONTENT) - 1, len(CONTENT) + 1, 1 << 20])
def test_a_header_that_lies_is_found_either_way(declared: int) -> None:
    data = lying_zip("1.json", CONTENT, declared=declared)
    assert "it declares" in str(_outcome(data, NO_LIMIT))
    assert _outcome(data, NO_LIMIT) == _outcome(data, 0)


def test_damage_has_the_same_outcome_either_way() -> None:
    choose, sound = Random(1), day_zip({"1.json": CONTENT})  # noqa: S311
    outcomes = set()
    for _ in range(3_000):
        data = mutated(sound, (sound,), choose)
        try:
            outcome = _outcome(data, NO_LIMIT)
        except IndexError:  # a directory without an entry
            continue
        assert outcome == _outcome(data, 0)
        outcomes.add(outcome)
    assert len(outcomes) > 5


def test_a_limit_is_kept_either_way() -> None:
    for whole_bytes in (NO_LIMIT, 0):
        with pytest.raises(UnreadablePart, match="more than the limit of 100 bytes"):
            _inflated(day_zip({"1.json": CONTENT}), whole_bytes, limit=100)


def test_what_isal_does_not_take_is_for_zlib_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small pieces, so that some of it was given out when ISA-L gives up."""
    pytest.importorskip("isal", reason="there is no ISA-L here")
    choose = Random(20240303)  # noqa: S311
    text = "".join(f'{{"n":{choose.random()}}},' for _ in range(300)).encode()
    for name, size in (("_BLOCK", 700), ("_PIECE", 150)):
        monkeypatch.setattr(codecs, name, size)
    sound = [day_zip({"1.json": content}) for content in (text, CONTENT)]
    sound += [lying_zip("1.json", text, declared=each) for each in (7, len(text) + 1)]
    cases = [*sound, *(mutated(choose.choice(sound), sound, choose) for _ in range(2_000))]
    quick = [_outcome(each, 0) for each in cases]
    monkeypatch.setattr(codecs, "HAS_ISAL", False)
    assert [_outcome(each, 0) for each in cases] == quick
    assert {type(each) for each in quick} == {bytes, str}
    assert any(isinstance(each, str) and "data are damaged" in each for each in quick)


def test_entries_of_many_blocks_take_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("isal", reason="there is no ISA-L here")
    monkeypatch.setattr(codecs, "_Deflate", None)
    assert _inflated(day_zip({"1.json": CONTENT}), 0) == CONTENT
