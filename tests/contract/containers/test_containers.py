"""Zips as real programs write them, and zips that are not what they say."""

from __future__ import annotations

import base64
import io
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from console.display.views import print_summary
from pipeline_core.extract.walk import day_bytes
from pipeline_core.messages import Outcome, RepeatedEntry
from tests.support import archives as build
from tests.support.archives import (
    RawEntry,
    archive_zip,
    day_zip,
    packed_entry,
    packed_zip,
    write_shop,
)
from tests.support.run import rows, run_local, sales, summary, units, unreadable
from tests.support.verified import assert_agrees

DAY = "2024-03-01.zip"
WEEK = "week.zip"
METHODS = (*build.METHODS, build.DEFLATE64, build.ZSTANDARD)
# What 7-Zip 16.02 made of 120 purchases of 240 units, by `7z a -mx=9 -mm=...`.
OF_7_ZIP = {
    "Deflate64": (
        "UEsDBBUAAAAJAHxofV0z6eoipQAAAGAnAAAGAAAAYS5qc29u5c89CoNAFEXhrQyvtjHpspUQRMYHsVDH8Y0g"
        "4t79wR2o1WnPhQvfdxYdtbXCpqDycRJS9P9yUMmc+DRY12gs6mqffL7HELsqeTtbOFqfytZqm7aSL5m7+/P1"
        "wOd7+8Tb8Xa8HW/H2/F2vB1vx9vxdrwdb8fb8Xa8HW/H2/F2vB1vx9vxdrwdb8fb8Xa8HW/H2/F2vB1vx9vx"
        "drwdb8fb8fYr9t8KUEsBAj8DFQAAAAkAfGh9XTPp6iKlAAAAYCcAAAYAJAAAAAAAAAAggKSBAAAAAGEuanNv"
        "bgoAIAAAAAAAAQAYAPPX3RYCgN0BAAAAAAAAAAAAAAAAAAAAAFBLBQYAAAAAAQABAFgAAADJAAAAAAA="
    ),
    "LZMA": (
        "UEsDBD8AAgAOAHxofV0z6eoiigAAAGAnAAAGAAAAYS5qc29uGgIFAF0AMAAAAC2ewEZT8FgOdSUg3XLd5yeb"
        "RADEr+UuJH38hKK2UYbjmtXZv4XY/ITFBYf4Bu2bBcUPN8ES7P+yTPuW812a3SYChIT3L5+sQ5HdlKc2m64m"
        "hN8SaTTU/zLzKY1TuSjO/T5CW+eUqWCr5Fqj8S1MwQwbHUqTEncA/wYv//9GewAAUEsBAj8DPwACAA4AfGh9"
        "XTPp6iKKAAAAYCcAAAYAJAAAAAAAAAAggKSBAAAAAGEuanNvbgoAIAAAAAAAAQAYAPPX3RYCgN0BAAAAAAAA"
        "AAAAAAAAAAAAAFBLBQYAAAAAAQABAFgAAACuAAAAAAA="
    ),
}


def _run(folder: Path, archive: bytes, **limits: int) -> Outcome:
    """A run over one archive, which `verify` counts as well."""
    shop = write_shop(folder / "shop", {WEEK: archive})
    outcome = run_local(shop, folder, limits=limits)
    assert_agrees(folder, outcome)
    return outcome


def _run_day(folder: Path, day: bytes, **limits: int) -> Outcome:
    return _run(folder, archive_zip({DAY: day}), **limits)


def _day_of(units_sold: int, name: str = "a.json") -> bytes:
    return day_zip({name: sales(units_sold)})


# --- two zips in one file ------------------------------------------------------------------------


def _with_comment(content: bytes, comment: bytes) -> bytes:
    return content[:-2] + struct.pack("<H", len(comment)) + comment


def _before_its_end(content: bytes, between: bytes) -> bytes:
    """The directory stays where the end record says, which does not follow it at once."""
    end = content.rindex(b"PK\5\6")
    return content[:end] + between + content[end:]


ONE, OTHER = _day_of(1), _day_of(10, "b.json")
TWO_IN_ONE: dict[str, bytes] = {
    "one behind the other": ONE + OTHER,
    "the larger one in front": day_zip({"a.json": sales(1), "pad.txt": bytes(200_000)}) + OTHER,
    "a comment that is a zip": _with_comment(ONE, OTHER),
    "the rest of one behind": ONE + OTHER[:60],
    "one between directory and end": _before_its_end(ONE, OTHER[:-22]),
    "a directory alone in front": OTHER[OTHER.index(b"PK\1\2") :] + ONE,
    "an empty one behind": ONE + day_zip({}),
    "cut off in an inner one": build.raw_zip(
        [packed_entry("deep/1.zip", ONE, 0), packed_entry("deep/2.zip", ONE, 0)]
    )[: len(ONE) + 90],
}


@pytest.mark.parametrize("kind", TWO_IN_ONE)
def test_a_day_that_holds_another_zip_is_unreadable(tmp_path: Path, kind: str) -> None:
    sound = {DAY: TWO_IN_ONE[kind], "2024-03-02.zip": _day_of(100)}
    outcome = _run(tmp_path, archive_zip(sound))
    assert units(outcome) == 100
    ((place, cause),) = unreadable(outcome).items()
    assert place == (WEEK, DAY, None)
    assert "holds records of another zip" in cause


@pytest.mark.parametrize("joined", [b"".join, lambda two: _with_comment(*two)])
def test_an_archive_that_holds_another_zip_is_unreadable(
    tmp_path: Path, joined: Callable[[list[bytes]], bytes]
) -> None:
    two = [archive_zip({f"2024-03-0{n}.zip": _day_of(n)}) for n in (1, 2)]
    outcome = _run(tmp_path, joined(two))
    ((place, cause),) = unreadable(outcome).items()
    assert place == (WEEK, None, None)
    assert "the archive holds records of another zip" in cause


def test_a_stored_archive_that_is_cut_off_is_not_taken_for_one_of_its_days(tmp_path: Path) -> None:
    days = {f"2024-03-0{n}.zip": _day_of(n) for n in (1, 2, 3)}
    content = archive_zip(days, compression=0)
    second_end = content.index(b"PK\5\6", content.index(b"PK\5\6") + 1)
    causes = unreadable(_run(tmp_path, content[: second_end + 22]))
    assert list(causes) == [(WEEK, None, None)]
    assert "holds records of another zip" in causes[WEEK, None, None]


# In the code of an unpacker there are the signatures that it looks for.
UNPACKER = b"MZ" + bytes(300) + b"\x81\x38PK\3\4\x75\x1a\x81\x38PK\1\2\x74\x0f" + bytes(70_000)


@pytest.mark.parametrize("adjusted", [False, True], ids=["as appended", "offsets adjusted"])
@pytest.mark.parametrize("zip64", [False, True], ids=["", "zip64"])
def test_a_self_extracting_zip_is_read(tmp_path: Path, adjusted: bool, zip64: bool) -> None:
    entry = packed_entry("a.json", sales(3))
    day = UNPACKER + build.raw_zip([entry], zip64=zip64)
    if adjusted:  # as `zip -A` does
        moved = replace(entry, name="a.json")
        body, directory = UNPACKER + moved.local(), moved.listed(len(UNPACKER))
        day = body + directory + build.zip_end(1, len(directory), len(body), zip64=zip64)
    outcome = _run_day(tmp_path, day)
    assert (outcome.exit_code, units(outcome)) == (0, 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda day: _with_comment(day, b"made by PK\5\6, PK\3\4"),
        lambda day: _with_comment(day, b"x" * 65_535),
        lambda day: day + b"\r\n\0\0",
        lambda day: _before_its_end(day, b"PK\5\5\4\0sign"),
    ],
    ids=["a comment with signatures", "the longest comment", "bytes behind it", "a signature"],
)
def test_what_is_no_record_around_the_end_is_passed_over(
    tmp_path: Path, make: Callable[[bytes], bytes]
) -> None:
    outcome = _run_day(tmp_path, make(_day_of(3)))
    assert (outcome.exit_code, units(outcome)) == (0, 3)


# --- entries that are listed twice, or share a name, or bytes ------------------------------------


def test_an_entry_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    day = build.overlap_zip(sales(3), 2, name="a.json")
    outcome = _run(tmp_path, build.raw_zip([packed_entry(DAY, day)] * 2, overlap=True))
    found = summary(outcome)
    assert (outcome.exit_code, units(outcome), found.parts.read, found.days.read) == (0, 3, 1, 1)
    assert found.repeated_parts == ()


def test_parts_of_one_name_all_count_and_are_told_and_equal_ones_count_once(tmp_path: Path) -> None:
    first = [("a.json", sales(1)), ("a.json", sales(10)), ("a.json", sales(10)), ("b.json", b"[]")]
    again = [("x/b.json", sales(100)), ("b.json", sales(1000)), ("b.json", sales(1000))]
    days = [(DAY, day_zip(first)), (DAY, day_zip(again)), (DAY, day_zip(again))]
    outcome = _run(tmp_path, archive_zip(days))
    found = summary(outcome)
    assert (outcome.exit_code, units(outcome)) == (0, 1111)
    assert (found.parts.read, found.days.read, found.days.duplicate) == (5, 2, 1)
    assert found.repeated_parts == (RepeatedEntry(WEEK, DAY), RepeatedEntry(WEEK, DAY, "a.json"))
    assert found.events.seen == 4
    page = (tmp_path / "reports" / "latest" / "index.html").read_text()
    told = [f"<bdi>{name}</bdi>" for name in (WEEK, DAY, "a.json")]
    assert " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(told) in page
    console = Console(file=(out := io.StringIO()), width=200)
    print_summary(console, found)
    assert f"all counted: 2 ({WEEK} > {DAY}, {WEEK} > {DAY} > a.json)." in out.getvalue()


def test_repeated_parts_are_told_of_reused_work_as_well(tmp_path: Path) -> None:
    day = day_zip([("a.json", sales(1)), ("a.json", sales(10)), ("a.json", sales(10))])
    shop = write_shop(tmp_path / "shop", {WEEK: archive_zip({DAY: day})})
    first = summary(run_local(shop, tmp_path))
    (shop.data / "other.zip").write_bytes(archive_zip({"2024-03-02.zip": _day_of(100)}))
    same_receipt = summary(run_local(shop, tmp_path))
    (shop.data / WEEK).unlink()
    (shop.data / "renamed.zip").write_bytes(archive_zip({DAY: day, "2024-03-03.zip": ONE}))
    same_extract = summary(run_local(shop, tmp_path))
    assert (first.days.reused, same_receipt.days.reused, same_extract.days.reused) == (0, 1, 2)
    assert [found.totals.units_sold for found in (first, same_receipt, same_extract)] == [
        *(11, 111, 112)
    ]
    assert first.repeated_parts == same_receipt.repeated_parts
    assert same_extract.repeated_parts == (RepeatedEntry("renamed.zip", DAY, "a.json"),)


def test_no_more_repeated_parts_are_kept_than_anybody_reads(tmp_path: Path) -> None:
    parts = [(f"{n:04}.json", sales(units)) for n in range(1001) for units in (1, 2)]
    found = summary(_run_day(tmp_path, day_zip(parts))).repeated_parts
    assert len(found) == 1000
    assert found[-1] == RepeatedEntry(WEEK, DAY, "0999.json")


def test_equal_parts_of_two_names_both_count(tmp_path: Path) -> None:
    outcome = _run_day(tmp_path, day_zip({"a.json": sales(1), "b.json": sales(1)}))
    assert units(outcome) == 2


def test_a_part_under_a_second_name_is_no_second_part(tmp_path: Path) -> None:
    entry = packed_entry("a.json", sales(3))
    outcome = _run_day(
        tmp_path, build.raw_zip([entry, replace(entry, name="b.json")], overlap=True)
    )
    assert units(outcome) == 3
    causes = unreadable(outcome)
    assert list(causes) == [(WEEK, DAY, "b.json")]
    assert "shares its bytes with a.json" in causes[WEEK, DAY, "b.json"]


def _quoting_zip(content: bytes, count: int) -> bytes:
    """Entries with headers of their own, all of which lead to the same data: the extra field of
    each local header holds the headers of those behind it."""
    inner = packed_entry("00.json", content)
    offsets, body = [0], inner.local()
    for number in range(1, count):
        quoted = body[: len(body) - len(inner.data)]
        extra = struct.pack("<HH", 0x9999, len(quoted)) + quoted
        offsets = [offset + 30 + 7 + 4 for offset in offsets]
        offsets.append(0)
        body = replace(inner, name=f"{number:02}.json", local_extra=extra).local()
    listed = [
        replace(inner, name=f"{number:02}.json").listed(offset)
        for number, offset in enumerate(offsets)
    ]
    directory = b"".join(listed)
    return body + directory + build.zip_end(count, len(directory), len(body))


def test_parts_that_share_their_data_count_once(tmp_path: Path) -> None:
    outcome = _run_day(tmp_path, _quoting_zip(sales(3), 5))
    assert units(outcome) == 3
    assert [place[2] for place in unreadable(outcome)] == [f"0{n}.json" for n in range(1, 5)]


def test_a_day_under_many_names_is_inflated_once_to_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = packed_entry(DAY, _day_of(3))
    archive = build.raw_zip([replace(day, name=f"{n}/{DAY}") for n in range(50)], overlap=True)
    inflated = list[str]()

    def noted(opened: Any, entry: Any, *more: Any) -> Any:
        inflated.append(entry.name)
        return day_bytes(opened, entry, *more)

    monkeypatch.setattr(import_module("pipeline_core.extract.days"), "day_bytes", noted)
    found = summary(_run(tmp_path, archive))
    assert (found.days.read, found.days.duplicate, len(inflated)) == (1, 49, 1)


# --- end records ---------------------------------------------------------------------------------


def test_a_stored_archive_with_a_zip64_end_is_read(tmp_path: Path) -> None:
    """Its days have more entries together than an archive may have."""
    days = [
        packed_entry(f"2024-03-0{n}.zip", day_zip({f"{p}.json": sales(n) for p in range(3)}), 0)
        for n in (1, 2, 3)
    ]
    for zip64 in (True, False):
        outcome = _run(tmp_path / str(zip64), build.raw_zip(days, zip64=zip64), zip_entries=4)
        assert (outcome.exit_code, units(outcome)) == (0, 18)


def _patched(content: bytes, place: int, form: str, *values: int) -> bytes:
    """The end record says something else, `place` bytes from its beginning."""
    changed = bytearray(content)
    struct.pack_into(form, changed, content.rindex(b"PK\5\6") + place, *values)
    return bytes(changed)


ZIP64 = build.raw_zip([packed_entry("a.json", sales(3))], zip64=True)
NO_ZIP: dict[str, tuple[bytes, str]] = {
    "fewer entries than there are": (
        _patched(day_zip({"a.json": sales(1), "b.json": sales(2)}), 8, "<HH", 1, 1),
        "its directory has 2 entries, its end says 1",
    ),
    "a piece of several": (_patched(ONE, 4, "<HH", 2, 2), "one piece of a zip in several files"),
    "an end before the directory": (_patched(ONE, 12, "<L", 1 << 20), "not where its end record"),
    "two ends that differ": (_patched(ZIP64, 8, "<HHLL", 1, 1, 60, 7), "do not agree"),
    "no second end": (ZIP64.replace(b"PK\6\6", b"PK\6\0"), "zip64 end record is missing"),
    "a directory cut off": (_patched(ONE, 12, "<L", 60), "not where its end record"),
}


@pytest.mark.parametrize("kind", NO_ZIP)
def test_a_day_whose_end_record_lies_is_no_zip(tmp_path: Path, kind: str) -> None:
    day, cause = NO_ZIP[kind]
    causes = unreadable(_run(tmp_path, archive_zip({DAY: day, "2024-03-02.zip": _day_of(1)})))
    assert list(causes) == [(WEEK, DAY, None)]
    assert "the day is not a zip" in causes[WEEK, DAY, None]
    assert cause in causes[WEEK, DAY, None]


def test_a_directory_of_names_as_long_as_they_may_be_is_refused(tmp_path: Path) -> None:
    names = [f"{n:02}{'x' * 65_000}.txt" for n in range(40)]
    day = build.raw_zip([RawEntry(name, b"", 0, 0) for name in names])
    causes = unreadable(_run_day(tmp_path, day, zip_entries=100))
    assert re.fullmatch(
        r"the day has a directory of \d+ bytes, over the limit of 1048576: raise "
        r"SALES_MAX_ZIP_ENTRIES, which allows 1024 bytes for each entry",
        causes[WEEK, DAY, None],
    )


# --- names ---------------------------------------------------------------------------------------

BROKEN_EXTRA = b"\1\0\x40\0x"  # says that 64 bytes follow


@pytest.mark.parametrize(
    "odd",
    [
        RawEntry("x/a.json", b"", 0, 0, local_name=b"x\\a.json"),
        RawEntry("note.txt", b"", 0, 0, extra=BROKEN_EXTRA),
        RawEntry("note.txt", b"", 0, 0, extra=b"\1\0\4\0abcd"),
        RawEntry("note.txt", b"", 0, 0, extra=b"\xff"),
        RawEntry(b"caf\xe9.txt", b"", 0, 0),
        RawEntry(b"caf\xe9.txt", b"", 0, 0, flags=0),
        RawEntry("note.txt", b"", 0, 0, extra=b"\x75\x70\6\0\1" + struct.pack("<L", 0) + b"\xff"),
    ],
    ids=["slashes", "extra", "short zip64", "half", "no UTF-8", "code page", "Unicode path"],
)
def test_an_odd_entry_costs_nothing_else(tmp_path: Path, odd: RawEntry) -> None:
    if isinstance(odd.name, str) and odd.name.endswith(".json"):
        odd = replace(odd, data=(part := sales(3)), size=len(part), crc=zlib.crc32(part))
        day = build.raw_zip([odd])
    else:
        day = build.raw_zip([odd, packed_entry("a.json", sales(3))])
    archive = build.raw_zip(
        [replace(odd, name=build.name_bytes(odd) + b".txt"), packed_entry(DAY, day)]
    )
    outcome = _run(tmp_path, archive)
    assert (outcome.exit_code, units(outcome)) == (0, 3)


def test_a_part_whose_name_is_not_utf8_is_read_and_has_a_name(tmp_path: Path) -> None:
    content = sales(0)
    entry = RawEntry(b"caf\xe9.json", content, len(content), zlib.crc32(content))
    _run_day(tmp_path, build.raw_zip([entry]))
    assert rows(tmp_path, "rejects.csv")[0][3] == "caf\N{GREEK CAPITAL LETTER THETA}.json"


def _unicode_path(name: str, made_for: bytes) -> bytes:
    field = b"\1" + struct.pack("<L", zlib.crc32(made_for)) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field


@pytest.mark.parametrize(
    ("extra", "date"),
    [
        (_unicode_path("Verkäufe 2024-03-05.zip", b"2024-03-01.zip"), "2024-03-05"),
        (_unicode_path("Verkäufe 2024-03-05.zip", b"another.zip"), "2024-03-01"),
        (_unicode_path("", b"2024-03-01.zip"), "2024-03-01"),
        (b"", "2024-03-01"),
    ],
    ids=["its own", "of another name", "empty", "none"],
)
def test_the_unicode_path_is_the_name_if_it_was_made_for_it(
    tmp_path: Path, extra: bytes, date: str
) -> None:
    entry = replace(packed_entry(b"2024-03-01.zip", _day_of(3)), extra=extra, flags=0)
    _run(tmp_path, build.raw_zip([entry]))
    assert [row[0] for row in rows(tmp_path, "daily_sales.csv")] == [date]


# --- methods -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch_size", [50_000, 1], ids=["whole", "in blocks"])
def test_every_method_is_read_at_both_levels(tmp_path: Path, method: int, batch_size: int) -> None:
    part = b"[" + b" " * 3_000_000 + sales(3)[1:]
    day = packed_zip({"a.json": part, "b.json": b"[]"}, method)
    shop = write_shop(tmp_path / "shop", {WEEK: packed_zip({DAY: day}, method)})
    outcome = run_local(shop, tmp_path, batch_size=batch_size)
    assert (outcome.exit_code, units(outcome)) == (0, 3)
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("method", OF_7_ZIP)
def test_what_7_zip_packs_is_read(tmp_path: Path, method: str) -> None:
    outcome = _run_day(tmp_path, base64.b64decode(OF_7_ZIP[method]))
    assert (outcome.exit_code, units(outcome)) == (0, 240)


@pytest.mark.parametrize("method", METHODS)
def test_a_part_that_is_cut_off_is_unreadable_by_every_method(tmp_path: Path, method: int) -> None:
    entry = packed_entry("a.json", sales(3) * 50, method)
    day = build.raw_zip([replace(entry, data=entry.data[: len(entry.data) // 2])])
    causes = unreadable(_run_day(tmp_path, day))
    assert list(causes) == [(WEEK, DAY, "a.json")]
    assert "cannot be inflated" in causes[WEEK, DAY, "a.json"]


@pytest.mark.parametrize("method", METHODS)
def test_a_part_that_declares_less_than_it_holds_is_unreadable_by_every_method(
    tmp_path: Path, method: int
) -> None:
    entry = packed_entry("a.json", b" " * 5_000_000 + sales(3), method)
    causes = unreadable(_run_day(tmp_path, build.raw_zip([replace(entry, size=100)])))
    assert list(causes) == [(WEEK, DAY, "a.json")]
    assert "it declares 100 bytes, it holds more" in causes[WEEK, DAY, "a.json"]


UNREAD: dict[str, tuple[dict[str, Any], str]] = {
    "PPMd": ({"method": 98}, "PPMd (98) is not supported"),
    "XZ": ({"method": 95}, "XZ (95) is not supported"),
    "Implode": ({"method": 6}, "Implode (6) is not supported"),
    "none": ({"method": 77}, "an unknown method (77) is not supported"),
    "AES": ({"method": 99, "flags": 1}, "encrypted (WinZip AES)"),
    "ZipCrypto": ({"flags": 1}, "encrypted (ZipCrypto)"),
    "strong": ({"flags": 0x41}, "encrypted (PKWARE's strong encryption)"),
    "patch": ({"flags": 0x20}, "a patch of another file"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_read_is_called_by_its_name(tmp_path: Path, kind: str) -> None:
    fields, cause = UNREAD[kind]
    entry = replace(packed_entry("a.json", sales(9)), **fields)
    day = build.raw_zip([entry, packed_entry("b.json", sales(1))])
    outcome = _run_day(tmp_path, day)
    assert units(outcome) == 1
    assert cause in unreadable(outcome)[WEEK, DAY, "a.json"]


# --- dictionaries --------------------------------------------------------------------------------


def _lzma_day(content: bytes, claimed: int) -> bytes:
    data = build.lzma_data(content, 1 << 16, claimed=claimed)
    entry = packed_entry("a.json", content, build.METHODS[-1])
    return build.raw_zip([replace(entry, data=data)])


def _zstandard_day(content: bytes, **how: int) -> bytes:
    entry = packed_entry("a.json", content, build.ZSTANDARD)
    return build.raw_zip([replace(entry, data=build.zstandard_data(content, **how))])


def test_an_lzma_dictionary_takes_no_more_than_the_entry_is_long(tmp_path: Path) -> None:
    outcome = _run_day(tmp_path, _lzma_day(sales(3), 0xFFFFFFFF), dictionary_bytes=1 << 16)
    assert (outcome.exit_code, units(outcome)) == (0, 3)


def test_an_lzma_dictionary_over_the_limit_is_refused_with_what_to_do(tmp_path: Path) -> None:
    day = _lzma_day(b" " * 200_000 + sales(3), 1 << 30)
    causes = unreadable(_run_day(tmp_path, day, dictionary_bytes=1 << 16))
    assert (
        "is over the limit of 65536: raise SALES_MAX_DICTIONARY_BYTES"
        in (causes[WEEK, DAY, "a.json"])
    )


def test_a_zstandard_window_over_the_limit_is_refused_with_what_to_do(tmp_path: Path) -> None:
    content = b" " * (1 << 21) + sales(3)
    for limit, sold in ((1 << 20, 3), ((1 << 20) - 1, 0)):
        folder = tmp_path / str(limit)
        outcome = _run_day(folder, _zstandard_day(content), dictionary_bytes=limit)
        assert units(outcome) == sold
    causes = unreadable(outcome)
    assert "SALES_MAX_DICTIONARY_BYTES is the limit" in causes[WEEK, DAY, "a.json"]


def test_several_zstandard_frames_are_one_part(tmp_path: Path) -> None:
    content = b" " * 300_000 + sales(3)
    skippable = b"\x50\x2a\x4d\x18\4\0\0\0abcd"
    entry = packed_entry("a.json", content, build.ZSTANDARD)
    data = skippable + build.zstandard_data(content, frames=1000) + skippable
    outcome = _run_day(tmp_path, build.raw_zip([replace(entry, data=data)]))
    assert (outcome.exit_code, units(outcome)) == (0, 3)


def test_zstandard_frames_that_hold_next_to_nothing_are_refused(tmp_path: Path) -> None:
    content = sales(3)
    entry = packed_entry("a.json", content, build.ZSTANDARD)
    data = build.zstandard_data(b"") * 2000 + entry.data
    causes = unreadable(_run_day(tmp_path, build.raw_zip([replace(entry, data=data)])))
    assert "too many frames" in causes[WEEK, DAY, "a.json"]
