"""Two readers of directories that share no code, the pipeline's and verify's, see the same zip."""

from __future__ import annotations

import io
import struct
import zipfile
from random import Random

import pytest

from pipeline_core.containers.meter import Meter
from pipeline_core.containers.zip_entries import entries, inflate, open_zip
from pipeline_core.errors import UnreadableDay, UnreadablePart
from pipeline_core.messages import Limits
from pipeline_core.reread.names import is_junk
from pipeline_core.reread.unzip import Allowance, inflated, opened_zip, wanted_entries
from tests.support.archives import (
    DEFLATE64,
    METHODS,
    ZSTANDARD,
    archive_zip,
    day_zip,
    overlap_zip,
    packed_entry,
    packed_zip,
    raw_zip,
)
from tests.support.mutate import mutated

LIMITS = Limits(zip_entries=50, dictionary_bytes=1 << 20)
MOST_BYTES = 100_000
CONTENTS = {"a.json": b'[{"event_type":"purchase"}]' * 20, "b/c.json": b"[]", "a": b"x" * 300}
SOUND = (
    *(packed_zip(CONTENTS, method) for method in (*METHODS, DEFLATE64, ZSTANDARD)),
    raw_zip([packed_entry(name, content) for name, content in CONTENTS.items()], zip64=True),
    raw_zip([packed_entry("a.json", b"[1]", 0)], comment=b"PK\5\6" + bytes(18)),
    b"MZ" * 40 + day_zip(CONTENTS),
    day_zip(CONTENTS) + day_zip({"d.json": b"[]"}),
    archive_zip({"1.zip": day_zip(CONTENTS), "2.zip": day_zip({"d": b"d"})}, compression=0),
    overlap_zip(b"[]", 3),
    b"",
)

_Seen = list[tuple[str, int, bytes | None]] | None


def _by_the_pipeline(content: bytes) -> _Seen:
    """Names, places and bytes, None for those that cannot be inflated; None if it is no zip."""
    try:
        opened = open_zip(io.BytesIO(content), "day", LIMITS, UnreadableDay)
    except UnreadableDay:
        return None
    seen = list[tuple[str, int, bytes | None]]()
    for entry in entries(opened):
        meter = Meter("part", MOST_BYTES, UnreadablePart)
        try:
            # In blocks: libdeflate takes a reserved code that zlib refuses for a length of 258.
            blocks = inflate(opened, entry, "part", UnreadablePart, meter, 0, once=True)
            seen.append((entry.name, entry.index, b"".join(blocks)))
        except UnreadablePart:
            seen.append((entry.name, entry.index, None))
    return [each for each in seen if _has_name(each[0])]


def _by_verify(content: bytes) -> _Seen:
    try:
        opened = opened_zip(io.BytesIO(content), LIMITS, UnreadableDay)
    except UnreadableDay:
        return None
    seen = list[tuple[str, int, bytes | None]]()
    for entry in wanted_entries(opened, lambda name: not is_junk(name), [], UnreadableDay):
        allowance = Allowance(MOST_BYTES, UnreadablePart("too large"))
        try:
            blocks = inflated(opened, entry, allowance, UnreadablePart, once=True)
            seen.append((entry.name, entry.place, b"".join(blocks)))
        except UnreadablePart:
            seen.append((entry.name, entry.place, None))
    return [each for each in seen if _has_name(each[0])]


def _has_name(name: str) -> bool:
    """Whether verify would look at it, whatever its ending."""
    *folders, base = name.replace("\\", "/").split("/")
    is_hidden = any(each.startswith(".") and each not in {".", ".."} for each in (*folders, base))
    return base != "" and not is_hidden and "__MACOSX" not in (*folders, base)


@pytest.mark.parametrize("content", SOUND[: len(METHODS) + 2])
def test_sound_zips_have_their_contents(content: bytes) -> None:
    found = _by_the_pipeline(content)
    assert found is not None
    assert found == _by_verify(content)
    assert {name: data for name, _, data in found} == CONTENTS


@pytest.mark.parametrize(
    "content", [day_zip(CONTENTS), raw_zip([], comment=b"nothing"), day_zip({})]
)
def test_what_zipfile_reads_is_read(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        expected = [(entry.filename, opened.read(entry)) for entry in opened.infolist()]
    found = _by_the_pipeline(content)
    assert found is not None
    assert sorted((name, data) for name, _, data in found) == sorted(expected)


def test_both_readers_see_the_same_in_zips_that_are_damaged() -> None:
    choose = Random(20240301)  # noqa: S311
    kinds = set[bool | None]()
    for _ in range(6_000):
        content = mutated(choose.choice(SOUND), SOUND, choose)
        found = _by_the_pipeline(content)
        assert found == _by_verify(content), content
        kinds |= {None} if found is None else {data is None for _, _, data in found}
    assert kinds == {None, True, False}


def test_a_comment_may_hold_what_looks_like_an_end_record() -> None:
    content = raw_zip([packed_entry("a.json", b"[1]", 0)], comment=b"PK\5\6" + bytes(18) + b"!")
    assert _by_the_pipeline(content) == [("a.json", 0, b"[1]")]


def test_an_end_record_is_found_before_the_longest_comment() -> None:
    for comment in (b"x" * 65_535, b"PK\5\6" + b"x" * 60_000):
        content = raw_zip([packed_entry("a.json", b"[1]", 0)], comment=comment)
        assert _by_the_pipeline(content) == [("a.json", 0, b"[1]")]


def test_zip64_sizes_are_taken_from_the_field_in_their_order() -> None:
    entry = packed_entry("a.json", b"[1]", 0)
    listed = bytearray(entry.listed(0))
    struct.pack_into("<LL", listed, 20, 0xFFFFFFFF, 0xFFFFFFFF)
    field = struct.pack("<HHQQ", 1, 16, 3, 3)
    struct.pack_into("<H", listed, 30, len(field))
    directory = bytes(listed) + field
    body = entry.local()
    end = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 1, 1, len(directory), len(body), 0)
    assert _by_the_pipeline(body + directory + end) == [("a.json", 0, b"[1]")]
