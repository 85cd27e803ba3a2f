"""The straight way into a zip in memory gives what the careful one gives, on any bytes."""

from __future__ import annotations

import io
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.containers.entry_names import base_name, is_junk
from pipeline_core.containers.meter import archive_meter
from pipeline_core.containers.plain_zip import plain_directory
from pipeline_core.containers.zip_entries import open_zip, whole_entry
from pipeline_core.errors import UnreadableArchive
from pipeline_core.reread import names as reread
from tests.support.archives import archive_zip, packed_zip
from tests.support.mutate import mutated
from tests.support.straight import (
    DAY,
    LIMITS,
    NARROW,
    SOUND,
    WINDOW,
    carefully,
    outcome_of_day,
    outcome_of_zip,
)


def _cases(count: int) -> list[bytes]:
    choose = Random(20240302)  # noqa: S311
    return [*SOUND, *(mutated(choose.choice(SOUND), SOUND, choose) for _ in range(count))]


def test_a_zip_in_memory_is_read_as_a_file_is() -> None:
    cases = _cases(3000)
    straight = [outcome_of_zip(content) for content in cases]
    plain = Counter(
        plain_directory(content, len(content), LIMITS.zip_entries) is not None for content in cases
    )
    assert min(plain[True], plain[False]) > 300
    assert [outcome_of_zip(io.BytesIO(content)) for content in cases] == straight
    with carefully():
        assert [outcome_of_zip(io.BytesIO(content)) for content in cases] == straight


@pytest.mark.parametrize(("window", "hashed"), [(WINDOW, False), (NARROW, False), (WINDOW, True)])
def test_days_and_their_parts_come_as_they_do_carefully(window: int, *, hashed: bool) -> None:
    days = [content for content in _cases(700) if content]
    archives = [packed_zip({"d.zip": content}, method) for content in days for method in (0, 8)]
    straight = [outcome_of_day(archive, window, hashed=hashed) for archive in archives]
    with carefully():
        assert [outcome_of_day(archive, window, hashed=hashed) for archive in archives] == straight


def test_a_stored_day_is_not_copied() -> None:
    archive = archive_zip({"d.zip": DAY}, compression=0)
    opened = open_zip(archive, "archive", LIMITS, UnreadableArchive)
    whole = whole_entry(opened, opened.entries[0], archive_meter(LIMITS), len(DAY))
    assert whole is not None
    assert isinstance(whole[0], memoryview)
    assert whole[0].obj is archive


def test_a_small_day_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", None)
    for method in (0, 8):
        assert outcome_of_day(packed_zip({"d.zip": DAY}, method), WINDOW, hashed=False)[0]


@given(st.lists(st.sampled_from(["a", ".", "..", "/", "\\", "__MACOSX", ".a", "..a"]), max_size=7))
def test_junk_is_what_verify_takes_for_it(pieces: list[str]) -> None:
    name = "".join(pieces)
    assert is_junk(name) == reread.is_junk(name)
    assert base_name(name) == name.replace("\\", "/").split("/")[-1]
